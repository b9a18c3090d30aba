//! Health, metrics, live events and the description of the API.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::body::{Json, json};
use super::paging::Page;
use crate::app::App;
use crate::auth::extract::{Admin, ClientAddress};
use crate::config::ShownSetting;
use crate::error::{Error, Problem, Result};
use crate::jobs;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(live))
        .routes(routes!(ready))
        .routes(routes!(metrics))
        .routes(routes!(events))
        .routes(routes!(settings))
}

#[derive(Debug, Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
    /// What is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing: Vec<String>,
}

/// Whether the process runs
#[utoipa::path(get, path = "/health/live", tag = "operations", operation_id = "health_live", responses((status = 200, body = Health)))]
async fn live() -> Json<Health> {
    Json(Health { status: "ok", missing: Vec::new() })
}

/// Whether it can serve
#[utoipa::path(get, path = "/health/ready", tag = "operations", operation_id = "health_ready", responses(
    (status = 200, body = Health),
    (status = 503, body = Health, description = "with what is missing"),
))]
async fn ready(State(app): State<App>) -> Response {
    let mut missing = Vec::new();
    if app.db.has_failed() {
        missing.push("storage has failed".to_owned());
    } else if let Err(error) = can_write(&app).await {
        tracing::warn!(%error, "not ready");
        missing.push("storage".to_owned());
    }
    if missing.is_empty() {
        json(StatusCode::OK, &Health { status: "ok", missing })
    } else {
        json(StatusCode::SERVICE_UNAVAILABLE, &Health { status: "not ready", missing })
    }
}

/// A write lock can be had and a row read; nothing is written.
async fn can_write(app: &App) -> Result<()> {
    app.db
        .write(Uuid::nil(), |tx| {
            Ok(tx.opt("select version from schema_migrations limit 1", &[], |row| {
                row.get::<i64>(0)
            })?)
        })
        .await
        .map(drop)
}

/// Counters for Prometheus, from this machine or with the `METRICS_TOKEN` as bearer
#[utoipa::path(get, path = "/metrics", tag = "operations", operation_id = "metrics", responses(
    (status = 200, body = String, content_type = "application/openmetrics-text"),
    (status = 401, body = Problem, content_type = "application/problem+json"),
))]
async fn metrics(
    State(app): State<App>,
    client: ClientAddress,
    headers: HeaderMap,
) -> Result<Response> {
    use crate::auth::tokens::sha256;
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    let expected = app.config.metrics_token.as_deref();
    let allowed = token
        .zip(expected)
        .is_some_and(|(token, expected)| sha256(token.as_bytes()) == sha256(expected.as_bytes()));
    // What a proxy forwards does not come from this machine, whatever the connection says.
    let direct = !headers.contains_key("x-forwarded-for") && !headers.contains_key("forwarded");
    if !(allowed || client.0.is_loopback() && direct) {
        return Err(Error::Unauthorized("unauthorized"));
    }
    let jobs = app.db.read(jobs::store::counts).await?;
    let mut response = app.metrics.render(&app, jobs).into_response();
    let kind =
        HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    Ok(response)
}

/// The settings of this process and where each comes from; no secret
#[utoipa::path(get, path = "/api/admin/settings", tag = "admin", operation_id = "list_settings", responses(
    (status = 200, body = Page<ShownSetting>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn settings(State(app): State<App>, _: Admin) -> Json<Page<ShownSetting>> {
    Json(Page::whole(app.config.shown.clone()))
}

/// Live counts of lots, as server-sent events
///
/// Event `lot` with data `{id, free_spots, number_of_spots}` within a second of a change; a comment
/// every 15 s. A client that connects again reads the list anew.
#[utoipa::path(get, path = "/api/events", tag = "lots", operation_id = "events", responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = 429, body = Problem, content_type = "application/problem+json", description = "the address has as many streams as it may"),
))]
async fn events(State(app): State<App>, client: ClientAddress) -> Result<Response> {
    const REFUSED: Error = Error::RateLimited { retry_after_seconds: 60 };
    let held = app.streams.take(client.0).ok_or(REFUSED)?;
    Ok(app.live.respond(app.shutdown(), held))
}
