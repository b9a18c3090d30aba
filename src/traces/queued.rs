//! What waits for a thread of the database and is done there.

use std::time::Instant;

use super::{HERE, Here, Kind};

/// Where it is done.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A lane by its number, in one commit with other commands.
    Lane {
        number: usize,
        commands: usize,
    },
    Reader {
        number: usize,
    },
    /// A reader of the standby.
    Standby {
        number: usize,
    },
}

/// A command of a trace on its way; noted as it is dropped, which costs the thread of the database
/// nothing.
pub struct Queued {
    here: Here,
    since: Instant,
    taken: Option<(Instant, Place)>,
    done: Option<Instant>,
}

impl Queued {
    /// `None` where nothing is recorded.
    #[must_use]
    pub fn here() -> Option<Box<Self>> {
        let queued = |here: &Here| Self {
            here: here.clone(),
            since: Instant::now(),
            taken: None,
            done: None,
        };
        HERE.try_with(|here| Box::new(queued(here))).ok()
    }

    /// It waits no longer. One that is done again, alone, has waited once.
    pub fn taken(&mut self, place: Place) {
        let at = self.taken.map_or_else(Instant::now, |(at, _)| at);
        self.taken = Some((at, place));
    }

    pub fn done(&mut self) {
        self.done = Some(Instant::now());
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let (Some((taken, place)), Some(done)) = (self.taken, self.done) else { return };
        let part = |name, from, until| {
            let mut span = self.here.open(name, Kind::Internal, from, false);
            span.end_at(until);
            span
        };
        match place {
            Place::Lane { number, commands } => {
                part("lane wait", self.since, taken).set("parking.lane", number);
                let mut span = part("lane write", taken, done);
                span.set("parking.lane", number);
                span.set("parking.commit.commands", commands);
            }
            Place::Reader { number } | Place::Standby { number } => {
                let standby = matches!(place, Place::Standby { .. });
                let mut span = part(if standby { "standby read" } else { "read" }, taken, done);
                let waited = taken.saturating_duration_since(self.since).as_micros();
                span.set("parking.reader", number);
                span.set("parking.wait_us", i64::try_from(waited).unwrap_or(i64::MAX));
            }
        }
    }
}
