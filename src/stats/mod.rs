//! Statistics: how full, how often, how long and for how much.
//!
//! Parking writes nothing for them. Every few seconds new bookings and releases are counted into
//! tallies ([`tally`], docs/adr/0014), beside the writer; a question reads the tallies and counts
//! what has come since by itself, so its figures are those of this moment. A person's own are read
//! from their bookings.

pub mod figures;
pub mod overview;
pub mod own;
pub mod routes;
pub mod series;
pub mod sheet;
pub mod store;
pub mod tally;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::bookings::BookedLot;
use crate::db::Tx;
use crate::error::Result;
use crate::ids;
use crate::live;
use crate::reports::figures::Stay;
use crate::users::Spend;
use figures::{LotFacts, LotFlows};
use series::{Flows, Series};
use tally::{ALL_LOTS, Flow, QUARTER_MINUTES, QUARTER_SECONDS, Stretch, Tally};

/// How often what is new is counted.
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// Bookings counted in one transaction: few, so that bookings between them do not wait long.
const COUNTED_AT_ONCE: usize = 1000;
/// A booking with a lower id may be committed a moment later than one with a higher: by another
/// lane, another process, or after the clock was set back a little.
const SETTLED_AFTER: SignedDuration = SignedDuration::from_secs(15);
/// What a question counts by itself at most.
const UNCOUNTED_MAX: usize = 100_000;

/// A calendar day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DayStats {
    #[schema(value_type = String, format = Date)]
    pub day: Date,
    pub bookings_started: i64,
    pub bookings_released: i64,
    /// Of those released, by currency.
    pub revenue: Vec<Spend>,
    /// Vehicles parked at a time.
    pub parked_average: f64,
    /// The most at a time, as of each quarter of an hour.
    pub parked_peak: i64,
    /// The part of the spots there are now that was taken on average: 0 to 1, more when there were
    /// more spots then.
    pub occupancy: f64,
}

/// An hour of the week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WeekHour {
    /// 1 to 7; Monday is 1 (ISO 8601).
    pub weekday: i64,
    /// 0 to 23
    pub hour: i64,
    pub bookings_started: i64,
    /// Of those released, by currency.
    pub revenue: Vec<Spend>,
    /// Vehicles parked at a time.
    pub parked_average: f64,
    pub occupancy: f64,
}

/// A lot in a span of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LotStats {
    pub lot: BookedLot,
    /// It was removed since.
    pub is_gone: bool,
    pub number_of_spots: i64,
    pub bookings_started: i64,
    pub bookings_released: i64,
    /// Of those released, by currency.
    pub revenue: Vec<Spend>,
    /// Vehicles parked at a time.
    pub parked_average: f64,
    pub occupancy: f64,
    /// Bookings started per spot and day.
    pub turnover: f64,
    /// Of those released; `null`: none was.
    #[schema(required)]
    pub average_stay_minutes: Option<f64>,
}

/// A span of time as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatsTotals {
    pub bookings_started: i64,
    pub bookings_released: i64,
    /// Of those released, by currency.
    pub revenue: Vec<Spend>,
    pub occupancy: f64,
    /// Bookings started per spot and day.
    pub turnover: f64,
    /// Of those released; `null`: none was.
    #[schema(required)]
    pub average_stay_minutes: Option<f64>,
}

/// Occupancy and revenue of a span of days.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Stats {
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Included.
    #[schema(value_type = String, format = Date)]
    pub to: Date,
    /// Whose days and hours they are.
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: String,
    /// Later bookings are not counted yet: now, but while a long past is being counted.
    pub as_of: Timestamp,
    pub totals: StatsTotals,
    pub days: Vec<DayStats>,
    /// The 168 hours, Monday's first.
    pub hours_of_week: Vec<WeekHour>,
    /// The most revenue first.
    pub lots: Vec<LotStats>,
}

/// What is counted at this moment: the tallies, and what has come since.
struct Counted {
    as_of: Timestamp,
    since: Tally,
    /// By lot.
    open: HashMap<Uuid, i64>,
}

impl Counted {
    /// Asks within a snapshot, together with the tallies.
    fn read(tx: &mut Tx<'_>, now: Timestamp) -> Result<Self> {
        let state = store::state(tx)?;
        let started = store::uncounted(tx, state, Timestamp::MAX, UNCOUNTED_MAX)?;
        let released = store::released_since(tx, UNCOUNTED_MAX)?;
        let mut open = store::open_by_lot(tx)?;
        let mut since = Tally::default();
        for stay in &started {
            since.start(stay);
            since.release(stay);
            *open.entry(stay.lot).or_default() += i64::from(stay.released_at.is_none());
        }
        for stay in &released {
            since.release(stay);
            *open.entry(stay.lot).or_default() -= 1;
        }
        let last = started.last().filter(|_| started.len() == UNCOUNTED_MAX);
        Ok(Self { as_of: last.map_or(now, |last| last.started_at), since, open })
    }

    fn open(&self, lot: Option<Uuid>) -> i64 {
        match lot {
            None => self.open.values().sum(),
            Some(lot) => self.open.get(&lot).copied().unwrap_or_default(),
        }
    }

    /// The quarters of a span of time, in seconds.
    fn series(&self, tx: &mut Tx<'_>, lot: Option<Uuid>, span: (i64, i64)) -> Result<Series> {
        let id = lot.unwrap_or(ALL_LOTS);
        let span = (span.0.div_euclid(QUARTER_SECONDS) * QUARTER_SECONDS, span.1);
        let mut flows = Flows::new(span, self.as_of.as_second());
        store::quarters_since(tx, id, span.0, |stretch, flow| flows.add(&stretch, &flow))?;
        for (stretch, flow) in self.since_by(|stretch| stretch.lot == id) {
            flows.add(&stretch, &flow);
        }
        Ok(flows.series(self.open(lot)))
    }

    fn since_by(&self, wanted: impl Fn(&Stretch) -> bool) -> impl Iterator<Item = (Stretch, Flow)> {
        let quarters = self.since.iter().filter(|(stretch, _)| stretch.minutes == QUARTER_MINUTES);
        quarters
            .filter(move |(stretch, _)| wanted(stretch))
            .map(|(stretch, flow)| (*stretch, *flow))
    }

    /// What each lot had between two instants, in seconds.
    fn lots(&self, tx: &mut Tx<'_>, (from, to): (i64, i64)) -> Result<LotFlows> {
        let mut lots = store::lots_between(tx, from, to)?;
        let wanted =
            |stretch: &Stretch| stretch.lot != ALL_LOTS && (from..to).contains(&stretch.begins_at);
        for (stretch, flow) in self.since_by(wanted) {
            figures::of_lot(&mut lots, stretch.lot, stretch.currency).add(&stretch, &flow);
        }
        Ok(lots)
    }
}

/// A span of days, of all lots or of one.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    pub from: Date,
    pub to: Date,
    pub lot: Option<Uuid>,
}

/// # Errors
/// 404 when there never was such a lot.
pub fn answer(
    tx: &mut Tx<'_>,
    now: Timestamp,
    zone: &TimeZone,
    zone_name: &str,
    question: Question,
) -> Result<Stats> {
    let Question { from, to, lot } = question;
    let span = (figures::begin_of(from, zone), figures::begin_of(day_after(to), zone));
    let mut lots = crate::reports::store::lots(tx)?;
    lots.retain(|row| lot.is_none_or(|lot| lot == row.id));
    if lot.is_some() && lots.is_empty() {
        return Err(crate::Error::NotFound);
    }
    let spots = lots.iter().map(|lot| lot.number_of_spots).sum();
    tx.snapshot(|tx| {
        let counted = Counted::read(tx, now)?;
        let end = span.1.min(counted.as_of.as_second());
        let series = counted.series(tx, lot, span)?;
        let until = span.1.min(counted.as_of.as_second() + 1).max(span.0);
        let within = counted.lots(tx, (span.0, until))?;
        let after = counted.lots(tx, (until, i64::MAX))?;
        let nothing = BTreeMap::new();
        let stats = lots.iter().map(|row| {
            let flows = within.get(&row.id).unwrap_or(&nothing);
            let came = flows.values().chain(after.get(&row.id).unwrap_or(&nothing).values());
            let came: i64 = came.map(|lot| lot.flow.started - lot.flow.released).sum();
            let facts = LotFacts {
                id: row.id,
                name: row.name.clone(),
                number_of_spots: row.number_of_spots,
                is_gone: row.is_gone,
                parked: counted.open(Some(row.id)) - came,
            };
            let revenue: i64 = flows.values().map(|lot| lot.flow.revenue_minor).sum();
            (revenue, figures::lot_stats(facts, flows, end, (end - span.0).max(0)))
        });
        let mut lots: Vec<_> = stats
            .filter(|(_, lot)| !lot.is_gone || lot.bookings_started + lot.bookings_released > 0)
            .collect();
        lots.sort_by(|(a, left), (b, right)| {
            b.cmp(a)
                .then_with(|| right.bookings_started.cmp(&left.bookings_started))
                .then_with(|| left.lot.name.cmp(&right.lot.name))
        });
        Ok(Stats {
            from,
            to,
            time_zone: zone_name.to_owned(),
            as_of: counted.as_of,
            totals: figures::totals(&series, spots),
            days: figures::by_day(&series, figures::days(from, to), zone, spots),
            hours_of_week: figures::by_hour_of_week(series.quarters.iter(), zone, spots),
            lots: lots.into_iter().map(|(_, lot)| lot).collect(),
        })
    })
}

fn day_after(day: Date) -> Date {
    day.tomorrow().unwrap_or(day)
}

/// Counts what is new, until the process ends.
pub async fn keep_counting(app: App) {
    let mut shutdown = app.shutdown();
    let mut look = tokio::time::interval(COUNT_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = live::ended(&mut shutdown) => return,
            _ = look.tick() => {}
        }
        loop {
            match count(&app).await {
                Ok(true) if !*app.shutdown().borrow() => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "new bookings could not be counted");
                    break;
                }
            }
        }
    }
}

/// Counts some of what is new; says whether there may be more.
///
/// # Errors
/// Those of storage.
pub async fn count(app: &App) -> Result<bool> {
    let now = app.clock.now();
    let settled = now - SETTLED_AFTER;
    let read = app.db.read(move |tx| {
        tx.snapshot(|tx| {
            let state = store::state(tx)?;
            let started = store::uncounted(tx, state, settled, COUNTED_AT_ONCE)?;
            Ok((state, started, store::released_since(tx, COUNTED_AT_ONCE)?))
        })
    });
    let (state, started, released): (_, Vec<Stay>, Vec<Stay>) = read.await?;
    let is_behind = state.through.is_some_and(|through| ids::time_of(through) > now);
    if is_behind && !state.recount {
        tracing::warn!("the clock went back: statistics are counted anew once it has caught up");
        app.db.write(Uuid::nil(), store::ask_for_recount).await?;
    }
    if state.recount && !is_behind {
        app.db.write(Uuid::nil(), store::forget).await?;
        return Ok(true);
    }
    if started.is_empty() && released.is_empty() {
        return Ok(false);
    }
    let more = started.len().max(released.len()) == COUNTED_AT_ONCE;
    let write = move |tx: &mut Tx<'_>| store::count(tx, state, &started, &released);
    let counted = app.db.write(Uuid::nil(), write).await?;
    // Whoever was faster may not have counted all of it.
    Ok(more || !counted)
}
