//! Limits that all servers of an installation count together, in Redis.

use std::num::NonZero;
use std::sync::LazyLock;
use std::time::Duration;

use redis::Script;

use super::Remaining;
use crate::auth::tokens::{encode, sha256};
use crate::shared::Shared;

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

/// Counts an attempt. `Err` is how long to wait; `None` says that there is no Redis or no answer.
pub(super) async fn take(
    shared: &Shared,
    what: &str,
    a_minute: NonZero<u32>,
) -> Option<Result<Remaining, Duration>> {
    let mut connection = shared.connection().await?;
    // No address and no account stands in Redis.
    let key = shared.key(&format!("limit:{}", encode(&sha256(what.as_bytes())[..16])));
    let each = Duration::from_mins(1) / a_minute.get();
    let mut call = TAKE.key(key);
    call.arg(a_minute.get()).arg(u64::try_from(each.as_micros()).unwrap_or(u64::MAX));
    let left = shared.answered(call.invoke_async::<i64>(&mut connection)).await?;
    Some(match u32::try_from(left) {
        Ok(remaining) => Ok(Remaining { limit: a_minute.get(), remaining }),
        Err(_) => Err(Duration::from_micros(left.unsigned_abs())),
    })
}
