//! The only source of the present moment, so that a test can hold it in its hand.
//!
//! Instants are truncated to microseconds, which is what both databases keep: what is read back
//! equals what was written.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Tells the time: from the system, or from a hand-set clock.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    /// Microseconds since the Unix epoch.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `instant` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(instant: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(instant.as_microsecond()))))
    }

    /// The present instant, in whole microseconds.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let micros = match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
            Source::System => Timestamp::now().as_microsecond(),
            Source::Manual(micros) => micros.load(Ordering::Acquire),
        };
        from_micros(micros)
    }

    /// Moves a manual clock; the system's clock is not ours to move.
    pub fn advance(&self, by: SignedDuration) {
        if let Source::Manual(micros) = &self.0 {
            let by = i64::try_from(by.as_micros()).unwrap_or(0);
            micros.fetch_add(by, Ordering::AcqRel);
        }
    }
}

/// The instant that many microseconds after the epoch; out of range is clamped.
#[must_use]
pub fn from_micros(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}
