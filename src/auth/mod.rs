//! Who is asking: passwords, sessions, tokens, limits, and the claim of the one admin account.
//!
//! `routes.rs`, `password_routes.rs` and `session_routes.rs` are HTTP, `store.rs` SQL, `extract.rs` turns a request's
//! token into a [`CurrentUser`], `cookie.rs` carries the refresh token, `tokens.rs`, `passwords.rs`
//! and `reset.rs` are the cryptography.

pub mod cookie;
pub mod extract;
pub mod limits;
pub mod password_routes;
pub mod passwords;
pub mod reset;
pub mod routes;
pub mod session_routes;
pub mod store;
pub mod tokens;

use std::collections::HashMap;
use std::sync::{Mutex, RwLock};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::ids;

/// What somebody may do. There is one admin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Admin,
}

impl Role {
    #[must_use]
    pub fn of(is_admin: bool) -> Self {
        if is_admin { Self::Admin } else { Self::User }
    }
}

/// The person behind a valid access token.
#[derive(Debug, Clone, Copy)]
pub struct CurrentUser {
    pub id: Uuid,
    pub role: Role,
    pub session: Uuid,
}

impl CurrentUser {
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.role == Role::Admin
    }
}

/// A sign-in that still holds.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnSession {
    pub id: Uuid,
    pub created_at: Timestamp,
    /// The last sign-in or refresh.
    pub last_used_at: Timestamp,
    /// Unless it is used before.
    pub expires_at: Timestamp,
    /// What the browser calls itself.
    #[schema(required)]
    pub user_agent: Option<String>,
    /// The one that asks.
    pub is_current: bool,
}

/// Sessions that have ended while their access tokens have not: kept in memory for as long as such
/// a token can live.
#[derive(Default)]
pub struct Revocations {
    ended: RwLock<HashMap<Uuid, Timestamp>>,
    told: Mutex<Vec<Uuid>>,
}

impl Revocations {
    /// Refuses the session's tokens from now on; `until` is when they have all expired.
    pub fn revoke(&self, sessions: impl IntoIterator<Item = Uuid>, until: Timestamp) {
        let sessions: Vec<_> = sessions.into_iter().collect();
        if let Ok(mut told) = self.told.lock() {
            told.extend(&sessions);
        }
        self.hear(sessions, until);
    }

    /// [`Revocations::revoke`] by another process.
    pub fn hear(&self, sessions: Vec<Uuid>, until: Timestamp) {
        if let Ok(mut ended) = self.ended.write() {
            ended.extend(sessions.into_iter().map(|session| (session, until)));
        }
    }

    /// What this process ended since this was last asked, for others.
    #[must_use]
    pub fn take_told(&self) -> Vec<Uuid> {
        self.told.lock().map(|mut told| std::mem::take(&mut *told)).unwrap_or_default()
    }

    #[must_use]
    pub fn contains(&self, session: Uuid) -> bool {
        // A poisoned lock cannot say that a session is fine.
        self.ended.read().map_or(true, |ended| ended.contains_key(&session))
    }

    pub fn forget_expired(&self, now: Timestamp) {
        if let Ok(mut ended) = self.ended.write() {
            ended.retain(|_, until| *until > now);
        }
    }
}

/// The one-time token that makes its bearer the admin of a new installation. It lives in memory
/// only: a restart makes another.
#[derive(Default)]
pub struct AdminClaim(Mutex<Option<(String, Timestamp)>>);

impl AdminClaim {
    const VALID_FOR: SignedDuration = SignedDuration::from_hours(24);

    /// A new token, valid for a day.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> String {
        let token = tokens::encode(&ids::new_secret());
        if let Ok(mut claim) = self.0.lock() {
            *claim = Some((token.clone(), now + Self::VALID_FOR));
        }
        token
    }

    /// # Errors
    /// 403 `invalid_claim_token`.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<()> {
        let valid = self.0.lock().is_ok_and(|claim| {
            claim.as_ref().is_some_and(|(expected, until)| {
                // Hashes are compared, so the time tells nothing about the token.
                tokens::sha256(expected.as_bytes()) == tokens::sha256(token.as_bytes())
                    && now < *until
            })
        });
        if valid { Ok(()) } else { Err(Error::Forbidden("invalid_claim_token")) }
    }

    pub fn close(&self) {
        if let Ok(mut claim) = self.0.lock() {
            *claim = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_claim_token_works_for_a_day_and_only_the_latest() {
        let claim = AdminClaim::default();
        let first = claim.open(now());
        let second = claim.open(now());
        assert!(claim.check(&first, now()).is_err());
        assert!(claim.check(&second, now()).is_ok());
        assert!(claim.check(&second, now() + SignedDuration::from_hours(24)).is_err());
        claim.close();
        assert!(claim.check(&second, now()).is_err());
    }

    #[test]
    fn a_revoked_session_is_remembered_until_its_tokens_expired() {
        let revocations = Revocations::default();
        let session = Uuid::from_u128(1);
        revocations.revoke([session], now() + SignedDuration::from_mins(15));
        revocations.forget_expired(now());
        assert!(revocations.contains(session));
        revocations.forget_expired(now() + SignedDuration::from_mins(15));
        assert!(!revocations.contains(session));
    }
}
