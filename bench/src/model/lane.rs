//! A lane as `src/db/lane.rs` has it: it drains its queue into one transaction, commits once and
//! only then answers. What waits in it is simulated, because no formula gives the tail of its latency.

use std::collections::VecDeque;

use super::random::Random;

/// As `BATCH_COMMANDS_MAX` in `src/db/lane.rs`.
pub const BATCH_MAX: usize = 256;

/// What a transaction of `k` commands takes is `sync + k * each`, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Service {
    pub sync: f64,
    pub each: f64,
    pub batch_max: usize,
}

impl Service {
    /// Commands a second that a lane does when its queue is never empty.
    #[expect(clippy::cast_precision_loss, reason = "a batch is small")]
    pub fn capacity(&self) -> f64 {
        let batch = self.batch_max as f64;
        batch / (self.sync + batch * self.each)
    }
}

/// How long commands waited until they were durable, in seconds.
#[derive(Debug)]
pub struct Waits {
    sorted: Vec<f64>,
    pub batch_mean: f64,
}

impl Waits {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of some hundred thousand"
    )]
    pub fn at(&self, quantile: f64) -> f64 {
        let last = self.sorted.len() - 1;
        self.sorted[(last as f64 * quantile).round() as usize]
    }

    #[cfg(test)]
    #[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
    pub fn mean(&self) -> f64 {
        self.sorted.iter().sum::<f64>() / self.sorted.len() as f64
    }
}

/// Commands that come by chance (Poisson), `per_second` to each lane; `commands` of them.
///
/// # Panics
/// When there are no commands.
pub fn alone(service: Service, per_second: f64, commands: usize, seed: u64) -> Waits {
    one_lot(service, 1, per_second, commands, seed)
}

/// Everybody wants the same lot, at `servers` servers alike. Each has one lane for it; a batch is taken from
/// the queue first and then waits for the lot's row, which the batch before it holds until its commit.
///
/// # Panics
/// When there are no servers or no commands.
#[expect(clippy::cast_precision_loss, reason = "some hundred thousand")]
pub fn one_lot(
    service: Service,
    servers: usize,
    per_second: f64,
    commands: usize,
    seed: u64,
) -> Waits {
    assert!(servers > 0 && commands > 0, "nobody asks");
    let mut random = Random::new(seed);
    let mut queues = vec![VecDeque::new(); servers];
    let mut clock = 0.0;
    for _ in 0..commands {
        clock += random.exponential(1.0 / per_second);
        queues[random.below(servers)].push_back(clock);
    }
    let mut free = vec![0.0_f64; servers];
    let (mut row_free, mut batches) = (0.0_f64, 0_usize);
    let mut sorted = Vec::with_capacity(commands);
    // The next batch is that of the server which takes up its queue first.
    let next = |queues: &[VecDeque<f64>], free: &[f64]| {
        let begins = |server: usize| Some((queues[server].front()?.max(free[server]), server));
        (0..servers).filter_map(begins).min_by(|a, b| a.0.total_cmp(&b.0))
    };
    while let Some((begin, server)) = next(&queues, &free) {
        let queue = &mut queues[server];
        let waiting = queue.iter().take(service.batch_max).take_while(|at| **at <= begin).count();
        let end = begin.max(row_free) + service.sync + waiting as f64 * service.each;
        sorted.extend(queue.drain(..waiting).map(|arrived| end - arrived));
        (free[server], row_free) = (end, end);
        batches += 1;
    }
    sorted.sort_by(f64::total_cmp);
    Waits { sorted, batch_mean: commands as f64 / batches as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMANDS: usize = 200_000;

    /// Pollaczek and Khinchine for M/D/1: the mean time in the system.
    fn in_system(each: f64, per_second: f64) -> f64 {
        let load = per_second * each;
        each + load * each / (2.0 * (1.0 - load))
    }

    #[test]
    fn one_command_a_batch_is_m_d_1() {
        let service = Service { sync: 0.0, each: 1e-3, batch_max: 1 };
        for load in [0.3, 0.6, 0.8] {
            let simulated = alone(service, load * 1000.0, COMMANDS, 7).mean();
            let known = in_system(1e-3, load * 1000.0);
            assert!((simulated / known - 1.0).abs() < 0.03, "{load}: {simulated} for {known}");
        }
    }

    #[test]
    fn a_batch_costs_one_sync() {
        // More than a sync for each could ever do, and less than syncs that are shared can.
        let service = Service { sync: 1e-3, each: 20e-6, batch_max: BATCH_MAX };
        let waits = alone(service, 10_000.0, COMMANDS, 7);
        assert!(waits.at(0.99) < 5e-3, "{}", waits.at(0.99));
        // The mean batch solves k = rate * (sync + k * each).
        assert!((waits.batch_mean / 12.5 - 1.0).abs() < 0.05, "{}", waits.batch_mean);
    }

    #[test]
    fn beyond_its_capacity_a_lane_falls_behind() {
        let service = Service { sync: 1e-3, each: 50e-6, batch_max: BATCH_MAX };
        let median = |share: f64| alone(service, service.capacity() * share, 50_000, 7).at(0.5);
        assert!(median(0.9) < 0.05);
        assert!(median(1.2) > 0.2);
    }

    #[test]
    fn more_servers_make_a_hot_lot_no_faster() {
        let service = Service { sync: 1e-3, each: 1e-3, batch_max: BATCH_MAX };
        let p50 = |servers| one_lot(service, servers, 700.0, 50_000, 7).at(0.5);
        assert!(p50(3) > p50(1), "{} and {}", p50(3), p50(1));
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let service = Service { sync: 1e-3, each: 50e-6, batch_max: BATCH_MAX };
        let p99 = |seed| alone(service, 9000.0, 10_000, seed).at(0.99).to_bits();
        assert_eq!(p99(1), p99(1));
        assert_ne!(p99(1), p99(2));
    }
}
