//! The audit log over HTTP.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{AuditEntry, store};
use crate::app::App;
use crate::auth::extract::Admin;
use crate::error::{Problem, Result};
use crate::http::body::{Json, Query};
use crate::http::paging::{Page, Paging};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Only this action, as in `lot.changed`.
    action: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// The audit log, newest first
#[utoipa::path(get, path = "/api/admin/audit", tag = "admin", operation_id = "list_audit", params(Filter), responses(
    (status = 200, body = Page<AuditEntry>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn list(
    State(app): State<App>,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<AuditEntry>>> {
    let paging = Paging::new(filter.limit, filter.cursor.as_deref())?;
    let page = app.db.read(move |tx| store::list(tx, filter.action.as_deref(), &paging)).await?;
    Ok(Json(page))
}
