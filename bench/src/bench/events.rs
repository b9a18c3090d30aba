//! Ten thousand people who watch while one parks and leaves: when the last of them hears of it, and
//! what they cost the server.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::load::Yard;
use super::report::{Goal, Report};
use super::{Bench, Place};
use crate::api::Created;
use crate::http::{Connection, Request};
use crate::stats::Latencies;

const LISTENERS: usize = 10_000;
/// Connections from one address: it has some 28,000 ports.
const LISTENERS_AN_ADDRESS: usize = 5_000;
/// Other files of a process besides its connections.
const FILES_MORE: u64 = 1_000;
/// A spot is taken and given back so often.
const BOOKINGS: usize = 100;
const SPOTS: u32 = 100;
/// Bookings come at any moment: waiting between them steps through the time between two messages
/// (`PUBLISH_EVERY` in src/app.rs), or each would come just after one.
const PUBLISH_MILLIS: u64 = 100;
const STEP_MILLIS: u64 = 37;
const HEAR_TIME_MAX: Duration = Duration::from_secs(20);
const HELLO: &[u8] = b"retry: 2000\n\n";
const ASK: &[u8] =
    b"GET /api/events HTTP/1.1\r\nhost: localhost\r\naccept: text/event-stream\r\n\r\n";

#[expect(clippy::cast_precision_loss, reason = "a mean needs no 52 bits")]
pub async fn to_many(bench: &Bench, report: &mut Report) -> Result<()> {
    let (listeners, bookings) =
        if bench.plan.quick { (LISTENERS / 10, BOOKINGS / 5) } else { (LISTENERS, BOOKINGS) };
    report.section(format!("A change of a lot to {listeners} listeners, each with a connection"));
    // The server takes it over.
    allow_files(listeners as u64 + FILES_MORE)?;
    let folder = bench.folder(Place::Disk)?;
    let parking = bench
        .parking(Place::Disk, &folder.path().join("server"))?
        .environment("CONNECTIONS_MAX", (listeners + 100).to_string())
        .environment("CONNECTIONS_PER_ADDRESS_MAX", LISTENERS_AN_ADDRESS.to_string());
    let yard = Yard::open(&parking, 1, &[SPOTS]).await?;
    let before = yard.server.usage();
    let clock = Instant::now();
    let mut crowd = Crowd::gather(yard.server.address, listeners).await?;
    let gathered = clock.elapsed();
    let resident = yard.server.usage().resident - before.resident;

    let mut connection = Connection::open(yard.server.address).await?;
    let (token, mut latencies) = (&yard.tokens[0], Latencies::new());
    let body = format!(r#"{{"lot_id":"{}"}}"#, yard.lots[0]);
    let cpu = yard.server.usage().cpu;
    let at_any_moment = |number: usize| {
        tokio::time::sleep(Duration::from_millis(number as u64 * STEP_MILLIS % PUBLISH_MILLIS))
    };
    for number in 0..bookings {
        at_any_moment(2 * number).await;
        crowd.expect(SPOTS - 1);
        let request = Request::post("/api/bookings", Some(&body)).token(token);
        let booking: Created =
            serde_json::from_slice(connection.call(&request).await?.expect(201)?)?;
        latencies.record(crowd.all_heard(Instant::now()).await?);

        at_any_moment(2 * number + 1).await;
        crowd.expect(SPOTS);
        let path = format!("/api/bookings/{}/release", booking.id);
        connection.call(&Request::post(&path, None).token(token)).await?.expect(200)?;
        latencies.record(crowd.all_heard(Instant::now()).await?);
    }
    let cpu = yard.server.usage().cpu.saturating_sub(cpu);
    crowd.listening.abort_all();
    yard.server.stop()?;

    let told = (2 * bookings * listeners) as f64;
    let millis = |quantile| latencies.at(quantile).as_secs_f64() * 1e3;
    report.add("all of them connected in", gathered.as_secs_f64(), "s", Goal::None);
    report.add("from the answer until the last heard, p50", millis(0.5), "ms", Goal::None);
    report.add(
        "from the answer until the last heard, p99",
        millis(0.99),
        "ms",
        Goal::AtMost(1000.0),
    );
    report.add("CPU for each that is told", cpu.as_secs_f64() * 1e6 / told, "us", Goal::None);
    let memory = resident as f64 / listeners as f64;
    report.add("memory for each", memory, "KiB", Goal::None);
    Ok(())
}

/// Lets this process and those it starts have so many files open.
fn allow_files(count: u64) -> Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_some_and(|current| current < count) {
        let maximum = maximum.map(|maximum| maximum.max(count));
        setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum })
            .with_context(|| format!("{count} open files are not allowed here (ulimit -Hn)"))?;
    }
    Ok(())
}

/// What the listeners have in common.
struct Heard {
    /// What they wait for, as it stands in the message.
    expected: Mutex<String>,
    count: AtomicUsize,
    all: usize,
    last: Notify,
}

struct Crowd {
    heard: Arc<Heard>,
    listening: JoinSet<Result<()>>,
}

impl Crowd {
    async fn gather(server: SocketAddr, listeners: usize) -> Result<Self> {
        let heard = Arc::new(Heard {
            expected: Mutex::default(),
            count: AtomicUsize::new(0),
            all: listeners,
            last: Notify::new(),
        });
        let mut listening = JoinSet::new();
        for number in 0..listeners {
            let stream = open(server, number / LISTENERS_AN_ADDRESS).await?;
            listening.spawn(listen(stream, heard.clone()));
        }
        Ok(Self { heard, listening })
    }

    /// From now on it counts who hears of so many free spots.
    fn expect(&self, free_spots: u32) {
        if let Ok(mut expected) = self.heard.expected.lock() {
            *expected = format!("\"free_spots\":{free_spots},");
        }
        self.heard.count.store(0, Ordering::Relaxed);
    }

    /// How long after `since` the last of them heard it.
    async fn all_heard(&mut self, since: Instant) -> Result<Duration> {
        tokio::select! {
            () = self.heard.last.notified() => Ok(since.elapsed()),
            Some(ended) = self.listening.join_next() => {
                ended??;
                anyhow::bail!("a listener was cut off")
            }
            () = tokio::time::sleep(HEAR_TIME_MAX) => {
                let count = self.heard.count.load(Ordering::Relaxed);
                anyhow::bail!("{count} of {} heard of a change in time", self.heard.all)
            }
        }
    }
}

/// Connects and reads up to the first bytes of the stream.
async fn open(server: SocketAddr, address: usize) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    let from = Ipv4Addr::new(127, 0, 0, u8::try_from(address + 2)?);
    socket.bind((from, 0).into())?;
    let mut stream = socket.connect(server).await?;
    stream.write_all(ASK).await?;
    let mut head = Vec::with_capacity(1024);
    while !contains(&head, HELLO) {
        ensure!(stream.read_buf(&mut head).await? > 0, "the server refuses a listener");
    }
    Ok(stream)
}

async fn listen(mut stream: TcpStream, heard: Arc<Heard>) -> Result<()> {
    let mut message = [0; 512];
    loop {
        // A message is one write of the server and nobody is sent two at once: it is read whole.
        let length = stream.read(&mut message).await?;
        ensure!(length > 0, "the server closed a listener's connection");
        let is_expected = heard.expected.lock().is_ok_and(|expected| {
            !expected.is_empty() && contains(&message[..length], expected.as_bytes())
        });
        if is_expected && heard.count.fetch_add(1, Ordering::Relaxed) + 1 == heard.all {
            heard.last.notify_one();
        }
    }
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}
