//! The queue in SQL.

use std::collections::HashSet;

use jiff::Timestamp;
use serde_json::Value as Json;
use uuid::Uuid;

use super::{AdminTask, New, Task, TaskOwner, TaskStatus};
use crate::db::{Row, Tx, Value};
use crate::error::{Error, Result};
use crate::http::paging::{Page, Paging};
use crate::ids;

/// Adds a job. `None`: there is one with its key.
///
/// # Errors
/// Those of storage.
pub fn insert(tx: &mut Tx<'_>, now: Timestamp, new: &New) -> Result<Option<Uuid>> {
    let payload = new.payload.as_ref().map_err(|error| Error::Internal(error.clone()))?;
    let id = ids::new_id(now);
    let inserted = tx.exec(
        "insert into jobs (id, kind, payload, unique_key, owner_id, status, run_at, attempts, \
         progress, created_at) values ($1, $2, $3, $4, $5, 'queued', $6, 0, 0, $7) \
         on conflict (unique_key) do nothing",
        &[
            id.into(),
            new.kind.into(),
            payload.into(),
            new.key.as_ref().into(),
            new.owner.into(),
            new.at.unwrap_or(now).into(),
            now.into(),
        ],
    )?;
    Ok((inserted == 1).then_some(id))
}

/// The job that has this key.
///
/// # Errors
/// Those of storage.
pub fn with_key(tx: &mut Tx<'_>, key: &str) -> Result<Option<Uuid>> {
    Ok(tx.opt("select id from jobs where unique_key = $1", &[key.into()], |row| row.get(0))?)
}

/// A job like this one of the same owner that was made after `since` and has not failed.
///
/// # Errors
/// Those of storage.
pub fn recent(tx: &mut Tx<'_>, new: &New, since: Timestamp) -> Result<Option<Uuid>> {
    let payload = new.payload.as_ref().map_err(|error| Error::Internal(error.clone()))?;
    Ok(tx.opt(
        "select id from jobs where owner_id = $1 and id >= $2 and kind = $3 and payload = $4 \
         and status <> 'failed' order by id desc limit 1",
        &[new.owner.into(), ids::first_id(since).into(), new.kind.into(), payload.into()],
        |row| row.get(0),
    )?)
}

/// How many jobs of a kind somebody waits for.
///
/// # Errors
/// Those of storage.
pub fn unfinished(tx: &mut Tx<'_>, owner: Uuid, kind: &str) -> Result<i64> {
    Ok(tx.one(
        "select count(*) from jobs where owner_id = $1 and kind = $2 and finished_at is null",
        &[owner.into(), kind.into()],
        |row| row.get(0),
    )?)
}

/// Removes the jobs of a person: what they say of them goes with the account. One that is being
/// done loses its claim.
///
/// # Errors
/// Those of storage.
pub fn remove_of(tx: &mut Tx<'_>, owner: Uuid) -> Result<()> {
    tx.exec("delete from jobs where owner_id = $1", &[owner.into()])?;
    Ok(())
}

/// Removes a job, as its end.
///
/// # Errors
/// Those of storage.
pub fn remove(tx: &mut Tx<'_>, id: Uuid) -> Result<()> {
    tx.exec("delete from jobs where id = $1", &[id.into()])?;
    Ok(())
}

/// Those of `ids` that are jobs.
///
/// # Errors
/// Those of storage.
pub fn known(tx: &mut Tx<'_>, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let mut known = HashSet::new();
    for id in ids {
        known.extend(
            tx.all("select id from jobs where id = $1", &[(*id).into()], |row| row.get::<Uuid>(0))?,
        );
    }
    Ok(known)
}

/// A job that this process may work on.
#[derive(Debug)]
pub struct Claimed {
    pub id: Uuid,
    pub owner: Option<Uuid>,
    pub payload: String,
    pub attempts: i64,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
}

/// Whether there is a due job of one of `kinds`, or one whose worker was lost.
///
/// # Errors
/// Those of storage.
pub fn is_work(tx: &mut Tx<'_>, now: Timestamp, kinds: &[&str]) -> Result<bool> {
    for kind in kinds {
        let due = tx.opt(
            "select id from jobs where status = 'queued' and kind = $1 and run_at <= $2 limit 1",
            &[(*kind).into(), now.into()],
            |row| row.get::<Uuid>(0),
        )?;
        if due.is_some() {
            return Ok(true);
        }
    }
    let lost = tx.opt(
        "select id from jobs where status = 'running' and claimed_until < $1 limit 1",
        &[now.into()],
        |row| row.get::<Uuid>(0),
    )?;
    Ok(lost.is_some())
}

/// Takes up to `count` due jobs of a kind, the longest due first, until `until`.
///
/// # Errors
/// Those of storage.
pub fn claim(
    tx: &mut Tx<'_>,
    now: Timestamp,
    kind: &str,
    count: usize,
    claim: Uuid,
    until: Timestamp,
) -> Result<Vec<Claimed>> {
    // The status is asked for twice: on PostgreSQL another worker may take a row between the inner
    // question and the change, and only the outer condition is looked at again.
    let sql = format!(
        "update jobs set status = 'running', attempts = attempts + 1, claim_id = $1, \
         claimed_until = $2 where status = 'queued' and id in (select id from jobs \
         where status = 'queued' and kind = $3 and run_at <= $4 order by run_at, id limit {count}) \
         returning id, owner_id, payload, attempts, created_at, run_at"
    );
    let mut claimed =
        tx.all(&sql, &[claim.into(), until.into(), kind.into(), now.into()], |row| {
            Ok(Claimed {
                id: row.get(0)?,
                owner: row.get(1)?,
                payload: row.get(2)?,
                attempts: row.get(3)?,
                created_at: row.get(4)?,
                due_at: row.get(5)?,
            })
        })?;
    claimed.sort_by_key(|job| (job.due_at, job.id));
    Ok(claimed)
}

/// Gives jobs whose worker was lost to whoever claims them next.
///
/// # Errors
/// Those of storage.
pub fn requeue_lost(tx: &mut Tx<'_>, now: Timestamp) -> Result<u64> {
    Ok(tx.exec(
        "update jobs set status = 'queued', run_at = $1, claim_id = null, claimed_until = null, \
         error = 'Its worker was lost.' where status = 'running' and claimed_until < $1",
        &[now.into()],
    )?)
}

/// Makes sure that a claim still holds, and that it does until the commit.
///
/// # Errors
/// 409 `claim_lost`
pub fn hold(tx: &mut Tx<'_>, id: Uuid, claim: Uuid) -> Result<()> {
    tx.opt_locked(
        "select id from jobs where id = $1 and claim_id = $2",
        &[id.into(), claim.into()],
        |row| row.get::<Uuid>(0),
    )?
    .map(drop)
    .ok_or(Error::Conflict("claim_lost"))
}

/// Prolongs a claim and notes the progress; says whether the claim still held.
///
/// # Errors
/// Those of storage.
pub fn renew(
    tx: &mut Tx<'_>,
    id: Uuid,
    claim: Uuid,
    until: Timestamp,
    progress: f64,
) -> Result<bool> {
    let renewed = tx.exec(
        "update jobs set claimed_until = $1, progress = $2 where id = $3 and claim_id = $4",
        &[until.into(), progress.into(), id.into(), claim.into()],
    )?;
    Ok(renewed == 1)
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    Succeeded(Json),
    /// Another attempt follows.
    Retry {
        at: Timestamp,
        error: String,
    },
    Failed(String),
    /// It was not this job's fault: the attempt does not count.
    HandedBack,
}

/// Ends an attempt whose claim is held.
///
/// # Errors
/// Those of storage.
pub fn end(tx: &mut Tx<'_>, now: Timestamp, id: Uuid, end: &End) -> Result<()> {
    let free = "claim_id = null, claimed_until = null";
    match end {
        End::Succeeded(result) => {
            let result = (!result.is_null()).then(|| result.to_string());
            tx.exec(
                &format!(
                    "update jobs set status = 'succeeded', progress = 1, result = $1, \
                     error = null, finished_at = $2, {free} where id = $3"
                ),
                &[result.as_deref().into(), now.into(), id.into()],
            )
        }
        End::Retry { at, error } => tx.exec(
            &format!(
                "update jobs set status = 'queued', run_at = $1, error = $2, progress = 0, {free} \
                 where id = $3"
            ),
            &[(*at).into(), error.into(), id.into()],
        ),
        End::Failed(error) => tx.exec(
            &format!(
                "update jobs set status = 'failed', error = $1, finished_at = $2, {free} \
                 where id = $3"
            ),
            &[error.into(), now.into(), id.into()],
        ),
        End::HandedBack => tx.exec(
            &format!(
                "update jobs set status = 'queued', attempts = attempts - 1, progress = 0, {free} \
                 where id = $1"
            ),
            &[id.into()],
        ),
    }?;
    Ok(())
}

/// Lets a failed job be tried again from the beginning.
///
/// # Errors
/// 404; 409 `task_not_failed`.
pub fn retry(tx: &mut Tx<'_>, now: Timestamp, id: Uuid) -> Result<AdminTask> {
    let retried = tx.exec(
        "update jobs set status = 'queued', run_at = $1, attempts = 0, progress = 0, \
         finished_at = null where id = $2 and status = 'failed'",
        &[now.into(), id.into()],
    )?;
    let task = admin_task(tx, id)?;
    if retried == 0 {
        return Err(Error::Conflict("task_not_failed"));
    }
    Ok(task)
}

const TASK: &str = "select j.id, j.kind, j.status, j.progress, j.created_at, j.finished_at, \
     j.result, j.error, j.attempts, j.run_at, u.id, u.name \
     from jobs j left join users u on u.id = j.owner_id";

fn task(row: &Row<'_>) -> Result<AdminTask, crate::db::Error> {
    let result: Option<String> = row.get(6)?;
    let owner: Option<Uuid> = row.get(10)?;
    let owner = match owner {
        Some(id) => Some(TaskOwner { id, name: row.get(11)? }),
        None => None,
    };
    Ok(AdminTask {
        task: Task {
            id: row.get(0)?,
            kind: row.get(1)?,
            status: TaskStatus::of(&row.get::<String>(2)?)?,
            progress: row.get(3)?,
            created_at: row.get(4)?,
            finished_at: row.get(5)?,
            result: result.and_then(|result| serde_json::from_str(&result).ok()),
            error: row.get(7)?,
        },
        attempts: row.get(8)?,
        run_at: row.get(9)?,
        owner,
    })
}

/// # Errors
/// 404
pub fn admin_task(tx: &mut Tx<'_>, id: Uuid) -> Result<AdminTask> {
    let sql = format!("{TASK} where j.id = $1");
    tx.opt(&sql, &[id.into()], task)?.ok_or(Error::NotFound)
}

const FAILED: &str = "An attempt failed. The operator sees why.";

/// A task of its owner.
///
/// # Errors
/// 404, also when it is somebody else's.
pub fn own_task(tx: &mut Tx<'_>, id: Uuid, owner: Uuid) -> Result<Task> {
    let sql = format!("{TASK} where j.id = $1 and j.owner_id = $2");
    let found = tx.opt(&sql, &[id.into(), owner.into()], task)?.ok_or(Error::NotFound)?;
    Ok(without_reason(found.task))
}

/// The reason may tell of the installation.
fn without_reason(task: Task) -> Task {
    let error = task.error.map(|_| FAILED.to_owned());
    Task { error, ..task }
}

/// Tasks of their owner behind `after`, the oldest first, but for letters.
///
/// # Errors
/// Those of storage.
pub fn own_tasks(tx: &mut Tx<'_>, owner: Uuid, after: Uuid, limit: usize) -> Result<Vec<Task>> {
    let sql = format!(
        "{TASK} where j.owner_id = $1 and j.id > $2 and j.kind not in ('mail', 'chat') \
         order by j.id limit {limit}"
    );
    let tasks = tx.all(&sql, &[owner.into(), after.into()], task)?;
    Ok(tasks.into_iter().map(|task| without_reason(task.task)).collect())
}

/// Tasks, the newest first.
///
/// # Errors
/// Those of storage.
pub fn admin_tasks(
    tx: &mut Tx<'_>,
    status: Option<TaskStatus>,
    kind: Option<&str>,
    paging: &Paging,
) -> Result<Page<AdminTask>> {
    let mut sql = format!("{TASK} where j.id < $1");
    let mut params: Vec<Value<'_>> = vec![paging.before().into()];
    for (column, value) in [("status", status.map(TaskStatus::as_str)), ("kind", kind)] {
        if let Some(value) = value {
            params.push(value.into());
            sql.push_str(&format!(" and j.{column} = ${}", params.len()));
        }
    }
    sql.push_str(&format!(" order by j.id desc limit {}", paging.limit_and_one()));
    let rows = tx.all(&sql, &params, task)?;
    Ok(Page::cut(rows, paging, |task| task.task.id))
}

/// How many jobs there are, by kind and status.
///
/// # Errors
/// Those of storage.
pub fn counts(tx: &mut Tx<'_>) -> Result<Vec<(String, TaskStatus, i64)>> {
    Ok(tx.all("select kind, status, count(*) from jobs group by kind, status", &[], |row| {
        Ok((row.get(0)?, TaskStatus::of(&row.get::<String>(1)?)?, row.get(2)?))
    })?)
}

/// Removes some of the jobs that ended before `before`; says how many. A day of reminders is too
/// many for one transaction: bookings would wait for it.
///
/// # Errors
/// Those of storage.
pub fn remove_finished(tx: &mut Tx<'_>, before: Timestamp) -> Result<u64> {
    Ok(tx.exec(
        "delete from jobs where id in \
         (select id from jobs where finished_at < $1 order by finished_at limit 200)",
        &[before.into()],
    )?)
}

/// What a schedule did last.
#[derive(Debug, Clone, Copy)]
pub struct LastRun {
    /// The tick that was last worked off.
    pub tick: Timestamp,
    pub job: Option<Uuid>,
    /// When that job was made, if it is still there.
    pub at: Option<Timestamp>,
}

/// # Errors
/// Those of storage.
pub fn last_run(tx: &mut Tx<'_>, schedule: &str) -> Result<Option<LastRun>> {
    Ok(tx.opt(
        "select s.last_tick_at, s.last_job_id, j.created_at from schedules s \
         left join jobs j on j.id = s.last_job_id where s.name = $1",
        &[schedule.into()],
        |row| Ok(LastRun { tick: row.get(0)?, job: row.get(1)?, at: row.get(2)? }),
    )?)
}

/// Notes that a tick is worked off, by a job or by leaving it out.
///
/// # Errors
/// Those of storage.
pub fn note_tick(
    tx: &mut Tx<'_>,
    schedule: &str,
    tick: Timestamp,
    job: Option<Uuid>,
) -> Result<()> {
    tx.exec(
        "insert into schedules (name, last_tick_at, last_job_id) values ($1, $2, $3) \
         on conflict (name) do update set last_tick_at = excluded.last_tick_at, \
         last_job_id = coalesce(excluded.last_job_id, schedules.last_job_id)",
        &[schedule.into(), tick.into(), job.into()],
    )?;
    Ok(())
}

/// Notes a run by hand. If nothing was noted of the schedule before, its ticks begin after `tick`.
///
/// # Errors
/// Those of storage.
pub fn note_run(tx: &mut Tx<'_>, schedule: &str, tick: Timestamp, job: Uuid) -> Result<()> {
    tx.exec(
        "insert into schedules (name, last_tick_at, last_job_id) values ($1, $2, $3) \
         on conflict (name) do update set last_job_id = excluded.last_job_id",
        &[schedule.into(), tick.into(), job.into()],
    )?;
    Ok(())
}
