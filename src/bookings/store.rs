//! Bookings in SQL.
//!
//! Never two bookings on a spot: the lot is locked first, its first free spot is taken, and the
//! unique index `bookings_open_spot` stands behind it.

use jiff::Timestamp;
use uuid::Uuid;

use super::plate::Plate;
use super::{AdminBooking, BookingStatus, Record};
use crate::db::{Asked, Row, Tx, Value};
use crate::error::{Error, Result};
use crate::http::paging::{Page, Paging};
use crate::ids;
use crate::lots::store::{currency, give_back, price_at, take_first_free};
use crate::lots::tariff::Price;
use crate::users::Person;

/// Who parks.
#[derive(Debug, Clone, Copy)]
pub enum Driver {
    User {
        id: Uuid,
        /// How many open bookings they may have at once.
        open_max: i64,
    },
    WalkIn,
}

/// Takes the first free spot of a lot: the one with the lowest label.
///
/// # Errors
/// 404; 409 `too_many_open_bookings`, `vehicle_already_parked`, `lot_full`; 401 when the account
/// was disabled a moment ago.
pub fn book(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lot: Uuid,
    driver: Driver,
    plate: Option<&Plate>,
) -> Result<Record> {
    // In this order, because it is the order of their locks.
    let asked = tx.ask_locked(
        "select name, currency, price_per_hour_minor, free_minutes, increment_minutes, \
         daily_cap_minor from lots where id = $1 and deleted_at is null",
        [lot.into()],
    )?;
    let permission = Permission::ask(tx, driver, plate)?;
    let (lot_name, code, price) = asked
        .opt(tx, |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, price_at(row, 2)?)))?
        .ok_or(Error::NotFound)?;
    let user_id = permission.check(tx)?;
    let (spot_id, spot_label) = take_first_free(tx, lot)?.ok_or(Error::Conflict("lot_full"))?;
    let id = ids::new_id(now);
    let reference = ids::new_reference(now);
    let Price { per_hour_minor, tariff } = price;
    tx.send(
        "insert into bookings (id, reference, lot_id, spot_id, spot_label, user_id, \
         vehicle_plate, started_at, price_per_hour_minor, currency, free_minutes, \
         increment_minutes, daily_cap_minor) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &[
            id.into(),
            (&reference).into(),
            lot.into(),
            spot_id.into(),
            (&spot_label).into(),
            user_id.into(),
            plate.map(Plate::as_str).into(),
            now.into(),
            per_hour_minor.into(),
            (&code).into(),
            tariff.free_minutes.into(),
            tariff.increment_minutes.into(),
            tariff.daily_cap_minor.into(),
        ],
    )?;
    Ok(Record {
        id,
        reference,
        lot_id: lot,
        lot_name,
        spot_id,
        spot_label,
        user_id,
        vehicle_plate: plate.map(|plate| plate.as_str().to_owned()),
        started_at: now,
        released: None,
        price,
        currency: currency(&code)?,
    })
}

/// Whether a driver may park, with this vehicle: asked together with what else a booking asks.
struct Permission<'q> {
    /// `None`: a walk-in.
    account: Option<(Uuid, i64, Asked<'q, 1>)>,
    parked: Asked<'q, 2>,
}

impl<'q> Permission<'q> {
    fn ask(tx: &mut Tx<'_>, driver: Driver, plate: Option<&'q Plate>) -> Result<Self> {
        let account = match driver {
            Driver::WalkIn => None,
            Driver::User { id, open_max } => {
                let sql = "select active from users where id = $1";
                Some((id, open_max, tx.ask_locked(sql, [id.into()])?))
            }
        };
        let user = account.as_ref().map(|(id, ..)| *id);
        let parked = tx.ask(
            "select (select count(*) from bookings where user_id = $1 and released_at is null), \
             exists (select 1 from bookings where vehicle_plate = $2 and released_at is null)",
            [user.into(), plate.map(Plate::as_str).into()],
        )?;
        Ok(Self { account, parked })
    }

    /// Gives the account to book on.
    fn check(&self, tx: &mut Tx<'_>) -> Result<Option<Uuid>> {
        let (mut user, mut open_max) = (None, i64::MAX);
        if let Some((id, most, active)) = &self.account {
            if active.opt(tx, |row| row.get::<bool>(0))? != Some(true) {
                return Err(Error::Unauthorized("invalid_token"));
            }
            (user, open_max) = (Some(*id), *most);
        }
        let (open, parked) =
            self.parked.one(tx, |row| Ok((row.get::<i64>(0)?, row.get::<bool>(1)?)))?;
        if open >= open_max {
            return Err(Error::Conflict("too_many_open_bookings"));
        }
        if parked {
            return Err(Error::Conflict("vehicle_already_parked"));
        }
        Ok(user)
    }
}

/// The columns that [`record`] reads.
const COLUMNS: &str = "b.id, b.reference, b.lot_id, l.name, b.spot_id, b.spot_label, \
     b.user_id, b.vehicle_plate, b.started_at, b.released_at, b.cost_minor, b.currency, \
     b.price_per_hour_minor, b.free_minutes, b.increment_minutes, b.daily_cap_minor";
const FROM: &str = "from bookings b join lots l on l.id = b.lot_id";

fn record(row: &Row<'_>) -> Result<Record, crate::db::Error> {
    let released_at: Option<Timestamp> = row.get(9)?;
    Ok(Record {
        id: row.get(0)?,
        reference: row.get(1)?,
        lot_id: row.get(2)?,
        lot_name: row.get(3)?,
        spot_id: row.get(4)?,
        spot_label: row.get(5)?,
        user_id: row.get(6)?,
        vehicle_plate: row.get(7)?,
        started_at: row.get(8)?,
        released: released_at.zip(row.get(10)?),
        currency: currency(&row.get::<String>(11)?)?,
        price: price_at(row, 12)?,
    })
}

/// # Errors
/// 404
pub fn by_id(tx: &mut Tx<'_>, id: Uuid) -> Result<Record> {
    let sql = format!("select {COLUMNS} {FROM} where b.id = $1");
    tx.opt(&sql, &[id.into()], record)?.ok_or(Error::NotFound)
}

/// What became of a booking that was closed.
pub struct Closed {
    /// Whether its user wants a receipt by mail.
    pub wants_receipt: bool,
}

/// Closes an open booking and frees its spot. `None`: another replica was faster.
///
/// # Errors
/// Those of storage.
pub fn close(
    tx: &mut Tx<'_>,
    booking: &mut Record,
    released_at: Timestamp,
    cost_minor: i64,
) -> Result<Option<Closed>> {
    let wish = tx.ask("select receipts from users where id = $1", [booking.user_id.into()])?;
    let closed = tx.exec(
        "update bookings set released_at = $1, cost_minor = $2 \
         where id = $3 and released_at is null",
        &[released_at.into(), cost_minor.into(), booking.id.into()],
    )?;
    if closed == 0 {
        *booking = by_id(tx, booking.id)?;
        return Ok(None);
    }
    give_back(tx, booking.spot_id)?;
    booking.released = Some((released_at, cost_minor));
    let wants_receipt = wish.opt(tx, |row| row.get::<bool>(0))?.unwrap_or_default();
    Ok(Some(Closed { wants_receipt }))
}

/// Which bookings a list shows.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    pub lot: Option<Uuid>,
    pub user: Option<Uuid>,
    pub status: Option<BookingStatus>,
    pub plate: Option<String>,
    /// Started at or after.
    pub from: Option<Timestamp>,
    /// Started before.
    pub to: Option<Timestamp>,
}

/// A `where` clause that grows.
struct Filter<'a> {
    sql: String,
    params: Vec<Value<'a>>,
}

impl<'a> Filter<'a> {
    fn and(&mut self, condition: &str, value: impl Into<Value<'a>>) {
        self.params.push(value.into());
        self.sql.push_str(&format!(" and {condition} ${}", self.params.len()));
    }
}

impl Selection {
    /// A booking's id carries its start, so a span of time is a span of ids.
    fn filter(&self, before: Uuid) -> Filter<'_> {
        let to = self.to.map(ids::first_id);
        let before = to.map_or(before, |to| to.min(before));
        let mut filter = Filter { sql: " where b.id < $1".into(), params: vec![before.into()] };
        if let Some(from) = self.from {
            filter.and("b.id >=", ids::first_id(from));
        }
        if let Some(lot) = self.lot {
            filter.and("b.lot_id =", lot);
        }
        if let Some(user) = self.user {
            filter.and("b.user_id =", user);
        }
        if let Some(plate) = &self.plate {
            // A prefix, as a span of text: an index serves it on both engines.
            filter.and("b.vehicle_plate >=", plate.as_str());
            filter.params.push(Value::Text(plate));
            filter.sql.push_str(&format!(
                " and b.vehicle_plate < ${} || '\u{10ffff}'",
                filter.params.len()
            ));
        }
        match self.status {
            None => {}
            Some(BookingStatus::Open) if self.user.is_some() || self.plate.is_some() => {
                filter.sql.push_str(" and b.released_at is null");
            }
            Some(BookingStatus::Open) => {
                // The few that are open, by their index, instead of all that were since the first
                // of them. "Any spot" is what lets PostgreSQL use it.
                filter.params.push(Uuid::nil().into());
                filter.sql.push_str(&format!(
                    " and b.id in (select id from bookings where released_at is null and spot_id >= ${})",
                    filter.params.len()
                ));
            }
            Some(BookingStatus::Closed) => filter.sql.push_str(" and b.released_at is not null"),
        }
        filter
    }
}

/// Bookings, the newest first.
///
/// # Errors
/// Those of storage.
pub fn list(tx: &mut Tx<'_>, selection: &Selection, paging: &Paging) -> Result<Page<Record>> {
    let filter = selection.filter(paging.before());
    let limit = paging.limit_and_one();
    let sql = format!("select {COLUMNS} {FROM}{} order by b.id desc limit {limit}", filter.sql);
    let rows = tx.all(&sql, &filter.params, record)?;
    Ok(Page::cut(rows, paging, |booking| booking.id))
}

/// Reads up to `limit` bookings with an id above `after`, the oldest first, and their users.
///
/// # Errors
/// Those of storage and of `read`.
pub fn oldest_first(
    tx: &mut Tx<'_>,
    selection: &Selection,
    after: Uuid,
    limit: usize,
    mut read: impl FnMut(&Record, Option<&Person>) -> Result<(), crate::db::Error>,
) -> Result<()> {
    let mut filter = selection.filter(Uuid::max());
    filter.and("b.id >", after);
    // Chosen before anything is joined: PostgreSQL plans a prepared statement without knowing the
    // span, and would join and sort all the rows that are left.
    let sql = format!(
        "select {COLUMNS}, u.id, u.name, u.email \
         from (select * from bookings b{} order by b.id limit {limit}) b \
         join lots l on l.id = b.lot_id left join users u on u.id = b.user_id order by b.id",
        filter.sql
    );
    tx.all(&sql, &filter.params, |row| {
        let person = match row.get::<Option<Uuid>>(16)? {
            None => None,
            Some(id) => {
                let email = row.get::<Option<String>>(18)?.unwrap_or_default();
                Some(Person { id, name: row.get(17)?, email })
            }
        };
        read(&record(row)?, person.as_ref())
    })?;
    Ok(())
}

/// A person's bookings that have been open since before `since`, the oldest first.
///
/// # Errors
/// Those of storage.
pub fn open_since(tx: &mut Tx<'_>, user: Uuid, since: Timestamp) -> Result<Vec<Record>> {
    let sql = format!(
        "select {COLUMNS} {FROM} where b.user_id = $1 and b.released_at is null and b.started_at < $2 \
         order by b.id"
    );
    Ok(tx.all(&sql, &[user.into(), since.into()], record)?)
}

/// [`list`], each with its user.
///
/// # Errors
/// Those of storage.
pub fn admin_list(
    tx: &mut Tx<'_>,
    now: Timestamp,
    selection: &Selection,
    paging: &Paging,
) -> Result<Page<AdminBooking>> {
    let page = list(tx, selection, paging)?;
    let mut items = Vec::with_capacity(page.items.len());
    for booking in page.items {
        items.push(with_user(tx, now, &booking)?);
    }
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Bookings whose plate or reference begins with `start`: the open ones first, then the latest.
///
/// # Errors
/// Those of storage.
pub fn find(
    tx: &mut Tx<'_>,
    now: Timestamp,
    start: &str,
    limit: usize,
) -> Result<Vec<AdminBooking>> {
    let begins = |column: &str| format!("{column} >= $1 and {column} < $1 || '\u{10ffff}'");
    // Each is a range of an index.
    let parts = [
        format!("{} and b.released_at is null order by b.vehicle_plate", begins("b.vehicle_plate")),
        format!("{} order by b.reference", begins("b.reference")),
        format!("{} order by b.vehicle_plate desc, b.id desc", begins("b.vehicle_plate")),
    ];
    let mut found: Vec<Record> = Vec::new();
    for part in parts {
        let sql = format!("select {COLUMNS} {FROM} where {part} limit {limit}");
        for booking in tx.all(&sql, &[start.into()], record)? {
            if found.iter().all(|known| known.id != booking.id) {
                found.push(booking);
            }
        }
    }
    found.truncate(limit);
    found.iter().map(|booking| with_user(tx, now, booking)).collect()
}

fn with_user(tx: &mut Tx<'_>, now: Timestamp, booking: &Record) -> Result<AdminBooking> {
    let user = match booking.user_id {
        None => None,
        Some(id) => {
            tx.opt("select id, name, email from users where id = $1", &[id.into()], |row| {
                let email = row.get::<Option<String>>(2)?.unwrap_or_default();
                Ok(Person { id: row.get(0)?, name: row.get(1)?, email })
            })?
        }
    };
    Ok(AdminBooking { booking: booking.to_booking(now), user })
}
