//! One's own data over HTTP.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use futures_util::stream::{StreamExt, once};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::data::{self, OwnData};
use crate::app::App;
use crate::auth::CurrentUser;
use crate::error::{Error, Problem, Result};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(own_data))
}

/// Everything that is held about oneself, as a file
#[utoipa::path(get, path = "/api/me/data", tag = "accounts", operation_id = "own_data", responses(
    (status = 200, body = OwnData, headers(("Content-Disposition" = String, description = "the name of the file"))),
    (status = 401, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn own_data(State(app): State<App>, user: CurrentUser) -> Result<Response> {
    let now = app.clock.now();
    let date = now.to_zoned(app.config.time_zone.clone()).date();
    let (head, lists) = data::begin(app, now, user.id).await?;
    // What fails from here on breaks the answer off.
    let body = Body::from_stream(once(async { Ok::<_, Error>(head) }).chain(lists.pieces()));
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let name = format!("attachment; filename=\"my-parking-data-{date}.json\"");
    if let Ok(name) = HeaderValue::try_from(name) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}
