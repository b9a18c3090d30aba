//! The quarters of a span of time, from tallies: pure.

use super::figures::Amounts;
use super::tally::{Flow, QUARTER_SECONDS, Stretch};

/// A quarter of an hour; the one that runs now is shorter.
#[derive(Debug, Clone, Default)]
pub struct Quarter {
    /// Seconds since the epoch.
    pub begins_at: i64,
    pub seconds: i64,
    pub started: i64,
    pub released: i64,
    /// Seconds that vehicles were parked in it.
    pub parked_seconds: i64,
    /// The most that were parked as it began or ended.
    pub parked_peak: i64,
    /// Of those released in it.
    pub stay_seconds: i64,
    pub revenue: Amounts,
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
            Quarter { begins_at, seconds, ..Quarter::default() }
        };
        Self { from, quarters: (from..last).step_by(step).map(quarter).collect(), came: 0 }
    }

    /// All that began since `from` is to be added, also what did after `to`.
    pub fn add(&mut self, stretch: &Stretch, flow: &Flow) {
        let Ok(after) = usize::try_from(stretch.begins_at - self.from) else { return };
        self.came += flow.started - flow.released;
        let step = usize::try_from(QUARTER_SECONDS).unwrap_or(1);
        let Some(quarter) = self.quarters.get_mut(after / step) else { return };
        quarter.started += flow.started;
        quarter.released += flow.released;
        quarter.stay_seconds += flow.stay_seconds;
        quarter.revenue.add(stretch.currency, flow.revenue_minor);
        // Who starts is parked from then on, who is released no more.
        quarter.parked_seconds += (flow.started * quarter.seconds - flow.started_seconds)
            - (flow.released * quarter.seconds - flow.released_seconds);
    }

    /// `open` are the bookings open now.
    #[must_use]
    pub fn series(self, open: i64) -> Series {
        let mut parked = open - self.came;
        let mut quarters = self.quarters;
        for quarter in &mut quarters {
            let before = parked;
            parked += quarter.started - quarter.released;
            quarter.parked_seconds += before * quarter.seconds;
            quarter.parked_peak = before.max(parked);
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
