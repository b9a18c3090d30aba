//! One error for everything a request can end with, and its one envelope: RFC 9457 problem
//! details with a stable machine `code`. Internal causes are logged here and never answered.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::db;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// 400: the body is not JSON, a query parameter cannot be read.
    #[error("malformed: {0}")]
    Malformed(String),
    /// 401, with the reason as a code.
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    /// 401 `invalid_token`: this installation never made that token.
    #[error("forged token")]
    ForgedToken,
    /// 403: signed in, but not allowed to.
    #[error("forbidden: {0}")]
    Forbidden(&'static str),
    /// 404: unknown, or somebody else's.
    #[error("not found")]
    NotFound,
    /// 405: the path knows no such method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// 408: the body did not come in time.
    #[error("timed out")]
    TimedOut,
    /// 409: the state forbids it.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    #[error("too large")]
    TooLarge,
    /// 415: the body is of another type than this one.
    #[error("not {0}")]
    UnsupportedMediaType(&'static str),
    /// 422: fields are invalid.
    #[error("invalid: {0:?}")]
    Invalid(Vec<FieldError>),
    /// 422: an idempotency key came again with another body.
    #[error("idempotency key reused")]
    IdempotencyKeyReused,
    #[error("rate limited")]
    RateLimited { retry_after_seconds: u64 },
    /// 503: more work is waiting than is sensible to queue.
    #[error("busy")]
    Busy,
    /// 503 or 500: the database did not do it.
    #[error(transparent)]
    Storage(#[from] db::Error),
    /// 500: a mistake of ours.
    #[error("internal: {0}")]
    Internal(String),
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field's name, with a dot between levels.
    #[schema(example = "tariff.increment_minutes")]
    pub field: String,
    #[schema(example = "must be between 1 and 1440")]
    pub message: String,
}

impl FieldError {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// The envelope of every error: RFC 9457.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A name for the kind of problem; `about:blank` when the code says it all.
    #[serde(rename = "type")]
    pub kind: String,
    #[schema(example = "Conflict")]
    pub title: String,
    #[schema(example = 409)]
    pub status: u16,
    /// For people, in English.
    pub detail: String,
    /// For programs: stable.
    #[schema(example = "lot_full")]
    pub code: String,
    /// Only with `validation_failed`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Error {
    /// One invalid field.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, message)])
    }

    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) | Self::ForgedToken => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::TimedOut => StatusCode::REQUEST_TIMEOUT,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Invalid(_) | Self::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Busy
            | Self::Storage(
                db::Error::Unavailable(_)
                | db::Error::Overloaded
                | db::Error::Fatal(_)
                | db::Error::Repeat(_)
                | db::Error::Unique(_),
            ) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Storage(db::Error::Query(_)) | Self::Internal(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    /// The stable machine code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "malformed",
            Self::Unauthorized(code) | Self::Forbidden(code) | Self::Conflict(code) => code,
            Self::ForgedToken => "invalid_token",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TimedOut => "timed_out",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType(_) => "unsupported_media_type",
            Self::Invalid(_) => "validation_failed",
            Self::IdempotencyKeyReused => "idempotency_key_reused",
            Self::RateLimited { .. } => "rate_limited",
            Self::Busy
            | Self::Storage(db::Error::Overloaded | db::Error::Repeat(_) | db::Error::Unique(_)) => {
                "busy"
            }
            Self::Storage(db::Error::Unavailable(_) | db::Error::Fatal(_)) => "storage_unavailable",
            Self::Storage(db::Error::Query(_)) | Self::Internal(_) => "internal",
        }
    }

    fn detail(&self) -> String {
        match self {
            Self::Malformed(reason) => return reason.clone(),
            Self::UnsupportedMediaType(expected) => return format!("Send the body as {expected}."),
            _ => {}
        }
        match self.code() {
            "validation_failed" => "Some fields are not valid.",
            "not_found" => "There is no such thing, or it is not yours.",
            "unauthorized" => "Sign in first.",
            "invalid_token" => {
                "The access token is not valid any more. Refresh it or sign in again."
            }
            "invalid_credentials" => "The email or the password is wrong.",
            "invalid_refresh_token" => "The session has ended. Sign in again.",
            "account_disabled" => "This account is disabled. Ask the operator.",
            "forbidden" => "Only the admin may do this.",
            "cross_site_request" => "The request comes from another site.",
            "wrong_password" => "The current password is wrong.",
            "invalid_claim_token" => {
                "The link is not valid any more. Restart the server for a new one."
            }
            "admin_exists" => "This installation has its admin already.",
            "admin_cannot_be_deleted" => "The admin account cannot be deleted.",
            "admin_cannot_be_disabled" => "The admin account cannot be disabled.",
            "email_taken" => "There is an account with this email already.",
            "lot_full" => "No spot is free in this lot.",
            "lot_not_empty" => "Vehicles are still parked in this lot.",
            "invalid_reset_token" => "The link is not valid any more. Ask for a new one.",
            "invalid_unsubscribe_token" => "The link is not one of ours.",
            "too_many_exports" => "Wait until your other exports are finished.",
            "task_not_failed" => "Only a task that has failed can be tried again.",
            "spots_occupied" => "Vehicles are parked on the spots that would go.",
            "label_taken" => "Another spot of the lot bears this label.",
            "vehicle_already_parked" => "This vehicle is parked already.",
            "too_many_open_bookings" => "You have as many open bookings as are allowed at once.",
            "vehicle_exists" => "You have a vehicle with this plate already.",
            "too_many_vehicles" => "You have as many vehicles as an account may have.",
            "open_bookings" => "Release your open bookings first.",
            "idempotency_key_in_flight" => "The same request is being worked on.",
            "idempotency_key_reused" => "This Idempotency-Key was used with another body.",
            "method_not_allowed" => "The path knows no such method.",
            "timed_out" => "The request did not arrive in time.",
            "too_large" => "The request body is too large.",
            "rate_limited" => "Too many attempts. Wait a moment.",
            "busy" => "Too much is going on right now. Try again in a moment.",
            "storage_unavailable" => "The data cannot be written right now. Nothing was changed.",
            "internal" => "Something went wrong on our side. It has been noted.",
            _ => "The request cannot be done.",
        }
        .to_owned()
    }

    /// What is answered for this error.
    #[must_use]
    pub fn problem(&self) -> Problem {
        let status = self.status();
        Problem {
            kind: "about:blank".into(),
            title: status.canonical_reason().unwrap_or("Error").into(),
            status: status.as_u16(),
            detail: self.detail(),
            code: self.code().into(),
            errors: if let Self::Invalid(errors) = self { errors.clone() } else { Vec::new() },
        }
    }

    /// [`Error::code`], but for what is nobody's business but the operator's.
    fn known_as(&self) -> &'static str {
        match self {
            Self::ForgedToken => "forged_token",
            _ => self.code(),
        }
    }

    fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::RateLimited { retry_after_seconds } => Some(*retry_after_seconds),
            _ if self.status() == StatusCode::SERVICE_UNAVAILABLE => Some(1),
            _ => None,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::Internal(_) | Self::Storage(db::Error::Query(_)) => {
                tracing::error!(error = %self, "request failed");
            }
            Self::Storage(_) => tracing::warn!(error = %self, "storage did not do a command"),
            _ => {}
        }
        let body = serde_json::to_vec(&self.problem()).unwrap_or_default();
        let mut response = (self.status(), body).into_response();
        response.extensions_mut().insert(Refused(self.known_as()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Goes with the answer to a refused request, for the log: why it was refused.
#[derive(Debug, Clone, Copy)]
pub struct Refused(pub &'static str);

/// Gathers what is wrong with the fields of one request, so that all of it is said at once.
#[derive(Debug, Default)]
pub struct Fields(Vec<FieldError>);

impl Fields {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value, or `None` with the reason noted.
    pub fn check<T>(&mut self, field: &str, value: Result<T, String>) -> Option<T> {
        match value {
            Ok(value) => Some(value),
            Err(message) => {
                self.0.push(FieldError::new(field, message));
                None
            }
        }
    }

    /// # Errors
    /// [`Error::Invalid`] when anything was noted.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}
