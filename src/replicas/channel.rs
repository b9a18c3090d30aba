//! What processes hear each other by: Redis where it is set, else PostgreSQL's `LISTEN` and `NOTIFY`.

use std::time::Duration;

use futures_util::StreamExt;
use redis::AsyncCommands;
use tokio::sync::mpsc;

use crate::app::App;
use crate::db;

/// Both ends of the channel; `next` ends when it broke.
pub struct Channel {
    name: String,
    heard: mpsc::Receiver<String>,
    say: Say,
}

enum Say {
    Postgres(db::Notifier),
    Redis(redis::aio::MultiplexedConnection),
}

/// What waits to be taken up; the sender waits when there is more.
const HEARD_MAX: usize = 1024;
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

impl Channel {
    /// # Errors
    /// What keeps it from being used, in words.
    pub async fn open(app: &App) -> Result<Self, String> {
        let name = format!("parking_{}", app.keys.fingerprint);
        let (sender, heard) = mpsc::channel(HEARD_MAX);
        let say = match &app.config.redis {
            Some(client) => Say::Redis(
                within_time(open_redis(client, &name, sender))
                    .await?
                    .map_err(|error| format!("Redis: {error}"))?,
            ),
            None => Say::Postgres(
                within_time(app.db.listen(&name, sender))
                    .await?
                    .map_err(|error| error.to_string())?,
            ),
        };
        Ok(Self { name, heard, say })
    }

    /// # Errors
    /// What went wrong, in words; whether it was heard is open.
    pub async fn say(&mut self, text: &str) -> Result<(), String> {
        match &mut self.say {
            Say::Postgres(notifier) => within_time(notifier.notify(&self.name, text))
                .await?
                .map_err(|error| error.to_string()),
            Say::Redis(connection) => {
                within_time(connection.publish::<_, _, ()>(self.name.as_str(), text))
                    .await?
                    .map_err(|error| format!("Redis: {error}"))
            }
        }
    }

    /// The next that anyone said, this process included. `None`: the channel broke.
    pub async fn next(&mut self) -> Option<String> {
        self.heard.recv().await
    }
}

async fn within_time<T>(work: impl Future<Output = T>) -> Result<T, String> {
    tokio::time::timeout(ANSWER_TIME_MAX, work).await.map_err(|_| "no answer in time".to_owned())
}

async fn open_redis(
    client: &redis::Client,
    name: &str,
    heard: mpsc::Sender<String>,
) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(name).await?;
    let connection = client.get_multiplexed_async_connection().await?;
    tokio::spawn(async move {
        let mut messages = subscription.into_on_message();
        while let Some(message) = messages.next().await {
            let Ok(text) = message.get_payload::<String>() else { continue };
            if heard.send(text).await.is_err() {
                break;
            }
        }
    });
    Ok(connection)
}
