//! A standby, PostgreSQL's word for a server that replays the log of another, the primary: it answers
//! heavy questions (docs/adr/0019).
//!
//! Nothing it says is older than what the primary would say: a [`Survey`] notes how far the primary's
//! log is as it begins, and asks a standby only once it has replayed that much. Whatever keeps a
//! standby from answering, the primary answers instead.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;
use tokio::time::timeout_at;
use uuid::Uuid;

use super::lane::{self, BoxedJob};
use super::tx::{Access, Connection, Tx};
use super::{DatabaseUrl, Db, Error, Options};
use crate::error::Result;
use crate::traces::Place;

/// How long a task waits for a standby to be ready.
pub const TASK_WAITS: Duration = Duration::from_secs(10);
/// And somebody who looks at a page.
pub const PAGE_WAITS: Duration = Duration::from_secs(1);
/// How often it is asked meanwhile.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// A standby that was not ready is left alone for so long, and then given less time.
const LEFT_FOR: Duration = Duration::from_secs(5);
const GIVEN_AGAIN: Duration = Duration::from_millis(200);

/// How far the primary's log is, and whose it is.
#[derive(Debug, Clone)]
struct Mark {
    position: String,
    of: String,
}

/// The server and the database, by what a standby shares with its primary.
const IDENTITY: &str = "system_identifier || ' ' || current_database()";

impl Mark {
    /// Asked of the primary. A commit is flushed before anybody sees it, or, where the operator did
    /// without, written at least.
    fn of_primary(tx: &mut Tx<'_>) -> Result<Self> {
        let sql = format!(
            "select cast(case current_setting('synchronous_commit') \
             when 'off' then pg_current_wal_insert_lsn() else pg_current_wal_flush_lsn() end as text), \
             {IDENTITY} from pg_control_system()"
        );
        Ok(tx.one(&sql, &[], |row| Ok(Self { position: row.get(0)?, of: row.get(1)? }))?)
    }

    /// Asked of the standby, which may have become a primary.
    fn is_replayed(&self, tx: &mut Tx<'_>) -> Result<bool, Error> {
        let sql = format!(
            "select coalesce(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() \
             else pg_current_wal_insert_lsn() end >= cast(cast($1 as text) as pg_lsn), false), \
             {IDENTITY} = $2 from pg_control_system()"
        );
        let params = [self.position.as_str().into(), self.of.as_str().into()];
        let (replayed, same): (bool, bool) =
            tx.one(&sql, &params, |row| Ok((row.get(0)?, row.get(1)?)))?;
        if !same {
            return Err(Error::Unavailable("DATABASE_READ_URL leads to other data".into()));
        }
        if replayed {
            // Behind a pooler this question began a transaction, whose state may be from before.
            tx.connection.end_reading();
            tx.connection.begin_reading()?;
        }
        Ok(replayed)
    }
}

/// Where the heavy questions went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Surveyed {
    pub by_standby: u64,
    pub by_primary: u64,
    /// For standbys, in seconds.
    pub waited_seconds: f64,
}

pub(super) struct Standby {
    readers: Sender<BoxedJob>,
    /// Until when it is left alone. `None`: it answers.
    left_until: Mutex<Option<Instant>>,
    answered: AtomicU64,
    passed_on: AtomicU64,
    waited_micros: AtomicU64,
}

impl Standby {
    /// Starts its threads, which connect when they are asked.
    pub(super) fn start(url: &DatabaseUrl, options: &Options) -> Result<Self, Error> {
        let (readers, queue) = crossbeam_channel::bounded(super::QUEUE_COMMANDS_MAX);
        for number in 0..options.readers {
            let connection = Connection::unopened(url, options, Access::Read)?;
            // They end by themselves: one may hang on a machine that is gone.
            lane::spawn_reader(
                format!("survey-{number}"),
                Place::Standby { number },
                connection,
                queue.clone(),
                Arc::default(),
            );
        }
        Ok(Self {
            readers,
            left_until: Mutex::default(),
            answered: AtomicU64::default(),
            passed_on: AtomicU64::default(),
            waited_micros: AtomicU64::default(),
        })
    }

    /// How long it may take to be ready; `None`: it is not to be asked.
    fn given(&self, wait_max: Duration) -> Option<Duration> {
        match *self.left_until.lock().unwrap_or_else(PoisonError::into_inner) {
            None => Some(wait_max),
            Some(until) if until > Instant::now() => None,
            Some(_) => Some(wait_max.min(GIVEN_AGAIN)),
        }
    }

    fn note_answer(&self) {
        let left = self.left_until.lock().unwrap_or_else(PoisonError::into_inner).take();
        if left.is_some() {
            tracing::info!("the standby answers again");
        }
    }

    fn leave(&self, reason: &str) {
        let until = Instant::now() + LEFT_FOR;
        let mut left = self.left_until.lock().unwrap_or_else(PoisonError::into_inner);
        if left.replace(until).is_none() {
            tracing::warn!(reason, "the primary answers instead of the standby");
        }
    }

    /// Asks once the standby has replayed up to the mark, which it may not begin to do after `until`.
    async fn ask<T, F>(
        &self,
        mark: &Mark,
        question: &Arc<Mutex<F>>,
        until: Instant,
    ) -> Result<Result<T>, String>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let asked_at = Instant::now();
        loop {
            // Set by whoever is first: the standby to when it began, or we, who give up.
            let begun = Arc::new(OnceLock::new());
            let (mark, question, begins) = (mark.clone(), question.clone(), begun.clone());
            let mut ours = false;
            let mut answer = lane::submit(&self.readers, Uuid::nil(), move |tx| {
                ours = mark.is_replayed(tx)? && (ours || begins.set(Some(Instant::now())).is_ok());
                if ours { ask(&question, tx).map(Some) } else { Ok(None) }
            })
            .map_err(|error| error.to_string())?;
            let answered = match timeout_at(until.into(), &mut answer).await {
                Ok(answered) => answered,
                Err(_) if begun.set(None).is_ok() => return Err("it is away or far behind".into()),
                Err(_) => answer.await,
            };
            match answered.map_or_else(|_| Err(lane::gone()), |(answer, _)| answer) {
                Ok(Some(answer)) => {
                    let ready_at = begun.get().copied().flatten().unwrap_or(asked_at);
                    self.note_wait(ready_at - asked_at);
                    return Ok(Ok(answer));
                }
                Ok(None) if Instant::now() < until => tokio::time::sleep(ASK_EVERY).await,
                Ok(None) => return Err("it is far behind".into()),
                Err(crate::Error::Storage(error)) => return Err(error.to_string()),
                Err(refusal) => return Ok(Err(refusal)),
            }
        }
    }

    fn note_wait(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.waited_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

fn ask<T, F>(question: &Mutex<F>, tx: &mut Tx<'_>) -> Result<T>
where
    F: FnMut(&mut Tx<'_>) -> Result<T>,
{
    (question.lock().unwrap_or_else(PoisonError::into_inner))(tx)
}

/// Heavy questions that belong together, such as those of one export. What was committed before the
/// survey began is in all answers.
pub struct Survey {
    db: Db,
    /// `None`: the primary answers.
    mark: Option<Mark>,
    wait_max: Duration,
}

impl Survey {
    /// [`Db::read`], on the standby where there is one.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        let Some(standby) = self.db.standby() else { return self.db.read(question).await };
        let question = Arc::new(Mutex::new(question));
        if let (Some(mark), Some(given)) = (&self.mark, standby.given(self.wait_max)) {
            match standby.ask(mark, &question, Instant::now() + given).await {
                Ok(answer) => {
                    standby.note_answer();
                    standby.answered.fetch_add(1, Ordering::Relaxed);
                    return answer;
                }
                Err(reason) => standby.leave(&reason),
            }
        }
        standby.passed_on.fetch_add(1, Ordering::Relaxed);
        self.db.read(move |tx| ask(&question, tx)).await
    }
}

impl Db {
    /// Begins a survey, which waits up to `wait_max` for a standby to be ready.
    pub async fn survey(&self, wait_max: Duration) -> Survey {
        let mut mark = None;
        if let Some(standby) = self.standby() {
            match self.read(Mark::of_primary).await {
                Ok(asked) => mark = Some(asked),
                Err(error) => standby.leave(&error.to_string()),
            }
        }
        Survey { db: self.clone(), mark, wait_max }
    }

    /// `None`: there is no standby.
    #[must_use]
    pub fn surveyed(&self) -> Option<Surveyed> {
        let standby = self.standby()?;
        let waited = Duration::from_micros(standby.waited_micros.load(Ordering::Relaxed));
        Some(Surveyed {
            by_standby: standby.answered.load(Ordering::Relaxed),
            by_primary: standby.passed_on.load(Ordering::Relaxed),
            waited_seconds: waited.as_secs_f64(),
        })
    }
}
