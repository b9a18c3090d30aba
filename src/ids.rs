//! Identifiers, references and secrets.
//!
//! An id is a `UUIDv7` whose time part carries the instant to the microsecond (RFC 9562, section
//! 6.2, method 3). Ordering rows by id is therefore ordering them by time, and a range of time is
//! a range of ids: one index serves both.

use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

use jiff::Timestamp;
use uuid::{Builder, Uuid};

/// Letters and digits that cannot be mistaken for one another when spoken or written.
const SPEAKABLE: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// A new id for something that came to be at `instant`.
#[must_use]
pub fn new_id(instant: Timestamp) -> Uuid {
    // Counts within an instant, so that of two rows of one microsecond the later is the later. The
    // first two bits are the variant's.
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    const COUNTER_BITS: u32 = 22;
    let count = COUNTER.fetch_add(1, Ordering::Relaxed) & ((1 << COUNTER_BITS) - 1);
    let mut tail = [0; 8];
    fill(&mut tail[3..]);
    tail[..3].copy_from_slice(&count.to_be_bytes()[1..]);
    id_at(instant, tail)
}

/// The lowest id of `instant`: everything at or after it has an id that is not lower.
#[must_use]
pub fn first_id(instant: Timestamp) -> Uuid {
    id_at(instant, [0; 8])
}

/// An id that is below every id of `instant` and of later ones, and above those of earlier ones.
#[must_use]
pub fn last_id_before(instant: Timestamp) -> Uuid {
    Uuid::from_u128(first_id(instant).as_u128().saturating_sub(1))
}

/// When something with this id came to be, to the millisecond.
#[must_use]
pub fn time_of(id: Uuid) -> Timestamp {
    let millis = id.as_u128() >> 80;
    crate::clock::from_micros(i64::try_from(millis).unwrap_or_default().saturating_mul(1000))
}

fn id_at(instant: Timestamp, tail: [u8; 8]) -> Uuid {
    let micros = u64::try_from(instant.as_microsecond()).unwrap_or(0);
    // 1000 microseconds in 12 bits: injective and in order.
    let fraction = u16::try_from(micros % 1000 * 4096 / 1000).unwrap_or(0).to_be_bytes();
    let mut random = [0; 10];
    random[..2].copy_from_slice(&fraction);
    random[2..].copy_from_slice(&tail);
    Builder::from_unix_timestamp_millis(micros / 1000, &random).into_uuid()
}

/// A secret of 256 bits.
#[must_use]
pub fn new_secret() -> [u8; 32] {
    let mut secret = [0; 32];
    fill(&mut secret);
    secret
}

/// A new reference of a booking: eight speakable characters, the last 40 bits of the time in
/// microseconds. They come round every 13 days; the database refuses the rare second use of one.
/// Not random, because neighbours in time are then neighbours in the index (docs/adr/0009).
#[must_use]
pub fn new_reference(instant: Timestamp) -> String {
    static LAST: AtomicI64 = AtomicI64::new(0);
    let next = |last: i64| instant.as_microsecond().max(last + 1);
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(next(last)));
    let tick = next(last.unwrap_or_default());
    let character = |place: i64| usize::try_from(tick >> (5 * place) & 31).unwrap_or_default();
    (0..8).rev().map(|place| char::from(SPEAKABLE[character(place)])).collect()
}

/// Fills `buffer` with bytes fit for secrets.
///
/// # Panics
/// When the operating system has no randomness to give, which leaves nothing safe to do.
#[expect(clippy::disallowed_methods, reason = "the one place that asks the system")]
pub fn fill(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system provides randomness");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ids_sort_like_their_instants(a in 0..4_000_000_000_000_000_i64, b in 0..4_000_000_000_000_000_i64) {
            let (early, late) = (a.min(b), a.max(b));
            prop_assume!(early < late);
            prop_assert!(new_id(from_micros(early)) < first_id(from_micros(late)));
        }

        #[test]
        fn no_id_is_below_the_first_of_its_instant(at in 0..4_000_000_000_000_000_i64) {
            prop_assert!(first_id(from_micros(at)) <= new_id(from_micros(at)));
        }
    }

    #[test]
    fn the_last_id_before_an_instant_lies_between_those_of_earlier_and_of_later() {
        let at = from_micros(1_790_000_000_123_456);
        let earlier = new_id(from_micros(1_790_000_000_123_455));
        assert!(earlier < last_id_before(at) && last_id_before(at) < first_id(at));
    }

    #[test]
    fn an_id_tells_its_time() {
        let at = from_micros(1_790_000_000_123_456);
        assert_eq!(time_of(new_id(at)), from_micros(1_790_000_000_123_000));
    }

    #[test]
    fn ids_of_neighbouring_microseconds_are_in_order() {
        for micros in 1_790_000_000_000_000..1_790_000_000_002_000 {
            assert!(new_id(from_micros(micros)) < first_id(from_micros(micros + 1)));
        }
    }

    #[test]
    fn ids_of_one_instant_are_in_the_order_they_were_made() {
        let at = from_micros(1_790_000_000_000_000);
        let ids: Vec<_> = (0..1000).map(|_| new_id(at)).collect();
        assert!(ids.is_sorted());
    }

    #[test]
    fn a_reference_is_eight_speakable_characters() {
        for micros in 1_790_000_000_000_000..1_790_000_000_001_000 {
            let reference = new_reference(from_micros(micros));
            assert_eq!(reference.len(), 8);
            assert!(!reference.contains(['0', 'O', '1', 'I']), "{reference}");
        }
    }

    #[test]
    fn no_two_references_of_an_instant_are_the_same() {
        let at = from_micros(1_790_000_000_000_000);
        let references: std::collections::HashSet<_> =
            (0..1000).map(|_| new_reference(at)).collect();
        assert_eq!(references.len(), 1000);
    }
}
