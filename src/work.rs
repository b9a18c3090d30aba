//! All the work there is in the background: the kinds of jobs, and what is done by the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::auth::reset::PasswordResetRequest;
use crate::db::Tx;
use crate::exports::{self, Export};
use crate::http::idempotency;
use crate::jobs::schedule::Schedule;
use crate::jobs::{self, Done, Failure, Job, Kind, New, Run};
use crate::mail::chat::ChatMessage;
use crate::mail::{Mail, outbox};
use crate::privacy::erasure::Erasure;
use crate::privacy::plates;
use crate::reminders::DailyReminders;
use crate::reports::MonthlyReports;
use crate::{Result, auth};

pub const KINDS: &[Kind] = &[
    Kind::of::<CleanUp>(),
    Kind::of::<PasswordResetRequest>(),
    Kind::of::<Mail>(),
    Kind::of::<ChatMessage>(),
    Kind::of::<Export>(),
    Kind::of::<Erasure>(),
    Kind::of::<DailyReminders>(),
    Kind::of::<MonthlyReports>(),
];

pub const SCHEDULES: &[Schedule] = &[
    Schedule { name: "clean-up", setting: "CLEAN_UP", job: |_| New::of(&CleanUp) },
    Schedule {
        name: "daily-reminders",
        setting: "DAILY_REMINDERS",
        job: |at| New::of(&DailyReminders { at }),
    },
    Schedule {
        name: "monthly-reports",
        setting: "MONTHLY_REPORTS",
        job: |at| New::of(&MonthlyReports { at }),
    },
];

/// Removes what nobody needs any more: old answers, sessions, tasks, exports, mails in the outbox and
/// plates.
#[derive(Debug, Serialize, Deserialize)]
struct CleanUp;

impl Job for CleanUp {
    const KIND: &'static str = "clean_up";
    const CONCURRENCY: usize = 1;
    /// Of millions of bookings the plates may be too old at first.
    const TIME_LIMIT: Duration = Duration::from_hours(2);

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let now = run.app.clock.now();
        let kept = SignedDuration::from_hours(24 * run.app.config.tasks_kept_days);
        let answers = all_of(&run, idempotency::remove_old, now).await?;
        let sessions = all_of(&run, auth::store::remove_old_sessions, now).await?;
        let tasks = all_of(&run, jobs::store::remove_finished, now - kept).await?;
        let exports = exports::remove_expired(&run.app).await?;
        let mails = outbox::remove_forgotten(&run.app).await?;
        let plates = plates::forget_old(&run.app).await?;
        Ok(Done::with(json!({
            "answers": answers, "sessions": sessions, "tasks": tasks, "exports": exports,
            "mails": mails, "plates": plates,
        })))
    }
}

/// Removes a few after the other until there are no more, so that none of it holds up bookings for the
/// time of all; says how many.
async fn all_of(
    run: &Run,
    remove: fn(&mut Tx<'_>, Timestamp) -> Result<u64>,
    at: Timestamp,
) -> Result<u64> {
    let mut removed = 0;
    loop {
        match run.app.db.write(Uuid::nil(), move |tx| remove(tx, at)).await? {
            0 => return Ok(removed),
            some => removed += some,
        }
    }
}
