//! Plates in SQL, and what is held about people and nowhere else asked for.

use jiff::Timestamp;
use uuid::Uuid;

use super::Span;
use super::data::{AccountDates, KeptSession};
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::reports::Report;

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

/// What an account has beside its profile.
///
/// # Errors
/// 404
pub fn dates(tx: &mut Tx<'_>, user: Uuid) -> Result<AccountDates> {
    let sql = "select last_seen_at, news_sent_at, mail_refused_at from users where id = $1";
    tx.opt(sql, &[user.into()], |row| {
        Ok(AccountDates {
            last_seen_at: row.get(0)?,
            news_sent_at: row.get(1)?,
            mail_refused_at: row.get(2)?,
        })
    })?
    .ok_or(Error::NotFound)
}

/// Sessions of a person behind `after`, also those that have ended.
///
/// # Errors
/// Those of storage.
pub fn sessions(
    tx: &mut Tx<'_>,
    user: Uuid,
    after: Uuid,
    limit: usize,
) -> Result<Vec<KeptSession>> {
    let sql = format!(
        "select id, created_at, expires_at, revoked_at, user_agent from sessions \
         where user_id = $1 and id > $2 order by id limit {limit}"
    );
    Ok(tx.all(&sql, &[user.into(), after.into()], |row| {
        Ok(KeptSession {
            id: row.get(0)?,
            created_at: row.get(1)?,
            expires_at: row.get(2)?,
            ended_at: row.get(3)?,
            user_agent: row.get(4)?,
        })
    })?)
}

/// Reports to a person behind `after`, each with its id.
///
/// # Errors
/// Those of storage.
pub fn reports(
    tx: &mut Tx<'_>,
    user: Uuid,
    after: Uuid,
    limit: usize,
) -> Result<Vec<(Uuid, Report)>> {
    let read = |row: &Row<'_>| {
        let report = serde_json::from_str(&row.get::<String>(1)?).map_err(|error| {
            crate::db::Error::Query(format!("a report cannot be read: {error}"))
        })?;
        Ok((row.get(0)?, report))
    };
    let sql = format!(
        "select id, body from reports where user_id = $1 and id > $2 order by id limit {limit}"
    );
    Ok(tx.all(&sql, &[user.into(), after.into()], read)?)
}
