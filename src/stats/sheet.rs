//! Stretches that follow each other, packed into one row: with a row for each, a year of many lots
//! is more rows than can be read while somebody waits. Pure.

use std::collections::BTreeMap;

use super::tally::{Flow, Stretch, Tally};

/// Stretches in a sheet: many, so that there are few to read; not more, since counting a booking
/// writes whole sheets.
const STRETCHES: usize = 24;

/// Sixty-four bits, seven in each byte.
const NUMBER_BYTES_MAX: usize = 10;

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
    /// The sum of all, and of each stretch in which something happened its place and its numbers; each
    /// number in as few bytes as it needs (zigzag and LEB128, as in Protocol Buffers).
    #[must_use]
    pub fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut total = Total::default();
        for (place, flow) in (0..).zip(&self.0) {
            total.flow += *flow;
            total.places += (flow.started - flow.released) * place;
        }
        total.flow.numbers().into_iter().for_each(|number| pack(number, &mut bytes));
        pack(total.places, &mut bytes);
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
    pub fn unpack(bytes: &[u8]) -> Option<Self> {
        let mut sheet = Self::default();
        each_flow(bytes, |place, flow| sheet.0[place] = flow)?;
        Some(sheet)
    }
}

/// What happened in a sheet, all stretches together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Total {
    pub flow: Flow,
    /// Starts less releases, each times the place of its stretch in the sheet.
    pub places: i64,
}

impl Total {
    /// A packed sheet begins with no more.
    pub const BYTES_MAX: usize = (Flow::NUMBERS + 1) * NUMBER_BYTES_MAX;

    /// Of a packed sheet, without a look at its stretches; `None`: these bytes are no sheet.
    #[must_use]
    pub fn unpack(mut bytes: &[u8]) -> Option<Self> {
        Some(Self { flow: unpack_flow(&mut bytes)?, places: unpack(&mut bytes)? })
    }
}

/// Shows the stretches of a packed sheet in which something happened, given its first; `None`: these
/// bytes are no sheet.
#[must_use]
pub fn each_stretch(
    bytes: &[u8],
    first: Stretch,
    mut see: impl FnMut(Stretch, Flow),
) -> Option<()> {
    each_flow(bytes, |place, flow| {
        let after = 60 * first.minutes * i64::try_from(place).unwrap_or_default();
        see(Stretch { begins_at: first.begins_at + after, ..first }, flow);
    })
}

fn each_flow(mut bytes: &[u8], mut see: impl FnMut(usize, Flow)) -> Option<()> {
    unpack_flow(&mut bytes)?;
    unpack(&mut bytes)?;
    while let Some((place, rest)) = bytes.split_first() {
        bytes = rest;
        let place = usize::from(*place);
        let flow = unpack_flow(&mut bytes)?;
        if place >= STRETCHES {
            return None;
        }
        see(place, flow);
    }
    Some(())
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

fn unpack_flow(bytes: &mut &[u8]) -> Option<Flow> {
    let mut numbers = [0; Flow::NUMBERS];
    for number in &mut numbers {
        *number = unpack(bytes)?;
    }
    Some(Flow::of(numbers))
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

    /// Many of them can be summed.
    const NUMBERS: std::ops::Range<i64> = i64::MIN / 4096..i64::MAX / 4096;

    fn flow() -> impl Strategy<Value = Flow> {
        prop_oneof![Just(Flow::default()), prop::array::uniform6(NUMBERS).prop_map(Flow::of)]
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
                prop_assert!(Total::unpack(&bytes).is_some());
                let mut numbers = sheet.0.iter().flat_map(Flow::numbers);
                prop_assume!(numbers.all(|number| NUMBERS.contains(&number)));
                prop_assert_eq!(Sheet::unpack(&sheet.pack()), Some(sheet));
            }
        }

        #[test]
        fn a_number_is_unpacked_as_it_was_packed(number: i64) {
            let mut bytes = Vec::new();
            pack(number, &mut bytes);
            let mut left = bytes.as_slice();
            prop_assert_eq!((unpack(&mut left), left), (Some(number), [].as_slice()));
        }

        #[test]
        fn the_total_is_that_of_the_stretches(sheet in sheet()) {
            let mut sum = Total::default();
            for (place, flow) in (0..).zip(&sheet.0) {
                sum.flow += *flow;
                sum.places += place * (flow.started - flow.released);
            }
            let mut packed = sheet.pack();
            packed.truncate(Total::BYTES_MAX);
            prop_assert_eq!(Total::unpack(&packed), Some(sum));
        }

        #[test]
        fn what_is_tallied_is_in_the_sheets_where_it_belongs(
            flows in prop::collection::btree_map(
                (prop::bool::ANY, -9_000_000_000..9_000_000_000_i64), flow(), 0..40)
        ) {
            let mut tally = Tally::default();
            for ((is_day, at), flow) in flows {
                let minutes = if is_day { DAY_MINUTES } else { QUARTER_MINUTES };
                tally.add_to(stretch(minutes, at), flow);
            }
            let sheets = tally.sheets();
            let mut back = Vec::new();
            for (first, sheet) in &sheets {
                each_stretch(&sheet.pack(), *first, |stretch, flow| back.push((stretch, flow))).unwrap();
            }
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
        assert!(size <= 14 * (STRETCHES + 2), "{size} bytes");
    }
}
