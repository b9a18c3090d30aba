//! What the clients of one lot saw: who asked when, and what was answered when.

use std::fmt;

/// Nanoseconds of one monotonic clock since the recording began.
pub type Nanos = i64;

/// The instant of an answer that did not come.
pub const NEVER: Nanos = Nanos::MAX;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub client: usize,
    pub invoked: Nanos,
    /// `NEVER`: it may have happened at any time since it was invoked, or not at all.
    pub answered: Nanos,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// Parked on the spot at this place in the lot's natural order. Always answered.
    Took { spot: usize, booking: String },
    /// No spot was free. Always answered.
    Full,
    /// Wanted to park and heard nothing. Nobody knows its booking, so nobody releases it.
    Unheard,
    /// Released a booking, invoked after the answer to its park. Another attempt at it is the same
    /// operation.
    Released { booking: String },
}

/// The operations on one lot, in any order. All spots were free when the recording began.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// In their natural order.
    pub labels: Vec<String>,
    pub operations: Vec<Operation>,
}

impl History {
    /// The most operations that were under way at one instant.
    pub fn in_flight_max(&self) -> usize {
        let answers = self.operations.iter().map(|operation| (operation.answered, -1));
        let begins = self.operations.iter().map(|operation| (operation.invoked, 1));
        let mut changes: Vec<(Nanos, isize)> = answers.chain(begins).collect();
        changes.sort_unstable();
        let under_way = changes.iter().scan(0, |count, (_, change)| {
            *count += change;
            Some(*count)
        });
        under_way.max().unwrap_or(0).cast_unsigned()
    }

    pub fn unheard(&self) -> usize {
        self.operations.iter().filter(|operation| operation.answered == NEVER).count()
    }
}

/// An instant in seconds.
pub struct At(pub Nanos);

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            NEVER => f.write_str("the end"),
            ..0 => f.write_str("the beginning"),
            at => write!(f, "{}.{:09} s", at / 1_000_000_000, at % 1_000_000_000),
        }
    }
}
