//! Park and release over HTTP, durable and with everything on, beside W and D; and the memory it takes.

use std::ffi::OsString;
use std::path::Path;

use anyhow::Result;

use super::load::Yard;
use super::report::{Goal, Report};
use super::{Bench, LOTS, Place, SPOTS, USERS, kib_to_mib, limits};
use crate::stats::median;

pub async fn on_disk(bench: &Bench, report: &mut Report) -> Result<()> {
    report.section(format!("Park and release, {USERS} users, on this disk"));
    run(bench, report, Place::Disk, Goal::None).await
}

pub async fn with_fixed_sync(bench: &Bench, report: &mut Report) -> Result<()> {
    report.section(format!("Park and release, {USERS} users, with syncs of 1 ms"));
    run(bench, report, Place::FixedSync, Goal::AtLeast(10.0)).await
}

async fn run(bench: &Bench, report: &mut Report, place: Place, goal_disk: Goal) -> Result<()> {
    let folder = bench.folder(place)?;
    let parking = bench.parking(place, &folder.path().join("server"))?;
    let environment = bench.environment(place);

    // W works on a copy of the same lots and users.
    let writer = folder.path().join("writer.sqlite");
    let yard = Yard::open(&parking, USERS, &[SPOTS; LOTS]).await?;
    let yard =
        yard.restart(&parking, || parking.run(&["backup", &writer.to_string_lossy()], ""))?;
    let idle = yard.server.usage().resident;

    let mut rounds = Rounds::default();
    for _ in 0..bench.plan.rounds {
        let disk = disk_limit(bench, folder.path(), &environment)?;
        let writer = writer_limit(bench, &writer, &environment)?;
        let load = yard.park_and_leave(bench.plan.round, |user| user % LOTS).await?;
        rounds.rates.push(load.per_second);
        rounds.to_writer.push(load.per_second / writer);
        rounds.to_disk.push(load.per_second / disk);
        rounds.cpu.push(load.cpu_micros_each);
        rounds.p50.push(load.latencies.at(0.5).as_secs_f64() * 1e3);
        rounds.p99.push(load.latencies.at(0.99).as_secs_f64() * 1e3);
        rounds.disk.push(disk);
        rounds.writer.push(writer);
    }
    let usage = yard.server.usage();
    yard.server.stop()?;

    report.add("D, writes of 4 KiB with fdatasync", median(&rounds.disk), "/s", Goal::None);
    report.add("W, the same statements without HTTP", median(&rounds.writer), "/s", Goal::None);
    report.add("requests over HTTP", median(&rounds.rates), "/s", Goal::None);
    report.add("requests / W", median(&rounds.to_writer), "", Goal::AtLeast(0.5));
    report.add("requests / D", median(&rounds.to_disk), "", goal_disk);
    report.add("server CPU each", median(&rounds.cpu), "us", Goal::AtMost(60.0));
    report.add("latency p50", median(&rounds.p50), "ms", Goal::None);
    report.add("latency p99", median(&rounds.p99), "ms", Goal::None);
    report.add("resident memory, idle", kib_to_mib(idle), "MiB", Goal::AtMost(64.0));
    report.add("resident memory, most", kib_to_mib(usage.resident_max), "MiB", Goal::AtMost(200.0));
    Ok(())
}

#[derive(Default)]
struct Rounds {
    rates: Vec<f64>,
    to_writer: Vec<f64>,
    to_disk: Vec<f64>,
    cpu: Vec<f64>,
    p50: Vec<f64>,
    p99: Vec<f64>,
    disk: Vec<f64>,
    writer: Vec<f64>,
}

fn disk_limit(
    bench: &Bench,
    folder: &Path,
    environment: &[(&'static str, OsString)],
) -> Result<f64> {
    let seconds = (bench.plan.round / 2).as_secs_f64().to_string();
    limits::measure(&["limit-disk", &folder.to_string_lossy(), &seconds], environment)
}

fn writer_limit(
    bench: &Bench,
    database: &Path,
    environment: &[(&'static str, OsString)],
) -> Result<f64> {
    let seconds = bench.plan.round.as_secs_f64().to_string();
    limits::measure(
        &["limit-writer", &database.to_string_lossy(), &USERS.to_string(), &seconds],
        environment,
    )
}
