//! One's own profile, and the admin's view of accounts.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::preferences::PreferencesChange;
use super::{AdminUser, Email, Name, Profile, store};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::auth::CurrentUser;
use crate::auth::extract::Admin;
use crate::auth::password_routes::{WRONG_PASSWORD, check_password};
use crate::auth::passwords::Password;
use crate::auth::routes::Client;
use crate::auth::store::{end_sessions, same_password};
use crate::error::{Error, Fields, Problem, Result};
use crate::http::body::{Id, Input, Json, Query};
use crate::http::paging::{Page, Paging};
use crate::privacy::erasure;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(me, change_me, delete_me))
        .routes(routes!(list))
        .routes(routes!(user, change_user))
}

/// Changes to one's profile; a new email needs the current password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ProfileChange {
    name: Option<String>,
    email: Option<String>,
    current_password: Option<Password>,
    preferences: Option<PreferencesChange>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountDeletion {
    password: Password,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UserChange {
    /// Whether they may sign in. `false` ends their sessions.
    active: bool,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    /// Part of a name or an email.
    q: Option<String>,
    active: Option<bool>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// One's own profile
#[utoipa::path(get, path = "/api/me", tag = "accounts", operation_id = "profile", responses(
    (status = 200, body = Profile),
    (status = 401, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn me(State(app): State<App>, user: CurrentUser) -> Result<Json<Profile>> {
    app.db.read(move |tx| store::profile(tx, user.id)).await.map(Json)
}

/// Change one's profile
#[utoipa::path(patch, path = "/api/me", tag = "accounts", operation_id = "change_profile", request_body = ProfileChange, responses(
    (status = 200, body = Profile),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`wrong_password`"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`email_taken`"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn change_me(
    State(app): State<App>,
    user: CurrentUser,
    client: Client,
    Input { value: change, .. }: Input<ProfileChange>,
) -> Result<Json<Profile>> {
    let mut fields = Fields::new();
    let name = fields.check("name", change.name.as_deref().map(str::parse::<Name>).transpose());
    let email = fields.check("email", change.email.as_deref().map(str::parse::<Email>).transpose());
    if change.email.is_some() && change.current_password.is_none() {
        fields.check::<()>("current_password", Err("is needed to change the email".into()));
    }
    let wishes = change.preferences.map(|wishes| wishes.checked(&app.config, &mut fields));
    fields.done()?;
    let checked = match change.current_password {
        Some(password) => Some(check_password(&app, &client, user, password).await?),
        None => None,
    };
    let (name, email) = (name.flatten(), email.flatten());
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&user)));
    let config = app.config.clone();
    let profile = app
        .db
        .write(user.id, move |tx| {
            if let Some(checked) = &checked {
                same_password(tx, checked)?.ok_or(WRONG_PASSWORD)?;
            }
            let mut profile = store::change_profile(tx, user.id, name.as_ref(), email.as_ref())?;
            if let Some(wishes) = &wishes {
                let after = wishes.apply(profile.preferences, &config);
                let after = after.map_err(|(field, message)| Error::invalid(field, message))?;
                store::set_preferences(tx, user.id, &after)?;
                profile.preferences = after;
            }
            if name.is_none() && email.is_none() {
                return Ok(profile);
            }
            let detail = json!({ "name": name.is_some(), "email": email.is_some() });
            let subject = Some(Subject::User(user.id));
            audit::store::record(
                tx,
                clock.now(),
                &actor,
                Action::ProfileChanged,
                subject,
                &detail,
            )?;
            Ok(profile)
        })
        .await?;
    Ok(Json(profile))
}

/// Delete one's account; its bookings stay in the books without the person and the plates
#[utoipa::path(delete, path = "/api/me", tag = "accounts", operation_id = "delete_account", request_body = AccountDeletion, responses(
    (status = 204),
    (status = 403, body = Problem, content_type = "application/problem+json", description = "`wrong_password`"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`open_bookings`, `admin_cannot_be_deleted`"),
), security(("bearer" = [])))]
async fn delete_me(
    State(app): State<App>,
    user: CurrentUser,
    client: Client,
    Input { value: deletion, .. }: Input<AccountDeletion>,
) -> Result<Response> {
    if user.is_admin() {
        return Err(Error::Conflict("admin_cannot_be_deleted"));
    }
    let checked = check_password(&app, &client, user, deletion.password).await?;
    let (clock, actor, queue) = (app.clock.clone(), client.actor(Some(&user)), app.queue.clone());
    let revocations = app.revocations.clone();
    let until = app.tokens.all_expired_after(clock.now());
    app.db
        .write(user.id, move |tx| {
            let now = clock.now();
            same_password(tx, &checked)?.ok_or(WRONG_PASSWORD)?;
            erasure::begin(tx, &queue, now, user.id)?;
            let ended = end_sessions(tx, now, user.id, None)?;
            let subject = Some(Subject::User(user.id));
            audit::store::record(tx, now, &actor, Action::AccountDeleted, subject, &json!({}))?;
            let revocations = revocations.clone();
            tx.on_commit(move |_| revocations.revoke(ended, until));
            Ok(())
        })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Accounts, the newest first
#[utoipa::path(get, path = "/api/admin/users", tag = "admin", operation_id = "list_users", params(Filter), responses(
    (status = 200, body = Page<AdminUser>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn list(
    State(app): State<App>,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<AdminUser>>> {
    let paging = Paging::new(filter.limit, filter.cursor.as_deref())?;
    let Filter { q, active, .. } = filter;
    app.db.read(move |tx| store::list(tx, q.as_deref(), active, &paging)).await.map(Json)
}

/// An account
#[utoipa::path(get, path = "/api/admin/users/{id}", tag = "admin", operation_id = "user", params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = AdminUser),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn user(State(app): State<App>, _: Admin, Id(id): Id) -> Result<Json<AdminUser>> {
    app.db.read(move |tx| store::admin_user_by_id(tx, id)).await.map(Json)
}

/// Disable or enable an account
#[utoipa::path(patch, path = "/api/admin/users/{id}", tag = "admin", operation_id = "change_user", request_body = UserChange, params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = AdminUser),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`admin_cannot_be_disabled`"),
), security(("bearer" = [])))]
async fn change_user(
    State(app): State<App>,
    Admin(admin): Admin,
    client: Client,
    Id(id): Id,
    Input { value: UserChange { active }, .. }: Input<UserChange>,
) -> Result<Json<AdminUser>> {
    let (clock, actor) = (app.clock.clone(), client.actor(Some(&admin)));
    let revocations = app.revocations.clone();
    let until = app.tokens.all_expired_after(clock.now());
    let user = app
        .db
        .write(id, move |tx| {
            let now = clock.now();
            store::set_active(tx, id, active)?;
            if !active {
                let ended = end_sessions(tx, now, id, None)?;
                let revocations = revocations.clone();
                tx.on_commit(move |_| revocations.revoke(ended, until));
            }
            let action = if active { Action::UserEnabled } else { Action::UserDisabled };
            audit::store::record(tx, now, &actor, action, Some(Subject::User(id)), &json!({}))?;
            store::admin_user_by_id(tx, id)
        })
        .await?;
    Ok(Json(user))
}
