//! What a command sees of the database: the same four verbs on both engines.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;

use uuid::Uuid;

use super::postgres::{Place, Uncommitted};
use super::snapshot::{Snapshot, TransactionId};
use super::value::{Column, Value};
use super::{DatabaseUrl, Error, Options, migrate, postgres, sqlite};

/// Runs after the commit, in the order of the commits of its lane.
pub(super) type Hook = Box<dyn FnOnce(TransactionId) + Send>;

type Last = fn(&mut Tx<'_>) -> crate::Result<()>;

/// What the commands of a transaction leave to its end.
#[derive(Default)]
pub(super) struct Ends {
    lasts: Vec<(&'static str, Last)>,
    pub(super) hooks: Vec<Hook>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

#[expect(clippy::large_enum_variant, reason = "there are a few in a process")]
pub(super) enum Connection {
    Sqlite(sqlite::Connection),
    Postgres(postgres::Connection),
}

impl Connection {
    pub(super) fn open(
        url: &DatabaseUrl,
        options: &Options,
        access: Access,
    ) -> Result<Self, Error> {
        match url {
            DatabaseUrl::Sqlite(path) => sqlite::Connection::open(path, access).map(Self::Sqlite),
            DatabaseUrl::Postgres(url) => {
                postgres::Connection::open(url, options, access).map(Self::Postgres)
            }
        }
    }

    /// PostgreSQL is connected to when it is used first.
    pub(super) fn unopened(
        url: &DatabaseUrl,
        options: &Options,
        access: Access,
    ) -> Result<Self, Error> {
        match url {
            DatabaseUrl::Sqlite(_) => Self::open(url, options, access),
            DatabaseUrl::Postgres(url) => {
                postgres::Connection::new(url, options, access).map(Self::Postgres)
            }
        }
    }

    /// What the engine needs beside this lane; gives the thread that does it.
    pub(super) fn start_beside(
        &mut self,
        url: &DatabaseUrl,
        failed: &Arc<AtomicBool>,
    ) -> Result<Option<JoinHandle<()>>, Error> {
        match (self, url) {
            (Self::Sqlite(connection), DatabaseUrl::Sqlite(path)) => {
                connection.checkpoint_beside(path, failed.clone()).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Between two transactions: connects again when the connection was lost.
    pub(super) fn ready(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => connection.ready(),
            Self::Postgres(connection) => connection.ready(),
        }
    }

    /// Begins a transaction. On PostgreSQL it waits for `first`, takes of `others` what no other
    /// transaction holds, and gives what it holds then.
    pub(super) fn begin(
        &mut self,
        first: Option<Uuid>,
        others: &[Uuid],
    ) -> Result<HashSet<Uuid>, Error> {
        match self {
            Self::Sqlite(connection) => {
                connection.statement("begin immediate").map(|()| HashSet::new())
            }
            Self::Postgres(connection) => connection.begin(first, others),
        }
    }

    /// Whether other connections may write at the same time.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Before the questions of one [`super::Db::read`].
    pub(super) fn begin_reading(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(connection) => connection.begin_reading(),
        }
    }

    pub(super) fn end_reading(&mut self) {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(connection) => connection.end_reading(),
        }
    }

    /// One state of the database for all questions up to [`Connection::end_snapshot`].
    fn begin_snapshot(&mut self) -> Result<(), Error> {
        match self {
            Self::Sqlite(connection) => connection.statement("begin"),
            Self::Postgres(connection) => connection.begin_snapshot(),
        }
    }

    fn end_snapshot(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.roll_back(),
            Self::Postgres(connection) => connection.end_snapshot(),
        }
    }

    /// Gives the transaction's number when it is `wanted`; SQLite has none.
    pub(super) fn commit(&mut self, wanted: bool) -> Result<TransactionId, Uncommitted> {
        match self {
            Self::Sqlite(connection) => {
                connection.statement("commit").map(|()| None).map_err(Uncommitted::Unknown)
            }
            Self::Postgres(connection) => connection.commit(wanted),
        }
    }

    /// Best effort: a transaction that cannot be rolled back is gone already.
    pub(super) fn roll_back(&mut self) {
        match self {
            Self::Sqlite(connection) => connection.roll_back(),
            Self::Postgres(connection) => connection.roll_back(),
        }
    }
}

/// One row of an answer; valid while it is being read.
pub enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl Row<'_> {
    /// The column at `index`, counted from zero.
    ///
    /// # Errors
    /// [`Error::Query`] when the column is missing or of another type.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, Error> {
        match self {
            Self::Sqlite(row) => {
                let value = row.get_ref(index).map_err(|error| Error::Query(error.to_string()))?;
                T::from_sqlite(value)
            }
            Self::Postgres(row) => T::from_postgres(row, index),
        }
    }
}

/// A question on its way.
#[must_use]
pub struct Asked<'q, const N: usize> {
    sql: Cow<'q, str>,
    params: [Value<'q>; N],
    /// `None` on SQLite, which is asked when the answer is wanted.
    place: Option<Place>,
}

impl<const N: usize> Asked<'_, N> {
    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`Error`]
    pub fn opt<T>(
        &self,
        tx: &mut Tx<'_>,
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        let Some(place) = &self.place else { return tx.opt(&self.sql, &self.params, read) };
        if let Connection::Postgres(connection) = tx.connection {
            connection.settle()?;
        }
        let rows = place.get().ok_or_else(|| Error::Repeat("an answer was lost".into()))?;
        rows.first().map(Row::Postgres).as_ref().map(read).transpose()
    }

    /// The one row that must be there.
    ///
    /// # Errors
    /// [`Error::Query`] when there is none.
    pub fn one<T>(
        &self,
        tx: &mut Tx<'_>,
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.opt(tx, read)?.ok_or_else(|| Error::Query(format!("no row for: {}", self.sql)))
    }
}

/// A running transaction.
pub struct Tx<'c> {
    pub(super) connection: &'c mut Connection,
    ends: &'c mut Ends,
    pub(super) wrote: bool,
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c mut Connection, ends: &'c mut Ends) -> Self {
        Self { connection, ends, wrote: false }
    }

    /// Does what commands asked for with [`Tx::last`].
    pub(super) fn do_last(&mut self) -> crate::Result<()> {
        let lasts = std::mem::take(&mut self.ends.lasts);
        lasts.into_iter().try_for_each(|(_, last)| last(self))
    }

    /// Whether a row was changed.
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.wrote
    }

    /// Runs a statement that changes rows; says how many.
    ///
    /// # Errors
    /// [`Error`]
    pub fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let changed = match self.connection {
            Connection::Sqlite(connection) => connection.exec(sql, params),
            Connection::Postgres(connection) => connection.exec(sql, params),
        }?;
        self.wrote |= changed > 0;
        Ok(changed)
    }

    /// [`Tx::exec`] without waiting for it: it travels with what is asked next. A failure is told
    /// there, or by the commit, and either way nothing of the transaction happens.
    ///
    /// # Errors
    /// [`Error`]
    pub fn send(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        match self.connection {
            Connection::Sqlite(connection) => connection.exec(sql, params).map(drop),
            Connection::Postgres(connection) => connection.send(sql, params, None),
        }?;
        self.wrote = true;
        Ok(())
    }

    /// [`Tx::exec_locking`] without waiting for it, as [`Tx::send`].
    ///
    /// # Errors
    /// [`Error`]
    pub fn send_locking(&mut self, sql: &str, params: &[Value<'_>]) -> Result<(), Error> {
        self.send(&self.locking(sql), params)
    }

    /// Asks a question whose answer is wanted a little later, with [`Asked::opt`]: several that do
    /// not depend on each other are one round trip to PostgreSQL. SQLite is asked when the answer is
    /// wanted, so change nothing in between that it is about.
    ///
    /// # Errors
    /// [`Error`]
    pub fn ask<'q, const N: usize>(
        &mut self,
        sql: impl Into<Cow<'q, str>>,
        params: [Value<'q>; N],
    ) -> Result<Asked<'q, N>, Error> {
        let sql = sql.into();
        let place = match self.connection {
            Connection::Sqlite(_) => None,
            Connection::Postgres(connection) => {
                let place = Place::default();
                connection.send(&sql, &params, Some(place.clone()))?;
                Some(place)
            }
        };
        Ok(Asked { sql, params, place })
    }

    /// [`Tx::ask`], locking as [`Tx::opt_locked`] does.
    ///
    /// # Errors
    /// [`Error`]
    pub fn ask_locked<'q, const N: usize>(
        &mut self,
        sql: &'q str,
        params: [Value<'q>; N],
    ) -> Result<Asked<'q, N>, Error> {
        self.ask(self.locking(sql), params)
    }

    /// All rows of a question, or of a change with `returning`.
    ///
    /// # Errors
    /// [`Error`]
    pub fn all<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        let mut rows = Vec::new();
        let mut each = |row: &Row<'_>| read(row).map(|value| rows.push(value));
        match self.connection {
            Connection::Sqlite(connection) => connection.query(sql, params, &mut each),
            Connection::Postgres(connection) => connection.query(sql, params, &mut each),
        }?;
        self.wrote |= !rows.is_empty() && !sql.trim_start().starts_with("select");
        Ok(rows)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// [`Error`]
    pub fn opt<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.all(sql, params, read).map(|rows| rows.into_iter().next())
    }

    /// The one row that must be there.
    ///
    /// # Errors
    /// [`Error::Query`] when there is none.
    pub fn one<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.opt(sql, params, read)?.ok_or_else(|| Error::Query(format!("no row for: {sql}")))
    }

    /// [`Tx::opt`], keeping the row from being changed by other lanes until the commit. SQLite's
    /// only writer is alone anyhow.
    ///
    /// # Errors
    /// [`Error`]
    pub fn opt_locked<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: impl FnMut(&Row<'_>) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.opt(&self.locking(sql), params, read)
    }

    /// [`Tx::exec`] of a change that ends in a question, locking the rows it reads as
    /// [`Tx::opt_locked`] does.
    ///
    /// # Errors
    /// [`Error`]
    pub fn exec_locking(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        self.exec(&self.locking(sql), params)
    }

    fn locking<'s>(&self, sql: &'s str) -> Cow<'s, str> {
        match self.connection {
            Connection::Sqlite(_) => sql.into(),
            // Other lanes may still insert rows that refer to the locked ones.
            Connection::Postgres(_) => format!("{sql} for no key update").into(),
        }
    }

    /// Asks several questions of one state of the database. In [`super::Db::read`] only: a change
    /// is in a transaction anyhow.
    ///
    /// # Errors
    /// What `questions` refuse with, or [`Error`].
    pub fn snapshot<T>(
        &mut self,
        questions: impl FnOnce(&mut Self) -> crate::Result<T>,
    ) -> crate::Result<T> {
        self.connection.begin_snapshot()?;
        let answer = questions(self);
        self.connection.end_snapshot();
        answer
    }

    /// Inserts many rows with few statements: `head` is `insert into t (a, b)`, each row has
    /// `columns` values; `tail` says what to do about rows that are there.
    ///
    /// # Errors
    /// [`Error`]
    pub fn insert_many(
        &mut self,
        head: &str,
        columns: usize,
        values: &[Value<'_>],
        tail: &str,
    ) -> Result<(), Error> {
        /// SQLite and PostgreSQL both take at least this many parameters.
        const PARAMETERS_MAX: usize = 32_000;
        let rows_max = (PARAMETERS_MAX / columns).min(250);
        for chunk in values.chunks(rows_max * columns) {
            let mut sql = format!("{head} values ");
            for row in 0..chunk.len() / columns {
                sql.push_str(if row == 0 { "(" } else { ", (" });
                for column in 0..columns {
                    let comma = if column == 0 { "" } else { ", " };
                    let _ = write!(sql, "{comma}${}", row * columns + column + 1);
                }
                sql.push(')');
            }
            sql.push_str(tail);
            self.exec(&sql, chunk)?;
        }
        Ok(())
    }

    /// Statements without parameters, as a migration has them. What only one engine understands or
    /// needs stands in a comment that begins with its name, which is opened for it.
    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.wrote = true;
        match self.connection {
            Connection::Sqlite(connection) => connection.batch(&migrate::opened(sql, "sqlite")),
            Connection::Postgres(connection) => connection.batch(&migrate::opened(sql, "postgres")),
        }
    }

    /// Whether another process may have committed since the last time this was asked on this lane.
    /// SQLite knows; PostgreSQL always says yes.
    ///
    /// # Errors
    /// [`Error`]
    pub fn changed_elsewhere(&mut self) -> Result<bool, Error> {
        match self.connection {
            Connection::Sqlite(connection) => connection.changed_elsewhere(),
            Connection::Postgres(_) => Ok(true),
        }
    }

    /// Which transactions the answers of [`Tx::snapshot`] hold.
    ///
    /// # Errors
    /// [`Error`]
    pub fn seen(&mut self) -> Result<Snapshot, Error> {
        match self.connection {
            Connection::Sqlite(_) => Ok(Snapshot::default()),
            Connection::Postgres(_) => {
                let text: String =
                    self.one("select pg_current_snapshot()::text", &[], |row| row.get(0))?;
                text.parse()
            }
        }
    }

    /// Has `last` run just before this transaction commits, once under each `name`: for a row that
    /// all lanes change, so that nobody holds it while waiting for anything else.
    pub fn last(&mut self, name: &'static str, last: fn(&mut Tx<'_>) -> crate::Result<()>) {
        if self.ends.lasts.iter().all(|(known, _)| *known != name) {
            self.ends.lasts.push((name, last));
        }
    }

    /// Has `hook` run once this transaction is durable, before its caller hears of it. It runs on
    /// the lane: keep it short and never wait in it.
    pub fn on_commit(&mut self, hook: impl FnOnce(TransactionId) + Send + 'static) {
        self.ends.hooks.push(Box::new(hook));
    }
}
