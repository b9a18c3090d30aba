//! Work in the background: the mails of a large operator's month beside requests.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::fill::{self, Past};
use super::load::Yard;
use super::report::{Goal, Report};
use super::{Bench, Place};
use crate::api;
use crate::http::{Connection, Request};
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD, Server};
use crate::stats::Latencies;

const LOTS: usize = 150;
const PEOPLE: u32 = 20_000;
/// Ten a month and person.
const MONTH_BOOKINGS: u32 = 200_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// What the mail server takes for a mail.
const MAIL_MILLIS: u64 = 20;
/// Connections that the server uses (`CONNECTIONS_MAX` in src/mail/transport.rs).
const MAIL_CONNECTIONS: f64 = 8.0;
/// People who park and leave, with a pause each time.
const CLIENTS: usize = 16;
const PAUSE: Duration = Duration::from_millis(50);
const MINUTE_MICROS: i64 = 60_000_000;
const TASK_TIME_MAX: Duration = Duration::from_mins(30);

/// The admin.
pub struct Admin {
    address: SocketAddr,
    pub token: String,
}

impl Admin {
    pub async fn at(server: &Server) -> Result<Self> {
        let mut connection = Connection::open(server.address).await?;
        let token = api::log_in(&mut connection, ADMIN_EMAIL, ADMIN_PASSWORD).await?.access_token;
        Ok(Self { address: server.address, token })
    }

    async fn call(&self, method: &str, path: &str, json: Option<&str>) -> Result<Value> {
        // A new one: the server closes those that say nothing for a while.
        let mut connection = Connection::open(self.address).await?;
        let request =
            Request { method, path, json, token: Some(&self.token), ..Request::default() };
        let answer = connection.call(&request).await?;
        ensure!(matches!(answer.status, 200 | 202), "{method} {path}: {}", answer.text());
        Ok(serde_json::from_slice(answer.body)?)
    }

    /// Begins a task; gives its path.
    async fn begin(&self, path: &str, json: Option<&str>) -> Result<String> {
        let begun = self.call("POST", path, json).await?;
        let id = begun["task_id"].as_str().context("no task")?;
        Ok(format!("/api/tasks/{id}"))
    }

    /// Waits for the end of a task.
    async fn end(&self, task: &str) -> Result<Value> {
        let begun = Instant::now();
        loop {
            ensure!(begun.elapsed() < TASK_TIME_MAX, "a task does not end");
            let seen = self.call("GET", task, None).await?;
            match seen["status"].as_str() {
                Some("succeeded") => return Ok(seen),
                Some("failed") => bail!("a task failed: {}", seen["error"]),
                _ => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }

    /// An export of everybody's bookings: how many there were, and how long it took.
    #[expect(clippy::cast_precision_loss, reason = "rows are far below 2^52")]
    pub async fn export(&self, span: &str) -> Result<(f64, Duration)> {
        let clock = Instant::now();
        let task = self.begin("/api/admin/exports", Some(span)).await?;
        let done = self.end(&task).await?;
        let rows = done["result"]["rows"].as_u64().context("no rows")?;
        Ok((rows as f64, clock.elapsed()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no 52 bits")]
pub async fn mails(bench: &Bench, report: &mut Report) -> Result<()> {
    let people = if bench.plan.quick { PEOPLE / 10 } else { PEOPLE };
    let bookings = if bench.plan.quick { MONTH_BOOKINGS / 10 } else { MONTH_BOOKINGS };
    report.section(format!(
        "Reports and reminders to {people} people with {bookings} bookings in the month; the mail \
         server takes {MAIL_MILLIS} ms for a mail"
    ));
    // Each in a new installation: what is enqueued once is not enqueued again.
    let mut rounds = Vec::new();
    for _ in 0..3 {
        rounds.push(month(bench, people, bookings).await?);
    }
    let median =
        |of: fn(&Month) -> f64| crate::stats::median(&rounds.iter().map(of).collect::<Vec<_>>());
    let limit = MAIL_CONNECTIONS * 1e3 / MAIL_MILLIS as f64;
    report.add("reports enqueued", median(|month| month.reports), "s", Goal::AtMost(10.0));
    report.add("reminders enqueued", median(|month| month.reminders), "s", Goal::AtMost(10.0));
    let mails = median(|month| month.mails);
    report.add("mails", mails, "/s", Goal::None);
    report.add("mails / what the mail server takes", mails / limit, "", Goal::AtLeast(0.8));
    report.add("park and release p99, idle", median(|month| month.idle_p99), "ms", Goal::None);
    report.add(
        "the same while they are enqueued and sent / idle",
        median(|month| month.busy_p99 / month.idle_p99),
        "",
        Goal::AtMost(1.5),
    );
    Ok(())
}

/// What a month of mails came to.
struct Month {
    /// Seconds until they were all enqueued.
    reports: f64,
    reminders: f64,
    /// A second.
    mails: f64,
    /// Milliseconds.
    idle_p99: f64,
    busy_p99: f64,
}

#[expect(clippy::cast_precision_loss, reason = "a rate needs no 52 bits")]
async fn month(bench: &Bench, people: u32, bookings: u32) -> Result<Month> {
    let sink = Sink::listen().await?;
    let folder = bench.folder(Place::Disk)?;
    let parking = bench.parking(Place::Disk, &folder.path().join("server"))?;
    // Within last month; people have been away since.
    let begin = in_last_month()?;
    let every = 8 * DAY_MICROS / i64::from(bookings);
    let parking = parking
        .environment("SMTP_URL", format!("smtp://127.0.0.1:{}", sink.port))
        .environment("TIME_ZONE", "UTC")
        .environment("REMIND_AWAY_DAYS", "1");
    let past = Past { bookings, users: people, begin, every, stay: MINUTE_MICROS };
    let yard = Yard::open(&parking, CLIENTS, &[100; LOTS]).await?;
    let yard = yard.restart(&parking, || fill::sqlite(&parking.database(), &past))?;
    let admin = Admin::at(&yard.server).await?;
    let round = bench.plan.round * 4;
    let now_and_then = || yard.park_and_leave_every(PAUSE, round, |user| user % LOTS);
    let p99 = |latencies: &Latencies| latencies.at(0.99).as_secs_f64() * 1e3;
    let idle = now_and_then().await?.latencies;

    let enqueue = async {
        let mut took = Vec::new();
        for schedule in ["monthly-reports", "daily-reminders"] {
            let clock = Instant::now();
            let task = admin.begin(&format!("/api/admin/schedules/{schedule}/run"), None).await?;
            admin.end(&task).await?;
            took.push(clock.elapsed().as_secs_f64());
        }
        anyhow::Ok((took[0], took[1]))
    };
    let (busy, (reports, reminders)) = tokio::try_join!(now_and_then(), enqueue)?;
    // Alone, so that it is the mail server that limits it.
    let (sent, clock) = (sink.mails(), Instant::now());
    tokio::time::sleep(round).await;
    let mails = (sink.mails() - sent) as f64 / clock.elapsed().as_secs_f64();
    yard.server.stop()?;
    let (idle_p99, busy_p99) = (p99(&idle), p99(&busy.latencies));
    Ok(Month { reports, reminders, mails, idle_p99, busy_p99 })
}

/// Eight days from here are within last month, in microseconds since the epoch.
fn in_last_month() -> Result<i64> {
    let seconds: i64 = rusqlite::Connection::open_in_memory()?.query_row(
        "select cast(strftime('%s', 'now', 'start of month', '-20 days') as integer)",
        [],
        |row| row.get(0),
    )?;
    Ok(seconds * 1_000_000)
}

/// A mail server that takes everything, a little later.
struct Sink {
    port: u16,
    mails: Arc<AtomicU64>,
}

impl Sink {
    async fn listen() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let mails: Arc<AtomicU64> = Arc::default();
        let count = mails.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away ends its dialogue, and nothing else.
                tokio::spawn(dialogue(stream, count.clone()));
            }
        });
        Ok(Self { port, mails })
    }

    fn mails(&self) -> u64 {
        self.mails.load(Ordering::Relaxed)
    }
}

async fn dialogue(stream: TcpStream, mails: Arc<AtomicU64>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (input, mut output) = stream.into_split();
    let mut lines = BufReader::new(input).lines();
    output.write_all(b"220 sink\r\n").await?;
    let mut is_data = false;
    while let Some(line) = lines.next_line().await? {
        let answer: &[u8] = match (is_data, line.get(..4)) {
            (true, _) if line == "." => {
                tokio::time::sleep(Duration::from_millis(MAIL_MILLIS)).await;
                mails.fetch_add(1, Ordering::Relaxed);
                is_data = false;
                b"250 taken\r\n"
            }
            (true, _) => continue,
            (false, Some("DATA")) => {
                is_data = true;
                b"354 go on\r\n"
            }
            (false, Some("QUIT")) => break,
            _ => b"250 well\r\n",
        };
        output.write_all(answer).await?;
    }
    Ok(())
}
