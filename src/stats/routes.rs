//! Statistics over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Span;
use jiff::civil::Date;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::overview::{self, Overview};
use super::own::{OwnStats, own_stats, since};
use super::{Question, Stats};
use crate::app::App;
use crate::auth::CurrentUser;
use crate::auth::extract::Admin;
use crate::db;
use crate::error::{Fields, Problem, Result};
use crate::http::body::{Json, Query, json_text};
use crate::reports::store::{bookings_of, lot_names};

/// What is asked without days.
const DAYS_DEFAULT: i64 = 30;
/// Three years and some days.
const DAYS_MAX: i32 = 1100;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own)).routes(routes!(stats)).routes(routes!(read_overview))
}

/// One's own totals, by month and by lot, of the last 24 months
#[utoipa::path(get, path = "/api/stats", tag = "bookings", operation_id = "own_stats", responses(
    (status = 200, body = OwnStats),
), security(("bearer" = [])))]
async fn own(State(app): State<App>, user: CurrentUser) -> Result<Json<OwnStats>> {
    let now = app.clock.now();
    let span = (since(now, &app.config.time_zone), jiff::Timestamp::MAX);
    let survey = app.db.survey(db::PAGE_WAITS).await;
    let read = survey.read(move |tx| Ok((bookings_of(tx, user.id, span)?, lot_names(tx)?)));
    let (stays, names) = read.await?;
    let zone = (app.config.time_zone_name.as_str(), &app.config.time_zone);
    Ok(Json(own_stats(&stays, &names, zone, now)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Period {
    /// The first day; without it, 30 days in all.
    #[param(value_type = Option<String>, format = Date)]
    from: Option<Date>,
    /// The last day, included; without it, today.
    #[param(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    lot_id: Option<Uuid>,
}

/// Occupancy and revenue by lot, by day and by hour of the week
#[utoipa::path(get, path = "/api/admin/stats", tag = "admin", operation_id = "stats", params(Period), responses(
    (status = 200, body = Stats),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "there never was such a lot"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn stats(State(app): State<App>, _: Admin, Query(period): Query<Period>) -> Result<Response> {
    let now = app.clock.now();
    let today = app.config.time_zone.to_datetime(now).date();
    let to = period.to.unwrap_or(today);
    let before = |days: i64| to.checked_sub(Span::new().days(days)).unwrap_or(Date::MIN);
    let from = period.from.unwrap_or_else(|| before(DAYS_DEFAULT - 1));
    let mut fields = Fields::new();
    let days = to.since(from).map_or(i32::MAX, |span| span.get_days());
    if days < 0 {
        fields.check::<()>("to", Err("must not be before from".into()));
    } else if days > DAYS_MAX {
        fields.check::<()>("from", Err(format!("must be at most {DAYS_MAX} days before to")));
    }
    fields.done()?;
    let question = Question { from, to, lot: period.lot_id };
    let lot = period.lot_id.map_or_else(|| "all".into(), |lot| lot.to_string());
    let answer = async {
        let (zone, name) = (app.config.time_zone.clone(), app.config.time_zone_name.clone());
        let survey = app.db.survey(db::PAGE_WAITS).await;
        survey.read(move |tx| super::answer(tx, now, &zone, &name, question)).await
    };
    let text = app.shared.made_lately(&format!("stats:{from}:{to}:{lot}"), answer).await?;
    Ok(json_text(StatusCode::OK, text))
}

/// How the installation stands, and what needs attention
#[utoipa::path(get, path = "/api/admin/overview", tag = "admin", operation_id = "overview", responses(
    (status = 200, body = Overview),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn read_overview(State(app): State<App>, _: Admin) -> Result<Json<Overview>> {
    overview::read(&app).await.map(Json)
}
