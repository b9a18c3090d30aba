//! W: what the server writes for parking and release, in the same group commit, with nothing else.
//!
//! The settings of the connection and the size of a batch are the server's (`src/db/`): change them
//! here with them.

use std::cell::Cell;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension, Row, params};
use tokio::sync::oneshot;

use super::limits::Pace;
use super::statements::{
    ACTIVE, ANSWER, BOOKING, CLAIM, CLOSE, FREE, INSERT, LOT, OPEN, RECEIPTS, RECORD, RECORDED,
};

const BATCH_COMMANDS_MAX: usize = 256;

const SETTINGS: &str = "
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma wal_autocheckpoint = 4096;
    pragma cache_size = -8192;
    pragma temp_store = memory;";

pub type Id = [u8; 16];

enum Change {
    Park { user: Id, lot: Id, plate: String },
    Release { booking: Id },
}

struct Command {
    change: Change,
    answer: oneshot::Sender<Id>,
}

/// `callers` users of the database park and release for `time`, in so many of its lots.
pub fn run(database: &Path, callers: usize, lots_used: usize, time: Duration) -> Result<Pace> {
    let connection = Connection::open(database)?;
    connection.execute_batch(SETTINGS)?;
    // Without it SQLite plans cached statements with joins or limits anew on every use.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_prepared_statement_cache_capacity(128);
    let users = ids(&connection, "select id from users where not is_admin order by id")?;
    let lots = ids(&connection, "select id from lots order by id")?;
    ensure!(
        users.len() >= callers && lots.len() >= lots_used,
        "the database has too few users or lots"
    );

    let (queue, commands) = mpsc::channel();
    let writer = thread::spawn(move || write(&connection, &commands));
    let changes = Cell::new(0_u32);
    let begun = Instant::now();
    let caller = async |number: usize| -> Result<()> {
        let (user, lot) = (users[number], lots[number % lots_used]);
        let plate = format!("BENCH{number}");
        while begun.elapsed() < time {
            let park = Change::Park { user, lot, plate: plate.clone() };
            let booking = ask(&queue, park).await?;
            ask(&queue, Change::Release { booking }).await?;
            changes.set(changes.get() + 2);
        }
        Ok(())
    };
    let outcome = crate::one_thread()?.block_on(try_join_all((0..callers).map(caller)));
    let took = begun.elapsed();
    drop(queue);
    writer.join().ok().context("the writer panicked")??;
    outcome?;
    Ok(Pace { count: changes.get(), took })
}

async fn ask(queue: &mpsc::Sender<Command>, change: Change) -> Result<Id> {
    let (answer, answered) = oneshot::channel();
    queue.send(Command { change, answer }).ok().context("the writer has ended")?;
    answered.await.context("the writer has ended")
}

fn write(connection: &Connection, commands: &mpsc::Receiver<Command>) -> Result<()> {
    let mut made = Made::new();
    let mut answers = Vec::with_capacity(BATCH_COMMANDS_MAX);
    while let Ok(first) = commands.recv() {
        connection.prepare_cached("begin immediate")?.execute([])?;
        let batch = std::iter::once(first).chain(commands.try_iter().take(BATCH_COMMANDS_MAX - 1));
        for Command { change, answer } in batch {
            answers.push((answer, apply(connection, &change, &mut made)?));
        }
        connection.prepare_cached("commit")?.execute([])?;
        for (answer, id) in answers.drain(..) {
            let _ = answer.send(id);
        }
    }
    Ok(())
}

fn apply(connection: &Connection, change: &Change, made: &mut Made) -> Result<Id> {
    let sql = |text| connection.prepare_cached(text);
    let now = now_micros();
    let key = made.key(now);
    let owner = match change {
        Change::Park { user, .. } => *user,
        Change::Release { booking } => *booking,
    };
    let recorded = sql(RECORDED)?.exists(params![key, owner])?;
    ensure!(!recorded, "a key came twice");
    let id = match change {
        Change::Park { user, lot, plate } => {
            let (currency, price, free, increment, cap): (String, i64, i64, i64, Option<i64>) =
                sql(LOT)?.query_row([lot], |row| {
                    Ok((row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
                })?;
            let active: bool = sql(ACTIVE)?.query_row([user], |row| row.get(0))?;
            let (open, parked): (i64, bool) =
                sql(OPEN)?.query_row(params![user, plate], |row| Ok((row.get(0)?, row.get(1)?)))?;
            ensure!(active && open == 0 && !parked, "the database does not fit");
            let id = made.id(now);
            let claimed = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let spot: Option<(Id, String)> = sql(CLAIM)?.query_row([lot], claimed).optional()?;
            let (spot, label) = spot.context("the lot is full")?;
            sql(INSERT)?.execute(params![
                id,
                made.reference(),
                lot,
                spot,
                label,
                user,
                plate,
                now,
                price,
                currency,
                free,
                increment,
                cap
            ])?;
            id
        }
        Change::Release { booking } => {
            let (spot, user): (Id, Id) =
                sql(BOOKING)?.query_row([booking], |row| Ok((row.get(4)?, row.get(6)?)))?;
            sql(CLOSE)?.execute(params![now, 200, booking])?;
            sql(FREE)?.execute([spot])?;
            sql(RECEIPTS)?.query_row([user], |row| row.get::<_, bool>(0))?;
            *booking
        }
    };
    sql(RECORD)?.execute(params![key, owner, owner, 201, ANSWER, now])?;
    Ok(id)
}

fn ids(connection: &Connection, sql: &str) -> Result<Vec<Id>> {
    let mut statement = connection.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    Ok(ids)
}

pub fn now_micros() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap_or_default().as_micros()).unwrap_or(i64::MAX)
}

/// Ids, references and keys in order of time, as the server has them.
pub struct Made {
    state: u64,
    references: u64,
}

impl Made {
    pub fn new() -> Self {
        let now = now_micros().unsigned_abs();
        Self { state: now, references: now }
    }

    /// Beside others, which have other numbers.
    pub fn apart(number: usize) -> Self {
        let made = Self::new();
        Self {
            state: made.state.wrapping_add((number as u64).wrapping_mul(0x0123_4567_89ab_cdef)),
            ..made
        }
    }

    /// A `UUIDv7` with the microseconds in it, as the server makes them.
    pub fn id(&mut self, micros: i64) -> Id {
        let time = (micros / 1000) << 16 | 0x7000 | (micros % 1000 * 4096 / 1000);
        let tail = self.random() >> 2 | 1 << 63;
        let mut id = [0; 16];
        id[..8].copy_from_slice(&time.to_be_bytes());
        id[8..].copy_from_slice(&tail.to_be_bytes());
        id
    }

    /// As the web client makes them: the time first.
    pub fn key(&mut self, micros: i64) -> String {
        format!("{:032x}", u128::from_be_bytes(self.id(micros)))
    }

    pub fn reference(&mut self) -> String {
        self.references += 1;
        format!("{:010X}", self.references & 0xff_ffff_ffff)
    }

    /// Steele, Lea and Flood's `SplitMix64`.
    fn random(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// The server's schema, step by step.
#[cfg(test)]
pub fn migrations() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::fill;
    use super::*;

    /// A database with the server's schema, two users and a lot of three spots.
    fn database(folder: &Path) -> Result<std::path::PathBuf> {
        let file = folder.join("parking.sqlite");
        let connection = Connection::open(&file)?;
        for migration in migrations() {
            connection.execute_batch(&migration)?;
        }
        let mut made = Made::new();
        for _ in 0..2 {
            connection.execute(fill::USER, params![made.id(1), 1, None::<String>])?;
        }
        let lot = made.id(2);
        connection.execute(
            "insert into lots (id, name, time_zone, price_per_hour_minor, currency, free_minutes,
                increment_minutes, created_at, updated_at)
             values (?1, 'Lot', 'Europe/Berlin', 200, 'EUR', 0, 1, 1, 1)",
            [lot],
        )?;
        for label in ["1", "2", "3"] {
            connection.execute(
                "insert into spots (id, lot_id, label, label_order, out_of_service)
                 values (?1, ?2, ?3, cast(?3 as blob), false)",
                params![made.id(3), lot, label],
            )?;
            connection.execute(
                "insert into free_spots (spot_id, lot_id, label, label_order)
                 select id, lot_id, label, label_order from spots where label = ?1",
                [label],
            )?;
        }
        Ok(file)
    }

    fn count(file: &Path, what: &str) -> i64 {
        let connection = Connection::open(file).unwrap();
        connection.query_row(&format!("select count(*) from {what}"), [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn the_statements_fit_the_servers_schema() {
        let folder = tempfile::tempdir().unwrap();
        let file = database(folder.path()).unwrap();
        assert!(run(&file, 2, 1, Duration::from_millis(20)).unwrap().count > 0);

        assert_eq!(count(&file, "bookings where released_at is null"), 0);
        assert_eq!(count(&file, "free_spots"), 3);
        assert!(count(&file, "bookings where cost_minor is not null") > 0);
        assert_eq!(count(&file, "bookings") * 2, count(&file, "idempotency_keys"));
    }

    #[test]
    fn a_filled_past_keeps_its_indexes() {
        let folder = tempfile::tempdir().unwrap();
        let file = database(folder.path()).unwrap();
        let indexes = count(&file, "sqlite_schema where type = 'index'");
        let past = fill::Past { bookings: 1000, users: 5, begin: 1, every: 1, stay: 1 };
        fill::sqlite(&file, &past).unwrap();
        assert_eq!(count(&file, "bookings where released_at is not null"), 1000);
        assert_eq!(count(&file, "users"), 5);
        assert_eq!(count(&file, "sqlite_schema where type = 'index'"), indexes);
    }
}
