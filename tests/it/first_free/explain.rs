//! The smallest excerpt of a history that shows why there is no order.

use std::fmt;

use super::check::{Lot, START};
use super::history::{At, History, NEVER, Nanos, What};

/// An operation that cannot be placed, and what is in its way.
#[derive(Debug)]
pub struct Violation(Vec<String>);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n  "))
    }
}

/// A time in which a lower spot was free.
struct Gap {
    spot: usize,
    from: Nanos,
    until: Nanos,
    released: Option<usize>,
    /// The park that ended it, and the earliest it could have been.
    taken: Option<(usize, Nanos)>,
}

impl Violation {
    pub(super) fn taken_twice(history: &History, first: usize, second: usize) -> Self {
        let what = "the spot was taken twice: the first of these bookings is not released";
        Self(vec![what.into(), tell(history, first), tell(history, second)])
    }
}

fn tell(history: &History, place: usize) -> String {
    let operation = &history.operations[place];
    let what = match &operation.what {
        What::Took { spot, .. } => format!("parked on {}", history.labels[*spot]),
        What::Full => "was told that the lot is full".into(),
        What::Unheard => "wanted to park and heard nothing".into(),
        What::Released { .. } => "released".into(),
    };
    let (from, to) = (At(operation.invoked), At(operation.answered));
    format!("client {} {what} between {from} and {to}", operation.client)
}

impl Lot<'_> {
    /// Why the operation cannot happen between `earliest` and its answer, with all spots below `spot`
    /// placed.
    pub(super) fn explain(
        &self,
        instants: &[Nanos],
        place: usize,
        earliest: Nanos,
        spot: usize,
    ) -> Violation {
        let until = self.operation(place).answered;
        let head = tell(self.history, place);
        let mut lines = vec![format!("{head}, and that has no place in any order:")];
        // Who has to be explained: an operation, from when to when, and on which spot.
        let mut open = vec![(place, earliest, until, spot)];
        let mut told = vec![place];
        while let Some((place, earliest, until, spot)) = open.pop() {
            self.explain_start(place, earliest, spot, &mut lines);
            for gap in self.gaps_over(instants, earliest, until, spot) {
                lines.push(self.tell_gap(&gap));
                if let Some((park, earliest)) = gap.taken
                    && !told.contains(&park)
                {
                    told.push(park);
                    open.push((park, earliest, gap.until - 1, gap.spot));
                }
            }
        }
        if lines.len() == 1 {
            lines.push(
                "those who heard nothing are not enough to have taken all lower spots".into(),
            );
        }
        Violation(lines)
    }

    fn explain_start(&self, place: usize, earliest: Nanos, spot: usize, lines: &mut Vec<String>) {
        if earliest <= self.operation(place).invoked {
            return;
        }
        let stays = &self.spots[spot];
        let before = stays.iter().position(|stay| stay.park == place);
        let before = before.and_then(|index| stays[index.checked_sub(1)?].release);
        let before = before.map(|release| tell(self.history, release)).unwrap_or_default();
        lines.push(format!("{} was taken until then: {before}", self.history.labels[spot]));
    }

    fn tell_gap(&self, gap: &Gap) -> String {
        let label = &self.history.labels[gap.spot];
        let released = gap.released.map_or("as nobody had parked there".into(), |release| {
            format!("as client {} had heard of its release", self.operation(release).client)
        });
        let taken = match gap.taken {
            Some((park, _)) => format!("when {} at the earliest", tell(self.history, park)),
            None if self.unheard.is_empty() => "as nobody took it again".into(),
            None => "as nobody is known to have taken it again, and those who heard nothing are not enough".into(),
        };
        format!(
            "{label} was free from {}, {released}, until {}, {taken}",
            At(gap.from),
            At(gap.until)
        )
    }

    /// Gaps of spots below `spot` that leave no instant from `instant` to `until`.
    fn gaps_over(
        &self,
        instants: &[Nanos],
        mut instant: Nanos,
        until: Nanos,
        spot: usize,
    ) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut chosen = Vec::new();
        for (spot, stays) in self.spots[..spot].iter().enumerate() {
            let (mut from, mut released) = (START, None);
            for stay in stays {
                let until = instants[stay.park];
                let taken = Some((stay.park, stay.earliest));
                gaps.push(Gap { spot, from, until, released, taken });
                (from, released) = (self.over(stay), stay.release);
            }
            gaps.push(Gap { spot, from, until: NEVER, released, taken: None });
        }
        while instant <= until {
            let over = gaps
                .iter()
                .enumerate()
                .filter(|(_, gap)| gap.from < instant && instant < gap.until);
            // What ends for certain says more than a tail, which an unheard park may have ended.
            let last = over.max_by_key(|(_, gap)| (gap.taken.is_some(), gap.until));
            let Some((index, _)) = last else { break };
            let gap = gaps.swap_remove(index);
            instant = gap.until;
            chosen.push(gap);
        }
        chosen
    }
}
