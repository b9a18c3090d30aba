//! HTTP: merges the features' routes under one set of headers, limits and errors.
//!
//! `server.rs` accepts connections, `body.rs` parses requests, `idempotency.rs` does a request
//! once, `paging.rs` cuts lists.

pub mod body;
pub mod idempotency;
pub mod metrics;
pub mod operations;
pub mod paging;
pub mod server;

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::error::Error;
use crate::{audit, auth, bookings, lots, users, web};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parking",
        description = "The HTTP API of parking. Amounts are integers in the minor unit of their \
            currency, instants RFC 3339 in UTC, errors problem details (RFC 9457) with a stable `code`. \
            Every `POST` that changes something accepts an `Idempotency-Key`; answers that hold tokens \
            are never recorded, so a repeated sign-in is a new one."
    ),
    modifiers(&Bearer),
    tags(
        (name = "accounts", description = "Signing in, and one's own account"),
        (name = "lots", description = "Lots, spots, prices, live counts"),
        (name = "bookings", description = "Parking and releasing"),
        (name = "admin", description = "For the admin"),
        (name = "operations", description = "For whoever runs the server"),
    )
)]
struct Api;

struct Bearer;

impl utoipa::Modify for Bearer {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .merge(auth::routes::router())
        .merge(users::routes::router())
        .merge(lots::routes::router())
        .merge(bookings::routes::router())
        .merge(audit::routes::router())
        .merge(operations::router())
}

/// The OpenAPI 3.1 document of the whole API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    api().to_openapi()
}

/// Everything that is served.
pub fn router(app: App) -> Router {
    let (routes, openapi) = api().split_for_parts();
    let document = serde_json::to_string(&openapi).unwrap_or_default();
    let document = bytes::Bytes::from(document);
    let routes = routes
        .route(
            "/api/openapi.json",
            get(move || async move { body::json_text(axum::http::StatusCode::OK, document) }),
        )
        .merge(web::docs())
        .route("/api/{*rest}", axum::routing::any(unknown))
        .fallback(web::serve)
        .method_not_allowed_fallback(async || Error::MethodNotAllowed)
        .layer(axum::middleware::from_fn_with_state(app.clone(), around));
    match cors(&app) {
        None => routes.with_state(app),
        Some(cors) => routes.layer(cors).with_state(app),
    }
}

async fn unknown() -> Error {
    Error::NotFound
}

/// Off unless origins are configured; never with cookies.
fn cors(app: &App) -> Option<CorsLayer> {
    let origins = &app.config.cors_origins;
    if origins.is_empty() {
        return None;
    }
    let origins = origins.iter().filter_map(|origin| HeaderValue::try_from(origin).ok());
    Some(
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                HeaderName::from_static("idempotency-key"),
            ])
            .expose_headers([header::RETRY_AFTER, header::ETAG, header::LOCATION]),
    )
}

/// Counts the request and puts the headers on its answer that every answer bears.
async fn around(
    State(app): State<App>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = known_method(request.method());
    let is_api = request.uri().path().starts_with("/api/");
    let is_docs = request.uri().path().starts_with("/api/docs");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let plain = HeaderValue::from_static;
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, plain("nosniff"));
    headers.insert(header::REFERRER_POLICY, plain("same-origin"));
    headers.insert("cross-origin-opener-policy", plain("same-origin"));
    headers.insert("cross-origin-resource-policy", plain("same-origin"));
    let policy = if is_api && !is_docs { web::API_POLICY } else { web::PAGE_POLICY };
    headers.insert(header::CONTENT_SECURITY_POLICY, plain(policy));
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(plain("no-store"));
    }
    if app.config.public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, plain("max-age=31536000"));
    }
    let route = route.as_ref().map_or("page", MatchedPath::as_str);
    app.metrics.request(method, route, response.status().as_u16(), started.elapsed());
    response
}

/// A label must not be what a client makes up.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
