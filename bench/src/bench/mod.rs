//! Speed and memory, as ratios to limits that are measured in the same run.
//!
//! Each file is one measurement: [`bookings`], [`postgres`], [`lots`], [`events`], [`sizes`],
//! [`claims`], [`logins`], [`background`]. They share the clients of [`load`] and the limits of
//! [`limits`], [`raw`] and [`raw_postgres`], and write to a [`report`].

mod background;
mod bookings;
mod claims;
mod events;
mod fill;
mod limits;
mod load;
mod logins;
mod lots;
mod postgres;
mod postgres_server;
mod raw;
mod raw_postgres;
mod report;
mod sizes;
mod statements;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::{Args, ValueEnum};
use tempfile::TempDir;

pub use self::limits::Limit;
use self::report::Report;
use crate::server::Parking;

const LOTS: usize = 150;
const SPOTS: u32 = 100;
const USERS: usize = 64;
const CONNECTIONS: usize = 64;
/// A tmpfs on every Linux.
const MEMORY: &str = "/dev/shm";
const FIXED_SYNC: &str = include_str!("../../fixed_sync.c");

#[derive(Args)]
pub struct Arguments {
    /// The server program.
    #[arg(long, default_value = "target/release/parking")]
    bin: PathBuf,
    /// Shorter rounds, fewer of them, a hundredth of the bookings and a tenth of the listeners: to see
    /// that it runs, in some minutes.
    #[arg(long)]
    quick: bool,
    /// Only this measurement; may be given several times. Takes the place of the earlier figures.
    #[arg(long)]
    only: Vec<Measurement>,
    /// A folder on the disk to measure, for all data: some 40 GB in a whole run, which go away.
    #[arg(long, default_value = "target/bench")]
    disk: PathBuf,
    /// Where the figures are written, unless --quick.
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// Park and release on SQLite.
    Bookings,
    /// Park and release on SQLite with syncs of 1 ms.
    FixedSync,
    /// Park and release on PostgreSQL.
    Postgres,
    /// Park and release with three servers on one PostgreSQL.
    Replicas,
    /// The list of lots.
    Lots,
    /// A change of a lot to many listeners.
    Events,
    /// With up to 20 million bookings on SQLite: history, statistics, start, export.
    Sizes,
    /// The same on PostgreSQL.
    SizesPostgres,
    /// A big lot beside a small one.
    Claims,
    /// Signing in.
    Logins,
    /// Park and release beside people who sign in.
    Crowd,
    /// The mails of a month to everybody, beside requests.
    Mails,
}

/// How long and how often.
struct Plan {
    quick: bool,
    rounds: usize,
    round: Duration,
    /// Rounds of the tables with many columns, each of a shorter time ([`Bench::turn`]).
    turns: usize,
}

/// Where a server keeps its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The disk under test.
    Disk,
    /// A tmpfs: syncs cost nothing.
    Memory,
    /// A tmpfs where every sync costs 1 ms.
    FixedSync,
}

struct Bench {
    plan: Plan,
    bin: PathBuf,
    disk: PathBuf,
    /// Holds the library that makes syncs cost 1 ms.
    tools: TempDir,
}

/// # Errors
/// When something cannot be measured. A goal that is missed is no error: the report says it.
pub fn run(arguments: &Arguments) -> Result<()> {
    let begun = Instant::now();
    let bench = Bench::new(arguments)?;
    let mut report = Report::default();
    crate::until_interrupted(async {
        for measurement in Measurement::value_variants() {
            if arguments.only.is_empty() || arguments.only.contains(measurement) {
                bench.measure(*measurement, &mut report).await?;
            }
        }
        Ok(())
    })?;

    let took = begun.elapsed();
    println!("\n{} goals missed, {} s", report.missed(), took.as_secs());
    if arguments.quick {
        return Ok(());
    }
    let output = &arguments.output;
    let page = if arguments.only.is_empty() {
        report.page(&bench.versions()?, took)?
    } else {
        let earlier = std::fs::read_to_string(output)
            .with_context(|| format!("cannot read {}", output.display()))?;
        report.replace_in(&earlier)?
    };
    std::fs::write(output, page).with_context(|| format!("cannot write {}", output.display()))?;
    println!("written to {}", output.display());
    Ok(())
}

impl Bench {
    fn new(arguments: &Arguments) -> Result<Self> {
        let plan = if arguments.quick {
            Plan { quick: true, rounds: 3, round: Duration::from_secs(1), turns: 1 }
        } else {
            Plan { quick: false, rounds: 7, round: Duration::from_secs(3), turns: 5 }
        };
        std::fs::create_dir_all(&arguments.disk)
            .with_context(|| format!("cannot make {}", arguments.disk.display()))?;
        let tools = tempfile::tempdir()?;
        compile_fixed_sync(tools.path())?;
        Ok(Self { plan, bin: arguments.bin.clone(), disk: arguments.disk.clone(), tools })
    }

    async fn measure(&self, measurement: Measurement, report: &mut Report) -> Result<()> {
        match measurement {
            Measurement::Bookings => bookings::on_disk(self, report).await,
            Measurement::FixedSync => bookings::with_fixed_sync(self, report).await,
            Measurement::Postgres => postgres::beside_raw(self, report).await,
            Measurement::Replicas => postgres::replicas(self, report).await,
            Measurement::Lots => lots::list(self, report).await,
            Measurement::Events => events::to_many(self, report).await,
            Measurement::Sizes => sizes::on_sqlite(self, report).await,
            Measurement::SizesPostgres => sizes::on_postgres(self, report).await,
            Measurement::Claims => claims::big_and_small(self, report).await,
            Measurement::Logins => logins::rate(self, report).await,
            Measurement::Crowd => logins::beside_bookings(self, report).await,
            Measurement::Mails => background::mails(self, report).await,
        }
    }

    /// A folder that goes away.
    fn folder(&self, place: Place) -> Result<TempDir> {
        let parent = if place == Place::Disk { &self.disk } else { Path::new(MEMORY) };
        let folder = tempfile::Builder::new().prefix("parking-bench-").tempdir_in(parent);
        folder.with_context(|| format!("cannot make a folder in {}", parent.display()))
    }

    /// What makes a process feel the place: for the server and the limits alike.
    fn environment(&self, place: Place) -> Vec<(&'static str, OsString)> {
        match place {
            Place::Disk | Place::Memory => Vec::new(),
            Place::FixedSync => {
                vec![("LD_PRELOAD", self.tools.path().join("fixed_sync.so").into())]
            }
        }
    }

    fn parking(&self, place: Place, data: &Path) -> Result<Parking> {
        std::fs::create_dir(data)?;
        let mut parking = Parking::new(&self.bin, &data.canonicalize()?);
        parking.environment = self.environment(place);
        Ok(parking.environment("ACCESS_TOKEN_MINUTES", "60"))
    }

    /// How long one of many turns lasts.
    fn turn(&self) -> Duration {
        const TURN_TIME_MAX: Duration = Duration::from_secs(2);
        self.plan.round.min(TURN_TIME_MAX)
    }

    /// Of all programs that take part.
    fn versions(&self) -> Result<String> {
        let output = Command::new(self.bin.canonicalize()?).arg("--version").output()?;
        let parking = String::from_utf8(output.stdout)?;
        let sqlite = rusqlite::version();
        let (postgres, redis) = (postgres_server::version()?, postgres::redis_version()?);
        Ok(format!("{}, SQLite {sqlite}, {postgres}, {redis}", parking.trim()))
    }
}

fn compile_fixed_sync(folder: &Path) -> Result<()> {
    let source = folder.join("fixed_sync.c");
    std::fs::write(&source, FIXED_SYNC)?;
    let mut compiler = Command::new("cc");
    compiler.args(["-O2", "-shared", "-fPIC", "-o"]).arg(folder.join("fixed_sync.so")).arg(&source);
    let status = compiler.status().context("no C compiler")?;
    ensure!(status.success(), "the C compiler refused fixed_sync.c");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "memory is far below 2^52 KiB")]
fn kib_to_mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}
