//! Park and release on PostgreSQL over HTTP, beside the same statements without it; and with three
//! servers beside one.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tokio_postgres::Client;

use super::bookings::{self, CLIENTS, LOTS, SPOTS, columns};
use super::load::Yard;
use super::postgres_server::Postgres;
use super::raw_postgres::connect;
use super::report::{Goal, Judged, Report};
use super::{Bench, Place, limits, statements};
use crate::server::{Parking, Server};
use crate::stats::median;

const SERVERS: usize = 3;
const REDIS_START_TIME_MAX: Duration = Duration::from_secs(10);
/// How long people park before anything is measured.
const WARM_TIME: Duration = Duration::from_secs(2);
/// Which of [`CLIENTS`] the goal of pgbench is for.
const SIXTEEN: usize = 1;

/// The same rows in another database, with ids that a script can write.
pub const FILL: &str = "
    insert into users (id, email, name, search, is_admin, active, created_at)
        select lpad(n::text, 32, '0')::uuid, 'user' || n, 'Somebody', 'somebody', false, true, now()
        from generate_series(0, 255) n;
    insert into lots (id, name, time_zone, price_per_hour_minor, currency, free_minutes,
            increment_minutes, created_at, updated_at)
        select lpad('1' || lpad(n::text, 12, '0'), 32, '0')::uuid, 'Lot ' || n, 'Europe/Berlin', 200, 'EUR', 0,
            1, now(), now()
        from generate_series(0, 99) n;
    insert into spots (id, lot_id, label, label_order, out_of_service)
        select gen_random_uuid(), l.id, 'A' || n, ('A' || lpad(n::text, 4, '0'))::bytea, false
        from lots l, generate_series(1, 300) n;
    insert into free_spots (spot_id, lot_id, label, label_order)
        select id, lot_id, label, label_order from spots;
    analyze;";

/// The databases: one that the server uses, one with the same rows for the raw drivers.
struct Databases {
    postgres: Postgres,
    parking: Parking,
}

impl Databases {
    fn open(bench: &Bench) -> Result<Self> {
        let postgres = Postgres::start(bench.folder(Place::Disk)?)?;
        postgres.create("served")?;
        postgres.create("raw")?;
        let parking = bench.parking(Place::Disk, &postgres.folder.path().join("server"))?;
        let raw = parking.clone().environment("DATABASE_URL", postgres.url("raw"));
        raw.run(&["migrate"], "")?;
        postgres.sql("raw", FILL)?;
        let parking = parking.environment("DATABASE_URL", postgres.url("served"));
        Ok(Self { postgres, parking })
    }

    /// Some have parked already and PostgreSQL knows its tables, as autovacuum sees to within a minute. A
    /// plan made before that may read all bookings of a plate to find the open one.
    async fn yard(&self) -> Result<Yard> {
        let yard = Yard::open(&self.parking, CLIENTS[CLIENTS.len() - 1], &[SPOTS; LOTS]).await?;
        yard.park_and_leave_at(&[&yard.server], yard.tokens.len(), WARM_TIME, |user| user % LOTS)
            .await?;
        self.postgres.sql("served", "vacuum analyze")?;
        Ok(yard)
    }
}

pub async fn beside_raw(bench: &Bench, report: &mut Report) -> Result<()> {
    let databases = Databases::open(bench)?;
    let postgres = &databases.postgres;
    let script = postgres.folder.path().join("script");
    fs::write(&script, statements::script())?;
    let yard = databases.yard().await?;
    for lots in [LOTS, 1] {
        report.table(
            format!("Park and release on PostgreSQL, {}", bookings::place_of(lots)),
            &columns(),
        );
        let mut rounds: [Rounds; CLIENTS.len()] = Default::default();
        let time = bench.turn();
        let (url, seconds) = (postgres.url("raw"), time.as_secs_f64().to_string());
        for _ in 0..bench.plan.turns {
            let disk = limits::disk_rate(bench, postgres.folder.path(), &[])?;
            for (clients, rounds) in CLIENTS.into_iter().zip(&mut rounds) {
                let pgbench = postgres.bench(&script, clients, lots, time)?;
                let callers = [clients, lots].map(|number| number.to_string());
                let driver = limits::measure(
                    &["limit-postgres", &url, &callers[0], &callers[1], &seconds],
                    &[],
                )?
                .per_second;
                let before = postgres.cpu();
                let load = yard
                    .park_and_leave_at(&[&yard.server], clients, time, |user| user % lots)
                    .await?;
                let cpu = postgres.cpu().saturating_sub(before).as_secs_f64() * 1e6;
                rounds.disk.push(disk);
                rounds.pgbench.push(pgbench);
                rounds.driver.push(driver);
                rounds.served.push(load.per_second);
                rounds.to_pgbench.push(load.per_second / pgbench);
                rounds.to_driver.push(load.per_second / driver);
                rounds.to_disk.push(load.per_second / disk);
                rounds.cpu.push(load.cpu_micros_each);
                rounds.database_cpu.push(cpu / load.per_second / time.as_secs_f64());
                rounds.p50.push(load.latencies.at(0.5).as_secs_f64() * 1e3);
                rounds.p99.push(load.latencies.at(0.99).as_secs_f64() * 1e3);
            }
        }
        let mut row = |name: &str, unit, goal, judged, of: fn(&Rounds) -> &Vec<f64>| {
            let values: Vec<_> = rounds.iter().map(|rounds| (median(of(rounds)), unit)).collect();
            report.row(name, &values, goal, judged);
        };
        let all = Judged::All;
        row("D, writes of 4 KiB with fdatasync", "/s", Goal::None, all, |r| &r.disk);
        row("P, pgbench", "/s", Goal::None, all, |r| &r.pgbench);
        row("T, tokio-postgres", "/s", Goal::None, all, |r| &r.driver);
        row("requests over HTTP", "/s", Goal::None, all, |r| &r.served);
        let at_sixteen = Judged::Only(SIXTEEN);
        row("requests / P", "", Goal::AtLeast(0.7), at_sixteen, |r| &r.to_pgbench);
        row("requests / T", "", Goal::None, all, |r| &r.to_driver);
        row("requests / D", "", Goal::None, all, |r| &r.to_disk);
        row("CPU each", "us", Goal::None, all, |r| &r.cpu);
        row("CPU of PostgreSQL each", "us", Goal::None, all, |r| &r.database_cpu);
        row("latency p50", "ms", Goal::None, all, |r| &r.p50);
        row("latency p99", "ms", Goal::None, all, |r| &r.p99);
    }
    yard.server.stop()
}

#[derive(Default)]
struct Rounds {
    disk: Vec<f64>,
    pgbench: Vec<f64>,
    driver: Vec<f64>,
    served: Vec<f64>,
    to_pgbench: Vec<f64>,
    to_driver: Vec<f64>,
    to_disk: Vec<f64>,
    cpu: Vec<f64>,
    database_cpu: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

/// One server, then three, on one PostgreSQL; they tell each other of changes by Redis.
///
/// The one has the lanes it takes by itself. The three share its processors, for which OPERATIONS.md
/// gives each of them a single lane. Beside them is one with as many lanes as the three have together:
/// what it cannot do either is no matter of several servers.
pub async fn replicas(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut databases = Databases::open(bench)?;
    let redis = Redis::start()?;
    let parking = databases.parking.environment("REDIS_URL", redis.url());
    databases.parking = parking.environment("SECRET_KEY", "one secret for all three of the bench");
    let yard = databases.yard().await?;
    let statistics = connect(&databases.postgres.url("served")).await?;
    // Ready by now, and idle while the first serves alone.
    let with_lanes =
        |lanes: usize| databases.parking.clone().environment("DATABASE_LANES", lanes.to_string());
    let servers: Vec<Server> =
        (0..SERVERS).map(|_| with_lanes(1).serve()).collect::<Result<_>>()?;
    let as_many_lanes = with_lanes(SERVERS).serve()?;
    for lots in [LOTS, 1] {
        report.table(
            format!(
                "Park and release with {SERVERS} servers on one PostgreSQL and Redis, {}",
                bookings::place_of(lots)
            ),
            &columns(),
        );
        let (one, as_many) = ([&yard.server], [&as_many_lanes]);
        let three: Vec<&Server> = servers.iter().collect();
        let mut rounds: [Spread; CLIENTS.len()] = Default::default();
        let time = bench.turn();
        for _ in 0..bench.plan.turns {
            for (clients, rounds) in CLIENTS.into_iter().zip(&mut rounds) {
                let lot_of = |user: usize| user % lots;
                let by_one = yard.park_and_leave_at(&one, clients, time, lot_of).await?;
                let before = deadlocks(&statistics).await?;
                let by_three = yard.park_and_leave_at(&three, clients, time, lot_of).await?;
                let deadlocks = deadlocks(&statistics).await? - before;
                let by_as_many = yard.park_and_leave_at(&as_many, clients, time, lot_of).await?;
                rounds.one.push(by_one.per_second);
                rounds.three.push(by_three.per_second);
                rounds.as_many.push(by_as_many.per_second);
                rounds.ratio.push(by_three.per_second / by_one.per_second);
                rounds.ratio_to_as_many.push(by_three.per_second / by_as_many.per_second);
                rounds.cpu.push(by_three.cpu_micros_each);
                rounds.deadlocks.push(deadlocks / time.as_secs_f64());
            }
        }
        let mut row = |name: &str, unit, goal, of: fn(&Spread) -> &Vec<f64>| {
            let values: Vec<_> = rounds.iter().map(|rounds| (median(of(rounds)), unit)).collect();
            report.row(name, &values, goal, Judged::All);
        };
        row("requests to one server", "/s", Goal::None, |r| &r.one);
        row("requests to three", "/s", Goal::None, |r| &r.three);
        row("three / one", "", Goal::AtLeast(1.0), |r| &r.ratio);
        row("requests to one with as many lanes", "/s", Goal::None, |r| &r.as_many);
        row("three / one with as many lanes", "", Goal::None, |r| &r.ratio_to_as_many);
        row("CPU of the three each", "us", Goal::None, |r| &r.cpu);
        row("deadlocks with three", "/s", Goal::None, |r| &r.deadlocks);
    }
    for server in servers.into_iter().chain([as_many_lanes]) {
        server.stop()?;
    }
    yard.server.stop()
}

#[derive(Default)]
struct Spread {
    one: Vec<f64>,
    three: Vec<f64>,
    ratio: Vec<f64>,
    /// The one with as many lanes as the three.
    as_many: Vec<f64>,
    ratio_to_as_many: Vec<f64>,
    cpu: Vec<f64>,
    deadlocks: Vec<f64>,
}

/// How many PostgreSQL has found so far; it may say so a second late.
async fn deadlocks(client: &Client) -> Result<f64> {
    let sql = "select deadlocks::double precision from pg_stat_database where datname = 'served'";
    Ok(client.query_one(sql, &[]).await?.get(0))
}

/// A private Redis that keeps nothing, gone with this value.
struct Redis {
    port: u16,
    process: Child,
}

/// As in `Redis 8.0.1`.
pub fn redis_version() -> Result<String> {
    let output = Command::new("redis-server").arg("--version").output();
    let output = output.context("no redis-server: install the package redis-server")?;
    let said = String::from_utf8(output.stdout)?;
    let version = said.split_whitespace().find_map(|word| word.strip_prefix("v="));
    Ok(format!("Redis {}", version.context("Redis has no version")?))
}

impl Redis {
    fn start() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::null())
            .spawn()
            .context("no redis-server: install the package redis-server")?;
        let redis = Self { port, process };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            ensure!(begun.elapsed() < REDIS_START_TIME_MAX, "Redis does not get ready");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(redis)
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
