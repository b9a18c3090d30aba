//! Everything that is held about a person, as one JSON file.
//!
//! It is read and written a page at a time, as fast as it is taken: what it needs of memory does not
//! grow with the bookings, and no copy of it is left anywhere. [`LISTS`] is what there is in it,
//! [`OwnData`] how it looks.

use bytes::Bytes;
use futures_util::stream::{Stream, unfold};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::store;
use crate::app::App;
use crate::audit::{self, AuditEntry};
use crate::bookings::Booking;
use crate::bookings::store::{Selection, oldest_first};
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids;
use crate::jobs::{self, Task};
use crate::mail::{self, OwnLetter};
use crate::reports::Report;
use crate::users::{self, Profile};
use crate::vehicles::{self, Vehicle};

/// Rows that are read at once.
const ROWS_AT_ONCE: usize = 500;
/// Rows of the audit log that are looked at together for those about one person.
const AUDIT_AT_ONCE: usize = 5000;

/// The file.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnData {
    pub made_at: Timestamp,
    pub profile: Profile,
    pub dates: AccountDates,
    pub vehicles: Vec<Vehicle>,
    /// Also those that have ended, for as long as they are kept.
    pub sessions: Vec<KeptSession>,
    /// The oldest first, like all that follows.
    pub bookings: Vec<Booking>,
    pub reports: Vec<Report>,
    /// By mail and by Google Chat.
    pub letters: Vec<OwnLetter>,
    /// What one asked for, such as exports.
    pub tasks: Vec<Task>,
    /// What one did, and what was done to one's account and bookings.
    pub audit: Vec<OwnEntry>,
}

/// What is noted of an account beside its profile.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AccountDates {
    /// The last sign-in or refresh.
    #[schema(required)]
    pub last_seen_at: Option<Timestamp>,
    /// When it was last told what is new.
    #[schema(required)]
    pub news_sent_at: Option<Timestamp>,
    /// Since when mail to its address is refused.
    #[schema(required)]
    pub mail_refused_at: Option<Timestamp>,
}

/// A sign-in, whether it still holds or not.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct KeptSession {
    pub id: Uuid,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// `null`: it was not ended before it expires.
    #[schema(required)]
    pub ended_at: Option<Timestamp>,
    /// What the browser called itself.
    #[schema(required)]
    pub user_agent: Option<String>,
}

/// A row of the audit log, without what is somebody else's.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnEntry {
    pub at: Timestamp,
    #[schema(example = "account.signed_in")]
    pub action: String,
    /// Whether one did it oneself.
    pub by_oneself: bool,
    #[schema(required, example = "booking")]
    pub subject_kind: Option<String>,
    /// `null`: another person.
    #[schema(required)]
    pub subject_id: Option<Uuid>,
    #[schema(value_type = Object)]
    pub detail: Json,
    /// From where one did it oneself.
    #[schema(required)]
    pub address: Option<String>,
}

impl OwnEntry {
    fn of(user: Uuid, entry: AuditEntry) -> Self {
        let by_oneself = entry.actor.is_some_and(|actor| actor.id == user);
        let is_person = entry.subject_kind.as_deref() == Some("user");
        Self {
            at: entry.at,
            action: entry.action,
            by_oneself,
            subject_kind: entry.subject_kind,
            subject_id: entry.subject_id.filter(|subject| !is_person || *subject == user),
            detail: entry.detail,
            address: entry.address.filter(|_| by_oneself),
        }
    }
}

/// About whom, and as of when.
#[derive(Clone, Copy)]
struct About {
    user: Uuid,
    /// Of the account.
    created_at: Timestamp,
    now: Timestamp,
}

/// Some rows of a list, as they stand in the file.
struct Rows {
    text: String,
    /// Behind which the next are; `None`: there are no more.
    last: Option<Uuid>,
}

impl Rows {
    /// Of rows with their ids.
    fn of<T: Serialize>(rows: impl IntoIterator<Item = (Uuid, T)>) -> Result<Self> {
        let (mut text, mut last) = (String::new(), None);
        for (id, row) in rows {
            if last.is_some() {
                text.push_str(",\n");
            }
            text.push_str(&written(&row)?);
            last = Some(id);
        }
        Ok(Self { text, last })
    }
}

fn written(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::Internal(format!("one's own data cannot be written: {error}")))
}

type Read = fn(&mut Tx<'_>, About, Uuid) -> Result<Rows>;

/// The lists of the file, each by its name and how a page of it behind an id is read.
const LISTS: &[(&str, Read)] = &[
    ("vehicles", |tx, about, after| {
        let vehicles = vehicles::store::of(tx, about.user)?.into_iter();
        // All of them at once: they are few.
        let vehicles = vehicles.filter(|_| after.is_nil());
        Rows::of(vehicles.map(|vehicle| (vehicle.id, vehicle)))
    }),
    ("sessions", |tx, about, after| {
        let sessions = store::sessions(tx, about.user, after, ROWS_AT_ONCE)?;
        Rows::of(sessions.into_iter().map(|session| (session.id, session)))
    }),
    ("bookings", |tx, about, after| {
        let selection = Selection { user: Some(about.user), ..Selection::default() };
        let mut bookings = Vec::new();
        oldest_first(tx, &selection, after, ROWS_AT_ONCE, |booking, _| {
            bookings.push((booking.id, booking.to_booking(about.now)));
            Ok(())
        })?;
        Rows::of(bookings)
    }),
    ("reports", |tx, about, after| Rows::of(store::reports(tx, about.user, after, ROWS_AT_ONCE)?)),
    ("letters", |tx, about, after| {
        Rows::of(mail::store::letters_to(tx, about.user, after, ROWS_AT_ONCE)?)
    }),
    ("tasks", |tx, about, after| {
        let tasks = jobs::store::own_tasks(tx, about.user, after, ROWS_AT_ONCE)?;
        Rows::of(tasks.into_iter().map(|task| (task.id, task)))
    }),
    ("audit", |tx, about, after| {
        let after = after.max(ids::last_id_before(about.created_at));
        let (entries, last) = audit::store::about(tx, about.user, after, AUDIT_AT_ONCE)?;
        let rows = entries.into_iter().map(|entry| (entry.id, OwnEntry::of(about.user, entry)));
        Ok(Rows { last, ..Rows::of(rows)? })
    }),
];

/// Begins the file: what stands before its lists, and the lists to come.
///
/// # Errors
/// 404 when there is no such account any more.
pub async fn begin(app: App, now: Timestamp, user: Uuid) -> Result<(Bytes, Lists)> {
    let read =
        app.db.read(move |tx| Ok((users::store::profile(tx, user)?, store::dates(tx, user)?)));
    let (profile, dates) = read.await?;
    let head = format!(
        "{{\"made_at\":{},\n\"profile\":{},\n\"dates\":{}",
        written(&now)?,
        written(&profile)?,
        written(&dates)?
    );
    let about = About { user, created_at: profile.created_at, now };
    Ok((head.into(), Lists { app, about, list: 0, after: None, is_empty: true }))
}

/// The lists of the file, as far as they are not written yet.
pub struct Lists {
    app: App,
    about: About,
    list: usize,
    /// Of this list; `None`: it has not begun.
    after: Option<Uuid>,
    /// No row of this list is written yet.
    is_empty: bool,
}

impl Lists {
    /// The rest of the file, read as it is taken.
    pub fn pieces(self) -> impl Stream<Item = Result<Bytes>> {
        unfold(self, |mut lists| async move {
            let piece = lists.next().await.transpose()?;
            if let Err(error) = &piece {
                tracing::warn!(%error, "one's own data could not be read to its end");
                lists.list = LISTS.len();
            }
            Some((piece, lists))
        })
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some((name, read)) = LISTS.get(self.list) else { return Ok(None) };
        let (about, after) = (self.about, self.after.unwrap_or_default());
        let rows = self.app.db.read(move |tx| read(tx, about, after)).await?;
        let mut text = String::new();
        if self.after.is_none() {
            text = format!(",\n\"{name}\":[\n");
        }
        if !rows.text.is_empty() {
            text.push_str(if self.is_empty { "" } else { ",\n" });
            text.push_str(&rows.text);
            self.is_empty = false;
        }
        self.after = rows.last;
        if rows.last.is_none() {
            self.list += 1;
            self.is_empty = true;
            text.push_str(if self.list == LISTS.len() { "\n]}\n" } else { "\n]" });
        }
        Ok(Some(text.into()))
    }
}
