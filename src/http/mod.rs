//! HTTP: merges the features' routes under one set of headers, limits and errors.
//!
//! `server.rs` accepts connections, `body.rs` parses requests, `idempotency.rs` does a request
//! once, `paging.rs` cuts lists, `refusal_log.rs` notes what was refused.

pub mod body;
pub mod idempotency;
pub mod metrics;
pub mod operations;
pub mod paging;
pub mod per_address;
mod refusal_log;
mod refusals;
pub mod server;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::BoxError;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures_util::FutureExt;
use tower::ServiceExt;
use tower_http::cors::{AllowOrigin, CorsLayer};
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::extract::{Asking, Peer};
use crate::error::Error;
use crate::http::metrics::RouteMetrics;
use crate::http::refusal_log::RefusalLog;
use crate::traces::context::Parent;
use crate::traces::{self, Kind, Span, Traces};
use crate::{
    audit, auth, bookings, exports, imports, jobs, lots, mail, privacy, reports, search, stats,
    users, vehicles, web,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parking",
        description = "The HTTP API of parking. Amounts are integers in the minor unit of their \
            currency, instants RFC 3339 in UTC, errors problem details (RFC 9457) with a stable `code`. \
            Every `POST` that changes something accepts an `Idempotency-Key`, but for those that come to the \
            same when repeated: an import of a file, and the link that ends mails. Answers that hold tokens \
            are never recorded, so a repeated sign-in is a new one."
    ),
    modifiers(&Bearer),
    tags(
        (name = "accounts", description = "Signing in, and one's own account"),
        (name = "lots", description = "Lots, spots, prices, live counts"),
        (name = "bookings", description = "Parking and releasing"),
        (name = "tasks", description = "What is done in the background"),
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
        .merge(auth::password_routes::router())
        .merge(auth::session_routes::router())
        .merge(users::routes::router())
        .merge(vehicles::routes::router())
        .merge(privacy::routes::router())
        .merge(imports::routes::router())
        .merge(search::routes::router())
        .merge(lots::routes::router())
        .merge(bookings::routes::router())
        .merge(audit::routes::router())
        .merge(jobs::routes::router())
        .merge(exports::routes::router())
        .merge(mail::routes::router())
        .merge(reports::routes::router())
        .merge(stats::routes::router())
        .merge(operations::router())
}

/// The routes, and the document about them.
fn described() -> (Router<App>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = api().split_for_parts();
    refusals::describe(&mut document);
    (routes, document)
}

/// The OpenAPI 3.1 document of the whole API.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().1
}

/// Everything that is served: the prepared answers, the routes, and on every answer the headers
/// that all bear. Not a layer around the router: what is asked most does not pass through it.
#[derive(Clone)]
pub struct Service(Arc<Served>);

struct Served {
    app: App,
    router: Router,
    /// By the paths of the API as they are documented.
    counted: HashMap<String, RouteMetrics>,
    /// Of pages and of paths that there are not.
    other: RouteMetrics,
    page_policy: HeaderValue,
    refusals: RefusalLog,
}

impl Service {
    #[must_use]
    pub fn new(app: App) -> Self {
        let (documented, openapi) = described();
        let paths = openapi.paths.paths.keys();
        let counted = paths.map(|path| (path.clone(), app.metrics.route(path))).collect();
        let other = app.metrics.route(OTHER);
        let document = serde_json::to_string(&openapi).unwrap_or_default();
        let document = Bytes::from(document);
        let mut router = documented
            .route(
                "/api/openapi.json",
                get(move || async move { body::json_text(StatusCode::OK, document) }),
            )
            .merge(web::docs())
            .route("/api/{*rest}", axum::routing::any(unknown))
            .fallback(web::serve)
            .method_not_allowed_fallback(async || Error::MethodNotAllowed);
        if let Some(cors) = cors(&app) {
            router = router.layer(cors);
        }
        let router = router.with_state(app.clone());
        let page_policy = web::page_policy(app.config.map_tiles.as_ref());
        // A policy of checked parts is a header; if not, nothing at all may be loaded.
        let page_policy =
            HeaderValue::try_from(page_policy).unwrap_or(HeaderValue::from_static(web::API_POLICY));
        let refusals = RefusalLog::default();
        Self(Arc::new(Served { app, router, counted, other, page_policy, refusals }))
    }

    /// Answers a request, and counts it.
    pub async fn answer<B>(&self, request: Request<B>, peer: SocketAddr) -> Response
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let started = Instant::now();
        let app = &self.0.app;
        let method = known_method(request.method());
        let path = request.uri().path();
        let route = self.0.route(path);
        let is_page = !path.starts_with("/api/") || path.starts_with("/api/docs");
        let traces = app.traces.as_ref();
        let mut span =
            traces.and_then(|traces| begin(traces, method, route.name(), request.headers()));
        let prepared = lots::routes::prepared(app, &request);
        let mut response = if let Some(response) = prepared {
            response
        } else {
            let (mut request, asking) = (request.map(Body::new), Asking::default());
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(asking.clone());
            let answering = async {
                let response = routed(self.0.router.clone(), request).await;
                self.0.refusals.note(method, route.name(), &response, asking.user());
                response
            };
            traces::within(span.as_ref(), answering).await
        };
        let page_policy = is_page.then_some(&self.0.page_policy);
        put_headers(app, response.headers_mut(), page_policy);
        let status = response.status().as_u16();
        route.answered(method, status, started.elapsed());
        if let Some(span) = &mut span {
            note_status(span, status);
        }
        response
    }
}

/// A handler that panics is a mistake of ours: it costs whoever asked a 500, and nobody else anything.
async fn routed(router: Router, request: Request<Body>) -> Response {
    match AssertUnwindSafe(router.oneshot(request)).catch_unwind().await {
        Ok(answered) => answered.unwrap_or_else(|never| match never {}),
        // The panic itself is in the log by now.
        Err(_) => Error::Internal("a handler panicked".into()).into_response(),
    }
}

impl Served {
    /// The documented path that `path` belongs to, so that clients cannot make up labels.
    fn route(&self, path: &str) -> &RouteMetrics {
        if let Some(known) = self.counted.get(path) {
            return known;
        }
        let is_id = |part: &str| part.len() == 36 && uuid::Uuid::try_parse(part).is_ok();
        if !path.split('/').any(is_id) {
            return &self.other;
        }
        let parts = path.split('/').map(|part| if is_id(part) { "{id}" } else { part });
        self.counted.get(&parts.collect::<Vec<_>>().join("/")).unwrap_or(&self.other)
    }
}

/// The span of a request. It bears no path and no query, which may hold anything. Source:
/// OpenTelemetry, semantic conventions for HTTP spans.
fn begin(traces: &Traces, method: &str, route: &str, headers: &HeaderMap) -> Option<Span> {
    let parent = headers.get("traceparent").and_then(|header| header.to_str().ok());
    let parent = parent.and_then(Parent::of);
    let (method, verb) = if method == OTHER { ("_OTHER", "HTTP") } else { (method, method) };
    let is_documented = route != OTHER;
    let name = || if is_documented { format!("{verb} {route}") } else { verb.to_owned() };
    let mut span = traces.begin(Kind::Server, parent, name)?;
    span.set("http.request.method", method);
    if is_documented {
        span.set("http.route", route);
    }
    Some(span)
}

fn note_status(span: &mut Span, status: u16) {
    span.set("http.response.status_code", i64::from(status));
    if status >= 500 {
        span.failed(&status.to_string());
    }
}

/// The headers that all bear; a page has its policy.
fn put_headers(app: &App, headers: &mut HeaderMap, page_policy: Option<&HeaderValue>) {
    const PLAIN: fn(&'static str) -> HeaderValue = HeaderValue::from_static;
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, PLAIN("nosniff"));
    headers.insert(&RESOURCE_POLICY, PLAIN("same-origin"));
    let policy = page_policy.cloned().unwrap_or(PLAIN(web::API_POLICY));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if page_policy.is_some() {
        headers.insert(header::REFERRER_POLICY, PLAIN("same-origin"));
        headers.insert(&OPENER_POLICY, PLAIN("same-origin"));
    } else {
        headers.entry(header::CACHE_CONTROL).or_insert(PLAIN("no-store"));
    }
    if app.config.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, PLAIN("max-age=31536000"));
    }
}

static OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
static RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

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

/// A path that is not documented, or a method.
const OTHER: &str = "other";

/// A label must not be what a client makes up.
fn known_method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_handler_that_panics_answers_500_and_the_next_request_is_answered() {
        let router = Router::new()
            .route("/wrong", get(async || -> StatusCode { panic!("a mistake of ours") }))
            .route("/right", get(async || StatusCode::NO_CONTENT));
        let mut statuses = vec![];
        for path in ["/wrong", "/right"] {
            let request = Request::get(path).body(Body::empty()).unwrap();
            statuses.push(routed(router.clone(), request).await.status().as_u16());
        }
        assert_eq!(statuses, [500, 204]);
    }
}
