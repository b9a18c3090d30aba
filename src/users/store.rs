//! Accounts in SQL.

use jiff::Timestamp;
use uuid::Uuid;

use super::preferences::Preferences;
use super::{AdminUser, Email, Name, Profile, Spend, search_text};
use crate::auth::Role;
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::http::paging::{Page, Paging};
use crate::locale::Language;
use crate::mail::Channel;
use crate::text::like_anywhere;

/// # Errors
/// 404 when there is no such account any more.
pub fn profile(tx: &mut Tx<'_>, id: Uuid) -> Result<Profile> {
    tx.opt(
        "select id, name, email, is_admin, created_at, mail_refusal, language, time_zone, \
         reminders_by, remind_open, remind_news, chat_webhook_url, receipts, monthly_reports \
         from users where id = $1 and deleted_at is null",
        &[id.into()],
        |row| {
            Ok(Profile {
                id: row.get(0)?,
                name: row.get(1)?,
                email: row.get::<Option<String>>(2)?.unwrap_or_default(),
                role: Role::of(row.get(3)?),
                created_at: row.get(4)?,
                mail_refusal: row.get(5)?,
                preferences: Preferences {
                    language: Language::of(&row.get::<String>(6)?),
                    time_zone: row.get(7)?,
                    reminders_by: Channel::of(&row.get::<String>(8)?),
                    remind_open: row.get(9)?,
                    remind_news: row.get(10)?,
                    chat_webhook_url: row.get(11)?,
                    receipts: row.get(12)?,
                    monthly_reports: row.get(13)?,
                },
            })
        },
    )?
    .ok_or(Error::NotFound)
}

/// Sets name and email. A new email has not refused anything yet.
///
/// # Errors
/// 409 `email_taken`; 404.
pub fn change_profile(
    tx: &mut Tx<'_>,
    id: Uuid,
    name: Option<&Name>,
    email: Option<&Email>,
) -> Result<Profile> {
    let before = profile(tx, id)?;
    let name = name.map_or(before.name.as_str(), Name::as_str);
    let email = email.map_or(before.email.as_str(), Email::as_str);
    let other = tx.opt(
        "select id from users where email = $1 and id <> $2",
        &[email.into(), id.into()],
        |row| row.get::<Uuid>(0),
    )?;
    if other.is_some() {
        return Err(Error::Conflict("email_taken"));
    }
    tx.exec(
        "update users set mail_refused_at = case when email = $1 then mail_refused_at end, \
         mail_refusal = case when email = $1 then mail_refusal end, \
         email = $1, name = $2, search = $3 where id = $4",
        &[email.into(), name.into(), Value::Text(&search_text(name, email)), id.into()],
    )?;
    profile(tx, id)
}

/// # Errors
/// Those of storage.
pub fn set_preferences(tx: &mut Tx<'_>, id: Uuid, wishes: &Preferences) -> Result<()> {
    tx.exec(
        "update users set language = $1, time_zone = $2, reminders_by = $3, remind_open = $4, \
         remind_news = $5, chat_webhook_url = $6, receipts = $7, monthly_reports = $8 \
         where id = $9",
        &[
            wishes.language.as_str().into(),
            wishes.time_zone.as_ref().into(),
            wishes.reminders_by.as_str().into(),
            wishes.remind_open.into(),
            wishes.remind_news.into(),
            wishes.chat_webhook_url.as_ref().into(),
            wishes.receipts.into(),
            wishes.monthly_reports.into(),
            id.into(),
        ],
    )?;
    Ok(())
}

/// Keeps the account from being changed by others until the commit.
///
/// # Errors
/// 401 `invalid_token` when there is no such account any more.
pub fn lock(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    let sql = "select id from users where id = $1 and deleted_at is null";
    let found = tx.opt_locked(sql, &[id.into()], |row| row.get::<Uuid>(0))?;
    found.map(drop).ok_or(Error::Unauthorized("invalid_token"))
}

/// Takes the person out of the books: the account stays without name, email and password, so that
/// its bookings still belong to somebody.
///
/// # Errors
/// 409 `open_bookings`.
pub fn delete_account(tx: &mut Tx<'_>, now: Timestamp, id: Uuid) -> Result<()> {
    if open_bookings(tx, id)? > 0 {
        return Err(Error::Conflict("open_bookings"));
    }
    tx.exec(
        "update users set name = 'Deleted account', email = null, search = '', \
         password_hash = null, time_zone = null, chat_webhook_url = null, last_seen_at = null, \
         news_sent_at = null, mail_refused_at = null, mail_refusal = null, active = false, \
         deleted_at = $1 where id = $2",
        &[now.into(), id.into()],
    )?;
    Ok(())
}

/// # Errors
/// Those of storage.
pub fn open_bookings(tx: &mut Tx<'_>, id: Uuid) -> Result<i64> {
    Ok(tx.one(
        "select count(*) from bookings where user_id = $1 and released_at is null",
        &[id.into()],
        |row| row.get(0),
    )?)
}

/// Lets the user sign in, or not.
///
/// # Errors
/// 404; 409 `admin_cannot_be_disabled`.
pub fn set_active(tx: &mut Tx<'_>, id: Uuid, active: bool) -> Result<()> {
    let is_admin = tx
        .opt(
            "select is_admin from users where id = $1 and deleted_at is null",
            &[id.into()],
            |row| row.get::<bool>(0),
        )?
        .ok_or(Error::NotFound)?;
    if is_admin && !active {
        return Err(Error::Conflict("admin_cannot_be_disabled"));
    }
    tx.exec("update users set active = $1 where id = $2", &[active.into(), id.into()])?;
    Ok(())
}

const ADMIN_USER: &str = "select u.id, u.name, u.email, u.is_admin, u.active, u.created_at, \
     u.last_seen_at, u.mail_refusal, \
     (select count(*) from bookings b where b.user_id = u.id and b.released_at is null), \
     (select count(*) from bookings b where b.user_id = u.id) from users u";

fn admin_user(row: &Row<'_>) -> Result<AdminUser, crate::db::Error> {
    Ok(AdminUser {
        id: row.get(0)?,
        name: row.get(1)?,
        email: row.get::<Option<String>>(2)?.unwrap_or_default(),
        role: Role::of(row.get(3)?),
        active: row.get(4)?,
        created_at: row.get(5)?,
        last_seen_at: row.get(6)?,
        mail_refusal: row.get(7)?,
        open_bookings: row.get(8)?,
        total_bookings: row.get(9)?,
        spend: Vec::new(),
    })
}

fn add_spend(tx: &mut Tx<'_>, user: &mut AdminUser) -> Result<()> {
    user.spend = tx.all(
        "select currency, cast(sum(cost_minor) as bigint) from bookings \
         where user_id = $1 and cost_minor is not null group by currency order by currency",
        &[user.id.into()],
        |row| {
            let currency: String = row.get(0)?;
            let currency = currency.parse().map_err(crate::db::Error::Query)?;
            Ok(Spend { currency, amount_minor: row.get(1)? })
        },
    )?;
    Ok(())
}

/// # Errors
/// 404
pub fn admin_user_by_id(tx: &mut Tx<'_>, id: Uuid) -> Result<AdminUser> {
    let sql = format!("{ADMIN_USER} where u.id = $1");
    let mut user = tx.opt(&sql, &[id.into()], admin_user)?.ok_or(Error::NotFound)?;
    add_spend(tx, &mut user)?;
    Ok(user)
}

/// Accounts, the newest first; `q` is looked for in name and email.
///
/// # Errors
/// Those of storage.
pub fn list(
    tx: &mut Tx<'_>,
    q: Option<&str>,
    active: Option<bool>,
    paging: &Paging,
) -> Result<Page<AdminUser>> {
    let mut sql = format!("{ADMIN_USER} where u.deleted_at is null and u.id < $1");
    let mut params: Vec<Value<'_>> = vec![paging.before().into()];
    let pattern = q.map(like_anywhere);
    if let Some(pattern) = &pattern {
        params.push(pattern.into());
        sql.push_str(&format!(" and u.search like ${} escape '\\'", params.len()));
    }
    if let Some(active) = active {
        params.push(active.into());
        sql.push_str(&format!(" and u.active = ${}", params.len()));
    }
    sql.push_str(&format!(" order by u.id desc limit {}", paging.limit_and_one()));
    let rows = tx.all(&sql, &params, admin_user)?;
    let mut page = Page::cut(rows, paging, |user| user.id);
    for user in &mut page.items {
        add_spend(tx, user)?;
    }
    Ok(page)
}
