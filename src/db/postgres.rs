//! PostgreSQL: a connection per lane, driven on the lane's own thread.
//!
//! What is sent without waiting for its answer is `under_way`. The server works in the order of
//! sending, so whatever is waited for later has all of it before itself.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt::Write as _;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use futures_util::TryStreamExt;
use futures_util::future::BoxFuture;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, SimpleQueryMessage, Statement};
use uuid::Uuid;

use super::address::Address;
use super::snapshot::TransactionId;
use super::tx::{Access, Row};
use super::{Error, Options, Value};

type Rows = Vec<tokio_postgres::Row>;

/// Where the rows of a question are put once they arrive.
pub(super) type Place = Arc<OnceLock<Rows>>;

/// What was sent, with its answer to come.
struct Sent {
    answer: BoxFuture<'static, Result<Rows, tokio_postgres::Error>>,
    /// `None`: only whether it succeeded matters.
    place: Option<Place>,
}

/// Why a transaction was not committed.
pub(super) enum Uncommitted {
    /// A statement that was sent and not waited for failed: nothing was committed.
    Before(Error),
    /// The commit itself: it may have happened.
    Unknown(Error),
}

pub(super) struct Connection {
    runtime: Runtime,
    address: Address,
    access: Access,
    client: Option<Arc<Client>>,
    under_way: VecDeque<Sent>,
    /// How a connection, or behind a pooler each transaction, is set up.
    settings: String,
    pooled: bool,
    statements: HashMap<String, Statement>,
}

impl Connection {
    pub(super) fn open(url: &str, options: &Options, access: Access) -> Result<Self, Error> {
        let mut connection = Self::new(url, options, access)?;
        connection.ready()?;
        Ok(connection)
    }

    /// Connects when it is used first.
    pub(super) fn new(url: &str, options: &Options, access: Access) -> Result<Self, Error> {
        let address = Address::of_url(url).map_err(Error::Query)?.named("parking");
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let Options { statement_time_max, lock_time_max, pooled, .. } = *options;
        let set = if pooled { "set local" } else { "set" };
        let settings = [
            ("statement_timeout", format!("{}ms", statement_time_max.as_millis())),
            ("lock_timeout", format!("{}ms", lock_time_max.as_millis())),
            ("idle_in_transaction_session_timeout", "60s".into()),
            ("timezone", "UTC".into()),
        ];
        let settings = settings.iter().map(|(name, value)| format!("{set} {name} = '{value}'; "));
        Ok(Self {
            runtime,
            address,
            access,
            client: None,
            under_way: VecDeque::new(),
            settings: settings.collect(),
            pooled,
            statements: HashMap::new(),
        })
    }

    pub(super) fn ready(&mut self) -> Result<(), Error> {
        // Questions of the transaction before, whose answers nobody wanted in the end.
        self.under_way.clear();
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        self.client = None;
        self.statements.clear();
        let unavailable = |error| Error::Unavailable(describe(&error));
        let read_only = "set default_transaction_read_only = on";
        let client = self.runtime.block_on(async {
            let (client, connection) = self.address.connect().await.map_err(unavailable)?;
            // Polled whenever this thread waits for an answer.
            tokio::spawn(connection);
            if !self.pooled {
                client.batch_execute(&self.settings).await.map_err(unavailable)?;
                if self.access == Access::Read {
                    client.batch_execute(read_only).await.map_err(unavailable)?;
                }
            }
            Ok::<_, Error>(client)
        })?;
        self.client = Some(Arc::new(client));
        Ok(())
    }

    /// Begins a transaction that holds `first`, waited for, and those of `others` that no other
    /// transaction holds; gives what it holds, up to its end.
    ///
    /// The locks are advisory, keyed by the ids' random bytes: two ids that share these share a lock.
    pub(super) fn begin(
        &mut self,
        first: Option<Uuid>,
        others: &[Uuid],
    ) -> Result<HashSet<Uuid>, Error> {
        let mut sql = String::from("begin; ");
        if self.pooled {
            sql += &self.settings;
        }
        if let Some(first) = first {
            let _ = write!(sql, "select from pg_advisory_xact_lock({}); ", lock_of(first));
        }
        if others.is_empty() {
            return self.control(sql).map(|()| first.into_iter().collect());
        }
        let locks: Vec<_> = others.iter().map(|id| lock_of(*id).to_string()).collect();
        let _ = write!(
            sql,
            "select number from unnest('{{{}}}'::bigint[]) with ordinality other (lock, number) \
             where pg_try_advisory_xact_lock(lock)",
            locks.join(","),
        );
        let client = self.client()?;
        let answer = self.wait(client.simple_query(&sql))?;
        let numbers = answer.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.try_get("number").ok()??.parse::<usize>().ok(),
            _ => None,
        });
        let had = numbers.filter_map(|number| others.get(number - 1).copied());
        Ok(first.into_iter().chain(had).collect())
    }

    /// Behind a pooler what is read is a transaction of one state, so that settings hold for it.
    pub(super) fn begin_reading(&mut self) -> Result<(), Error> {
        if !self.pooled {
            return Ok(());
        }
        let settings = &self.settings;
        self.control(format!("begin isolation level repeatable read, read only; {settings}"))
    }

    pub(super) fn end_reading(&mut self) {
        if self.pooled {
            self.roll_back();
        }
    }

    pub(super) fn begin_snapshot(&mut self) -> Result<(), Error> {
        if self.pooled {
            return Ok(());
        }
        self.control("begin isolation level repeatable read".into())
    }

    pub(super) fn end_snapshot(&mut self) {
        if !self.pooled {
            self.roll_back();
        }
    }

    /// One that is gone is rolled back, too.
    pub(super) fn roll_back(&mut self) {
        self.under_way.clear();
        let _ = self.batch("rollback");
    }

    fn client(&self) -> Result<Arc<Client>, Error> {
        self.client.clone().ok_or_else(|| Error::Repeat("not connected".into()))
    }

    /// Sends a statement of transaction control; it travels with the first one of the transaction.
    fn control(&mut self, sql: String) -> Result<(), Error> {
        let client = self.client()?;
        let answer = async move { client.batch_execute(&sql).await.map(|()| Rows::new()) };
        self.set_off(Box::pin(answer), None)
    }

    /// Sends a statement without waiting for its answer; its rows are put into `place`.
    pub(super) fn send(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        place: Option<Place>,
    ) -> Result<(), Error> {
        let client = self.client()?;
        let owned = params.iter().map(Value::owned).collect::<Result<Vec<_>, _>>()?;
        let answer: BoxFuture<'static, _> = if self.pooled {
            let typed: Vec<_> =
                owned.into_iter().zip(params.iter().map(Value::postgres_type)).collect();
            let sql = sql.to_owned();
            Box::pin(async move { client.query_typed_raw(&sql, typed).await?.try_collect().await })
        } else {
            let statement = self.prepare(sql)?;
            Box::pin(async move { client.query_raw(&statement, owned).await?.try_collect().await })
        };
        self.set_off(answer, place)
    }

    fn set_off(
        &mut self,
        mut answer: BoxFuture<'static, Result<Rows, tokio_postgres::Error>>,
        place: Option<Place>,
    ) -> Result<(), Error> {
        match self.runtime.block_on(begun(answer.as_mut())) {
            Poll::Pending => self.under_way.push_back(Sent { answer, place }),
            // Nothing is answered that early: it could not be sent.
            Poll::Ready(answer) => drop(answer?),
        }
        Ok(())
    }

    /// Sends a request, and waits for what was sent before and for its answer.
    fn wait<T>(
        &mut self,
        request: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        let (runtime, under_way) = (&self.runtime, &mut self.under_way);
        let mut request = pin!(request);
        runtime.block_on(async {
            let early = begun(request.as_mut()).await;
            arrived(under_way).await?;
            Ok(match early {
                Poll::Ready(answer) => answer?,
                Poll::Pending => request.await?,
            })
        })
    }

    /// Waits for all that was sent.
    pub(super) fn settle(&mut self) -> Result<(), Error> {
        Ok(self.runtime.block_on(arrived(&mut self.under_way))?)
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        let client = self.client()?;
        self.wait(client.batch_execute(sql))
    }

    /// Commits; gives the transaction's number when it is `wanted`. All in one round trip with what
    /// is under way.
    pub(super) fn commit(&mut self, wanted: bool) -> Result<TransactionId, Uncommitted> {
        let sql = if wanted { "select pg_current_xact_id_if_assigned(); commit" } else { "commit" };
        let client = self.client().map_err(Uncommitted::Unknown)?;
        let (runtime, under_way) = (&self.runtime, &mut self.under_way);
        let mut request = pin!(client.simple_query(sql));
        let answer = runtime.block_on(async {
            let early = begun(request.as_mut()).await;
            arrived(under_way).await.map_err(|error| match error.code() {
                // PostgreSQL has refused a statement, and then commits nothing.
                Some(_) => Uncommitted::Before(error.into()),
                None => Uncommitted::Unknown(error.into()),
            })?;
            match early {
                Poll::Ready(answer) => answer,
                Poll::Pending => request.await,
            }
            .map_err(|error| Uncommitted::Unknown(error.into()))
        })?;
        Ok(answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        }))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let client = self.client()?;
        let statement = self.wait(client.prepare(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        let client = self.client()?;
        if self.pooled {
            return self.wait(client.execute_typed(sql, &typed(params)));
        }
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        self.wait(client.execute(&statement, &params))
    }

    /// Rows in the way that is fastest here: twice that of `insert`.
    pub(super) fn copy_in<'v>(
        &mut self,
        sql: &str,
        types: &[Type],
        rows: impl Iterator<Item = &'v [Value<'v>]>,
    ) -> Result<(), Error> {
        let statement = self.prepare(sql)?;
        let client = self.client()?;
        self.wait(async {
            let sink = client.copy_in(&statement).await?;
            let mut writer = pin!(BinaryCopyInWriter::new(sink, types));
            for row in rows {
                writer.as_mut().write_raw(row).await?;
            }
            writer.finish().await
        })?;
        Ok(())
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let client = self.client()?;
        let rows = if self.pooled {
            self.wait(client.query_typed(sql, &typed(params)))?
        } else {
            let statement = self.prepare(sql)?;
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
            self.wait(client.query(&statement, &params))?
        };
        rows.iter().try_for_each(|row| each(&Row::Postgres(row)))
    }
}

/// The last bytes of an id are random.
fn lock_of(id: Uuid) -> i64 {
    id.as_u64_pair().1.cast_signed()
}

/// Polls a request for the first time, which sends it: `InnerClient::send` of tokio-postgres does not
/// wait.
async fn begun<T>(mut request: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    poll_fn(|context| Poll::Ready(request.as_mut().poll(context))).await
}

/// Answers come in the order of the requests; each must be taken before the next can be had.
async fn arrived(under_way: &mut VecDeque<Sent>) -> Result<(), tokio_postgres::Error> {
    while let Some(Sent { answer, place }) = under_way.pop_front() {
        let rows = answer.await?;
        if let Some(place) = place {
            let _ = place.set(rows);
        }
    }
    Ok(())
}

/// The parameters of a statement that is not prepared, with their types.
fn typed<'v>(params: &'v [Value<'_>]) -> Vec<(&'v (dyn ToSql + Sync), Type)> {
    params.iter().map(|value| (value as &(dyn ToSql + Sync), value.postgres_type())).collect()
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        let text = describe(&error);
        let Some(code) = error.code() else {
            // The connection broke, or a value did not fit its column.
            return if error.is_closed()
                || std::error::Error::source(&error)
                    .is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
            {
                Self::Repeat(text)
            } else {
                Self::Query(text)
            };
        };
        match code {
            code if *code == SqlState::UNIQUE_VIOLATION => Self::Unique(text),
            code if *code == SqlState::T_R_DEADLOCK_DETECTED
                || *code == SqlState::T_R_SERIALIZATION_FAILURE
                || *code == SqlState::ADMIN_SHUTDOWN
                || *code == SqlState::CRASH_SHUTDOWN =>
            {
                Self::Repeat(text)
            }
            // 53: out of disk, memory or connections; 57: operator intervention; 58: I/O errors.
            code if ["53", "57", "58"].iter().any(|class| code.code().starts_with(class)) => {
                Self::Unavailable(text)
            }
            _ => Self::Query(text),
        }
    }
}

/// The driver's `Display` says only "db error".
fn describe(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), std::error::Error::source(error)) {
        (Some(cause), _) => format!("{}: {}", cause.code().code(), cause.message()),
        (None, Some(cause)) => format!("{error}: {cause}"),
        (None, None) => error.to_string(),
    }
}
