//! Who is reminded, in SQL.

use jiff::Timestamp;
use uuid::Uuid;

use super::letters;
use crate::bookings::{self, Record};
use crate::db::Tx;
use crate::error::Result;
use crate::mail::store::RECIPIENT;
use crate::mail::{Post, Recipient};

/// Who takes reminders at all.
const REMINDED: &str = "u.active and u.deleted_at is null and \
     (u.reminders_by = 'chat' or u.reminders_by = 'mail' and u.mail_refused_at is null)";

/// Somebody whose bookings have been open for long.
pub struct Parked {
    pub to: Recipient,
    /// The oldest first.
    pub bookings: Vec<Record>,
}

/// People with bookings open since before `since`, in the order of their ids.
///
/// # Errors
/// Those of storage.
pub fn parked_since(
    tx: &mut Tx<'_>,
    post: &Post,
    since: Timestamp,
    after: Uuid,
    limit: usize,
) -> Result<Vec<Parked>> {
    let sql = format!(
        "select {RECIPIENT} from users u where u.id > $1 and u.remind_open and {REMINDED} \
         and u.id in (select user_id from bookings \
         where released_at is null and user_id > $1 and started_at < $2) \
         order by u.id limit {limit}"
    );
    let people = tx.all(&sql, &[after.into(), since.into()], |row| post.recipient_at(row))?;
    let mut parked = Vec::with_capacity(people.len());
    for to in people {
        let bookings = bookings::store::open_since(tx, to.id, since)?;
        parked.push(Parked { to, bookings });
    }
    Ok(parked)
}

/// Somebody who is not parked now.
pub struct Away {
    pub to: Recipient,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    pub news_sent_at: Option<Timestamp>,
    /// Its id carries when it began.
    pub last_booking: Option<Uuid>,
}

/// People who are not parked now and want to hear what is new, in the order of their ids.
///
/// # Errors
/// Those of storage.
pub fn away(tx: &mut Tx<'_>, post: &Post, after: Uuid, limit: usize) -> Result<Vec<Away>> {
    // The last booking by order and limit: PostgreSQL has no max(uuid) before version 18.
    let sql = format!(
        "select {RECIPIENT}, u.created_at, u.last_seen_at, u.news_sent_at, \
         (select b.id from bookings b where b.user_id = u.id order by b.id desc limit 1) \
         from users u where u.id > $1 and u.remind_news and not u.is_admin and {REMINDED} \
         and not exists (select 1 from bookings b \
         where b.user_id = u.id and b.released_at is null) order by u.id limit {limit}"
    );
    Ok(tx.all(&sql, &[after.into()], |row| {
        Ok(Away {
            to: post.recipient_at(row)?,
            created_at: row.get(10)?,
            last_seen_at: row.get(11)?,
            news_sent_at: row.get(12)?,
            last_booking: row.get(13)?,
        })
    })?)
}

/// How many accounts there are.
///
/// # Errors
/// Those of storage.
pub fn people(tx: &mut Tx<'_>) -> Result<i64> {
    Ok(tx.one("select count(*) from users where deleted_at is null", &[], |row| row.get(0))?)
}

/// Lots made after `since`, the newest first.
///
/// # Errors
/// Those of storage.
pub fn lots_since(tx: &mut Tx<'_>, since: Timestamp) -> Result<Vec<(Timestamp, letters::NewLot)>> {
    Ok(tx.all(
        "select l.created_at, l.name, l.city, \
         (select count(*) from spots s where s.lot_id = l.id and not s.out_of_service) \
         from lots l where l.created_at > $1 and l.deleted_at is null \
         order by l.created_at desc limit 100",
        &[since.into()],
        |row| {
            let lot = letters::NewLot {
                name: row.get(1)?,
                city: row.get(2)?,
                number_of_spots: row.get(3)?,
            };
            Ok((row.get(0)?, lot))
        },
    )?)
}

/// Notes that somebody was told what is new.
///
/// # Errors
/// Those of storage.
pub fn note_news(tx: &mut Tx<'_>, now: Timestamp, user: Uuid) -> Result<()> {
    tx.exec("update users set news_sent_at = $1 where id = $2", &[now.into(), user.into()])?;
    Ok(())
}
