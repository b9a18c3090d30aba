//! A few users who ask, wait for the answer and ask again, as `bench` has them: a client, the threads
//! of a server and one lane, on the processors of one machine. It is what the model is held against.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::lane::BATCH_MAX;
#[cfg(test)]
use super::random::Random;

/// Times are in seconds and for each request.
#[derive(Debug, Clone, Copy)]
pub struct Machine {
    pub users: usize,
    pub processors: usize,
    /// Threads that read requests and write answers.
    pub workers: usize,
    /// The one thread of all clients.
    pub client: f64,
    /// The server's work before the lane and after it.
    pub before: f64,
    pub after: f64,
    /// The lane's work on a processor.
    pub lane: f64,
    /// What the disk takes for a request, and for a commit.
    pub write: f64,
    pub sync: f64,
}

#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    pub per_second: f64,
    pub p50: f64,
    pub p99: f64,
}

/// Where a user's request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Client,
    Before,
    Lane,
    After,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// A piece of work on a processor is done.
    Done(Place, usize),
    Committed,
}

#[derive(Default)]
struct Station {
    waiting: VecDeque<usize>,
    busy: usize,
}

struct Run {
    machine: Machine,
    clock: f64,
    /// Times are not below zero, so their bits sort as they do.
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    number: u64,
    idle_processors: usize,
    ready: VecDeque<(Place, usize)>,
    client: Station,
    before: Station,
    after: Station,
    lane: VecDeque<usize>,
    batch: Vec<usize>,
    /// Commands of the batch that are still to be run; the lane is busy while there is a batch.
    left: VecDeque<usize>,
    asked_at: Vec<f64>,
    latencies: Vec<f64>,
    /// Work of chance instead of fixed lengths, to compare with a formula.
    #[cfg(test)]
    chance: Option<Random>,
}

impl Machine {
    /// Until `requests` were answered.
    pub fn run(self, requests: usize) -> Outcome {
        Run::of(self).until(requests)
    }
}

impl Run {
    fn of(machine: Machine) -> Self {
        let mut run = Self {
            machine,
            clock: 0.0,
            events: BinaryHeap::new(),
            number: 0,
            idle_processors: machine.processors,
            ready: VecDeque::new(),
            client: Station::default(),
            before: Station::default(),
            after: Station::default(),
            lane: VecDeque::new(),
            batch: Vec::new(),
            left: VecDeque::new(),
            asked_at: vec![0.0; machine.users],
            latencies: Vec::new(),
            #[cfg(test)]
            chance: None,
        };
        for user in 0..machine.users {
            run.enter(Place::Client, user);
        }
        run
    }

    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of some hundred thousand"
    )]
    fn until(mut self, requests: usize) -> Outcome {
        self.assign();
        while self.latencies.len() < requests
            && let Some(Reverse((at, _, event))) = self.events.pop()
        {
            self.clock = f64::from_bits(at);
            match event {
                Event::Done(place, user) => self.done(place, user),
                Event::Committed => self.committed(),
            }
            self.assign();
        }
        self.latencies.sort_by(f64::total_cmp);
        let last = self.latencies.len() - 1;
        let at = |quantile: f64| self.latencies[(last as f64 * quantile).round() as usize];
        Outcome {
            per_second: self.latencies.len() as f64 / self.clock,
            p50: at(0.5),
            p99: at(0.99),
        }
    }

    fn after(&mut self, time: f64, event: Event) {
        self.number += 1;
        self.events.push(Reverse(((self.clock + time).to_bits(), self.number, event)));
    }

    /// Processors take up what has waited longest.
    fn assign(&mut self) {
        while self.idle_processors > 0
            && let Some((place, user)) = self.ready.pop_front()
        {
            self.idle_processors -= 1;
            let time = self.time(place);
            self.after(time, Event::Done(place, user));
        }
    }

    fn time(&mut self, place: Place) -> f64 {
        let time = match place {
            Place::Client => self.machine.client,
            Place::Before => self.machine.before,
            Place::Lane => self.machine.lane,
            Place::After => self.machine.after,
        };
        #[cfg(test)]
        if let Some(chance) = &mut self.chance {
            return chance.exponential(time);
        }
        time
    }

    /// Where users wait for threads, and how many of these there are. The lane has its batches instead.
    fn station(&mut self, place: Place) -> Option<(&mut Station, usize)> {
        match place {
            Place::Client => Some((&mut self.client, 1)),
            Place::Before => Some((&mut self.before, self.machine.workers)),
            Place::After => Some((&mut self.after, self.machine.workers)),
            Place::Lane => None,
        }
    }

    fn enter(&mut self, place: Place, user: usize) {
        let Some((station, threads)) = self.station(place) else {
            self.lane.push_back(user);
            if self.batch.is_empty() {
                self.take_batch();
            }
            return;
        };
        if station.busy < threads {
            station.busy += 1;
            self.ready.push_back((place, user));
        } else {
            station.waiting.push_back(user);
        }
    }

    fn done(&mut self, place: Place, user: usize) {
        self.idle_processors += 1;
        let Some((station, _)) = self.station(place) else {
            self.run_next();
            return;
        };
        match station.waiting.pop_front() {
            Some(next) => self.ready.push_back((place, next)),
            None => station.busy -= 1,
        }
        match place {
            Place::Client => {
                self.asked_at[user] = self.clock;
                // Without HTTP the client gives its command to the lane itself.
                let next = if self.machine.before > 0.0 { Place::Before } else { Place::Lane };
                self.enter(next, user);
            }
            Place::Before | Place::Lane => self.enter(Place::Lane, user),
            Place::After => self.answered(user),
        }
    }

    fn take_batch(&mut self) {
        let size = self.lane.len().min(BATCH_MAX);
        self.batch = self.lane.drain(..size).collect();
        self.left = self.batch.iter().copied().collect();
        if !self.batch.is_empty() {
            self.run_next();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    fn run_next(&mut self) {
        if let Some(user) = self.left.pop_front() {
            self.ready.push_back((Place::Lane, user));
        } else {
            let time = self.machine.sync + self.batch.len() as f64 * self.machine.write;
            self.after(time, Event::Committed);
        }
    }

    fn committed(&mut self) {
        for user in std::mem::take(&mut self.batch) {
            if self.machine.after > 0.0 {
                self.enter(Place::After, user);
            } else {
                self.answered(user);
            }
        }
        self.take_batch();
    }

    fn answered(&mut self, user: usize) {
        self.latencies.push(self.clock - self.asked_at[user]);
        self.enter(Place::Client, user);
    }
}

/// The value between `low` and `high` at which `rate`, which falls with it, is `wanted`.
pub fn solve(low: f64, high: f64, wanted: f64, rate: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..24 {
        let middle = f64::midpoint(low, high);
        if rate(middle) > wanted {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Machine {
        Machine {
            users: 8,
            processors: 4,
            workers: 1,
            client: 20e-6,
            before: 30e-6,
            after: 10e-6,
            lane: 50e-6,
            write: 0.0,
            sync: 0.0,
        }
    }

    /// Reiser and Lavenberg's mean value analysis of a closed network of single servers.
    fn known(users: u32, stations: &[f64]) -> f64 {
        let mut lengths = vec![0.0; stations.len()];
        let mut rate = 0.0;
        for users in 1..=users {
            let times: Vec<f64> =
                stations.iter().zip(&lengths).map(|(time, length)| time * (1.0 + length)).collect();
            rate = f64::from(users) / times.iter().sum::<f64>();
            lengths = times.iter().map(|time| rate * time).collect();
        }
        rate
    }

    #[test]
    fn a_closed_network_is_as_fast_as_mean_value_analysis_says() {
        // Stations in a row with work of chance. The lane in batches of all that wait is no such station, so
        // it has next to nothing to do here.
        let machine = Machine { lane: 1e-9, after: 15e-6, ..machine() };
        let mut run = Run::of(machine);
        run.chance = Some(Random::new(7));
        let simulated = run.until(200_000).per_second;
        let known = known(8, &[20e-6, 30e-6, 15e-6]);
        assert!((simulated / known - 1.0).abs() < 0.03, "{simulated} for {known}");
    }

    #[test]
    fn one_user_waits_for_every_piece_of_work() {
        let machine = Machine { users: 1, sync: 1e-3, write: 5e-6, ..machine() };
        let outcome = machine.run(1000);
        let latency = 30e-6 + 50e-6 + 5e-6 + 1e-3 + 10e-6;
        assert!((outcome.p50 - latency).abs() < 1e-9, "{}", outcome.p50);
        assert!((outcome.per_second * (latency + 20e-6) - 1.0).abs() < 0.01);
    }

    #[test]
    fn no_machine_does_more_than_its_processors() {
        let machine = Machine { users: 64, processors: 2, workers: 2, ..machine() };
        let most = 2.0 / (20e-6 + 30e-6 + 10e-6 + 50e-6);
        let one = Machine { processors: 1, ..machine }.run(20_000).per_second;
        let two = machine.run(20_000).per_second;
        assert!(two <= most * 1.01 && two > one * 1.5, "{one}, {two} of {most}");
    }

    #[test]
    fn the_lane_is_the_limit_of_many_users_on_a_big_machine() {
        let machine = Machine { users: 256, processors: 16, workers: 16, ..machine() };
        let outcome = machine.run(50_000);
        assert!((outcome.per_second * 50e-6 - 1.0).abs() < 0.02, "{}", outcome.per_second);
    }

    #[test]
    fn what_is_solved_for_is_found() {
        assert!((solve(0.0, 10.0, 4.0, |value| 12.0 / value) - 3.0).abs() < 1e-5);
    }
}
