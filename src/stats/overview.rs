//! What the operator sees first: how it stands now, and what needs attention.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::figures::{self, Load};
use super::series::Series;
use super::{Counted, WeekHour, day_after, store};
use crate::app::App;
use crate::bookings::store::Selection;
use crate::bookings::{AdminBooking, BookedLot};
use crate::db::{self, Tx};
use crate::error::Result;
use crate::http::paging::Paging;
use crate::users::Spend;
use crate::work::SCHEDULES;

const DAYS: i64 = 14;
const DAYS_OF_WEEKS: i64 = 28;
const HOURS: i64 = 24;
const LATEST: i64 = 8;
/// A stay that lasts longer may have been forgotten.
const LONG_STAY: SignedDuration = SignedDuration::from_hours(24);

/// What may need somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttentionKind {
    TaskFailed,
    LotFull,
    LongStay,
    MailRefused,
    SpotsOutOfService,
    ScheduleOff,
    NoMailServer,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Attention {
    pub kind: AttentionKind,
    /// How many of the kind there are.
    pub count: i64,
    /// The full lot, if it is the only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<BookedLot>,
    /// The longest of the long stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub booking_id: Option<Uuid>,
    /// Since when that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl Attention {
    fn new(kind: AttentionKind, count: i64) -> Self {
        Self { kind, count, lot: None, booking_id: None, since: None }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OverviewHour {
    /// Its beginning; the first and the last may be shorter than an hour.
    pub at: Timestamp,
    /// Vehicles parked at a time.
    pub parked_average: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OverviewDay {
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    pub bookings_started: i64,
    /// Of those released, by currency.
    pub revenue: Vec<Spend>,
}

/// How the installation stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    pub now: Timestamp,
    /// Later bookings are not counted yet: now, but while a long past is being counted.
    pub as_of: Timestamp,
    /// Whose days and hours they are.
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: String,
    pub lots: i64,
    pub spots: i64,
    pub free: i64,
    pub occupied: i64,
    pub out_of_service: i64,
    pub open_bookings: i64,
    pub bookings_today: i64,
    /// Up to the same time of day.
    pub bookings_yesterday_until_now: i64,
    /// Of those released today, by currency.
    pub revenue_today: Vec<Spend>,
    /// Up to the same time of day.
    pub revenue_yesterday_until_now: Vec<Spend>,
    /// The last 24.
    pub hours: Vec<OverviewHour>,
    /// The last 14.
    pub days: Vec<OverviewDay>,
    /// Of the last 28 days.
    pub hours_of_week: Vec<WeekHour>,
    /// Nothing: all is well.
    pub attention: Vec<Attention>,
    /// The last that started.
    pub latest: Vec<AdminBooking>,
}

/// # Errors
/// Those of storage.
pub async fn read(app: &App) -> Result<Overview> {
    let reading = app.clone();
    let survey = app.db.survey(db::PAGE_WAITS).await;
    survey.read(move |tx| tx.snapshot(|tx| overview(tx, &reading))).await
}

fn overview(tx: &mut Tx<'_>, app: &App) -> Result<Overview> {
    let (now, zone) = (app.clock.now(), &app.config.time_zone);
    let counted = Counted::read(tx, now)?;
    let today = zone.to_datetime(now).date();
    let day = |ago: i64| today.checked_sub(jiff::Span::new().days(ago)).unwrap_or(today);
    let begin = |day: Date| figures::begin_of(day, zone);
    let span = (begin(day(DAYS_OF_WEEKS)), begin(day_after(today)));
    let series = counted.series(tx, None, span)?;
    let spots = store::spots(tx)?;

    let today_load: Load = series.since(begin(today)).collect();
    let same_time = begin(day(1)) + (now.as_second() - begin(today));
    let until_now = series.since(begin(day(1))).take_while(|quarter| quarter.begins_at < same_time);
    let yesterday_load: Load = until_now.collect();
    let occupied = counted.open(None);
    Ok(Overview {
        now,
        as_of: counted.as_of,
        time_zone: app.config.time_zone_name.clone(),
        lots: spots.lots,
        spots: spots.spots,
        free: spots.free,
        occupied,
        out_of_service: spots.out_of_service,
        open_bookings: occupied,
        bookings_today: today_load.started,
        bookings_yesterday_until_now: yesterday_load.started,
        revenue_today: today_load.revenue.list(),
        revenue_yesterday_until_now: yesterday_load.revenue.list(),
        hours: hours(&series, now),
        days: figures::by_day(&series, figures::days(day(DAYS - 1), today), zone, spots.spots)
            .into_iter()
            .map(|day| OverviewDay {
                day: day.day,
                bookings_started: day.bookings_started,
                revenue: day.revenue,
            })
            .collect(),
        hours_of_week: figures::by_hour_of_week(series.quarters.iter(), zone, spots.spots),
        attention: attention(tx, app, now, spots.out_of_service)?,
        latest: latest(tx, now)?,
    })
}

/// The last hours, each of four quarters, the last up to now.
fn hours(series: &Series, now: Timestamp) -> Vec<OverviewHour> {
    const QUARTERS: usize = 4;
    let since = now.as_second() - HOURS * 3600;
    let quarters: Vec<_> = series.since(since - since.rem_euclid(900)).collect();
    let mut hours: Vec<OverviewHour> = quarters
        .rchunks(QUARTERS)
        .map(|quarters| OverviewHour {
            at: quarters
                .first()
                .and_then(|quarter| Timestamp::from_second(quarter.begins_at).ok())
                .unwrap_or(now),
            parked_average: quarters.iter().copied().collect::<Load>().parked_average(),
        })
        .collect();
    hours.reverse();
    hours
}

fn attention(
    tx: &mut Tx<'_>,
    app: &App,
    now: Timestamp,
    out_of_service: i64,
) -> Result<Vec<Attention>> {
    use AttentionKind as Kind;
    let mut all = vec![Attention::new(Kind::TaskFailed, store::failed_tasks(tx)?)];
    let mut full = store::full_lots(tx)?;
    let count = i64::try_from(full.len()).unwrap_or(i64::MAX);
    let lot = if count == 1 { full.pop() } else { None };
    all.push(Attention { lot, ..Attention::new(Kind::LotFull, count) });
    let (count, oldest) = store::open_before(tx, now - LONG_STAY)?;
    let (booking_id, since) = oldest.unzip();
    all.push(Attention { booking_id, since, ..Attention::new(Kind::LongStay, count) });
    all.push(Attention::new(Kind::MailRefused, store::mail_refused(tx)?));
    all.push(Attention::new(Kind::SpotsOutOfService, out_of_service));
    let off = SCHEDULES.iter().filter(|schedule| app.config.ticks(schedule.setting).is_none());
    all.push(Attention::new(Kind::ScheduleOff, i64::try_from(off.count()).unwrap_or_default()));
    let no_server = app.mailer.server().is_none();
    all.push(Attention::new(Kind::NoMailServer, i64::from(no_server)));
    all.retain(|attention| attention.count > 0);
    Ok(all)
}

fn latest(tx: &mut Tx<'_>, now: Timestamp) -> Result<Vec<AdminBooking>> {
    let paging = Paging::new(Some(LATEST), None)?;
    let page = crate::bookings::store::admin_list(tx, now, &Selection::default(), &paging)?;
    Ok(page.items)
}
