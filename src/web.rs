//! The web client, embedded in the binary, and the browsable reference of the API.

use axum::Router;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::app::App;
use crate::config::MapTiles;
use crate::error::Error;

/// Nothing that the API answers is a page.
pub const API_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// The policy of a page: no script but our own files, nothing from elsewhere but the map's tiles.
/// Component libraries set styles inline.
#[must_use]
pub fn page_policy(map_tiles: Option<&MapTiles>) -> String {
    let tiles = map_tiles.map(|tiles| format!(" {}", tiles.origin)).unwrap_or_default();
    format!(
        "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data:{tiles}; connect-src 'self'; font-src 'self'; object-src 'none'; \
         base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )
}

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/frontend/dist"]
#[allow_missing = true]
struct Client;

/// The reference under `/api/docs/`: Swagger UI from the binary, nothing from elsewhere.
pub fn docs() -> Router<App> {
    let config = Config::from("/api/openapi.json").validator_url("none").use_base_layout();
    SwaggerUi::new("/api/docs").config(config).into()
}

/// A file of the client, or its page: the client knows its own routes.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return Error::MethodNotAllowed.into_response();
    }
    let path = uri.path().trim_start_matches('/');
    let is_asset = path.starts_with("assets/");
    match find(path, &headers) {
        Some(file) => respond(path, file, &headers, is_asset),
        None if is_asset => Error::NotFound.into_response(),
        None => match find("index.html", &headers) {
            Some(file) => respond("index.html", file, &headers, false),
            None => (
                StatusCode::NOT_FOUND,
                "This binary holds no web client. Build it with: make build",
            )
                .into_response(),
        },
    }
}

/// The file and how it is encoded: compressed when the client takes that and the build made it.
fn find(path: &str, headers: &HeaderMap) -> Option<(EmbeddedFile, Option<&'static str>)> {
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let accepted = accepted.unwrap_or_default();
    for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz")] {
        if accepted.contains(encoding)
            && let Some(file) = Client::get(&format!("{path}{suffix}"))
        {
            return Some((file, Some(encoding)));
        }
    }
    Client::get(path).map(|file| (file, None))
}

fn respond(
    path: &str,
    (file, encoding): (EmbeddedFile, Option<&'static str>),
    headers: &HeaderMap,
    immutable: bool,
) -> Response {
    let hash = crate::auth::tokens::encode(&file.metadata.sha256_hash()[..12]);
    let etag = format!("\"{hash}\"");
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let mut response = if known.is_some_and(|known| known.contains(&etag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let body = match file.data {
            std::borrow::Cow::Borrowed(bytes) => bytes::Bytes::from_static(bytes),
            std::borrow::Cow::Owned(bytes) => bytes.into(),
        };
        body.into_response()
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type(path)));
    headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if let Some(encoding) = encoding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    let caching = if immutable { "public, max-age=31536000, immutable" } else { "no-cache" };
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
