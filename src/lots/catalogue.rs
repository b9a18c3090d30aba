//! The lots in memory: what everyone asks, answered without the database.
//!
//! The lanes tell the catalogue of each change after its commit and before the caller hears of it,
//! so whoever reads next sees it. Each change begins a new generation; the answer to a question is
//! rendered once a generation and then served as it is, with a hash of it as its `ETag`. Other
//! processes are told, and tell (`replicas.rs`); where they do not, all lots are read anew.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use bytes::Bytes;
use uuid::Uuid;

use super::store::LotRow;
use super::{Lot, LotDetails, Position};
use crate::auth::tokens::{decode, encode};
use crate::bookings::BookedLot;
use crate::db::{Snapshot, TransactionId};
use crate::error::{Error, Fields, Result};
use crate::http::paging::{bad_cursor, parse_limit};

/// Answers kept for a generation at most. Searches are many; the first page is one.
const ANSWERS_MAX: usize = 512;

/// A lot, prepared for answering.
struct Entry {
    id: Uuid,
    details: LotDetails,
    number_of_spots: i64,
    free_spots: AtomicI64,
    /// The lot's JSON up to the value of `free_spots`, and from there to before the last brace.
    json: (String, String),
    /// Name in lower case and id: the order of the list.
    order: (String, Uuid),
    /// What a search looks in, in lower case.
    haystack: String,
}

impl Entry {
    fn new(row: &LotRow) -> Self {
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

    fn holds(&self, words: &[String]) -> bool {
        words.iter().all(|word| self.haystack.contains(word))
    }

    fn render(&self, out: &mut String, distance_m: Option<Option<i64>>) {
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

fn words(q: &str) -> Vec<String> {
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

/// An answer that is ready to be sent.
pub struct Answer {
    pub etag: Bytes,
    pub plain: Bytes,
    gzip: OnceLock<Bytes>,
    asked_before: AtomicBool,
}

impl Answer {
    /// The compressed bytes, from the second time they are asked for: under many changes an answer
    /// is asked for once, and compressing it would cost more than sending it.
    #[must_use]
    pub fn gzip(&self) -> Option<&Bytes> {
        const WORTH_BYTES: usize = 1024;
        if self.plain.len() < WORTH_BYTES || !self.asked_before.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(self.gzip.get_or_init(|| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let written = encoder.write_all(&self.plain).and_then(|()| encoder.finish());
            written.map(Bytes::from).unwrap_or_default()
        }))
    }
}

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
        let answer = Arc::new(Answer {
            etag: etag(&plain),
            plain,
            gzip: OnceLock::new(),
            asked_before: AtomicBool::new(false),
        });
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

/// The same at every server that has the same to say, before a restart and after it.
fn etag(body: &[u8]) -> Bytes {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    Bytes::from(format!("W/\"{:016x}\"", hasher.finish()))
}

fn poisoned() -> Error {
    Error::Internal("the catalogue was left half changed".into())
}

/// What a list is asked for.
pub struct Question {
    words: Vec<String>,
    near: Option<Position>,
    limit: usize,
    after: Option<Vec<u8>>,
}

impl Question {
    /// # Errors
    /// 422
    pub fn new(
        q: Option<&str>,
        near: Option<&str>,
        limit: Option<i64>,
        cursor: Option<&str>,
    ) -> Result<Self> {
        let mut fields = Fields::new();
        let near = fields.check("near", near.map(parse_position).transpose());
        let limit = fields.check("limit", parse_limit(limit));
        let after = cursor.map(|cursor| decode(cursor).filter(|bytes| bytes.len() >= 16));
        let after = after.map(|after| after.ok_or_else(bad_cursor)).transpose();
        let after = fields.check("cursor", after);
        fields.done()?;
        Ok(Self {
            words: words(q.unwrap_or_default()),
            near: near.flatten(),
            limit: limit.unwrap_or_default(),
            after: after.flatten(),
        })
    }

    fn render(&self, sorted: &[Arc<Entry>]) -> String {
        let matching = sorted.iter().filter(|lot| lot.holds(&self.words));
        let mut json = String::with_capacity(self.limit * 512);
        json.push_str("{\"items\":[");
        let next = match self.near {
            None => {
                let after = self.after.as_deref().map(name_of_cursor);
                let rest = matching.filter(|lot| {
                    after
                        .as_ref()
                        .is_none_or(|after| (lot.order.0.as_bytes(), lot.order.1) > *after)
                });
                self.page(rest, &mut json, |_| None, |lot| cursor(lot.id, lot.order.0.as_bytes()))
            }
            Some(near) => {
                // A lot whose place is unknown is farther than any other.
                let metres = |lot: &Entry| {
                    lot.details
                        .position
                        .map_or(u32::MAX, |position| whole(near.distance_m(&position)))
                };
                let mut by_distance: Vec<_> =
                    matching.map(|lot| ((metres(lot), lot.id), lot)).collect();
                by_distance.sort_unstable_by_key(|(order, _)| *order);
                let after = self.after.as_deref().map(distance_of_cursor);
                let rest = by_distance
                    .iter()
                    .filter(|(order, _)| after.is_none_or(|after| *order > after))
                    .map(|(_, lot)| *lot);
                let shown =
                    |lot: &Entry| Some(lot.details.position.map(|_| i64::from(metres(lot))));
                self.page(rest, &mut json, shown, |lot| cursor(lot.id, &metres(lot).to_be_bytes()))
            }
        };
        match next {
            None => json.push_str("],\"next_cursor\":null}"),
            Some(cursor) => {
                let _ = write!(json, "],\"next_cursor\":\"{cursor}\"}}");
            }
        }
        json
    }

    fn page<'a>(
        &self,
        lots: impl Iterator<Item = &'a Arc<Entry>>,
        json: &mut String,
        distance: impl Fn(&Entry) -> Option<Option<i64>>,
        cursor: impl Fn(&Entry) -> String,
    ) -> Option<String> {
        let mut last: Option<&Entry> = None;
        for (index, lot) in lots.enumerate() {
            if index == self.limit {
                return last.map(cursor);
            }
            if index > 0 {
                json.push(',');
            }
            lot.render(json, distance(lot));
            last = Some(lot);
        }
        None
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 20,038 km")]
fn whole(metres: f64) -> u32 {
    metres.round() as u32
}

fn parse_position(text: &str) -> Result<Position, String> {
    let parsed = text.split_once(',').and_then(|(latitude, longitude)| {
        Some((latitude.trim().parse().ok()?, longitude.trim().parse().ok()?))
    });
    let (latitude, longitude) =
        parsed.ok_or("must be latitude,longitude in degrees, as in 18.94,72.83")?;
    Position::new(latitude, longitude)
}

fn cursor(id: Uuid, order: &[u8]) -> String {
    encode(&[id.as_bytes(), order].concat())
}

fn name_of_cursor(cursor: &[u8]) -> (&[u8], Uuid) {
    let (id, name) = cursor.split_at(16);
    (name, Uuid::from_slice(id).unwrap_or_default())
}

fn distance_of_cursor(cursor: &[u8]) -> (u32, Uuid) {
    let (id, metres) = cursor.split_at(16);
    let metres = metres.try_into().map_or(0, u32::from_be_bytes);
    (metres, Uuid::from_slice(id).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::paging::Page;
    use crate::lots::tariff::{Price, Tariff};

    fn lot(id: u128, name: &str, city: &str, position: Option<(f64, f64)>) -> LotRow {
        let now = "2026-11-22T10:00:00Z".parse().unwrap();
        LotRow {
            id: Uuid::from_u128(id),
            details: LotDetails {
                name: name.into(),
                address: Some("\"free_spots\":1 Street".into()),
                city: Some(city.into()),
                pin_code: Some("411001".into()),
                position: position.map(|(latitude, longitude)| Position { latitude, longitude }),
                time_zone: "Asia/Kolkata".into(),
                currency: "INR".parse().unwrap(),
                price: Price { per_hour_minor: 6000, tariff: Tariff::default() },
            },
            created_at: now,
            updated_at: now,
            number_of_spots: 10,
            free_spots: 10,
        }
    }

    fn catalogue() -> Catalogue {
        let catalogue = Catalogue::default();
        let rows = [
            lot(1, "Lakeside Mall", "Mumbai", Some((19.12, 72.9))),
            lot(2, "airport", "Mumbai", Some((19.09, 72.86))),
            lot(3, "Tech Park", "Pune", Some((18.56, 73.78))),
            lot(4, "Old Market", "Pune", None),
        ];
        catalogue.replace(&rows, Snapshot::default());
        catalogue
    }

    fn page(
        catalogue: &Catalogue,
        q: &str,
        near: Option<&str>,
        limit: i64,
        cursor: Option<&str>,
    ) -> Page<Lot> {
        let question = || Question::new(Some(q), near, Some(limit), cursor);
        let answer = catalogue.list(&format!("{q}{near:?}{limit}{cursor:?}"), question).unwrap();
        serde_json::from_slice(&answer.plain).unwrap()
    }

    fn names(page: &Page<Lot>) -> Vec<&str> {
        page.items.iter().map(|lot| lot.name.as_str()).collect()
    }

    #[test]
    fn lots_are_listed_by_name_and_found_by_every_word() {
        let catalogue = catalogue();
        let all = page(&catalogue, "", None, 20, None);
        assert_eq!(names(&all), ["airport", "Lakeside Mall", "Old Market", "Tech Park"]);
        assert_eq!(
            names(&page(&catalogue, "pune 4110", None, 20, None)),
            ["Old Market", "Tech Park"]
        );
        assert_eq!(names(&page(&catalogue, "PUNE park", None, 20, None)), ["Tech Park"]);
        assert_eq!(names(&page(&catalogue, "nowhere", None, 20, None)), [""; 0]);
    }

    #[test]
    fn the_nearest_come_first_and_unknown_places_last() {
        let catalogue = catalogue();
        let near = page(&catalogue, "", Some("19.1,72.87"), 20, None);
        assert_eq!(names(&near), ["airport", "Lakeside Mall", "Tech Park", "Old Market"]);
        assert!((1_000..2_000).contains(&near.items[0].distance_m.unwrap()));
        assert_eq!(near.items[3].distance_m, None);
    }

    #[test]
    fn pages_follow_each_other_without_gap_or_repeat() {
        let catalogue = catalogue();
        for near in [None, Some("19.1,72.87")] {
            let all = page(&catalogue, "", near, 20, None);
            let mut walked = Vec::new();
            let mut cursor = None;
            loop {
                let page = page(&catalogue, "", near, 1, cursor.as_deref());
                walked.extend(page.items);
                cursor = page.next_cursor;
                if cursor.is_none() {
                    break;
                }
            }
            let ids = |lots: &[Lot]| lots.iter().map(|lot| lot.id).collect::<Vec<_>>();
            assert_eq!(ids(&walked), ids(&all.items));
        }
    }

    #[test]
    fn a_change_makes_a_new_answer_and_the_same_question_the_same() {
        let catalogue = catalogue();
        let ask = || catalogue.lot(Uuid::from_u128(1)).unwrap();
        let before = ask();
        assert!(Arc::ptr_eq(&before, &ask()));
        catalogue.add_free(Uuid::from_u128(1), -1, None);
        let after = ask();
        assert_ne!(before.etag, after.etag);
        let lot: Lot = serde_json::from_slice(&after.plain).unwrap();
        assert_eq!(lot.free_spots, 9);
        let changed = Count { id: lot.id, free_spots: 9, number_of_spots: 10 };
        assert!(catalogue.take_changes().contains(&changed));
        assert_eq!(catalogue.take_changes(), []);
    }

    #[test]
    fn compression_waits_for_the_second_asking() {
        let catalogue = catalogue();
        let question = || Question::new(None, None, None, None);
        let answer = catalogue.list("", question).unwrap();
        assert!(answer.gzip().is_none());
        let mut text = String::new();
        let gzip = answer.gzip().unwrap();
        std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut text)
            .unwrap();
        assert_eq!(text.as_bytes(), answer.plain);
    }

    #[test]
    fn questions_that_make_no_sense_are_refused() {
        for near in ["", "1", "a,b", "91,0", "0,181", "NaN,0"] {
            assert!(Question::new(None, Some(near), None, None).is_err(), "{near}");
        }
        assert!(Question::new(None, None, Some(0), None).is_err());
        assert!(Question::new(None, None, None, Some("AAAA")).is_err());
    }
}
