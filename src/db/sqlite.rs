//! SQLite: durable settings, one writer, readers beside it.

use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection as Raw, ErrorCode, OpenFlags, ffi};

use super::checkpoint::Checkpoints;
use super::tx::{Access, Row};
use super::{Db, Error, Value};

/// How long to wait for another process, such as an import, to end its transaction.
const BUSY_SECONDS_MAX: u64 = 20;

/// 8 MiB. Each commit that grew a table walks through the whole cache once (balancing moves pages by
/// a number beyond the end, and `pcache1TruncateUnsafe` looks for such), so a bigger one costs more
/// than the reads it saves: they are answered by the system's cache. A reader keeps in as much the
/// pages of one person's bookings of two years, each of which lies in pages of its own.
const CACHE_KIB: i64 = 8 * 1024;
/// What is rewritten within a second, and nobody parks meanwhile.
const REWRITTEN_BYTES_MAX: i64 = 64 << 20;
/// How long the writer may have to wait while the log is cut off.
const CUT_WAITS_MAX: Duration = Duration::from_millis(100);
/// What a long transaction made of the log is given back down to this.
const LOG_BYTES_KEPT: i64 = 64 << 20;

pub(super) struct Connection {
    raw: Raw,
    data_version: i64,
    checkpoints: Option<Checkpoints>,
}

impl Connection {
    pub(super) fn open(path: &Path, access: Access) -> Result<Self, Error> {
        let flags = match access {
            Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
            Access::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
        };
        let cannot = |error: rusqlite::Error| {
            Error::Unavailable(format!("{} cannot be opened: {error}", path.display()))
        };
        let raw =
            Raw::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX).map_err(cannot)?;
        raw.busy_timeout(Duration::from_secs(BUSY_SECONDS_MAX)).map_err(cannot)?;
        raw.set_prepared_statement_cache_capacity(128);
        // Otherwise a bound value may take part in planning, as beside a partial index, and the
        // statement is prepared anew at each binding: a third of the CPU of a booking's statements.
        raw.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map_err(cannot)?;
        raw.pragma_update(None, "cache_size", -CACHE_KIB).map_err(cannot)?;
        if access == Access::Write {
            raw.pragma_update(None, "journal_mode", "wal").map_err(cannot)?;
            // NORMAL loses acknowledged commits when the power goes: measured, see docs/adr/0003.
            raw.pragma_update(None, "synchronous", "full").map_err(cannot)?;
            raw.pragma_update(None, "foreign_keys", true).map_err(cannot)?;
            // What is deleted is overwritten, and stands in no part of the file any more (docs/adr/0024).
            raw.pragma_update(None, "secure_delete", true).map_err(cannot)?;
            // See `checkpoint.rs`.
            raw.pragma_update(None, "wal_autocheckpoint", 0).map_err(cannot)?;
            raw.pragma_update(None, "journal_size_limit", LOG_BYTES_KEPT).map_err(cannot)?;
            raw.pragma_update(None, "temp_store", "memory").map_err(cannot)?;
        }
        let mut connection = Self { raw, data_version: 0, checkpoints: None };
        connection.changed_elsewhere()?;
        Ok(connection)
    }

    /// Copies the log beside this connection from now on; gives the thread that does.
    pub(super) fn checkpoint_beside(
        &mut self,
        path: &Path,
        failed: Arc<AtomicBool>,
    ) -> Result<JoinHandle<()>, Error> {
        let (checkpoints, thread) = Checkpoints::start(path, &mut self.raw, failed)?;
        self.checkpoints = Some(checkpoints);
        Ok(thread)
    }

    /// Copies what readers do not need any more from the log into the file.
    pub(super) fn checkpoint(&mut self) -> Result<(), Error> {
        // Passive: it waits for nobody. When another process does it, that is as well.
        self.raw.prepare_cached("pragma wal_checkpoint(passive)")?.query_row([], |_| Ok(()))?;
        Ok(())
    }

    /// Between two transactions.
    pub(super) fn ready(&mut self) -> Result<(), Error> {
        if !self.checkpoints.as_ref().is_some_and(Checkpoints::take_copied) {
            return Ok(());
        }
        match self.checkpoint() {
            Err(error @ Error::Fatal(_)) => Err(error),
            // A full disk may still have room in the log.
            _ => Ok(()),
        }
    }

    /// A statement of transaction control, kept prepared.
    pub(super) fn statement(&mut self, sql: &str) -> Result<(), Error> {
        self.raw.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    pub(super) fn roll_back(&mut self) {
        // Some failures, such as a full disk, have rolled back already.
        if !self.raw.is_autocommit() {
            let _ = self.raw.execute_batch("rollback");
        }
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        Ok(self.raw.execute_batch(sql)?)
    }

    pub(super) fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let mut statement = self.raw.prepare_cached(sql)?;
        check_parameter_order(&statement, sql);
        let changed = statement.execute(rusqlite::params_from_iter(params))?;
        Ok(u64::try_from(changed).unwrap_or(u64::MAX))
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut statement = self.raw.prepare_cached(sql)?;
        check_parameter_order(&statement, sql);
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            each(&Row::Sqlite(row))?;
        }
        Ok(())
    }

    pub(super) fn changed_elsewhere(&mut self) -> Result<bool, Error> {
        let version =
            self.raw.prepare_cached("pragma data_version")?.query_row([], |row| row.get(0))?;
        let changed = self.data_version != version;
        self.data_version = version;
        Ok(changed)
    }
}

/// [`Db::scrub`].
pub(super) fn scrub(path: &Path) -> Result<bool, Error> {
    let mut connection = Connection::open(path, Access::Write)?;
    let pages = "select page_count * page_size from pragma_page_count, pragma_page_size";
    if connection.raw.query_row(pages, [], |row| row.get::<_, i64>(0))? <= REWRITTEN_BYTES_MAX {
        // Its copy need not be in memory.
        connection.raw.execute_batch("pragma temp_store = default; vacuum")?;
    }
    // Nearly all of the log while everybody goes on.
    connection.checkpoint()?;
    connection.raw.busy_timeout(CUT_WAITS_MAX)?;
    let cut = "pragma wal_checkpoint(truncate)";
    let is_busy: bool = connection.raw.query_row(cut, [], |row| row.get(0))?;
    Ok(!is_busy)
}

/// An exclusive lock is had only where no other connection is.
pub(super) fn is_in_use(path: &Path) -> Result<bool, Error> {
    let cannot = |error: rusqlite::Error| {
        Error::Unavailable(format!("{} cannot be opened: {error}", path.display()))
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let raw = Raw::open_with_flags(path, flags).map_err(cannot)?;
    raw.busy_timeout(Duration::ZERO).map_err(cannot)?;
    raw.pragma_update(None, "locking_mode", "exclusive").map_err(cannot)?;
    match raw.execute_batch("begin exclusive; rollback") {
        Err(rusqlite::Error::SqliteFailure(failure, _))
            if failure.code == ErrorCode::DatabaseBusy =>
        {
            Ok(true)
        }
        done => done.map(|()| false).map_err(cannot),
    }
}

/// To SQLite `$2` is a name, numbered by its first appearance.
fn check_parameter_order(statement: &rusqlite::Statement<'_>, sql: &str) {
    if cfg!(debug_assertions) {
        for index in 1..=statement.parameter_count() {
            assert_eq!(
                statement.parameter_name(index),
                Some(format!("${index}").as_str()),
                "parameters must first appear in order: {sql}"
            );
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        let text = error.to_string();
        let rusqlite::Error::SqliteFailure(failure, _) = &error else {
            return Self::Query(text);
        };
        match (failure.code, failure.extended_code) {
            (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
            | (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => Self::Fatal(text),
            (_, ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY) => {
                Self::Unique(text)
            }
            (
                ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory,
                _,
            ) => Self::Unavailable(text),
            _ => Self::Query(text),
        }
    }
}

/// `vacuum into` reads one snapshot, so the copy is consistent while others write. It is written
/// beside its final name and renamed once it is durable: a half backup never bears the name.
pub(super) fn backup(db: &Db, file: &Path) -> Result<(), String> {
    if file.exists() {
        return Err(format!("{} exists already", file.display()));
    }
    let mut partial = file.as_os_str().to_owned();
    partial.push(".partial");
    let partial = std::path::PathBuf::from(partial);
    let target = partial.to_str().ok_or("the file's name is not UTF-8")?.to_owned();
    let cannot = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    if partial.exists() {
        std::fs::remove_file(&partial).map_err(|error| cannot(&error))?;
    }
    // It holds what the database holds. SQLite takes an empty file as none.
    let private =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
    private.map_err(|error| cannot(&error))?;
    db.read_blocking(move |tx| {
        tx.exec("vacuum into $1", &[Value::Text(&target)])?;
        Ok(())
    })
    .map_err(|error| cannot(&error))?;
    let finish = || {
        std::fs::File::open(&partial)?.sync_all()?;
        std::fs::rename(&partial, file)?;
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    finish().map_err(|error: std::io::Error| cannot(&error))
}
