//! Who did what to what, and when: one row for each sign-in and its failures, each change by the
//! admin and each release by another. No route changes or removes a row, and [`chain`] shows who
//! did it otherwise.

pub mod chain;
pub mod routes;
pub mod store;

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What can happen. The name in the database and the API is the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Registered,
    SignedIn,
    SignInFailed,
    SignedOut,
    SessionsEnded,
    RefreshReplayed,
    PasswordChanged,
    PasswordReset,
    ProfileChanged,
    AccountDeleted,
    AdminClaimed,
    UserDisabled,
    UserEnabled,
    LotCreated,
    LotChanged,
    LotDeleted,
    SpotChanged,
    WalkInBooked,
    BookingReleased,
    BookingReleasedOffline,
    Imported,
    TaskRetried,
    ScheduleRun,
}

impl Action {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Registered => "account.registered",
            Self::SignedIn => "account.signed_in",
            Self::SignInFailed => "account.sign_in_failed",
            Self::SignedOut => "account.signed_out",
            Self::SessionsEnded => "account.sessions_ended",
            Self::RefreshReplayed => "account.refresh_replayed",
            Self::PasswordChanged => "account.password_changed",
            Self::PasswordReset => "account.password_reset",
            Self::ProfileChanged => "account.profile_changed",
            Self::AccountDeleted => "account.deleted",
            Self::AdminClaimed => "admin.claimed",
            Self::UserDisabled => "user.disabled",
            Self::UserEnabled => "user.enabled",
            Self::LotCreated => "lot.created",
            Self::LotChanged => "lot.changed",
            Self::LotDeleted => "lot.deleted",
            Self::SpotChanged => "spot.changed",
            Self::WalkInBooked => "booking.walk_in",
            Self::BookingReleased => "booking.released_by_another",
            Self::BookingReleasedOffline => "booking.released_offline",
            Self::Imported => "import.done",
            Self::TaskRetried => "task.retried",
            Self::ScheduleRun => "schedule.run",
        }
    }
}

/// What an action was done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    User(Uuid),
    Lot(Uuid),
    Spot(Uuid),
    Booking(Uuid),
    Task(Uuid),
}

impl Subject {
    fn parts(self) -> (&'static str, Uuid) {
        match self {
            Self::User(id) => ("user", id),
            Self::Lot(id) => ("lot", id),
            Self::Spot(id) => ("spot", id),
            Self::Booking(id) => ("booking", id),
            Self::Task(id) => ("task", id),
        }
    }
}

/// Who acts, and from where.
#[derive(Debug, Clone, Copy, Default)]
pub struct Actor {
    /// `None`: nobody who is signed in, or the command line.
    pub user: Option<Uuid>,
    pub address: Option<IpAddr>,
}

/// A row of the audit log.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    pub id: Uuid,
    pub at: Timestamp,
    /// `null`: nobody who was signed in, or the command line.
    pub actor: Option<AuditActor>,
    #[schema(example = "lot.changed")]
    pub action: String,
    #[schema(example = "lot")]
    pub subject_kind: Option<String>,
    pub subject_id: Option<Uuid>,
    /// What is worth knowing about this kind of action.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
    /// The client's address.
    pub address: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditActor {
    pub id: Uuid,
    pub name: String,
}
