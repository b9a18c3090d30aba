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

mod store;

pub use store::{catch_up, end, extend, verify};

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
        let link = Self { number, hash };
        // Only in this form: numbers may have a sign elsewhere.
        if link.to_string().eq_ignore_ascii_case(text) { Ok(link) } else { Err(form()) }
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

impl Content {
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
            &format!("1:{}", "+1".repeat(32)),
            &format!("+{link}"),
        ] {
            assert!(text.parse::<Link>().is_err(), "{text}");
        }
    }
}
