//! Counting bookings into tallies: quarters of an hour and days, of each lot and of all. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::money::Currency;
use crate::reports::figures::Stay;

pub const QUARTER_MINUTES: i64 = 15;
pub const DAY_MINUTES: i64 = 24 * 60;
pub const QUARTER_SECONDS: i64 = 60 * QUARTER_MINUTES;
pub const DAY_SECONDS: i64 = 60 * DAY_MINUTES;
/// Under this id all lots are counted together.
pub const ALL_LOTS: Uuid = Uuid::nil();

/// A stretch of time of a lot, or of [`ALL_LOTS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stretch {
    pub lot: Uuid,
    /// [`QUARTER_MINUTES`] or [`DAY_MINUTES`].
    pub minutes: i64,
    /// Seconds since the epoch.
    pub begins_at: i64,
    /// Of what was paid.
    pub currency: Currency,
}

/// What happened in a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    pub started: i64,
    pub released: i64,
    /// From the beginning of the stretch to the starts in it, summed.
    pub started_seconds: i64,
    /// Likewise to the releases.
    pub released_seconds: i64,
    /// Of those released.
    pub stay_seconds: i64,
    pub revenue_minor: i64,
}

impl Flow {
    pub const NUMBERS: usize = 6;

    /// In the order in which they are packed.
    #[must_use]
    pub fn numbers(&self) -> [i64; Self::NUMBERS] {
        [
            self.started,
            self.released,
            self.started_seconds,
            self.released_seconds,
            self.stay_seconds,
            self.revenue_minor,
        ]
    }

    /// Of its [`Flow::numbers`].
    #[must_use]
    pub fn of(numbers: [i64; Self::NUMBERS]) -> Self {
        let [started, released, started_seconds, released_seconds, stay_seconds, revenue_minor] =
            numbers;
        Self { started, released, started_seconds, released_seconds, stay_seconds, revenue_minor }
    }
}

impl std::ops::AddAssign for Flow {
    fn add_assign(&mut self, other: Self) {
        self.started += other.started;
        self.released += other.released;
        self.started_seconds += other.started_seconds;
        self.released_seconds += other.released_seconds;
        self.stay_seconds += other.stay_seconds;
        self.revenue_minor += other.revenue_minor;
    }
}

/// What happened, by stretch.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<Stretch, Flow>);

impl Tally {
    /// Counts that it started.
    pub fn start(&mut self, stay: &Stay) {
        self.add(stay, stay.started_at, |into| Flow {
            started: 1,
            started_seconds: into,
            ..Flow::default()
        });
    }

    /// Counts that it ended, if it did.
    pub fn release(&mut self, stay: &Stay) {
        let Some(released_at) = stay.released_at else { return };
        self.add(stay, released_at, |into| Flow {
            released: 1,
            released_seconds: into,
            stay_seconds: released_at.as_second() - stay.started_at.as_second(),
            revenue_minor: stay.cost_minor.unwrap_or_default(),
            ..Flow::default()
        });
    }

    fn add(&mut self, stay: &Stay, at: Timestamp, flow: impl Fn(i64) -> Flow) {
        for lot in [ALL_LOTS, stay.lot] {
            for minutes in [QUARTER_MINUTES, DAY_MINUTES] {
                let into = at.as_second().rem_euclid(60 * minutes);
                let begins_at = at.as_second() - into;
                let stretch = Stretch { lot, minutes, begins_at, currency: stay.currency };
                self.add_to(stretch, flow(into));
            }
        }
    }

    pub(super) fn add_to(&mut self, stretch: Stretch, flow: Flow) {
        *self.0.entry(stretch).or_default() += flow;
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Stretch, &Flow)> {
        self.0.iter()
    }
}
