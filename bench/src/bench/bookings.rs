//! Park and release over HTTP on SQLite, durable and with everything on, beside W and D; and the
//! memory it takes.

use anyhow::Result;

use super::limits::{self, Measured};
use super::load::{Load, Yard};
use super::report::{Goal, Judged, Report};
use super::{Bench, Place, kib_to_mib};
use crate::stats::median;

pub const LOTS: usize = 100;
/// Room for all clients at once.
pub const SPOTS: u32 = 300;
/// Connections, each of somebody who parks and leaves again and again.
pub const CLIENTS: [usize; 4] = [1, 16, 64, 256];
/// Which of [`CLIENTS`] the goal of CPU is for.
const SIXTY_FOUR: usize = 2;

/// Their columns in the tables.
pub fn columns() -> Vec<String> {
    CLIENTS.iter().map(|clients| format!("{clients} clients")).collect()
}

pub fn place_of(lots: usize) -> String {
    if lots == 1 { "one lot".into() } else { format!("{lots} lots") }
}

pub async fn on_disk(bench: &Bench, report: &mut Report) -> Result<()> {
    run(bench, report, Place::Disk, &[LOTS, 1]).await
}

pub async fn with_fixed_sync(bench: &Bench, report: &mut Report) -> Result<()> {
    run(bench, report, Place::FixedSync, &[LOTS]).await
}

async fn run(bench: &Bench, report: &mut Report, place: Place, places: &[usize]) -> Result<()> {
    let (where_to, goal_disk) = match place {
        Place::FixedSync => ("syncs of 1 ms", Goal::AtLeast(10.0)),
        _ => ("this disk", Goal::None),
    };
    let folder = bench.folder(place)?;
    let parking = bench.parking(place, &folder.path().join("server"))?;
    let environment = bench.environment(place);

    // W works on a copy of the same lots and users.
    let copy = folder.path().join("writer.sqlite");
    let copy = copy.to_string_lossy();
    let yard = Yard::open(&parking, CLIENTS[CLIENTS.len() - 1], &[SPOTS; LOTS]).await?;
    let yard = yard.restart(&parking, || parking.run(&["backup", &copy], ""))?;
    let idle = yard.server.usage().resident;

    for lots in places.iter().copied() {
        let title = format!("Park and release on SQLite with {where_to}, {}", place_of(lots));
        report.table(title, &columns());
        let time = bench.turn();
        let seconds = time.as_secs_f64().to_string();
        let mut rounds: [Rounds; CLIENTS.len()] = Default::default();
        for _ in 0..bench.plan.turns {
            let disk = limits::disk_rate(bench, folder.path(), &environment)?;
            for (clients, rounds) in CLIENTS.into_iter().zip(&mut rounds) {
                let callers = [clients, lots].map(|number| number.to_string());
                let writer = ["limit-writer", &copy, &callers[0], &callers[1], &seconds];
                let writer = limits::measure(&writer, &environment)?;
                let load = yard
                    .park_and_leave_at(&[&yard.server], clients, time, |user| user % lots)
                    .await?;
                rounds.add(disk, writer, &load);
            }
        }
        show(report, &rounds, goal_disk);
    }
    let most = yard.server.usage().resident_max;
    yard.server.stop()?;
    report.section(format!("Memory of a server on SQLite with {where_to}"));
    report.add("resident, idle", kib_to_mib(idle), "MiB", Goal::AtMost(64.0));
    report.add("resident, most", kib_to_mib(most), "MiB", Goal::AtMost(200.0));
    Ok(())
}

fn show(report: &mut Report, rounds: &[Rounds], goal_disk: Goal) {
    let mut row = |name: &str, unit, goal, judged, of: fn(&Rounds) -> &Vec<f64>| {
        let values: Vec<_> = rounds.iter().map(|rounds| (median(of(rounds)), unit)).collect();
        report.row(name, &values, goal, judged);
    };
    let (all, at_64) = (Judged::All, Judged::Only(SIXTY_FOUR));
    row("D, writes of 4 KiB with fdatasync", "/s", Goal::None, all, |r| &r.disk);
    row("W, rusqlite", "/s", Goal::None, all, |r| &r.writer);
    row("requests over HTTP", "/s", Goal::None, all, |r| &r.served);
    row("requests / W", "", Goal::AtLeast(0.6), all, |r| &r.to_writer);
    row("requests / D", "", goal_disk, at_64, |r| &r.to_disk);
    row("CPU each", "us", Goal::AtMost(60.0), at_64, |r| &r.cpu);
    row("CPU each / that of W", "", Goal::None, all, |r| &r.cpu_to_writer);
    row("latency p50", "ms", Goal::None, all, |r| &r.p50);
    row("latency p99", "ms", Goal::None, all, |r| &r.p99);
}

#[derive(Default)]
struct Rounds {
    disk: Vec<f64>,
    writer: Vec<f64>,
    served: Vec<f64>,
    to_writer: Vec<f64>,
    to_disk: Vec<f64>,
    cpu: Vec<f64>,
    cpu_to_writer: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Rounds {
    fn add(&mut self, disk: f64, writer: Measured, load: &Load) {
        self.disk.push(disk);
        self.writer.push(writer.per_second);
        self.served.push(load.per_second);
        self.to_writer.push(load.per_second / writer.per_second);
        self.to_disk.push(load.per_second / disk);
        self.cpu.push(load.cpu_micros_each);
        self.cpu_to_writer.push(load.cpu_micros_each / writer.cpu_micros_each);
        self.p50.push(load.latencies.at(0.5).as_secs_f64() * 1e3);
        self.p99.push(load.latencies.at(0.99).as_secs_f64() * 1e3);
    }
}
