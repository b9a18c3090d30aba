//! What was sent, for the admin; and the end of what somebody no longer wants.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{List, SentMail, links, store};
use crate::app::App;
use crate::auth::extract::Admin;
use crate::error::{Error, Problem, Result};
use crate::http::body::{Id, Json, Query};
use crate::http::paging::{Page, Paging};
use crate::jobs::TaskStatus;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(mail))
        .routes(routes!(unsubscribe, unsubscribe_page))
}

/// A mail with what it says.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct WholeMail {
    #[serde(flatten)]
    pub mail: SentMail,
    /// A whole page; show it without scripts and away from this origin.
    pub html: String,
    pub text: String,
}

/// How mail goes out, and what is waiting.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MailPage {
    /// `null`: mails are files in `DATA_DIR/outbox`.
    #[schema(required, example = "mail.example.org:587")]
    pub server: Option<String>,
    #[serde(flatten)]
    pub page: Page<SentMail>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    status: Option<TaskStatus>,
    /// Only to this person.
    user_id: Option<Uuid>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Mails, the newest first
#[utoipa::path(get, path = "/api/admin/mails", tag = "admin", operation_id = "list_mails", params(Filter), responses(
    (status = 200, body = MailPage),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn list(
    State(app): State<App>,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<MailPage>> {
    let paging = Paging::new(filter.limit, filter.cursor.as_deref())?;
    let page = app.db.read(move |tx| store::list(tx, filter.status, filter.user_id, &paging));
    let page = page.await?;
    Ok(Json(MailPage { server: app.mailer.server(), page }))
}

/// A mail with what it says; without a mail server also with its secret links, because somebody has to pass them on
#[utoipa::path(get, path = "/api/admin/mails/{id}", tag = "admin", operation_id = "mail", params(("id" = Uuid, Path)), responses(
    (status = 200, body = WholeMail),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn mail(State(app): State<App>, _: Admin, Id(id): Id) -> Result<Json<WholeMail>> {
    let post = app.post.clone();
    let found = app.db.read(move |tx| {
        let (sent, mail) = store::by_id(tx, id)?;
        let to = post.recipient(tx, mail.to)?;
        Ok((sent, mail, to))
    });
    let (sent, mail, to) = found.await?;
    let to = to.ok_or(Error::NotFound)?;
    let with_secrets = app.mailer.server().is_none();
    let pages = mail.pages(&app, &to, sent.created_at, with_secrets).await?;
    Ok(Json(WholeMail { mail: sent, html: pages.html, text: pages.text }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Unsubscribing {
    /// From the link in a mail.
    token: String,
}

/// What is not sent any more.
#[derive(Debug, Serialize, ToSchema)]
struct Unsubscribed {
    list: List,
}

/// End one kind of mail, by the link in it (RFC 8058); the body does not matter
#[utoipa::path(post, path = "/api/unsubscribe", tag = "accounts", operation_id = "unsubscribe", params(Unsubscribing), responses(
    (status = 200, body = Unsubscribed),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`invalid_unsubscribe_token`"),
))]
async fn unsubscribe(
    State(app): State<App>,
    Query(Unsubscribing { token }): Query<Unsubscribing>,
) -> Result<Json<Unsubscribed>> {
    let (user, list) = links::check_unsubscribe_token(&app.keys.links, &token)?;
    app.db.write(user, move |tx| store::unsubscribe(tx, user, list)).await?;
    Ok(Json(Unsubscribed { list }))
}

/// The page that asks whether to end one kind of mail: programs that look into mails follow links, so a GET changes nothing
#[utoipa::path(get, path = "/api/unsubscribe", tag = "accounts", operation_id = "unsubscribe_page", params(Unsubscribing), responses(
    (status = 303, description = "to the page"),
))]
async fn unsubscribe_page(Query(Unsubscribing { token }): Query<Unsubscribing>) -> Response {
    // Only what a token can be made of goes into a header.
    let token: String =
        token.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let page = format!("/unsubscribe#token={token}");
    (StatusCode::SEE_OTHER, [(header::LOCATION, page)]).into_response()
}
