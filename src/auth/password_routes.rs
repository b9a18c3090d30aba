//! Passwords over HTTP: changed, forgotten, chosen anew.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::CurrentUser;
use super::passwords::Password;
use super::reset::{self, PasswordResetRequest};
use super::routes::{Client, note_refusal};
use super::store::{self, Account};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::db::Tx;
use crate::error::{Error, Fields, Problem, Result};
use crate::http::body::Input;
use crate::jobs::New;
use crate::mail::{List, letters};
use crate::users::Email;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::from(Router::new())
        .routes(routes!(change_password))
        .routes(routes!(forgot_password))
        .routes(routes!(reset_password))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PasswordChange {
    current_password: Password,
    new_password: Password,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ForgottenPassword {
    email: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    /// From the link in the mail.
    token: String,
    password: Password,
}

/// Change one's password; every other session ends
#[utoipa::path(post, path = "/api/me/password", tag = "accounts", operation_id = "change_password", request_body = PasswordChange, responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`wrong_password`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn change_password(
    State(app): State<App>,
    user: CurrentUser,
    client: Client,
    input: Input<PasswordChange>,
) -> Result<Response> {
    let Input { value: change, once } = input;
    let account = check_password(&app, &client, user, change.current_password).await?;
    let checked = change.new_password.check_new(&[&account.name, &account.email]);
    let mut fields = Fields::new();
    fields.check("new_password", checked);
    fields.done()?;
    let hash = app.hashers.hash(change.new_password).await?;
    let (app_in, actor) = (app.clone(), client.actor(Some(&user)));
    app.write_once(once, user.id, user.id, StatusCode::NO_CONTENT, move |tx| {
        // A link from a mail may have been used meanwhile.
        store::same_password(tx, &account)?.ok_or(WRONG_PASSWORD)?;
        replace(tx, &app_in, user.id, &hash, Some(user.session), &actor, Action::PasswordChanged)
    })
    .await
}

/// Ask for a mail with a link that lets one choose a new password; the answer is the same whether there is such an account
#[utoipa::path(post, path = "/api/auth/forgot-password", tag = "accounts", operation_id = "forgot_password", request_body = ForgottenPassword, responses(
    (status = 202),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
async fn forgot_password(
    State(app): State<App>,
    client: Client,
    Input { value: forgotten, once }: Input<ForgottenPassword>,
) -> Result<Response> {
    let email: Email =
        forgotten.email.parse().map_err(|message: String| Error::invalid("email", message))?;
    app.limits.attempt(client.address.0, Some(email.as_str())).await?;
    // Whether there is such an account is found out by the job, so that the time of this answer
    // does not tell.
    let new = New::of(&PasswordResetRequest { email: email.as_str().to_owned() });
    let queue = app.queue.clone();
    app.write_once(once, Uuid::nil(), Uuid::nil(), StatusCode::ACCEPTED, move |tx| {
        queue.enqueue(tx, &new).map(drop)
    })
    .await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Choose a new password with the link from the mail; every session ends
#[utoipa::path(post, path = "/api/auth/reset-password", tag = "accounts", operation_id = "reset_password", request_body = NewPassword, responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`invalid_reset_token`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
    (status = 429, body = Problem, content_type = "application/problem+json"),
))]
async fn reset_password(
    State(app): State<App>,
    client: Client,
    Input { value: new, once }: Input<NewPassword>,
) -> Result<Response> {
    const INVALID: Error = Error::Forbidden("invalid_reset_token");
    app.limits.attempt(client.address.0, None).await?;
    let claim = reset::Claim::of(&new.token)?;
    let user = claim.user;
    let account = app.db.read(move |tx| store::account_by_id(tx, user)).await?.ok_or(INVALID)?;
    claim.check(&app.keys.links, &account, app.clock.now())?;
    let mut fields = Fields::new();
    fields.check("password", new.password.check_new(&[&account.name, &account.email]));
    fields.done()?;
    let hash = app.hashers.hash(new.password).await?;
    let (app_in, key) = (app.clone(), app.keys.links);
    let actor = audit::Actor { user: Some(user), ..client.actor(None) };
    app.write_once(once, user, user, StatusCode::NO_CONTENT, move |tx| {
        crate::users::store::lock(tx, user).map_err(|_| INVALID)?;
        // Of two uses at once, the second finds another password.
        let account = store::account_by_id(tx, user)?.ok_or(INVALID)?;
        claim.check(&key, &account, app_in.clock.now())?;
        replace(tx, &app_in, user, &hash, None, &actor, Action::PasswordReset)
    })
    .await
}

/// Gives an account another password: its sessions end, but for `kept`, and its person is told.
fn replace(
    tx: &mut Tx<'_>,
    app: &App,
    user: Uuid,
    hash: &str,
    kept: Option<Uuid>,
    actor: &audit::Actor,
    action: Action,
) -> Result<()> {
    let now = app.clock.now();
    store::set_password(tx, user, hash)?;
    let ended = store::end_sessions(tx, now, user, kept)?;
    audit::store::record(tx, now, actor, action, Some(Subject::User(user)), &json!({}))?;
    app.post.mail(tx, user, List::Account, None, |to| letters::password_changed(to, now))?;
    let (revocations, until) = (app.revocations.clone(), app.tokens.all_expired_after(now));
    tx.on_commit(move |_| revocations.revoke(ended, until));
    Ok(())
}

pub const WRONG_PASSWORD: Error = Error::Forbidden("wrong_password");

/// The signed-in account, once its password has been given.
///
/// # Errors
/// 403 `wrong_password`, limited like sign-in.
pub async fn check_password(
    app: &App,
    client: &Client,
    user: CurrentUser,
    password: Password,
) -> Result<Account> {
    app.limits.attempt(client.address.0, Some(&user.id.to_string())).await?;
    let account = app.db.read(move |tx| store::account_by_id(tx, user.id)).await?;
    let account = account.ok_or(Error::Unauthorized("invalid_token"))?;
    if app.hashers.matches(password, account.password_hash.clone()).await? {
        return Ok(account);
    }
    note_refusal(app, client.actor(Some(&user)), Some(user.id), WRONG_PASSWORD.code()).await?;
    Err(WRONG_PASSWORD)
}
