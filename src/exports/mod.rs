//! Bookings as CSV files: a job writes one, its owner downloads it until it expires.
//!
//! The job reads by keyset and writes as it reads, so the memory it needs does not grow with the
//! rows. `csv.rs` is the form of a file, `files.rs` where files are.

pub mod csv;
pub mod files;
pub mod routes;
pub mod store;

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::bookings::store::{Selection, oldest_first};
use crate::db;
use crate::error::Result;
use crate::ids;
use crate::jobs::{Cause, Done, Failure, Job, Run};
use crate::mail::{List, letters};

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 2000;

/// A file of bookings that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// Started at or after.
    pub from: Option<Timestamp>,
    /// Started before.
    pub to: Option<Timestamp>,
    pub lot: Option<Uuid>,
    pub user: Option<Uuid>,
    /// Of everybody, with a column for the person.
    pub everyone: bool,
    /// The IANA zone of its times.
    pub time_zone: String,
}

/// What a finished export task says.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ExportResult {
    /// Only for the owner, with their token.
    #[schema(example = "/api/exports/019ab0c4-6d5e-7000-8000-000000000000")]
    pub download_url: String,
    pub rows: i64,
    pub bytes: i64,
    pub expires_at: Timestamp,
}

/// The path of an export's file in the API.
#[must_use]
pub fn download_url(id: Uuid) -> String {
    format!("/api/exports/{id}")
}

impl Job for Export {
    const KIND: &'static str = "export";
    const TIME_LIMIT: Duration = Duration::from_hours(1);
    const ATTEMPTS_MAX: i64 = 5;

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let nobodys = || Failure::for_good(Cause::Content, "an export without an owner");
        let owner = run.owner.ok_or_else(nobodys)?;
        let (id, app) = (run.id, run.app.clone());
        let (rows, bytes) = self.write_file(&run).await?;
        let now = app.clock.now();
        let expires_at = now + jiff::SignedDuration::from_hours(app.config.export_kept_hours);
        let post = app.post.clone();
        Ok(Done::and(move |tx| {
            store::insert(tx, now, id, owner, (rows, bytes), expires_at)?;
            post.mail(tx, owner, List::Account, None, |to| {
                letters::export_ready(to, id, rows, expires_at)
            })?;
            let result = ExportResult { download_url: download_url(id), rows, bytes, expires_at };
            Ok(json!(result))
        }))
    }
}

impl Export {
    /// Gives the number of rows and of bytes.
    async fn write_file(&self, run: &Run) -> Result<(i64, i64), Failure> {
        let zone = TimeZone::get(&self.time_zone).map_err(|_| {
            Failure::for_good(Cause::Content, format!("{} is no time zone", self.time_zone))
        })?;
        let (app, everyone) = (&run.app, self.everyone);
        let to = self.to.map_or(run.created_at, |to| to.min(run.created_at));
        let selection =
            Selection { lot: self.lot, user: self.user, to: Some(to), ..Selection::default() };
        let mut file = app.files.create(run.id).await?;
        let survey = app.db.survey(db::TASK_WAITS).await;
        let mut chunk = csv::head(everyone);
        let (mut rows, mut bytes, mut begin) = (0, 0, None);
        // One lower bound and no second one: SQLite might look for the wrong one of two.
        let mut after = self.from.map_or(Uuid::nil(), ids::last_id_before);
        loop {
            bytes += i64::try_from(chunk.len()).unwrap_or_default();
            file.write(chunk).await?;
            let (selection, zone, now) = (selection.clone(), zone.clone(), run.created_at);
            let read = survey.read(move |tx| part(tx, &selection, after, everyone, now, &zone));
            let part = read.await?;
            let Some((last, started_at)) = part.last else { break };
            rows += part.rows;
            after = last;
            let begin = *begin.get_or_insert(part.first_started_at.unwrap_or(started_at));
            run.progress(share(begin, started_at, to));
            chunk = part.text;
        }
        file.finish().await?;
        Ok((rows, bytes))
    }
}

/// How much of a span of time has passed.
fn share(begin: Timestamp, at: Timestamp, end: Timestamp) -> f64 {
    let seconds = |from: Timestamp, to: Timestamp| to.duration_since(from).as_secs_f64();
    seconds(begin, at) / seconds(begin, end).max(1.0)
}

/// Some rows as text.
struct Part {
    text: Vec<u8>,
    rows: i64,
    first_started_at: Option<Timestamp>,
    /// The last row's id and start; `None`: there were no more.
    last: Option<(Uuid, Timestamp)>,
}

fn part(
    tx: &mut crate::db::Tx<'_>,
    selection: &Selection,
    after: Uuid,
    everyone: bool,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Part> {
    let mut rows = csv::Rows::new(everyone, now, zone);
    let mut part = Part { text: Vec::new(), rows: 0, first_started_at: None, last: None };
    oldest_first(tx, selection, after, ROWS_AT_ONCE, |booking, person| {
        rows.add(booking, person)?;
        part.rows += 1;
        part.first_started_at.get_or_insert(booking.started_at);
        part.last = Some((booking.id, booking.started_at));
        Ok(())
    })?;
    part.text = rows.into_text();
    Ok(part)
}

/// Removes what has expired, and files that nobody will ask for; says how many files.
///
/// # Errors
/// Those of storage.
pub async fn remove_expired(app: &App) -> Result<usize> {
    let now = app.clock.now();
    app.db.write(Uuid::nil(), move |tx| store::remove_expired(tx, now)).await?;
    let failed = |error: object_store::Error| crate::Error::Internal(error.to_string());
    // Listed before it is asked what is wanted: a file that begins in between is not looked at.
    let listed = app.files.list().await.map_err(failed)?;
    let wanted = app.db.read(|tx| store::wanted(tx, Export::KIND)).await?;
    app.files.remove_others(listed, &wanted).await.map_err(failed)
}
