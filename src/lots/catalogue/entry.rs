//! A lot as the catalogue holds it.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, Ordering};

use uuid::Uuid;

use crate::lots::store::LotRow;
use crate::lots::{Lot, LotDetails};

/// A lot, prepared for answering.
pub(super) struct Entry {
    pub(super) id: Uuid,
    pub(super) details: LotDetails,
    pub(super) number_of_spots: i64,
    pub(super) free_spots: AtomicI64,
    /// The lot's JSON up to the value of `free_spots`, and from there to before the last brace.
    json: (String, String),
    /// Name in lower case and id: the order of the list.
    pub(super) order: (String, Uuid),
    /// What a search looks in, in lower case.
    haystack: String,
}

impl Entry {
    pub(super) fn new(row: &LotRow) -> Self {
        let LotDetails { name, address, city, pin_code, .. } = &row.details;
        let order = (name.to_lowercase(), row.id);
        let texts = [Some(name), address.as_ref(), city.as_ref(), pin_code.as_ref()];
        let haystack = texts
            .into_iter()
            .flatten()
            .fold(String::new(), |text, part| text + &part.to_lowercase() + "\n");
        Self {
            id: row.id,
            details: row.details.clone(),
            number_of_spots: row.number_of_spots,
            free_spots: AtomicI64::new(row.free_spots),
            json: split_json(row),
            order,
            haystack,
        }
    }

    pub(super) fn holds(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.haystack.contains(word))
    }

    pub(super) fn render(&self, out: &mut String, distance_m: Option<Option<i64>>) {
        let free = self.free_spots.load(Ordering::Acquire);
        let _ = write!(out, "{}{free}{}", self.json.0, self.json.1);
        match distance_m {
            None => {}
            Some(None) => out.push_str(",\"distance_m\":null"),
            Some(Some(metres)) => {
                let _ = write!(out, ",\"distance_m\":{metres}");
            }
        }
        out.push('}');
    }
}

pub(super) fn words(q: &str) -> Vec<String> {
    q.to_lowercase().split_whitespace().map(Into::into).collect()
}

/// Cuts a lot's JSON at its count of free spots.
fn split_json(row: &LotRow) -> (String, String) {
    const MARK: &str = "\"free_spots\":";
    let lot = Lot { free_spots: 0, ..row.to_lot() };
    let json = serde_json::to_string(&lot).unwrap_or_default();
    // A quote in a name is escaped, so the mark is found only as a key.
    let (head, tail) = json.split_once(MARK).unwrap_or((&json, "0}"));
    let tail = tail.trim_start_matches('0').trim_end_matches('}');
    (format!("{head}{MARK}"), tail.to_owned())
}
