//! Limits on guessing: per client address, and per account and address together. A limit slows a
//! guesser down and never locks an owner out, who comes from another address. With Redis all servers count
//! together (`shared.rs`), and each for itself while it does not answer.

mod shared;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZero;
use std::sync::Arc;

use governor::clock::{Clock as _, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{Quota, RateLimiter};

use crate::error::{Error, Result};
use crate::shared::Shared;

type Limiter =
    RateLimiter<u64, DefaultKeyedStateStore<u64>, DefaultClock, StateInformationMiddleware>;

/// The limits of the sign-in routes.
pub struct Limits {
    /// Any attempt from an address; a campus may share one.
    per_address: Option<Limiter>,
    /// Attempts at one account from one address.
    per_account: Option<Limiter>,
    shared: Arc<Shared>,
}

const PER_ADDRESS_A_MINUTE: NonZero<u32> = NonZero::new(60).unwrap();
const PER_ACCOUNT_A_MINUTE: NonZero<u32> = NonZero::new(10).unwrap();

/// What is left of a limit, for the `RateLimit` header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaining {
    pub limit: u32,
    pub remaining: u32,
}

impl Limits {
    /// Counted together with other servers where `shared` has a Redis.
    #[must_use]
    pub fn new(enabled: bool, shared: Arc<Shared>) -> Self {
        let limiter = |a_minute| {
            enabled.then(|| {
                RateLimiter::keyed(Quota::per_minute(a_minute))
                    .with_middleware::<StateInformationMiddleware>()
            })
        };
        Self {
            per_address: limiter(PER_ADDRESS_A_MINUTE),
            per_account: limiter(PER_ACCOUNT_A_MINUTE),
            shared,
        }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// [`Error::RateLimited`], with how long to wait.
    pub async fn attempt(
        &self,
        address: IpAddr,
        account: Option<&str>,
    ) -> Result<Option<Remaining>> {
        let address = network(address);
        let per_address = self.per_address.as_ref();
        let mut left = self.take(per_address, &address.to_string(), PER_ADDRESS_A_MINUTE).await?;
        if let Some(account) = account {
            let what = format!("{address} {}", account.to_lowercase());
            left = self.take(self.per_account.as_ref(), &what, PER_ACCOUNT_A_MINUTE).await?;
        }
        Ok(left)
    }

    async fn take(
        &self,
        limiter: Option<&Limiter>,
        what: &str,
        limit: NonZero<u32>,
    ) -> Result<Option<Remaining>> {
        let Some(limiter) = limiter else { return Ok(None) };
        // Counted here as well, so that nothing is forgotten when Redis does not answer.
        let here = take(limiter, key(&what), limit)?;
        match shared::take(&self.shared, what, limit).await {
            None => Ok(Some(here)),
            Some(Ok(left)) => Ok(Some(left)),
            Some(Err(wait)) => Err(Error::RateLimited { retry_after_seconds: wait.as_secs() + 1 }),
        }
    }

    /// Forgets addresses that have not been seen for a while.
    pub fn forget_idle(&self) {
        for limiter in [&self.per_address, &self.per_account].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

fn take(limiter: &Limiter, key: u64, limit: NonZero<u32>) -> Result<Remaining> {
    match limiter.check_key(&key) {
        Ok(state) => {
            Ok(Remaining { limit: limit.get(), remaining: state.remaining_burst_capacity() })
        }
        Err(until) => {
            let wait = until.wait_time_from(limiter.clock().now());
            Err(Error::RateLimited { retry_after_seconds: wait.as_secs() + 1 })
        }
    }
}

/// One subscriber has a whole /64 of IPv6 addresses.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address @ IpAddr::V4(_) => address,
    }
}

fn key(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nobody() -> Arc<Shared> {
        Arc::new(Shared::new(None, ""))
    }

    const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const AWAY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    #[tokio::test]
    async fn the_eleventh_guess_at_an_account_has_to_wait_and_its_owner_elsewhere_has_not() {
        let limits = Limits::new(true, nobody());
        for _ in 0..10 {
            assert!(limits.attempt(HOME, Some("asha@example.org")).await.is_ok());
        }
        let refused = limits.attempt(HOME, Some("ASHA@example.org")).await;
        assert!(
            matches!(refused, Err(Error::RateLimited { retry_after_seconds: 1..=60 })),
            "{refused:?}"
        );
        assert!(limits.attempt(AWAY, Some("asha@example.org")).await.is_ok());
        assert!(limits.attempt(HOME, Some("ravi@example.org")).await.is_ok());
    }

    #[tokio::test]
    async fn an_address_is_limited_whatever_account_it_names() {
        let limits = Limits::new(true, nobody());
        for account in 0..60 {
            assert!(limits.attempt(HOME, Some(&account.to_string())).await.is_ok());
        }
        assert!(limits.attempt(HOME, Some("60")).await.is_err());
    }

    #[test]
    fn addresses_of_one_ipv6_subscriber_count_together() {
        let addresses = ["2001:db8::1", "2001:db8::ffff"].map(|a| network(a.parse().unwrap()));
        assert_eq!(addresses[0], addresses[1]);
        assert_ne!(network("2001:db8:0:1::1".parse().unwrap()), addresses[0]);
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), HOME);
    }

    #[tokio::test]
    async fn limits_can_be_lifted() {
        let limits = Limits::new(false, nobody());
        for _ in 0..100 {
            assert!(limits.attempt(HOME, Some("a")).await.is_ok());
        }
    }
}
