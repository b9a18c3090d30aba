//! Clients that load a server for a while, and what they counted.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;

use crate::api::{self, Created, NewLot};
use crate::http::{Answer, Connection, Request};
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD, Parking, Server, Usage};
use crate::stats::Latencies;

pub const USER_PASSWORD: &str = "a password for the bench";

/// A running server with its admin, some lots and some signed-in users.
pub struct Yard {
    pub server: Server,
    pub admin_token: String,
    pub lots: Vec<String>,
    pub tokens: Vec<String>,
}

impl Yard {
    /// Starts a server on an empty data folder.
    pub async fn open(parking: &Parking, users: usize, lot_spots: &[u32]) -> Result<Self> {
        parking.create_admin()?;
        let server = parking.serve()?;
        let mut connection = Connection::open(server.address).await?;
        let admin = api::log_in(&mut connection, ADMIN_EMAIL, ADMIN_PASSWORD).await?;
        let mut yard =
            Self { server, admin_token: admin.access_token, lots: Vec::new(), tokens: Vec::new() };
        for (number, spots) in lot_spots.iter().enumerate() {
            let name = format!("Lot {number}");
            let lot =
                api::create_lot(&mut connection, &yard.admin_token, &NewLot::named(&name, *spots))
                    .await?;
            yard.lots.push(lot.id);
        }
        for number in 0..users {
            let user = api::register(&mut connection, &user_email(number), USER_PASSWORD).await?;
            yard.tokens.push(user.access_token);
        }
        Ok(yard)
    }

    /// Ends the server and starts another on the same data; `between` runs while there is none.
    pub fn restart(self, parking: &Parking, between: impl FnOnce() -> Result<()>) -> Result<Self> {
        self.server.stop()?;
        between()?;
        Ok(Self { server: parking.serve()?, ..self })
    }

    /// Every user parks and leaves again and again, user n in the lot that `lot_of` names.
    pub async fn park_and_leave(
        &self,
        time: Duration,
        lot_of: impl Fn(usize) -> usize,
    ) -> Result<Load> {
        self.park_and_leave_every(Duration::ZERO, time, lot_of).await
    }

    /// [`Yard::park_and_leave`], with a pause after each time.
    pub async fn park_and_leave_every(
        &self,
        pause: Duration,
        time: Duration,
        lot_of: impl Fn(usize) -> usize,
    ) -> Result<Load> {
        self.parking(&[&self.server], self.tokens.len(), pause, time, lot_of).await
    }

    /// [`Yard::park_and_leave`] by the first of the users only, who take turns at `servers`: this
    /// one or others on the same data.
    pub async fn park_and_leave_at(
        &self,
        servers: &[&Server],
        users: usize,
        time: Duration,
        lot_of: impl Fn(usize) -> usize,
    ) -> Result<Load> {
        self.parking(servers, users, Duration::ZERO, time, lot_of).await
    }

    async fn parking(
        &self,
        servers: &[&Server],
        users: usize,
        pause: Duration,
        time: Duration,
        lot_of: impl Fn(usize) -> usize,
    ) -> Result<Load> {
        let usage = || Usage {
            cpu: servers.iter().map(|server| server.usage().cpu).sum(),
            ..Usage::default()
        };
        measure(usage, time, async |tally| {
            let clients = self.tokens.iter().take(users).enumerate().map(|(user, token)| {
                let lot = &self.lots[lot_of(user)];
                let address = servers[user % servers.len()].address;
                park_and_leave(address, token, lot, user, pause, tally)
            });
            try_join_all(clients).await.map(drop)
        })
        .await
    }
}

/// The same request again and again over `connections` connections.
pub async fn repeat(
    address: SocketAddr,
    usage: impl Fn() -> Usage,
    time: Duration,
    connections: usize,
    request: Request<'_>,
    status: u16,
) -> Result<Load> {
    measure(usage, time, async |tally| {
        let client = async || -> Result<()> {
            let mut connection = Connection::open(address).await?;
            while tally.goes_on() {
                tally.call(&mut connection, &request, status).await?;
            }
            Ok(())
        };
        try_join_all((0..connections).map(|_| client())).await.map(drop)
    })
    .await
}

pub fn user_email(number: usize) -> String {
    format!("user{number}@example.org")
}

/// What clients counted, and what the server paid for it.
pub struct Load {
    pub per_second: f64,
    pub cpu_micros_each: f64,
    pub latencies: Latencies,
}

/// Shared by the clients of one load.
pub struct Tally {
    until: Instant,
    requests: Cell<u64>,
    errors: Cell<u64>,
    first_error: RefCell<Option<String>>,
    latencies: RefCell<Latencies>,
}

impl Tally {
    pub fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    pub fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Calls and counts; None when the answer's status is another one.
    pub async fn call<'a>(
        &self,
        connection: &'a mut Connection,
        request: &Request<'_>,
        status: u16,
    ) -> Result<Option<Answer<'a>>> {
        let sent = Instant::now();
        let answer = connection.call(request).await?;
        if answer.status == status {
            self.requests.set(self.requests.get() + 1);
            self.latencies.borrow_mut().record(sent.elapsed());
            return Ok(Some(answer));
        }
        self.errors.set(self.errors.get() + 1);
        let Request { method, path, .. } = request;
        self.first_error
            .borrow_mut()
            .get_or_insert_with(|| format!("{method} {path}: {} {}", answer.status, answer.text()));
        Ok(None)
    }

    /// As [`Self::call`], but a server that is too busy is no error: false then.
    pub async fn call_unless_busy(
        &self,
        connection: &mut Connection,
        request: &Request<'_>,
        status: u16,
    ) -> Result<bool> {
        let answer = connection.call(request).await?;
        if answer.status == 503 {
            return Ok(false);
        }
        answer.expect(status)?;
        self.requests.set(self.requests.get() + 1);
        Ok(true)
    }
}

/// Runs `clients` for `time`.
///
/// # Errors
/// When a client cannot go on, or any answer was not the one that was due.
#[expect(clippy::cast_precision_loss, reason = "a rate needs no 52 bits")]
pub async fn measure(
    usage: impl Fn() -> Usage,
    time: Duration,
    clients: impl AsyncFnOnce(&Tally) -> Result<()>,
) -> Result<Load> {
    let (begun, before) = (Instant::now(), usage().cpu);
    let tally = Tally {
        until: begun + time,
        requests: Cell::default(),
        errors: Cell::default(),
        first_error: RefCell::default(),
        latencies: RefCell::default(),
    };
    clients(&tally).await?;
    let (took, cpu) = (begun.elapsed(), usage().cpu.saturating_sub(before));

    let errors = tally.errors.get();
    let first_error = tally.first_error.take().unwrap_or_default();
    ensure!(
        errors == 0,
        "{errors} answers were not the ones that were due, the first: {first_error}"
    );
    let requests = tally.requests.get();
    Ok(Load {
        per_second: requests as f64 / took.as_secs_f64(),
        cpu_micros_each: cpu.as_secs_f64() * 1e6 / requests as f64,
        latencies: tally.latencies.take(),
    })
}

async fn park_and_leave(
    address: SocketAddr,
    token: &str,
    lot: &str,
    user: usize,
    pause: Duration,
    tally: &Tally,
) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let body = format!(r#"{{"lot_id":"{lot}","vehicle_plate":"BENCH {user}"}}"#);
    let keys = Keys::new(user);
    while tally.goes_on() {
        let key = keys.next();
        let headers = [key.as_str()];
        let book = Request::post("/api/bookings", Some(&body)).token(token).headers(&headers);
        let Some(answer) = tally.call(&mut connection, &book, 201).await? else { continue };
        let booking: Created = serde_json::from_slice(answer.body).context("no booking")?;

        let path = format!("/api/bookings/{}/release", booking.id);
        let key = keys.next();
        let headers = [key.as_str()];
        let release = Request::post(&path, None).token(token).headers(&headers);
        tally.call(&mut connection, &release, 200).await?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    Ok(())
}

/// Idempotency keys that no other client and no earlier load used, the time first as the web
/// client has it.
struct Keys {
    user: usize,
    count: Cell<u64>,
}

impl Keys {
    fn new(user: usize) -> Self {
        Self { user, count: Cell::new(0) }
    }

    fn next(&self) -> String {
        self.count.set(self.count.get() + 1);
        let millis = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_millis();
        format!("idempotency-key: {millis:012x}{:08x}{:012x}", self.user, self.count.get())
    }
}
