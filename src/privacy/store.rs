//! Plates in SQL.

use jiff::Timestamp;
use uuid::Uuid;

use super::Span;
use crate::db::{Tx, Value};
use crate::error::Result;

/// The last of the next `limit` ids that `from` gives, as in `bookings where id > $1`.
fn last_of(
    tx: &mut Tx<'_>,
    (id, from): (&str, &str),
    params: &[Value<'_>],
    limit: usize,
) -> Result<Option<Uuid>> {
    let sql = format!(
        "select {id} from (select {id} from {from} order by {id} limit {limit}) page \
         order by {id} desc limit 1"
    );
    Ok(tx.opt(&sql, params, |row| row.get(0))?)
}

/// Up to where plates are forgotten, but for those that were passed over.
///
/// # Errors
/// Those of storage.
pub fn mark(tx: &mut Tx<'_>) -> Result<Option<Uuid>> {
    Ok(tx.one("select through from plate_state", &[], |row| row.get(0))?)
}

/// # Errors
/// Those of storage.
pub fn set_mark(tx: &mut Tx<'_>, through: Uuid) -> Result<()> {
    tx.exec("update plate_state set through = $1", &[through.into()])?;
    Ok(())
}

/// The last of a page of bookings behind `after` and before `end`.
///
/// # Errors
/// Those of storage.
pub fn page_before(tx: &mut Tx<'_>, after: Uuid, end: Uuid, limit: usize) -> Result<Option<Uuid>> {
    last_of(tx, ("id", "bookings where id > $1 and id < $2"), &[after.into(), end.into()], limit)
}

/// Forgets the plates of bookings that ended by then, notes the others and moves the mark; says how
/// many.
///
/// # Errors
/// Those of storage.
pub fn forget(tx: &mut Tx<'_>, span: Span, ended_by: Timestamp) -> Result<u64> {
    let Span { after, through } = span;
    let forgotten = tx.exec(
        "update bookings set vehicle_plate = null \
         where id > $1 and id <= $2 and released_at <= $3 and vehicle_plate is not null",
        &[after.into(), through.into(), ended_by.into()],
    )?;
    tx.exec(
        "insert into plates_kept (booking_id) select id from bookings \
         where id > $1 and id <= $2 and vehicle_plate is not null \
         on conflict (booking_id) do nothing",
        &[after.into(), through.into()],
    )?;
    set_mark(tx, through)?;
    Ok(forgotten)
}

/// The last of a page of bookings that were passed over.
///
/// # Errors
/// Those of storage.
pub fn page_of_kept(tx: &mut Tx<'_>, after: Uuid, limit: usize) -> Result<Option<Uuid>> {
    last_of(tx, ("booking_id", "plates_kept where booking_id > $1"), &[after.into()], limit)
}

/// Forgets the plates of bookings that were passed over and ended by then; says how many.
///
/// # Errors
/// Those of storage.
pub fn forget_kept(tx: &mut Tx<'_>, span: Span, ended_by: Timestamp) -> Result<u64> {
    let Span { after, through } = span;
    let forgotten = tx.exec(
        "update bookings set vehicle_plate = null where id in (select booking_id from plates_kept \
         where booking_id > $1 and booking_id <= $2) and released_at <= $3 \
         and vehicle_plate is not null",
        &[after.into(), through.into(), ended_by.into()],
    )?;
    tx.exec(
        "delete from plates_kept where booking_id > $1 and booking_id <= $2 and not exists \
         (select 1 from bookings where id = booking_id and vehicle_plate is not null)",
        &[after.into(), through.into()],
    )?;
    Ok(forgotten)
}

/// The last of a page of a person's bookings.
///
/// # Errors
/// Those of storage.
pub fn page_of_user(
    tx: &mut Tx<'_>,
    user: Uuid,
    after: Uuid,
    limit: usize,
) -> Result<Option<Uuid>> {
    let from = "bookings where user_id = $1 and id > $2";
    last_of(tx, ("id", from), &[user.into(), after.into()], limit)
}

/// Forgets the plates of a person's bookings; says how many.
///
/// # Errors
/// Those of storage.
pub fn forget_of_user(tx: &mut Tx<'_>, user: Uuid, span: Span) -> Result<u64> {
    let Span { after, through } = span;
    let sql = "update bookings set vehicle_plate = null \
         where user_id = $1 and id > $2 and id <= $3 and vehicle_plate is not null";
    Ok(tx.exec(sql, &[user.into(), after.into(), through.into()])?)
}
