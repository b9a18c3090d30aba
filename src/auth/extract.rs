//! From a request to the person behind it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use uuid::Uuid;

use super::{CurrentUser, Role};
use crate::app::App;
use crate::audit::Actor;
use crate::error::{Error, Result};

impl FromRequestParts<App> for CurrentUser {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let header = parts.headers.get(header::AUTHORIZATION);
        let header = header.ok_or(Error::Unauthorized("unauthorized"))?;
        let token = header.to_str().ok().and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        });
        let user = app.tokens.check(token.ok_or(Error::Unauthorized("invalid_token"))?)?;
        if app.revocations.contains(user.session) {
            return Err(Error::Unauthorized("invalid_token"));
        }
        if let Some(asking) = parts.extensions.get::<Asking>() {
            asking.is(user.id);
        }
        Ok(user)
    }
}

/// The admin.
pub struct Admin(pub CurrentUser);

impl FromRequestParts<App> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let user = CurrentUser::from_request_parts(parts, app).await?;
        match user.role {
            Role::Admin => Ok(Self(user)),
            Role::User => Err(Error::Forbidden("forbidden")),
        }
    }
}

/// Who turns out to ask, once a good token says so: for the log of what is refused.
#[derive(Debug, Clone, Default)]
pub struct Asking(Arc<OnceLock<Uuid>>);

impl Asking {
    #[must_use]
    pub fn user(&self) -> Option<Uuid> {
        self.0.get().copied()
    }

    fn is(&self, user: Uuid) {
        // A second look at the token finds the same.
        let _ = self.0.set(user);
    }
}

/// The address of the connection, put into the request by the accept loop.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// The client's address: the connection's, or what a trusted proxy says of it.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self> {
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.ok_or_else(|| Error::Internal("a request without a peer".into()))?;
        let peer = peer.0.ip().to_canonical();
        Ok(Self(client_address(peer, &parts.headers, |address| app.config.trusts(address))))
    }
}

/// The rightmost address that is not a proxy of ours: what stands left of it, anyone can invent.
pub(crate) fn client_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: impl Fn(IpAddr) -> bool,
) -> IpAddr {
    let mut client = peer;
    let values = headers.get_all("x-forwarded-for").iter().rev();
    let entries = values.flat_map(|value| value.as_bytes().rsplit(|byte| *byte == b','));
    let forwarded = entries.map(|entry| str::from_utf8(entry).ok()?.trim().parse::<IpAddr>().ok());
    for address in forwarded {
        // What stands left of something that no proxy writes is not to be believed either.
        let Some(address) = address else { break };
        if !trusted(client) {
            break;
        }
        client = address.to_canonical();
    }
    client
}

/// Who acts and from where, for the audit log.
impl ClientAddress {
    #[must_use]
    pub fn actor(self, user: Option<&CurrentUser>) -> Actor {
        Actor { user: user.map(|user| user.id), address: Some(self.0) }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn address(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
            headers.append("x-forwarded-for", value);
        }
        let proxies: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()];
        client_address(peer.parse().unwrap(), &headers, |a| proxies.contains(&a)).to_string()
    }

    #[test]
    fn forwarded_for_counts_only_from_a_trusted_proxy() {
        assert_eq!(address("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(address("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn an_invented_entry_in_front_is_ignored() {
        assert_eq!(address("10.0.0.1", &["203.0.113.7, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["203.0.113.7", "198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["rubbish, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(address("10.0.0.1", &["rubbish"]), "10.0.0.1");
        assert_eq!(address("10.0.0.1", &["é, 198.51.100.1"]), "198.51.100.1");
    }
}
