//! Storage: one SQL text, two engines, group commit. The only place that knows a driver.
//!
//! A change is a closure over [`Tx`], handed to [`Db::write`]; it may be run more than once before
//! it is committed, so it changes nothing but the database. The answer comes after the commit: it
//! is on disk. Questions go to [`Db::read`].
//!
//! Rules for SQL that both engines read alike: parameters are `$1`, `$2`, ... and first appear in
//! that order (SQLite numbers them by appearance; a debug build checks it); integers are `bigint`;
//! no `now()`, no intervals, no `ilike`. Continue with `lane.rs` for how writes are batched.

mod address;
mod bulk;
mod checkpoint;
mod lane;
mod migrate;
mod notify;
mod postgres;
mod schema;
mod snapshot;
mod sqlite;
mod standby;
mod tx;
mod value;

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::Sender;
use uuid::Uuid;

use crate::error::Result;
use crate::traces::Place;
pub use bulk::{Owned, TakenOff};
use lane::BoxedJob;
pub use migrate::{Migration, SchemaVersion};
pub use notify::Notifier;
pub use schema::{Kind, Table, TableColumn, tables};
pub use snapshot::{Snapshot, TransactionId};
use standby::Standby;
pub use standby::{PAGE_WAITS, Survey, Surveyed, TASK_WAITS};
pub use tx::{Asked, Row, Tx};
pub use value::{Column, Value};

/// How many commands may wait for a lane before a new one is refused as [`Error::Overloaded`].
const QUEUE_COMMANDS_MAX: usize = 8192;

/// How a database is used.
#[derive(Debug, Clone)]
pub struct Options {
    /// PostgreSQL's connections for writing; SQLite has one. Commands on one lot always share a
    /// lane, so more lanes only help many lots.
    pub lanes: usize,
    /// Connections for reading.
    pub readers: usize,
    /// How long a statement may take on PostgreSQL.
    pub statement_time_max: Duration,
    /// And how long it may wait for a lock.
    pub lock_time_max: Duration,
    /// PostgreSQL is reached through a pooler that gives each transaction another connection: a
    /// connection keeps no settings and no prepared statements.
    pub pooled: bool,
    /// A standby for [`Db::survey`].
    pub standby: Option<DatabaseUrl>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lanes: 2,
            readers: 4,
            statement_time_max: Duration::from_mins(1),
            lock_time_max: Duration::from_secs(10),
            pooled: false,
            standby: None,
        }
    }
}

/// What storage can answer instead of rows.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A unique index refused a row; the caller looks again at what is there.
    #[error("a unique index refused the row: {0}")]
    Unique(String),
    /// A deadlock, a lost connection or the like before the commit: the same command may succeed.
    #[error("the transaction has to be repeated: {0}")]
    Repeat(String),
    /// The disk is full, a write failed or the server is away. Nothing of the command is kept.
    #[error("storage is unavailable: {0}")]
    Unavailable(String),
    /// Too many commands wait already.
    #[error("too many commands are waiting")]
    Overloaded,
    /// Storage cannot be trusted any more (a failed fsync, corruption): the process has to end.
    #[error("storage failed: {0}")]
    Fatal(String),
    /// A mistake in the program: bad SQL, a wrong type.
    #[error("query failed: {0}")]
    Query(String),
}

/// Where the data is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, created when missing.
    Sqlite(PathBuf),
    /// A `postgres://` URL as libpq writes it. Holds a password: never log it.
    Postgres(String),
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(url: &str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no scheme such as sqlite://")?;
        // `postgresql+psycopg2://` and the like name a driver of another language.
        match scheme.split('+').next().unwrap_or(scheme) {
            "sqlite" if rest.is_empty() || rest.contains(":memory:") => {
                Err("sqlite:// needs the path of a file".into())
            }
            "sqlite" => Ok(Self::Sqlite(rest.into())),
            "postgres" | "postgresql" => {
                let url = format!("postgres://{rest}");
                address::Address::of_url(&url)?;
                Ok(Self::Postgres(url))
            }
            other => Err(format!("{other}:// is neither sqlite:// nor postgres://")),
        }
    }
}

impl DatabaseUrl {
    /// Whether anybody has the SQLite file open, such as a running server. PostgreSQL never says
    /// so.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the file is missing or cannot be opened.
    pub fn is_in_use(&self) -> Result<bool, Error> {
        match self {
            Self::Sqlite(path) => sqlite::is_in_use(path),
            Self::Postgres(_) => Ok(false),
        }
    }
}

/// The database: cheap to clone, shared by everything.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    url: DatabaseUrl,
    lanes: Vec<Sender<BoxedJob>>,
    readers: Sender<BoxedJob>,
    standby: Option<Standby>,
    failed: Arc<AtomicBool>,
    writer_threads: Vec<JoinHandle<()>>,
    reader_threads: Vec<JoinHandle<()>>,
}

impl Db {
    /// Connects, creating a SQLite file that is not there. Starts the threads of the lanes and of
    /// the readers.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached or opened.
    pub fn open(url: &DatabaseUrl, options: &Options) -> Result<Self, Error> {
        let failed = Arc::new(AtomicBool::new(false));
        let lane_count = match url {
            DatabaseUrl::Sqlite(_) => 1,
            DatabaseUrl::Postgres(_) => options.lanes,
        };
        let (mut lanes, mut writer_threads) = (Vec::new(), Vec::new());
        for number in 0..lane_count {
            let mut connection = tx::Connection::open(url, options, tx::Access::Write)?;
            let beside = connection.start_beside(url, &failed)?;
            let (sender, queue) = crossbeam_channel::bounded(QUEUE_COMMANDS_MAX);
            writer_threads.push(lane::spawn_writer(number, connection, queue, failed.clone()));
            writer_threads.extend(beside);
            lanes.push(sender);
        }
        let (readers, queue) = crossbeam_channel::bounded(QUEUE_COMMANDS_MAX);
        let mut reader_threads = Vec::new();
        for number in 0..options.readers {
            let connection = tx::Connection::open(url, options, tx::Access::Read)?;
            let failed = failed.clone();
            let name = format!("reader-{number}");
            reader_threads.push(lane::spawn_reader(
                name,
                Place::Reader { number },
                connection,
                queue.clone(),
                failed,
            ));
        }
        let url = url.clone();
        let standby =
            options.standby.as_ref().map(|url| Standby::start(url, options)).transpose()?;
        let inner = Inner { url, lanes, readers, standby, failed, writer_threads, reader_threads };
        Ok(Self(Arc::new(inner)))
    }

    /// Runs `change` in a transaction and answers once it is durable. Commands with the same
    /// `lane` run one after the other; others may run beside it. A change that was accepted
    /// happens even when the caller goes away.
    ///
    /// # Errors
    /// What `change` refuses with, or [`Error`] when the commit does not succeed.
    pub async fn write<T, F>(&self, lane: Uuid, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        lane::submit(self.lane(lane), lane, change)?.await.map_err(|_| lane::gone())?.0
    }

    /// [`Db::write`] for threads that may wait, such as the command line.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn write_blocking<T, F>(&self, lane: Uuid, change: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        lane::submit(self.lane(lane), lane, change)?.blocking_recv().map_err(|_| lane::gone())?.0
    }

    /// Runs `question` on a connection that can only read.
    ///
    /// # Errors
    /// What `question` refuses with, or [`Error`].
    pub async fn read<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        lane::submit(&self.0.readers, Uuid::nil(), question)?.await.map_err(|_| lane::gone())?.0
    }

    /// [`Db::read`] for threads that may wait.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn read_blocking<T, F>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        lane::submit(&self.0.readers, Uuid::nil(), question)?
            .blocking_recv()
            .map_err(|_| lane::gone())?
            .0
    }

    /// Brings the schema up to date; says which migrations ran.
    ///
    /// # Errors
    /// When the database has a newer schema than this program knows, or a statement fails.
    pub fn migrate(&self) -> Result<Vec<Migration>, String> {
        migrate::run(self)
    }

    /// Refuses a database with any other schema than this program's; changes nothing.
    ///
    /// # Errors
    /// In words, with what to do.
    pub fn check_schema(&self) -> Result<(), String> {
        migrate::check(self)
    }

    /// Writes a consistent copy of a SQLite database to `file`, which must not exist yet, while
    /// other connections go on writing.
    ///
    /// # Errors
    /// On PostgreSQL, whose own `pg_dump` does this; or when the file cannot be written.
    pub fn backup(&self, file: &std::path::Path) -> Result<(), String> {
        match &self.0.url {
            DatabaseUrl::Sqlite(_) => sqlite::backup(self, file),
            DatabaseUrl::Postgres(_) => {
                Err("a PostgreSQL database is backed up with its own pg_dump".into())
            }
        }
    }

    /// Rids SQLite's files of what was changed or deleted: cuts off the log, and rewrites the file if
    /// it is small (docs/adr/0024). `false`: somebody writes, or reads an earlier state; ask again.
    /// On PostgreSQL there is nothing to do.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and the like.
    pub fn scrub(&self) -> Result<bool, Error> {
        let DatabaseUrl::Sqlite(path) = &self.0.url else { return Ok(true) };
        let scrubbed = sqlite::scrub(path);
        lane::note_failure(&scrubbed, &self.0.failed);
        scrubbed
    }

    /// Hands on what processes tell each other under `name`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] and the like; on SQLite always.
    pub async fn listen(
        &self,
        name: &str,
        heard: tokio::sync::mpsc::Sender<String>,
    ) -> Result<Notifier, Error> {
        match &self.0.url {
            DatabaseUrl::Sqlite(_) => Err(Error::Query("SQLite has no notifications".into())),
            DatabaseUrl::Postgres(url) => Notifier::listen(url, name, heard).await,
        }
    }

    /// Whether storage has failed for good, so that this process has to end.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Acquire)
    }

    #[must_use]
    pub fn is_sqlite(&self) -> bool {
        matches!(self.0.url, DatabaseUrl::Sqlite(_))
    }

    /// How many commands wait to be written.
    #[must_use]
    pub fn queued_commands(&self) -> usize {
        self.0.lanes.iter().map(Sender::len).sum()
    }

    /// Ends the threads after what is queued; call it last. Does nothing while clones are in use.
    pub fn close(self) {
        if let Some(inner) = Arc::into_inner(self.0) {
            // A thread that panicked has said so on standard error already.
            let join = |thread: JoinHandle<()>| drop(thread.join());
            // The writers last: only their connections can fold SQLite's log into the database.
            drop(inner.readers);
            inner.reader_threads.into_iter().for_each(join);
            drop(inner.lanes);
            inner.writer_threads.into_iter().for_each(join);
        }
    }

    fn standby(&self) -> Option<&Standby> {
        self.0.standby.as_ref()
    }

    fn lane(&self, key: Uuid) -> &Sender<BoxedJob> {
        // The last bytes of an id are random.
        let bytes = key.into_bytes();
        &self.0.lanes[usize::from(bytes[15]) % self.0.lanes.len()]
    }
}
