//! PostgreSQL's `LISTEN` and `NOTIFY`: what processes on one database tell each other.
//!
//! Never in the transaction of a change: a commit that notifies takes a lock on the whole database
//! (PostgreSQL's `PreCommit_Notify`), so lanes would wait for each other.

use std::future::poll_fn;

use tokio::sync::mpsc;
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client};

use super::Error;
use super::address::Address;

/// A connection that tells.
pub struct Notifier(Client);

impl Notifier {
    /// Connects, and hands on what is said under `name`, until the connection breaks or the receiver
    /// goes away.
    pub(super) async fn listen(
        url: &str,
        name: &str,
        heard: mpsc::Sender<String>,
    ) -> Result<Self, Error> {
        let address = Address::of_url(url).map_err(Error::Query)?.named("parking listens");
        let (client, mut connection) = address.connect().await?;
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await
            {
                if let AsyncMessage::Notification(told) = message
                    && heard.send(told.payload().to_owned()).await.is_err()
                {
                    break;
                }
            }
        });
        client.batch_execute(&format!("listen \"{name}\"")).await?;
        Ok(Self(client))
    }

    /// Tells all who listen under `name`, at most 8000 bytes.
    ///
    /// # Errors
    /// [`Error`]
    pub async fn notify(&self, name: &str, text: &str) -> Result<(), Error> {
        let params: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
            [(&name, Type::TEXT), (&text, Type::TEXT)];
        // Without a prepared statement, which a pooler in transaction mode may not have.
        self.0.query_typed("select pg_notify($1, $2)", &params).await?;
        Ok(())
    }
}
