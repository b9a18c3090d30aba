//! Lots and spots over HTTP.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::catalogue::{Answer, Question};
use super::tariff::MINUTES_MAX;
use super::{AdminSpot, Lot, LotChange, NewLot, Quote, Spot, SpotChange, store};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::auth::CurrentUser;
use crate::auth::extract::{Admin, ClientAddress};
use crate::error::{Error, Problem, Result};
use crate::http::body::{Id, Input, Json, Query, json_text};
use crate::http::paging::Page;
use crate::text;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(lot, change, delete))
        .routes(routes!(spots))
        .routes(routes!(admin_spots))
        .routes(routes!(change_spot))
        .routes(routes!(quote))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Words that all occur in name, city, address or PIN code.
    q: Option<String>,
    /// `latitude,longitude`: the nearest first, each with `distance_m`.
    #[param(example = "18.94,72.83")]
    near: Option<String>,
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Lots, by name or by distance
#[utoipa::path(get, path = "/api/lots", tag = "lots", operation_id = "list_lots",
    params(Filter, ("If-None-Match" = Option<String>, Header)), responses(
    (status = 200, body = Page<Lot>, headers(("ETag" = String))),
    (status = 304, description = "nothing has changed"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
async fn list(State(app): State<App>, request: Request) -> Result<Response> {
    answer_list(&app, &request)
}

fn answer_list<B>(app: &App, request: &axum::http::Request<B>) -> Result<Response> {
    let query = request.uri().query().unwrap_or_default();
    let answer = app.catalogue.list(query, || {
        let query = axum::extract::Query::<Filter>::try_from_uri(request.uri());
        let Filter { q, near, limit, cursor } =
            query.map_err(|error| Error::invalid("query", error.body_text()))?.0;
        Question::new(q.as_deref(), near.as_deref(), limit, cursor.as_deref())
    })?;
    Ok(respond(request.headers(), &answer))
}

/// The answer to what is asked most, the list of lots and a lot, without the way through the
/// router and its extractors: that costs half as much as answering from memory does.
pub fn prepared<B>(app: &App, request: &axum::http::Request<B>) -> Option<Response> {
    if request.method() != Method::GET || request.headers().contains_key(header::ORIGIN) {
        return None;
    }
    let answer = match request.uri().path().strip_prefix("/api/lots")? {
        "" => answer_list(app, request),
        rest => {
            let id = rest.strip_prefix('/').filter(|id| id.len() == 36)?;
            answer_lot(app, request.headers(), Uuid::try_parse(id).ok()?)
        }
    };
    Some(answer.unwrap_or_else(Error::into_response))
}

/// A lot
#[utoipa::path(get, path = "/api/lots/{id}", tag = "lots", operation_id = "lot",
    params(("id" = Uuid, Path), ("If-None-Match" = Option<String>, Header)), responses(
    (status = 200, body = Lot, headers(("ETag" = String))),
    (status = 304, description = "nothing has changed"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
))]
async fn lot(State(app): State<App>, headers: HeaderMap, Id(id): Id) -> Result<Response> {
    answer_lot(&app, &headers, id)
}

fn answer_lot(app: &App, headers: &HeaderMap, id: Uuid) -> Result<Response> {
    Ok(respond(headers, &*app.catalogue.lot(id)?))
}

const HEADERS_AT_MOST: usize = 12;

/// A prepared answer: 304 when the client has it, compressed when it takes that.
fn respond(headers: &HeaderMap, answer: &Answer) -> Response {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let known = text(header::IF_NONE_MATCH).is_some_and(|known| {
        known.split(',').map(str::trim).any(|tag| tag.as_bytes() == answer.etag || tag == "*")
    });
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let gzip = text(header::ACCEPT_ENCODING)
            .filter(|accepted| accepted.contains("gzip"))
            .and_then(|_| answer.gzip());
        let mut response = json_text(StatusCode::OK, gzip.unwrap_or(&answer.plain).clone());
        if gzip.is_some() {
            let gzip = HeaderValue::from_static("gzip");
            response.headers_mut().insert(header::CONTENT_ENCODING, gzip);
        }
        response
    };
    let headers = response.headers_mut();
    // For these, and for those that every answer bears.
    headers.reserve(HEADERS_AT_MOST);
    if let Ok(etag) = HeaderValue::from_maybe_shared(answer.etag.clone()) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    response
}

/// Create a lot and its spots
#[utoipa::path(post, path = "/api/lots", tag = "lots", operation_id = "create_lot", request_body = NewLot,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Lot),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn create(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Input { value: new, once }: Input<NewLot>,
) -> Result<Response> {
    let (details, number_of_spots) = new.check(&app.lot_defaults())?;
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&admin)));
    let catalogue = app.catalogue.clone();
    app.write_once(once, admin.id, Uuid::nil(), StatusCode::CREATED, move |tx| {
        let now = clock.now();
        let row = store::insert(tx, now, &details, number_of_spots, None)?;
        let detail = json!({ "name": details.name, "number_of_spots": number_of_spots });
        let subject = Some(Subject::Lot(row.id));
        audit::store::record(tx, now, &actor, Action::LotCreated, subject, &detail)?;
        let (lot, catalogue) = (row.to_lot(), catalogue.clone());
        tx.on_commit(move |transaction| catalogue.add(&row, transaction));
        Ok(lot)
    })
    .await
}

/// Change a lot
#[utoipa::path(patch, path = "/api/lots/{id}", tag = "lots", operation_id = "change_lot", request_body = LotChange, params(("id" = Uuid, Path)), responses(
    (status = 200, body = Lot),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`spots_occupied`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn change(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Id(id): Id,
    Input { value: change, .. }: Input<LotChange>,
) -> Result<Json<Lot>> {
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&admin)));
    let catalogue = app.catalogue.clone();
    let lot = app
        .db
        .write(id, move |tx| {
            let now = clock.now();
            let before = store::locked(tx, id)?;
            let details = change.check(&before.details)?;
            let number_of_spots = change.number_of_spots.unwrap_or(before.number_of_spots);
            let (row, freed) = store::update(tx, now, &before, &details, number_of_spots)?;
            let detail = json!({
                "name": row.details.name,
                "price_per_hour_minor": [before.details.price.per_hour_minor, row.details.price.per_hour_minor],
                "number_of_spots": [before.number_of_spots, row.number_of_spots],
            });
            let subject = Some(Subject::Lot(id));
            audit::store::record(tx, now, &actor, Action::LotChanged, subject, &detail)?;
            let (lot, catalogue) = (row.to_lot(), catalogue.clone());
            tx.on_commit(move |transaction| catalogue.change(&row, freed, transaction));
            Ok(lot)
        })
        .await?;
    Ok(Json(lot))
}

/// Delete an empty lot; its history stays
#[utoipa::path(delete, path = "/api/lots/{id}", tag = "lots", operation_id = "delete_lot", params(("id" = Uuid, Path)), responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`lot_not_empty`"),
), security(("bearer" = [])))]
async fn delete(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Id(id): Id,
) -> Result<StatusCode> {
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&admin)));
    let catalogue = app.catalogue.clone();
    app.db
        .write(id, move |tx| {
            let now = clock.now();
            let lot = store::delete(tx, now, id)?;
            let detail = json!({ "name": lot.details.name });
            let subject = Some(Subject::Lot(id));
            audit::store::record(tx, now, &actor, Action::LotDeleted, subject, &detail)?;
            let catalogue = catalogue.clone();
            tx.on_commit(move |transaction| catalogue.remove(id, transaction));
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Every spot of a lot
#[utoipa::path(get, path = "/api/lots/{id}/spots", tag = "lots", operation_id = "list_spots", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Page<Spot>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn spots(State(app): State<App>, _: CurrentUser, Id(id): Id) -> Result<Json<Page<Spot>>> {
    let spots = app.db.read(move |tx| store::spots(tx, id)).await?;
    Ok(Json(Page::whole(spots)))
}

/// Every spot of a lot, with its open booking
#[utoipa::path(get, path = "/api/admin/lots/{id}/spots", tag = "admin", operation_id = "list_spots_with_bookings", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Page<AdminSpot>),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn admin_spots(
    State(app): State<App>,
    _: Admin,
    Id(id): Id,
) -> Result<Json<Page<AdminSpot>>> {
    let now = app.clock.now();
    let spots = app.db.read(move |tx| store::admin_spots(tx, now, id)).await?;
    Ok(Json(Page::whole(spots)))
}

/// Relabel a spot, take it out of service or put it back
#[utoipa::path(patch, path = "/api/spots/{id}", tag = "lots", operation_id = "change_spot", request_body = SpotChange, params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminSpot),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`spots_occupied`, `label_taken`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn change_spot(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Id(id): Id,
    Input { value: mut change, .. }: Input<SpotChange>,
) -> Result<Json<AdminSpot>> {
    if let Some(label) = &change.label {
        let label = text::line(label, 1..=20);
        change.label = Some(label.map_err(|message| Error::invalid("label", message))?);
    }
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&admin)));
    let catalogue = app.catalogue.clone();
    let spot = app
        .db
        .write(Uuid::nil(), move |tx| {
            let now = clock.now();
            let (lot, spot, freed) = store::change_spot(tx, now, id, &change)?;
            let detail = json!({ "label": spot.label, "status": spot.status });
            let subject = Some(Subject::Spot(id));
            audit::store::record(tx, now, &actor, Action::SpotChanged, subject, &detail)?;
            let catalogue = catalogue.clone();
            tx.on_commit(move |transaction| catalogue.add_free(lot, freed, transaction));
            Ok(spot)
        })
        .await?;
    Ok(Json(spot))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Stay {
    /// How long the stay is.
    #[param(minimum = 0, maximum = 52_704_000)]
    minutes: i64,
}

/// What a stay would cost
#[utoipa::path(get, path = "/api/lots/{id}/quote", tag = "lots", operation_id = "quote", params(("id" = Uuid, Path), Stay), responses(
    (status = 200, body = Quote),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
async fn quote(
    State(app): State<App>,
    Id(id): Id,
    Query(Stay { minutes }): Query<Stay>,
) -> Result<Json<Quote>> {
    if !(0..=MINUTES_MAX).contains(&minutes) {
        return Err(Error::invalid("minutes", format!("must be 0 to {MINUTES_MAX}")));
    }
    let lot = app.catalogue.details(id).ok_or(Error::NotFound)?;
    Ok(Json(Quote {
        cost_minor: lot.price.cost_minor(SignedDuration::from_mins(minutes)),
        currency: lot.currency,
        lines: lot.price.lines(minutes),
    }))
}
