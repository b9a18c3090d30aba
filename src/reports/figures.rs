//! From bookings to the figures of a month: pure.

use std::collections::{BTreeMap, HashMap};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use uuid::Uuid;

use super::{HourLoad, LotMonth, LotTotals, Month, OperatorReport, Report, Totals, WeekTotals};
use crate::money::Currency;
use crate::users::Spend;

/// What a report needs of a booking.
#[derive(Debug, Clone)]
pub struct Stay {
    pub id: Uuid,
    pub lot: Uuid,
    pub started_at: Timestamp,
    pub released_at: Option<Timestamp>,
    /// `None`: it is open.
    pub cost_minor: Option<i64>,
    pub currency: Currency,
}

impl Stay {
    fn end(&self, now: Timestamp) -> Timestamp {
        self.released_at.unwrap_or(now)
    }

    fn minutes(&self, now: Timestamp) -> i64 {
        self.end(now).duration_since(self.started_at).as_mins().max(0)
    }
}

/// The names of lots.
pub type Names = HashMap<Uuid, String>;

/// What a report needs of a lot.
#[derive(Debug, Clone)]
pub struct LotRow {
    pub id: Uuid,
    pub name: String,
    pub number_of_spots: i64,
    pub is_gone: bool,
}

/// What bookings come to.
#[derive(Debug, Clone, Default)]
pub struct Sum {
    bookings: i64,
    minutes: i64,
    spend: BTreeMap<String, (Currency, i64)>,
}

impl Sum {
    pub fn add(&mut self, stay: &Stay, now: Timestamp) {
        self.bookings += 1;
        self.minutes += stay.minutes(now);
        if let Some(cost_minor) = stay.cost_minor {
            let code = stay.currency.as_str().to_owned();
            self.spend.entry(code).or_insert((stay.currency, 0)).1 += cost_minor;
        }
    }

    #[must_use]
    pub fn totals(&self) -> Totals {
        let spend = self.spend.values();
        let spend = spend.map(|&(currency, amount_minor)| Spend { currency, amount_minor });
        Totals { bookings: self.bookings, minutes: self.minutes, spend: spend.collect() }
    }

    /// For an order; amounts of different currencies are not comparable, but steady.
    fn amount(&self) -> i64 {
        self.spend.values().map(|(_, amount)| amount).sum()
    }
}

/// All bookings, and by lot.
#[derive(Debug, Default)]
pub struct Sums {
    all: Sum,
    open: i64,
    lots: HashMap<Uuid, Sum>,
}

impl Sums {
    pub fn add(&mut self, stay: &Stay, now: Timestamp) {
        self.all.add(stay, now);
        self.open += i64::from(stay.released_at.is_none());
        self.lots.entry(stay.lot).or_default().add(stay, now);
    }
}

/// A person's month.
#[must_use]
pub fn report(
    month: Month,
    zone: &TimeZone,
    now: Timestamp,
    stays: &[Stay],
    before: &[Stay],
    names: &Names,
) -> Report {
    let (mut sums, mut sums_before) = (Sums::default(), Sums::default());
    let mut weeks: BTreeMap<Date, Sum> = weeks_of(month).map(|day| (day, Sum::default())).collect();
    for stay in stays {
        sums.add(stay, now);
        let date = stay.started_at.to_zoned(zone.clone()).date();
        if let Some((_, week)) = weeks.range_mut(..=date).next_back() {
            week.add(stay, now);
        }
    }
    for stay in before {
        sums_before.add(stay, now);
    }
    let name = |lot: &Uuid| names.get(lot).cloned().unwrap_or_default();
    let mut lots: Vec<_> = sums
        .lots
        .iter()
        .map(|(lot, sum)| LotTotals { lot_id: *lot, lot: name(lot), totals: sum.totals() })
        .collect();
    lots.sort_by(|a, b| {
        let key = |lot: &LotTotals| (-lot.totals.bookings, -lot.totals.minutes, lot.lot.clone());
        key(a).cmp(&key(b))
    });
    let week = |(from, sum): (Date, Sum)| WeekTotals { from, totals: sum.totals() };
    Report {
        month: month.to_string(),
        created_at: now,
        totals: sums.all.totals(),
        open_bookings: sums.open,
        lots,
        weeks: weeks.into_iter().map(week).collect(),
        month_before: sums_before.all.totals(),
    }
}

/// The first of the month and its Mondays.
fn weeks_of(month: Month) -> impl Iterator<Item = Date> {
    let first = month.first_day();
    (0..month.days()).filter_map(move |day| {
        let date = first.checked_add(Span::new().days(day)).ok()?;
        (day == 0 || date.weekday() == Weekday::Monday).then_some(date)
    })
}

/// How full it was: vehicles' time by lot and by hour of the day, within a span of time.
#[derive(Debug)]
pub struct Load<'z> {
    span: (Timestamp, Timestamp),
    zone: &'z TimeZone,
    /// Seconds that vehicles were parked.
    lots: HashMap<Uuid, i64>,
    hours: [i64; 24],
    starts: [i64; 24],
}

impl<'z> Load<'z> {
    #[must_use]
    pub fn new(span: (Timestamp, Timestamp), zone: &'z TimeZone) -> Self {
        Self { span, zone, lots: HashMap::new(), hours: [0; 24], starts: [0; 24] }
    }

    fn hour(&self, at: Timestamp) -> usize {
        let hour = self.zone.to_offset(at).to_datetime(at).hour();
        usize::from(hour.unsigned_abs()) % 24
    }

    pub fn add(&mut self, stay: &Stay, now: Timestamp) {
        /// Hours begin at whole quarters of the epoch's hours in every zone there is.
        const QUARTER: i64 = 900;
        if stay.started_at >= self.span.0 {
            self.starts[self.hour(stay.started_at)] += 1;
        }
        let (from, to) = (stay.started_at.max(self.span.0), stay.end(now).min(self.span.1));
        if from >= to {
            return;
        }
        let seconds = to.as_second() - from.as_second();
        *self.lots.entry(stay.lot).or_default() += seconds;
        let mut at = from.as_second();
        while at < to.as_second() {
            let next = (at.div_euclid(QUARTER) + 1) * QUARTER;
            let part = next.min(to.as_second()) - at;
            let instant = Timestamp::from_second(at).unwrap_or(from);
            self.hours[self.hour(instant)] += part;
            at = next;
        }
    }
}

/// The operator's month.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "shares and averages")]
pub fn operator_report(
    month: Month,
    now: Timestamp,
    lots: Vec<LotRow>,
    sums: &Sums,
    before: &Sums,
    load: &Load<'_>,
) -> OperatorReport {
    let seconds = load.span.1.duration_since(load.span.0).as_secs().max(1);
    let days = month.days() as f64;
    let none = Sum::default();
    let mut months: Vec<_> = lots
        .into_iter()
        .filter(|lot| !lot.is_gone || sums.lots.contains_key(&lot.id))
        .map(|lot| {
            let sum = sums.lots.get(&lot.id).unwrap_or(&none);
            let parked = load.lots.get(&lot.id).copied().unwrap_or_default();
            let spots = lot.number_of_spots.max(1) as f64;
            let month = LotMonth {
                lot_id: lot.id,
                lot: lot.name,
                number_of_spots: lot.number_of_spots,
                totals: sum.totals(),
                // Spots may have been taken away since.
                occupancy: (parked as f64 / (spots * seconds as f64)).min(1.0),
                turnover: sum.bookings as f64 / spots,
            };
            (sum.amount(), month)
        })
        .collect();
    months.sort_by(|(a, left), (b, right)| {
        b.cmp(a)
            .then_with(|| right.totals.bookings.cmp(&left.totals.bookings))
            .then_with(|| left.lot.cmp(&right.lot))
    });
    let hours = (0..24).map(|hour| HourLoad {
        hour: i64::try_from(hour).unwrap_or_default(),
        bookings_started: load.starts[hour],
        parked: load.hours[hour] as f64 / 3600.0 / days,
    });
    OperatorReport {
        month: month.to_string(),
        created_at: now,
        totals: sums.all.totals(),
        open_bookings: sums.open,
        lots: months.into_iter().map(|(_, month)| month).collect(),
        hours: hours.collect(),
        month_before: before.all.totals(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone() -> TimeZone {
        TimeZone::get("Asia/Kolkata").unwrap()
    }

    fn month() -> Month {
        "2026-10".parse().unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn stay(lot: u128, from: &str, to: Option<&str>, cost_minor: i64) -> Stay {
        Stay {
            id: Uuid::nil(),
            lot: Uuid::from_u128(lot),
            started_at: at(from),
            released_at: to.map(at),
            cost_minor: to.map(|_| cost_minor),
            currency: "INR".parse().unwrap(),
        }
    }

    const NOW: &str = "2026-10-31T19:30:00Z";

    #[test]
    fn a_month_is_summed_by_lot_and_by_week() {
        let stays = [
            // Thursday the 1st, in Kolkata.
            stay(1, "2026-09-30T18:30:00Z", Some("2026-09-30T19:30:00Z"), 500),
            // Sunday the 4th, just before the first Monday begins there.
            stay(2, "2026-10-04T18:29:00Z", Some("2026-10-04T19:29:00Z"), 700),
            stay(2, "2026-10-04T18:31:00Z", Some("2026-10-04T20:31:00Z"), 900),
            stay(2, "2026-10-31T18:00:00Z", None, 0),
        ];
        let before = [stay(1, "2026-09-10T00:00:00Z", Some("2026-09-10T01:00:00Z"), 100)];
        let names =
            Names::from([(Uuid::from_u128(1), "A".into()), (Uuid::from_u128(2), "B".into())]);
        let report = report(month(), &zone(), at(NOW), &stays, &before, &names);
        let spend = |amount_minor| vec![Spend { currency: "INR".parse().unwrap(), amount_minor }];
        assert_eq!(report.totals, Totals { bookings: 4, minutes: 330, spend: spend(2100) });
        assert_eq!((report.open_bookings, report.month_before.bookings), (1, 1));
        let lots: Vec<_> =
            report.lots.iter().map(|lot| (lot.lot.as_str(), lot.totals.bookings)).collect();
        assert_eq!(lots, [("B", 3), ("A", 1)]);
        let weeks: Vec<_> =
            report.weeks.iter().map(|week| (week.from.to_string(), week.totals.bookings)).collect();
        assert_eq!(
            weeks,
            [
                ("2026-10-01".into(), 2),
                ("2026-10-05".into(), 1),
                ("2026-10-12".into(), 0),
                ("2026-10-19".into(), 0),
                ("2026-10-26".into(), 1),
            ]
        );
    }

    #[test]
    fn occupancy_counts_the_time_within_the_month_only() {
        let zone = zone();
        let span = month().span(&zone);
        let mut load = Load::new(span, &zone);
        let mut sums = Sums::default();
        // Parked all the month on one of two spots, and longer on both sides.
        let long = stay(1, "2026-09-01T00:00:00Z", Some("2026-11-15T00:00:00Z"), 0);
        load.add(&long, at(NOW));
        // From 15:20 to 16:50 there, each day that there is.
        let short = stay(1, "2026-10-01T09:50:00Z", Some("2026-10-01T11:20:00Z"), 300);
        load.add(&short, at(NOW));
        sums.add(&short, at(NOW));
        let lot =
            LotRow { id: Uuid::from_u128(1), name: "A".into(), number_of_spots: 2, is_gone: false };
        let report = operator_report(month(), at(NOW), vec![lot], &sums, &Sums::default(), &load);
        let month_hours = 31.0 * 24.0;
        assert!(
            (report.lots[0].occupancy - (month_hours + 1.5) / (2.0 * month_hours)).abs() < 1e-9
        );
        assert!((report.lots[0].turnover - 0.5).abs() < 1e-9);
        let parked = |hour: usize| report.hours[hour].parked;
        assert!((parked(3) - 1.0).abs() < 1e-9);
        assert!((parked(15) - (1.0 + 40.0 / 60.0 / 31.0)).abs() < 1e-9, "{}", parked(15));
        assert!((parked(16) - (1.0 + 50.0 / 60.0 / 31.0)).abs() < 1e-9);
        assert_eq!(report.hours[15].bookings_started, 1);
    }

    #[test]
    fn a_lot_that_is_gone_is_reported_while_it_had_bookings() {
        let zone = zone();
        let load = Load::new(month().span(&zone), &zone);
        let lot = |id, is_gone| LotRow {
            id: Uuid::from_u128(id),
            name: id.to_string(),
            number_of_spots: 0,
            is_gone,
        };
        let mut sums = Sums::default();
        sums.add(&stay(2, "2026-10-01T09:50:00Z", Some("2026-10-01T11:20:00Z"), 300), at(NOW));
        let lots = vec![lot(1, true), lot(2, true), lot(3, false)];
        let report = operator_report(month(), at(NOW), lots, &sums, &Sums::default(), &load);
        let named: Vec<_> = report.lots.iter().map(|lot| lot.lot.as_str()).collect();
        assert_eq!(named, ["2", "3"]);
    }
}
