//! The quarters of a span of time, from tallies: pure.

use super::figures::Load;
use super::tally::{Flow, QUARTER_SECONDS, Stretch};

/// A quarter of an hour; the one that runs now is shorter.
#[derive(Debug, Clone)]
pub struct Quarter {
    /// Seconds since the epoch.
    pub begins_at: i64,
    pub load: Load,
}

/// The quarters of a span of time, one after the other, to which flows are added.
#[derive(Debug)]
pub struct Flows {
    from: i64,
    quarters: Vec<Quarter>,
    /// Starts less releases since `from`.
    came: i64,
}

impl Flows {
    /// The quarters from `from` to `to` or `now`, whichever is first; all in seconds.
    #[must_use]
    pub fn new((from, to): (i64, i64), now: i64) -> Self {
        let end = to.min(now);
        // A quarter that begins now has no time yet, but may have a booking.
        let last = to.min(now + 1);
        let step = usize::try_from(QUARTER_SECONDS).unwrap_or(1);
        let quarter = |begins_at| {
            let seconds = QUARTER_SECONDS.min(end - begins_at);
            Quarter { begins_at, load: Load { seconds, ..Load::default() } }
        };
        Self { from, quarters: (from..last).step_by(step).map(quarter).collect(), came: 0 }
    }

    /// All that began since `from` is to be added, also what did after `to`.
    pub fn add(&mut self, stretch: &Stretch, flow: &Flow) {
        let Ok(after) = usize::try_from(stretch.begins_at - self.from) else { return };
        self.came += flow.started - flow.released;
        let step = usize::try_from(QUARTER_SECONDS).unwrap_or(1);
        let Some(Quarter { load, .. }) = self.quarters.get_mut(after / step) else { return };
        load.started += flow.started;
        load.released += flow.released;
        load.stay_seconds += flow.stay_seconds;
        load.revenue.add(stretch.currency, flow.revenue_minor);
        // Who starts is parked from then on, who is released no more.
        load.parked_seconds += (flow.started * load.seconds - flow.started_seconds)
            - (flow.released * load.seconds - flow.released_seconds);
    }

    /// `open` are the bookings open now.
    #[must_use]
    pub fn series(self, open: i64) -> Series {
        let mut parked = open - self.came;
        let mut quarters = self.quarters;
        for Quarter { load, .. } in &mut quarters {
            let before = parked;
            parked += load.started - load.released;
            load.parked_seconds += before * load.seconds;
            load.parked_peak = before.max(parked);
        }
        Series { quarters }
    }
}

/// The quarters of a span of time, one after the other.
#[derive(Debug)]
pub struct Series {
    pub quarters: Vec<Quarter>,
}

impl Series {
    /// From an instant on, in seconds.
    pub fn since(&self, from: i64) -> impl Iterator<Item = &Quarter> {
        self.quarters.iter().filter(move |quarter| quarter.begins_at >= from)
    }
}
