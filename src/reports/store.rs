//! What reports are made of, and reports, in SQL.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::figures::{LotRow, Names, Stay};
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::ids;
use crate::mail::store::RECIPIENT;
use crate::mail::{Post, Recipient};

/// People in the order of their ids, also those who take no mail: they have the page.
///
/// # Errors
/// Those of storage.
pub fn people_after(
    tx: &mut Tx<'_>,
    post: &Post,
    after: Uuid,
    limit: usize,
) -> Result<Vec<Recipient>> {
    let sql = format!(
        "select {RECIPIENT} from users u where u.id > $1 and u.active and u.deleted_at is null \
         order by u.id limit {limit}"
    );
    Ok(tx.all(&sql, &[after.into()], |row| post.recipient_at(row))?)
}

/// The columns of a booking `b` that [`stay`] reads.
pub(crate) const STAY: &str =
    "b.id, b.lot_id, b.started_at, b.released_at, b.cost_minor, b.currency";

pub(crate) fn stay(row: &Row<'_>) -> Result<Stay, crate::db::Error> {
    Ok(Stay {
        id: row.get(0)?,
        lot: row.get(1)?,
        started_at: row.get(2)?,
        released_at: row.get(3)?,
        cost_minor: row.get(4)?,
        currency: crate::lots::store::currency(&row.get::<String>(5)?)?,
    })
}

/// A person's bookings that started in a span of time, the earliest first.
///
/// # Errors
/// Those of storage.
pub fn bookings_of(
    tx: &mut Tx<'_>,
    user: Uuid,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Stay>> {
    let sql = format!(
        "select {STAY} from bookings b where b.user_id = $1 and b.id >= $2 and b.id < $3 order by b.id"
    );
    let span = [ids::first_id(from), ids::first_id(to)];
    Ok(tx.all(&sql, &[user.into(), span[0].into(), span[1].into()], stay)?)
}

/// Everybody's bookings with an id above `after` that started before `to`.
///
/// # Errors
/// Those of storage.
pub fn bookings_after(
    tx: &mut Tx<'_>,
    after: Uuid,
    to: Timestamp,
    limit: usize,
) -> Result<Vec<Stay>> {
    let sql = format!(
        "select {STAY} from bookings b where b.id > $1 and b.id < $2 order by b.id limit {limit}"
    );
    Ok(tx.all(&sql, &[after.into(), ids::first_id(to).into()], stay)?)
}

/// Of all lots, also those that are no more.
///
/// # Errors
/// Those of storage.
pub fn lot_names(tx: &mut Tx<'_>) -> Result<Names> {
    let names = tx.all("select id, name from lots", &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(names.into_iter().collect())
}

/// All lots, also those that are no more: they had a month.
///
/// # Errors
/// Those of storage.
pub fn lots(tx: &mut Tx<'_>) -> Result<Vec<LotRow>> {
    Ok(tx.all(
        "select l.id, l.name, (select count(*) from spots s where s.lot_id = l.id), \
         l.deleted_at is not null from lots l",
        &[],
        |row| {
            Ok(LotRow {
                id: row.get(0)?,
                name: row.get(1)?,
                number_of_spots: row.get(2)?,
                is_gone: row.get(3)?,
            })
        },
    )?)
}

/// # Errors
/// Those of storage.
pub fn admin(tx: &mut Tx<'_>) -> Result<Option<Uuid>> {
    Ok(tx.opt("select id from users where is_admin", &[], |row| row.get(0))?)
}

/// A report as it is stored.
///
/// # Errors
/// 500, which cannot happen.
pub fn body(report: &impl Serialize) -> Result<String> {
    serde_json::to_string(report).map_err(|error| Error::Internal(error.to_string()))
}

/// Keeps a report, unless there is one of the month already; says whether it is new.
///
/// # Errors
/// Those of storage.
pub fn insert(
    tx: &mut Tx<'_>,
    user: Option<Uuid>,
    month: &str,
    now: Timestamp,
    body: &str,
) -> Result<bool> {
    let inserted = tx.exec(
        "insert into reports (id, user_id, month, body, created_at) values ($1, $2, $3, $4, $5) \
         on conflict do nothing",
        &[ids::new_id(now).into(), user.into(), month.into(), body.into(), now.into()],
    )?;
    Ok(inserted == 1)
}

/// Whose reports: a person's, or the operator's.
fn whose(user: Option<Uuid>) -> (&'static str, Vec<Value<'static>>) {
    match user {
        Some(user) => ("user_id = $1", vec![user.into()]),
        None => ("user_id is null", Vec::new()),
    }
}

/// The months that there are reports of, the newest first.
///
/// # Errors
/// Those of storage.
pub fn months(tx: &mut Tx<'_>, user: Option<Uuid>) -> Result<Vec<(String, Timestamp)>> {
    let (whose, params) = whose(user);
    let sql = format!(
        "select month, created_at from reports where {whose} order by month desc limit 1200"
    );
    Ok(tx.all(&sql, &params, |row| Ok((row.get(0)?, row.get(1)?)))?)
}

/// # Errors
/// 404
pub fn report<T: DeserializeOwned>(tx: &mut Tx<'_>, user: Option<Uuid>, month: &str) -> Result<T> {
    let (whose, mut params) = whose(user);
    params.push(month.into());
    let sql = format!("select body from reports where {whose} and month = ${}", params.len());
    let body = tx.opt(&sql, &params, |row| row.get::<String>(0))?.ok_or(Error::NotFound)?;
    serde_json::from_str(&body)
        .map_err(|error| Error::Internal(format!("a report cannot be read: {error}")))
}

/// Removes the reports of a person.
///
/// # Errors
/// Those of storage.
pub fn remove_of(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    tx.exec("delete from reports where user_id = $1", &[user.into()])?;
    Ok(())
}
