//! From tallies to figures: pure.
//!
//! How many were parked follows from the starts and releases counted back from now; how long, from
//! how far into their stretch they lay.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use uuid::Uuid;

use super::series::{Quarter, Series};
use super::sheet::Total;
use super::tally::{Flow, Stretch};
use super::{DayStats, LotStats, StatsTotals, WeekHour};
use crate::bookings::BookedLot;
use crate::money::Currency;
use crate::users::Spend;

/// Amounts by currency. Nearly always there is one, which then needs no memory of its own: a year
/// has many quarters.
#[derive(Debug, Clone, Default)]
pub struct Amounts {
    first: Option<(Currency, i64)>,
    others: BTreeMap<Currency, i64>,
}

impl Amounts {
    pub fn add(&mut self, currency: Currency, amount_minor: i64) {
        if amount_minor == 0 {
            return;
        }
        let (first, sum) = self.first.get_or_insert((currency, 0));
        if *first == currency {
            *sum += amount_minor;
        } else {
            *self.others.entry(currency).or_default() += amount_minor;
        }
    }

    pub fn extend(&mut self, other: &Self) {
        for (currency, amount_minor) in other.iter() {
            self.add(currency, amount_minor);
        }
    }

    fn iter(&self) -> impl Iterator<Item = (Currency, i64)> {
        self.first.into_iter().chain(self.others.iter().map(|(currency, sum)| (*currency, *sum)))
    }

    #[must_use]
    pub fn list(&self) -> Vec<Spend> {
        let spend = |(currency, amount_minor)| Spend { currency, amount_minor };
        let mut list: Vec<_> = self.iter().map(spend).collect();
        list.sort_by_key(|spend| spend.currency);
        list
    }

    /// For an order; amounts of different currencies are not comparable, but steady.
    #[must_use]
    pub fn sum(&self) -> i64 {
        self.iter().map(|(_, amount_minor)| amount_minor).sum()
    }
}

/// How loaded a quarter was, or some together.
#[derive(Debug, Clone, Default)]
pub struct Load {
    pub seconds: i64,
    pub started: i64,
    pub released: i64,
    /// Seconds that vehicles were parked.
    pub parked_seconds: i64,
    /// The most that were parked as a quarter began or ended.
    pub parked_peak: i64,
    /// Of those released.
    pub stay_seconds: i64,
    pub revenue: Amounts,
}

impl Load {
    pub fn add(&mut self, other: &Self) {
        self.seconds += other.seconds;
        self.started += other.started;
        self.released += other.released;
        self.parked_seconds += other.parked_seconds;
        self.parked_peak = self.parked_peak.max(other.parked_peak);
        self.stay_seconds += other.stay_seconds;
        self.revenue.extend(&other.revenue);
    }

    /// Vehicles parked at a time.
    #[must_use]
    pub fn parked_average(&self) -> f64 {
        ratio(self.parked_seconds, self.seconds)
    }
}

impl<'q> FromIterator<&'q Quarter> for Load {
    fn from_iter<I: IntoIterator<Item = &'q Quarter>>(quarters: I) -> Self {
        let mut sum = Self::default();
        quarters.into_iter().for_each(|quarter| sum.add(&quarter.load));
        sum
    }
}

#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shares and averages")]
pub fn ratio(part: i64, whole: i64) -> f64 {
    if whole > 0 { part as f64 / whole as f64 } else { 0.0 }
}

/// The calendar days from one to another, both included.
pub fn days(from: Date, to: Date) -> impl Iterator<Item = Date> {
    (0_i64..)
        .map_while(move |day| from.checked_add(Span::new().days(day)).ok())
        .take_while(move |day| *day <= to)
}

/// When a day begins in a zone, in seconds since the epoch.
#[must_use]
pub fn begin_of(day: Date, zone: &TimeZone) -> i64 {
    day.to_zoned(zone.clone()).map_or(0, |zoned| zoned.timestamp().as_second())
}

fn local(begins_at: i64, zone: &TimeZone) -> jiff::civil::DateTime {
    let instant = Timestamp::from_second(begins_at).unwrap_or(Timestamp::UNIX_EPOCH);
    zone.to_datetime(instant)
}

/// Day by day, also those in which nothing happened.
#[must_use]
pub fn by_day(
    series: &Series,
    days: impl Iterator<Item = Date>,
    zone: &TimeZone,
    spots: i64,
) -> Vec<DayStats> {
    let mut sums: BTreeMap<Date, Load> = BTreeMap::new();
    for quarter in &series.quarters {
        sums.entry(local(quarter.begins_at, zone).date()).or_default().add(&quarter.load);
    }
    days.map(|day| {
        let sum = sums.remove(&day).unwrap_or_default();
        DayStats {
            day,
            bookings_started: sum.started,
            bookings_released: sum.released,
            revenue: sum.revenue.list(),
            parked_average: sum.parked_average(),
            parked_peak: sum.parked_peak,
            occupancy: ratio(sum.parked_seconds, sum.seconds * spots),
        }
    })
    .collect()
}

/// The hours of the week, Monday's first.
#[must_use]
pub fn by_hour_of_week<'q>(
    quarters: impl Iterator<Item = &'q Quarter>,
    zone: &TimeZone,
    spots: i64,
) -> Vec<WeekHour> {
    let mut sums = vec![Load::default(); 7 * 24];
    for quarter in quarters {
        let local = local(quarter.begins_at, zone);
        let weekday = usize::from(local.weekday().to_monday_zero_offset().unsigned_abs());
        sums[weekday * 24 + usize::from(local.hour().unsigned_abs())].add(&quarter.load);
    }
    let hour = |(index, sum): (i64, Load)| WeekHour {
        weekday: index / 24 + 1,
        hour: index % 24,
        bookings_started: sum.started,
        revenue: sum.revenue.list(),
        parked_average: sum.parked_average(),
        occupancy: ratio(sum.parked_seconds, sum.seconds * spots),
    };
    (0..).zip(sums).map(hour).collect()
}

/// What a lot had in a span of time, in one currency.
#[derive(Debug, Clone, Copy, Default)]
pub struct LotFlow {
    pub flow: Flow,
    /// Starts less releases, each times the beginning of its stretch in seconds.
    pub moment: i64,
}

impl LotFlow {
    pub fn add(&mut self, stretch: &Stretch, flow: &Flow) {
        self.flow += *flow;
        self.moment += (flow.started - flow.released) * stretch.begins_at;
    }

    /// A sheet as a whole, given its first stretch.
    pub fn add_sheet(&mut self, first: &Stretch, total: &Total) {
        self.add(first, &total.flow);
        self.moment += total.places * 60 * first.minutes;
    }
}

/// What each lot had in a span of time, by currency.
pub type LotFlows = HashMap<Uuid, BTreeMap<Currency, LotFlow>>;

/// Where the flows of a lot in a currency are summed.
pub fn of_lot(lots: &mut LotFlows, lot: Uuid, currency: Currency) -> &mut LotFlow {
    lots.entry(lot).or_default().entry(currency).or_default()
}

/// What the figures of a lot need besides.
#[derive(Debug, Clone)]
pub struct LotFacts {
    pub id: Uuid,
    pub name: String,
    pub number_of_spots: i64,
    pub is_gone: bool,
    /// Parked as the span began.
    pub parked: i64,
}

/// A lot's span of time, which ends at `end` and lasts `seconds`.
#[must_use]
pub fn lot_stats(
    facts: LotFacts,
    flows: &BTreeMap<Currency, LotFlow>,
    end: i64,
    seconds: i64,
) -> LotStats {
    let (mut sum, mut revenue, mut moment) = (Flow::default(), Amounts::default(), 0);
    for (currency, flow) in flows {
        sum += flow.flow;
        moment += flow.moment;
        revenue.add(*currency, flow.flow.revenue_minor);
    }
    // Each start adds the time from it to the end, each release takes it away.
    let parked_seconds = facts.parked * seconds + (sum.started - sum.released) * end
        - moment
        - (sum.started_seconds - sum.released_seconds);
    let spots = facts.number_of_spots;
    LotStats {
        lot: BookedLot { id: facts.id, name: facts.name },
        is_gone: facts.is_gone,
        number_of_spots: spots,
        bookings_started: sum.started,
        bookings_released: sum.released,
        revenue: revenue.list(),
        parked_average: ratio(parked_seconds, seconds),
        occupancy: ratio(parked_seconds, seconds * spots),
        turnover: turnover(sum.started, spots, seconds),
        average_stay_minutes: average_stay(sum.released, sum.stay_seconds),
    }
}

/// Bookings started per spot and day.
fn turnover(started: i64, spots: i64, seconds: i64) -> f64 {
    ratio(started * super::tally::DAY_SECONDS, spots * seconds)
}

fn average_stay(released: i64, stay_seconds: i64) -> Option<f64> {
    (released > 0).then(|| ratio(stay_seconds, 60 * released))
}

/// All of a span of time together.
#[must_use]
pub fn totals(series: &Series, spots: i64) -> StatsTotals {
    let load: Load = series.quarters.iter().collect();
    StatsTotals {
        bookings_started: load.started,
        bookings_released: load.released,
        occupancy: ratio(load.parked_seconds, load.seconds * spots),
        turnover: turnover(load.started, spots, load.seconds),
        average_stay_minutes: average_stay(load.released, load.stay_seconds),
        revenue: load.revenue.list(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reports::figures::Stay;
    use crate::stats::series::Flows;
    use crate::stats::sheet::each_stretch;
    use crate::stats::tally::{ALL_LOTS, QUARTER_MINUTES, Tally};
    use proptest::prelude::*;

    const NOW: i64 = 1_790_000_000;

    fn inr() -> Currency {
        "INR".parse().unwrap()
    }

    /// Starts that many seconds ago; lasts so long, or still.
    fn stay((ago, lasted): (i64, Option<i64>)) -> Stay {
        let at = |seconds| Timestamp::from_second(seconds).unwrap();
        Stay {
            id: Uuid::nil(),
            lot: Uuid::from_u128(1),
            started_at: at(NOW - ago),
            released_at: lasted.map(|lasted| at(NOW - ago + lasted.min(ago))),
            cost_minor: lasted.map(|_| 100),
            currency: inr(),
        }
    }

    fn series(span: (i64, i64), stays: &[Stay]) -> Series {
        let mut tally = Tally::default();
        for stay in stays {
            tally.start(stay);
            tally.release(stay);
        }
        let quarter =
            |stretch: &Stretch| stretch.lot == ALL_LOTS && stretch.minutes == QUARTER_MINUTES;
        let mut flows = Flows::new(span, NOW);
        for (stretch, flow) in tally.iter().filter(|(stretch, _)| quarter(stretch)) {
            flows.add(stretch, flow);
        }
        let open = stays.iter().filter(|stay| stay.released_at.is_none()).count();
        flows.series(i64::try_from(open).unwrap())
    }

    /// Seconds that a stay was parked between two instants.
    fn within(stay: &Stay, from: i64, to: i64) -> i64 {
        let end = stay.released_at.map_or(NOW, Timestamp::as_second);
        (end.min(to) - stay.started_at.as_second().max(from)).max(0)
    }

    fn stays() -> impl Strategy<Value = Vec<(i64, Option<i64>)>> {
        let day = 86_400_i64;
        prop::collection::vec((0..3 * day, prop::option::of(0..2 * day)), 0..40)
    }

    proptest! {
        #[test]
        fn the_time_parked_in_each_quarter_is_that_of_the_stays(stays in stays(), from in 0..8 * 24 * 4_i64) {
            let stays: Vec<_> = stays.into_iter().map(stay).collect();
            let begin = (NOW - 4 * 86_400 + from * 450).div_euclid(900) * 900;
            for quarter in series((begin, begin + 86_400), &stays).quarters {
                let (from, to) = (quarter.begins_at, quarter.begins_at + quarter.load.seconds);
                let parked: i64 = stays.iter().map(|stay| within(stay, from, to)).sum();
                prop_assert_eq!(quarter.load.parked_seconds, parked);
                let started = stays.iter().filter(|stay| (from..to).contains(&stay.started_at.as_second()));
                prop_assert_eq!(quarter.load.started, i64::try_from(started.count()).unwrap());
            }
        }

        #[test]
        fn the_time_parked_in_a_lot_is_that_of_the_stays(stays in stays(), ago in 1..5 * 86_400_i64, length in 0..4 * 86_400_i64) {
            let stays: Vec<_> = stays.into_iter().map(stay).collect();
            let from = (NOW - ago).div_euclid(900) * 900;
            let end = (from + length).min(NOW).div_euclid(900) * 900;
            let mut tally = Tally::default();
            for stay in &stays {
                tally.start(stay);
                tally.release(stay);
            }
            let wanted = |stretch: &Stretch| stretch.lot != ALL_LOTS
                && stretch.minutes == QUARTER_MINUTES && (from..end).contains(&stretch.begins_at);
            let mut flows = BTreeMap::<Currency, LotFlow>::new();
            for (stretch, flow) in tally.iter().filter(|(stretch, _)| wanted(stretch)) {
                flows.entry(stretch.currency).or_default().add(stretch, flow);
            }
            let parked = stays.iter().filter(|stay| stay.started_at.as_second() < from
                && stay.released_at.is_none_or(|at| at.as_second() >= from)).count();
            let facts = LotFacts {
                id: Uuid::from_u128(1), name: "A".into(), number_of_spots: 1, is_gone: false,
                parked: i64::try_from(parked).unwrap(),
            };
            let stats = lot_stats(facts, &flows, end, end - from);
            let expected: i64 = stays.iter().map(|stay| within(stay, from, end)).sum();
            prop_assert!((stats.parked_average - ratio(expected, end - from)).abs() < 1e-6);
        }
    }

    proptest! {
        #[test]
        fn a_sheet_as_a_whole_adds_what_its_stretches_do(stays in stays()) {
            let mut tally = Tally::default();
            for stay in stays.into_iter().map(stay) {
                tally.start(&stay);
                tally.release(&stay);
            }
            for (first, sheet) in tally.sheets() {
                let (mut whole, mut each) = (LotFlow::default(), LotFlow::default());
                let packed = sheet.pack();
                whole.add_sheet(&first, &Total::unpack(&packed).unwrap());
                each_stretch(&packed, first, |stretch, flow| each.add(&stretch, &flow)).unwrap();
                prop_assert_eq!((whole.flow, whole.moment), (each.flow, each.moment));
            }
        }
    }

    #[test]
    fn the_hours_of_the_week_are_those_of_the_zone_also_at_the_half_hour() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        // A Monday, 00:30 to 01:30 there.
        let begin: Timestamp = "2026-09-20T19:00:00Z".parse().unwrap();
        let ago = NOW - begin.as_second();
        let series = series((begin.as_second() - 1800, NOW), &[stay((ago, Some(3600)))]);
        let hours = by_hour_of_week(series.quarters.iter(), &zone, 1);
        let parked: Vec<_> = hours
            .iter()
            .filter(|hour| hour.parked_average > 0.0)
            .map(|hour| (hour.weekday, hour.hour, hour.bookings_started, hour.revenue.len()))
            .collect();
        assert_eq!(parked, [(1, 0, 1, 0), (1, 1, 0, 1)]);
    }

    #[test]
    fn a_day_without_parking_is_listed_too() {
        let zone = TimeZone::UTC;
        let (from, to): (Date, Date) =
            ("2026-09-19".parse().unwrap(), "2026-09-21".parse().unwrap());
        let series =
            series((begin_of(from, &zone), NOW), &[stay((NOW - begin_of(to, &zone), None))]);
        let days = by_day(&series, days(from, to), &zone, 4);
        let seen: Vec<_> =
            days.iter().map(|day| (day.day.to_string(), day.parked_peak, day.occupancy)).collect();
        assert_eq!(
            seen,
            [
                ("2026-09-19".into(), 0, 0.0),
                ("2026-09-20".into(), 0, 0.0),
                ("2026-09-21".into(), 1, 0.25),
            ]
        );
    }
}
