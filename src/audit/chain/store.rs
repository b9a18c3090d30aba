//! The chain in SQL.

use uuid::Uuid;

use super::{Content, Fault, Hash, Link, Verified};
use crate::db::{self, Db, Row, Tx};
use crate::error::{Error, Result};

/// Rows read and chained at a time.
const PAGE_ROWS: usize = 1000;
/// Faults told at most.
const FAULTS_MAX: usize = 100;

const CONTENT: &str = "id, at, actor_id, action, subject_kind, subject_id, detail, address";

fn read(row: &Row<'_>) -> Result<Content, db::Error> {
    Ok(Content {
        id: row.get(0)?,
        at: row.get(1)?,
        actor: row.get(2)?,
        action: row.get(3)?,
        subject_kind: row.get(4)?,
        subject: row.get(5)?,
        detail: row.get(6)?,
        address: row.get(7)?,
    })
}

const END: &str = "select length, hash from audit_chain";

fn read_end(row: &Row<'_>) -> Result<Link, db::Error> {
    let hash: Option<Vec<u8>> = row.get(1)?;
    Ok(Link { number: row.get(0)?, hash: hash_of(hash.as_deref()) })
}

/// Of another length it is none of ours and fits nothing.
fn hash_of(bytes: Option<&[u8]>) -> Hash {
    bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default()
}

/// The last link.
///
/// # Errors
/// Those of storage.
pub fn end(tx: &mut Tx<'_>) -> Result<Link> {
    Ok(tx.one(END, &[], read_end)?)
}

/// Chains the rows that are not yet, the earliest first: at most a page of them. Gives how many.
///
/// # Errors
/// Those of storage.
pub fn extend(tx: &mut Tx<'_>) -> Result<usize> {
    let end = tx.opt_locked(END, &[], read_end)?;
    let mut end = end.ok_or_else(|| Error::Internal("audit_chain has no row".into()))?;
    let sql =
        format!("select {CONTENT} from audit where number is null order by id limit {PAGE_ROWS}");
    let rows = tx.all(&sql, &[], read)?;
    for row in &rows {
        end = row.after(&end);
        tx.send(
            "update audit set number = $1, hash = $2 where id = $3",
            &[end.number.into(), (&end.hash).into(), row.id.into()],
        )?;
    }
    if !rows.is_empty() {
        tx.send(
            "update audit_chain set length = $1, hash = $2",
            &[end.number.into(), (&end.hash).into()],
        )?;
    }
    Ok(rows.len())
}

/// Takes in all rows of a program that knew no chain.
///
/// # Errors
/// Those of storage.
pub fn catch_up(db: &Db) -> Result<()> {
    while db.write_blocking(Uuid::nil(), extend)? > 0 {}
    Ok(())
}

/// Reads the whole chain in one state of the database. `noted` is an earlier end of it that was
/// kept elsewhere.
///
/// # Errors
/// Those of storage.
pub fn verify(db: &Db, noted: Option<Link>) -> Result<Verified> {
    db.read_blocking(move |tx| tx.snapshot(|tx| walk(tx, noted)))
}

fn walk(tx: &mut Tx<'_>, noted: Option<Link>) -> Result<Verified> {
    let sql = "select count(*) from audit where number is null";
    let unchained = tx.one(sql, &[], |row| row.get(0))?;
    let mut verified = Verified { end: end(tx)?, unchained, faults: Vec::new() };
    let told = verified.end;
    let mut before = Link::default();
    let mut noted_is_there = noted.is_none_or(|noted| noted == before);
    let sql = format!(
        "select {CONTENT}, number, hash from audit where number > $1 order by number limit {PAGE_ROWS}"
    );
    loop {
        let rows = tx.all(&sql, &[before.number.into()], |row| {
            let hash: Option<Vec<u8>> = row.get(9)?;
            let link = Link { number: row.get(8)?, hash: hash_of(hash.as_deref()) };
            Ok((read(row)?, link))
        })?;
        let whole = rows.len() == PAGE_ROWS;
        for (content, link) in rows {
            if link.number > told.number {
                verified.faults.push(Fault::Added { from: link.number });
                return Ok(verified);
            }
            if link.number > before.number + 1 {
                // The hash of the row before is gone with it: this row is taken as it stands.
                verified
                    .faults
                    .push(Fault::Missing { from: before.number + 1, to: link.number - 1 });
            } else if content.after(&before) != link {
                let Content { id, at, action, .. } = content;
                verified.faults.push(Fault::Changed { number: link.number, id, at, action });
            }
            if let Some(noted) = noted.filter(|noted| noted.number == link.number) {
                noted_is_there = noted == link;
                if !noted_is_there {
                    verified.faults.push(Fault::Noted { noted, found: Some(link.hash) });
                }
            }
            before = link;
            if verified.faults.len() >= FAULTS_MAX {
                return Ok(verified);
            }
        }
        if !whole {
            break;
        }
    }
    if before.number < told.number {
        verified.faults.push(Fault::Missing { from: before.number + 1, to: told.number });
    } else if before != told {
        verified.faults.push(Fault::End { told, found: before });
    }
    match noted {
        Some(noted) if !noted_is_there && noted.number > before.number => {
            verified.faults.push(Fault::Noted { noted, found: None });
        }
        _ => {}
    }
    Ok(verified)
}
