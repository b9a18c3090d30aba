//! How a city parks: by the hour, the weekday and the season. Pure; the same seed gives the same.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, HashMap};

use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::city::{CityLot, FULL, LOTS, Person, Use, WEEKEND, WORK, plate};

/// Numbers as if by chance, from a seed: `SplitMix64` (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 up to, not including, 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits are exact")]
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// From 0 up to, not including, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or_default()
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Around zero, mostly between -1 and 1: the sum of twelve shares (Irwin and Hall).
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.share()).sum::<f64>() - 6.0
    }
}

/// Who parks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// A person and which of their vehicles, by index.
    Person(usize, usize),
    WalkIn,
}

impl Who {
    fn is_driver(self) -> bool {
        matches!(self, Self::Person(0, _))
    }
}

/// A stay, by the indices of its lot and spot.
#[derive(Debug, Clone)]
pub struct DemoStay {
    pub lot: usize,
    pub spot: usize,
    pub who: Who,
    pub plate: String,
    pub started_at: Timestamp,
    /// `None`: still parked.
    pub ended_at: Option<Timestamp>,
}

const QUARTER: SignedDuration = SignedDuration::from_mins(15);
const HOURS: usize = 24;
/// How many of those who come have an account, in tenths.
const ACCOUNTS_TENTHS: usize = 6;

/// How many come in each hour, relative to each other.
fn by_hour(used_for: Use, is_weekend: bool) -> [u8; HOURS] {
    match (used_for, is_weekend) {
        (Use::Office, false) => {
            [0, 0, 0, 0, 0, 1, 4, 14, 30, 26, 10, 5, 6, 6, 4, 3, 2, 1, 1, 0, 0, 0, 0, 0]
        }
        (Use::Office, true) => {
            [0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
        }
        (Use::Shopping, false) => {
            [0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 10, 11, 10, 8, 9, 11, 14, 17, 15, 9, 4, 1, 0]
        }
        (Use::Shopping, true) => {
            [0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 14, 19, 20, 17, 16, 18, 21, 24, 24, 19, 12, 6, 2, 0]
        }
        (Use::Station, false) => {
            [1, 0, 0, 0, 1, 4, 12, 22, 20, 10, 6, 5, 5, 5, 5, 6, 7, 8, 7, 5, 4, 3, 2, 1]
        }
        (Use::Station, true) => {
            [1, 0, 0, 0, 1, 3, 5, 7, 8, 8, 7, 6, 6, 6, 6, 6, 6, 6, 5, 4, 4, 3, 2, 1]
        }
        (Use::Hospital, false) => {
            [1, 1, 1, 1, 1, 2, 4, 9, 15, 17, 16, 13, 9, 9, 12, 14, 14, 12, 9, 5, 3, 2, 1, 1]
        }
        (Use::Hospital, true) => {
            [1, 1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 9, 8, 7, 8, 9, 9, 8, 6, 4, 3, 2, 1, 1]
        }
        (Use::Airport, _) => {
            [2, 2, 2, 5, 8, 9, 8, 6, 5, 4, 4, 4, 4, 4, 4, 5, 6, 7, 7, 6, 5, 4, 3, 2]
        }
        (Use::Homes, false) => {
            [1, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 3, 2, 2, 4, 9, 16, 18, 13, 7, 4, 2]
        }
        (Use::Homes, true) => {
            [2, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 5, 4, 4, 5, 7, 9, 10, 9, 7, 5, 3]
        }
        (Use::Stadium, false) => {
            [0, 0, 0, 0, 0, 1, 3, 2, 1, 1, 1, 1, 1, 1, 1, 2, 4, 6, 5, 2, 1, 0, 0, 0]
        }
        (Use::Stadium, true) => {
            [0, 0, 0, 0, 0, 2, 4, 3, 2, 3, 4, 4, 4, 5, 9, 16, 26, 30, 18, 6, 2, 1, 0, 0]
        }
    }
}

/// Stays that one spot has on a full day, were there room for all.
fn per_spot_and_day(used_for: Use) -> f64 {
    match used_for {
        Use::Office => 1.9,
        Use::Shopping => 5.2,
        Use::Station => 2.6,
        Use::Hospital => 5.0,
        Use::Airport => 0.62,
        Use::Homes => 1.6,
        Use::Stadium => 1.1,
    }
}

/// How long somebody stays who comes at that hour: the median in minutes, and how much it varies.
fn lasting(used_for: Use, hour: usize, random: &mut Random) -> (f64, f64) {
    let is_short = random.below(4) == 0;
    match used_for {
        Use::Office if is_short || hour > 12 => (75.0, 0.6),
        Use::Office => (505.0, 0.16),
        Use::Shopping => (85.0, 0.6),
        Use::Station if is_short || hour > 10 => (100.0, 0.9),
        Use::Station => (560.0, 0.2),
        Use::Hospital => (95.0, 0.7),
        Use::Airport => (1300.0, 1.0),
        Use::Homes if (16..24).contains(&hour) => (770.0, 0.25),
        Use::Homes => (150.0, 0.7),
        Use::Stadium => (190.0, 0.35),
    }
}

/// Busier towards the end of the time that is shown, and each day a little different.
fn season(passed: f64, random_of_day: f64) -> f64 {
    (0.72 + 0.28 * passed) * (1.0 + 0.10 * random_of_day)
}

/// A lot's spots and who leaves when.
struct Occupancy {
    free: BTreeSet<usize>,
    leaving: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

/// Somebody who comes to a lot and wants to stay so many minutes.
struct Arrival {
    lot: usize,
    who: Who,
    at: Timestamp,
    minutes: f64,
}

/// Who comes where and when.
struct Arrivals<'c> {
    people: &'c [Person],
    random: Random,
    /// How much of the time has passed, 0 to 1.
    passed: f64,
    all: Vec<Arrival>,
}

impl Arrivals<'_> {
    /// Those of a quarter of an hour in a lot.
    fn come(&mut self, lot: usize, at: Timestamp, local: DateTime, load: f64) {
        let CityLot { spots, used_for, .. } = &LOTS[lot];
        let is_weekend = matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday);
        let hour = usize::from(local.hour().unsigned_abs()) % HOURS;
        let day: u32 = by_hour(*used_for, false).iter().map(|part| u32::from(*part)).sum();
        let part = f64::from(by_hour(*used_for, is_weekend)[hour]) / f64::from(day.max(1)) / 4.0;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let expected = *spots as f64 * per_spot_and_day(*used_for) * part * load;
        for _ in 0..poisson(&mut self.random, expected) {
            let at = at + QUARTER.mul_f64(self.random.share());
            let (median, varies) = lasting(*used_for, hour, &mut self.random);
            let minutes = median * (varies * self.random.normal()).exp();
            let who = self.somebody(lot);
            self.all.push(Arrival { lot, who, at, minutes });
        }
    }

    /// Somebody for a lot: one of those who use it, or somebody without an account.
    fn somebody(&mut self, lot: usize) -> Who {
        if self.random.below(10) >= ACCOUNTS_TENTHS {
            return Who::WalkIn;
        }
        // The demo's driver, the first, parks by their own habits.
        for _ in 0..6 {
            let person = 1 + self.random.below(self.people.len() - 1);
            let is_there = joined(person, self.people.len()) <= self.passed;
            if is_there && self.people[person].lots.contains(&lot) {
                return Who::Person(person, self.random.below(self.people[person].plates.len()));
            }
        }
        Who::WalkIn
    }

    /// The demo's driver: to work on weekdays, shopping on Saturdays.
    fn habits(&mut self, at: Timestamp, local: DateTime) {
        let quarter = (local.hour(), local.minute() / 15);
        let random = &mut self.random;
        let (lot, vehicle, late, minutes) = match local.weekday() {
            Weekday::Saturday if quarter == (11, 0) && random.below(10) < 7 => {
                (WEEKEND, 1, 90.0, 90.0 + 70.0 * random.share())
            }
            Weekday::Saturday | Weekday::Sunday => return,
            _ if quarter == (8, 2) && random.below(12) > 0 => {
                (WORK, 0, 25.0, 500.0 + 25.0 * random.normal())
            }
            _ => return,
        };
        let at = at + SignedDuration::from_secs_f64(60.0 * late * self.random.share());
        self.all.push(Arrival { lot, who: Who::Person(0, vehicle), at, minutes });
    }
}

/// The city as it parks, from one stay to the next.
struct City<'c> {
    people: &'c [Person],
    random: Random,
    lots: Vec<Occupancy>,
    /// Until when a vehicle is away.
    away: HashMap<String, Timestamp>,
    now: Timestamp,
}

impl City<'_> {
    /// Parks a vehicle, unless the lot is full or the vehicle is elsewhere. To be called in the
    /// order of time.
    fn park(&mut self, Arrival { lot, who, at, minutes }: Arrival) -> Option<DemoStay> {
        let occupancy = &mut self.lots[lot];
        while let Some(Reverse((left_at, spot))) = occupancy.leaving.peek().copied()
            && left_at <= at
        {
            occupancy.leaving.pop();
            occupancy.free.insert(spot);
        }
        let plate = match who {
            Who::Person(person, vehicle) => self.people[person].plates[vehicle].clone(),
            Who::WalkIn => plate(&mut self.random),
        };
        if self.away.get(&plate).is_some_and(|until| *until > at) {
            return None;
        }
        let spot = occupancy.free.pop_first()?;
        let end = at + SignedDuration::from_secs_f64(60.0 * minutes.clamp(4.0, 14.0 * 1440.0));
        occupancy.leaving.push(Reverse((end, spot)));
        self.away.insert(plate.clone(), end);
        let ended_at = (end <= self.now).then_some(end);
        Some(DemoStay { lot, spot, who, plate, started_at: at, ended_at })
    }
}

/// When somebody opened their account, as a part of the time that is shown: 0 to 1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a few hundred")]
pub fn joined(person: usize, people: usize) -> f64 {
    const FROM_THE_BEGIN: f64 = 0.35;
    let number = person as f64 / people.max(1) as f64;
    ((number - FROM_THE_BEGIN) / (1.0 - FROM_THE_BEGIN)).max(0.0)
}

/// How many come when so many are expected (Knuth).
fn poisson(random: &mut Random, expected: f64) -> usize {
    let limit = (-expected).exp();
    let mut product = random.share();
    let mut count = 0;
    while product > limit {
        product *= random.share();
        count += 1;
    }
    count
}

fn arrivals(
    people: &[Person],
    zone: &TimeZone,
    (from, now): (Timestamp, Timestamp),
    random: Random,
) -> Vec<Arrival> {
    let mut arrivals = Arrivals { people, random, passed: 0.0, all: Vec::new() };
    let span = now.duration_since(from).as_secs_f64().max(1.0);
    let (mut at, mut of_day) = (from, 0.0);
    while at < now {
        let local = zone.to_datetime(at);
        if local.hour() == 0 && local.minute() < 15 {
            of_day = arrivals.random.normal();
        }
        arrivals.passed = at.duration_since(from).as_secs_f64() / span;
        let load = season(arrivals.passed, of_day);
        for lot in 0..LOTS.len() {
            arrivals.come(lot, at, local, load);
        }
        arrivals.habits(at, local);
        at += QUARTER;
    }
    let mut all = arrivals.all;
    // The driver is parked as the demo begins, and nowhere else that day; one lot is full.
    let day = now - SignedDuration::from_hours(24);
    all.retain(|arrival| arrival.at < now && (arrival.at < day || !arrival.who.is_driver()));
    let parked = SignedDuration::from_mins(47);
    all.push(Arrival { lot: WORK, who: Who::Person(0, 0), at: now - parked, minutes: 500.0 });
    for minutes in 1..=LOTS[FULL].spots {
        let at = now - SignedDuration::from_mins(minutes);
        all.push(Arrival { lot: FULL, who: Who::WalkIn, at, minutes: 180.0 });
    }
    all.sort_by_key(|arrival| arrival.at);
    all
}

/// The stays of all lots between two instants, each lot with so many spots as the city says, in the
/// order of their starts.
#[must_use]
pub fn stays(
    people: &[Person],
    zone: &TimeZone,
    (from, now): (Timestamp, Timestamp),
    random: Random,
) -> Vec<DemoStay> {
    let occupancy = |lot: &CityLot| Occupancy {
        free: (0..usize::try_from(lot.spots).unwrap_or_default()).collect(),
        leaving: BinaryHeap::new(),
    };
    let lots = LOTS.iter().map(occupancy).collect();
    let mut city = City { people, random: random.clone(), lots, away: HashMap::new(), now };
    let arrivals = arrivals(people, zone, (from, now), random);
    arrivals.into_iter().filter_map(|arrival| city.park(arrival)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::city::people;

    fn month() -> (Vec<DemoStay>, TimeZone) {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut random = Random::new(7);
        let people = people(&mut random);
        let stays = stays(&people, &zone, (now - SignedDuration::from_hours(30 * 24), now), random);
        (stays, zone)
    }

    /// The stays that overlap an earlier one with the same key.
    fn overlaps<K: std::hash::Hash + Eq>(
        stays: &[DemoStay],
        key: impl Fn(&DemoStay) -> K,
    ) -> usize {
        let mut until: HashMap<K, Timestamp> = HashMap::new();
        let mut overlaps = 0;
        for stay in stays {
            let end = stay.ended_at.unwrap_or(Timestamp::MAX);
            let before = until.insert(key(stay), end);
            overlaps += usize::from(before.is_some_and(|before| before > stay.started_at));
        }
        overlaps
    }

    #[test]
    fn no_spot_and_no_vehicle_is_used_twice_at_a_time() {
        let (stays, _) = month();
        assert!(stays.len() > 5_000, "{}", stays.len());
        assert_eq!(overlaps(&stays, |stay| (stay.lot, stay.spot)), 0);
        assert_eq!(overlaps(&stays, |stay| stay.plate.clone()), 0);
    }

    #[test]
    fn an_office_is_busy_in_the_morning_of_a_working_day() {
        let (stays, zone) = month();
        let count = |weekdays: bool, hours: std::ops::Range<i8>| {
            let local = stays
                .iter()
                .filter(|stay| stay.lot == WORK)
                .map(|stay| zone.to_datetime(stay.started_at));
            let wanted = local.filter(|local| {
                matches!(local.weekday(), Weekday::Saturday | Weekday::Sunday) != weekdays
                    && hours.contains(&local.hour())
            });
            wanted.count()
        };
        assert!(count(true, 7..10) > count(true, 10..24));
        assert!(count(true, 0..24) > 10 * count(false, 0..24));
    }

    #[test]
    fn the_same_seed_makes_the_same_city() {
        let seen = |stays: &[DemoStay]| -> Vec<_> {
            stays.iter().map(|stay| (stay.plate.clone(), stay.started_at)).collect()
        };
        assert_eq!(seen(&month().0), seen(&month().0));
    }
}
