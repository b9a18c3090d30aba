//! Who was heard, and when: whether this process can believe that it hears of everything.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use uuid::Uuid;

/// Longer than this no living process is silent: it says something every [`super::SAY_EVERY`].
pub const SILENT_AFTER: Duration = Duration::from_millis(600);
/// A process that ended without a word is forgotten after this time.
const FORGOTTEN_AFTER: Duration = Duration::from_mins(10);

/// Counts what each process says, from one.
pub type Number = u64;

pub struct Peers {
    me: Uuid,
    heard: HashMap<Uuid, (Number, Instant)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hearing {
    /// What this process said itself.
    Own,
    /// The next of another process, or the first that is heard of it.
    Next,
    /// Something was missed before it.
    Gap,
}

impl Peers {
    #[must_use]
    pub fn new(me: Uuid) -> Self {
        Self { me, heard: HashMap::new() }
    }

    pub fn hear(&mut self, from: Uuid, number: Number, now: Instant) -> Hearing {
        let before = self.heard.insert(from, (number, now));
        match before {
            _ if from == self.me => Hearing::Own,
            Some((before, _)) if number != before + 1 => Hearing::Gap,
            _ => Hearing::Next,
        }
    }

    /// A process says that it ends.
    pub fn leave(&mut self, from: Uuid) {
        self.heard.remove(&from);
    }

    /// Whether all are heard: this process itself, so that the channel works, and every other that
    /// was heard before.
    pub fn all_heard(&mut self, now: Instant) -> bool {
        let since = |at: &Instant| now.saturating_duration_since(*at);
        self.heard.retain(|_, (_, at)| since(at) < FORGOTTEN_AFTER);
        self.heard.contains_key(&self.me)
            && self.heard.values().all(|(_, at)| since(at) < SILENT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Uuid = Uuid::from_u128(1);
    const OTHER: Uuid = Uuid::from_u128(2);

    #[test]
    fn what_was_missed_is_noticed() {
        let (mut peers, now) = (Peers::new(ME), Instant::now());
        let mut hear = |number| peers.hear(OTHER, number, now);
        assert_eq!([7, 8, 10, 11, 1].map(&mut hear), {
            use Hearing::{Gap, Next};
            [Next, Next, Gap, Next, Gap]
        });
        assert_eq!(peers.hear(ME, 3, now), Hearing::Own);
    }

    #[test]
    fn who_does_not_hear_itself_hears_nobody() {
        let (mut peers, now) = (Peers::new(ME), Instant::now());
        assert!(!peers.all_heard(now));
        peers.hear(OTHER, 1, now);
        assert!(!peers.all_heard(now));
        peers.hear(ME, 1, now);
        assert!(peers.all_heard(now));
        assert!(!peers.all_heard(now + SILENT_AFTER));
    }

    #[test]
    fn a_silent_process_is_missed_until_it_speaks_leaves_or_is_forgotten() {
        let (mut peers, start) = (Peers::new(ME), Instant::now());
        peers.hear(OTHER, 1, start);
        let later = start + SILENT_AFTER;
        peers.hear(ME, 1, later);
        assert!(!peers.all_heard(later));
        peers.hear(OTHER, 2, later);
        assert!(peers.all_heard(later));
        let end = later + SILENT_AFTER;
        peers.hear(ME, 2, end);
        assert!(!peers.all_heard(end));
        peers.leave(OTHER);
        assert!(peers.all_heard(end));

        peers.hear(OTHER, 3, end);
        let forgotten = end + FORGOTTEN_AFTER;
        peers.hear(ME, 3, forgotten);
        assert!(peers.all_heard(forgotten));
    }
}
