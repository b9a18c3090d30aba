//! Where a PostgreSQL is and how it is reached, by a URL as libpq takes it.
//!
//! `sslmode` and `sslrootcert` mean what they do in libpq (PostgreSQL's manual, "SSL Support",
//! <https://www.postgresql.org/docs/current/libpq-ssl.html>), with two differences: `sslrootcert`
//! has no default file, so `verify-full` without one trusts the system's authorities; and where
//! libpq would look at a certificate and then go on anyway, the URL is refused.

use std::path::Path;

use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{Client, Config, Connection, Error, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::text::percent_decoded;
use crate::tls::{self, Trust};

/// In seconds, and times. Without them a machine that is gone without a word is noticed after hours.
/// The URL may have others.
const CONNECT: [&str; 4] =
    ["connect_timeout=5", "keepalives_idle=20", "keepalives_interval=5", "keepalives_retries=3"];

type Encrypted = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// Holds a password: never log it.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Address {
    /// Reads the file of `sslrootcert`, too.
    pub(super) fn of_url(url: &str) -> Result<Self, String> {
        // A password may have a question mark in it.
        let host = url.find('@').unwrap_or_default();
        let query = url[host..].find('?').map_or(url.len(), |at| host + at);
        let (start, query) = (&url[..query], url[query..].trim_start_matches('?'));
        let (mut mode, mut root, mut kept) = (None, None, CONNECT.to_vec());
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("sslmode", value)) => mode = Some(percent_decoded(value)),
                Some(("sslrootcert", value)) => root = Some(percent_decoded(value)),
                _ => kept.push(pair),
            }
        }
        let (mode, trust) = encryption(mode.as_deref(), root.as_deref())?;
        // Its message never holds a part of the URL, which may be one of the password.
        let url = format!("{start}?{}", kept.join("&"));
        let mut config: Config = url.parse().map_err(|error: Error| error.to_string())?;
        let is_socket = |host: &Host| matches!(host, Host::Unix(_));
        let local = !config.get_hosts().is_empty() && config.get_hosts().iter().all(is_socket);
        config.ssl_mode(if local { SslMode::Disable } else { mode });
        if config.get_hosts().is_empty() {
            // An address without a name is its own name.
            for address in config.get_hostaddrs().to_vec() {
                config.host(address.to_string());
            }
        }
        Ok(Self { config, tls: MakeRustlsConnect::new(trust.config()) })
    }

    /// `name` is how PostgreSQL lists the connection.
    pub(super) fn named(mut self, name: &str) -> Self {
        self.config.application_name(name);
        self
    }

    pub(super) async fn connect(&self) -> Result<(Client, Connection<Socket, Encrypted>), Error> {
        match self.config.connect(self.tls.clone()).await {
            Err(error) if self.config.get_ssl_mode() == SslMode::Prefer && wants_no_tls(&error) => {
                let mut plain = self.config.clone();
                plain.ssl_mode(SslMode::Disable).connect(self.tls.clone()).await.map_err(|_| error)
            }
            done => done,
        }
    }
}

/// The server offers TLS, and then does not get along with ours or has no place for who comes by it.
fn wants_no_tls(error: &Error) -> bool {
    error.code() == Some(&SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
        // The driver has no other way to tell.
        || error.to_string() == "error performing TLS handshake"
}

fn encryption(mode: Option<&str>, root: Option<&str>) -> Result<(SslMode, Trust), String> {
    let authorities = |file: &str| {
        tls::authorities(Path::new(file)).map_err(|error| format!("sslrootcert: {error}"))
    };
    let mode = mode.unwrap_or(if root == Some("system") { "verify-full" } else { "prefer" });
    let root = root.filter(|root| *root != "system" || mode != "verify-full");
    match (mode, root) {
        ("verify-full", None) => Ok((SslMode::Require, Trust::Name(tls::system_authorities()?))),
        ("verify-full", Some(file)) => Ok((SslMode::Require, Trust::Name(authorities(file)?))),
        // Anybody can have a certificate of the system's authorities, for a name of their own.
        ("disable" | "prefer" | "require" | "verify-ca", Some("system")) => {
            Err(format!("sslrootcert=system needs sslmode=verify-full, not {mode}"))
        }
        ("verify-ca", None) => {
            Err("sslmode=verify-ca needs sslrootcert=FILE; or use verify-full".into())
        }
        ("verify-ca" | "require", Some(file)) => {
            Ok((SslMode::Require, Trust::Holder(authorities(file)?)))
        }
        ("require", None) => Ok((SslMode::Require, Trust::Anybody)),
        ("prefer" | "disable", Some(_)) => {
            Err(format!("sslrootcert protects nothing with sslmode={mode}; use verify-full"))
        }
        ("prefer", None) => Ok((SslMode::Prefer, Trust::Anybody)),
        ("disable", None) => Ok((SslMode::Disable, Trust::Anybody)),
        _ => Err("sslmode must be disable, prefer, require, verify-ca or verify-full".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(query: &str) -> Result<SslMode, String> {
        let url = format!("postgres://asha:hunter2@db.example.org/parking{query}");
        Address::of_url(&url).map(|address| address.config.get_ssl_mode())
    }

    #[test]
    fn without_a_mode_encryption_is_preferred() {
        assert_eq!(mode(""), Ok(SslMode::Prefer));
        assert_eq!(mode("?application_name=x&sslmode=require"), Ok(SslMode::Require));
        assert_eq!(mode("?sslmode=disable"), Ok(SslMode::Disable));
    }

    #[test]
    fn a_mode_that_protects_less_than_it_seems_to_is_refused() {
        for (query, named) in [
            ("?sslmode=allow", "sslmode"),
            ("?sslmode=verify-ca", "sslrootcert=FILE"),
            ("?sslrootcert=ca.pem", "sslmode=prefer"),
            ("?sslmode=require&sslrootcert=system", "verify-full"),
            ("?sslmode=verify-ca&sslrootcert=system", "verify-full"),
            ("?sslmode=verify-full&sslrootcert=missing%20file.pem", "missing file.pem"),
            ("?sslmode=verify-full&sslrootcert=Cargo.toml", "no certificate"),
            ("?sslcert=client.pem", "invalid"),
        ] {
            let refusal = mode(query).err().unwrap_or_default();
            assert!(refusal.contains(named) && !refusal.contains("hunter2"), "{query}: {refusal}");
        }
    }

    #[test]
    fn a_socket_of_this_machine_is_not_encrypted() {
        let url = "postgres://asha@%2Frun%2Fpostgresql/parking?sslmode=require";
        assert_eq!(Address::of_url(url).unwrap().config.get_ssl_mode(), SslMode::Disable);
    }

    #[test]
    fn the_url_has_the_last_word_and_a_password_any_character() {
        let url = "postgres://asha:why?&sslmode=x@db.example.org/parking?keepalives_idle=7";
        let config = Address::of_url(url).unwrap().config;
        assert_eq!(config.get_keepalives_idle().as_secs(), 7);
        assert_eq!(config.get_password(), Some(&b"why?&sslmode=x"[..]));
        assert_eq!(config.get_connect_timeout().unwrap().as_secs(), 5);
    }
}
