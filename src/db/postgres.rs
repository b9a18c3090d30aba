//! PostgreSQL: a connection per lane, driven on the lane's own thread.

use std::collections::HashMap;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage, Statement};

use super::snapshot::TransactionId;
use super::tx::{Access, Row};
use super::{Error, Value};

const CONNECT_SECONDS_MAX: u64 = 5;
/// A statement that runs longer is given up by the server.
const STATEMENT_SETTINGS: &str = "set statement_timeout = '60s'; set lock_timeout = '10s'; \
     set idle_in_transaction_session_timeout = '60s'; set time zone 'UTC'";

pub(super) struct Connection {
    runtime: Runtime,
    config: Config,
    access: Access,
    client: Option<Client>,
    statements: HashMap<String, Statement>,
}

pub(super) fn check_url(url: &str) -> Result<(), String> {
    url.parse::<Config>().map(drop).map_err(|error| error.to_string())
}

impl Connection {
    pub(super) fn open(url: &str, access: Access) -> Result<Self, Error> {
        let mut config: Config =
            url.parse().map_err(|error: tokio_postgres::Error| Error::Query(error.to_string()))?;
        config.connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX));
        config.application_name("parking");
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Error::Unavailable(error.to_string()))?;
        let mut connection =
            Self { runtime, config, access, client: None, statements: HashMap::new() };
        connection.ready()?;
        Ok(connection)
    }

    pub(super) fn ready(&mut self) -> Result<(), Error> {
        if self.client.as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        self.client = None;
        self.statements.clear();
        let unavailable = |error| Error::Unavailable(describe(&error));
        let client = self.runtime.block_on(async {
            let (client, connection) = self.config.connect(NoTls).await.map_err(unavailable)?;
            // Polled whenever this thread waits for an answer.
            tokio::spawn(connection);
            client.batch_execute(STATEMENT_SETTINGS).await.map_err(unavailable)?;
            if self.access == Access::Read {
                let read_only = "set default_transaction_read_only = on";
                client.batch_execute(read_only).await.map_err(unavailable)?;
            }
            Ok::<_, Error>(client)
        })?;
        self.client = Some(client);
        Ok(())
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
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        Ok(self.runtime.block_on(self.client()?.execute(&statement, &params))?)
    }

    pub(super) fn query(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        each: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        let rows = self.runtime.block_on(self.client()?.query(&statement, &params))?;
        rows.iter().try_for_each(|row| each(&Row::Postgres(row)))
    }
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
