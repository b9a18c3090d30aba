//! `TestApp`: the application on a database of its own, with a clock in hand.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::Response;
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use parking::app::App;
use parking::auth::CurrentUser;
use parking::clock::Clock;
use parking::config::{Config, Vars};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::canaries::{self, Watch};

/// Tells each story twice: on SQLite and on PostgreSQL.
macro_rules! on_both {
    ($($(#[$attribute:meta])* async fn $name:ident($app:ident: TestApp) $body:block)*) => {$(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$attribute])*
            async fn story($app: TestApp) $body

            #[tokio::test]
            async fn sqlite() {
                story(TestApp::sqlite().await).await;
            }

            #[tokio::test]
            async fn postgres() {
                story(TestApp::postgres().await).await;
            }
        }
    )*};
}

pub const PASSWORD: &str = "correct horse battery";

pub struct TestApp {
    pub app: App,
    pub clock: Clock,
    pub folder: TempDir,
    vars: Vars,
    service: parking::http::Service,
    peer: SocketAddr,
    _watch: Watch,
}

impl TestApp {
    pub async fn sqlite() -> Self {
        Self::with(&[]).await
    }

    pub async fn postgres() -> Self {
        Self::on_postgres(&[]).await
    }

    pub async fn on_postgres(settings: &[(&str, &str)]) -> Self {
        let url = postgres_schema().await;
        Self::with(&[&[("DATABASE_URL", url.as_str())], settings].concat()).await
    }

    /// With settings other than the defaults.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        Self::in_folder(tempfile::tempdir().unwrap(), settings).await
    }

    /// On what is in a folder already.
    pub async fn in_folder(folder: TempDir, settings: &[(&str, &str)]) -> Self {
        let mut vars = Vars::from([
            ("DATA_DIR".into(), folder.path().to_str().unwrap().into()),
            ("RATE_LIMIT".into(), "off".into()),
        ]);
        vars.extend(settings.iter().map(|(name, value)| ((*name).into(), (*value).into())));
        let config = Config::from_vars(&vars).unwrap();
        let clock = Clock::manual("2026-11-22T10:00:00Z".parse().unwrap());
        let opening = clock.clone();
        let app = tokio::task::spawn_blocking(move || App::open(config, opening)).await;
        let app = app.unwrap().unwrap();
        let service = parking::http::Service::new(app.clone());
        let watch = Watch::begin(&vars, folder.path());
        let peer = ([192, 0, 2, 1], 40_000).into();
        Self { app, clock, folder, vars, service, peer, _watch: watch }
    }

    /// Another server of the same installation, with the same settings but for these.
    pub async fn replica(&self, settings: &[(&str, &str)]) -> Self {
        let same = self.vars.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let same: Vec<_> = same.collect();
        Self::with(&[&same[..], settings].concat()).await
    }

    /// Another process's view of the same installation.
    pub async fn another(&self) -> App {
        let (config, clock) = (self.app.config.clone(), self.clock.clone());
        tokio::task::spawn_blocking(move || App::open(config, clock)).await.unwrap().unwrap()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn wait_minutes(&self, minutes: i64) {
        self.clock.advance(SignedDuration::from_mins(minutes));
    }

    pub fn nobody(&self) -> Caller<'_> {
        let (id, cookie) = (String::new(), String::new());
        Caller { app: self, token: None, user: None, id, cookie, peer: self.peer }
    }

    /// The admin of this installation, claimed with the link.
    pub async fn admin(&self) -> Caller<'_> {
        let token = self.app.claim.open(self.now());
        let claim = json!({ "token": token, "name": "Admin", "email": "admin@example.org", "password": PASSWORD });
        self.nobody().post("/api/setup/claim", claim).await.signed_in(self, 201)
    }

    /// A new driver called `name`.
    pub async fn driver(&self, name: &str) -> Caller<'_> {
        let email = format!("{name}@example.org");
        let registration = json!({ "name": name, "email": email, "password": PASSWORD });
        self.nobody().post("/api/auth/register", registration).await.signed_in(self, 201)
    }

    pub async fn sign_in(&self, email: &str) -> Caller<'_> {
        let credentials = json!({ "email": email, "password": PASSWORD });
        self.nobody().post("/api/auth/login", credentials).await.signed_in(self, 200)
    }

    pub async fn raw(&self, request: Request<Body>) -> Response {
        self.raw_from(self.peer, request).await
    }

    /// [`TestApp::raw`] from a connection of this address.
    pub async fn raw_from(&self, peer: SocketAddr, request: Request<Body>) -> Response {
        self.service.answer(request, peer).await
    }
}

/// An empty schema of its own in the PostgreSQL that `scripts/with-postgres` started.
pub async fn postgres_schema() -> String {
    let server = std::env::var("TEST_POSTGRES_URL").expect(
        "TEST_POSTGRES_URL is not set: run the tests with `make test-rust`, \
         or with `scripts/with-postgres cargo nextest run`",
    );
    let schema = format!("t{}", parking::ids::new_id(Clock::system().now()).simple());
    let (client, connection) =
        tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("create schema {schema}")).await.unwrap();
    format!("{server}?options=-csearch_path%3D{schema}")
}

/// Somebody who makes requests.
#[derive(Clone)]
pub struct Caller<'a> {
    app: &'a TestApp,
    token: Option<String>,
    /// Whose token is renewed as it expires, as the client does. `None`: it is used as it is.
    user: Option<CurrentUser>,
    pub id: String,
    /// The refresh cookie, as `name=value`.
    pub cookie: String,
    peer: SocketAddr,
}

impl Caller<'_> {
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// Uses this token as it is.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), user: None, ..self.clone() }
    }

    /// With connections from this address.
    pub fn from(&self, address: &str) -> Self {
        Self { peer: (address.parse::<IpAddr>().unwrap(), 40_000).into(), ..self.clone() }
    }

    fn current_token(&self) -> Option<String> {
        let expired = |token: &String| self.app.app.tokens.check(token).is_err();
        match (&self.token, self.user) {
            (Some(token), Some(user)) if expired(token) => {
                Some(self.app.app.tokens.issue(user.id, user.role, user.session).unwrap())
            }
            (token, _) => token.clone(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body.to_string()), &[]).await
    }

    /// A POST without a body.
    pub async fn post_empty(&self, path: &str) -> Answer {
        self.send("POST", path, None, &[]).await
    }

    pub async fn post_once(&self, key: &str, path: &str, body: Value) -> Answer {
        self.send("POST", path, Some(body.to_string()), &[("idempotency-key", key)]).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, Some(body.to_string()), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, &[]).await
    }

    pub async fn delete_with(&self, path: &str, body: Value) -> Answer {
        self.send("DELETE", path, Some(body.to_string()), &[]).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = self.current_token() {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if body.is_some() && headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, Body::from);
        let request = request.body(body).unwrap();
        Answer::read(self.app.raw_from(self.peer, request).await).await
    }

    /// A new lot with spots A01, A02, ... at 60.00 an hour.
    pub async fn new_lot(&self, name: &str, number_of_spots: i64) -> String {
        let lot = json!({ "name": name, "price_per_hour_minor": 6000, "number_of_spots": number_of_spots });
        self.post("/api/lots", lot).await.expect(201)["id"].as_str().unwrap().to_owned()
    }

    pub async fn park(&self, lot: &str) -> Answer {
        self.post("/api/bookings", json!({ "lot_id": lot })).await
    }

    pub async fn park_plate(&self, lot: &str, plate: &str) -> Answer {
        self.post("/api/bookings", json!({ "lot_id": lot, "vehicle_plate": plate })).await
    }

    pub async fn walk_in(&self, lot: &str, plate: &str) -> Answer {
        self.post("/api/admin/bookings", json!({ "lot_id": lot, "vehicle_plate": plate })).await
    }

    pub async fn release(&self, booking: &Value) -> Answer {
        self.post_empty(&format!("/api/bookings/{}/release", text(booking, "id"))).await
    }

    pub async fn free_spots(&self, lot: &str) -> i64 {
        self.get(&format!("/api/lots/{lot}")).await.expect(200)["free_spots"].as_i64().unwrap()
    }

    /// The audit log's actions, the newest first. Only for the admin.
    pub async fn audit_actions(&self) -> Vec<String> {
        let log = self.get("/api/admin/audit?limit=100").await.expect(200);
        items(&log).iter().map(|entry| text(entry, "action").to_owned()).collect()
    }
}

pub fn text<'v>(value: &'v Value, field: &str) -> &'v str {
    value[field].as_str().unwrap_or_else(|| panic!("no text {field} in {value}"))
}

pub fn items(page: &Value) -> &Vec<Value> {
    page["items"].as_array().unwrap_or_else(|| panic!("no items in {page}"))
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub async fn read(response: Response) -> Self {
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let answer = Self { status: parts.status, headers: parts.headers, body };
        if let Some((_, refresh_token)) = answer.cookie().split_once('=') {
            canaries::keep(refresh_token);
        }
        canaries::nothing_secret_in(&String::from_utf8_lossy(&answer.body));
        answer
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        let said = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status.as_u16(), status, "{said}");
        self.json()
    }

    /// A problem as documented: status, code and media type.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{problem}");
        assert_eq!(problem["status"], status);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert!(!text(&problem, "detail").is_empty() && !text(&problem, "title").is_empty());
        problem
    }

    /// A 422 that names exactly these fields.
    #[track_caller]
    pub fn invalid(&self, fields: &[&str]) {
        let problem = self.refused(422, "validation_failed");
        let errors = problem["errors"].as_array().unwrap();
        let named: Vec<_> = errors.iter().map(|error| text(error, "field")).collect();
        assert_eq!(named, fields, "{problem}");
    }

    #[track_caller]
    pub fn signed_in<'a>(&self, app: &'a TestApp, status: u16) -> Caller<'a> {
        let session = self.expect(status);
        Caller {
            app,
            token: Some(text(&session, "access_token").to_owned()),
            user: Some(app.app.tokens.check(text(&session, "access_token")).unwrap()),
            id: text(&session["user"], "id").to_owned(),
            cookie: self.cookie(),
            peer: app.peer,
        }
    }

    /// The cookie that was set, as `name=value`.
    pub fn cookie(&self) -> String {
        self.header("set-cookie").split(';').next().unwrap_or_default().to_owned()
    }
}
