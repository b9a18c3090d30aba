//! Exports over HTTP: asked for, and downloaded.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Export, store};
use crate::app::App;
use crate::auth::CurrentUser;
use crate::auth::extract::Admin;
use crate::config;
use crate::error::{Error, Problem, Result};
use crate::http::body::{Id, Input, accepted};
use crate::http::idempotency::Once;
use crate::jobs::{self, Job, New, TaskId};
use crate::users;

/// The same request within this time gives the same task.
const SAME_WITHIN: SignedDuration = SignedDuration::from_mins(1);
/// Unfinished exports of one person.
const UNFINISHED_MAX: i64 = 10;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(create))
        .routes(routes!(create_of_everyone))
        .routes(routes!(download))
}

/// Which of one's own bookings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewExport {
    /// Started at or after.
    from: Option<Timestamp>,
    /// Started before.
    to: Option<Timestamp>,
    /// The IANA time zone of the file's times; by default one's own.
    #[schema(example = "Asia/Kolkata")]
    time_zone: Option<String>,
}

/// Which of everyone's bookings.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAdminExport {
    /// Started at or after.
    from: Option<Timestamp>,
    /// Started before.
    to: Option<Timestamp>,
    lot_id: Option<Uuid>,
    user_id: Option<Uuid>,
    /// The IANA time zone of the file's times; by default one's own.
    #[schema(example = "Asia/Kolkata")]
    time_zone: Option<String>,
}

/// Export one's own bookings as CSV
#[utoipa::path(post, path = "/api/exports", tag = "tasks", operation_id = "create_export", request_body = NewExport,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 202, body = TaskId, headers(("Location" = String, description = "the task"))),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`too_many_exports`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn create(
    State(app): State<App>,
    user: CurrentUser,
    Input { value: new, once }: Input<NewExport>,
) -> Result<Response> {
    let NewExport { from, to, time_zone } = new;
    let wish = Export {
        from,
        to,
        lot: None,
        user: Some(user.id),
        everyone: false,
        time_zone: time_zone.unwrap_or_default(),
    };
    enqueue(&app, user, wish, once).await
}

/// Export everyone's bookings as CSV
#[utoipa::path(post, path = "/api/admin/exports", tag = "admin", operation_id = "create_admin_export", request_body = NewAdminExport,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 202, body = TaskId, headers(("Location" = String, description = "the task"))),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`too_many_exports`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn create_of_everyone(
    State(app): State<App>,
    Admin(admin): Admin,
    Input { value: new, once }: Input<NewAdminExport>,
) -> Result<Response> {
    let NewAdminExport { from, to, lot_id, user_id, time_zone } = new;
    let wish = Export {
        from,
        to,
        lot: lot_id,
        user: user_id,
        everyone: true,
        time_zone: time_zone.unwrap_or_default(),
    };
    enqueue(&app, admin, wish, once).await
}

async fn enqueue(app: &App, user: CurrentUser, mut wish: Export, once: Once) -> Result<Response> {
    if !wish.time_zone.is_empty() {
        let zone = config::time_zone(&wish.time_zone);
        wish.time_zone = zone.map_err(|message| Error::invalid("time_zone", message))?.0;
    }
    if wish.from.zip(wish.to).is_some_and(|(from, to)| from >= to) {
        return Err(Error::invalid("to", "must be after from"));
    }
    let (clock, queue, post) = (app.clock.clone(), app.queue.clone(), app.post.clone());
    let response = app
        .write_once(once, user.id, user.id, StatusCode::ACCEPTED, move |tx| {
            let now = clock.now();
            let mut export = wish.clone();
            // Two requests at once are one after the other.
            users::store::lock(tx, user.id)?;
            if export.time_zone.is_empty() {
                let person = post.recipient(tx, user.id)?.ok_or(Error::NotFound)?;
                export.time_zone = person.time_zone;
            }
            let new = New::of(&export).owned_by(user.id);
            let same = jobs::store::recent(tx, &new, now - SAME_WITHIN)?;
            if let Some(task_id) = same {
                return Ok(TaskId { task_id });
            }
            if jobs::store::unfinished(tx, user.id, Export::KIND)? >= UNFINISHED_MAX {
                return Err(Error::Conflict("too_many_exports"));
            }
            let task_id = queue.enqueue(tx, &new)?;
            let task_id = task_id.ok_or_else(|| Error::Internal("a job was refused".into()))?;
            Ok(TaskId { task_id })
        })
        .await?;
    accepted(response).await
}

/// The file of an export
#[utoipa::path(get, path = "/api/exports/{id}", tag = "tasks", operation_id = "download_export", params(("id" = Uuid, Path)), responses(
    (status = 200, content_type = "text/csv; charset=utf-8", body = String),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "also when it has expired"),
), security(("bearer" = [])))]
async fn download(State(app): State<App>, user: CurrentUser, Id(id): Id) -> Result<Response> {
    let now = app.clock.now();
    let made_at = app.db.read(move |tx| store::own(tx, now, id, user.id)).await?;
    let (bytes, content) = app.files.read(id).await.map_err(|error| match error {
        object_store::Error::NotFound { .. } => Error::NotFound,
        error => Error::Internal(format!("the file of an export: {error}")),
    })?;
    let date = made_at.to_zoned(app.config.time_zone.clone()).date();
    let name = format!("attachment; filename=\"bookings-{date}.csv\"");
    let mut response = Body::from_stream(content).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8"));
    headers.insert(header::CONTENT_LENGTH, bytes.into());
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
