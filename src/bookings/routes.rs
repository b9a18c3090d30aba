//! Bookings over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::plate::Plate;
use super::store::{Driver, Selection};
use super::{AdminBooking, Booking, BookingStatus, store};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::auth::CurrentUser;
use crate::auth::extract::{Admin, ClientAddress};
use crate::error::{Error, Problem, Result};
use crate::http::body::{Id, Input, Json, OptionalInput, Query};
use crate::http::paging::{Page, Paging};
use crate::mail::{List, letters};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(booking))
        .routes(routes!(release))
        .routes(routes!(admin_list, create_walk_in))
}

/// A booking of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewBooking {
    lot_id: Uuid,
    /// Of any country; case, spaces and hyphens do not matter.
    #[schema(example = "MH 12 AB 1234")]
    vehicle_plate: Option<String>,
}

/// A booking for a vehicle whose driver has no account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewWalkIn {
    lot_id: Uuid,
    #[schema(example = "MH 12 AB 1234")]
    vehicle_plate: String,
}

fn parse_plate(text: &str) -> Result<Plate> {
    text.parse().map_err(|message: String| Error::invalid("vehicle_plate", message))
}

/// Park on the first free spot of a lot
#[utoipa::path(post, path = "/api/bookings", tag = "bookings", operation_id = "create_booking", request_body = NewBooking,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Booking),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`lot_full`, `vehicle_already_parked`, `too_many_open_bookings`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn create(
    State(app): State<App>,
    user: CurrentUser,
    Input { value: new, once }: Input<NewBooking>,
) -> Result<Response> {
    let plate = new.vehicle_plate.as_deref().map(str::trim).filter(|plate| !plate.is_empty());
    let plate = plate.map(parse_plate).transpose()?;
    let driver = Driver::User { id: user.id, open_max: app.config.open_bookings_max };
    let (clock, catalogue, lot) = (app.clock.clone(), app.catalogue.clone(), new.lot_id);
    app.write_once(once, user.id, lot, StatusCode::CREATED, move |tx| {
        let now = clock.now();
        let booking = store::book(tx, now, lot, driver, plate.as_ref())?;
        let catalogue = catalogue.clone();
        tx.on_commit(move |transaction| catalogue.add_free(lot, -1, transaction));
        Ok(booking.to_booking(now))
    })
    .await
}

/// Book a spot for a walk-in
#[utoipa::path(post, path = "/api/admin/bookings", tag = "admin", operation_id = "create_walk_in", request_body = NewWalkIn,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Booking),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`lot_full`, `vehicle_already_parked`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn create_walk_in(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Input { value: new, once }: Input<NewWalkIn>,
) -> Result<Response> {
    let plate = parse_plate(&new.vehicle_plate)?;
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&admin)));
    let (catalogue, lot) = (app.catalogue.clone(), new.lot_id);
    app.write_once(once, admin.id, lot, StatusCode::CREATED, move |tx| {
        let now = clock.now();
        let booking = store::book(tx, now, lot, Driver::WalkIn, Some(&plate))?;
        let subject = Some(Subject::Booking(booking.id));
        let detail = json!({ "lot": booking.lot_name, "spot": booking.spot_label });
        audit::store::record(tx, now, &actor, Action::WalkInBooked, subject, &detail)?;
        let catalogue = catalogue.clone();
        tx.on_commit(move |transaction| catalogue.add_free(lot, -1, transaction));
        Ok(booking.to_booking(now))
    })
    .await
}

/// How a booking is released.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Release {
    /// When it was asked for on a device without a network; by default now. Not before the start,
    /// not in the future, and not longer ago than `OFFLINE_RELEASE_MINUTES` allow.
    released_at: Option<Timestamp>,
}

/// Release a booking: the clock stops and the spot is free; again changes nothing
#[utoipa::path(post, path = "/api/bookings/{id}/release", tag = "bookings", operation_id = "release_booking", request_body = Option<Release>,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, body = Booking),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json", description = "`released_at` is too long ago, in the future, or before the start"),
), security(("bearer" = [])))]
async fn release(
    State(app): State<App>,
    user: CurrentUser,
    client: ClientAddress,
    Id(id): Id,
    OptionalInput { value: Release { released_at: asked_at }, once }: OptionalInput<Release>,
) -> Result<Response> {
    let earliest = SignedDuration::from_mins(app.config.offline_release_minutes);
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&user)));
    let (catalogue, post) = (app.catalogue.clone(), app.post.clone());
    app.write_once(once, user.id, id, StatusCode::OK, move |tx| {
        let now = clock.now();
        let mut booking = store::by_id(tx, id)?;
        if !booking.is_open_to(&user) {
            return Err(Error::NotFound);
        }
        if booking.released.is_none() {
            let at = asked_at.map_or(Ok(now), |at| booking.asked_at(at, now, earliest));
            let at = at.map_err(|message| Error::invalid("released_at", message))?;
            let (released_at, cost_minor) = booking.release(at);
            if let Some(closed) = store::close(tx, &mut booking, released_at, cost_minor)? {
                if let Some(owner) = booking.user_id
                    && closed.wants_receipt
                {
                    post.mail(tx, owner, List::Receipts, None, |to| {
                        letters::receipt(to, &booking)
                    })?;
                }
                let by_another = booking.user_id != Some(user.id);
                if by_another || at < now {
                    let action = if by_another {
                        Action::BookingReleased
                    } else {
                        Action::BookingReleasedOffline
                    };
                    let subject = Some(Subject::Booking(id));
                    let (lot, spot) = (&booking.lot_name, &booking.spot_label);
                    let detail = json!({ "lot": lot, "spot": spot, "released_at": released_at });
                    audit::store::record(tx, now, &actor, action, subject, &detail)?;
                }
                let (catalogue, lot) = (catalogue.clone(), booking.lot_id);
                tx.on_commit(move |transaction| catalogue.add_free(lot, 1, transaction));
            }
        }
        Ok(booking.to_booking(now))
    })
    .await
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    status: Option<BookingStatus>,
    /// Started at or after.
    from: Option<Timestamp>,
    /// Started before.
    to: Option<Timestamp>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// One's own bookings, the newest first
#[utoipa::path(get, path = "/api/bookings", tag = "bookings", operation_id = "list_bookings", params(Filter), responses(
    (status = 200, body = Page<Booking>),
    (status = 401, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn list(
    State(app): State<App>,
    user: CurrentUser,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<Booking>>> {
    let paging = Paging::new(filter.limit, filter.cursor.as_deref())?;
    let Filter { status, from, to, .. } = filter;
    let selection = Selection { user: Some(user.id), status, from, to, ..Selection::default() };
    let page = app.db.read(move |tx| store::list(tx, &selection, &paging)).await?;
    let now = app.clock.now();
    let items = page.items.iter().map(|booking| booking.to_booking(now)).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// A booking
#[utoipa::path(get, path = "/api/bookings/{id}", tag = "bookings", operation_id = "booking", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Booking),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn booking(State(app): State<App>, user: CurrentUser, Id(id): Id) -> Result<Json<Booking>> {
    let booking = app.db.read(move |tx| store::by_id(tx, id)).await?;
    if !booking.is_open_to(&user) {
        return Err(Error::NotFound);
    }
    Ok(Json(booking.to_booking(app.clock.now())))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct AdminFilter {
    lot_id: Option<Uuid>,
    user_id: Option<Uuid>,
    status: Option<BookingStatus>,
    /// The beginning of a plate.
    plate: Option<String>,
    /// Started at or after.
    from: Option<Timestamp>,
    /// Started before.
    to: Option<Timestamp>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Everyone's bookings, the newest first
#[utoipa::path(get, path = "/api/admin/bookings", tag = "admin", operation_id = "list_all_bookings", params(AdminFilter), responses(
    (status = 200, body = Page<AdminBooking>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn admin_list(
    State(app): State<App>,
    _: Admin,
    Query(filter): Query<AdminFilter>,
) -> Result<Json<Page<AdminBooking>>> {
    let paging = Paging::new(filter.limit, filter.cursor.as_deref())?;
    let AdminFilter { lot_id, user_id, status, plate, from, to, .. } = filter;
    // What cannot be a plate is the beginning of none.
    let plate = plate
        .filter(|plate| !plate.trim().is_empty())
        .map(|plate| plate.parse::<Plate>().map_or(plate, |plate| plate.as_str().to_owned()));
    let selection = Selection { lot: lot_id, user: user_id, status, plate, from, to };
    let now = app.clock.now();
    let page = app.db.read(move |tx| store::admin_list(tx, now, &selection, &paging)).await?;
    Ok(Json(page))
}
