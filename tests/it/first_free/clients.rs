//! Clients that park and release at several servers, each writing down what it saw.
//!
//! A client is a thread with its own connections and its own list, so that no client waits for
//! another to write something down. All read the same monotonic clock.

use std::sync::RwLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::history::{History, NEVER, Nanos, Operation, What};

pub const CLIENTS: usize = 64;
/// Bookings that a client has at once at most: in turns, so that the hot lot is full for a while,
/// where nothing is said of the order, and then has many free spots.
const BOOKINGS_MAX: [usize; 2] = [1, 3];
/// Operations of a client until the next turn.
const TURN: usize = 12;

pub struct Lot {
    pub id: String,
    /// In their natural order.
    pub labels: Vec<String>,
}

/// Where and how it is parked; the first lot is the hot one.
pub struct Clients<'a> {
    pub urls: RwLock<Vec<String>>,
    /// Of the admin, who books walk-ins.
    pub token: &'a str,
    pub lots: &'a [Lot],
    /// Every fourth client asks once, without a key, and leaves it at that when it hears nothing.
    /// All others ask with a key until they know.
    pub careless: bool,
    pub answered: AtomicUsize,
    began: Instant,
}

struct Client<'a, 'b> {
    shared: &'a Clients<'b>,
    number: usize,
    agent: ureq::Agent,
    /// Of a generator of Marsaglia's (xorshift64).
    random: u64,
    asked: usize,
    /// Lot, booking and the answer to its park.
    bookings: Vec<(usize, String, Nanos)>,
    seen: Vec<(usize, Operation)>,
}

/// What became of a request.
enum Heard {
    Answer(u16, Value),
    /// It did not reach a server.
    Refused,
    /// It may have been done.
    Nothing,
}

impl<'a> Clients<'a> {
    pub fn new(urls: Vec<String>, token: &'a str, lots: &'a [Lot]) -> Self {
        let (urls, answered) = (RwLock::new(urls), AtomicUsize::new(0));
        Self { urls, token, lots, careless: false, answered, began: Instant::now() }
    }

    /// Does that many operations, then parks in each lot until it is full, which shows what is free
    /// at the end. Gives the history of each lot.
    pub fn record(&self, operations: usize) -> Vec<History> {
        let seen = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    scope.spawn(move || Client::new(self, number).work(operations / CLIENTS))
                })
                .collect();
            let seen = clients.into_iter().flat_map(|client| client.join().unwrap());
            seen.collect::<Vec<_>>()
        });
        let mut last = Client::new(self, CLIENTS);
        for lot in 0..self.lots.len() {
            while last.park(lot) {}
        }
        let empty = |lot: &Lot| History { labels: lot.labels.clone(), operations: Vec::new() };
        let mut histories: Vec<_> = self.lots.iter().map(empty).collect();
        for (lot, operation) in seen.into_iter().chain(last.seen) {
            histories[lot].operations.push(operation);
        }
        histories
    }

    fn now(&self) -> Nanos {
        self.began.elapsed().as_nanos().try_into().unwrap()
    }
}

impl<'a, 'b> Client<'a, 'b> {
    fn new(shared: &'a Clients<'b>, number: usize) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(20)))
            .build()
            .into();
        let random = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self { shared, number, agent, random, asked: 0, bookings: Vec::new(), seen: Vec::new() }
    }

    fn below(&mut self, bound: usize) -> usize {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random >> 33).unwrap() % bound
    }

    fn work(mut self, operations: usize) -> Vec<(usize, Operation)> {
        for number in 0..operations {
            let bookings_max = BOOKINGS_MAX[number / TURN % BOOKINGS_MAX.len()];
            if self.below(bookings_max + 1) < self.bookings.len() {
                self.release();
            } else {
                // Every fourth in one of the others.
                let others = self.shared.lots.len() - 1;
                let hot = others == 0 || self.below(4) > 0;
                let lot = if hot { 0 } else { 1 + self.below(others) };
                self.park(lot);
            }
            self.shared.answered.fetch_add(1, Ordering::Relaxed);
        }
        self.seen
    }

    /// False: the lot is full, or nobody knows.
    fn park(&mut self, lot: usize) -> bool {
        let plate = format!("C{}N{}", self.number, self.asked);
        let at = &self.shared.lots[lot];
        let body = json!({ "lot_id": at.id, "vehicle_plate": plate });
        let invoked = self.shared.now();
        let heard = self.ask("/api/admin/bookings", &body);
        let mut answered = self.shared.now();
        let what = match heard {
            Heard::Refused => return false,
            Heard::Nothing => {
                answered = NEVER;
                What::Unheard
            }
            Heard::Answer(409, problem) => {
                assert_eq!(problem["code"], "lot_full", "{problem}");
                What::Full
            }
            Heard::Answer(status, booking) => {
                assert_eq!(status, 201, "{booking}");
                let label = &booking["spot"]["label"];
                let spot = at.labels.iter().position(|known| label == known.as_str());
                let booking = booking["id"].as_str().unwrap().to_owned();
                self.bookings.push((lot, booking.clone(), answered));
                What::Took { spot: spot.unwrap_or_else(|| panic!("{label} is new")), booking }
            }
        };
        let parked = matches!(what, What::Took { .. });
        self.seen.push((lot, Operation { client: self.number, invoked, answered, what }));
        parked
    }

    fn release(&mut self) {
        let which = self.below(self.bookings.len());
        let (lot, booking, parked) = self.bookings.swap_remove(which);
        // A coarse clock may not have moved since the park was answered.
        let invoked = self.shared.now().max(parked + 1);
        let answered = match self.ask(&format!("/api/bookings/{booking}/release"), &json!({})) {
            Heard::Refused => return self.bookings.push((lot, booking, parked)),
            Heard::Nothing => NEVER,
            Heard::Answer(status, answer) => {
                assert_eq!(status, 200, "{answer}");
                self.shared.now().max(invoked)
            }
        };
        let what = What::Released { booking };
        self.seen.push((lot, Operation { client: self.number, invoked, answered, what }));
    }

    /// Asks one server after the other: with a key until there is an answer, without one once.
    fn ask(&mut self, path: &str, body: &Value) -> Heard {
        self.asked += 1;
        let key = format!("C{}N{}", self.number, self.asked);
        let careless = self.shared.careless && self.number.is_multiple_of(4);
        for attempt in self.number + self.asked.. {
            let url = {
                let urls = self.shared.urls.read().unwrap();
                format!("{}{path}", urls[attempt % urls.len()])
            };
            let heard = self.post(&url, (!careless).then_some(&key), body);
            match heard {
                // The same key is being worked on, for a request whose connection was cut.
                Heard::Answer(409, problem) if problem["code"] == "idempotency_key_in_flight" => {}
                Heard::Answer(..) => return heard,
                _ if careless => return heard,
                _ => {}
            }
        }
        unreachable!("it is asked until there is an answer")
    }

    fn post(&self, url: &str, key: Option<&String>, body: &Value) -> Heard {
        let bearer = format!("Bearer {}", self.shared.token);
        let mut request = self.agent.post(url).header("authorization", bearer);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let mut answer = match request.send_json(body) {
            Ok(answer) => answer,
            Err(ureq::Error::ConnectionFailed) => return Heard::Refused,
            Err(ureq::Error::Io(error))
                if error.kind() == std::io::ErrorKind::ConnectionRefused =>
            {
                return Heard::Refused;
            }
            Err(_) => return Heard::Nothing,
        };
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string());
        match text.map(|text| serde_json::from_str(&text)) {
            // The commit may have got through.
            _ if status == 503 => Heard::Nothing,
            Ok(Ok(value)) => Heard::Answer(status, value),
            _ => Heard::Nothing,
        }
    }
}
