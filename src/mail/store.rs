//! Who gets letters, and what became of them, in SQL.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;
use uuid::Uuid;

use super::letter::{Letter, Link};
use super::{Channel, List, Mail, OwnLetter, Recipient, SentMail, layout};
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::http::paging::{Page, Paging};
use crate::jobs::{Job, TaskStatus};
use crate::locale::{Language, Locale};
use crate::users::Person;

/// The columns that [`recipient_at`] reads, of `users u`.
pub const RECIPIENT: &str = "u.id, u.name, u.email, u.language, u.time_zone, u.reminders_by, \
     u.receipts, u.monthly_reports, u.chat_webhook_url, u.mail_refused_at is not null";

/// # Errors
/// Those of storage.
pub fn recipient_at(
    row: &Row<'_>,
    (name, zone): &(String, TimeZone),
) -> Result<Recipient, crate::db::Error> {
    let chosen: Option<String> = row.get(4)?;
    let chosen = chosen.and_then(|name| Some((TimeZone::get(&name).ok()?, name)));
    let (zone, time_zone) = chosen.unwrap_or_else(|| (zone.clone(), name.clone()));
    Ok(Recipient {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get::<Option<String>>(2)?.unwrap_or_default(),
        locale: Locale { language: Language::of(&row.get::<String>(3)?), zone },
        time_zone,
        reminders_by: Channel::of(&row.get::<String>(5)?),
        receipts: row.get(6)?,
        monthly_reports: row.get(7)?,
        chat_webhook_url: row.get(8)?,
        is_refused: row.get(9)?,
    })
}

/// # Errors
/// Those of storage.
pub fn recipient(
    tx: &mut Tx<'_>,
    default_zone: &(String, TimeZone),
    id: Uuid,
) -> Result<Option<Recipient>> {
    let sql = format!("select {RECIPIENT} from users u where u.id = $1 and u.deleted_at is null");
    Ok(tx.opt(&sql, &[id.into()], |row| recipient_at(row, default_zone))?)
}

/// Notes that an address takes no mail, unless it has been changed since.
///
/// # Errors
/// Those of storage.
pub fn mark_refused(
    tx: &mut Tx<'_>,
    now: Timestamp,
    user: Uuid,
    email: &str,
    reason: &str,
) -> Result<()> {
    tx.exec(
        "update users set mail_refused_at = $1, mail_refusal = $2 where id = $3 and email = $4",
        &[now.into(), reason.into(), user.into(), email.into()],
    )?;
    Ok(())
}

/// # Errors
/// Those of storage.
pub fn unmark_refused(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    tx.exec(
        "update users set mail_refused_at = null, mail_refusal = null \
         where id = $1 and mail_refused_at is not null",
        &[user.into()],
    )?;
    Ok(())
}

/// Switches one kind of mail off; says to whom.
///
/// # Errors
/// 403 `invalid_unsubscribe_token` when the account is gone.
pub fn unsubscribe(tx: &mut Tx<'_>, user: Uuid, list: List) -> Result<()> {
    let change = match list {
        List::Account => return Ok(()),
        // Those by chat stay: they were not what this link came with.
        List::Reminders => {
            "reminders_by = case when reminders_by = 'mail' then 'none' else reminders_by end"
        }
        List::Reports => "monthly_reports = false",
        List::Receipts => "receipts = false",
    };
    let sql = format!("update users set {change} where id = $1 and deleted_at is null");
    match tx.exec(&sql, &[user.into()])? {
        0 => Err(Error::Forbidden("invalid_unsubscribe_token")),
        _ => Ok(()),
    }
}

const MAIL: &str = "select j.id, j.payload, j.status, j.attempts, j.created_at, j.finished_at, \
     j.error, u.id, u.name, u.email from jobs j left join users u on u.id = j.owner_id";

fn mail(row: &Row<'_>) -> Result<(SentMail, Mail), crate::db::Error> {
    let payload: String = row.get(1)?;
    let mail: Mail = serde_json::from_str(&payload)
        .map_err(|error| crate::db::Error::Query(format!("a mail cannot be read: {error}")))?;
    let to = match row.get::<Option<Uuid>>(7)? {
        None => None,
        Some(id) => {
            let email = row.get::<Option<String>>(9)?.unwrap_or_default();
            Some(Person { id, name: row.get(8)?, email })
        }
    };
    let sent = SentMail {
        id: row.get(0)?,
        to,
        list: mail.list,
        subject: mail.letter.subject.clone(),
        status: TaskStatus::of(&row.get::<String>(2)?)?,
        attempts: row.get(3)?,
        created_at: row.get(4)?,
        finished_at: row.get(5)?,
        error: row.get(6)?,
    };
    Ok((sent, mail))
}

/// Mails, the newest first.
///
/// # Errors
/// Those of storage.
pub fn list(
    tx: &mut Tx<'_>,
    status: Option<TaskStatus>,
    user: Option<Uuid>,
    paging: &Paging,
) -> Result<Page<SentMail>> {
    let mut sql = format!("{MAIL} where j.kind = $1 and j.id < $2");
    let mut params: Vec<Value<'_>> = vec![Mail::KIND.into(), paging.before().into()];
    if let Some(status) = status {
        params.push(status.as_str().into());
        sql.push_str(&format!(" and j.status = ${}", params.len()));
    }
    if let Some(user) = user {
        params.push(user.into());
        sql.push_str(&format!(" and j.owner_id = ${}", params.len()));
    }
    sql.push_str(&format!(" order by j.id desc limit {}", paging.limit_and_one()));
    let rows = tx.all(&sql, &params, |row| mail(row).map(|(sent, _)| sent))?;
    Ok(Page::cut(rows, paging, |mail| mail.id))
}

/// Letters to somebody behind `after`, the oldest first, by mail and by chat.
///
/// # Errors
/// Those of storage.
pub fn letters_to(
    tx: &mut Tx<'_>,
    user: Uuid,
    after: Uuid,
    limit: usize,
) -> Result<Vec<(Uuid, OwnLetter)>> {
    /// What both kinds of job have.
    #[derive(Deserialize)]
    struct Payload {
        letter: Letter,
    }
    let sql = format!(
        "select id, kind, payload, status, created_at, finished_at from jobs \
         where owner_id = $1 and id > $2 and kind in ('mail', 'chat') order by id limit {limit}"
    );
    Ok(tx.all(&sql, &[user.into(), after.into()], |row| {
        let Payload { letter } = serde_json::from_str(&row.get::<String>(2)?).map_err(|error| {
            crate::db::Error::Query(format!("a letter cannot be read: {error}"))
        })?;
        let letter = OwnLetter {
            by: Channel::of(&row.get::<String>(1)?),
            text: layout::words(&letter, &Link::shown),
            subject: letter.subject,
            status: TaskStatus::of(&row.get::<String>(3)?)?,
            created_at: row.get(4)?,
            finished_at: row.get(5)?,
        };
        Ok((row.get(0)?, letter))
    })?)
}

/// # Errors
/// 404
pub fn by_id(tx: &mut Tx<'_>, id: Uuid) -> Result<(SentMail, Mail)> {
    let sql = format!("{MAIL} where j.id = $1 and j.kind = $2");
    tx.opt(&sql, &[id.into(), Mail::KIND.into()], mail)?.ok_or(Error::NotFound)
}
