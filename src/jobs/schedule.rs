//! Puts jobs into the queue by the clock.
//!
//! Every process looks at every schedule. The job of a tick has the tick in its key, so it is made
//! once, however many look and whatever the clock does in between.

use std::str::FromStr;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{New, store};
use crate::app::App;
use crate::error::{Error, Result};
use crate::work::SCHEDULES;

/// What is done by the clock.
pub struct Schedule {
    /// The name in the API.
    pub name: &'static str,
    /// The setting with its cron expression.
    pub setting: &'static str,
    /// The job of the tick at an instant.
    pub job: fn(Timestamp) -> New,
}

/// When a schedule's ticks are: a cron expression of five fields in a time zone.
#[derive(Debug, Clone)]
pub struct Ticks {
    cron: Cron,
    zone: TimeZone,
}

impl Ticks {
    /// # Errors
    /// When the expression is none, or never comes true.
    pub fn new(expression: &str, zone: TimeZone) -> Result<Self, String> {
        if expression.split_whitespace().count() != 5 {
            return Err("must have the five fields minute, hour, day, month, weekday".into());
        }
        let cron = Cron::from_str(expression).map_err(|error| error.to_string())?;
        let ticks = Self { cron, zone };
        match ticks.after(Timestamp::UNIX_EPOCH) {
            Some(_) => Ok(ticks),
            None => Err("no such day ever comes".into()),
        }
    }

    #[must_use]
    pub fn expression(&self) -> &str {
        self.cron.as_str()
    }

    /// The last tick at or before an instant.
    #[must_use]
    pub fn at_or_before(&self, instant: Timestamp) -> Option<Timestamp> {
        let instant = instant.to_zoned(self.zone.clone());
        self.cron.find_previous_occurrence(&instant, true).ok().map(|tick| tick.timestamp())
    }

    /// The first tick after an instant.
    #[must_use]
    pub fn after(&self, instant: Timestamp) -> Option<Timestamp> {
        let instant = instant.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&instant, false).ok().map(|tick| tick.timestamp())
    }
}

/// Makes the jobs of ticks that have come. A tick that nobody worked off in time is made up, the
/// latest only, if it is not older than `MISSED_TICK_HOURS`.
///
/// # Errors
/// Those of storage.
pub async fn tick(app: &App) -> Result<()> {
    let now = app.clock.now();
    for schedule in SCHEDULES {
        let Some(ticks) = app.config.ticks(schedule.setting) else { continue };
        let Some(tick) = ticks.at_or_before(now) else { continue };
        let known = app.db.read(move |tx| store::last_run(tx, schedule.name)).await?;
        if known.is_some_and(|known| known.tick == tick) {
            continue;
        }
        let oldest = now - SignedDuration::from_hours(app.config.missed_tick_hours);
        // A new installation has missed nothing.
        let due = known.is_some() && tick >= oldest;
        let queue = app.queue.clone();
        app.db
            .write(Uuid::nil(), move |tx| {
                let job = if due {
                    let key = format!("{}:{tick}", schedule.name);
                    let new = (schedule.job)(tick).once(key);
                    queue.enqueue(tx, &new)?
                } else {
                    None
                };
                store::note_tick(tx, schedule.name, tick, job)
            })
            .await?;
        if !due && known.is_some() {
            tracing::warn!(schedule = schedule.name, %tick, "a missed tick is too old to make up");
        }
    }
    Ok(())
}

/// A schedule, as the admin sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ScheduleStatus {
    #[schema(example = "daily-reminders")]
    pub name: String,
    /// The setting it comes from.
    #[schema(example = "DAILY_REMINDERS")]
    pub setting: String,
    /// A cron expression; `null`: switched off.
    #[schema(example = "0 18 * * *", required)]
    pub expression: Option<String>,
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: String,
    #[schema(required)]
    pub last_run_at: Option<Timestamp>,
    /// The task of the last run.
    #[schema(required)]
    pub last_task_id: Option<Uuid>,
    #[schema(required)]
    pub next_run_at: Option<Timestamp>,
}

/// # Errors
/// Those of storage.
pub async fn all(app: &App) -> Result<Vec<ScheduleStatus>> {
    let mut all = Vec::with_capacity(SCHEDULES.len());
    for schedule in SCHEDULES {
        let last = app.db.read(move |tx| store::last_run(tx, schedule.name)).await?;
        let ticks = app.config.ticks(schedule.setting);
        all.push(ScheduleStatus {
            name: schedule.name.into(),
            setting: schedule.setting.into(),
            expression: ticks.map(|ticks| ticks.expression().to_owned()),
            time_zone: app.config.time_zone_name.clone(),
            last_run_at: last.and_then(|last| last.at),
            last_task_id: last.and_then(|last| last.job),
            next_run_at: ticks.and_then(|ticks| ticks.after(app.clock.now())),
        });
    }
    Ok(all)
}

/// # Errors
/// 404
pub fn named(name: &str) -> Result<&'static Schedule> {
    SCHEDULES.iter().find(|schedule| schedule.name == name).ok_or(Error::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(expression: &str, zone: &str) -> Ticks {
        Ticks::new(expression, TimeZone::get(zone).unwrap()).unwrap()
    }

    fn days_with_one_tick(ticks: &Ticks, from: &str, days: i64) {
        let zone = ticks.zone.clone();
        let first: Timestamp = from.parse().unwrap();
        let date = first.to_zoned(zone.clone()).date();
        let mut tick = first;
        for day in 0..days {
            tick = ticks.after(tick).unwrap();
            let expected = date.checked_add(jiff::Span::new().days(day)).unwrap();
            assert_eq!(tick.to_zoned(zone.clone()).date(), expected, "{tick}");
            assert_eq!(ticks.at_or_before(tick), Some(tick));
            assert_eq!(ticks.at_or_before(tick + SignedDuration::from_hours(1)), Some(tick));
        }
    }

    #[test]
    fn every_day_has_one_tick_also_where_its_hour_is_left_out_or_comes_twice() {
        // 2026-03-29: no 02:30 in Berlin; 2026-10-25: two of them.
        days_with_one_tick(&ticks("30 2 * * *", "Europe/Berlin"), "2026-01-01T00:00:00Z", 365);
        days_with_one_tick(&ticks("30 1 * * *", "America/New_York"), "2026-01-01T05:00:00Z", 365);
        days_with_one_tick(&ticks("0 18 * * *", "Asia/Kolkata"), "2026-01-01T00:00:00Z", 365);
        // An hour that Lord Howe Island moves by half.
        days_with_one_tick(
            &ticks("45 1 * * *", "Australia/Lord_Howe"),
            "2025-12-31T13:00:00Z",
            365,
        );
    }

    #[test]
    fn a_month_begins_in_the_zone_of_the_schedule() {
        let ticks = ticks("0 1 1 * *", "Asia/Kolkata");
        let tick = ticks.after("2026-11-22T00:00:00Z".parse().unwrap()).unwrap();
        assert_eq!(tick.to_string(), "2026-11-30T19:30:00Z");
    }

    #[test]
    fn what_never_comes_is_no_schedule() {
        for expression in ["", "* * * *", "0 18 * * * *", "61 * * * *", "0 0 30 2 *", "often"] {
            assert!(Ticks::new(expression, TimeZone::UTC).is_err(), "{expression}");
        }
    }
}
