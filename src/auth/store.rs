//! Sessions and sign-in in SQL.

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::tokens::RefreshToken;
use super::{CurrentUser, OwnSession, Role};
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::ids;
use crate::locale::Language;
use crate::users::{Email, Name};

/// A session ends after this long without a refresh.
const IDLE_MAX: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A session ends this long after its sign-in, whatever happens.
pub const SESSION_MAX: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What signing in needs to know of an account.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: Uuid,
    pub email: String,
    pub name: String,
    pub role: Role,
    pub active: bool,
    pub password_hash: Option<String>,
}

const ACCOUNT: &str = "select id, email, name, is_admin, active, password_hash from users";

fn account(row: &Row<'_>) -> Result<Account, crate::db::Error> {
    Ok(Account {
        id: row.get(0)?,
        email: row.get::<Option<String>>(1)?.unwrap_or_default(),
        name: row.get(2)?,
        role: Role::of(row.get(3)?),
        active: row.get(4)?,
        password_hash: row.get(5)?,
    })
}

/// # Errors
/// Those of storage.
pub fn account_by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<Account>> {
    Ok(tx.opt(&format!("{ACCOUNT} where email = $1"), &[email.into()], account)?)
}

/// # Errors
/// Those of storage.
pub fn account_by_id(tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Account>> {
    let sql = format!("{ACCOUNT} where id = $1 and deleted_at is null");
    Ok(tx.opt(&sql, &[id.into()], account)?)
}

/// # Errors
/// Those of storage.
pub fn admin_exists(tx: &mut Tx<'_>) -> Result<bool> {
    Ok(tx.opt("select id from users where is_admin", &[], |row| row.get::<Uuid>(0))?.is_some())
}

/// Opens an account.
///
/// # Errors
/// 409 `email_taken`; 409 `admin_exists` for a second admin.
pub fn insert_account(
    tx: &mut Tx<'_>,
    now: Timestamp,
    (name, email, role): (&Name, &Email, Role),
    password_hash: &str,
) -> Result<Account> {
    if role == Role::Admin && admin_exists(tx)? {
        return Err(Error::Conflict("admin_exists"));
    }
    if account_by_email(tx, email.as_str())?.is_some() {
        return Err(Error::Conflict("email_taken"));
    }
    let id = ids::new_id(now);
    tx.exec(
        "insert into users (id, email, name, search, password_hash, is_admin, active, created_at) \
         values ($1, $2, $3, $4, $5, $6, true, $7)",
        &[
            id.into(),
            email.as_str().into(),
            name.as_str().into(),
            Value::Text(&crate::users::search_text(name.as_str(), email.as_str())),
            password_hash.into(),
            (role == Role::Admin).into(),
            now.into(),
        ],
    )?;
    Ok(Account {
        id,
        email: email.as_str().to_owned(),
        name: name.as_str().to_owned(),
        role,
        active: true,
        password_hash: None,
    })
}

/// # Errors
/// Those of storage.
pub fn set_locale(
    tx: &mut Tx<'_>,
    user: Uuid,
    language: Language,
    time_zone: Option<&str>,
) -> Result<()> {
    tx.exec(
        "update users set language = $1, time_zone = $2 where id = $3",
        &[language.as_str().into(), time_zone.into(), user.into()],
    )?;
    Ok(())
}

/// Opens a session for the account.
///
/// # Errors
/// Those of storage.
pub fn begin_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    user: Uuid,
    user_agent: Option<&str>,
    token: &RefreshToken,
) -> Result<Uuid> {
    let session = ids::new_id(now);
    tx.exec(
        "insert into sessions (id, user_id, created_at, expires_at, user_agent) \
         values ($1, $2, $3, $4, $5)",
        &[session.into(), user.into(), now.into(), (now + SESSION_MAX).into(), user_agent.into()],
    )?;
    insert_token(tx, now, session, token, None)?;
    seen(tx, now, user)?;
    Ok(session)
}

/// The account as it is now, kept from being changed by others until the commit, if its password
/// still is the one that was checked: that took its time.
///
/// # Errors
/// Those of storage.
pub fn same_password(tx: &mut Tx<'_>, checked: &Account) -> Result<Option<Account>> {
    let sql = "select id from users where id = $1";
    tx.opt_locked(sql, &[checked.id.into()], |row| row.get::<Uuid>(0))?;
    let account = account_by_id(tx, checked.id)?;
    Ok(account.filter(|account| account.password_hash == checked.password_hash))
}

fn insert_token(
    tx: &mut Tx<'_>,
    now: Timestamp,
    session: Uuid,
    token: &RefreshToken,
    parent: Option<&[u8]>,
) -> Result<()> {
    tx.exec(
        "insert into refresh_tokens (hash, session_id, parent, created_at) values ($1, $2, $3, $4)",
        &[(&token.hash()).into(), session.into(), parent.into(), now.into()],
    )?;
    Ok(())
}

fn seen(tx: &mut Tx<'_>, now: Timestamp, user: Uuid) -> Result<()> {
    tx.exec("update users set last_seen_at = $1 where id = $2", &[now.into(), user.into()])?;
    Ok(())
}

/// What became of a refresh.
#[derive(Debug)]
pub enum Refreshed {
    /// The new token is good; the session goes on.
    Session(Box<Account>, Uuid),
    /// The token was no good; nothing changed.
    Refused,
    /// The token had been used and replaced before: somebody else has a copy. The session is
    /// revoked.
    Replayed { user: Uuid, session: Uuid },
}

struct Presented {
    session: Uuid,
    user: Uuid,
    created_at: Timestamp,
    used: bool,
    discarded: bool,
    expires_at: Timestamp,
    revoked: bool,
}

/// Exchanges a refresh token for its successor, `next`.
///
/// A token that was used may be presented again as long as its successor was not: the answer got
/// lost, so the successor is given up for a new one. Otherwise a used token is a copy, and its
/// whole family ends (RFC 9700, section 4.14).
///
/// # Errors
/// Those of storage.
pub fn refresh(
    tx: &mut Tx<'_>,
    now: Timestamp,
    token: &RefreshToken,
    next: &RefreshToken,
) -> Result<Refreshed> {
    let hash = token.hash();
    let found = tx.opt_locked(
        "select s.id, s.user_id, t.created_at, t.used_at is not null, \
         t.discarded_at is not null, s.expires_at, s.revoked_at is not null \
         from refresh_tokens t join sessions s on s.id = t.session_id where t.hash = $1",
        &[(&hash).into()],
        |row| {
            Ok(Presented {
                session: row.get(0)?,
                user: row.get(1)?,
                created_at: row.get(2)?,
                used: row.get(3)?,
                discarded: row.get(4)?,
                expires_at: row.get(5)?,
                revoked: row.get(6)?,
            })
        },
    )?;
    let Some(presented) = found else { return Ok(Refreshed::Refused) };
    let idle_since = now - IDLE_MAX;
    if presented.revoked || presented.expires_at <= now || presented.created_at <= idle_since {
        return Ok(Refreshed::Refused);
    }
    let Some(account) = account_by_id(tx, presented.user)?.filter(|account| account.active) else {
        return Ok(Refreshed::Refused);
    };
    let successor_used = tx.opt(
        "select hash from refresh_tokens where parent = $1 and used_at is not null",
        &[(&hash).into()],
        |row| row.get::<Vec<u8>>(0),
    )?;
    if presented.discarded || successor_used.is_some() {
        let (user, session) = (presented.user, presented.session);
        tx.exec(
            "update sessions set revoked_at = $1 where id = $2",
            &[now.into(), session.into()],
        )?;
        return Ok(Refreshed::Replayed { user, session });
    }
    if presented.used {
        tx.exec(
            "update refresh_tokens set discarded_at = $1 \
             where parent = $2 and discarded_at is null",
            &[now.into(), (&hash).into()],
        )?;
    } else {
        tx.exec(
            "update refresh_tokens set used_at = $1 where hash = $2",
            &[now.into(), (&hash).into()],
        )?;
    }
    insert_token(tx, now, presented.session, next, Some(&hash))?;
    seen(tx, now, presented.user)?;
    Ok(Refreshed::Session(Box::new(account), presented.session))
}

/// Ends the session that the token belongs to; says whose it was.
///
/// # Errors
/// Those of storage.
pub fn end_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    token: &RefreshToken,
) -> Result<Option<(Uuid, Uuid)>> {
    let found = tx.opt(
        "select s.id, s.user_id from refresh_tokens t join sessions s on s.id = t.session_id \
         where t.hash = $1 and s.revoked_at is null",
        &[(&token.hash()).into()],
        |row| Ok((row.get::<Uuid>(0)?, row.get::<Uuid>(1)?)),
    )?;
    if let Some((session, _)) = found {
        tx.exec(
            "update sessions set revoked_at = $1 where id = $2",
            &[now.into(), session.into()],
        )?;
    }
    Ok(found)
}

/// Ends every session of the user but `keep`; says which.
///
/// # Errors
/// Those of storage.
pub fn end_sessions(
    tx: &mut Tx<'_>,
    now: Timestamp,
    user: Uuid,
    keep: Option<Uuid>,
) -> Result<Vec<Uuid>> {
    Ok(tx.all(
        "update sessions set revoked_at = $1 \
         where user_id = $2 and id <> $3 and revoked_at is null returning id",
        &[now.into(), user.into(), keep.unwrap_or_default().into()],
        |row| row.get(0),
    )?)
}

/// Forgets with what somebody was signed in.
///
/// # Errors
/// Those of storage.
pub fn forget_devices(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    tx.exec("update sessions set user_agent = null where user_id = $1", &[user.into()])?;
    Ok(())
}

/// [`end_sessions`] for one session of the user; nothing when it is not theirs or has ended.
///
/// # Errors
/// Those of storage.
pub fn end_one_session(
    tx: &mut Tx<'_>,
    now: Timestamp,
    user: Uuid,
    session: Uuid,
) -> Result<Vec<Uuid>> {
    Ok(tx.all(
        "update sessions set revoked_at = $1 \
         where user_id = $2 and id = $3 and revoked_at is null and expires_at > $1 returning id",
        &[now.into(), user.into(), session.into()],
        |row| row.get(0),
    )?)
}

/// A user's sessions that hold, the latest sign-in first.
///
/// # Errors
/// Those of storage.
pub fn sessions_of(tx: &mut Tx<'_>, now: Timestamp, user: &CurrentUser) -> Result<Vec<OwnSession>> {
    Ok(tx.all(
        "select s.id, s.created_at, (select max(t.created_at) from refresh_tokens t \
         where t.session_id = s.id), s.expires_at, s.user_agent from sessions s \
         where s.user_id = $1 and s.revoked_at is null and s.expires_at > $2 order by s.id desc",
        &[user.id.into(), now.into()],
        |row| {
            let (id, created_at): (Uuid, Timestamp) = (row.get(0)?, row.get(1)?);
            Ok(OwnSession {
                id,
                created_at,
                last_used_at: row.get::<Option<Timestamp>>(2)?.unwrap_or(created_at),
                expires_at: row.get(3)?,
                user_agent: row.get(4)?,
                is_current: id == user.session,
            })
        },
    )?)
}

/// # Errors
/// Those of storage.
pub fn set_password(tx: &mut Tx<'_>, user: Uuid, password_hash: &str) -> Result<()> {
    tx.exec(
        "update users set password_hash = $1 where id = $2",
        &[password_hash.into(), user.into()],
    )?;
    Ok(())
}

/// Sessions revoked at or after `since`.
///
/// # Errors
/// Those of storage.
pub fn revoked_since(tx: &mut Tx<'_>, since: Timestamp) -> Result<Vec<Uuid>> {
    Ok(tx
        .all("select id from sessions where revoked_at >= $1", &[since.into()], |row| row.get(0))?)
}

/// Removes sessions that ended more than a month ago, with their tokens.
///
/// # Errors
/// Those of storage.
pub fn remove_old_sessions(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    Ok(tx.exec("delete from sessions where expires_at < $1", &[(now - SESSION_MAX).into()])?)
}
