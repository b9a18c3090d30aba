//! The demo in SQL: one transaction, into an empty installation.

use jiff::Timestamp;
use uuid::Uuid;

use super::city::{ADMIN, CITY, CityLot, LOTS, Person, Use, people};
use super::rhythm::{DemoStay, Random, Who, joined, stays};
use crate::app::App;
use crate::audit::{self, Action, Actor, Subject};
use crate::auth::Role;
use crate::auth::store::{admin_exists, insert_account};
use crate::bookings::plate::Plate;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::imports::progress_bar;
use crate::imports::sessions::ImportedBooking;
use crate::imports::store::{in_words, insert_bookings, tell_others};
use crate::jobs::New;
use crate::lots::store::{insert, spots};
use crate::lots::tariff::{Price, Tariff};
use crate::lots::{LotDetails, Position};
use crate::money::Currency;
use crate::reports::MonthlyReports;
use crate::users::{Email, Name};
use crate::vehicles;

/// An hour in a lot of the base price, in the major unit: of India, of other places.
const HOUR_INR: i64 = 50;
const HOUR_ELSEWHERE: i64 = 2;
const CHUNK: usize = 250;

/// What was written.
#[derive(Debug, Clone, Copy)]
pub struct Written {
    pub made_admin: bool,
    pub bookings: usize,
    pub open: usize,
}

/// A lot that was written, with its spots in the order of their labels.
struct DemoLot {
    id: Uuid,
    price: Price,
    currency: Currency,
    spots: Vec<(Uuid, String)>,
}

/// Fills an installation that holds nothing but its admin. `hashes` are of the passwords of the
/// admin and of the driver.
///
/// # Errors
/// In words: when it holds anything; what storage says.
pub fn write(
    app: &App,
    seed: u64,
    (from, now): (Timestamp, Timestamp),
    [admin_hash, driver_hash]: [String; 2],
) -> Result<Written, String> {
    let mut random = Random::new(seed);
    let people = people(&mut random);
    let stays = stays(&people, &app.config.time_zone, (from, now), random);
    let bar = progress_bar(stays.len(), "Bookings");
    let writing = app.clone();
    let shown = bar.clone();
    let write = move |tx: &mut Tx<'_>| {
        shown.set_position(0);
        refuse_data(tx)?;
        let made_admin = !admin_exists(tx)?;
        if made_admin {
            account(tx, from, (ADMIN.0, ADMIN.1, Role::Admin), &admin_hash)?;
        }
        let accounts = write_people(tx, (from, now), &people, &driver_hash)?;
        let lots = write_lots(tx, from, &writing)?;
        let mut open = 0;
        for chunk in stays.chunks(CHUNK) {
            let bookings: Vec<_> =
                chunk.iter().map(|stay| booking(stay, &lots, &accounts)).collect();
            open += insert_bookings(tx, now, &bookings)?;
            shown.inc(chunk.len() as u64);
        }
        out_of_service(tx, &lots)?;
        // The reports of last month, as a schedule would make them.
        writing.queue.enqueue(tx, &New::of(&MonthlyReports { at: now }))?;
        tell_others(tx, &writing.catalogue);
        Ok(Written { made_admin, bookings: stays.len(), open })
    };
    let written = app.db.write_blocking(Uuid::nil(), write).map_err(in_words)?;
    app.reread_blocking().map_err(in_words)?;
    bar.finish_and_clear();
    Ok(written)
}

fn refuse_data(tx: &mut Tx<'_>) -> Result<()> {
    let counts = [
        ("lots", "select count(*) from lots"),
        ("bookings", "select count(*) from bookings"),
        ("accounts of drivers", "select count(*) from users where not is_admin"),
    ];
    for (what, sql) in counts {
        let count: i64 = tx.one(sql, &[], |row| row.get(0))?;
        if count > 0 {
            return Err(Error::Malformed(format!(
                "this installation holds data: {count} {what}. The demo is for an empty one: set \
                 DATA_DIR to a new folder, or DATABASE_URL to an empty database"
            )));
        }
    }
    Ok(())
}

fn account(
    tx: &mut Tx<'_>,
    at: Timestamp,
    (name, email, role): (&str, &str, Role),
    password_hash: &str,
) -> Result<Uuid> {
    let wrong = |message: String| Error::Internal(format!("{name}: {message}"));
    let name: Name = name.parse().map_err(wrong)?;
    let email: Email = email.parse().map_err(|message: String| Error::Internal(message))?;
    Ok(insert_account(tx, at, (&name, &email, role), password_hash)?.id)
}

/// Accounts and vehicles. Only the demo's driver can sign in and is written to.
fn write_people(
    tx: &mut Tx<'_>,
    (from, now): (Timestamp, Timestamp),
    people: &[Person],
    driver_hash: &str,
) -> Result<Vec<Uuid>> {
    /// No password hashes to this.
    const NOBODYS: &str = "";
    let mut ids = Vec::with_capacity(people.len());
    for (number, person) in people.iter().enumerate() {
        let at = from + now.duration_since(from).mul_f64(joined(number, people.len()));
        let hash = if number == 0 { driver_hash } else { NOBODYS };
        let id = account(tx, at, (&person.name, &person.email, Role::User), hash)?;
        for plate in &person.plates {
            let plate: Plate = plate.parse().map_err(Error::Internal)?;
            let name = (number == 0).then_some(if plate.as_str() == person.plates[0] {
                "Hatchback"
            } else {
                "Scooter"
            });
            vehicles::store::insert(tx, at, id, (&plate, name, false))?;
        }
        ids.push(id);
    }
    tx.exec(
        "update users set password_hash = null, reminders_by = 'none', remind_open = $1, \
         remind_news = $1, monthly_reports = $1 where password_hash = ''",
        &[false.into()],
    )?;
    Ok(ids)
}

fn write_lots(tx: &mut Tx<'_>, at: Timestamp, app: &App) -> Result<Vec<DemoLot>> {
    let defaults = app.lot_defaults();
    let currency = defaults.currency;
    let hour = if currency.as_str() == "INR" { HOUR_INR } else { HOUR_ELSEWHERE };
    let minor = (0..currency.decimals()).fold(hour, |amount, _| amount * 10);
    let mut lots = Vec::with_capacity(LOTS.len());
    for lot in LOTS {
        let details = details(lot, minor, currency, &defaults.time_zone);
        let row = insert(tx, at, &details, lot.spots, None)?;
        let subject = Some(Subject::Lot(row.id));
        let detail = serde_json::json!({ "name": lot.name, "number_of_spots": lot.spots });
        audit::store::record(tx, at, &Actor::default(), Action::LotCreated, subject, &detail)?;
        let spots = spots(tx, row.id)?.into_iter().map(|spot| (spot.id, spot.label)).collect();
        lots.push(DemoLot { id: row.id, price: details.price, currency, spots });
    }
    Ok(lots)
}

fn details(lot: &CityLot, hour_minor: i64, currency: Currency, time_zone: &str) -> LotDetails {
    let per_hour_minor = hour_minor * lot.price_tenths / 10;
    LotDetails {
        name: lot.name.into(),
        address: Some(lot.address.into()),
        city: Some(CITY.into()),
        pin_code: Some(lot.pin_code.into()),
        position: Some(Position { latitude: lot.latitude, longitude: lot.longitude }),
        time_zone: time_zone.into(),
        currency,
        price: Price {
            per_hour_minor,
            tariff: Tariff {
                free_minutes: lot.free_minutes,
                increment_minutes: lot.increment_minutes,
                daily_cap_minor: lot.daily_cap_hours.map(|hours| hours * per_hour_minor),
            },
        },
    }
}

fn booking(stay: &DemoStay, lots: &[DemoLot], accounts: &[Uuid]) -> ImportedBooking {
    let lot = &lots[stay.lot];
    let (spot, spot_label) = lot.spots[stay.spot].clone();
    ImportedBooking {
        lot: lot.id,
        spot,
        spot_label,
        user: match stay.who {
            Who::Person(person, _) => Some(accounts[person]),
            Who::WalkIn => None,
        },
        plate: Some(stay.plate.clone()),
        started_at: stay.started_at,
        ended_at: stay.ended_at,
        price: lot.price,
        currency: lot.currency,
    }
}

/// The last spots of the largest lots are being mended.
fn out_of_service(tx: &mut Tx<'_>, lots: &[DemoLot]) -> Result<()> {
    const MENDED: i64 = 3;
    for (lot, city) in lots.iter().zip(LOTS) {
        if !matches!(city.used_for, Use::Airport | Use::Stadium) {
            continue;
        }
        let free = tx.all(
            &format!(
                "select spot_id from free_spots where lot_id = $1 \
                 order by label_order desc limit {MENDED}"
            ),
            &[lot.id.into()],
            |row| row.get::<Uuid>(0),
        )?;
        for spot in free {
            tx.exec(
                "update spots set out_of_service = $1 where id = $2",
                &[true.into(), spot.into()],
            )?;
            tx.exec("delete from free_spots where spot_id = $1", &[spot.into()])?;
        }
    }
    Ok(())
}
