//! Finished exports in SQL.

use std::collections::HashSet;

use jiff::Timestamp;
use uuid::Uuid;

use crate::db::Tx;
use crate::error::{Error, Result};

/// # Errors
/// Those of storage.
pub fn insert(
    tx: &mut Tx<'_>,
    now: Timestamp,
    id: Uuid,
    owner: Uuid,
    (rows, bytes): (i64, i64),
    expires_at: Timestamp,
) -> Result<()> {
    tx.exec(
        "insert into exports (id, owner_id, row_count, byte_count, created_at, expires_at) \
         values ($1, $2, $3, $4, $5, $6)",
        &[id.into(), owner.into(), rows.into(), bytes.into(), now.into(), expires_at.into()],
    )?;
    Ok(())
}

/// When an export of its owner was made.
///
/// # Errors
/// 404, also when it is somebody else's or has expired.
pub fn own(tx: &mut Tx<'_>, now: Timestamp, id: Uuid, owner: Uuid) -> Result<Timestamp> {
    tx.opt(
        "select created_at from exports where id = $1 and owner_id = $2 and expires_at > $3",
        &[id.into(), owner.into(), now.into()],
        |row| row.get(0),
    )?
    .ok_or(Error::NotFound)
}

/// # Errors
/// Those of storage.
pub fn remove_expired(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    Ok(tx.exec("delete from exports where expires_at <= $1", &[now.into()])?)
}

/// # Errors
/// Those of storage.
pub fn remove_of(tx: &mut Tx<'_>, owner: Uuid) -> Result<()> {
    tx.exec("delete from exports where owner_id = $1", &[owner.into()])?;
    Ok(())
}

/// Takes back what the admin exported, for it may name anybody: what is finished goes, what is
/// under way begins anew once its claim has run out.
///
/// # Errors
/// Those of storage.
pub fn take_back(tx: &mut Tx<'_>, kind: &str) -> Result<()> {
    let admins = "owner_id in (select id from users where is_admin)";
    tx.exec(&format!("delete from exports where {admins}"), &[])?;
    let sql = format!(
        "update jobs set claim_id = null, attempts = attempts - 1 \
         where kind = $1 and status = 'running' and {admins}"
    );
    tx.exec(&sql, &[kind.into()])?;
    Ok(())
}

/// The exports whose files are to be kept: those that are finished, and those of a task of `kind`
/// that is under way or will be tried again.
///
/// # Errors
/// Those of storage.
pub fn wanted(tx: &mut Tx<'_>, kind: &str) -> Result<HashSet<Uuid>> {
    let ids = tx.all(
        "select id from exports union \
         select id from jobs where kind = $1 and status in ('queued', 'running')",
        &[kind.into()],
        |row| row.get(0),
    )?;
    Ok(ids.into_iter().collect())
}
