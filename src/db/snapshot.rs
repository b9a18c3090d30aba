//! Which transactions an answer of PostgreSQL holds: so that what is kept in memory can be read anew while it
//! is changed, and no change counts twice or not at all.

use std::str::FromStr;

use super::Error;

/// The number of a transaction that wrote; PostgreSQL's `xid8`. SQLite, whose commits come one after
/// the other, needs none.
pub type TransactionId = Option<u64>;

/// What `pg_current_snapshot()` says (PostgreSQL's manual, "System Information Functions"). The
/// default holds nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// All below have ended.
    from: u64,
    /// None at or above had begun.
    to: u64,
    /// Those between that had not ended.
    running: Vec<u64>,
}

impl Snapshot {
    /// Whether what that transaction committed can be seen.
    #[must_use]
    pub fn holds(&self, transaction: TransactionId) -> bool {
        transaction
            .is_some_and(|id| id < self.from || (id < self.to && !self.running.contains(&id)))
    }
}

impl FromStr for Snapshot {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parts: Vec<_> = text.splitn(3, ':').collect();
        let wrong = || Error::Query(format!("no snapshot: {text}"));
        let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
        let [from, to, running] = parts[..] else { return Err(wrong()) };
        let running = running.split(',').filter(|id| !id.is_empty());
        Ok(Self {
            from: number(from)?,
            to: number(to)?,
            running: running.map(number).collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_holds_what_had_ended() {
        let snapshot: Snapshot = "10:14:11,13".parse().unwrap();
        let held: Vec<_> = (8..16).filter(|id| snapshot.holds(Some(*id))).collect();
        assert_eq!(held, [8, 9, 10, 12]);
        assert!(!snapshot.holds(None));
        assert_eq!("7:7:".parse::<Snapshot>().unwrap().running, [0; 0]);
        assert!(!Snapshot::default().holds(Some(1)));
    }

    #[test]
    fn what_is_no_snapshot_is_refused() {
        for text in ["", "1", "1:2", "a:b:", "1:2:x"] {
            assert!(text.parse::<Snapshot>().is_err(), "{text}");
        }
    }
}
