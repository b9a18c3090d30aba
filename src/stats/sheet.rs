//! Stretches that follow each other, packed into one row: with a row for each, a year of many lots
//! is more rows than can be read while somebody waits. Pure.

use std::collections::BTreeMap;

use super::tally::{Flow, Stretch, Tally};

/// Stretches in a sheet: many, so that there are few to read; not more, since counting a booking
/// writes whole sheets.
const STRETCHES: usize = 24;

/// What happened in the stretches of a sheet, which is named by its first ([`Stretch::sheet`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet([Flow; STRETCHES]);

impl Stretch {
    /// The first of the stretches that are in a sheet with this one.
    #[must_use]
    pub fn sheet(self) -> Self {
        let begins_at = self.begins_at - self.begins_at.rem_euclid(sheet_seconds(self.minutes));
        Self { begins_at, ..self }
    }
}

/// From the beginning of a sheet to that of the next.
#[must_use]
pub fn sheet_seconds(minutes: i64) -> i64 {
    60 * minutes * i64::try_from(STRETCHES).unwrap_or(i64::MAX)
}

impl Tally {
    /// By the first stretch of each.
    #[must_use]
    pub fn sheets(&self) -> BTreeMap<Stretch, Sheet> {
        let mut sheets = BTreeMap::<Stretch, Sheet>::new();
        for (stretch, flow) in self.iter() {
            let first = stretch.sheet();
            let place = (stretch.begins_at - first.begins_at) / (60 * stretch.minutes);
            let place = usize::try_from(place).unwrap_or_default();
            sheets.entry(first).or_default().0[place] += *flow;
        }
        sheets
    }
}

impl std::ops::AddAssign for Sheet {
    fn add_assign(&mut self, other: Self) {
        for (sum, flow) in self.0.iter_mut().zip(other.0) {
            *sum += flow;
        }
    }
}

impl Sheet {
    /// Those of its stretches in which something happened, given its first.
    pub fn stretches(&self, first: Stretch) -> impl Iterator<Item = (Stretch, &Flow)> {
        let begins = (first.begins_at..).step_by(usize::try_from(60 * first.minutes).unwrap_or(1));
        let all = begins.map(move |begins_at| Stretch { begins_at, ..first }).zip(&self.0);
        all.filter(|(_, flow)| **flow != Flow::default())
    }

    /// Of each stretch in which something happened its place and its numbers, each number in as few
    /// bytes as it needs (zigzag and LEB128, as in Protocol Buffers).
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (place, flow) in (0_u8..).zip(&self.0) {
            if *flow != Flow::default() {
                bytes.push(place);
                flow.numbers().into_iter().for_each(|number| pack(number, &mut bytes));
            }
        }
        bytes
    }

    /// `None`: these bytes are no sheet.
    #[must_use]
    pub fn unpack(mut bytes: &[u8]) -> Option<Self> {
        let mut sheet = Self::default();
        while let Some((place, rest)) = bytes.split_first() {
            bytes = rest;
            let mut numbers = [0; Flow::NUMBERS];
            for number in &mut numbers {
                *number = unpack(&mut bytes)?;
            }
            *sheet.0.get_mut(usize::from(*place))? = Flow::of(numbers);
        }
        Some(sheet)
    }
}

fn pack(number: i64, bytes: &mut Vec<u8>) {
    let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
    loop {
        let [low, ..] = left.to_le_bytes();
        left >>= 7;
        if left == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

fn unpack(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for shift in (0..u64::BITS).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::tally::{ALL_LOTS, DAY_MINUTES, QUARTER_MINUTES};
    use proptest::prelude::*;

    fn flow() -> impl Strategy<Value = Flow> {
        prop_oneof![Just(Flow::default()), any::<[i64; Flow::NUMBERS]>().prop_map(Flow::of)]
    }

    /// Numbers of which many go into one stretch.
    fn flow_to_add() -> impl Strategy<Value = Flow> {
        let number = i64::MIN / 64..i64::MAX / 64;
        prop_oneof![Just(Flow::default()), prop::array::uniform6(number).prop_map(Flow::of)]
    }

    fn sheet() -> impl Strategy<Value = Sheet> {
        prop::collection::vec(flow(), STRETCHES)
            .prop_map(|flows| Sheet(flows.try_into().expect("as many")))
    }

    fn stretch(minutes: i64, begins_at: i64) -> Stretch {
        let begins_at = begins_at - begins_at.rem_euclid(60 * minutes);
        Stretch { lot: ALL_LOTS, minutes, begins_at, currency: "INR".parse().unwrap() }
    }

    proptest! {
        #[test]
        fn a_sheet_is_unpacked_as_it_was_packed(sheet in sheet()) {
            prop_assert_eq!(Sheet::unpack(&sheet.pack()), Some(sheet));
        }

        #[test]
        fn bytes_of_something_else_are_no_sheet_or_some_sheet(bytes: Vec<u8>) {
            if let Some(sheet) = Sheet::unpack(&bytes) {
                prop_assert_eq!(Sheet::unpack(&sheet.pack()), Some(sheet));
            }
        }

        #[test]
        fn what_is_tallied_is_in_the_sheets_where_it_belongs(
            flows in prop::collection::btree_map(
                (prop::bool::ANY, -9_000_000_000..9_000_000_000_i64), flow_to_add(), 0..40)
        ) {
            let mut tally = Tally::default();
            for ((is_day, at), flow) in flows {
                let minutes = if is_day { DAY_MINUTES } else { QUARTER_MINUTES };
                tally.add_to(stretch(minutes, at), flow);
            }
            let sheets = tally.sheets();
            let back = sheets.iter().flat_map(|(first, sheet)| sheet.stretches(*first));
            let mut back: Vec<_> = back.map(|(stretch, flow)| (stretch, *flow)).collect();
            back.sort_by_key(|(stretch, _)| *stretch);
            let all = tally.iter().map(|(stretch, flow)| (*stretch, *flow));
            let all: Vec<_> = all.filter(|(_, flow)| *flow != Flow::default()).collect();
            prop_assert_eq!(back, all);
        }
    }

    #[test]
    fn a_usual_sheet_is_small() {
        let usual = Flow::of([12, 11, 5_400, 4_950, 79_200, 66_000]);
        let size = Sheet([usual; STRETCHES]).pack().len();
        assert!(size <= 14 * STRETCHES, "{size} bytes");
    }
}
