//! Limits that all servers of an installation count together, in Redis.

use std::num::NonZero;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use redis::Script;
use redis::aio::MultiplexedConnection;
use tokio::sync::Mutex;

use super::Remaining;
use crate::auth::tokens::{encode, sha256};

/// The generic cell rate algorithm (ITU-T I.371, annex A), by Redis' own clock. A key holds when the
/// quota will be whole again, in microseconds, and goes away then.
///
/// Gives what is left, or minus the microseconds until the next attempt.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "local limit, each = tonumber(ARGV[1]), tonumber(ARGV[2])
         local time = redis.call('TIME')
         local now = time[1] * 1000000 + time[2]
         local whole = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + each
         local early = whole - now - limit * each
         if early > 0 then return -early end
         redis.call('SET', KEYS[1], string.format('%.0f', whole), 'PX', math.ceil((whole - now) / 1000))
         return math.floor(-early / each)",
    )
});

const ANSWER_TIME_MAX: Duration = Duration::from_millis(200);
/// After a failure each server counts for itself for so long, and nobody waits.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(1);

pub(super) struct Shared {
    client: redis::Client,
    prefix: String,
    state: Mutex<State>,
}

enum State {
    Closed { until: Option<Instant> },
    Open(MultiplexedConnection),
}

impl Shared {
    pub(super) fn new(client: &redis::Client, fingerprint: &str) -> Self {
        let prefix = format!("parking_{fingerprint}:limit:");
        let state = Mutex::new(State::Closed { until: None });
        Self { client: client.clone(), prefix, state }
    }

    /// Counts an attempt. `Err` is how long to wait; `None` says that Redis does not answer.
    pub(super) async fn take(
        &self,
        what: &str,
        a_minute: NonZero<u32>,
    ) -> Option<Result<Remaining, Duration>> {
        let mut connection = self.connection().await?;
        // No address and no account stands in Redis.
        let key = format!("{}{}", self.prefix, encode(&sha256(what.as_bytes())[..16]));
        let each = Duration::from_mins(1) / a_minute.get();
        let mut call = TAKE.key(key);
        call.arg(a_minute.get()).arg(u64::try_from(each.as_micros()).unwrap_or(u64::MAX));
        let answer = call.invoke_async::<i64>(&mut connection);
        let Ok(Ok(left)) = tokio::time::timeout(ANSWER_TIME_MAX, answer).await else {
            close(&mut *self.state.lock().await);
            return None;
        };
        Some(match u32::try_from(left) {
            Ok(remaining) => Ok(Remaining { limit: a_minute.get(), remaining }),
            Err(_) => Err(Duration::from_micros(left.unsigned_abs())),
        })
    }

    async fn connection(&self) -> Option<MultiplexedConnection> {
        let mut state = self.state.lock().await;
        match &*state {
            State::Open(connection) => return Some(connection.clone()),
            State::Closed { until: Some(until) } if Instant::now() < *until => return None,
            State::Closed { .. } => {}
        }
        let opened = self.client.get_multiplexed_async_connection();
        if let Ok(Ok(connection)) = tokio::time::timeout(ANSWER_TIME_MAX, opened).await {
            *state = State::Open(connection.clone());
            return Some(connection);
        }
        close(&mut state);
        None
    }
}

fn close(state: &mut State) {
    if matches!(state, State::Open(_) | State::Closed { until: None }) {
        tracing::warn!("Redis does not answer: each server counts attempts for itself");
    }
    *state = State::Closed { until: Some(Instant::now() + TRY_AGAIN_AFTER) };
}
