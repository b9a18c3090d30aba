//! What servers of one installation share in Redis, where there is one. Nothing depends on it: who gets
//! no answer goes on without.

use std::time::{Duration, Instant};

use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use serde::Serialize;
use tokio::sync::Mutex;

use crate::error::{Error, Result};

const ANSWER_TIME_MAX: Duration = Duration::from_millis(200);
/// After a failure nobody asks for so long, and nobody waits.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// How old an answer may be that another request made, on any server.
const LATELY: Duration = Duration::from_secs(1);

pub struct Shared {
    /// `None`: there is no Redis.
    client: Option<redis::Client>,
    prefix: String,
    state: Mutex<State>,
}

enum State {
    Closed { until: Option<Instant> },
    Open(MultiplexedConnection),
}

impl Shared {
    /// `installation` keeps those that share a Redis apart.
    #[must_use]
    pub fn new(client: Option<&redis::Client>, installation: &str) -> Self {
        Self {
            client: client.cloned(),
            prefix: format!("parking_{installation}"),
            state: Mutex::new(State::Closed { until: None }),
        }
    }

    #[must_use]
    pub fn key(&self, name: &str) -> String {
        format!("{}:{name}", self.prefix)
    }

    /// `None`: there is no Redis, or it did not answer a moment ago.
    pub async fn connection(&self) -> Option<MultiplexedConnection> {
        let client = self.client.as_ref()?;
        let mut state = self.state.lock().await;
        match &*state {
            State::Open(connection) => return Some(connection.clone()),
            State::Closed { until: Some(until) } if Instant::now() < *until => return None,
            State::Closed { .. } => {}
        }
        match in_time(client.get_multiplexed_async_connection()).await {
            Ok(connection) => {
                *state = State::Open(connection.clone());
                Some(connection)
            }
            Err(reason) => {
                close(&mut state, &reason);
                None
            }
        }
    }

    /// What was asked by a [`Shared::connection`]; `None`: it does not answer any more.
    pub async fn answered<T>(
        &self,
        answer: impl Future<Output = redis::RedisResult<T>>,
    ) -> Option<T> {
        match in_time(answer).await {
            Ok(answer) => Some(answer),
            Err(reason) => {
                close(&mut *self.state.lock().await, &reason);
                None
            }
        }
    }

    /// As JSON what any server made for `name` in the last second, or what `make` makes now: however many
    /// ask, at however many servers, it is made about once a second. Without Redis it is made each
    /// time. It must hold nothing personal.
    ///
    /// # Errors
    /// Those of `make`.
    pub async fn made_lately<T: Serialize>(
        &self,
        name: &str,
        make: impl Future<Output = Result<T>>,
    ) -> Result<String> {
        let key = self.key(name);
        if let Some(mut connection) = self.connection().await
            && let Some(Some(text)) = self.answered(connection.get::<_, Option<String>>(&key)).await
        {
            return Ok(text);
        }
        let text = serde_json::to_string(&make.await?)
            .map_err(|error| Error::Internal(format!("{name} cannot be written: {error}")))?;
        if let Some(mut connection) = self.connection().await {
            let milliseconds = u64::try_from(LATELY.as_millis()).unwrap_or(u64::MAX);
            let kept = connection.pset_ex::<_, _, ()>(&key, &text, milliseconds);
            // What cannot be kept is made again.
            let _ = self.answered(kept).await;
        }
        Ok(text)
    }
}

/// The answer, or what kind of reason there is none for.
async fn in_time<T>(answer: impl Future<Output = redis::RedisResult<T>>) -> Result<T, String> {
    match tokio::time::timeout(ANSWER_TIME_MAX, answer).await {
        Ok(answer) => answer.map_err(|error| error.category().to_owned()),
        Err(_) => Err("it took too long".into()),
    }
}

fn close(state: &mut State, reason: &str) {
    if matches!(state, State::Open(_) | State::Closed { until: None }) {
        tracing::warn!(reason, "Redis does not answer: each server counts and reckons for itself");
    }
    *state = State::Closed { until: Some(Instant::now() + TRY_AGAIN_AFTER) };
}
