//! Puts a big past into a database while no server runs: far faster than living it.

use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, params};

use super::raw::{Made, now_micros};

/// Every user has as many, so that a page costs the same in a small past and in a big one.
const BOOKINGS_PER_USER: u32 = 200;
const MINUTE_MICROS: i64 = 60_000_000;

pub const USER: &str = "
    insert into users (id, name, search, is_admin, active, created_at, email)
    values (?1, 'Somebody', 'somebody', false, true, ?2, ?3)";
const BOOKING: &str = "
    insert into bookings (id, reference, lot_id, spot_id, spot_label, user_id, vehicle_plate,
        started_at, released_at, price_per_hour_minor, currency, free_minutes, increment_minutes,
        daily_cap_minor, cost_minor)
    select ?1, ?2, s.lot_id, s.id, s.label, ?3, ?4, ?5, ?6, 200, 'EUR', 0, 1, null, 200
    from spots s where s.id = ?7";

/// A past: so many bookings, one after the other.
pub struct Past {
    pub bookings: u32,
    pub users: u32,
    /// When the first started, in microseconds since the epoch.
    pub begin: i64,
    /// From the start of one to the start of the next.
    pub every: i64,
}

/// Adds `count` closed bookings in turns of the registered users and as many others as it takes.
pub fn bookings(database: &Path, count: u32) -> Result<()> {
    let users = count / BOOKINGS_PER_USER;
    let begin = now_micros() - i64::from(count + 1) * MINUTE_MICROS;
    past(database, &Past { bookings: count, users, begin, every: MINUTE_MICROS })
}

/// Adds the bookings of a past.
pub fn past(database: &Path, past: &Past) -> Result<()> {
    let mut connection = Connection::open(database)?;
    connection.execute_batch("pragma synchronous = off; pragma cache_size = -1048576;")?;
    let transaction = connection.transaction()?;
    let mut made = Made::new();

    let ids = |sql: &str| -> Result<Vec<[u8; 16]>> {
        Ok(transaction.prepare(sql)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
    };
    let mut users = ids("select id from users where not is_admin")?;
    let spots = ids("select id from spots order by lot_id, label_order")?;
    while users.len() < past.users as usize {
        let id = made.id(past.begin);
        let email = format!("somebody{}@example.org", users.len());
        transaction.prepare_cached(USER)?.execute(params![id, past.begin, email])?;
        users.push(id);
    }

    // Indexes are made afresh afterwards, which is faster than one entry at a time.
    let indexes: Vec<(String, String)> = transaction
        .prepare("select name, sql from sqlite_schema where type = 'index' and tbl_name = 'bookings' and sql is not null")?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, _) in &indexes {
        transaction.execute_batch(&format!("drop index {name}"))?;
    }
    {
        let mut insert = transaction.prepare(BOOKING)?;
        for number in 0..past.bookings {
            let turn = number as usize;
            let user = turn % users.len();
            let start = past.begin + i64::from(number) * past.every;
            let plate = format!("PAST{user}");
            insert.execute(params![
                made.id(start),
                made.reference(),
                users[user],
                plate,
                start,
                start + MINUTE_MICROS,
                spots[turn % spots.len()]
            ])?;
        }
    }
    for (_, sql) in &indexes {
        transaction.execute_batch(sql)?;
    }
    transaction.commit()?;
    // What a server that ran all the while would have.
    connection.execute_batch("pragma wal_checkpoint(truncate);")?;
    Ok(())
}
