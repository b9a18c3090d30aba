//! A deleted account is taken out of everything: at once what names the person, and by a job what
//! takes longer: the plates of their bookings, recorded answers, files, what SQLite's files still hold.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::{BOOKINGS_AT_ONCE, by_pages, store};
use crate::app::App;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::exports::{self, Export};
use crate::http::idempotency;
use crate::jobs::{self, Cause, Done, Failure, Job, New, Queue, Run};
use crate::mail::outbox;
use crate::{auth, reports, users, vehicles};

/// Deletes an account, and has the rest erased.
///
/// # Errors
/// 409 `open_bookings`.
pub fn begin(tx: &mut Tx<'_>, queue: &Queue, now: Timestamp, user: Uuid) -> Result<()> {
    users::store::delete_account(tx, now, user)?;
    auth::store::forget_devices(tx, user)?;
    forget_rows(tx, user)?;
    queue.enqueue(tx, &New::of(&Erasure { user }))?;
    Ok(())
}

/// What is only theirs.
fn forget_rows(tx: &mut Tx<'_>, user: Uuid) -> Result<()> {
    jobs::store::remove_of(tx, user)?;
    exports::store::remove_of(tx, user)?;
    reports::store::remove_of(tx, user)?;
    vehicles::store::remove_of(tx, user)
}

/// The rest. Each step may be done again.
#[derive(Debug, Serialize, Deserialize)]
pub struct Erasure {
    user: Uuid,
}

impl Job for Erasure {
    const KIND: &'static str = "erasure";
    const CONCURRENCY: usize = 1;
    const TIME_LIMIT: Duration = Duration::from_hours(1);
    /// For a day: a long export may keep the log from being cut off.
    const ATTEMPTS_MAX: i64 = 30;

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let (app, user) = (&run.app, self.user);
        let plates = plates(app, user).await?;
        let answers = answers(app, user).await?;
        app.db
            .write(user, move |tx| {
                // Reports and reminders that were being written as the account was deleted.
                forget_rows(tx, user)?;
                exports::store::take_back(tx, Export::KIND)
            })
            .await?;
        let exports = exports::remove_expired(app).await?;
        let mails = outbox::remove_forgotten(app).await?;
        scrub(app).await?;
        let done =
            json!({ "plates": plates, "answers": answers, "exports": exports, "mails": mails });
        Ok(Done::with(done))
    }
}

/// Of their bookings, which stay in the books.
async fn plates(app: &App, user: Uuid) -> Result<u64> {
    by_pages(
        app,
        Uuid::nil(),
        move |tx, after| store::page_of_user(tx, user, after, BOOKINGS_AT_ONCE),
        move |tx, span| store::forget_of_user(tx, user, span),
    )
    .await
}

/// Recorded answers that are theirs or tell of them.
async fn answers(app: &App, user: Uuid) -> Result<usize> {
    const KEYS_AT_ONCE: usize = 100;
    let keys = app.db.read(move |tx| idempotency::keys_about(tx, user)).await?;
    for keys in keys.chunks(KEYS_AT_ONCE) {
        let keys = keys.to_vec();
        app.db.write(Uuid::nil(), move |tx| idempotency::remove(tx, &keys)).await?;
    }
    Ok(keys.len())
}

async fn scrub(app: &App) -> Result<(), Failure> {
    let db = app.db.clone();
    let scrubbed = tokio::task::spawn_blocking(move || db.scrub()).await;
    match scrubbed.map_err(|error| Failure::for_now(Cause::Program, error.to_string()))? {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(Failure::for_now(Cause::Storage, "SQLite's log is in use: it is cut off later."))
        }
        Err(error) => Err(Failure::from(Error::from(error))),
    }
}
