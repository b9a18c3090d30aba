//! The model beside what was measured. What the server does besides the lane is measured as its processor
//! time; the lane is fitted to `W`, which has no HTTP; so the rates over HTTP are predictions.

use super::closed::{Machine, Outcome, solve};
use super::ladder::{MICRO, MILLI};
use super::parameters::Parameters;

const USERS: usize = 64;
/// Of the machine that `bench` measured.
const PROCESSORS: usize = 2;
const REQUESTS: usize = 40_000;
/// A caller of `W` takes an answer and puts the next command.
const CALLER: f64 = 1.0 * MICRO;
const MILLISECOND: f64 = 1.0 * MILLI;

/// A figure as it was measured and as the model has it.
#[derive(Debug, Clone)]
pub struct Check {
    pub name: &'static str,
    pub unit: &'static str,
    pub measured: f64,
    pub modelled: f64,
}

impl Check {
    /// Above zero: the model has more.
    pub fn error(&self) -> f64 {
        self.modelled / self.measured - 1.0
    }
}

/// What a command costs the lane, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Fitted {
    pub lane: f64,
    pub write: f64,
}

fn raw(lane: f64, write: f64, sync: f64) -> Machine {
    Machine {
        users: USERS,
        processors: PROCESSORS,
        workers: 1,
        client: CALLER,
        before: 0.0,
        after: 0.0,
        lane,
        write,
        sync,
    }
}

/// The lane's processor time from `W` on a disk in memory, and from it what this disk's writes add.
#[must_use]
pub fn fit(parameters: &Parameters) -> Fitted {
    let sqlite = &parameters.sqlite;
    let rate = |machine: Machine| machine.run(REQUESTS).per_second;
    let lane = solve(1e-6, 1e-3, sqlite.raw_slow.value, |lane| rate(raw(lane, 0.0, MILLISECOND)));
    let sync = 1.0 / sqlite.syncs.value;
    let write = solve(0.0, 1e-3, sqlite.raw.value, |write| rate(raw(lane, write, sync)));
    Fitted { lane, write }
}

/// 64 users over HTTP, on a disk with this sync.
#[must_use]
pub fn over_http(
    parameters: &Parameters,
    lane: f64,
    write: f64,
    sync: f64,
    server_micros: f64,
) -> Outcome {
    let rest = (server_micros * MICRO - lane).max(0.0);
    // The client does no more for an answer than where it gets most of them.
    let client = 1.0 / parameters.sqlite.unchanged.value;
    let machine = Machine {
        users: USERS,
        processors: PROCESSORS,
        workers: PROCESSORS,
        client,
        before: rest / 2.0,
        after: rest / 2.0,
        lane,
        write,
        sync,
    };
    machine.run(REQUESTS)
}

/// # Panics
/// Never: a run answers something.
#[must_use]
pub fn checks(parameters: &Parameters, fitted: Fitted) -> Vec<Check> {
    let sqlite = &parameters.sqlite;
    let Fitted { lane, write } = fitted;
    let slow = over_http(parameters, lane, 0.0, MILLISECOND, sqlite.write_cpu_slow.value);
    let disk = over_http(
        parameters,
        lane,
        write,
        1.0 / sqlite.syncs.value,
        parameters.server.write_cpu.value,
    );
    let check = |name, unit, measured: f64, modelled: f64| Check { name, unit, measured, modelled };
    vec![
        check("syncs of 1 ms: requests", "/s", sqlite.writes_slow.value, slow.per_second),
        check("syncs of 1 ms: p50", "ms", sqlite.p50_slow.value, slow.p50 / MILLI),
        check("syncs of 1 ms: p99", "ms", sqlite.p99_slow.value, slow.p99 / MILLI),
        check("this disk: requests", "/s", sqlite.writes.value, disk.per_second),
        check("this disk: p50", "ms", sqlite.p50.value, disk.p50 / MILLI),
        check("this disk: p99", "ms", sqlite.p99.value, disk.p99 / MILLI),
    ]
}
