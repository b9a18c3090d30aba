//! People who park and release, each change with a key of its own, and remember what they were told.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rusqlite::OpenFlags;
use serde_json::{Value, json};

use crate::harness::text;
use crate::process::Server;

const PEOPLE: usize = 16;

/// What a person knows of a stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Asked to park and heard nothing.
    Asked,
    Parked {
        id: String,
    },
    /// Asked to release and heard nothing.
    AskedToRelease {
        id: String,
    },
    Released {
        id: String,
        cost: i64,
    },
}

/// By plate, which no two stays share; it is the key too.
type Stays = BTreeMap<String, Known>;

#[derive(Default)]
pub struct Crowd {
    times: usize,
    /// Of the last time they came.
    stays: Stays,
    /// Of all times before.
    pub acknowledged: usize,
    pub unheard: usize,
}

impl Crowd {
    /// They come to the server until it does not answer any more, or `trouble` is over. That begins
    /// after so many answers.
    pub fn come(
        &mut self,
        server: &mut Server,
        token: &str,
        lot: &str,
        answers: usize,
        trouble: impl FnOnce(&mut Server),
    ) {
        self.times += 1;
        let (answered, away, over) =
            (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(false));
        let url = server.url.clone();
        let stays = std::thread::scope(|scope| {
            let people: Vec<_> = (0..PEOPLE)
                .map(|number| {
                    let person = Person {
                        name: format!("T{}P{number}", self.times),
                        agent: agent(),
                        url: &url,
                        token,
                        lot,
                        answered: &answered,
                    };
                    let (away, over) = (&away, &over);
                    scope.spawn(move || {
                        let stays = person.come_and_go(over);
                        away.fetch_add(1, Ordering::Relaxed);
                        stays
                    })
                })
                .collect();
            while answered.load(Ordering::Relaxed) < answers
                && away.load(Ordering::Relaxed) < PEOPLE
            {
                std::thread::yield_now();
            }
            trouble(server);
            over.store(true, Ordering::Relaxed);
            people.into_iter().flat_map(|person| person.join().unwrap()).collect()
        });
        self.stays = stays;
    }

    pub fn unheard(&self) -> impl Iterator<Item = &String> {
        let unheard = |known: &Known| matches!(known, Known::Asked | Known::AskedToRelease { .. });
        self.stays.iter().filter(move |(_, known)| unheard(known)).map(|(plate, _)| plate)
    }

    /// As if they had not asked what they heard nothing of.
    pub fn forget_unheard(&mut self) {
        self.stays.retain(|_, known| *known != Known::Asked);
        for known in self.stays.values_mut() {
            if let Known::AskedToRelease { id } = known {
                *known = Known::Parked { id: std::mem::take(id) };
            }
        }
    }

    /// Asks anew, with the same keys, what nothing was heard of.
    ///
    /// # Errors
    /// What was answered instead.
    pub fn ask_again(&mut self, server: &Server, token: &str, lot: &str) -> Result<(), String> {
        self.unheard += self.unheard().count();
        let answered = AtomicUsize::new(0);
        let (url, agent) = (&*server.url, agent());
        let person = Person { name: String::new(), agent, url, token, lot, answered: &answered };
        for (plate, known) in &mut self.stays {
            let heard = match known {
                Known::Asked => person.park(plate)?,
                Known::AskedToRelease { id } => person.release(plate, id)?,
                _ => continue,
            };
            *known = heard.ok_or_else(|| format!("no answer about {plate}"))?;
        }
        Ok(())
    }

    /// Whether the database holds what they know, and nothing else with a plate of theirs.
    ///
    /// # Errors
    /// What it holds otherwise.
    pub fn compare(&mut self, file: &Path) -> Result<(), String> {
        self.acknowledged += self.stays.len();
        let found = stays_in(file, &format!("T{}P", self.times))?;
        if found == self.stays {
            return Ok(());
        }
        let differs = |(plate, known): &(&String, &Known)| found.get(*plate) != Some(known);
        let wrong = self.stays.iter().find(differs);
        Err(match wrong {
            Some((plate, known)) => format!("{plate}: told {known:?}, is {:?}", found.get(plate)),
            None => format!("{} stays, {} were asked for", found.len(), self.stays.len()),
        })
    }
}

/// The stays whose plates begin so.
///
/// # Errors
/// When the database is damaged, or a plate is parked twice.
pub fn stays_in(file: &Path, plates: &str) -> Result<Stays, String> {
    let failed = |error: rusqlite::Error| format!("{}: {error}", file.display());
    let database = rusqlite::Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .map_err(failed)?;
    database.busy_timeout(Duration::from_secs(10)).map_err(failed)?;
    for check in ["pragma integrity_check", "pragma foreign_key_check"] {
        let mut statement = database.prepare(check).map_err(failed)?;
        let mut rows = statement.query([]).map_err(failed)?;
        while let Some(row) = rows.next().map_err(failed)? {
            let said: String = row.get(0).map_err(failed)?;
            if said != "ok" {
                return Err(format!("{check}: {said}"));
            }
        }
    }
    let mut statement = database
        .prepare(
            "select vehicle_plate, id, released_at is not null, cost_minor from bookings \
             where vehicle_plate glob ?1 || '*'",
        )
        .map_err(failed)?;
    let mut rows = statement.query([plates]).map_err(failed)?;
    let mut stays = Stays::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let id: [u8; 16] = row.get(1).map_err(failed)?;
        let id = uuid::Uuid::from_bytes(id).to_string();
        let is_released: bool = row.get(2).map_err(failed)?;
        let known = if is_released {
            Known::Released { id, cost: row.get(3).map_err(failed)? }
        } else {
            Known::Parked { id }
        };
        let plate: String = row.get(0).map_err(failed)?;
        if stays.insert(plate.clone(), known).is_some() {
            return Err(format!("{plate} is parked twice"));
        }
    }
    Ok(stays)
}

struct Person<'a> {
    name: String,
    agent: ureq::Agent,
    url: &'a str,
    token: &'a str,
    lot: &'a str,
    answered: &'a AtomicUsize,
}

fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    config.timeout_global(Some(Duration::from_mins(1))).build().into()
}

impl Person<'_> {
    fn come_and_go(&self, over: &AtomicBool) -> Vec<(String, Known)> {
        let mut stays = Vec::new();
        for stay in 0.. {
            let plate = format!("{}N{stay}", self.name);
            let Some(parked) = self.park(&plate).unwrap() else {
                stays.push((plate, Known::Asked));
                return stays;
            };
            // Every other one stays.
            let Known::Parked { id } = &parked else { unreachable!() };
            if stay % 2 == 0 {
                stays.push((plate, parked));
            } else if let Some(released) = self.release(&plate, id).unwrap() {
                stays.push((plate, released));
            } else {
                let id = id.clone();
                stays.push((plate, Known::AskedToRelease { id }));
                return stays;
            }
            if over.load(Ordering::Relaxed) {
                return stays;
            }
        }
        unreachable!("there is always a next stay")
    }

    fn park(&self, plate: &str) -> Result<Option<Known>, String> {
        let body = json!({ "lot_id": self.lot, "vehicle_plate": plate });
        let booking = self.ask(201, "/api/admin/bookings", &format!("{plate}-park"), &body)?;
        Ok(booking.map(|booking| Known::Parked { id: text(&booking, "id").to_owned() }))
    }

    fn release(&self, plate: &str, id: &str) -> Result<Option<Known>, String> {
        let path = format!("/api/bookings/{id}/release");
        let booking = self.ask(200, &path, &format!("{plate}-release"), &json!({}))?;
        Ok(booking.map(|booking| {
            let cost = booking["cost_minor"].as_i64().expect("a release has its cost");
            Known::Released { id: id.to_owned(), cost }
        }))
    }

    /// `None`: nothing was heard, or that storage is away.
    fn ask(
        &self,
        expected: u16,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<Option<Value>, String> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request
            .header("authorization", format!("Bearer {}", self.token))
            .header("idempotency-key", key);
        let Ok(mut answer) = request.send_json(body) else { return Ok(None) };
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string());
        let Ok(text) = text else { return Ok(None) };
        if status == 503 {
            return Ok(None);
        }
        if status != expected {
            return Err(format!("{key}: {status} {text}"));
        }
        self.answered.fetch_add(1, Ordering::Relaxed);
        Ok(Some(serde_json::from_str(&text).expect("answers are JSON")))
    }
}
