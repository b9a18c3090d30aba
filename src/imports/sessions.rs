//! `parking import sessions`: stays of the past, and those that still last, with their own times.
//!
//! A session has no spot of its own in the file, so it gets the first spot that is free at its
//! start, as it would have then.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::path::Path;

use jiff::Timestamp;
use uuid::Uuid;

use super::{File, Table, TableRow, file_name, progress_bar, store};
use crate::app::App;
use crate::lots::tariff::Price;
use crate::money::Currency;

/// The columns without which a file is none of sessions.
pub const REQUIRED: &[&str] = &["lot", "started_at", "ended_at"];

/// A stay of the file.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    line: u64,
    lot: String,
    started_at: Timestamp,
    /// `None`: still parked.
    ended_at: Option<Timestamp>,
}

/// A lot that sessions are imported into.
#[derive(Debug, Clone)]
pub struct KnownLot {
    pub id: Uuid,
    pub price: Price,
    pub currency: Currency,
    /// Id and label of the spots that nothing is parked on, in the order of their labels.
    pub spots: Vec<(Uuid, String)>,
}

/// A booking that an import makes.
#[derive(Debug, Clone)]
pub struct ImportedBooking {
    pub lot: Uuid,
    pub spot: Uuid,
    pub spot_label: String,
    /// `None`: a walk-in.
    pub user: Option<Uuid>,
    pub plate: Option<String>,
    pub started_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub price: Price,
    pub currency: Currency,
}

impl ImportedBooking {
    /// What it cost, in minor units; `None`: it is open.
    #[must_use]
    pub fn cost_minor(&self) -> Option<i64> {
        let stay = self.ended_at?.duration_since(self.started_at);
        Some(self.price.cost_minor(stay))
    }
}

/// What an import of sessions did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    pub closed: usize,
    pub open: usize,
}

/// # Errors
/// What is wrong with the file, with the line; nothing is changed then.
pub fn run(app: &App, path: &Path) -> Result<Outcome, String> {
    let table = Table::read(path, REQUIRED)?;
    let in_file = |error: String| format!("{}: {error}", path.display());
    let sessions = check(&table).map_err(in_file)?;
    let bar = progress_bar(sessions.len(), "Sessions");
    let file = File { name: file_name(path), sha256: table.sha256 };
    let place = move |lots: &HashMap<String, KnownLot>| place(&sessions, lots);
    let outcome = store::write_sessions(app, place, file, &bar).map_err(in_file)?;
    app.reread_blocking().map_err(|error| error.to_string())?;
    bar.finish();
    Ok(outcome)
}

pub(crate) fn check(table: &Table) -> Result<Vec<Session>, String> {
    let checked = |row| check_row(&row).map_err(|error| format!("line {}: {error}", row.line));
    let mut sessions = table.rows().map(checked).collect::<Result<Vec<_>, _>>()?;
    sessions.sort_by_key(|session| session.started_at);
    Ok(sessions)
}

fn check_row(row: &TableRow<'_>) -> Result<Session, String> {
    let instant = "an RFC 3339 instant such as 2026-06-08T00:00:02Z";
    row.require("started_at")?;
    let started_at: Timestamp = row.parse("started_at", instant)?.unwrap_or_default();
    let ended_at: Option<Timestamp> = row.parse("ended_at", instant)?;
    if ended_at.is_some_and(|ended_at| ended_at < started_at) {
        return Err("ended_at is before started_at".into());
    }
    if started_at < Timestamp::UNIX_EPOCH {
        return Err("started_at is before 1970".into());
    }
    let lot = row.require("lot")?.to_owned();
    Ok(Session { line: row.line, lot, started_at, ended_at })
}

/// Gives each session its spot, in order of their starts. A spot that is left at an instant can be
/// taken at the same.
pub(crate) fn place(
    sessions: &[Session],
    lots: &HashMap<String, KnownLot>,
) -> Result<Vec<ImportedBooking>, String> {
    /// Indices of free spots, and when the others become free.
    #[derive(Default)]
    struct Occupancy {
        free: BTreeSet<usize>,
        leaving: BinaryHeap<Reverse<(Timestamp, usize)>>,
    }
    let mut occupancies: BTreeMap<Uuid, Occupancy> = lots
        .values()
        .map(|lot| {
            (lot.id, Occupancy { free: (0..lot.spots.len()).collect(), ..Default::default() })
        })
        .collect();
    let mut bookings = Vec::with_capacity(sessions.len());
    for session in sessions {
        let Session { line, lot: key, started_at, ended_at } = session;
        let lot = lots.get(key).ok_or_else(|| format!("line {line}: there is no lot {key}"))?;
        let occupancy = occupancies.entry(lot.id).or_default();
        while let Some(Reverse((at, spot))) = occupancy.leaving.peek().copied()
            && at <= *started_at
        {
            occupancy.leaving.pop();
            occupancy.free.insert(spot);
        }
        let spot = occupancy
            .free
            .pop_first()
            .ok_or_else(|| format!("line {line}: no spot of lot {key} is free at {started_at}"))?;
        if let Some(ended_at) = ended_at {
            occupancy.leaving.push(Reverse((*ended_at, spot)));
        }
        let (spot, spot_label) = lot.spots[spot].clone();
        bookings.push(ImportedBooking {
            lot: lot.id,
            spot,
            spot_label,
            user: None,
            plate: None,
            started_at: *started_at,
            ended_at: *ended_at,
            price: lot.price,
            currency: lot.currency,
        });
    }
    Ok(bookings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lots::tariff::Tariff;

    fn lots(spots: usize) -> HashMap<String, KnownLot> {
        let lot = KnownLot {
            id: Uuid::from_u128(1),
            price: Price { per_hour_minor: 6000, tariff: Tariff::default() },
            currency: "INR".parse().unwrap(),
            spots: (0..spots).map(|n| (Uuid::from_u128(n as u128), format!("A{n}"))).collect(),
        };
        HashMap::from([("x".to_owned(), lot)])
    }

    fn session(line: u64, from: &str, to: Option<&str>) -> Session {
        let at = |time: &str| format!("2026-06-08T{time}:00Z").parse().unwrap();
        Session { line, lot: "x".into(), started_at: at(from), ended_at: to.map(at) }
    }

    #[test]
    fn each_session_gets_the_first_spot_that_is_free_at_its_start() {
        let sessions = [
            session(2, "08:00", Some("09:00")),
            session(3, "08:30", None),
            session(4, "09:00", Some("10:00")),
            session(5, "09:30", Some("11:00")),
        ];
        let placed = place(&sessions, &lots(3)).unwrap();
        let labels: Vec<_> = placed.iter().map(|booking| booking.spot_label.as_str()).collect();
        assert_eq!(labels, ["A0", "A1", "A0", "A2"]);
    }

    #[test]
    fn a_session_that_fits_nowhere_is_named_by_its_line() {
        let sessions = [session(2, "08:00", None), session(3, "08:30", None)];
        assert!(place(&sessions, &lots(1)).unwrap_err().starts_with("line 3: no spot of lot x"));
        let unknown = place(&[session(7, "08:00", None)], &HashMap::new());
        assert_eq!(unknown.unwrap_err(), "line 7: there is no lot x");
    }
}
