//! One's own vehicles over HTTP.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::store::{self, Change};
use super::{Vehicle, check_name};
use crate::app::App;
use crate::auth::CurrentUser;
use crate::bookings::plate::Plate;
use crate::error::{Error, Fields, Problem, Result};
use crate::http::body::{Id, Input, Json, present};
use crate::http::paging::Page;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(change, remove))
}

/// A vehicle of one's own.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewVehicle {
    /// Of any country; case, spaces and hyphens do not matter.
    #[schema(example = "MH 12 AB 1234")]
    plate: String,
    #[schema(max_length = 40)]
    name: Option<String>,
    /// The first is, whatever is said.
    #[serde(default)]
    is_default: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct VehicleChange {
    #[schema(example = "MH 12 AB 1234")]
    plate: Option<String>,
    /// `null`: it has none any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 40)]
    name: Option<Option<String>>,
    is_default: Option<bool>,
}

/// One's own vehicles, the default first
#[utoipa::path(get, path = "/api/me/vehicles", tag = "accounts", operation_id = "list_vehicles", responses(
    (status = 200, body = Page<Vehicle>),
), security(("bearer" = [])))]
async fn list(State(app): State<App>, user: CurrentUser) -> Result<Json<Page<Vehicle>>> {
    app.db.read(move |tx| store::of(tx, user.id)).await.map(Page::whole).map(Json)
}

/// Add a vehicle
#[utoipa::path(post, path = "/api/me/vehicles", tag = "accounts", operation_id = "create_vehicle", request_body = NewVehicle,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Vehicle),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`vehicle_exists`, `too_many_vehicles`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn create(
    State(app): State<App>,
    user: CurrentUser,
    Input { value: new, once }: Input<NewVehicle>,
) -> Result<Response> {
    let mut fields = Fields::new();
    let plate = fields.check("plate", new.plate.parse::<Plate>());
    let name = fields.check("name", check_name(new.name.as_deref())).flatten();
    fields.done()?;
    let plate = plate.ok_or_else(|| Error::Internal("a checked field is missing".into()))?;
    let clock = app.clock.clone();
    app.write_once(once, user.id, user.id, StatusCode::CREATED, move |tx| {
        store::insert(tx, clock.now(), user.id, (&plate, name.as_deref(), new.is_default))
    })
    .await
}

/// Change a vehicle
#[utoipa::path(patch, path = "/api/me/vehicles/{id}", tag = "accounts", operation_id = "change_vehicle", request_body = VehicleChange, params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = Vehicle),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`vehicle_exists`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn change(
    State(app): State<App>,
    user: CurrentUser,
    Id(id): Id,
    Input { value: change, .. }: Input<VehicleChange>,
) -> Result<Json<Vehicle>> {
    let mut fields = Fields::new();
    let plate = change.plate.as_deref().map(str::parse::<Plate>).transpose();
    let plate = fields.check("plate", plate).flatten();
    let name = change.name.map(|name| fields.check("name", check_name(name.as_deref())).flatten());
    fields.done()?;
    let change = Change { plate, name, is_default: change.is_default };
    app.db.write(user.id, move |tx| store::update(tx, user.id, id, &change)).await.map(Json)
}

/// Remove a vehicle; the first of the others becomes the default if it was
#[utoipa::path(delete, path = "/api/me/vehicles/{id}", tag = "accounts", operation_id = "delete_vehicle", params(("id" = uuid::Uuid, Path)), responses(
    (status = 204),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn remove(State(app): State<App>, user: CurrentUser, Id(id): Id) -> Result<Response> {
    app.db.write(user.id, move |tx| store::remove(tx, user.id, id)).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
