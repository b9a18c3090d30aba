//! The link that lets somebody who forgot their password choose a new one.
//!
//! Its token is signed over the account's present password hash, so it works once: with the first
//! new password, and with any other way of changing it, every token from before is void.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use uuid::Uuid;

use super::store::{self, Account};
use super::tokens::{decode, encode, mac};
use crate::clock::from_micros;
use crate::error::{Error, Result};
use crate::jobs::{self, Done, Failure, Job, Run};
use crate::mail::{List, letters};

/// How long a link is good for.
pub const VALID_FOR: SignedDuration = SignedDuration::from_mins(30);
const PURPOSE: &str = "password reset";

/// A token of somebody who asked for it at `requested_at`.
#[must_use]
pub fn token(key: &[u8; 32], account: &Account, requested_at: Timestamp) -> String {
    let mut token = account.id.as_bytes().to_vec();
    token.extend(requested_at.as_microsecond().to_be_bytes());
    token.extend(signature(key, account, &token));
    encode(&token)
}

fn signature(key: &[u8; 32], account: &Account, signed: &[u8]) -> [u8; 32] {
    let hash = account.password_hash.as_deref().unwrap_or_default();
    mac(key, PURPOSE, &[signed, account.email.as_bytes(), &[0], hash.as_bytes()].concat())
}

/// What a token claims, before it is believed.
pub struct Claim {
    pub user: Uuid,
    requested_at: Timestamp,
    bytes: Vec<u8>,
}

const INVALID: Error = Error::Forbidden("invalid_reset_token");

impl Claim {
    /// # Errors
    /// 403 `invalid_reset_token` when it is none.
    pub fn of(token: &str) -> Result<Self> {
        let bytes = decode(token).filter(|bytes| bytes.len() == 56).ok_or(INVALID)?;
        let user = Uuid::from_slice(&bytes[..16]).map_err(|_| INVALID)?;
        let micros = bytes[16..24].try_into().map_err(|_| INVALID)?;
        Ok(Self { user, requested_at: from_micros(i64::from_be_bytes(micros)), bytes })
    }

    /// # Errors
    /// 403 `invalid_reset_token` when it has expired, was used, or was never ours.
    pub fn check(&self, key: &[u8; 32], account: &Account, now: Timestamp) -> Result<()> {
        let expected = signature(key, account, &self.bytes[..24]);
        // The macs of both are compared, so the time tells nothing about the signature.
        let is_ours = mac(key, PURPOSE, &expected) == mac(key, PURPOSE, &self.bytes[24..]);
        // A difference, for a forged instant may be as late as there is one.
        let is_fresh = now.duration_since(self.requested_at) < VALID_FOR;
        if is_ours && is_fresh && account.active { Ok(()) } else { Err(INVALID) }
    }
}

/// A request for a new password, by whoever knows the address.
#[derive(Debug, Serialize, Deserialize)]
pub struct PasswordResetRequest {
    pub email: String,
}

impl Job for PasswordResetRequest {
    const KIND: &'static str = "password_reset";

    async fn run(self, run: Run) -> Result<Done, Failure> {
        /// Whoever asks again and again fills nobody's mailbox.
        const ONE_IN_SECONDS: i64 = 120;
        let (id, post, email) = (run.id, run.app.post.clone(), self.email);
        let slot = run.created_at.as_second() / ONE_IN_SECONDS;
        Ok(Done::and(move |tx| {
            let account = store::account_by_email(tx, &email)?;
            if let Some(account) = account.filter(|account| account.active) {
                let key = format!("password-reset:{}:{slot}", account.id);
                let letter = letters::password_reset;
                post.mail(tx, account.id, List::Account, Some(key), letter)?;
            }
            // Whose address it is, nobody needs to know any more.
            jobs::store::remove(tx, id)?;
            Ok(Json::Null)
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    const KEY: [u8; 32] = [7; 32];

    fn account(hash: &str) -> Account {
        Account {
            id: Uuid::from_u128(9),
            email: "asha@example.org".into(),
            name: "Asha".into(),
            role: Role::User,
            active: true,
            password_hash: Some(hash.into()),
        }
    }

    fn now() -> Timestamp {
        "2026-11-22T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_token_is_good_for_half_an_hour_and_for_one_password() {
        let claim = Claim::of(&token(&KEY, &account("old"), now())).unwrap();
        let later = |minutes| now() + SignedDuration::from_mins(minutes);
        assert!(claim.check(&KEY, &account("old"), later(29)).is_ok());
        assert!(claim.check(&KEY, &account("old"), later(30)).is_err());
        assert!(claim.check(&KEY, &account("new"), later(1)).is_err());
        assert!(claim.check(&[8; 32], &account("old"), later(1)).is_err());
        let disabled = Account { active: false, ..account("old") };
        assert!(claim.check(&KEY, &disabled, later(1)).is_err());
    }

    #[test]
    fn a_token_for_a_later_time_cannot_be_made_from_another() {
        let old = decode(&token(&KEY, &account("old"), now())).unwrap();
        let mut bytes = old.clone();
        let later = now() + SignedDuration::from_hours(1);
        bytes[16..24].copy_from_slice(&later.as_microsecond().to_be_bytes());
        let claim = Claim::of(&encode(&bytes)).unwrap();
        assert!(claim.check(&KEY, &account("old"), later).is_err());
        assert!(Claim::of("rubbish").is_err());
    }

    #[test]
    fn a_forged_token_of_any_time_is_refused() {
        for micros in [i64::MIN, -1, 0, i64::MAX] {
            let mut bytes = account("old").id.as_bytes().to_vec();
            bytes.extend(micros.to_be_bytes());
            bytes.extend([0; 32]);
            let claim = Claim::of(&encode(&bytes)).unwrap();
            assert!(claim.check(&KEY, &account("old"), now()).is_err(), "{micros}");
        }
    }
}
