//! Reports over HTTP, as figures and as PDF.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Month, OperatorReport, Report, pages, store};
use crate::app::App;
use crate::auth::CurrentUser;
use crate::auth::extract::Admin;
use crate::error::{Error, Problem, Result};
use crate::http::body::Json;
use crate::http::paging::Page;
use crate::mail::Recipient;
use crate::pdf::{self, Document};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(report))
        .routes(routes!(report_pdf))
        .routes(routes!(operator_list))
        .routes(routes!(operator_report))
        .routes(routes!(operator_pdf))
}

/// A month that there is a report of.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ReportedMonth {
    #[schema(example = "2026-10")]
    pub month: String,
    pub created_at: Timestamp,
}

async fn months(app: &App, user: Option<Uuid>) -> Result<Json<Page<ReportedMonth>>> {
    let months = app.db.read(move |tx| store::months(tx, user)).await?;
    let months = months.into_iter().map(|(month, created_at)| ReportedMonth { month, created_at });
    Ok(Json(Page::whole(months.collect())))
}

/// The months that there are reports of, the newest first
#[utoipa::path(get, path = "/api/reports", tag = "bookings", operation_id = "list_reports", responses(
    (status = 200, body = Page<ReportedMonth>),
), security(("bearer" = [])))]
async fn list(State(app): State<App>, user: CurrentUser) -> Result<Json<Page<ReportedMonth>>> {
    months(&app, Some(user.id)).await
}

/// One's own month, as it was reported
#[utoipa::path(get, path = "/api/reports/{month}", tag = "bookings", operation_id = "report", params(("month" = String, Path, example = "2026-10")), responses(
    (status = 200, body = Report),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn report(
    State(app): State<App>,
    user: CurrentUser,
    Path(month): Path<String>,
) -> Result<Json<Report>> {
    let month: Month = month.parse()?;
    let id = Some(user.id);
    app.db.read(move |tx| store::report(tx, id, &month.to_string())).await.map(Json)
}

/// One's own month as PDF
#[utoipa::path(get, path = "/api/reports/{month}/pdf", tag = "bookings", operation_id = "report_pdf", params(("month" = String, Path, example = "2026-10")), responses(
    (status = 200, content_type = "application/pdf", body = Vec<u8>),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn report_pdf(
    State(app): State<App>,
    user: CurrentUser,
    Path(month): Path<String>,
) -> Result<Response> {
    let month: Month = month.parse()?;
    let (reader, report) = read::<Report>(&app, user.id, Some(user.id), month).await?;
    let document = pages::report_document(&reader.locale, &reader.name, month, &report);
    draw(document, format!("parking-{month}.pdf")).await
}

/// The months that the operator has reports of, the newest first
#[utoipa::path(get, path = "/api/admin/reports", tag = "admin", operation_id = "list_operator_reports", responses(
    (status = 200, body = Page<ReportedMonth>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn operator_list(State(app): State<App>, _: Admin) -> Result<Json<Page<ReportedMonth>>> {
    months(&app, None).await
}

/// The operator's month, as it was reported
#[utoipa::path(get, path = "/api/admin/reports/{month}", tag = "admin", operation_id = "operator_report", params(("month" = String, Path, example = "2026-10")), responses(
    (status = 200, body = OperatorReport),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn operator_report(
    State(app): State<App>,
    _: Admin,
    Path(month): Path<String>,
) -> Result<Json<OperatorReport>> {
    let month: Month = month.parse()?;
    app.db.read(move |tx| store::report(tx, None, &month.to_string())).await.map(Json)
}

/// The operator's month as PDF
#[utoipa::path(get, path = "/api/admin/reports/{month}/pdf", tag = "admin", operation_id = "operator_report_pdf", params(("month" = String, Path, example = "2026-10")), responses(
    (status = 200, content_type = "application/pdf", body = Vec<u8>),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn operator_pdf(
    State(app): State<App>,
    Admin(admin): Admin,
    Path(month): Path<String>,
) -> Result<Response> {
    let month: Month = month.parse()?;
    let (reader, report) = read::<OperatorReport>(&app, admin.id, None, month).await?;
    let document = pages::operator_document(&reader.locale, month, &report);
    draw(document, format!("parking-operations-{month}.pdf")).await
}

/// A report, and whoever reads it.
async fn read<T: serde::de::DeserializeOwned + Send + 'static>(
    app: &App,
    reader: Uuid,
    user: Option<Uuid>,
    month: Month,
) -> Result<(Recipient, T)> {
    let post = app.post.clone();
    app.db
        .read(move |tx| {
            let reader = post.recipient(tx, reader)?.ok_or(Error::NotFound)?;
            Ok((reader, store::report(tx, user, &month.to_string())?))
        })
        .await
}

/// Laying out takes a while of one processor, so it is done beside the requests.
async fn draw(document: Document<'static>, name: String) -> Result<Response> {
    let drawn = tokio::task::spawn_blocking(move || pdf::draw(&document)).await;
    let bytes = drawn.map_err(|error| Error::Internal(error.to_string()))?;
    let bytes = bytes.map_err(Error::Internal)?;
    let mut response = (StatusCode::OK, bytes).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}
