//! What nothing may show, in whatever test: passwords, their hashes, keys, tokens. The harness looks for
//! it in every answer, in all that is logged meanwhile and in what processes say.

use std::io::{Result, Write};
use std::path::Path;
use std::sync::{Mutex, Once, PoisonError};

use parking::config::{SETTINGS, Vars};

use crate::harness::PASSWORD;

/// How a hash begins: the PHC string format.
const HASH: &str = "$argon2";
/// How an access token begins: `{"` in Base64 (RFC 7519).
const TOKEN: &str = "eyJ";
/// Shorter ones are words that stand anywhere.
const SECRET_LENGTH_MIN: usize = 16;

/// What this process has heard of that is secret: keys, secret settings, refresh tokens.
static SECRETS: Mutex<Vec<String>> = Mutex::new(Vec::new());
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Listens to the log from now on, and looks through it when it goes out of scope.
pub struct Watch;

impl Watch {
    /// Over an installation.
    pub fn begin(settings: &Vars, data_dir: &Path) -> Self {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing_subscriber::filter::LevelFilter::DEBUG)
                .with_ansi(false)
                .with_writer(|| Log)
                .init();
        });
        let of_settings = SETTINGS.iter().filter(|setting| setting.is_secret());
        of_settings.filter_map(|setting| settings.get(setting.name)).for_each(|value| keep(value));
        if let Ok(key) = std::fs::read_to_string(data_dir.join("secrets/secret_key")) {
            keep(key.trim());
        }
        Self
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let log = std::mem::take(&mut *LOG.lock().unwrap_or_else(PoisonError::into_inner));
            nothing_secret_in_log(&String::from_utf8_lossy(&log));
        }
    }
}

struct Log;

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).write(line)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

/// From now on this is looked for as well.
pub fn keep(secret: &str) {
    let mut secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner);
    if secret.len() >= SECRET_LENGTH_MIN && !secrets.iter().any(|known| known == secret) {
        secrets.push(secret.to_owned());
    }
}

#[track_caller]
pub fn nothing_secret_in_log(log: &str) {
    assert!(!log.contains(TOKEN), "an access token is in\n{log}");
    nothing_secret_in(log);
}

#[track_caller]
pub fn nothing_secret_in(text: &str) {
    let secrets = SECRETS.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for secret in secrets.iter().map(String::as_str).chain([PASSWORD, HASH]) {
        assert!(!text.contains(secret), "{secret} is in\n{text}");
    }
}

/// It fails where it should; that nothing is found is what all other tests say.
#[test]
fn a_password_a_hash_a_token_or_a_key_in_a_log_or_an_answer_fails_the_test() {
    let settings = Vars::from([("METRICS_TOKEN".into(), "a token for the scraper".into())]);
    for secret in [PASSWORD, "$argon2id$v=19$m=19456", "a token for the scraper"] {
        let found = std::panic::catch_unwind(|| {
            let _watch = Watch::begin(&settings, Path::new("nowhere"));
            nothing_secret_in(&format!(r#"{{"detail": "was {secret}"}}"#));
        });
        assert!(found.is_err(), "{secret} in an answer");
    }
    for secret in [PASSWORD, "eyJhbGciOiJIUzI1NiJ9.e30.x", "a token for the scraper"] {
        let found = std::panic::catch_unwind(|| {
            let _watch = Watch::begin(&settings, Path::new("nowhere"));
            tracing::debug!("somebody came with {secret}");
        });
        assert!(found.is_err(), "{secret} in the log");
    }
}
