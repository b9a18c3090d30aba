//! Puts a big past into a database while no server runs: far faster than living it.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use rusqlite::{Connection, params};
use tokio_postgres::Client;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::raw::{Id, Made};

pub const USER: &str = "
    insert into users (id, name, search, is_admin, active, created_at, email)
    values ($1, 'Somebody', 'somebody', false, true, $2, $3)";
/// The users that are there, and the spots: lot after lot in turns.
const USERS: &str = "select id from users where not is_admin order by id";
const SPOTS: &str = "select id, lot_id, label from spots order by label_order, lot_id";
const COLUMNS: &str = "id, reference, lot_id, spot_id, spot_label, user_id, vehicle_plate, \
     started_at, released_at, price_per_hour_minor, currency, free_minutes, increment_minutes, \
     cost_minor";
const PRICE: i64 = 200;
const CURRENCY: &str = "EUR";

/// A past: so many bookings, one after the other, by each of the users in turn.
pub struct Past {
    pub bookings: u32,
    /// As many as are missing are made.
    pub users: u32,
    /// When the first started, in microseconds since the epoch.
    pub begin: i64,
    /// From the start of one to the start of the next.
    pub every: i64,
    /// How long each was.
    pub stay: i64,
}

struct Spot {
    id: Id,
    lot: Id,
    label: String,
}

struct Booking<'a> {
    id: Id,
    reference: String,
    spot: &'a Spot,
    user: Id,
    plate: String,
    start: i64,
    end: i64,
}

impl Past {
    fn email(number: usize) -> String {
        format!("somebody{number}@example.org")
    }

    fn bookings<'a>(
        &'a self,
        users: &'a [Id],
        spots: &'a [Spot],
        made: &'a mut Made,
    ) -> impl Iterator<Item = Booking<'a>> {
        (0..self.bookings).map(move |number| {
            let turn = number as usize;
            let start = self.begin + i64::from(number) * self.every;
            Booking {
                id: made.id(start),
                reference: made.reference(),
                spot: &spots[turn % spots.len()],
                user: users[turn % users.len()],
                plate: format!("PAST{}", turn % users.len()),
                start,
                end: start + self.stay,
            }
        })
    }
}

/// Adds a past to a SQLite file that nobody has open.
///
/// # Errors
/// When it does not fit.
pub fn sqlite(database: &Path, past: &Past) -> Result<()> {
    let mut connection = Connection::open(database)?;
    // The file is thrown away when this does not succeed: it needs no log.
    connection.execute_batch(
        "pragma journal_mode = off; pragma synchronous = off; pragma cache_size = -1048576;
         pragma threads = 2;",
    )?;
    let transaction = connection.transaction()?;
    let mut made = Made::new();
    let mut users: Vec<Id> =
        transaction.prepare(USERS)?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let spots: Vec<Spot> = transaction
        .prepare(SPOTS)?
        .query_map([], |row| Ok(Spot { id: row.get(0)?, lot: row.get(1)?, label: row.get(2)? }))?
        .collect::<Result<_, _>>()?;
    while users.len() < past.users as usize {
        let id = made.id(past.begin);
        let email = Past::email(users.len());
        transaction.prepare_cached(USER)?.execute(params![id, past.begin, email])?;
        users.push(id);
    }

    // Indexes are made afresh afterwards, which is faster than one entry at a time.
    let indexes: Vec<(String, String)> = transaction
        .prepare(
            "select name, sql from sqlite_schema \
             where type = 'index' and tbl_name = 'bookings' and sql is not null",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (name, _) in &indexes {
        transaction.execute_batch(&format!("drop index {name}"))?;
    }
    {
        let mut insert = transaction.prepare(&format!(
            "insert into bookings ({COLUMNS}) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 1, $12)"
        ))?;
        for booking in past.bookings(&users, &spots, &mut made) {
            insert.execute(params![
                booking.id,
                booking.reference,
                booking.spot.lot,
                booking.spot.id,
                booking.spot.label,
                booking.user,
                booking.plate,
                booking.start,
                booking.end,
                PRICE,
                CURRENCY,
                PRICE,
            ])?;
        }
    }
    for (_, sql) in &indexes {
        transaction.execute_batch(sql)?;
    }
    transaction.commit()?;
    connection.pragma_update(None, "journal_mode", "wal")?;
    Ok(())
}

/// Adds a past to an empty table on PostgreSQL, as its documentation says that a database is
/// filled (chapter 14.4).
///
/// # Errors
/// When it does not fit.
pub async fn postgres(client: &mut Client, past: &Past) -> Result<()> {
    let mut made = Made::new();
    let transaction = client.transaction().await?;
    let rows = transaction.query(USERS, &[]).await?;
    let mut users: Vec<Id> = rows.iter().map(|row| row.get::<_, Uuid>(0).into_bytes()).collect();
    let rows = transaction.query(SPOTS, &[]).await?;
    let spot = |row: &tokio_postgres::Row| Spot {
        id: row.get::<_, Uuid>(0).into_bytes(),
        lot: row.get::<_, Uuid>(1).into_bytes(),
        label: row.get(2),
    };
    let spots: Vec<Spot> = rows.iter().map(spot).collect();
    let user = transaction.prepare(USER).await?;
    while users.len() < past.users as usize {
        let id = made.id(past.begin);
        let email = Past::email(users.len());
        let (uuid, at) = (Uuid::from_bytes(id), instant(past.begin)?);
        transaction.execute(&user, &[&uuid, &at, &email]).await?;
        users.push(id);
    }

    // The rows fit by the way they are made: triggers would look each of them up.
    transaction.batch_execute("set local session_replication_role = replica").await?;
    let indexes = transaction
        .query(
            "select indexname::text, indexdef from pg_indexes \
             where tablename = 'bookings' and indexname <> 'bookings_pkey'",
            &[],
        )
        .await?;
    for index in &indexes {
        transaction.batch_execute(&format!("drop index {}", index.get::<_, String>(0))).await?;
    }
    // In the transaction that emptied it rows are written as they stay.
    transaction.batch_execute("truncate bookings").await?;
    let sink = transaction
        .copy_in(&format!("copy bookings ({COLUMNS}) from stdin with (format binary, freeze)"))
        .await?;
    let types = [
        Type::UUID,
        Type::TEXT,
        Type::UUID,
        Type::UUID,
        Type::TEXT,
        Type::UUID,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::TEXT,
        Type::INT8,
        Type::INT8,
        Type::INT8,
    ];
    let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, &types));
    for booking in past.bookings(&users, &spots, &mut made) {
        writer
            .as_mut()
            .write(&[
                &Uuid::from_bytes(booking.id),
                &booking.reference,
                &Uuid::from_bytes(booking.spot.lot),
                &Uuid::from_bytes(booking.spot.id),
                &booking.spot.label,
                &Uuid::from_bytes(booking.user),
                &booking.plate,
                &instant(booking.start)?,
                &instant(booking.end)?,
                &PRICE,
                &CURRENCY,
                &0_i64,
                &1_i64,
                &PRICE,
            ])
            .await?;
    }
    writer.finish().await?;
    for index in &indexes {
        transaction.batch_execute(index.get(1)).await?;
    }
    transaction.commit().await?;
    // What a server that ran all the while would have.
    client.batch_execute("vacuum analyze").await?;
    Ok(client.batch_execute("checkpoint").await?)
}

/// # Errors
/// Before 1970.
pub fn instant(micros: i64) -> Result<SystemTime> {
    let since = Duration::from_micros(u64::try_from(micros)?);
    UNIX_EPOCH.checked_add(since).context("no such time")
}
