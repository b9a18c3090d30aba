//! One's own sessions over HTTP: where one is signed in, and the end of it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::extract::ClientAddress;
use super::{CurrentUser, OwnSession, store};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::error::{Error, Problem, Result};
use crate::http::body::{Id, Json};
use crate::http::paging::Page;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, end_others)).routes(routes!(end))
}

/// Where one is signed in, the latest sign-in first
#[utoipa::path(get, path = "/api/me/sessions", tag = "accounts", operation_id = "list_sessions", responses(
    (status = 200, body = Page<OwnSession>),
), security(("bearer" = [])))]
async fn list(State(app): State<App>, user: CurrentUser) -> Result<Json<Page<OwnSession>>> {
    let now = app.clock.now();
    app.db.read(move |tx| store::sessions_of(tx, now, &user)).await.map(Page::whole).map(Json)
}

/// Sign out everywhere else
#[utoipa::path(delete, path = "/api/me/sessions", tag = "accounts", operation_id = "end_other_sessions", responses(
    (status = 204),
), security(("bearer" = [])))]
async fn end_others(
    State(app): State<App>,
    user: CurrentUser,
    client: ClientAddress,
) -> Result<Response> {
    end_sessions(&app, user, client, None).await
}

/// Sign out elsewhere: one session
#[utoipa::path(delete, path = "/api/me/sessions/{id}", tag = "accounts", operation_id = "end_session", params(("id" = Uuid, Path)), responses(
    (status = 204),
    (status = 404, body = Problem, content_type = "application/problem+json", description = "unknown, not one's own, or ended already"),
), security(("bearer" = [])))]
async fn end(
    State(app): State<App>,
    user: CurrentUser,
    client: ClientAddress,
    Id(id): Id,
) -> Result<Response> {
    end_sessions(&app, user, client, Some(id)).await
}

/// Ends one session, or all but the one that asks.
async fn end_sessions(
    app: &App,
    user: CurrentUser,
    client: ClientAddress,
    one: Option<Uuid>,
) -> Result<Response> {
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&user)));
    let revocations = app.revocations.clone();
    let until = app.tokens.all_expired_after(clock.now());
    app.db
        .write(user.id, move |tx| {
            let now = clock.now();
            let ended = match one {
                Some(one) => store::end_one_session(tx, now, user.id, one)?,
                None => store::end_sessions(tx, now, user.id, Some(user.session))?,
            };
            if ended.is_empty() {
                return if one.is_some() { Err(Error::NotFound) } else { Ok(()) };
            }
            let subject = Some(Subject::User(user.id));
            let detail = json!({ "sessions": ended.len() });
            audit::store::record(tx, now, &actor, Action::SessionsEnded, subject, &detail)?;
            let revocations = revocations.clone();
            tx.on_commit(move |_| revocations.revoke(ended, until));
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
