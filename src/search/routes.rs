//! The search over HTTP.

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{FOUND_MAX, Found};
use crate::app::App;
use crate::auth::extract::Admin;
use crate::bookings::plate::Plate;
use crate::error::{Problem, Result};
use crate::http::body::{Json, Query};
use crate::http::paging::Paging;
use crate::users::Person;
use crate::{bookings, users};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Question {
    /// A plate, a reference, a name, an email, a place.
    q: String,
}

/// Find lots, bookings and people
#[utoipa::path(get, path = "/api/admin/search", tag = "admin", operation_id = "search", params(Question), responses(
    (status = 200, body = Found),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn search(
    State(app): State<App>,
    _: Admin,
    Query(Question { q }): Query<Question>,
) -> Result<Json<Found>> {
    let q = q.trim().to_owned();
    if q.is_empty() {
        return Ok(Json(Found { lots: Vec::new(), bookings: Vec::new(), users: Vec::new() }));
    }
    let (now, catalogue) = (app.clock.now(), app.catalogue.clone());
    let read = app.db.read(move |tx| {
        // What cannot be a plate or a reference is the beginning of none.
        let bookings = match q.parse::<Plate>() {
            Ok(plate) => bookings::store::find(tx, now, plate.as_str(), FOUND_MAX)?,
            Err(_) => Vec::new(),
        };
        let few = Paging::new(i64::try_from(FOUND_MAX).ok(), None)?;
        let users = users::store::list(tx, Some(&q), None, &few)?.items.into_iter();
        let users = users.map(|user| Person { id: user.id, name: user.name, email: user.email });
        Ok(Found { lots: catalogue.find(&q, FOUND_MAX), bookings, users: users.collect() })
    });
    read.await.map(Json)
}
