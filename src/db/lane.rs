//! Group commit. A lane is a thread with a connection and a queue of commands: it drains the queue
//! into one transaction, commits once, and only then answers each command. On PostgreSQL, where others
//! write too, the transaction begins with locks of the lots the commands are about. Whoever comes
//! while the first command runs, or waits for its lot, is taken along.
//!
//! Commands are expected to succeed or to refuse before their first write, so the batch has no
//! savepoints: they would cost PostgreSQL two round trips a command. When a command fails after
//! it wrote something, the batch is rolled back and its commands run again one by one, each in a
//! transaction of its own. So a failure harms no neighbour; it only costs time.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::Error;
use super::postgres::Uncommitted;
use super::tx::{Connection, Ends, Tx};
use crate::error::Result;
use crate::threads;
use crate::traces::{Place, Queued};

/// Commands in one transaction at most: bounds how long the first of them waits for the last.
const BATCH_COMMANDS_MAX: usize = 256;
/// Lots, or whatever else they are about, in one transaction on PostgreSQL at most: leaves some to
/// other servers, and bounds the locks there. It has room for 64 a connection unless it is set otherwise.
const KEYS_MAX: usize = 64;
/// How often what another server holds is passed over before it is waited for. Waiting sooner leaves
/// processors idle (docs/adr/0026).
const PASSES_MAX: u32 = 8;
/// Attempts at a command that lost a race (a deadlock, a unique index, a cut connection).
const ATTEMPTS_MAX: u32 = 4;

pub(super) type BoxedJob = Box<dyn Job>;

/// What a command came to, and what its trace notes of it.
pub(super) type Answer<T> = (Result<T>, Option<Box<Queued>>);

pub(super) trait Job: Send {
    /// What it is about: commands of one key run one after the other.
    fn key(&self) -> Uuid;
    /// A thread begins with it.
    fn taken(&mut self, place: Place);
    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome;
    fn answer(self: Box<Self>, committed: Result<(), Error>);
}

pub(super) enum Outcome {
    /// Succeeded, or refused without having written: either way it may be committed.
    Commit,
    /// Refused after it wrote: what it wrote must go.
    RollBack,
    Failed(Error),
}

struct Command<T, F> {
    key: Uuid,
    run: F,
    result: Option<Result<T>>,
    queued: Option<Box<Queued>>,
    reply: oneshot::Sender<Answer<T>>,
}

impl<T, F> Job for Command<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send,
{
    fn key(&self) -> Uuid {
        self.key
    }

    fn taken(&mut self, place: Place) {
        if let Some(queued) = &mut self.queued {
            queued.taken(place);
        }
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Outcome {
        match (self.run)(tx) {
            Err(crate::Error::Storage(error)) => Outcome::Failed(error),
            result => {
                let refused = result.is_err();
                self.result = Some(result);
                if refused && tx.wrote() { Outcome::RollBack } else { Outcome::Commit }
            }
        }
    }

    fn answer(self: Box<Self>, committed: Result<(), Error>) {
        let Self { run, result, mut queued, reply, .. } = *self;
        // First of all: what the command held for its time, such as its idempotency key, must be
        // free when its caller hears of it.
        drop(run);
        let result = match (committed, result) {
            (Ok(()), Some(result)) => result,
            // A refusal too: it may rest on what a neighbour did, which is undone.
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(gone()),
        };
        if let Some(queued) = &mut queued {
            queued.done();
        }
        // The caller may have gone away; the change stands.
        let _ = reply.send((result, queued));
    }
}

pub(super) fn submit<T, F>(
    queue: &Sender<BoxedJob>,
    key: Uuid,
    run: F,
) -> Result<oneshot::Receiver<Answer<T>>>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let command = Command { key, run, result: None, queued: Queued::here(), reply };
    queue.try_send(Box::new(command)).map_err(|error| match error {
        TrySendError::Full(_) => crate::Error::Storage(Error::Overloaded),
        TrySendError::Disconnected(_) => gone(),
    })?;
    Ok(answer)
}

pub(super) fn gone() -> crate::Error {
    Error::Unavailable("the storage thread has ended".into()).into()
}

/// A thread of the storage that panics takes its queue with it: the process has to end, and starts
/// again whole.
struct Watched(Arc<AtomicBool>);

impl Drop for Watched {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let answer = Err::<(), _>(Error::Fatal("a thread of the storage panicked".into()));
            note_failure(&answer, &self.0);
        }
    }
}

pub(super) fn spawn_writer(
    number: usize,
    mut connection: Connection,
    queue: Receiver<BoxedJob>,
    failed: Arc<AtomicBool>,
) -> JoinHandle<()> {
    threads::spawn(format!("lane-{number}"), move || {
        let _watched = Watched(failed.clone());
        let mut waiting = Waiting::on(queue);
        while let Some(batch) = waiting.batch() {
            if failed.load(Ordering::Acquire) {
                let error = Error::Unavailable("storage has failed".into());
                for job in batch {
                    job.answer(Err(error.clone()));
                }
            } else {
                write_batch(&mut connection, number, batch, Some(&mut waiting), &failed);
            }
        }
    })
}

/// The commands that wait for a lane. What is about the same stays in the order it came.
struct Waiting {
    queue: Receiver<BoxedJob>,
    /// For the next batch, in the order they came.
    left: Vec<BoxedJob>,
    /// How many batches in a row have passed over some of them, since one waited.
    passes: u32,
}

impl Waiting {
    fn on(queue: Receiver<BoxedJob>) -> Self {
        Self { queue, left: Vec::new(), passes: 0 }
    }

    /// The next to run together; `None` once there are none and nobody can send any more.
    fn batch(&mut self) -> Option<Vec<BoxedJob>> {
        let mut batch = std::mem::take(&mut self.left);
        if batch.is_empty() {
            batch.push(self.queue.recv().ok()?);
        }
        batch.extend(self.queue.try_iter().take(BATCH_COMMANDS_MAX.saturating_sub(batch.len())));
        Some(batch)
    }

    /// Leaves what is about anything else than what is held.
    fn leave(&mut self, batch: &mut Vec<BoxedJob>, held: &HashSet<Uuid>) {
        let is_left = |job: &mut BoxedJob| !job.key().is_nil() && !held.contains(&job.key());
        self.left.extend(batch.extract_if(.., is_left));
    }

    /// Takes along who came while the first of the batch ran. Where others write too, that is who is
    /// about what is held: it is too late to wait for anything else.
    fn join(&mut self, batch: &mut Vec<BoxedJob>, number: usize, is_shared: bool) {
        let known = batch.len();
        let held: HashSet<_> = batch.iter().map(|job| job.key()).collect();
        let room = BATCH_COMMANDS_MAX.saturating_sub(known + self.left.len());
        batch.extend(self.queue.try_iter().take(room));
        if is_shared {
            self.leave(batch, &held);
        }
        let place = Place::Lane { number, commands: batch.len() };
        for job in &mut batch[known..] {
            job.taken(place);
        }
    }
}

/// Begins a transaction that holds what the batch is about. What another server holds is left for the
/// next batch. That waits for the first of what is left, before it holds anything, if it was passed over
/// often enough or nothing else is to be had: so none is passed over for ever, and servers do not
/// wait for each other in a circle.
fn begin(
    connection: &mut Connection,
    batch: &mut Vec<BoxedJob>,
    waiting: Option<&mut Waiting>,
) -> Result<(), Error> {
    if !connection.is_shared() {
        return connection.begin(None, &[]).map(drop);
    }
    let mut known = HashSet::new();
    let keys = batch.iter().map(|job| job.key()).filter(|key| !key.is_nil());
    let keys: Vec<_> = keys.filter(|key| known.insert(*key)).take(KEYS_MAX).collect();
    let is_overdue = waiting.as_ref().is_some_and(|waiting| waiting.passes >= PASSES_MAX);
    let waits = keys.len() == 1 || (is_overdue && !keys.is_empty());
    let (first, others) = keys.split_at(usize::from(waits));
    let held = connection.begin(first.first().copied(), others)?;
    if let Some(waiting) = waiting {
        waiting.leave(batch, &held);
        waiting.passes = if batch.is_empty() {
            PASSES_MAX
        } else if waits || waiting.left.is_empty() {
            0
        } else {
            waiting.passes + 1
        };
    }
    Ok(())
}

pub(super) fn spawn_reader(
    name: String,
    place: Place,
    mut connection: Connection,
    queue: Receiver<BoxedJob>,
    failed: Arc<AtomicBool>,
) -> JoinHandle<()> {
    threads::spawn(name, move || {
        let _watched = Watched(failed.clone());
        while let Ok(mut job) = queue.recv() {
            job.taken(place);
            let mut ends = Ends::default();
            let mut answer = Ok(());
            for _ in 0..ATTEMPTS_MAX {
                answer =
                    connection.ready().and_then(|()| connection.begin_reading()).and_then(|()| {
                        let outcome = job.run(&mut Tx::new(&mut connection, &mut ends));
                        connection.end_reading();
                        match outcome {
                            Outcome::Failed(error) => Err(error),
                            Outcome::Commit | Outcome::RollBack => Ok(()),
                        }
                    });
                if !matches!(answer, Err(Error::Repeat(_))) {
                    break;
                }
            }
            note_failure(&answer, &failed);
            job.answer(answer);
        }
    })
}

fn write_batch(
    connection: &mut Connection,
    number: usize,
    mut batch: Vec<BoxedJob>,
    mut waiting: Option<&mut Waiting>,
    failed: &AtomicBool,
) {
    let mut attempts = 1;
    let answer = loop {
        match attempt(connection, number, &mut batch, waiting.as_deref_mut()) {
            Ok(()) => break Ok(()),
            Err(Stop::Commit(error)) => break Err(error),
            Err(Stop::Command(Some(error @ (Error::Unavailable(_) | Error::Fatal(_))))) => {
                break Err(error);
            }
            Err(Stop::Command(_)) if batch.len() > 1 => {
                for job in batch {
                    write_batch(connection, number, vec![job], None, failed);
                }
                return;
            }
            // Refused on its own account, and rolled back.
            Err(Stop::Command(None)) => break Ok(()),
            Err(Stop::Command(Some(Error::Unique(_) | Error::Repeat(_))))
                if attempts < ATTEMPTS_MAX =>
            {
                attempts += 1;
            }
            Err(Stop::Command(Some(error))) => break Err(error),
        }
    };
    note_failure(&answer, failed);
    for job in batch {
        job.answer(answer.clone());
    }
}

/// Why a batch did not get to its end.
enum Stop {
    /// A command failed, or refused after writing (`None`). Everything is rolled back.
    Command(Option<Error>),
    /// The commit failed: the outcome may be unknown, so nothing is run again.
    Commit(Error),
}

fn attempt(
    connection: &mut Connection,
    number: usize,
    batch: &mut Vec<BoxedJob>,
    mut waiting: Option<&mut Waiting>,
) -> Result<(), Stop> {
    connection
        .ready()
        .and_then(|()| begin(connection, batch, waiting.as_deref_mut()))
        .map_err(|error| Stop::Command(Some(error)))?;
    let place = Place::Lane { number, commands: batch.len() };
    for job in &mut *batch {
        job.taken(place);
    }
    let mut ends = Ends::default();
    let mut wrote = false;
    let mut run = 0;
    while let Some(job) = batch.get_mut(run) {
        let mut tx = Tx::new(connection, &mut ends);
        let outcome = job.run(&mut tx);
        wrote |= tx.wrote();
        run += 1;
        let stop = match outcome {
            Outcome::Commit => {
                if let Some(waiting) = waiting.take() {
                    waiting.join(batch, number, connection.is_shared());
                }
                continue;
            }
            Outcome::RollBack => Stop::Command(None),
            Outcome::Failed(error) => Stop::Command(Some(error)),
        };
        connection.roll_back();
        return Err(stop);
    }
    if let Err(error) = Tx::new(connection, &mut ends).do_last() {
        connection.roll_back();
        let error = match error {
            crate::Error::Storage(error) => error,
            other => Error::Query(other.to_string()),
        };
        return Err(Stop::Command(Some(error)));
    }
    let transaction = match connection.commit(!ends.hooks.is_empty()) {
        Ok(transaction) => transaction,
        Err(uncommitted) => {
            connection.roll_back();
            return Err(match uncommitted {
                Uncommitted::Before(error) => Stop::Command(Some(error)),
                // Nothing was at stake.
                Uncommitted::Unknown(error) if !wrote => Stop::Command(Some(error)),
                Uncommitted::Unknown(Error::Repeat(reason)) => {
                    Stop::Commit(Error::Unavailable(reason))
                }
                Uncommitted::Unknown(error) => Stop::Commit(error),
            });
        }
    };
    for hook in ends.hooks {
        hook(transaction);
    }
    Ok(())
}

pub(super) fn note_failure<T>(answer: &Result<T, Error>, failed: &AtomicBool) {
    if let Err(Error::Fatal(reason)) = answer {
        tracing::error!(reason, "storage failed, this process has to end");
        failed.store(true, Ordering::Release);
    }
}
