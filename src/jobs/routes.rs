//! Jobs as tasks, and schedules, over HTTP.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::schedule::{self, ScheduleStatus};
use super::{AdminTask, Task, TaskId, TaskStatus, store};
use crate::app::App;
use crate::audit::{self, Action, Subject};
use crate::auth::CurrentUser;
use crate::auth::extract::{Admin, ClientAddress};
use crate::error::{Error, Problem, Result};
use crate::http::body::{Id, Json, NoInput, Query, accepted};
use crate::http::paging::{Page, Paging};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(task))
        .routes(routes!(list))
        .routes(routes!(retry))
        .routes(routes!(schedules))
        .routes(routes!(run))
}

/// A task of one's own
#[utoipa::path(get, path = "/api/tasks/{id}", tag = "tasks", operation_id = "task", params(("id" = Uuid, Path)), responses(
    (status = 200, body = Task),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn task(State(app): State<App>, user: CurrentUser, Id(id): Id) -> Result<Json<Task>> {
    Ok(Json(app.db.read(move |tx| store::own_task(tx, id, user.id)).await?))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Filter {
    status: Option<TaskStatus>,
    /// Only this kind, as in `export`.
    kind: Option<String>,
    limit: Option<i64>,
    cursor: Option<String>,
}

/// Everybody's tasks, the newest first
#[utoipa::path(get, path = "/api/admin/tasks", tag = "admin", operation_id = "list_tasks", params(Filter), responses(
    (status = 200, body = Page<AdminTask>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
    (status = 422, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn list(
    State(app): State<App>,
    _: Admin,
    Query(filter): Query<Filter>,
) -> Result<Json<Page<AdminTask>>> {
    let paging = Paging::new(filter.limit, filter.cursor.as_deref())?;
    let page = app
        .db
        .read(move |tx| store::admin_tasks(tx, filter.status, filter.kind.as_deref(), &paging));
    Ok(Json(page.await?))
}

/// Try a failed task again
#[utoipa::path(post, path = "/api/admin/tasks/{id}/retry", tag = "admin", operation_id = "retry_task",
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 200, body = AdminTask),
    (status = 404, body = Problem, content_type = "application/problem+json"),
    (status = 409, body = Problem, content_type = "application/problem+json", description = "`task_not_failed`"),
), security(("bearer" = [])))]
async fn retry(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Id(id): Id,
    NoInput(once): NoInput,
) -> Result<Response> {
    let (clock, actor, queue) = (app.clock.clone(), client.actor(Some(&admin)), app.queue.clone());
    app.write_once(once, admin.id, id, StatusCode::OK, move |tx| {
        let now = clock.now();
        let task = store::retry(tx, now, id)?;
        let subject = Some(Subject::Task(id));
        let detail = json!({ "kind": task.task.kind });
        audit::store::record(tx, now, &actor, Action::TaskRetried, subject, &detail)?;
        queue.wake_after(tx);
        Ok(task)
    })
    .await
}

/// What is done by the clock
#[utoipa::path(get, path = "/api/admin/schedules", tag = "admin", operation_id = "list_schedules", responses(
    (status = 200, body = Page<ScheduleStatus>),
    (status = 403, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn schedules(State(app): State<App>, _: Admin) -> Result<Json<Page<ScheduleStatus>>> {
    Ok(Json(Page::whole(schedule::all(&app).await?)))
}

/// Run a schedule now
#[utoipa::path(post, path = "/api/admin/schedules/{name}/run", tag = "admin", operation_id = "run_schedule",
    params(("name" = String, Path), ("Idempotency-Key" = Option<String>, Header)), responses(
    (status = 202, body = TaskId),
    (status = 404, body = Problem, content_type = "application/problem+json"),
), security(("bearer" = [])))]
async fn run(
    State(app): State<App>,
    Admin(admin): Admin,
    client: ClientAddress,
    Path(name): Path<String>,
    NoInput(once): NoInput,
) -> Result<Response> {
    let schedule = schedule::named(&name)?;
    let ticks = app.config.ticks(schedule.setting).cloned();
    let (clock, actor, queue) = (app.clock.clone(), client.actor(Some(&admin)), app.queue.clone());
    let begun = app.write_once(once, admin.id, Uuid::nil(), StatusCode::ACCEPTED, move |tx| {
        let now = clock.now();
        let new = (schedule.job)(now).owned_by(admin.id);
        let task_id = queue
            .enqueue(tx, &new)?
            .ok_or_else(|| Error::Internal("a job without a key was there already".into()))?;
        let tick = ticks.as_ref().and_then(|ticks| ticks.at_or_before(now)).unwrap_or(now);
        store::note_run(tx, schedule.name, tick, task_id)?;
        let detail = json!({ "schedule": schedule.name });
        let subject = Some(Subject::Task(task_id));
        audit::store::record(tx, now, &actor, Action::ScheduleRun, subject, &detail)?;
        Ok(TaskId { task_id })
    });
    accepted(begun.await?).await
}
