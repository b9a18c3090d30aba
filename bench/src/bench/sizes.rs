//! What people ask for, the start and an export with ten thousand, a million and twenty million
//! bookings in the table.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rusqlite::OpenFlags;
use tempfile::TempDir;
use tokio_postgres::Client;
use uuid::Uuid;

use super::background::Admin;
use super::bookings::LOTS;
use super::fill::{self, Past};
use super::load::{USER_PASSWORD, Yard, user_email};
use super::postgres_server::Postgres;
use super::raw::now_micros;
use super::raw_postgres::connect;
use super::report::{Goal, Judged, Report};
use super::{Bench, Place, kib_to_mib};
use crate::api;
use crate::http::{Connection, Request};
use crate::server::{Parking, Server};
use crate::stats::{Latencies, median};

const SIZES: [u32; 3] = [10_000, 1_000_000, 20_000_000];
const SIZES_QUICK: [u32; 3] = [10_000, 50_000, 200_000];
/// Every user has as many, so that a page costs the same in a small past and in a big one.
const BOOKINGS_PER_USER: u32 = 200;
const LOT_SPOTS: u32 = 300;
const YEAR_MICROS: i64 = 365 * 86_400_000_000;
const HOUR_MICROS: i64 = 3_600_000_000;
/// What is not older is not counted yet (`SETTLED_AFTER` in src/stats/mod.rs).
const UNSETTLED_MICROS: i64 = 60_000_000;
const COUNT_TIME_MAX: Duration = Duration::from_mins(30);
const EXPORTS: usize = 3;
/// One export of so many is enough.
const EXPORT_ONCE: u32 = 10_000_000;

/// What is asked for: the figure's name, the path, by the admin or by a person, how often a round.
const QUESTIONS: [(&str, &str, bool, usize); 4] = [
    ("history page", "/api/bookings?limit=20", false, 200),
    ("one's own statistics", "/api/stats", false, 100),
    ("statistics of a year", "/api/admin/stats?from=FROM", true, 10),
    ("overview", "/api/admin/overview", true, 20),
];
const SIGN_INS: usize = 5;

pub async fn on_sqlite(bench: &Bench, report: &mut Report) -> Result<()> {
    run(bench, report, None).await
}

pub async fn on_postgres(bench: &Bench, report: &mut Report) -> Result<()> {
    let postgres = Postgres::start(bench.folder(Place::Disk)?)?;
    run(bench, report, Some(&postgres)).await
}

async fn run(bench: &Bench, report: &mut Report, postgres: Option<&Postgres>) -> Result<()> {
    let sizes = if bench.plan.quick { SIZES_QUICK } else { SIZES };
    let mut columns: Vec<_> =
        sizes.iter().map(|size| format!("{} bookings", thousands(*size))).collect();
    columns.push("last / first".into());
    let engine = if postgres.is_some() { "PostgreSQL" } else { "SQLite" };
    report.table(format!("Many bookings on {engine}"), &columns);

    let mut all = Vec::new();
    for size in sizes {
        all.push(Installation::make(bench, postgres, size).await?);
    }
    let seconds = |of: fn(&Installation) -> Duration| {
        all.iter().map(|one| (of(one).as_secs_f64(), "s")).collect::<Vec<_>>()
    };
    once(report, "filled in bulk in", seconds(|one| one.filled), Goal::None);
    once(report, "then counted for statistics in", seconds(|one| one.counted), Goal::None);

    let mut starts = Turns::new();
    let mut resident = Turns::new();
    for _ in 0..bench.plan.rounds {
        let mut round = (vec![], vec![]);
        for one in &all {
            let server = one.parking.serve()?;
            round.0.push(server.ready_after.as_secs_f64() * 1e3);
            round.1.push(kib_to_mib(server.usage().resident));
            server.stop()?;
        }
        starts.add(round.0);
        resident.add(round.1);
    }
    starts.show(report, "start to ready", "ms", true);
    resident.show(report, "resident memory, idle", "MiB", true);

    let mut readers = Vec::new();
    for one in &all {
        readers.push(Reader::at(one.parking.serve()?).await?);
    }
    let from = a_year_ago()?;
    let mut sign_ins = Turns::new();
    for _ in 0..bench.plan.rounds {
        let mut round = vec![];
        for reader in &readers {
            round.push(reader.sign_in_millis().await?);
        }
        sign_ins.add(round);
    }
    sign_ins.show(report, "sign-in", "ms", true);
    for (name, path, by_admin, count) in QUESTIONS {
        let path = path.replace("FROM", &from);
        let mut answers = Turns::new();
        for _ in 0..bench.plan.rounds {
            let mut round = vec![];
            for reader in &readers {
                round.push(reader.micros(&path, by_admin, count).await?);
            }
            answers.add(round);
        }
        answers.show(report, name, "us", true);
    }

    let (mut rates, mut most, mut more) = (vec![], vec![], vec![]);
    for (reader, size) in readers.iter().zip(sizes) {
        most.push((kib_to_mib(reader.server.usage().resident_max), "MiB"));
        reader.server.forget_most()?;
        let before = reader.server.usage().resident_max;
        let exports = if size < EXPORT_ONCE { EXPORTS } else { 1 };
        rates.push((reader.export_rate(size, exports).await?, "/s"));
        let after = reader.server.usage().resident_max;
        more.push((kib_to_mib(after - before), "MiB"));
    }
    once(report, "resident memory, most until then", most, Goal::AtMost(200.0));
    let goal = if postgres.is_none() { Goal::AtLeast(100_000.0) } else { Goal::None };
    once(report, "rows of an export", rates, goal);
    once(report, "resident memory more by it", more, Goal::AtMost(50.0));
    for reader in readers {
        reader.server.stop()?;
    }
    Ok(())
}

/// A figure that is measured once, with a goal for the last size.
fn once(report: &mut Report, name: &str, mut values: Vec<(f64, &'static str)>, goal: Goal) {
    let last = values.len() - 1;
    values.push((values[last].0 / values[0].0, ""));
    report.row(name, &values, goal, Judged::Only(last));
}

fn thousands(count: u32) -> String {
    match count {
        1_000_000.. => format!("{} million", count / 1_000_000),
        _ => format!("{} thousand", count / 1000),
    }
}

/// The day from which a year lasts until today.
fn a_year_ago() -> Result<String> {
    let connection = rusqlite::Connection::open_in_memory()?;
    Ok(connection.query_row("select date('now', '-364 days')", [], |row| row.get(0))?)
}

/// A figure of each size, round after round.
struct Turns(Vec<Vec<f64>>);

impl Turns {
    fn new() -> Self {
        Self(Vec::new())
    }

    fn add(&mut self, round: Vec<f64>) {
        self.0.push(round);
    }

    /// The medians, and that of the last by the first, which should not grow.
    fn show(&self, report: &mut Report, name: &str, unit: &'static str, should_not_grow: bool) {
        let sizes = self.0.first().map_or(0, Vec::len);
        let of = |size: usize| median(&self.0.iter().map(|round| round[size]).collect::<Vec<_>>());
        let mut values: Vec<_> = (0..sizes).map(|size| (of(size), unit)).collect();
        let growths: Vec<_> = self.0.iter().map(|round| round[sizes - 1] / round[0]).collect();
        values.push((median(&growths), ""));
        let goal = if should_not_grow { Goal::AtMost(1.3) } else { Goal::None };
        report.row(name, &values, goal, Judged::Only(sizes));
    }
}

/// Where an installation keeps its bookings.
enum Storage {
    Sqlite(PathBuf),
    Postgres(Client),
}

impl Storage {
    /// The last booking that is counted for statistics.
    async fn counted_through(&self) -> Result<Option<Uuid>> {
        const THROUGH: &str = "select through from tally_state";
        match self {
            Self::Sqlite(file) => {
                let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
                let connection = rusqlite::Connection::open_with_flags(file, flags)?;
                connection.busy_timeout(Duration::from_secs(5))?;
                let through: Option<[u8; 16]> =
                    connection.query_row(THROUGH, [], |row| row.get(0))?;
                Ok(through.map(Uuid::from_bytes))
            }
            Self::Postgres(client) => Ok(client.query_one(THROUGH, &[]).await?.get(0)),
        }
    }

    /// Counted in minutes, a year of sheets is what autovacuum has not seen yet. In a year of bookings it
    /// has long since seen all but the last.
    async fn settle(&self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(client) => Ok(client.batch_execute("vacuum analyze tallies").await?),
        }
    }

    async fn last_booking(&self) -> Result<Option<Uuid>> {
        const LAST: &str = "select id from bookings order by id desc limit 1";
        match self {
            Self::Sqlite(file) => {
                let last: [u8; 16] =
                    rusqlite::Connection::open(file)?.query_row(LAST, [], |row| row.get(0))?;
                Ok(Some(Uuid::from_bytes(last)))
            }
            Self::Postgres(client) => Ok(Some(client.query_one(LAST, &[]).await?.get(0))),
        }
    }
}

/// A data folder with a year of bookings, as many by the first user as by any other.
struct Installation {
    parking: Parking,
    filled: Duration,
    counted: Duration,
    _folder: TempDir,
}

impl Installation {
    async fn make(bench: &Bench, postgres: Option<&Postgres>, bookings: u32) -> Result<Self> {
        let folder = bench.folder(Place::Disk)?;
        let mut parking = bench.parking(Place::Disk, &folder.path().join("server"))?;
        let database = format!("bookings{bookings}");
        if let Some(postgres) = postgres {
            postgres.create(&database)?;
            parking = parking.environment("DATABASE_URL", postgres.url(&database));
        }
        Yard::open(&parking, 1, &[LOT_SPOTS; LOTS]).await?.server.stop()?;

        let past = Past {
            bookings,
            users: bookings / BOOKINGS_PER_USER,
            begin: now_micros() - YEAR_MICROS - HOUR_MICROS - UNSETTLED_MICROS,
            every: YEAR_MICROS / i64::from(bookings),
            stay: HOUR_MICROS,
        };
        let clock = Instant::now();
        let storage = match postgres {
            None => {
                fill::sqlite(&parking.database(), &past).context("cannot fill the database")?;
                Storage::Sqlite(parking.database())
            }
            Some(postgres) => {
                let mut client = connect(&postgres.url(&database)).await?;
                fill::postgres(&mut client, &past).await.context("cannot fill the database")?;
                Storage::Postgres(client)
            }
        };
        let filled = clock.elapsed();

        let last = storage.last_booking().await?;
        let server = parking.serve()?;
        let clock = Instant::now();
        while storage.counted_through().await? != last {
            ensure!(clock.elapsed() < COUNT_TIME_MAX, "the bookings are not counted in time");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let counted = clock.elapsed();
        server.stop()?;
        storage.settle().await?;
        Ok(Self { parking, filled, counted, _folder: folder })
    }
}

/// A running server and who asks it.
struct Reader {
    server: Server,
    user_token: String,
    admin: Admin,
}

impl Reader {
    async fn at(server: Server) -> Result<Self> {
        let mut connection = Connection::open(server.address).await?;
        let session = api::log_in(&mut connection, &user_email(0), USER_PASSWORD).await?;
        let admin = Admin::at(&server).await?;
        Ok(Self { server, user_token: session.access_token, admin })
    }

    /// The median latency of a sign-in.
    async fn sign_in_millis(&self) -> Result<f64> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut latencies = Latencies::new();
        for _ in 0..SIGN_INS {
            let sent = Instant::now();
            api::log_in(&mut connection, &user_email(0), USER_PASSWORD).await?;
            latencies.record(sent.elapsed());
        }
        Ok(latencies.at(0.5).as_secs_f64() * 1e3)
    }

    /// The median latency of an answer.
    async fn micros(&self, path: &str, by_admin: bool, count: usize) -> Result<f64> {
        let token = if by_admin { &self.admin.token } else { &self.user_token };
        let mut connection = Connection::open(self.server.address).await?;
        let mut latencies = Latencies::new();
        for _ in 0..count {
            let sent = Instant::now();
            connection.call(&Request::get(path).token(token)).await?.expect(200)?;
            latencies.record(sent.elapsed());
        }
        Ok(latencies.at(0.5).as_secs_f64() * 1e6)
    }

    /// Rows a second of an export of everything.
    async fn export_rate(&self, rows: u32, exports: usize) -> Result<f64> {
        let mut rates = vec![];
        for day in 1..=exports {
            // Another request each time: the same again would be the same task.
            let all = format!(r#"{{"from":"2001-01-0{day}T00:00:00Z"}}"#);
            let (written, took) = self.admin.export(&all).await?;
            if written < f64::from(rows) {
                bail!("{written} rows instead of {rows}");
            }
            rates.push(written / took.as_secs_f64());
        }
        Ok(median(&rates))
    }
}
