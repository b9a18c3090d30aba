//! Vehicles in SQL.

use jiff::Timestamp;
use uuid::Uuid;

use super::{VEHICLES_MAX, Vehicle};
use crate::bookings::plate::Plate;
use crate::db::{Row, Tx};
use crate::error::{Error, Result};
use crate::ids;

const VEHICLE: &str = "select id, plate, name, is_default, created_at from vehicles";

fn vehicle(row: &Row<'_>) -> Result<Vehicle, crate::db::Error> {
    Ok(Vehicle {
        id: row.get(0)?,
        plate: row.get(1)?,
        name: row.get(2)?,
        is_default: row.get(3)?,
        created_at: row.get(4)?,
    })
}

/// A person's vehicles, the default first, then as they were added.
///
/// # Errors
/// Those of storage.
pub fn of(tx: &mut Tx<'_>, user: Uuid) -> Result<Vec<Vehicle>> {
    let sql = format!("{VEHICLE} where user_id = $1 order by is_default desc, id");
    Ok(tx.all(&sql, &[user.into()], vehicle)?)
}

/// # Errors
/// 404, also for a vehicle of somebody else.
pub fn by_id(tx: &mut Tx<'_>, user: Uuid, id: Uuid) -> Result<Vehicle> {
    let sql = format!("{VEHICLE} where user_id = $1 and id = $2");
    tx.opt(&sql, &[user.into(), id.into()], vehicle)?.ok_or(Error::NotFound)
}

/// Adds a vehicle. The first is the default, whatever is said.
///
/// # Errors
/// 409 `vehicle_exists`, `too_many_vehicles`; 401 when the account was deleted a moment ago.
pub fn insert(
    tx: &mut Tx<'_>,
    now: Timestamp,
    user: Uuid,
    (plate, name, is_default): (&Plate, Option<&str>, bool),
) -> Result<Vehicle> {
    crate::users::store::lock(tx, user)?;
    let sql = "select count(*) from vehicles where user_id = $1";
    let count: i64 = tx.one(sql, &[user.into()], |row| row.get(0))?;
    if count >= VEHICLES_MAX {
        return Err(Error::Conflict("too_many_vehicles"));
    }
    not_known(tx, user, plate, Uuid::nil())?;
    let is_default = is_default || count == 0;
    if is_default {
        no_default(tx, user)?;
    }
    let vehicle = Vehicle {
        id: ids::new_id(now),
        plate: plate.as_str().to_owned(),
        name: name.map(ToOwned::to_owned),
        is_default,
        created_at: now,
    };
    tx.exec(
        "insert into vehicles (id, user_id, plate, name, is_default, created_at) \
         values ($1, $2, $3, $4, $5, $6)",
        &[
            vehicle.id.into(),
            user.into(),
            (&vehicle.plate).into(),
            vehicle.name.as_ref().into(),
            is_default.into(),
            now.into(),
        ],
    )?;
    Ok(vehicle)
}

/// Refuses a plate that another of the person's vehicles bears.
fn not_known(tx: &mut Tx<'_>, user: Uuid, plate: &Plate, but: Uuid) -> Result<()> {
    let other = tx.opt(
        "select id from vehicles where user_id = $1 and plate = $2 and id <> $3",
        &[user.into(), plate.as_str().into(), but.into()],
        |row| row.get::<Uuid>(0),
    )?;
    if other.is_some() { Err(Error::Conflict("vehicle_exists")) } else { Ok(()) }
}

fn no_default(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    let sql = "update vehicles set is_default = false where user_id = $1 and is_default";
    tx.exec(sql, &[user.into()])?;
    Ok(())
}

/// What is to change of a vehicle; `None`: it stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub plate: Option<Plate>,
    pub name: Option<Option<String>>,
    pub is_default: Option<bool>,
}

/// # Errors
/// 404; 409 `vehicle_exists`.
pub fn update(tx: &mut Tx<'_>, user: Uuid, id: Uuid, change: &Change) -> Result<Vehicle> {
    crate::users::store::lock(tx, user)?;
    let mut vehicle = by_id(tx, user, id)?;
    if let Some(plate) = &change.plate {
        not_known(tx, user, plate, id)?;
        plate.as_str().clone_into(&mut vehicle.plate);
    }
    if let Some(name) = &change.name {
        vehicle.name.clone_from(name);
    }
    if let Some(is_default) = change.is_default {
        if is_default {
            no_default(tx, user)?;
        }
        vehicle.is_default = is_default;
    }
    tx.exec(
        "update vehicles set plate = $1, name = $2, is_default = $3 where id = $4",
        &[
            (&vehicle.plate).into(),
            vehicle.name.as_ref().into(),
            vehicle.is_default.into(),
            id.into(),
        ],
    )?;
    Ok(vehicle)
}

/// Removes a vehicle. If it was the default, the one added first takes its place.
///
/// # Errors
/// 404
pub fn remove(tx: &mut Tx<'_>, user: Uuid, id: Uuid) -> Result<()> {
    crate::users::store::lock(tx, user)?;
    let vehicle = by_id(tx, user, id)?;
    tx.exec("delete from vehicles where id = $1", &[id.into()])?;
    if vehicle.is_default
        && let Some(first) = of(tx, user)?.first()
    {
        let sql = "update vehicles set is_default = true where id = $1";
        tx.exec(sql, &[first.id.into()])?;
    }
    Ok(())
}

/// Removes all vehicles of a person.
///
/// # Errors
/// Those of storage.
pub fn remove_of(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    tx.exec("delete from vehicles where user_id = $1", &[user.into()])?;
    Ok(())
}
