//! The rows of the audit log as a chain: each holds a hash of itself and of the row before it, so
//! that a row that is changed, removed or put in later shows (docs/adr/0023).
//!
//! Who can write to the database can also make the whole chain anew. So its last link belongs
//! somewhere else too: the server logs it, and [`verify`] takes one that was noted.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::db::{self, Db, Row, Tx};
use crate::error::{Error, Result};

/// Rows read and chained at a time.
const PAGE_ROWS: usize = 1000;
/// Faults told at most.
const FAULTS_MAX: usize = 100;

type Hash = [u8; 32];

/// The end of a chain: written as `1234:` and 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Link {
    /// Rows up to here; 0: there is none.
    pub number: i64,
    pub hash: Hash,
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.number)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Link {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "a link is written as 1234: and 64 hexadecimal digits".to_owned();
        let (number, digits) = text.split_once(':').ok_or_else(form)?;
        let number = number.parse().ok().filter(|number| *number >= 0).ok_or_else(form)?;
        let mut hash = Hash::default();
        if digits.len() != 2 * hash.len() || !digits.is_ascii() {
            return Err(form());
        }
        for (index, byte) in hash.iter_mut().enumerate() {
            let pair = &digits[2 * index..2 * index + 2];
            *byte = u8::from_str_radix(pair, 16).map_err(|_| form())?;
        }
        Ok(Self { number, hash })
    }
}

/// A row as it is hashed.
#[derive(Debug)]
struct Content {
    id: Uuid,
    at: Timestamp,
    actor: Option<Uuid>,
    action: String,
    subject_kind: Option<String>,
    subject: Option<Uuid>,
    detail: String,
    address: Option<String>,
}

const CONTENT: &str = "id, at, actor_id, action, subject_kind, subject_id, detail, address";

impl Content {
    fn read(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
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

    /// The link of this row after `before`. Every part is told apart by its length, and an absent
    /// one from an empty one; instants count in microseconds, as both engines keep them.
    fn after(&self, before: &Link) -> Link {
        let number = before.number + 1;
        let mut hasher = Sha256::new();
        hasher.update(before.hash);
        let id = |id: &Uuid| id.into_bytes().to_vec();
        let text = |text: &String| text.clone().into_bytes();
        let parts = [
            Some(number.to_be_bytes().to_vec()),
            Some(id(&self.id)),
            Some(self.at.as_microsecond().to_be_bytes().to_vec()),
            self.actor.as_ref().map(id),
            Some(text(&self.action)),
            self.subject_kind.as_ref().map(text),
            self.subject.as_ref().map(id),
            Some(text(&self.detail)),
            self.address.as_ref().map(text),
        ];
        for part in parts {
            let length =
                part.as_ref().map_or(-1, |part| i64::try_from(part.len()).unwrap_or(i64::MAX));
            hasher.update(length.to_be_bytes());
            hasher.update(part.unwrap_or_default());
        }
        Link { number, hash: hasher.finalize().into() }
    }
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
    let rows = tx.all(&sql, &[], Content::read)?;
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

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Rows of these numbers are gone, both included.
    Missing { from: i64, to: i64 },
    /// A row, or the hash of the one before it, is not as it was written.
    Changed { number: i64, id: Uuid, at: Timestamp, action: String },
    /// There are rows behind the last link.
    Added { from: i64 },
    /// The last link is not that of the last row.
    End { told: Link, found: Link },
    /// The link that was noted is not in the chain.
    Noted { noted: Link, found: Option<Hash> },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { from, to } if from == to => write!(f, "row {from} is missing"),
            Self::Missing { from, to } => write!(f, "rows {from} to {to} are missing"),
            Self::Changed { number, id, at, action } => write!(
                f,
                "row {number} is not what was written, or the row before it is not ({action}, {at}, {id})"
            ),
            Self::Added { from } => write!(f, "there are rows from {from} that nobody chained"),
            Self::End { told, found } => {
                write!(f, "the chain should end with {told}, and ends with {found}")
            }
            Self::Noted { noted, found: None } => {
                write!(f, "the chain was longer once: {noted} was noted, and there is no such row")
            }
            Self::Noted { noted, found: Some(hash) } => {
                let found = Link { number: noted.number, hash: *hash };
                write!(f, "the chain was another once: {noted} was noted, and it is {found}")
            }
        }
    }
}

/// What was found in a chain.
#[derive(Debug, Default)]
pub struct Verified {
    /// What the chain is said to end with.
    pub end: Link,
    /// Rows that the next one takes in.
    pub unchained: i64,
    /// The first of them; none: it is as it was written.
    pub faults: Vec<Fault>,
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
            Ok((Content::read(row)?, link))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn content() -> Content {
        Content {
            id: Uuid::nil(),
            at: Timestamp::UNIX_EPOCH,
            actor: None,
            action: "lot.changed".into(),
            subject_kind: Some("lot".into()),
            subject: Some(Uuid::max()),
            detail: "{}".into(),
            address: None,
        }
    }

    #[test]
    fn each_part_of_a_row_its_number_and_the_row_before_are_in_its_hash() {
        let begin = Link::default();
        let told = content().after(&begin).hash;
        assert_eq!(content().after(&begin).hash, told);
        let changes: [fn(&mut Content); 8] = [
            |row| row.id = Uuid::max(),
            |row| row.at = Timestamp::from_microsecond(1).expect("an instant"),
            |row| row.actor = Some(Uuid::nil()),
            |row| row.action.push('s'),
            |row| row.subject_kind = None,
            |row| row.subject = None,
            |row| row.detail = "{ }".into(),
            |row| row.address = Some(String::new()),
        ];
        for (index, change) in changes.iter().enumerate() {
            let mut row = content();
            change(&mut row);
            assert_ne!(row.after(&begin).hash, told, "change {index}");
        }
        assert_ne!(content().after(&Link { number: 1, ..begin }).hash, told);
        assert_ne!(content().after(&Link { hash: [1; 32], ..begin }).hash, told);
    }

    #[test]
    fn what_moves_from_one_part_to_the_next_changes_the_hash() {
        let moved =
            Content { action: "lot.changedl".into(), subject_kind: Some("ot".into()), ..content() };
        assert_ne!(moved.after(&Link::default()), content().after(&Link::default()));
    }

    #[test]
    fn a_link_is_read_as_it_is_written() {
        let link = content().after(&Link { number: 1233, hash: [7; 32] });
        assert_eq!(link.to_string().parse(), Ok(link));
        for text in [
            "",
            "12",
            "12:",
            "-1:00",
            &format!("1:{}", "g".repeat(64)),
            &format!("1:{}", "é".repeat(32)),
        ] {
            assert!(text.parse::<Link>().is_err(), "{text}");
        }
    }
}
