//! PostgreSQL: a connection per lane, driven on the lane's own thread.

use std::collections::HashMap;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, SimpleQueryMessage, Statement};

use super::address::Address;
use super::snapshot::TransactionId;
use super::tx::{Access, Row};
use super::{Error, Options, Value};

pub(super) struct Connection {
    runtime: Runtime,
    address: Address,
    access: Access,
    client: Option<Client>,
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
            settings: settings.collect(),
            pooled,
            statements: HashMap::new(),
        })
    }

    pub(super) fn ready(&mut self) -> Result<(), Error> {
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
        self.client = Some(client);
        Ok(())
    }

    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if self.pooled {
            self.batch(&format!("begin; {}", self.settings))
        } else {
            self.batch("begin")
        }
    }

    /// Behind a pooler what is read is a transaction of one state, so that settings hold for it.
    pub(super) fn begin_reading(&mut self) -> Result<(), Error> {
        if !self.pooled {
            return Ok(());
        }
        let settings = &self.settings;
        self.batch(&format!("begin isolation level repeatable read, read only; {settings}"))
    }

    pub(super) fn end_reading(&mut self) {
        if self.pooled {
            // It has changed nothing; one that is gone is rolled back.
            let _ = self.batch("rollback");
        }
    }

    pub(super) fn begin_snapshot(&mut self) -> Result<(), Error> {
        if self.pooled { Ok(()) } else { self.batch("begin isolation level repeatable read") }
    }

    pub(super) fn end_snapshot(&mut self) {
        if !self.pooled {
            let _ = self.batch("rollback");
        }
    }

    fn client(&self) -> Result<&Client, Error> {
        self.client.as_ref().ok_or_else(|| Error::Repeat("not connected".into()))
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        Ok(self.runtime.block_on(self.client()?.batch_execute(sql))?)
    }

    /// Commits and asks for the transaction's number, in one round trip.
    pub(super) fn commit_numbered(&mut self) -> Result<TransactionId, Error> {
        let sql = "select pg_current_xact_id_if_assigned(); commit";
        let answer = self.runtime.block_on(self.client()?.simple_query(sql))?;
        Ok(answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0)?.parse().ok(),
            _ => None,
        }))
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.runtime.block_on(self.client()?.prepare(sql))?;
        self.statements.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    pub(super) fn exec(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, Error> {
        if self.pooled {
            return Ok(self.runtime.block_on(self.client()?.execute_typed(sql, &typed(params)))?);
        }
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        Ok(self.runtime.block_on(self.client()?.execute(&statement, &params))?)
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
        self.runtime.block_on(async {
            let sink = client.copy_in(&statement).await?;
            let mut writer = std::pin::pin!(BinaryCopyInWriter::new(sink, types));
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
        let rows = if self.pooled {
            self.runtime.block_on(self.client()?.query_typed(sql, &typed(params)))?
        } else {
            let statement = self.prepare(sql)?;
            let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
            self.runtime.block_on(self.client()?.query(&statement, &params))?
        };
        rows.iter().try_for_each(|row| each(&Row::Postgres(row)))
    }
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
