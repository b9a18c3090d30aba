//! Work that is done after the request that caused it.
//!
//! A [`Job`] is put into the [`Queue`] in the transaction of the change that causes it, so it
//! happens exactly if that change does. `worker.rs` claims due jobs and does them, in `parking
//! serve` or in any number of `parking worker`; `store.rs` is the queue in SQL, `schedule.rs` puts
//! jobs into it by the clock, `routes.rs` shows them as tasks.
//!
//! A job may be started more than once: when its process dies, its claim runs out and another
//! takes it. What it changes in the database through [`Run::write`] and [`Done`] counts only while
//! the claim holds, so that happens once.

pub mod routes;
pub mod schedule;
pub mod store;
pub mod worker;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::Notify;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::clock::Clock;
use crate::db::{self, Tx};
use crate::error::{Error, Result};

/// What has to be done, as it is stored, and how it is done.
pub trait Job: Serialize + DeserializeOwned + Send + 'static {
    /// The name in the database, the API and the metrics.
    const KIND: &'static str;
    /// How many of them one process does at the same time.
    const CONCURRENCY: usize = 2;
    /// One attempt may not take longer.
    const TIME_LIMIT: Duration = Duration::from_mins(10);
    /// How often it is tried before it has failed.
    const ATTEMPTS_MAX: i64 = 8;
    /// The wait after the first failed attempt. It doubles with each, up to [`RETRY_AFTER_MAX`].
    const RETRY_AFTER: Duration = Duration::from_secs(10);

    /// Does it. May be called again after a crash, with the same [`Run::id`].
    fn run(self, run: Run) -> impl Future<Output = Result<Done, Failure>> + Send;
}

pub const RETRY_AFTER_MAX: Duration = Duration::from_hours(1);

/// A kind of job, as the worker knows it.
pub struct Kind {
    pub name: &'static str,
    pub concurrency: usize,
    pub time_limit: Duration,
    pub attempts_max: i64,
    pub retry_after: Duration,
    start: fn(Run) -> BoxFuture<'static, Result<Done, Failure>>,
}

impl Kind {
    #[must_use]
    pub const fn of<J: Job>() -> Self {
        Self {
            name: J::KIND,
            concurrency: J::CONCURRENCY,
            time_limit: J::TIME_LIMIT,
            attempts_max: J::ATTEMPTS_MAX,
            retry_after: J::RETRY_AFTER,
            start: start::<J>,
        }
    }

    /// The wait after attempt number `attempts`, counted from one.
    fn wait_after(&self, attempts: i64) -> Duration {
        let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
        self.retry_after.saturating_mul(1 << doublings).min(RETRY_AFTER_MAX)
    }
}

fn start<J: Job>(run: Run) -> BoxFuture<'static, Result<Done, Failure>> {
    Box::pin(async move {
        let job: J = serde_json::from_str(&run.payload).map_err(|error| {
            let reason = format!("the job cannot be read by this version: {error}");
            Failure::for_good(Cause::Version, reason)
        })?;
        job.run(run).await
    })
}

/// A change that is committed together with the end of a job; it may be run more than once before.
type Change = Box<dyn FnMut(&mut Tx<'_>) -> Result<Json> + Send>;

/// A job's good end: what it still changes, and its result.
pub struct Done(Change);

impl Done {
    #[must_use]
    pub fn nothing() -> Self {
        Self::with(Json::Null)
    }

    #[must_use]
    pub fn with(result: Json) -> Self {
        Self::and(move |_| Ok(result.clone()))
    }

    /// The job is removed: what it says is about somebody who is gone, or need not be kept.
    #[must_use]
    pub fn forgotten(run: &Run) -> Self {
        let id = run.id;
        Self::and(move |tx| store::remove(tx, id).map(|()| Json::Null))
    }

    /// `change` counts exactly if the job does, and gives its result.
    pub fn and(change: impl FnMut(&mut Tx<'_>) -> Result<Json> + Send + 'static) -> Self {
        Self(Box::new(change))
    }
}

/// What kind of reason an attempt failed for. The log has it instead of the reason, which may repeat an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The database did not do it.
    Storage,
    /// A mistake of ours.
    Program,
    /// It took too long.
    Time,
    /// Its worker ended, again and again.
    Worker,
    /// Another version made the job.
    Version,
    /// The files of exports, or the outbox, take nothing.
    Files,
    /// Whom it is sent to is not reached, or not trusted.
    Connection,
    /// Whom it is sent to says no.
    Answer,
    /// What it is about is of no use: an address, a setting, a link that has expired.
    Content,
}

/// Why an attempt failed.
pub struct Failure {
    cause: Cause,
    /// In words, for the admin.
    reason: String,
    /// Whether another attempt makes sense.
    again: bool,
    change: Option<Change>,
}

impl Failure {
    pub fn for_now(cause: Cause, reason: impl Into<String>) -> Self {
        Self { cause, reason: reason.into(), again: true, change: None }
    }

    pub fn for_good(cause: Cause, reason: impl Into<String>) -> Self {
        Self { again: false, ..Self::for_now(cause, reason) }
    }

    /// What is changed together with the failure.
    #[must_use]
    pub fn and(
        mut self,
        mut change: impl FnMut(&mut Tx<'_>) -> Result<()> + Send + 'static,
    ) -> Self {
        self.change = Some(Box::new(move |tx| change(tx).map(|()| Json::Null)));
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let cause = match error {
            Error::Storage(db::Error::Query(_)) => Cause::Program,
            Error::Storage(_) => Cause::Storage,
            _ => Cause::Program,
        };
        Self::for_now(cause, error.to_string())
    }
}

/// An attempt at a job.
#[derive(Clone)]
pub struct Run {
    pub app: App,
    /// The job's, the same at every attempt.
    pub id: Uuid,
    pub owner: Option<Uuid>,
    pub created_at: Timestamp,
    claim: Uuid,
    payload: Arc<str>,
    /// The bits of an `f64`.
    progress: Arc<AtomicU64>,
}

impl Run {
    /// How much is done, 0 to 1; whoever waits sees it within a second or two.
    pub fn progress(&self, part: f64) {
        self.progress.store(part.clamp(0.0, 1.0).to_bits(), Ordering::Relaxed);
    }

    /// A change on the way, which counts only while this attempt does.
    ///
    /// # Errors
    /// 409 `claim_lost` when another worker has taken over; those of `change`.
    pub async fn write<T: Send + 'static>(
        &self,
        mut change: impl FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (id, claim) = (self.id, self.claim);
        self.app
            .db
            .write(id, move |tx| {
                store::hold(tx, id, claim)?;
                change(tx)
            })
            .await
    }
}

/// A job on its way into the queue.
pub struct New {
    kind: &'static str,
    payload: Result<String, String>,
    key: Option<String>,
    owner: Option<Uuid>,
    at: Option<Timestamp>,
}

impl New {
    pub fn of<J: Job>(job: &J) -> Self {
        let payload = serde_json::to_string(job).map_err(|error| error.to_string());
        Self { kind: J::KIND, payload, key: None, owner: None, at: None }
    }

    /// Not made while a job with this key is remembered.
    #[must_use]
    pub fn once(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Who may see how it goes.
    #[must_use]
    pub fn owned_by(mut self, user: Uuid) -> Self {
        self.owner = Some(user);
        self
    }

    /// Not done before.
    #[must_use]
    pub fn not_before(mut self, instant: Timestamp) -> Self {
        self.at = Some(instant);
        self
    }
}

/// Where jobs are put: cheap to clone.
#[derive(Clone)]
pub struct Queue {
    clock: Clock,
    /// Wakes the worker of this process; those of others look every second.
    wake: Arc<Notify>,
}

impl Queue {
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, wake: Arc::default() }
    }

    /// Adds a job in the transaction of what causes it. `None`: its key is there already.
    ///
    /// # Errors
    /// Those of storage.
    pub fn enqueue(&self, tx: &mut Tx<'_>, new: &New) -> Result<Option<Uuid>> {
        let id = store::insert(tx, self.clock.now(), new)?;
        if id.is_some() {
            self.wake_after(tx);
        }
        Ok(id)
    }

    /// Has this process look for work once `tx` is committed.
    pub fn wake_after(&self, tx: &mut Tx<'_>) {
        let wake = self.wake.clone();
        tx.on_commit(move |_| wake.notify_one());
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It waits for a worker, or for another attempt.
    Queued,
    Running,
    Succeeded,
    Failed,
}

impl TaskStatus {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// # Errors
    /// When there is no such status.
    pub fn of(text: &str) -> Result<Self, crate::db::Error> {
        [Self::Queued, Self::Running, Self::Succeeded, Self::Failed]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::db::Error::Query(format!("{text} is no status of a job")))
    }
}

/// Where to see how a task goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskId {
    pub task_id: Uuid,
}

/// A job, as the one who asked for it sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Task {
    pub id: Uuid,
    #[schema(example = "export")]
    pub kind: String,
    pub status: TaskStatus,
    /// 0 to 1.
    pub progress: f64,
    pub created_at: Timestamp,
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// What came of it; depends on the kind.
    #[schema(value_type = Option<Object>, required)]
    pub result: Option<Json>,
    /// That it failed, or the last attempt at it; to the admin, why.
    #[schema(required)]
    pub error: Option<String>,
}

/// A job, as the admin sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AdminTask {
    #[serde(flatten)]
    pub task: Task,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next, while it is queued.
    pub run_at: Timestamp,
    /// Who asked for it; `null`: a schedule, or the system itself.
    #[schema(required)]
    pub owner: Option<TaskOwner>,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TaskOwner {
    pub id: Uuid,
    pub name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Nothing;

    impl Job for Nothing {
        const KIND: &'static str = "nothing";

        async fn run(self, _: Run) -> Result<Done, Failure> {
            Ok(Done::nothing())
        }
    }

    #[test]
    fn the_waits_double_up_to_an_hour() {
        let waits: Vec<_> =
            (1..=12).map(|n| Kind::of::<Nothing>().wait_after(n).as_secs()).collect();
        assert_eq!(waits, [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600]);
    }
}
