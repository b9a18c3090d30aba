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

use crate::clock::from_micros;
use crate::error::{Error, Result};

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

/// The token that makes its bearer the admin of an installation that has none. It is signed, so any
/// server of the installation knows it.
pub struct AdminClaim([u8; 32]);

impl AdminClaim {
    const VALID_FOR: SignedDuration = SignedDuration::from_hours(24);
    const PURPOSE: &str = "admin claim";

    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(*key)
    }

    /// A token that is valid for a day.
    #[must_use]
    pub fn open(&self, now: Timestamp) -> String {
        let until = (now + Self::VALID_FOR).as_microsecond().to_be_bytes();
        tokens::encode(&[&until[..], &self.signature(&until)].concat())
    }

    fn signature(&self, until: &[u8]) -> [u8; 32] {
        tokens::mac(&self.0, Self::PURPOSE, until)
    }

    /// # Errors
    /// 403 `invalid_claim_token`.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<()> {
        const INVALID: Error = Error::Forbidden("invalid_claim_token");
        let token = tokens::decode(token).filter(|bytes| bytes.len() == 40).ok_or(INVALID)?;
        let (until, signature) = token.split_first_chunk::<8>().ok_or(INVALID)?;
        // The macs of both are compared, so the time tells nothing about the signature.
        let is_ours = self.signature(&self.signature(until)) == self.signature(signature);
        let is_fresh = now < from_micros(i64::from_be_bytes(*until));
        if is_ours && is_fresh { Ok(()) } else { Err(INVALID) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_claim_token_works_for_a_day_at_every_server_of_the_installation() {
        let [claim, same, other] = [1, 1, 2].map(|key| AdminClaim::new(&[key; 32]));
        let token = claim.open(now());
        assert!(claim.check(&token, now()).is_ok());
        assert!(same.check(&token, now()).is_ok());
        assert!(other.check(&token, now()).is_err());
        assert!(claim.check(&token, now() + SignedDuration::from_hours(24)).is_err());
        for forged in ["", "AAAA", &token[1..], &format!("B{}", &token[1..])] {
            assert!(claim.check(forged, now()).is_err(), "{forged}");
        }
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
