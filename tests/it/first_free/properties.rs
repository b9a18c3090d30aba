//! The checker beside one that tries every order, on small random histories; and on a large one.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::check::{Verdict, check};
use super::history::{History, NEVER, Nanos, Operation, What};

/// Wing and Gong's search: puts every operation next that no other has to go before, and remembers
/// what was seen (Lowe). A state is what happened, and where the unheard parked.
struct EveryOrder<'h> {
    history: &'h History,
    seen: HashSet<(u64, u64)>,
}

impl EveryOrder<'_> {
    fn finds_one(history: &History) -> bool {
        assert!(history.operations.len() <= 64 && history.labels.len() <= 64);
        let taken = 0;
        EveryOrder { history, seen: HashSet::new() }.goes_on(0, taken)
    }

    fn goes_on(&mut self, done: u64, taken: u64) -> bool {
        let operations = &self.history.operations;
        let left = || (0..operations.len()).filter(|place| done >> place & 1 == 0);
        // Whoever was answered by then has happened.
        let Some(first) = left().map(|place| operations[place].answered).min() else { return true };
        if first == NEVER {
            return true;
        }
        if !self.seen.insert((done, taken)) {
            return false;
        }
        let next: Vec<_> = left().filter(|place| operations[*place].invoked <= first).collect();
        next.into_iter().any(|place| {
            self.after(&operations[place].what, done, taken)
                .is_some_and(|taken| self.goes_on(done | 1 << place, taken))
        })
    }

    /// The spots that are taken once this has happened, if it can.
    fn after(&self, what: &What, done: u64, taken: u64) -> Option<u64> {
        let free = taken.trailing_ones() as usize;
        let full = free >= self.history.labels.len();
        match what {
            What::Took { spot, .. } => (*spot == free).then_some(taken | 1 << free),
            What::Full => full.then_some(taken),
            What::Unheard => (!full).then_some(taken | 1 << free),
            What::Released { booking } => {
                let made = |operation: &Operation| match &operation.what {
                    What::Took { spot, booking: other } if other == booking => Some(*spot),
                    _ => None,
                };
                let mut parks = self.history.operations.iter().enumerate();
                let (park, spot) = parks.find_map(|(at, park)| Some((at, made(park)?)))?;
                (done >> park & 1 == 1).then_some(taken & !(1 << spot))
            }
        }
    }
}

/// One thing that happens: what, which of those possible, how long before it was invoked and how
/// long after it was answered.
type Step = (u8, u8, u8, u8);

/// What would be recorded if these things happened one after the other. Of eight parks and releases
/// `unheard` are parks without an answer.
fn recorded(spots: usize, unheard: u8, steps: &[Step]) -> History {
    let mut operations: Vec<Operation> = Vec::new();
    let mut taken = vec![false; spots];
    // Where a stay begins in `operations`, and when it happened.
    let mut stays: Vec<(usize, Nanos)> = Vec::new();
    for (number, (kind, which, before, after)) in steps.iter().enumerate() {
        let instant = 200 + 4 * Nanos::try_from(number).unwrap();
        let (before, after) = (Nanos::from(*before), Nanos::from(*after));
        let invoked = instant - before;
        let mut operation =
            Operation { client: number, invoked, answered: instant + after, what: What::Unheard };
        let first = taken.iter().position(|taken| !taken);
        match kind % 8 {
            // Releases, sometimes unheard: with effect, or without.
            0..3 if !stays.is_empty() => {
                let (park, parked) = stays.swap_remove(usize::from(*which) % stays.len());
                let What::Took { spot, booking } = operations[park].what.clone() else { continue };
                operation.invoked = invoked.max(parked + 1);
                let park = &mut operations[park];
                park.answered = park.answered.min(operation.invoked - 1);
                if which % 7 == 0 {
                    operation.answered = NEVER;
                }
                taken[spot] = which % 14 == 0;
                operation.what = What::Released { booking };
            }
            // Parks unheard: with effect, or without.
            kind if (3..3 + unheard).contains(&kind) => {
                operation.answered = NEVER;
                if let Some(spot) = first
                    && which % 2 == 0
                {
                    taken[spot] = true;
                }
            }
            _ => match first {
                None => operation.what = What::Full,
                Some(spot) => {
                    taken[spot] = true;
                    stays.push((operations.len(), instant));
                    operation.what = What::Took { spot, booking: number.to_string() };
                }
            },
        }
        operations.push(operation);
    }
    let labels = (1..=spots).map(|number| format!("A{number:02}")).collect();
    History { labels, operations }
}

/// Tells something in it otherwise; may or may not make it impossible.
fn mutated(history: &mut History, (how, which, a, b): Step) {
    let Some(count) = history.operations.len().checked_sub(1) else { return };
    let spots = history.labels.len();
    let place = usize::from(which) % (count + 1);
    let instants: Vec<_> =
        history.operations.iter().map(|other| (other.invoked, other.answered)).collect();
    let other = usize::from(a) % (count + 1);
    let operation = &mut history.operations[place];
    match (how % 6, &mut operation.what) {
        (0, What::Took { spot, .. }) => *spot = usize::from(a) % spots,
        (1, What::Full) => {
            let booking = format!("new {place}");
            operation.what = What::Took { spot: usize::from(a) % spots, booking };
        }
        (2, _) if operation.answered < NEVER => {
            operation.answered = operation.invoked.max(instants[place].1 - Nanos::from(b));
        }
        (3, _) if operation.answered < NEVER => {
            operation.invoked = operation.answered.min(operation.invoked + Nanos::from(b));
        }
        (4, _) if operation.answered < NEVER && instants[other].1 < NEVER => {
            (operation.invoked, operation.answered) = instants[other];
            let other = &mut history.operations[other];
            (other.invoked, other.answered) = instants[place];
        }
        (5, What::Unheard) => {
            history.operations.remove(place);
        }
        _ => {}
    }
}

/// Each booking is released after the answer to its park.
fn is_one(history: &History) -> bool {
    history.operations.iter().all(|release| {
        let What::Released { booking } = &release.what else { return true };
        history.operations.iter().any(|park| {
            park.answered < release.invoked
                && matches!(&park.what, What::Took { booking: other, .. } if other == booking)
        })
    })
}

#[test]
fn the_checker_agrees_with_trying_every_order() {
    let steps = prop::collection::vec((any::<u8>(), any::<u8>(), 0..40_u8, 0..40_u8), 1..14);
    let mutations = prop::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0..24_u8), 0..4);
    let (fine, wrong) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let agree = |(spots, unheard, steps, mutations): (usize, u8, Vec<Step>, Vec<Step>)| {
        let mut history = recorded(spots, unheard, &steps);
        for mutation in &mutations {
            mutated(&mut history, *mutation);
        }
        if !is_one(&history) {
            return Ok(());
        }
        let possible = EveryOrder::finds_one(&history);
        let verdict = check(&history);
        match &verdict {
            Verdict::Linearizable => prop_assert!(possible, "there is no order of {history:#?}"),
            _ => prop_assert!(!possible, "{verdict:?}, but there is an order of {history:#?}"),
        }
        prop_assert!(possible || !mutations.is_empty(), "as it happened");
        if possible { &fine } else { &wrong }.fetch_add(1, Ordering::Relaxed);
        Ok(())
    };
    TestRunner::new(config).run(&(1..5_usize, 0..4_u8, steps, mutations), agree).unwrap();
    let (fine, wrong) = (fine.into_inner(), wrong.into_inner());
    eprintln!("{fine} with an order, {wrong} without");
    assert!(fine > 1000 && wrong > 1000, "both are tried: {fine}, {wrong}");
}

#[test]
fn of_several_who_need_those_that_heard_nothing_the_right_one_waits() {
    let operation = |invoked, answered, what| Operation { client: 0, invoked, answered, what };
    let took = |spot, booking: &str| What::Took { spot, booking: booking.into() };
    let released = |booking: &str| What::Released { booking: booking.into() };
    // To be full at its beginning takes one who heard nothing, on the third spot. The second is
    // parked on again, for which the first must be taken: the first two have only one between them.
    let history = |full_until| History {
        labels: ["A01", "A02", "A03"].map(String::from).into(),
        operations: vec![
            operation(1, 2, took(0, "first")),
            operation(3, 4, took(1, "second")),
            operation(5, NEVER, What::Unheard),
            operation(14, 15, released("first")),
            operation(16, 17, released("second")),
            operation(20, 30, took(1, "again")),
            operation(60, NEVER, What::Unheard),
            operation(10, full_until, What::Full),
        ],
    };
    for (full_until, possible) in [(100, true), (60, true), (59, false)] {
        let verdict = check(&history(full_until));
        assert_eq!(matches!(verdict, Verdict::Linearizable), possible, "{verdict:?}");
        assert_eq!(EveryOrder::finds_one(&history(full_until)), possible);
    }
}

/// What a client is doing.
enum Doing {
    Nothing,
    Asks(Operation),
    Waits(Operation),
}

/// What 64 clients would see of a lot of 40 spots: a random one goes on at each instant, by asking,
/// by having its operation happen, or by being answered. Of `unheard_in` answers one gets lost.
fn large(operations: usize, unheard_in: u64) -> History {
    const SPOTS: usize = 40;
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut below = |bound: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from((random >> 33) % bound).unwrap()
    };
    let labels = (1..=SPOTS).map(|number| format!("A{number:02}")).collect();
    let mut history = History { labels, operations: Vec::new() };
    let mut taken = [false; SPOTS];
    let mut clients: Vec<_> = (0..64).map(|_| (Doing::Nothing, Vec::new())).collect();
    let mut now = 0;
    while history.operations.len() < operations {
        now += 1;
        let client = below(64);
        let (doing, stays) = &mut clients[client];
        *doing = match std::mem::replace(doing, Doing::Nothing) {
            Doing::Nothing => {
                let release = (below(3) < stays.len()).then(|| stays.swap_remove(0));
                let what = release.map_or(What::Unheard, |(_, booking)| What::Released { booking });
                Doing::Asks(Operation { client, invoked: now, answered: NEVER, what })
            }
            Doing::Asks(mut operation) => {
                if let What::Released { booking } = &operation.what {
                    taken[booking.split('-').next().unwrap().parse::<usize>().unwrap()] = false;
                } else {
                    operation.what = match taken.iter().position(|taken| !taken) {
                        None => What::Full,
                        Some(spot) => {
                            taken[spot] = true;
                            What::Took { spot, booking: format!("{spot}-{now}") }
                        }
                    };
                }
                Doing::Waits(operation)
            }
            Doing::Waits(mut operation) => {
                let heard = below(unheard_in) > 0;
                match &operation.what {
                    _ if heard => operation.answered = now,
                    What::Released { .. } => {}
                    _ => operation.what = What::Unheard,
                }
                if let What::Took { spot, booking } = &operation.what {
                    stays.push((*spot, booking.clone()));
                }
                history.operations.push(operation);
                Doing::Nothing
            }
        };
    }
    // What happened and is on its way to whoever asked.
    for (doing, _) in clients {
        if let Doing::Waits(operation) = doing {
            history.operations.push(Operation { answered: now + 1, ..operation });
        }
    }
    history
}

#[test]
fn fifty_thousand_operations_of_64_clients_are_decided() {
    // Of the spots, those who heard nothing keep ten or so.
    for unheard_in in [u64::MAX, 3000] {
        let mut history = large(50_000, unheard_in);
        let began = Instant::now();
        let verdict = check(&history);
        let (took, unheard) = (began.elapsed(), history.unheard());
        eprintln!("{took:?} for {} operations, {unheard} unheard", history.operations.len());
        assert!(matches!(verdict, Verdict::Linearizable), "{verdict:?}");
        let parks = history.operations.iter_mut().rev();
        let taken = parks.filter_map(|operation| match &mut operation.what {
            What::Took { spot, .. } => Some(spot),
            _ => None,
        });
        let spot = taken.skip(1000).find(|spot| **spot == 0).unwrap();
        *spot = 39;
        let began = Instant::now();
        let verdict = check(&history);
        eprintln!("{:?} for what is wrong with one of them: {verdict:?}", began.elapsed());
        assert!(matches!(verdict, Verdict::Violated(_)), "{verdict:?}");
    }
}
