//! Lots and spots in SQL.

use jiff::Timestamp;
use uuid::Uuid;

use super::label::{label_at, natural_order};
use super::tariff::{Price, Tariff};
use super::{AdminSpot, AdminSpotBooking, Lot, LotDetails, Position, Spot, SpotChange, SpotStatus};
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::ids;
use crate::money::Currency;
use crate::users::Person;

/// A lot with its counts, as the catalogue holds it.
#[derive(Debug, Clone)]
pub struct LotRow {
    pub id: Uuid,
    pub details: LotDetails,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub number_of_spots: i64,
    pub free_spots: i64,
}

impl LotRow {
    /// As everyone may see it.
    #[must_use]
    pub fn to_lot(&self) -> Lot {
        let details = self.details.clone();
        Lot {
            id: self.id,
            name: details.name,
            address: details.address,
            city: details.city,
            pin_code: details.pin_code,
            latitude: details.position.map(|position| position.latitude),
            longitude: details.position.map(|position| position.longitude),
            time_zone: details.time_zone,
            price_per_hour_minor: details.price.per_hour_minor,
            currency: details.currency,
            tariff: details.price.tariff,
            number_of_spots: self.number_of_spots,
            free_spots: self.free_spots,
            created_at: self.created_at,
            updated_at: self.updated_at,
            distance_m: None,
        }
    }
}

const DETAILS: &str = "select id, name, address, city, pin_code, latitude, longitude, time_zone, \
     currency, price_per_hour_minor, free_minutes, increment_minutes, daily_cap_minor, \
     created_at, updated_at from lots";

fn lot_row(row: &Row<'_>) -> Result<LotRow, crate::db::Error> {
    let position = row.get::<Option<f64>>(5)?.zip(row.get::<Option<f64>>(6)?);
    Ok(LotRow {
        id: row.get(0)?,
        details: LotDetails {
            name: row.get(1)?,
            address: row.get(2)?,
            city: row.get(3)?,
            pin_code: row.get(4)?,
            position: position.map(|(latitude, longitude)| Position { latitude, longitude }),
            time_zone: row.get(7)?,
            currency: currency(&row.get::<String>(8)?)?,
            price: price_at(row, 9)?,
        },
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
        number_of_spots: 0,
        free_spots: 0,
    })
}

pub(crate) fn currency(code: &str) -> Result<Currency, crate::db::Error> {
    code.parse().map_err(crate::db::Error::Query)
}

/// Price and tariff in the four columns from `index` on.
pub(crate) fn price_at(row: &Row<'_>, index: usize) -> Result<Price, crate::db::Error> {
    Ok(Price {
        per_hour_minor: row.get(index)?,
        tariff: Tariff {
            free_minutes: row.get(index + 1)?,
            increment_minutes: row.get(index + 2)?,
            daily_cap_minor: row.get(index + 3)?,
        },
    })
}

/// Every lot there is, with its counts.
///
/// # Errors
/// Those of storage.
pub fn all(tx: &mut Tx<'_>) -> Result<Vec<LotRow>> {
    let mut lots = tx.all(&format!("{DETAILS} where deleted_at is null"), &[], lot_row)?;
    let mut counts = std::collections::HashMap::new();
    for (index, sql) in [
        "select lot_id, count(*) from spots group by lot_id",
        "select lot_id, count(*) from free_spots group by lot_id",
    ]
    .into_iter()
    .enumerate()
    {
        for (lot, count) in tx.all(sql, &[], |row| Ok((row.get::<Uuid>(0)?, row.get(1)?)))? {
            counts.entry(lot).or_insert([0; 2])[index] = count;
        }
    }
    for lot in &mut lots {
        [lot.number_of_spots, lot.free_spots] = counts.get(&lot.id).copied().unwrap_or_default();
    }
    Ok(lots)
}

/// A lot with its counts.
///
/// # Errors
/// 404
pub fn one(tx: &mut Tx<'_>, id: Uuid) -> Result<LotRow> {
    let lot = tx.opt(&one_sql(), &[id.into()], lot_row)?;
    with_counts(tx, lot)
}

/// [`one`], locked against other changes.
///
/// # Errors
/// 404
pub fn locked(tx: &mut Tx<'_>, id: Uuid) -> Result<LotRow> {
    let lot = tx.opt_locked(&one_sql(), &[id.into()], lot_row)?;
    with_counts(tx, lot)
}

fn one_sql() -> String {
    format!("{DETAILS} where id = $1 and deleted_at is null")
}

fn with_counts(tx: &mut Tx<'_>, lot: Option<LotRow>) -> Result<LotRow> {
    let mut lot = lot.ok_or(Error::NotFound)?;
    (lot.number_of_spots, lot.free_spots) = counts(tx, lot.id)?;
    Ok(lot)
}

fn counts(tx: &mut Tx<'_>, lot: Uuid) -> Result<(i64, i64)> {
    let mut count = |sql| tx.one(sql, &[lot.into()], |row| row.get(0));
    Ok((
        count("select count(*) from spots where lot_id = $1")?,
        count("select count(*) from free_spots where lot_id = $1")?,
    ))
}

/// Inserts a lot and its spots. `key` is that of an import.
///
/// # Errors
/// Those of storage.
pub fn insert(
    tx: &mut Tx<'_>,
    now: Timestamp,
    details: &LotDetails,
    number_of_spots: i64,
    key: Option<&str>,
) -> Result<LotRow> {
    let id = ids::new_id(now);
    tx.exec(
        "insert into lots (id, import_key, name, address, city, pin_code, latitude, longitude, \
         time_zone, currency, price_per_hour_minor, free_minutes, increment_minutes, \
         daily_cap_minor, created_at, updated_at) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        &[&[id.into(), key.into()], &values(details)[..], &[now.into(), now.into()]].concat(),
    )?;
    add_spots(tx, now, id, number_of_spots)?;
    Ok(LotRow {
        id,
        details: details.clone(),
        created_at: now,
        updated_at: now,
        number_of_spots,
        free_spots: number_of_spots,
    })
}

/// A lot's details as both statements above and below list them.
fn values(details: &LotDetails) -> [Value<'_>; 12] {
    let Price { per_hour_minor, tariff } = details.price;
    [
        (&details.name).into(),
        details.address.as_ref().into(),
        details.city.as_ref().into(),
        details.pin_code.as_ref().into(),
        details.position.map(|position| position.latitude).into(),
        details.position.map(|position| position.longitude).into(),
        (&details.time_zone).into(),
        details.currency.as_str().into(),
        per_hour_minor.into(),
        tariff.free_minutes.into(),
        tariff.increment_minutes.into(),
        tariff.daily_cap_minor.into(),
    ]
}

/// Adds spots with the lowest labels that are not in use.
fn add_spots(tx: &mut Tx<'_>, now: Timestamp, lot: Uuid, count: i64) -> Result<()> {
    let used: std::collections::HashSet<Vec<u8>> = tx
        .all("select label_order from spots where lot_id = $1", &[lot.into()], |row| row.get(0))?
        .into_iter()
        .collect();
    let new: Vec<(Uuid, String, Vec<u8>)> = (0..u32::MAX)
        .map(label_at)
        .map(|label| (natural_order(&label), label))
        .filter(|(order, _)| !used.contains(order))
        .take(usize::try_from(count).unwrap_or_default())
        .map(|(order, label)| (ids::new_id(now), label, order))
        .collect();
    let mut spots = Vec::with_capacity(new.len() * 5);
    let mut free = Vec::with_capacity(new.len() * 4);
    for (id, label, order) in &new {
        let spot = [Value::Id(*id), Value::Id(lot), Value::Text(label), Value::Bytes(order)];
        free.extend_from_slice(&spot);
        spots.extend(spot.into_iter().chain([Value::Bool(false)]));
    }
    let head = "insert into spots (id, lot_id, label, label_order, out_of_service)";
    tx.insert_many(head, 5, &spots, "")?;
    tx.insert_many("insert into free_spots (spot_id, lot_id, label, label_order)", 4, &free, "")?;
    Ok(())
}

/// Of a spot `s`: whether a booking on it is open.
const OCCUPIED: &str =
    "exists (select 1 from bookings b where b.spot_id = s.id and b.released_at is null)";

macro_rules! take_free {
    ($order:literal) => {
        concat!(
            "delete from free_spots where lot_id = $1 and label_order = (select label_order \
             from free_spots where lot_id = $1 order by ",
            $order,
            " limit 1) returning spot_id, label"
        )
    };
}

const TAKE_FREE: &str =
    if cfg!(feature = "broken-order") { take_free!("random()") } else { take_free!("label_order") };

/// Takes the first free spot of a lot, which the caller holds, for a booking: its id and label.
pub(crate) fn take_first_free(
    tx: &mut Tx<'_>,
    lot: Uuid,
) -> Result<Option<(Uuid, String)>, crate::db::Error> {
    tx.opt(TAKE_FREE, &[lot.into()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Frees a spot without an open booking, if it is still there and in service.
const OFFER: &str = "insert into free_spots (spot_id, lot_id, label, label_order) \
     select id, lot_id, label, label_order from spots where id = $1 and not out_of_service";

/// Makes the spot of a booking that ends free again, unless it is gone or out of service.
pub(crate) fn give_back(tx: &mut Tx<'_>, spot: Uuid) -> Result<(), crate::db::Error> {
    tx.send_locking(OFFER, &[spot.into()])
}

/// [`give_back`] that says how many are free by it.
pub(crate) fn offer(tx: &mut Tx<'_>, spot: Uuid) -> Result<i64, crate::db::Error> {
    Ok(tx.exec_locking(OFFER, &[spot.into()])?.cast_signed())
}

/// Makes a spot that may be free no longer free; says how many were.
pub(crate) fn withdraw(tx: &mut Tx<'_>, spot: Uuid) -> Result<i64, crate::db::Error> {
    let withdrawn = tx.exec(
        "delete from free_spots where (lot_id, label_order) = \
         (select lot_id, label_order from spots where id = $1)",
        &[spot.into()],
    )?;
    Ok(withdrawn.cast_signed())
}

/// Writes a lot's details and grows or shrinks it to `number_of_spots`. Shrinking takes the free
/// spots with the highest labels. With the lot comes how many spots are free by it; fewer, if below
/// zero.
///
/// # Errors
/// 409 `spots_occupied` when there are not that many free ones.
pub fn update(
    tx: &mut Tx<'_>,
    now: Timestamp,
    lot: &LotRow,
    details: &LotDetails,
    number_of_spots: i64,
) -> Result<(LotRow, i64)> {
    let mut freed = 0;
    let surplus = lot.number_of_spots - number_of_spots;
    if surplus > 0 {
        if number_of_spots < occupied_spots(tx, lot.id)? {
            return Err(Error::Conflict("spots_occupied"));
        }
        tx.exec(
            &format!(
                "delete from spots where id in (select s.id from spots s \
                 where s.lot_id = $1 and not {OCCUPIED} order by s.label_order desc limit $2)"
            ),
            &[lot.id.into(), surplus.into()],
        )?;
        let withdrawn = tx.exec(
            "delete from free_spots where lot_id = $1 and label_order not in \
             (select label_order from spots where lot_id = $1)",
            &[lot.id.into()],
        )?;
        freed = -withdrawn.cast_signed();
    } else if surplus < 0 {
        add_spots(tx, now, lot.id, -surplus)?;
        freed = -surplus;
    }
    tx.exec(
        "update lots set name = $1, address = $2, city = $3, pin_code = $4, latitude = $5, \
         longitude = $6, time_zone = $7, currency = $8, price_per_hour_minor = $9, \
         free_minutes = $10, increment_minutes = $11, daily_cap_minor = $12, updated_at = $13 \
         where id = $14",
        &[&values(details)[..], &[now.into(), lot.id.into()]].concat(),
    )?;
    let (number_of_spots, free_spots) = counts(tx, lot.id)?;
    let row = LotRow {
        id: lot.id,
        details: details.clone(),
        created_at: lot.created_at,
        updated_at: now,
        number_of_spots,
        free_spots,
    };
    Ok((row, freed))
}

/// How many spots of a lot have an open booking.
///
/// # Errors
/// Those of storage.
pub fn occupied_spots(tx: &mut Tx<'_>, lot: Uuid) -> Result<i64> {
    let sql = format!("select count(*) from spots s where s.lot_id = $1 and {OCCUPIED}");
    Ok(tx.one(&sql, &[lot.into()], |row| row.get(0))?)
}

/// Takes a lot out of service for good. Its bookings stay, and name it.
///
/// # Errors
/// 404; 409 `lot_not_empty`.
pub fn delete(tx: &mut Tx<'_>, now: Timestamp, id: Uuid) -> Result<LotRow> {
    let lot = locked(tx, id)?;
    let occupied = tx.opt(
        &format!("select s.id from spots s where s.lot_id = $1 and {OCCUPIED} limit 1"),
        &[id.into()],
        |row| row.get::<Uuid>(0),
    )?;
    if occupied.is_some() {
        return Err(Error::Conflict("lot_not_empty"));
    }
    tx.exec("delete from free_spots where lot_id = $1", &[id.into()])?;
    tx.exec("delete from spots where lot_id = $1", &[id.into()])?;
    tx.exec(
        "update lots set deleted_at = $1, import_key = null where id = $2",
        &[now.into(), id.into()],
    )?;
    Ok(lot)
}

/// The spots of a lot in the order of their labels.
///
/// # Errors
/// 404
pub fn spots(tx: &mut Tx<'_>, lot: Uuid) -> Result<Vec<Spot>> {
    exists(tx, lot)?;
    Ok(tx.all(
        &format!(
            "select s.id, s.label, {OCCUPIED}, s.out_of_service from spots s \
             where s.lot_id = $1 order by s.label_order"
        ),
        &[lot.into()],
        |row| {
            let status = SpotStatus::of(row.get(2)?, row.get(3)?);
            Ok(Spot { id: row.get(0)?, label: row.get(1)?, status })
        },
    )?)
}

fn exists(tx: &mut Tx<'_>, lot: Uuid) -> Result<()> {
    tx.opt("select id from lots where id = $1 and deleted_at is null", &[lot.into()], |row| {
        row.get::<Uuid>(0)
    })?
    .map(drop)
    .ok_or(Error::NotFound)
}

const ADMIN_SPOT: &str = "select s.id, s.label, b.id is not null, s.out_of_service, \
     b.id, b.reference, b.vehicle_plate, b.started_at, b.currency, b.price_per_hour_minor, \
     b.free_minutes, b.increment_minutes, b.daily_cap_minor, u.id, u.name, u.email \
     from spots s left join bookings b on b.spot_id = s.id and b.released_at is null \
     left join users u on u.id = b.user_id";

fn admin_spot(row: &Row<'_>, now: Timestamp) -> Result<AdminSpot, crate::db::Error> {
    let booking = match row.get::<Option<Uuid>>(4)? {
        None => None,
        Some(id) => {
            let started_at: Timestamp = row.get(7)?;
            let user = match row.get::<Option<Uuid>>(13)? {
                None => None,
                Some(id) => Some(Person {
                    id,
                    name: row.get(14)?,
                    email: row.get::<Option<String>>(15)?.unwrap_or_default(),
                }),
            };
            Some(AdminSpotBooking {
                id,
                reference: row.get(5)?,
                user,
                vehicle_plate: row.get(6)?,
                started_at,
                cost_minor: price_at(row, 9)?.cost_minor(now.duration_since(started_at)),
                currency: currency(&row.get::<String>(8)?)?,
            })
        }
    };
    let status = SpotStatus::of(row.get(2)?, row.get(3)?);
    Ok(AdminSpot { id: row.get(0)?, label: row.get(1)?, status, booking })
}

/// [`spots`] with the open booking of each.
///
/// # Errors
/// 404
pub fn admin_spots(tx: &mut Tx<'_>, now: Timestamp, lot: Uuid) -> Result<Vec<AdminSpot>> {
    exists(tx, lot)?;
    let sql = format!("{ADMIN_SPOT} where s.lot_id = $1 order by s.label_order");
    Ok(tx.all(&sql, &[lot.into()], |row| admin_spot(row, now))?)
}

/// Changes a spot; says which lot it belongs to.
///
/// # Errors
/// 404; 409 `spots_occupied` when it would be taken out of service under a vehicle; 409
/// `label_taken`.
pub fn change_spot(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: Uuid,
    change: &SpotChange,
) -> Result<(Uuid, AdminSpot, i64)> {
    let lot: Uuid = tx
        .opt("select lot_id from spots where id = $1", &[id.into()], |row| row.get(0))?
        .ok_or(Error::NotFound)?;
    // The lot first, as everywhere: whoever claims a spot holds it.
    locked(tx, lot)?;
    // Then the spot: a release makes it free without holding the lot.
    let (out_of_service, label) = tx
        .opt_locked("select out_of_service, label from spots where id = $1", &[id.into()], |row| {
            Ok((row.get::<bool>(0)?, row.get::<String>(1)?))
        })?
        .ok_or(Error::NotFound)?;
    let sql = format!("select {OCCUPIED} from spots s where s.id = $1");
    let occupied: bool = tx.one(&sql, &[id.into()], |row| row.get(0))?;
    if occupied && change.out_of_service == Some(true) {
        return Err(Error::Conflict("spots_occupied"));
    }
    let label = change.label.as_ref().unwrap_or(&label);
    let order = natural_order(label);
    let namesake = tx.opt(
        "select id from spots where lot_id = $1 and label_order = $2 and id <> $3",
        &[lot.into(), Value::Bytes(&order), id.into()],
        |row| row.get::<Uuid>(0),
    )?;
    if namesake.is_some() {
        return Err(Error::Conflict("label_taken"));
    }
    let mut freed = -withdraw(tx, id)?;
    tx.exec(
        "update spots set label = $1, label_order = $2, out_of_service = $3 where id = $4",
        &[
            label.into(),
            Value::Bytes(&order),
            change.out_of_service.unwrap_or(out_of_service).into(),
            id.into(),
        ],
    )?;
    if !occupied {
        freed += offer(tx, id)?;
    }
    let sql = format!("{ADMIN_SPOT} where s.id = $1");
    let spot = tx.one(&sql, &[id.into()], |row| admin_spot(row, now))?;
    Ok((lot, spot, freed))
}
