//! Whether a history is linearizable: whether its operations can be put in an order that agrees with
//! real time, in which every park takes the lowest free spot, "full" is said only when none is free,
//! and no spot is taken twice. `check` decides it; ADR 21 has the numbers.
//!
//! Every operation is to happen at an instant between its invocation and its answer. The argument:
//!
//! 1. **The stays on a spot have one possible order.** Of two stays one must be released before the
//!    other parks. Both ways cannot agree with real time, since a release is invoked after its park
//!    was answered; the order of the parks' answers is the only candidate.
//! 2. **Releases happen as late as they may**: as they are answered, or right before the spot is
//!    taken again. Nothing is asked of the state when a spot is released, and a spot that is free
//!    for a shorter time is in nobody's way.
//! 3. **Parks happen as early as they may.** A park on a spot needs all lower spots to be taken and
//!    does not care for higher ones. So the spots are gone through from the lowest: each of a spot's
//!    parks gets the first instant at which no lower spot is free. Earlier is better for everybody
//!    else: it only shortens the time in which the spot was free, from the answer of its last
//!    release to its next park. "Full" needs all spots to be taken.
//!
//! If an operation's first instant is after its answer, there is no order; else the instants are
//! one. At the same instant the lower spot goes first, then "full", then releases. This takes
//! O(n log n) for n operations.
//!
//! **What was not heard.** A release without an answer may be as late as it likes, so point 2 holds:
//! if the spot is not seen taken again, the release did not happen. A park without an answer stays
//! on its spot for ever, so it can only be the last on it: it ends the *tail* of a spot, the time in
//! which it is free and nobody is known to have taken it. It may wait until right before the first
//! operation that needs the tail to be over. Parks without an answer are alike, but for the instant
//! at which they begin to be possible. So at every instant the tails that had to be over may not be
//! more than the parks without an answer that were invoked. An operation that breaks this alone
//! waits for the next such park. Where several break it together, one of them must wait, and each is
//! tried: a search, of `ATTEMPTS_MAX` attempts at most. Without unheard parks there is no search.

use std::collections::{BTreeMap, HashMap};

use super::explain::Violation;
use super::history::{History, NEVER, Nanos, Operation, What};

/// Attempts at the order of unheard parks.
const ATTEMPTS_MAX: usize = 1000;
/// Before everything.
pub(super) const START: Nanos = -1;

#[derive(Debug)]
pub enum Verdict {
    Linearizable,
    Violated(Violation),
    /// Too many unheard parks in each other's way.
    Undecided,
}

pub(super) struct Stay {
    pub park: usize,
    pub release: Option<usize>,
    /// Not before it was asked for, and not before the release of the stay before it was.
    pub earliest: Nanos,
}

/// A history by spots; operations are places in it.
pub(super) struct Lot<'h> {
    pub history: &'h History,
    /// In the order of the labels, and those of a spot in their order.
    pub spots: Vec<Vec<Stay>>,
    full: Vec<usize>,
    /// When the unheard parks were invoked, sorted.
    pub unheard: Vec<Nanos>,
}

/// Decides about a history.
///
/// # Panics
/// When it is none: a booking is released that nobody made, or before its park was answered.
pub fn check(history: &History) -> Verdict {
    match Lot::read(history) {
        Ok(lot) => lot.search(&mut vec![0; history.operations.len()], &mut ATTEMPTS_MAX.clone()),
        Err(violation) => Verdict::Violated(violation),
    }
}

impl<'h> Lot<'h> {
    fn read(history: &'h History) -> Result<Self, Violation> {
        let spots = history.labels.iter().map(|_| Vec::new()).collect();
        let mut lot = Self { history, spots, full: Vec::new(), unheard: Vec::new() };
        let mut releases = HashMap::new();
        for (place, operation) in history.operations.iter().enumerate() {
            match &operation.what {
                What::Took { spot, .. } => {
                    let earliest = operation.invoked;
                    lot.spots[*spot].push(Stay { park: place, release: None, earliest });
                }
                What::Full => lot.full.push(place),
                What::Unheard => lot.unheard.push(operation.invoked),
                What::Released { booking } => {
                    let again = releases.insert(booking.as_str(), place);
                    assert!(again.is_none(), "{booking} is released twice");
                }
            }
        }
        lot.unheard.sort_unstable();
        for spot in &mut lot.spots {
            spot.sort_by_key(|stay| history.operations[stay.park].answered);
            let mut before: Option<usize> = None;
            for stay in spot.iter_mut() {
                let park = &history.operations[stay.park];
                let What::Took { booking, .. } = &park.what else { unreachable!() };
                assert!(park.answered < NEVER, "a spot is known from an answer");
                if let Some(before) = before {
                    stay.earliest = stay.earliest.max(history.operations[before].invoked);
                }
                stay.release = releases.remove(booking.as_str());
                if let Some(release) = stay.release {
                    let release = &history.operations[release];
                    assert!(park.answered < release.invoked, "{booking} is not known yet");
                }
                before = stay.release;
            }
            let unreleased = spot.windows(2).find(|pair| pair[0].release.is_none());
            if let Some([first, second]) = unreleased {
                return Err(Violation::taken_twice(history, first.park, second.park));
            }
        }
        assert!(releases.is_empty(), "released, and never taken: {releases:?}");
        Ok(lot)
    }

    pub fn operation(&self, place: usize) -> &'h Operation {
        &self.history.operations[place]
    }

    /// When a spot is free after this stay, at the latest.
    pub fn over(&self, stay: &Stay) -> Nanos {
        stay.release.map_or(NEVER, |release| self.operation(release).answered)
    }

    /// When the tail of a spot begins; `NEVER` if it has none.
    fn tail(&self, spot: &[Stay]) -> Nanos {
        spot.last().map_or(START, |stay| self.over(stay))
    }

    /// `bounds`: no operation happens before its own.
    fn search(&self, bounds: &mut Vec<Nanos>, attempts: &mut usize) -> Verdict {
        if *attempts == 0 {
            return Verdict::Undecided;
        }
        *attempts -= 1;
        let instants = match self.place(bounds) {
            Ok(instants) => instants,
            Err(violation) => return Verdict::Violated(violation),
        };
        let Some((rivals, until)) = self.contested(&instants) else { return Verdict::Linearizable };
        let mut first = None;
        for rival in rivals {
            let before = std::mem::replace(&mut bounds[rival], until);
            match self.search(bounds, attempts) {
                Verdict::Violated(violation) => first = first.or(Some(violation)),
                decided => return decided,
            }
            bounds[rival] = before;
        }
        Verdict::Violated(first.expect("nobody contests alone with nobody"))
    }

    /// The first instant of every operation that was answered, but for releases.
    fn place(&self, bounds: &[Nanos]) -> Result<Vec<Nanos>, Violation> {
        let mut instants = vec![NEVER; bounds.len()];
        let (mut free, mut tails) = (Intervals::default(), Vec::new());
        for (spot, stays) in self.spots.iter().enumerate() {
            for stay in stays {
                let from = stay.earliest.max(bounds[stay.park]);
                let instant = self.first_instant(from, &free, &tails);
                if instant > self.operation(stay.park).answered {
                    return Err(self.explain(&instants, stay.park, stay.earliest, spot));
                }
                instants[stay.park] = instant;
            }
            let mut over = START;
            for stay in stays {
                free.add(over, instants[stay.park]);
                over = self.over(stay);
            }
            let tail = self.tail(stays);
            if tail < NEVER {
                tails.insert(tails.partition_point(|other| *other < tail), tail);
            }
        }
        for place in &self.full {
            let operation = self.operation(*place);
            let from = operation.invoked.max(bounds[*place]);
            let instant = self.first_instant(from, &free, &tails);
            if instant > operation.answered {
                return Err(self.explain(&instants, *place, operation.invoked, self.spots.len()));
            }
            instants[*place] = instant;
        }
        Ok(instants)
    }

    fn first_instant(&self, from: Nanos, free: &Intervals, tails: &[Nanos]) -> Nanos {
        let mut instant = from;
        loop {
            instant = free.first_outside(instant);
            let over = tails.partition_point(|tail| *tail < instant);
            match over.checked_sub(1).map(|last| self.unheard.get(last)) {
                Some(None) => return NEVER,
                Some(Some(invoked)) if *invoked > instant => instant = *invoked,
                _ => return instant,
            }
        }
    }

    /// Operations that together need more tails to be over than unheard parks can have ended, and
    /// the instant for which the last of them has to wait.
    fn contested(&self, instants: &[Nanos]) -> Option<(Vec<usize>, Nanos)> {
        if self.unheard.is_empty() {
            return None;
        }
        // Of each tail, who needs it to be over first.
        let mut needs = Vec::new();
        let mut first: BTreeMap<Nanos, usize> = BTreeMap::new();
        let note = |place: usize, first: &mut BTreeMap<Nanos, usize>| {
            first.entry(instants[place]).or_insert(place);
        };
        for place in &self.full {
            note(*place, &mut first);
        }
        for stays in self.spots.iter().rev() {
            let tail = self.tail(stays);
            if tail < NEVER
                && let Some((instant, place)) = first.range(tail + 1..).next()
            {
                needs.push((*instant, *place));
            }
            for stay in stays {
                note(stay.park, &mut first);
            }
        }
        needs.sort_unstable();
        let invoked = |count: usize| self.unheard.get(count).copied().unwrap_or(NEVER);
        let over = (0..needs.len()).find(|count| invoked(*count) > needs[*count].0)?;
        let mut rivals: Vec<_> = needs[..=over].iter().map(|(_, place)| *place).collect();
        rivals.sort_unstable();
        rivals.dedup();
        Some((rivals, invoked(over)))
    }
}

/// Open intervals, those that overlap as one.
#[derive(Default)]
struct Intervals(BTreeMap<Nanos, Nanos>);

impl Intervals {
    fn add(&mut self, mut after: Nanos, mut before: Nanos) {
        if after >= before {
            return;
        }
        while let Some((start, end)) = self.0.range(..before).next_back()
            && *end > after
        {
            let (start, end) = (*start, *end);
            self.0.remove(&start);
            (after, before) = (after.min(start), before.max(end));
        }
        self.0.insert(after, before);
    }

    fn first_outside(&self, instant: Nanos) -> Nanos {
        match self.0.range(..instant).next_back() {
            Some((_, end)) => instant.max(*end),
            None => instant,
        }
    }
}
