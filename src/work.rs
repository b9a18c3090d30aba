//! All the work there is in the background: the kinds of jobs, and what is done by the clock.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::auth::reset::PasswordResetRequest;
use crate::exports::{self, Export};
use crate::http::idempotency;
use crate::jobs::schedule::Schedule;
use crate::jobs::{self, Done, Failure, Job, Kind, New, Run};
use crate::mail::Mail;
use crate::mail::chat::ChatMessage;
use crate::reminders::DailyReminders;
use crate::reports::MonthlyReports;
use crate::{Result, auth};

pub const KINDS: &[Kind] = &[
    Kind::of::<CleanUp>(),
    Kind::of::<PasswordResetRequest>(),
    Kind::of::<Mail>(),
    Kind::of::<ChatMessage>(),
    Kind::of::<Export>(),
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

/// Removes what nobody needs any more: old answers, sessions, tasks and exports.
#[derive(Debug, Serialize, Deserialize)]
struct CleanUp;

impl Job for CleanUp {
    const KIND: &'static str = "clean_up";
    const CONCURRENCY: usize = 1;

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let now = run.app.clock.now();
        let kept = SignedDuration::from_hours(24 * run.app.config.tasks_kept_days);
        // One after the other, so that none holds up bookings for the time of all.
        let write = async |change: fn(&mut crate::db::Tx<'_>, jiff::Timestamp) -> Result<u64>,
                           at| {
            run.app.db.write(Uuid::nil(), move |tx| change(tx, at)).await
        };
        let answers = write(idempotency::remove_old, now).await?;
        let sessions = write(auth::store::remove_old_sessions, now).await?;
        let mut tasks = 0;
        loop {
            let some = write(jobs::store::remove_finished, now - kept).await?;
            tasks += some;
            if some == 0 {
                break;
            }
        }
        let exports = exports::remove_expired(&run.app).await?;
        Ok(Done::with(json!({
            "answers": answers, "sessions": sessions, "tasks": tasks, "exports": exports,
        })))
    }
}
