//! T: what the server sends PostgreSQL for parking and release, each caller with a connection and
//! transactions of its own, with nothing else.

use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use tokio_postgres::{Client, NoTls, Row, Statement};
use uuid::Uuid;

use super::fill::instant;
use super::limits::Pace;
use super::raw::{Made, now_micros};
use super::statements::{
    ACTIVE, ANSWER, BOOKING, CLAIM, CLOSE, FREE, INSERT, LOT, OPEN, RECEIPTS, RECORD, RECORDED,
    locking,
};

/// As many as pgbench has jobs.
const THREADS: usize = 2;

/// A connection, driven beside whoever uses it.
///
/// # Errors
/// When nobody answers there.
pub async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    // Its end is seen by whoever uses the client.
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// `callers` users of the database park and release for `time`, in so many of its lots.
pub fn run(url: &str, callers: usize, lots_used: usize, time: Duration) -> Result<Pace> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    runtime.block_on(async {
        let client = connect(url).await?;
        let users = ids(&client, "select id from users where not is_admin order by id").await?;
        let lots = ids(&client, "select id from lots order by id").await?;
        ensure!(users.len() >= callers && lots.len() >= lots_used, "too few users or lots");
        let mut all = Vec::new();
        for (number, user) in users.into_iter().take(callers).enumerate() {
            all.push(Caller::open(url, number, user, lots[number % lots_used]).await?);
        }
        let begun = Instant::now();
        let callers = all.into_iter().map(|mut caller| {
            tokio::spawn(async move {
                let mut count = 0;
                while begun.elapsed() < time {
                    caller.park_and_leave().await?;
                    count += 2;
                }
                anyhow::Ok(count)
            })
        });
        let counts: Vec<Result<u32>> = try_join_all(callers).await?;
        let took = begun.elapsed();
        Ok(Pace { count: counts.into_iter().sum::<Result<u32>>()?, took })
    })
}

async fn ids(client: &Client, sql: &str) -> Result<Vec<Uuid>> {
    Ok(client.query(sql, &[]).await?.iter().map(|row| row.get(0)).collect())
}

/// The server's statements, prepared.
struct Prepared {
    recorded: Statement,
    lot: Statement,
    active: Statement,
    open: Statement,
    claim: Statement,
    insert: Statement,
    record: Statement,
    booking: Statement,
    close: Statement,
    free: Statement,
    receipts: Statement,
}

impl Prepared {
    async fn by(client: &Client) -> Result<Self> {
        Ok(Self {
            recorded: client.prepare(RECORDED).await?,
            lot: client.prepare(&locking(LOT)).await?,
            active: client.prepare(&locking(ACTIVE)).await?,
            open: client.prepare(OPEN).await?,
            claim: client.prepare(CLAIM).await?,
            insert: client.prepare(INSERT).await?,
            record: client.prepare(RECORD).await?,
            booking: client.prepare(BOOKING).await?,
            close: client.prepare(CLOSE).await?,
            free: client.prepare(&locking(FREE)).await?,
            receipts: client.prepare(RECEIPTS).await?,
        })
    }
}

struct Caller {
    client: Client,
    prepared: Prepared,
    user: Uuid,
    lot: Uuid,
    plate: String,
    number: usize,
    made: Made,
}

impl Caller {
    async fn open(url: &str, number: usize, user: Uuid, lot: Uuid) -> Result<Self> {
        let client = connect(url).await?;
        let prepared = Prepared::by(&client).await?;
        // Others would begin with the same numbers in the same microsecond.
        let made = Made::apart(number);
        Ok(Self { client, prepared, user, lot, plate: format!("BENCH{number}"), number, made })
    }

    async fn park_and_leave(&mut self) -> Result<()> {
        let booking = self.park().await?;
        self.leave(booking).await
    }

    async fn park(&mut self) -> Result<Uuid> {
        let (client, sql, now) = (&self.client, &self.prepared, instant(now_micros())?);
        let id = Uuid::from_bytes(self.made.id(now_micros()));
        let reference = format!("{}-{}", self.made.reference(), self.number);
        client.batch_execute("begin").await?;
        let key = self.made.key(now_micros());
        client.query(&sql.recorded, &[&key, &self.user]).await?;
        let lot = client.query_one(&sql.lot, &[&self.lot]).await?;
        client.query_one(&sql.active, &[&self.user]).await?;
        client.query_one(&sql.open, &[&self.user, &self.plate]).await?;
        let spot = client.query_opt(&sql.claim, &[&self.lot]).await?.context("the lot is full")?;
        let (spot, label): (Uuid, String) = (spot.get(0), spot.get(1));
        let (currency, price, free, increment, cap) = terms(&lot);
        client
            .execute(
                &sql.insert,
                &[
                    &id,
                    &reference,
                    &self.lot,
                    &spot,
                    &label,
                    &self.user,
                    &self.plate,
                    &now,
                    &price,
                    &currency,
                    &free,
                    &increment,
                    &cap,
                ],
            )
            .await?;
        self.record(&key, 201, now).await?;
        Ok(id)
    }

    async fn leave(&mut self, booking: Uuid) -> Result<()> {
        let (client, sql, now) = (&self.client, &self.prepared, instant(now_micros())?);
        let key = self.made.key(now_micros());
        client.batch_execute("begin").await?;
        client.query(&sql.recorded, &[&key, &self.user]).await?;
        let spot: Uuid = client.query_one(&sql.booking, &[&booking]).await?.get(4);
        client.query_one(&sql.receipts, &[&self.user]).await?;
        client.execute(&sql.close, &[&now, &200_i64, &booking]).await?;
        client.execute(&sql.free, &[&spot]).await?;
        self.record(&key, 200, now).await
    }

    async fn record(&self, key: &str, status: i64, now: SystemTime) -> Result<()> {
        let hash: &[u8] = &[0; 16];
        let record = &self.prepared.record;
        self.client.execute(record, &[&key, &self.user, &hash, &status, &ANSWER, &now]).await?;
        Ok(self.client.batch_execute("commit").await?)
    }
}

/// Currency, price and tariff of a lot.
fn terms(lot: &Row) -> (String, i64, i64, i64, Option<i64>) {
    (lot.get(1), lot.get(2), lot.get(3), lot.get(4), lot.get(5))
}

#[cfg(test)]
mod tests {
    use super::super::fill::{self, Past};
    use super::super::postgres::FILL;
    use super::*;

    /// A database with the server's schema and the rows of the raw drivers.
    async fn database(name: &str) -> String {
        let server = std::env::var("TEST_POSTGRES_URL").expect("scripts/with-postgres gives it");
        let admin = connect(&server).await.unwrap();
        admin.batch_execute(&format!("drop database if exists {name}")).await.unwrap();
        admin.batch_execute(&format!("create database {name}")).await.unwrap();
        let (address, _) = server.rsplit_once('/').unwrap();
        let url = format!("{address}/{name}");
        let client = connect(&url).await.unwrap();
        for migration in super::super::raw::migrations() {
            client.batch_execute(&migration).await.unwrap();
        }
        client.batch_execute(FILL).await.unwrap();
        url
    }

    async fn count(url: &str, what: &str) -> i64 {
        let client = connect(url).await.unwrap();
        client.query_one(&format!("select count(*) from {what}"), &[]).await.unwrap().get(0)
    }

    #[tokio::test]
    async fn the_statements_fit_the_servers_schema_on_postgresql() {
        let url = database("bench_statements").await;
        let callers = url.clone();
        // It has a runtime of its own.
        let pace =
            tokio::task::spawn_blocking(move || run(&callers, 4, 2, Duration::from_millis(50)));
        let pace = pace.await.unwrap().unwrap();
        assert_eq!(i64::from(pace.count), count(&url, "idempotency_keys").await);
        assert_eq!(count(&url, "bookings where released_at is null").await, 0);
        assert_eq!(count(&url, "free_spots").await, count(&url, "spots").await);
        assert_eq!(count(&url, "bookings").await * 2, i64::from(pace.count));
    }

    #[tokio::test]
    async fn a_filled_past_keeps_its_indexes_on_postgresql() {
        let url = database("bench_past").await;
        let indexes = "pg_indexes where tablename = 'bookings'";
        let before = count(&url, indexes).await;
        let past = Past { bookings: 1000, users: 300, begin: 1, every: 1, stay: 1 };
        fill::postgres(&mut connect(&url).await.unwrap(), &past).await.unwrap();
        assert_eq!(count(&url, "bookings where released_at is not null").await, 1000);
        assert_eq!(count(&url, "users").await, 300);
        assert_eq!(count(&url, indexes).await, before);
    }
}
