//! Claims due jobs and does them, each kind within its own limit, so that a slow kind holds up no
//! other.

use std::collections::HashMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::SignedDuration;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use super::store::{self, Claimed, End};
use super::{Cause, Done, Failure, Kind, Run, schedule};
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids;
use crate::live;
use crate::threads;
use crate::traces::{self, Kind as SpanKind, Traces};
use crate::work::KINDS;

/// How often it is looked for jobs of other processes, and for those whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A claim that is not renewed runs out after this: the time until a killed worker's jobs go on.
const CLAIM_FOR: SignedDuration = SignedDuration::from_secs(30);
/// Often enough that a claim survives a few failed renewals.
const RENEW_EVERY: Duration = Duration::from_secs(1);
const RENEW_BEFORE: SignedDuration = SignedDuration::from_secs(20);
/// How long a stop waits for running jobs before it hands them back.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// [`work`] on threads of its own, which give way to those of requests: what has to be rendered for
/// thousands of mails holds up nobody who parks. The receiver hears of the end.
///
/// # Panics
/// When the system starts no more threads.
#[must_use]
#[expect(clippy::expect_used, reason = "without threads there is no program")]
pub fn start(app: App, stop: watch::Receiver<bool>) -> oneshot::Receiver<()> {
    let (ended, end) = oneshot::channel();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_name("jobs")
        .on_thread_start(threads::give_way)
        .enable_all()
        .build()
        .expect("threads can be started");
    let body = move || {
        threads::give_way();
        runtime.block_on(work(app, stop));
        // What could not be aborted, such as a write to a dead disk, is left to the process's end.
        runtime.shutdown_timeout(Duration::from_secs(1));
        let _ = ended.send(());
    };
    threads::spawn("jobs", body);
    end
}

/// Works until `stop` or until storage has failed: what then still runs after a moment is handed
/// back.
pub async fn work(app: App, mut stop: watch::Receiver<bool>) {
    let queue = app.queue.clone();
    let mut worker = Worker::new(app);
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = live::ended(&mut stop) => break,
            () = queue.woken() => {}
            _ = look.tick() => {
                if let Err(error) = schedule::tick(&worker.app).await {
                    tracing::warn!(%error, "the schedules could not be looked at");
                }
            }
            () = worker.one_ended() => {}
        }
        if worker.app.db.has_failed() {
            break;
        }
        if let Err(error) = worker.start_due().await {
            tracing::warn!(%error, "no jobs could be claimed");
        }
    }
    worker.stop().await;
}

/// Does everything that is due, and what becomes due by it; says how many attempts that were.
///
/// # Errors
/// Those of storage.
pub async fn work_off(app: &App) -> Result<usize> {
    schedule::tick(app).await?;
    let mut worker = Worker::new(app.clone());
    let mut attempts = 0;
    loop {
        attempts += worker.start_due().await?;
        if worker.running.is_empty() {
            return Ok(attempts);
        }
        worker.one_ended().await;
    }
}

struct Worker {
    app: App,
    running: JoinSet<()>,
    /// The kinds and claims of running jobs, by the task that does them.
    started: HashMap<tokio::task::Id, (&'static Kind, Uuid, Uuid)>,
}

impl Worker {
    fn new(app: App) -> Self {
        Self { app, running: JoinSet::new(), started: HashMap::new() }
    }

    /// Claims what is due, as far as the limits of the kinds allow, and starts it.
    async fn start_due(&mut self) -> Result<usize> {
        let mut room: HashMap<&str, usize> =
            KINDS.iter().map(|kind| (kind.name, kind.concurrency)).collect();
        for (kind, ..) in self.started.values() {
            if let Some(room) = room.get_mut(kind.name) {
                *room -= 1;
            }
        }
        room.retain(|_, room| *room > 0);
        let wanted: Vec<(&'static str, usize)> = room.into_iter().collect();
        let now = self.app.clock.now();
        // Looking costs no lock, so an idle worker disturbs nobody.
        let kinds: Vec<&'static str> = wanted.iter().map(|(name, _)| *name).collect();
        if !self.app.db.read(move |tx| store::is_work(tx, now, &kinds)).await? {
            return Ok(0);
        }
        let claim = ids::new_id(now);
        let claimed = self
            .app
            .db
            .write(Uuid::nil(), move |tx| {
                store::requeue_lost(tx, now)?;
                let mut claimed = Vec::new();
                for (kind, count) in &wanted {
                    let jobs = store::claim(tx, now, kind, *count, claim, now + CLAIM_FOR)?;
                    claimed.extend(jobs.into_iter().map(|job| (*kind, job)));
                }
                Ok(claimed)
            })
            .await?;
        let count = claimed.len();
        for (name, job) in claimed {
            let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else { continue };
            let id = job.id;
            let attempt = attempt(self.app.clone(), kind, job, claim);
            let task = self.running.spawn(attempt).id();
            self.started.insert(task, (kind, id, claim));
        }
        Ok(count)
    }

    /// Ends when one of the running jobs does; never, when none runs.
    async fn one_ended(&mut self) {
        match self.running.join_next_with_id().await {
            Some(Ok((task, ()))) => {
                self.started.remove(&task);
            }
            Some(Err(error)) => {
                self.started.remove(&error.id());
            }
            None => pending().await,
        }
    }

    async fn stop(mut self) {
        let all = async {
            while !self.running.is_empty() {
                self.one_ended().await;
            }
        };
        if tokio::time::timeout(STOP_WITHIN, all).await.is_ok() {
            return;
        }
        self.running.abort_all();
        while !self.running.is_empty() {
            // An aborted task's claim is still held, and is given back below.
            let _ = self.running.join_next().await;
        }
        let now = self.app.clock.now();
        for (_, id, claim) in self.started.into_values() {
            let handed_back = self.app.db.write(id, move |tx| {
                store::hold(tx, id, claim)?;
                store::end(tx, now, id, &End::HandedBack)
            });
            match handed_back.await {
                Ok(()) | Err(Error::Conflict(_)) => {}
                Err(error) => tracing::warn!(%error, %id, "a job could not be handed back"),
            }
        }
    }
}

/// [`try_once`], as a trace of its own.
async fn attempt(app: App, kind: &'static Kind, job: Claimed, claim: Uuid) {
    let (id, attempts) = (job.id, job.attempts);
    let name = || format!("job {}", kind.name);
    let begin = |traces: &Traces| traces.begin(SpanKind::Consumer, None, name);
    let mut span = app.traces.as_ref().and_then(begin);
    let outcome = traces::within(span.as_ref(), try_once(app, kind, job, claim)).await;
    if let Some(span) = &mut span {
        span.set("parking.job.kind", kind.name);
        span.set("parking.job.id", id.to_string().as_str());
        span.set("parking.job.attempt", attempts);
        span.set("parking.job.outcome", outcome);
        if outcome != "succeeded" {
            span.failed(outcome);
        }
    }
}

/// One attempt at a job, from its claim to its end in the database; says what came of it.
async fn try_once(app: App, kind: &'static Kind, job: Claimed, claim: Uuid) -> &'static str {
    let (id, attempts) = (job.id, job.attempts);
    app.metrics.job_waited(kind.name, app.clock.now().duration_since(job.due_at));
    let began = Instant::now();
    let ended = if attempts > kind.attempts_max {
        let reason = "It was lost again and again: each time its worker ended.";
        Some(Err(Failure::for_good(Cause::Worker, reason)))
    } else {
        let run = Run {
            app: app.clone(),
            id,
            owner: job.owner,
            created_at: job.created_at,
            claim,
            payload: Arc::from(job.payload),
            progress: Arc::new(AtomicU64::new(0)),
        };
        run_with_claim(&app, kind, run).await
    };
    let Some(outcome) = ended else {
        tracing::warn!(%id, kind = kind.name, "another worker has taken over a job");
        return "taken over";
    };
    let said = match &outcome {
        Ok(_) => "succeeded",
        Err(failure) => {
            // The reason may hold an address; the admin's page of tasks shows it.
            let (kind_name, cause) = (kind.name, failure.cause);
            tracing::warn!(%id, kind = kind_name, attempts, ?cause, "an attempt at a job failed");
            if retries(kind, attempts, failure) { "retried" } else { "failed" }
        }
    };
    app.metrics.job_ended(kind.name, said, began.elapsed());
    if let Err(error) = conclude(&app, kind, id, claim, attempts, outcome).await {
        // Its claim runs out, and another attempt is made.
        tracing::warn!(%error, %id, kind = kind.name, "the end of a job could not be stored");
        return "not stored";
    }
    said
}

fn retries(kind: &Kind, attempts: i64, failure: &Failure) -> bool {
    failure.again && attempts < kind.attempts_max
}

/// Does the job within its time, renewing its claim. `None`: the claim was lost on the way.
async fn run_with_claim(app: &App, kind: &'static Kind, run: Run) -> Option<Result<Done, Failure>> {
    let (id, claim, progress) = (run.id, run.claim, run.progress.clone());
    // A task of its own, so that a panic in a job is that job's failure.
    let mut job = tokio::spawn(traces::carried((kind.start)(run)));
    let abort = AbortOnDrop(job.abort_handle());
    let mut limit = pin!(tokio::time::sleep(kind.time_limit));
    let mut renew = tokio::time::interval(RENEW_EVERY);
    renew.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut until, mut stored) = (app.clock.now() + CLAIM_FOR, 0.0);
    loop {
        tokio::select! {
            ended = &mut job => {
                return Some(ended.unwrap_or_else(|error| {
                    let reason = format!("a mistake in the program: {error}");
                    Err(Failure::for_now(Cause::Program, reason))
                }));
            }
            () = &mut limit => {
                drop(abort);
                let seconds = kind.time_limit.as_secs();
                let reason = format!("It took longer than {seconds} s.");
                return Some(Err(Failure::for_now(Cause::Time, reason)));
            }
            _ = renew.tick() => {
                let now = app.clock.now();
                let progress = f64::from_bits(progress.load(Ordering::Relaxed));
                #[expect(clippy::float_cmp, reason = "it is the same value or another")]
                let unchanged = progress == stored;
                if unchanged && until.duration_since(now) > RENEW_BEFORE {
                    continue;
                }
                let next = now + CLAIM_FOR;
                let renewed =
                    app.db.write(id, move |tx| store::renew(tx, id, claim, next, progress)).await;
                match renewed {
                    Ok(true) => (until, stored) = (next, progress),
                    Ok(false) => return None,
                    Err(error) => tracing::warn!(%error, %id, "a claim could not be renewed"),
                }
            }
        }
    }
}

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Stores how an attempt ended, together with what it changes.
async fn conclude(
    app: &App,
    kind: &'static Kind,
    id: Uuid,
    claim: Uuid,
    attempts: i64,
    mut outcome: Result<Done, Failure>,
) -> Result<()> {
    let clock = app.clock.clone();
    let result = app
        .db
        .write(id, move |tx| {
            let now = clock.now();
            store::hold(tx, id, claim)?;
            let end = match &mut outcome {
                Ok(Done(change)) => End::Succeeded(change(tx)?),
                Err(failure) => {
                    let error = failure.reason.clone();
                    if retries(kind, attempts, failure) {
                        let wait = SignedDuration::try_from(kind.wait_after(attempts));
                        End::Retry { at: now + wait.unwrap_or(CLAIM_FOR), error }
                    } else {
                        if let Some(change) = &mut failure.change {
                            change(tx)?;
                        }
                        End::Failed(error)
                    }
                }
            };
            store::end(tx, now, id, &end)
        })
        .await;
    match result {
        // Somebody else's by now.
        Err(Error::Conflict("claim_lost")) => Ok(()),
        other => other,
    }
}
