//! The daily reminders: to those whose vehicle has been parked for long, and to those who have been
//! away or have not seen a new lot. One a day and person at most, by mail or by Google Chat.

pub mod store;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::app::App;
use crate::error::Result;
use crate::ids;
use crate::jobs::{Done, Failure, Job, New, Run};
use crate::mail::chat::ChatMessage;
use crate::mail::letter::Letter;
use crate::mail::{Channel, List, Mail, Recipient, letters};
use store::{Away, Parked};

/// People who are reminded together: few, so that bookings between them do not wait long.
const PEOPLE_AT_ONCE: usize = 20;

/// The reminders of one day.
#[derive(Debug, Serialize, Deserialize)]
pub struct DailyReminders {
    /// The tick they are for.
    pub at: Timestamp,
}

/// A reminder on its way into the queue.
struct Reminder {
    person: Uuid,
    job: New,
    /// Whether it says what is new.
    is_news: bool,
}

impl Reminder {
    /// Of the day `date`; `None`: they want none.
    fn new(to: &Recipient, letter: Letter, is_news: bool, date: &str) -> Option<Self> {
        let job = match to.reminders_by {
            Channel::Mail => Mail::job(to, List::Reminders, letter),
            Channel::Chat => New::of(&ChatMessage { to: to.id, letter }).owned_by(to.id),
            Channel::None => return None,
        };
        // The same key for both ways: one a day, also for who changes their mind.
        let job = job.once(format!("daily-reminder:{}:{date}", to.id));
        Some(Self { person: to.id, job, is_news })
    }
}

impl Job for DailyReminders {
    const KIND: &'static str = "daily_reminders";
    const CONCURRENCY: usize = 1;
    const TIME_LIMIT: Duration = Duration::from_hours(1);

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let app = &run.app;
        let now = app.clock.now();
        let date = self.at.to_zoned(app.config.time_zone.clone()).date().to_string();
        let people = app.db.read(store::people).await?;
        let mut sent = 0;
        let since = now - SignedDuration::from_hours(app.config.remind_open_hours);
        let mut after = Uuid::nil();
        loop {
            let post = app.post.clone();
            let read =
                app.db.read(move |tx| store::parked_since(tx, &post, since, after, PEOPLE_AT_ONCE));
            let parked = read.await?;
            let Some(last) = parked.last() else { break };
            after = last.to.id;
            let reminders = parked.iter().filter_map(|Parked { to, bookings }| {
                Reminder::new(to, letters::still_parked(to, bookings, now), false, &date)
            });
            sent += write(&run, now, reminders.collect()).await?;
        }
        let lots = new_lots(app).await?;
        let (mut after, mut seen) = (Uuid::nil(), 0);
        loop {
            let post = app.post.clone();
            let read = app.db.read(move |tx| store::away(tx, &post, after, PEOPLE_AT_ONCE)).await?;
            let Some(last) = read.last() else { break };
            after = last.to.id;
            seen += read.len();
            let days = app.config.remind_away_days;
            let reminders = read.iter().filter_map(|away| {
                Reminder::new(&away.to, news(away, &lots, days, now)?, true, &date)
            });
            sent += write(&run, now, reminders.collect()).await?;
            run.progress(share(seen, people));
        }
        Ok(Done::with(json!({ "reminders": sent })))
    }
}

#[expect(clippy::cast_precision_loss, reason = "it is shown as a percentage")]
fn share(seen: usize, of: i64) -> f64 {
    seen as f64 / of.max(1) as f64
}

/// A lot and when it came.
type NewLot = (Timestamp, letters::NewLot);

/// Lots that somebody who was away for long may not have seen, the newest first.
async fn new_lots(app: &App) -> Result<Vec<NewLot>> {
    let since = app.clock.now() - SignedDuration::from_hours(24 * app.config.remind_away_days);
    app.db.read(move |tx| store::lots_since(tx, since)).await
}

/// What is new for somebody; `None`: nothing.
fn news(away: &Away, lots: &[NewLot], days_max: i64, now: Timestamp) -> Option<Letter> {
    const LOTS_MAX: usize = 10;
    let informed_at = away.news_sent_at.max(away.last_seen_at).unwrap_or(away.created_at);
    let unseen = lots.iter().filter(|(created_at, _)| *created_at > informed_at);
    let unseen: Vec<_> = unseen.take(LOTS_MAX).map(|(_, lot)| lot.clone()).collect();
    let days_since = |at: Timestamp| now.duration_since(at).as_hours() / 24;
    let last_parked = away.last_booking.map_or(away.created_at, ids::time_of);
    let days_away = days_since(last_parked);
    let told_lately = away.news_sent_at.is_some_and(|at| days_since(at) < days_max);
    let days_away = (days_away >= days_max && !told_lately).then_some(days_away);
    if unseen.is_empty() && days_away.is_none() {
        return None;
    }
    // Who never parked was not away.
    let days_away = days_away.filter(|_| away.last_booking.is_some());
    Some(letters::news(&away.to, &unseen, days_away))
}

/// Puts reminders into the queue, unless the person has had one today; says how many.
async fn write(run: &Run, now: Timestamp, reminders: Vec<Reminder>) -> Result<usize> {
    if reminders.is_empty() {
        return Ok(0);
    }
    let queue = run.app.queue.clone();
    let write = run.write(move |tx| {
        let mut new = 0;
        for Reminder { person, job, is_news } in &reminders {
            if queue.enqueue(tx, job)?.is_some() {
                new += 1;
                if *is_news {
                    store::note_news(tx, now, *person)?;
                }
            }
        }
        Ok(new)
    });
    write.await
}
