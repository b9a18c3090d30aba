//! Signing up, in and out over HTTP; the passwords are in `password_routes.rs`.

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::cookie::{self, Cookie};
use super::extract::ClientAddress;
use super::limits::Remaining;
use super::passwords::Password;
use super::store::{self, Account, Refreshed};
use super::tokens::RefreshToken;
use super::{CurrentUser, Role};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::config::time_zone;
use crate::error::{Error, Fields, Problem, Result};
use crate::http::body::{Input, Json, json as json_response};
use crate::http::idempotency::Once;
use crate::locale::Language;
use crate::mail::{List, letters};
use crate::money::Currency;
use crate::users::{Email, Name};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::from(Router::new())
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(refresh))
        .routes(routes!(logout))
        .routes(routes!(setup))
        .routes(routes!(claim_admin))
}

/// A new account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Registration {
    #[schema(min_length = 1, max_length = 100, example = "Asha Rao")]
    name: String,
    #[schema(example = "asha@example.org")]
    email: String,
    password: Password,
    /// Of mails and reports; by default English.
    language: Option<Language>,
    /// An IANA time zone; by default the installation's.
    #[schema(example = "Asia/Kolkata")]
    time_zone: Option<String>,
}

impl Registration {
    fn check(&self) -> Result<(Name, Email)> {
        let mut fields = Fields::new();
        let name = fields.check("name", self.name.parse::<Name>());
        let email = fields.check("email", self.email.parse::<Email>());
        fields.check("password", self.password.check_new(&[&self.name, &self.email]));
        fields.check("time_zone", self.time_zone.as_deref().map(time_zone).transpose());
        fields.done()?;
        name.zip(email).ok_or_else(|| Error::Internal("a checked field is missing".into()))
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Credentials {
    email: String,
    password: Password,
}

/// The claim of the admin account with the link that the first start printed.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Claim {
    token: String,
    name: String,
    email: String,
    password: Password,
}

/// What the client needs to know before anyone has signed in.
#[derive(Debug, Serialize, ToSchema)]
struct Setup {
    /// Whether this installation has its admin.
    admin_claimed: bool,
    /// The currency of new lots.
    currency: Currency,
    /// The IANA time zone of the installation.
    #[schema(example = "Asia/Kolkata")]
    time_zone: String,
    #[schema(example = "0.1.0")]
    version: String,
    /// Whether reminders by Google Chat need no space of one's own.
    google_chat: bool,
    /// Where the map's tiles are; `null`: the client draws the outlines of the land itself.
    #[schema(required)]
    map: Option<Map>,
}

#[derive(Debug, Serialize, ToSchema)]
struct Map {
    #[schema(example = "https://tiles.example.org/{z}/{x}/{y}.png")]
    tile_url: String,
    /// Whom to name as their source; may be empty.
    attribution: String,
}

/// Signed in: keep the access token in memory; the refresh token is in a cookie.
#[derive(Debug, Serialize, ToSchema)]
struct Session {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: String,
    /// Seconds.
    #[schema(example = 900)]
    expires_in: i64,
    user: SessionUser,
}

#[derive(Debug, Serialize, ToSchema)]
struct SessionUser {
    id: Uuid,
    name: String,
    email: String,
    role: Role,
}

const EMAIL_TAKEN: Error = Error::Conflict("email_taken");

/// Open an account
#[utoipa::path(post, path = "/api/auth/register", tag = "accounts", operation_id = "register", request_body = Registration,
    params(("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 201, body = Session, headers(("Set-Cookie" = String, description = "the refresh token"))),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`email_taken`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
async fn register(
    State(app): State<App>,
    client: Client,
    input: Input<Registration>,
) -> Result<Response> {
    let remaining = app.limits.attempt(client.address.0, None).await?;
    let account = open_account(&app, &client, input.value, Role::User, input.once).await?;
    Ok(with_limit(account, remaining))
}

/// An answer with tokens is never recorded. A repeat of the same registration, by its key, signs
/// in to the account that the first one opened, as long as its password does.
async fn open_account(
    app: &App,
    client: &Client,
    registration: Registration,
    role: Role,
    once: Once,
) -> Result<Response> {
    let (name, email) = registration.check()?;
    let Registration { password, language, time_zone, .. } = registration;
    let hash = app.hashers.hash(password.clone()).await?;
    let post = app.post.clone();
    let (clock, actor, agent) = (app.clock.clone(), client.actor(None), client.agent.clone());
    let token = RefreshToken::new();
    let cookie = cookie::handing_out(app, &token);
    let first_token = token.clone();
    let (account, session) = app
        .once_for_account(once, move |tx, first| {
            let now = clock.now();
            if let Some(id) = first {
                let account = store::account_by_id(tx, id)?.ok_or(EMAIL_TAKEN)?;
                return Ok((id, (account, None)));
            }
            let account = store::insert_account(tx, now, (&name, &email, role), &hash)?;
            let id = account.id;
            let action =
                if role == Role::Admin { Action::AdminClaimed } else { Action::Registered };
            let actor = audit::Actor { user: Some(id), ..actor };
            audit::store::record(tx, now, &actor, action, Some(Subject::User(id)), &json!({}))?;
            store::set_locale(tx, id, language.unwrap_or_default(), time_zone.as_deref())?;
            post.mail(tx, id, List::Account, None, letters::welcome)?;
            let session = store::begin_session(tx, now, id, agent.as_deref(), &first_token)?;
            Ok((id, (account, Some(session))))
        })
        .await?;
    let session = match session {
        Some(session) => session,
        None if app.hashers.matches(password, account.password_hash.clone()).await? => {
            sign_in(app, client, &account, token).await.map_err(|error| match error {
                Error::Unauthorized(_) | Error::Forbidden(_) => EMAIL_TAKEN,
                other => other,
            })?
        }
        // Whoever registered once is not who has the account now.
        None => return Err(EMAIL_TAKEN),
    };
    session_response(app, StatusCode::CREATED, account, session, &cookie)
}

/// Sign in
#[utoipa::path(post, path = "/api/auth/login", tag = "accounts", operation_id = "login", request_body = Credentials, responses(
    (status = 200, body = Session, headers(("Set-Cookie" = String, description = "the refresh token"))),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_credentials`"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`account_disabled`, only with the right password"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
    (status = 503, body = Problem, content_type = "application/problem+json", description = "`busy`: too many sign in at once"),
))]
async fn login(
    State(app): State<App>,
    client: Client,
    Input { value: credentials, .. }: Input<Credentials>,
) -> Result<Response> {
    let email = credentials.email.trim().to_lowercase();
    let remaining = app.limits.attempt(client.address.0, Some(&email)).await?;
    let account = app.db.read(move |tx| store::account_by_email(tx, &email)).await?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let matches = app.hashers.matches(credentials.password, hash).await?;
    let refusal = match &account {
        Some(account) if matches && account.active => None,
        Some(_) if matches => Some(Error::Forbidden("account_disabled")),
        _ => Some(Error::Unauthorized("invalid_credentials")),
    };
    if let Some(refusal) = refusal {
        let whose = account.map(|account| account.id);
        note_refusal(&app, client.actor(None), whose, refusal.code()).await?;
        return Err(refusal);
    }
    let account = account.ok_or(Error::Unauthorized("invalid_credentials"))?;
    let token = RefreshToken::new();
    let cookie = cookie::handing_out(&app, &token);
    let session = sign_in(&app, &client, &account, token).await?;
    let response = session_response(&app, StatusCode::OK, account, session, &cookie)?;
    Ok(with_limit(response, remaining))
}

/// A password that opened nothing is a row of the audit log.
pub(super) async fn note_refusal(
    app: &App,
    actor: audit::Actor,
    whose: Option<Uuid>,
    reason: &'static str,
) -> Result<()> {
    let (clock, subject) = (app.clock.clone(), whose.map(Subject::User));
    let detail = json!({ "reason": reason });
    app.db
        .write(Uuid::nil(), move |tx| {
            audit::store::record(tx, clock.now(), &actor, Action::SignInFailed, subject, &detail)
        })
        .await
}

/// Opens a session for somebody whose password is the account's.
async fn sign_in(
    app: &App,
    client: &Client,
    account: &Account,
    token: RefreshToken,
) -> Result<Uuid> {
    let id = account.id;
    let (clock, agent, account) = (app.clock.clone(), client.agent.clone(), account.clone());
    let actor = audit::Actor { user: Some(id), ..client.actor(None) };
    app.db
        .write(id, move |tx| {
            let now = clock.now();
            let now_is = store::same_password(tx, &account)?;
            if !now_is.ok_or(Error::Unauthorized("invalid_credentials"))?.active {
                return Err(Error::Forbidden("account_disabled"));
            }
            let session = store::begin_session(tx, now, id, agent.as_deref(), &token)?;
            let subject = Some(Subject::User(id));
            audit::store::record(tx, now, &actor, Action::SignedIn, subject, &json!({}))?;
            Ok(session)
        })
        .await
}

/// Exchange the refresh cookie for a new access token and cookie
#[utoipa::path(post, path = "/api/auth/refresh", tag = "accounts", operation_id = "refresh_session", responses(
    (status = 200, body = Session, headers(("Set-Cookie" = String, description = "the next refresh token"))),
    (status = 401, body = Problem, content_type = "application/problem+json", description = "`invalid_refresh_token`"),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`cross_site_request`"),
))]
async fn refresh(State(app): State<App>, client: Client, cookie: Cookie) -> Result<Response> {
    const REFUSED: Error = Error::Unauthorized("invalid_refresh_token");
    let Some(token) = cookie.0 else { return Err(REFUSED) };
    let (clock, actor, next) = (app.clock.clone(), client.actor(None), RefreshToken::new());
    let set_cookie = cookie::handing_out(&app, &next);
    let revocations = app.revocations.clone();
    let until = app.tokens.all_expired_after(clock.now());
    let refreshed = app
        .db
        .write(Uuid::nil(), move |tx| {
            let now = clock.now();
            let refreshed = store::refresh(tx, now, &token, &next)?;
            if let Refreshed::Replayed { user, session } = refreshed {
                let subject = Some(Subject::User(user));
                audit::store::record(
                    tx,
                    now,
                    &actor,
                    Action::RefreshReplayed,
                    subject,
                    &json!({ "session": session }),
                )?;
                let revocations = revocations.clone();
                tx.on_commit(move |_| revocations.revoke([session], until));
            }
            Ok(refreshed)
        })
        .await?;
    match refreshed {
        Refreshed::Session(account, session) => {
            session_response(&app, StatusCode::OK, *account, session, &set_cookie)
        }
        Refreshed::Refused | Refreshed::Replayed { .. } => {
            let mut response = REFUSED.into_response();
            response.headers_mut().insert(header::SET_COOKIE, cookie::clearing(&app));
            Ok(response)
        }
    }
}

/// Sign out: the session ends and the cookie is cleared
#[utoipa::path(post, path = "/api/auth/logout", tag = "accounts", operation_id = "logout", responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`cross_site_request`"),
))]
async fn logout(State(app): State<App>, client: Client, cookie: Cookie) -> Result<Response> {
    if let Some(token) = cookie.0 {
        let (clock, actor) = (app.clock.clone(), client.actor(None));
        let revocations = app.revocations.clone();
        let until = app.tokens.all_expired_after(clock.now());
        app.db
            .write(Uuid::nil(), move |tx| {
                let now = clock.now();
                if let Some((session, user)) = store::end_session(tx, now, &token)? {
                    let actor = audit::Actor { user: Some(user), ..actor };
                    let subject = Some(Subject::User(user));
                    audit::store::record(tx, now, &actor, Action::SignedOut, subject, &json!({}))?;
                    let revocations = revocations.clone();
                    tx.on_commit(move |_| revocations.revoke([session], until));
                }
                Ok(())
            })
            .await?;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, cookie::clearing(&app))]).into_response())
}

/// What the installation is like
#[utoipa::path(get, path = "/api/setup", tag = "operations", operation_id = "setup", responses((status = 200, body = Setup)))]
async fn setup(State(app): State<App>) -> Result<Json<Setup>> {
    let admin_claimed = app.db.read(store::admin_exists).await?;
    Ok(Json(Setup {
        admin_claimed,
        currency: app.config.currency,
        time_zone: app.config.time_zone_name.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        google_chat: app.config.chat_webhook_url.is_some(),
        map: app.config.map_tiles.as_ref().map(|tiles| Map {
            tile_url: tiles.url.clone(),
            attribution: tiles.attribution.clone(),
        }),
    }))
}

/// Become the admin of a new installation
#[utoipa::path(post, path = "/api/setup/claim", tag = "operations", operation_id = "claim_admin", request_body = Claim, responses(
    (status = 201, body = Session),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`invalid_claim_token`"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`admin_exists`, `email_taken`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
))]
async fn claim_admin(
    State(app): State<App>,
    client: Client,
    Input { value: claim, once }: Input<Claim>,
) -> Result<Response> {
    app.limits.attempt(client.address.0, None).await?;
    if app.db.read(store::admin_exists).await? {
        return Err(Error::Conflict("admin_exists"));
    }
    app.claim.check(&claim.token, app.clock.now())?;
    let Claim { name, email, password, .. } = claim;
    let registration = Registration { name, email, password, language: None, time_zone: None };
    open_account(&app, &client, registration, Role::Admin, once).await
}

/// Where a request comes from.
pub struct Client {
    pub address: ClientAddress,
    pub agent: Option<String>,
}

impl Client {
    #[must_use]
    pub fn actor(&self, user: Option<&CurrentUser>) -> audit::Actor {
        self.address.actor(user)
    }
}

impl FromRequestParts<App> for Client {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        const AGENT_MAX: usize = 200;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        let agent = agent.map(|agent| agent.chars().take(AGENT_MAX).collect());
        Ok(Self { address: ClientAddress::from_request_parts(parts, app).await?, agent })
    }
}

fn session_response(
    app: &App,
    status: StatusCode,
    account: Account,
    session: Uuid,
    cookie: &str,
) -> Result<Response> {
    let body = Session {
        access_token: app.tokens.issue(account.id, account.role, session)?,
        token_type: "Bearer".into(),
        expires_in: app.tokens.expires_in_seconds(),
        user: SessionUser {
            id: account.id,
            name: account.name,
            email: account.email,
            role: account.role,
        },
    };
    let mut response = json_response(status, &body);
    let cookie = HeaderValue::try_from(cookie)
        .map_err(|_| Error::Internal("a cookie cannot be written".into()))?;
    response.headers_mut().insert(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `RateLimit` and `RateLimit-Policy` as in the IETF draft on rate limit headers for HTTP.
fn with_limit(mut response: Response, remaining: Option<Remaining>) -> Response {
    if let Some(Remaining { limit, remaining }) = remaining {
        let headers = response.headers_mut();
        let policy = HeaderValue::try_from(format!("\"sign-in\";q={limit};w=60"));
        let left = HeaderValue::try_from(format!("\"sign-in\";r={remaining}"));
        if let (Ok(policy), Ok(left)) = (policy, left) {
            headers.insert("ratelimit-policy", policy);
            headers.insert("ratelimit", left);
        }
    }
    response
}
