//! Reports of a month: to each person who parked, and to the operator. As a page, as PDF, by mail.
//!
//! A booking belongs to the month it started in, in the installation's time zone. What was reported
//! is kept as it was: a page shows the figures that the mail had.

pub mod figures;
pub mod pages;
pub mod routes;
pub mod store;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{self, Survey};
use crate::error::{Error, Result};
use crate::ids;
use crate::jobs::{Done, Failure, Job, New, Run};
use crate::mail::{List, Mail, Recipient};
use crate::users::Spend;
use figures::{Load, Sums};

/// People whose reports are made together: few, so that bookings between them do not wait long.
const PEOPLE_AT_ONCE: usize = 10;
/// Bookings that are read together.
const ROWS_AT_ONCE: usize = 5000;

/// A month, as in 2026-10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    /// The month that an instant lies in.
    #[must_use]
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        Self(at.to_zoned(zone.clone()).date().first_of_month())
    }

    #[must_use]
    pub fn before(self) -> Self {
        // There is a month before any that anybody parked in.
        Self(self.0.checked_sub(Span::new().months(1)).unwrap_or(self.0))
    }

    #[must_use]
    pub fn after(self) -> Self {
        Self(self.0.checked_add(Span::new().months(1)).unwrap_or(self.0))
    }

    #[must_use]
    pub fn first_day(self) -> Date {
        self.0
    }

    #[must_use]
    pub fn days(self) -> i64 {
        i64::from(self.0.days_in_month())
    }

    /// When it begins in a zone.
    #[must_use]
    pub fn begin(self, zone: &TimeZone) -> Timestamp {
        self.0.to_zoned(zone.clone()).map_or(Timestamp::MIN, |zoned| zoned.timestamp())
    }

    /// From its begin up to the next one's.
    #[must_use]
    pub fn span(self, zone: &TimeZone) -> (Timestamp, Timestamp) {
        (self.begin(zone), self.after().begin(zone))
    }
}

impl std::fmt::Display for Month {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}", self.0.year(), self.0.month())
    }
}

impl std::str::FromStr for Month {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let date = format!("{text}-01").parse().map(Self).map_err(|_| Error::NotFound)?;
        // Only in this form, so that one month has one address.
        if date.to_string() == text { Ok(date) } else { Err(Error::NotFound) }
    }
}

/// What a number of bookings come to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    pub bookings: i64,
    /// Minutes parked.
    pub minutes: i64,
    /// What the closed ones cost, by currency.
    pub spend: Vec<Spend>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LotTotals {
    pub lot_id: Uuid,
    /// As it was called then.
    pub lot: String,
    #[serde(flatten)]
    pub totals: Totals,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WeekTotals {
    /// Its Monday, or the first of the month.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    #[serde(flatten)]
    pub totals: Totals,
}

/// A person's month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Report {
    #[schema(example = "2026-10")]
    pub month: String,
    pub created_at: Timestamp,
    #[serde(flatten)]
    pub totals: Totals,
    /// Of them, still open when the report was made: their cost is not in it.
    pub open_bookings: i64,
    /// The most used first.
    pub lots: Vec<LotTotals>,
    pub weeks: Vec<WeekTotals>,
    pub month_before: Totals,
}

/// A lot's month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LotMonth {
    pub lot_id: Uuid,
    pub lot: String,
    pub number_of_spots: i64,
    #[serde(flatten)]
    pub totals: Totals,
    /// The part of its spots that was taken on average, 0 to 1.
    pub occupancy: f64,
    /// Bookings per spot.
    pub turnover: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HourLoad {
    /// Of the day, 0 to 23.
    pub hour: i64,
    pub bookings_started: i64,
    /// Vehicles parked in that hour on average.
    pub parked: f64,
}

/// The operator's month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperatorReport {
    #[schema(example = "2026-10")]
    pub month: String,
    pub created_at: Timestamp,
    #[serde(flatten)]
    pub totals: Totals,
    /// Of them, still open when the report was made: their cost is not in it.
    pub open_bookings: i64,
    /// The most revenue first.
    pub lots: Vec<LotMonth>,
    /// The hours of the day.
    pub hours: Vec<HourLoad>,
    pub month_before: Totals,
}

/// Makes the reports of the month before a tick.
#[derive(Debug, Serialize, Deserialize)]
pub struct MonthlyReports {
    pub at: Timestamp,
}

impl Job for MonthlyReports {
    const KIND: &'static str = "monthly_reports";
    const CONCURRENCY: usize = 1;
    const TIME_LIMIT: Duration = Duration::from_hours(2);

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let zone = run.app.config.time_zone.clone();
        let month = Month::of(self.at, &zone).before();
        let survey = run.app.db.survey(db::TASK_WAITS).await;
        let reports = people(&run, &survey, month, &zone).await?;
        let operator = operator(&run, &survey, month, &zone).await?;
        let body = store::body(&operator)?;
        let post = run.app.post.clone();
        Ok(Done::and(move |tx| {
            let is_new = store::insert(tx, None, &operator.month, operator.created_at, &body)?;
            if let Some(admin) = store::admin(tx)?.filter(|_| is_new) {
                let key = format!("monthly-report:operator:{}", operator.month);
                post.mail(tx, admin, List::Reports, Some(key), |to| {
                    pages::operator_letter(to, month, &operator)
                })?;
            }
            Ok(json!({ "month": month.to_string(), "reports": reports }))
        }))
    }
}

/// The reports of everybody who parked in the month; says how many.
async fn people(run: &Run, survey: &Survey, month: Month, zone: &TimeZone) -> Result<usize> {
    let app = &run.app;
    let all = survey.read(crate::reminders::store::people).await?;
    let names = Arc::new(survey.read(store::lot_names).await?);
    let (mut made, mut seen, mut after) = (0, 0_i64, Uuid::nil());
    loop {
        let (post, zone, now) = (app.post.clone(), zone.clone(), app.clock.now());
        let names = names.clone();
        let read = survey.read(move |tx| {
            let people = store::people_after(tx, &post, after, PEOPLE_AT_ONCE)?;
            let last = people.last().map(|person| person.id);
            let count = people.len();
            let mut reports = Vec::new();
            for person in people {
                if let Some(report) = report(tx, &person, month, &zone, &names, now)? {
                    reports.push((person, report));
                }
            }
            Ok((last, count, reports))
        });
        let (last, count, reports) = read.await?;
        let Some(last) = last else { return Ok(made) };
        after = last;
        seen += i64::try_from(count).unwrap_or_default();
        made += reports.len();
        if !reports.is_empty() {
            let pages = reports.iter().map(|(person, report)| Page::new(month, person, report));
            write(run, month, pages.collect::<Result<_>>()?).await?;
        }
        #[expect(clippy::cast_precision_loss, reason = "it is shown as a percentage")]
        run.progress(0.9 * seen as f64 / all.max(1) as f64);
    }
}

fn report(
    tx: &mut crate::db::Tx<'_>,
    person: &Recipient,
    month: Month,
    zone: &TimeZone,
    names: &figures::Names,
    now: Timestamp,
) -> Result<Option<Report>> {
    let (begin, end) = month.span(zone);
    let bookings = store::bookings_of(tx, person.id, (month.before().begin(zone), end))?;
    let count_before = bookings.partition_point(|booking| booking.id < ids::first_id(begin));
    let (before, bookings) = bookings.split_at(count_before);
    let report = || figures::report(month, zone, now, bookings, before, names);
    Ok((!bookings.is_empty()).then(report))
}

/// A report as it is stored, and its mail.
struct Page {
    person: Uuid,
    created_at: Timestamp,
    body: String,
    mail: Option<New>,
}

impl Page {
    fn new(month: Month, person: &Recipient, report: &Report) -> Result<Self> {
        let mail = person.takes(List::Reports).then(|| {
            let key = format!("monthly-report:{}:{month}", person.id);
            let letter = pages::letter(person, month, report);
            Mail::job(person, List::Reports, letter).once(key)
        });
        let (created_at, body) = (report.created_at, store::body(report)?);
        Ok(Self { person: person.id, created_at, body, mail })
    }
}

async fn write(run: &Run, month: Month, pages: Vec<Page>) -> Result<()> {
    let (queue, month) = (run.app.queue.clone(), month.to_string());
    let write = run.write(move |tx| {
        for Page { person, created_at, body, mail } in &pages {
            let is_new = store::insert(tx, Some(*person), &month, *created_at, body)?;
            if let Some(mail) = mail.as_ref().filter(|_| is_new) {
                queue.enqueue(tx, mail)?;
            }
        }
        Ok(())
    });
    write.await
}

/// The operator's report. Stays of the three months before count where they reach into this one.
async fn operator(
    run: &Run,
    survey: &Survey,
    month: Month,
    zone: &TimeZone,
) -> Result<OperatorReport> {
    let now = run.app.clock.now();
    let span = month.span(zone);
    let earlier = month.before().before().before().begin(zone);
    let before = month.before().span(zone);
    let (mut sums, mut sums_before) = (Sums::default(), Sums::default());
    let mut load = Load::new(span, zone);
    let mut after = ids::first_id(earlier);
    loop {
        let read = survey.read(move |tx| store::bookings_after(tx, after, span.1, ROWS_AT_ONCE));
        let bookings = read.await?;
        let Some(last) = bookings.last() else { break };
        after = last.id;
        for booking in &bookings {
            load.add(booking, now);
            if booking.started_at >= span.0 {
                sums.add(booking, now);
            } else if booking.started_at >= before.0 {
                sums_before.add(booking, now);
            }
        }
    }
    let lots = survey.read(store::lots).await?;
    Ok(figures::operator_report(month, now, lots, &sums, &sums_before, &load))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_has_one_name() {
        let month: Month = "2026-10".parse().unwrap();
        assert_eq!((month.to_string(), month.days()), ("2026-10".into(), 31));
        assert_eq!(month.after().after().after().to_string(), "2027-01");
        assert_eq!("2027-01".parse::<Month>().unwrap().before().to_string(), "2026-12");
        for text in ["", "2026", "2026-13", "2026-1", "2026-10-01", "october", "-2026-10"] {
            assert!(text.parse::<Month>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_month_begins_at_midnight_in_its_zone() {
        let zone = TimeZone::get("Asia/Kolkata").unwrap();
        let (from, to) = "2026-10".parse::<Month>().unwrap().span(&zone);
        assert_eq!(from.to_string(), "2026-09-30T18:30:00Z");
        assert_eq!(to.to_string(), "2026-10-31T18:30:00Z");
        let tick = "2026-10-31T19:30:00Z".parse().unwrap();
        assert_eq!(Month::of(tick, &zone).before().to_string(), "2026-10");
    }
}
