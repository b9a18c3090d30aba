//! The lots in memory: what everyone asks, answered without the database.
//!
//! The lanes tell the catalogue of each change after its commit and before the caller hears of it,
//! so whoever reads next sees it. Each change begins a new generation; the answer to a question is
//! rendered once a generation and then served as it is, with a hash of it as its `ETag`. Other
//! processes are told, and tell (`replicas.rs`); where they do not, all lots are read anew.

mod answer;
mod entry;
mod question;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use bytes::Bytes;
use uuid::Uuid;

use self::entry::{Entry, words};
use super::LotDetails;
use super::store::LotRow;
use crate::bookings::BookedLot;
use crate::db::{Snapshot, TransactionId};
use crate::error::{Error, Result};

pub use answer::Answer;
pub use question::Question;

/// Answers kept for a generation at most. Searches are many; the first page is one.
const ANSWERS_MAX: usize = 512;

/// A change of a lot's counts, as listeners are told it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub id: Uuid,
    pub free_spots: i64,
    pub number_of_spots: i64,
}

#[derive(Default)]
struct Lots {
    by_id: HashMap<Uuid, Arc<Entry>>,
    /// In the order of the list.
    sorted: Vec<Arc<Entry>>,
    /// What was held already as all of them were last read.
    seen: Snapshot,
}

impl Lots {
    fn of(rows: &[LotRow], seen: Snapshot) -> Self {
        let mut sorted: Vec<_> = rows.iter().map(|row| Arc::new(Entry::new(row))).collect();
        sorted.sort_by(|a, b| a.order.cmp(&b.order));
        let by_id = sorted.iter().map(|entry| (entry.id, entry.clone())).collect();
        Self { by_id, sorted, seen }
    }

    fn put(&mut self, row: &LotRow, freed: i64) {
        let entry = Arc::new(Entry::new(row));
        if let Some(before) = self.by_id.get(&row.id) {
            let free = before.free_spots.load(Ordering::Acquire) + freed;
            entry.free_spots.store(free, Ordering::Release);
        }
        self.sorted.retain(|other| other.id != row.id);
        let place = self.sorted.partition_point(|other| other.order < entry.order);
        self.sorted.insert(place, entry.clone());
        self.by_id.insert(row.id, entry);
    }

    fn remove(&mut self, id: Uuid) {
        self.by_id.remove(&id);
        self.sorted.retain(|other| other.id != id);
    }

    fn add_free(&self, lot: Uuid, by: i64) {
        if let Some(entry) = self.by_id.get(&lot) {
            entry.free_spots.fetch_add(by, Ordering::AcqRel);
        }
    }
}

/// What a transaction did to a lot.
enum Change {
    /// It has become this, and so many more of its spots are free. The count itself is not taken
    /// from the row: on PostgreSQL other commits, before it or after it, may be told first.
    Row(Box<LotRow>, i64),
    Gone(Uuid),
    Free(Uuid, i64),
}

/// What other processes are to be told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The lot, by how many more of its spots are free, and the transaction that did it.
    pub free: Vec<(Uuid, i64, TransactionId)>,
    /// Lots were added, changed or removed: they are to be read anew.
    pub lots: bool,
}

/// All lots, by id and in order.
pub struct Catalogue {
    lots: RwLock<Lots>,
    generation: AtomicU64,
    answers: RwLock<(u64, HashMap<String, Arc<Answer>>)>,
    changed: Mutex<BTreeSet<Uuid>>,
    /// What is told while all lots are being read.
    meanwhile: Mutex<Option<Vec<(Change, TransactionId)>>>,
    told: Mutex<Told>,
}

impl Default for Catalogue {
    fn default() -> Self {
        Self {
            lots: RwLock::default(),
            generation: AtomicU64::new(1),
            answers: RwLock::default(),
            changed: Mutex::default(),
            meanwhile: Mutex::default(),
            told: Mutex::default(),
        }
    }
}

impl Catalogue {
    /// All lots are about to be read for [`Catalogue::replace`], beside commits that may or may not
    /// be in what is read.
    pub fn begin_reading(&self) {
        if let (Ok(_lots), Ok(mut meanwhile)) = (self.lots.write(), self.meanwhile.lock()) {
            *meanwhile = Some(Vec::new());
        }
    }

    /// Puts `rows` in the place of everything, and on them what was told since
    /// [`Catalogue::begin_reading`] and is not in `seen`.
    pub fn replace(&self, rows: &[LotRow], seen: Snapshot) {
        let new = Lots::of(rows, seen);
        let (Ok(mut lots), Ok(mut meanwhile)) = (self.lots.write(), self.meanwhile.lock()) else {
            return;
        };
        let before = std::mem::replace(&mut *lots, new);
        for (change, transaction) in meanwhile.take().unwrap_or_default() {
            if !lots.seen.holds(transaction) {
                match change {
                    Change::Row(row, freed) => lots.put(&row, freed),
                    Change::Gone(id) => lots.remove(id),
                    Change::Free(lot, by) => lots.add_free(lot, by),
                }
            }
        }
        for entry in &lots.sorted {
            let same = before.by_id.get(&entry.id).is_some_and(|old| {
                old.free_spots.load(Ordering::Acquire) == entry.free_spots.load(Ordering::Acquire)
                    && old.number_of_spots == entry.number_of_spots
            });
            if !same {
                self.note(entry.id);
            }
        }
        drop(lots);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// A new lot.
    pub fn add(&self, row: &LotRow, transaction: TransactionId) {
        self.change(row, 0, transaction);
    }

    /// A lot has become `row`, and `freed` more of its spots are free.
    pub fn change(&self, row: &LotRow, freed: i64, transaction: TransactionId) {
        if let Ok(mut lots) = self.lots.write()
            && !lots.seen.holds(transaction)
        {
            lots.put(row, freed);
            self.remember(|| Change::Row(Box::new(row.clone()), freed), transaction);
        }
        self.note(row.id);
        self.tell(|told| told.lots = true);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    pub fn remove(&self, id: Uuid, transaction: TransactionId) {
        if let Ok(mut lots) = self.lots.write() {
            lots.remove(id);
            self.remember(|| Change::Gone(id), transaction);
        }
        self.tell(|told| told.lots = true);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// So many spots have become free; below zero: were taken.
    pub fn add_free(&self, lot: Uuid, by: i64, transaction: TransactionId) {
        self.hear_free(lot, by, transaction);
        self.tell(|told| told.free.push((lot, by, transaction)));
    }

    /// [`Catalogue::add_free`] by another process.
    pub fn hear_free(&self, lot: Uuid, by: i64, transaction: TransactionId) {
        if let Ok(lots) = self.lots.read()
            && !lots.seen.holds(transaction)
        {
            lots.add_free(lot, by);
            self.remember(|| Change::Free(lot, by), transaction);
        }
        self.note(lot);
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn remember(&self, change: impl FnOnce() -> Change, transaction: TransactionId) {
        if let Ok(mut meanwhile) = self.meanwhile.lock()
            && let Some(meanwhile) = &mut *meanwhile
        {
            meanwhile.push((change(), transaction));
        }
    }

    fn tell(&self, tell: impl FnOnce(&mut Told)) {
        if let Ok(mut told) = self.told.lock() {
            tell(&mut told);
        }
    }

    /// Lots were written by an import.
    pub fn tell_lots(&self) {
        self.tell(|told| told.lots = true);
    }

    /// What this process did since this was last asked.
    #[must_use]
    pub fn take_told(&self) -> Told {
        self.told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default()
    }

    fn note(&self, lot: Uuid) {
        if let Ok(mut changed) = self.changed.lock() {
            changed.insert(lot);
        }
    }

    /// The counts that changed since this was last asked.
    #[must_use]
    pub fn take_changes(&self) -> Vec<Count> {
        let changed = self.changed.lock().map(|mut set| std::mem::take(&mut *set));
        let (Ok(changed), Ok(lots)) = (changed, self.lots.read()) else { return Vec::new() };
        let entries = changed.iter().filter_map(|id| lots.by_id.get(id));
        let count = |entry: &Arc<Entry>| Count {
            id: entry.id,
            free_spots: entry.free_spots.load(Ordering::Acquire),
            number_of_spots: entry.number_of_spots,
        };
        entries.map(count).collect()
    }

    /// Details of a lot.
    #[must_use]
    pub fn details(&self, id: Uuid) -> Option<LotDetails> {
        self.lots.read().ok()?.by_id.get(&id).map(|entry| entry.details.clone())
    }

    /// Lots that hold all words of a search, in the order of the list.
    #[must_use]
    pub fn find(&self, q: &str, limit: usize) -> Vec<BookedLot> {
        let words = words(q);
        let Ok(lots) = self.lots.read() else { return Vec::new() };
        let found = lots.sorted.iter().filter(|lot| lot.holds(&words)).take(limit);
        found.map(|lot| BookedLot { id: lot.id, name: lot.details.name.clone() }).collect()
    }

    /// One lot as JSON.
    ///
    /// # Errors
    /// 404
    pub fn lot(&self, id: Uuid) -> Result<Arc<Answer>> {
        self.answer(&id.to_string(), || {
            let lots = self.lots.read().map_err(|_| poisoned())?;
            let mut json = String::with_capacity(512);
            lots.by_id.get(&id).ok_or(Error::NotFound)?.render(&mut json, None);
            Ok(json)
        })
    }

    /// A page of the list as JSON; `raw_query` is the question as it came, by which the answer is
    /// found again.
    ///
    /// # Errors
    /// 422
    pub fn list(
        &self,
        raw_query: &str,
        question: impl FnOnce() -> Result<Question>,
    ) -> Result<Arc<Answer>> {
        self.answer(raw_query, || {
            let question = question()?;
            let lots = self.lots.read().map_err(|_| poisoned())?;
            Ok(question.render(&lots.sorted))
        })
    }

    fn answer(&self, key: &str, render: impl FnOnce() -> Result<String>) -> Result<Arc<Answer>> {
        // Read before rendering: an answer may be newer than its generation, never older.
        let generation = self.generation.load(Ordering::Acquire);
        {
            let answers = self.answers.read().map_err(|_| poisoned())?;
            if answers.0 == generation
                && let Some(answer) = answers.1.get(key)
            {
                return Ok(answer.clone());
            }
        }
        let plain = Bytes::from(render()?);
        let answer = Arc::new(Answer::new(plain));
        let mut answers = self.answers.write().map_err(|_| poisoned())?;
        if answers.0 < generation || answers.1.len() >= ANSWERS_MAX {
            *answers = (generation.max(answers.0), HashMap::new());
        }
        if answers.0 == generation {
            answers.1.insert(key.to_owned(), answer.clone());
        }
        Ok(answer)
    }
}

fn poisoned() -> Error {
    Error::Internal("the catalogue was left half changed".into())
}

#[cfg(test)]
mod tests;
