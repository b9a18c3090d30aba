//! Speed and memory, as ratios to limits that are measured in the same run.
//!
//! Each file is one measurement: [`bookings`], [`lots`], [`history`], [`claims`], [`logins`],
//! [`background`], [`postgres`]. They share the clients of [`load`], the limits of [`limits`] and [`raw`], and
//! write to a [`report`].

mod background;
mod bookings;
mod claims;
mod fill;
mod history;
mod limits;
mod load;
mod logins;
mod lots;
mod postgres;
mod raw;
mod report;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

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
    /// Shorter rounds, fewer of them, and half a million bookings for five: to see that it runs.
    #[arg(long)]
    quick: bool,
    /// Only this measurement; may be given several times.
    #[arg(long)]
    only: Vec<Measurement>,
    /// A folder on the disk to measure.
    #[arg(long, default_value = "target")]
    disk: PathBuf,
    /// Where a whole run writes its figures.
    #[arg(long, default_value = "docs/BENCHMARKS.md")]
    output: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measurement {
    /// Park and release on the disk.
    Bookings,
    /// Park and release with syncs of 1 ms.
    FixedSync,
    /// The list of lots.
    Lots,
    /// A user's history and the start, with many bookings.
    History,
    /// A big lot beside a small one.
    Claims,
    /// Signing in.
    Logins,
    /// Park and release beside people who sign in.
    Crowd,
    /// A big export.
    Export,
    /// The mails of a month to everybody, beside requests.
    Mails,
    /// Park and release on PostgreSQL.
    Postgres,
}

/// How long and how often.
struct Plan {
    quick: bool,
    rounds: usize,
    round: Duration,
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

    println!("\n{} goals missed", report.missed());
    if arguments.only.is_empty() && !arguments.quick {
        std::fs::write(&arguments.output, report.page(&bench.version()?)?)
            .with_context(|| format!("cannot write {}", arguments.output.display()))?;
        println!("written to {}", arguments.output.display());
    }
    Ok(())
}

impl Bench {
    fn new(arguments: &Arguments) -> Result<Self> {
        let plan = if arguments.quick {
            Plan { quick: true, rounds: 3, round: Duration::from_secs(1) }
        } else {
            Plan { quick: false, rounds: 7, round: Duration::from_secs(3) }
        };
        let tools = tempfile::tempdir()?;
        compile_fixed_sync(tools.path())?;
        Ok(Self { plan, bin: arguments.bin.clone(), disk: arguments.disk.clone(), tools })
    }

    async fn measure(&self, measurement: Measurement, report: &mut Report) -> Result<()> {
        match measurement {
            Measurement::Bookings => bookings::on_disk(self, report).await,
            Measurement::FixedSync => bookings::with_fixed_sync(self, report).await,
            Measurement::Lots => lots::list(self, report).await,
            Measurement::History => history::pages_and_start(self, report).await,
            Measurement::Claims => claims::big_and_small(self, report).await,
            Measurement::Logins => logins::rate(self, report).await,
            Measurement::Crowd => logins::beside_bookings(self, report).await,
            Measurement::Export => background::export(self, report).await,
            Measurement::Mails => background::mails(self, report).await,
            Measurement::Postgres => postgres::beside_pgbench(self, report).await,
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

    fn version(&self) -> Result<String> {
        let output = Command::new(self.bin.canonicalize()?).arg("--version").output()?;
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
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
