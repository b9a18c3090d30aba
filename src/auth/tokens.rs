//! Access tokens (JWT, RFC 8725) and refresh tokens.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{LazyLock, RwLock};

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{CurrentUser, Role};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::ids;

const ISSUER: &str = "parking";
const AUDIENCE: &str = "parking-api";
/// The media type of an access token (RFC 9068), so that no other kind of token passes for one.
const TYPE: &str = "at+jwt";
/// Replicas' clocks may differ by this much.
const LEEWAY_SECONDS: i64 = 5;

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    /// The user.
    sub: Uuid,
    /// The session, which can be revoked before the token expires.
    sid: Uuid,
    role: Role,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Signs and checks access tokens with the one algorithm this server uses, HS256.
pub struct AccessTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    header: Header,
    minutes: i64,
    clock: Clock,
    /// When the last of those issued here expires, in seconds: later than the clock thinks once it
    /// went back.
    last_expires: AtomicI64,
    /// Tokens whose signature was found good, with their claims: a client sends the same one for a
    /// quarter of an hour, and checking it anew took 6% of a booking's CPU.
    good: RwLock<HashMap<String, Good>>,
}

#[derive(Clone, Copy)]
struct Good {
    user: CurrentUser,
    not_before: i64,
    expires: i64,
}

/// Tokens that are remembered at most: some 3 MB.
const GOOD_MAX: usize = 4096;

impl AccessTokens {
    #[must_use]
    pub fn new(secret: &[u8], minutes: i64, clock: Clock) -> Self {
        LazyLock::force(&PROVIDER_INSTALLED);
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are checked here, against our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.into());
        Self {
            signing: EncodingKey::from_secret(secret),
            checking: DecodingKey::from_secret(secret),
            validation,
            header,
            minutes,
            clock,
            last_expires: AtomicI64::new(i64::MIN),
            good: RwLock::default(),
        }
    }

    /// The life of a token in seconds.
    #[must_use]
    pub fn expires_in_seconds(&self) -> i64 {
        self.minutes * 60
    }

    /// # Errors
    /// [`Error::Internal`] when the token cannot be signed.
    pub fn issue(&self, user: Uuid, role: Role, session: Uuid) -> Result<String> {
        let now = self.clock.now().as_second();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            sub: user,
            sid: session,
            role,
            iat: now,
            nbf: now,
            exp: now + self.expires_in_seconds(),
        };
        self.last_expires.fetch_max(claims.exp, Ordering::Relaxed);
        jsonwebtoken::encode(&self.header, &claims, &self.signing)
            .map_err(|error| Error::Internal(format!("an access token cannot be signed: {error}")))
    }

    /// # Errors
    /// 401 `invalid_token`, whatever is wrong with it: [`Error::ForgedToken`] when it was never ours.
    pub fn check(&self, token: &str) -> Result<CurrentUser> {
        let now = self.clock.now().as_second();
        let known = self.good.read().ok().and_then(|good| good.get(token).copied());
        let good = match known {
            Some(good) => good,
            None => self.check_signature(token).ok_or(Error::ForgedToken)?,
        };
        if good.not_before > now + LEEWAY_SECONDS || now >= good.expires {
            return Err(Error::Unauthorized("invalid_token"));
        }
        if known.is_none()
            && let Ok(mut remembered) = self.good.write()
        {
            if remembered.len() >= GOOD_MAX {
                remembered.clear();
            }
            remembered.insert(token.to_owned(), good);
        }
        Ok(good.user)
    }

    fn check_signature(&self, token: &str) -> Option<Good> {
        let token = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation).ok()?;
        // What a header says must be understood is not: there is no such thing (RFC 7515, section 4.1.11).
        if token.header.typ.as_deref() != Some(TYPE) || token.header.crit.is_some() {
            return None;
        }
        let Claims { sub, sid, role, nbf, exp, .. } = token.claims;
        let user = CurrentUser { id: sub, role, session: sid };
        Some(Good { user, not_before: nbf, expires: exp })
    }

    /// When the last token issued by `now` will have expired.
    #[must_use]
    pub fn all_expired_after(&self, now: Timestamp) -> Timestamp {
        let here = Timestamp::from_second(self.last_expires.load(Ordering::Relaxed));
        let elsewhere = now + SignedDuration::from_mins(self.minutes);
        here.unwrap_or(elsewhere).max(elsewhere) + SignedDuration::from_secs(LEEWAY_SECONDS)
    }
}

/// A refresh token: opaque, 256 bits, single use. Only its SHA-256 is kept.
#[derive(Clone)]
pub struct RefreshToken(String);

impl RefreshToken {
    #[must_use]
    pub fn new() -> Self {
        Self(encode(&ids::new_secret()))
    }

    /// As it came in a cookie; `None` when it cannot be one of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == 43 && text.is_ascii()).then(|| Self(text.to_owned()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(self.0.as_bytes())
    }
}

impl Default for RefreshToken {
    fn default() -> Self {
        Self::new()
    }
}

#[must_use]
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// Base64 for URLs, without padding.
#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes that [`encode`] made this of.
#[must_use]
pub fn decode(text: &str) -> Option<Vec<u8>> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).ok()
}

type HmacSha256 = Hmac<Sha256>;

/// What only a holder of the key can make of the bytes, for one purpose.
#[must_use]
pub fn mac(key: &[u8; 32], purpose: &str, bytes: &[u8]) -> [u8; 32] {
    let purpose_key = derive_key(key, purpose);
    hmac(&purpose_key, bytes)
}

/// A key for one purpose out of the installation's secret.
///
/// # Panics
/// Never: HMAC takes keys of any length.
#[must_use]
pub fn derive_key(secret: &[u8], purpose: &str) -> [u8; 32] {
    hmac(secret, purpose.as_bytes())
}

#[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
fn hmac(key: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut mac = HmacSha256::new_from_slice(key).expect("any length will do");
    mac.update(bytes);
    mac.finalize().into_bytes().into()
}

/// HS256 for `jsonwebtoken`, whose own features bring RSA and elliptic curves along.
struct Hs256(HmacSha256);

impl Hs256 {
    fn new(algorithm: Algorithm, secret: &[u8]) -> jsonwebtoken::errors::Result<Self> {
        match algorithm {
            Algorithm::HS256 => HmacSha256::new_from_slice(secret)
                .map(Self)
                .map_err(|_| ErrorKind::InvalidKeyFormat.into()),
            _ => Err(ErrorKind::InvalidAlgorithm.into()),
        }
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        // Constant time.
        let mac = self.0.clone().chain_update(message);
        mac.verify_slice(signature).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::new(*algorithm, key.as_bytes())?)),
    verifier_factory: |algorithm, key| {
        Ok(Box::new(Hs256::new(*algorithm, key.try_get_as_bytes()?)?))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

static PROVIDER_INSTALLED: LazyLock<()> = LazyLock::new(|| {
    // Fails only when one is installed already, and ours is the only one.
    let _ = PROVIDER.install_default();
});

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(clock: &Clock) -> AccessTokens {
        AccessTokens::new(&[7; 32], 15, clock.clone())
    }

    fn clock() -> Clock {
        Clock::manual("2026-11-22T10:00:00Z".parse().unwrap())
    }

    fn is_forged(tokens: &AccessTokens, token: &str) -> bool {
        matches!(tokens.check(token), Err(Error::ForgedToken))
    }

    #[test]
    fn a_token_names_its_user_until_it_expires() {
        let clock = clock();
        let tokens = tokens(&clock);
        let (user, session) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let token = tokens.issue(user, Role::Admin, session).unwrap();
        let current = tokens.check(&token).unwrap();
        assert_eq!((current.id, current.session, current.role), (user, session, Role::Admin));
        clock.advance(SignedDuration::from_secs(15 * 60 - 1));
        assert!(tokens.check(&token).is_ok());
        clock.advance(SignedDuration::from_secs(1));
        assert!(matches!(tokens.check(&token), Err(Error::Unauthorized("invalid_token"))));
    }

    #[test]
    fn a_clock_that_went_back_does_not_forget_when_the_last_token_expires() {
        let clock = clock();
        let tokens = tokens(&clock);
        let (user, expires) = (Uuid::from_u128(1), tokens.all_expired_after(clock.now()));
        tokens.issue(user, Role::User, user).unwrap();
        clock.advance(SignedDuration::from_hours(-2));
        assert_eq!(tokens.all_expired_after(clock.now()), expires);
    }

    #[test]
    fn a_token_of_another_key_type_issuer_or_algorithm_is_refused() {
        let clock = clock();
        let ours = tokens(&clock);
        let user = Uuid::from_u128(1);
        let other_key = AccessTokens::new(&[8; 32], 15, clock.clone());
        assert!(is_forged(&ours, &other_key.issue(user, Role::User, user).unwrap()));
        let mut other_type = tokens(&clock);
        other_type.header.typ = Some("JWT".into());
        assert!(is_forged(&ours, &other_type.issue(user, Role::User, user).unwrap()));
        let token = ours.issue(user, Role::User, user).unwrap();
        let (_, rest) = token.split_once('.').unwrap();
        let none = encode(br#"{"typ":"at+jwt","alg":"none"}"#);
        assert!(is_forged(&ours, &format!("{none}.{rest}")));
        let (unsigned, _) = token.rsplit_once('.').unwrap();
        assert!(is_forged(&ours, &format!("{unsigned}.")));
        assert!(is_forged(&ours, ""));
    }
}
