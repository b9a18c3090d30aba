//! What the environment says.

use super::text;
use crate::config::{Config, SETTINGS, Vars};
use crate::db::DatabaseUrl;

const SECRET: &str = "hunter2";

/// Which files there are on a machine is not what is looked for.
fn reads_a_file(text: &str) -> bool {
    text.contains("sslrootcert") || text.contains("_FILE")
}

/// What is taken is taken again, and a refusal tells nothing of a password.
pub(super) fn database_url(data: &[u8]) {
    let Some(text) = text(data).filter(|text| !reads_a_file(text)) else { return };
    if let Ok(url) = text.parse::<DatabaseUrl>() {
        let written = match &url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        assert_eq!(written.parse(), Ok(url));
    }
    let with_password = format!("postgres://asha:{SECRET}{text}@db.example.org/parking");
    if let Err(refusal) = with_password.parse::<DatabaseUrl>() {
        assert!(!refusal.contains(SECRET), "{refusal}");
    }
}

/// Lines of `NAME=value`. No password is shown to the admin, or repeated by a refusal.
pub(super) fn settings(data: &[u8]) {
    let Some(text) = text(data).filter(|text| !reads_a_file(text)) else { return };
    if text.contains(SECRET) {
        return;
    }
    let vars = text.lines().filter_map(|line| line.split_once('='));
    let vars: Vars = vars.map(|(name, value)| (name.into(), with_secret(name, value))).collect();
    match Config::from_vars(&vars) {
        Err(refusal) => assert!(!refusal.contains(SECRET), "{refusal}"),
        Ok(config) => {
            let shown = config.shown.into_iter().filter_map(|setting| setting.value);
            let telling: Vec<_> = shown.filter(|value| value.contains(SECRET)).collect();
            assert!(telling.is_empty(), "{telling:?}");
        }
    }
}

/// The value of a setting with a secret in it, where it may have one.
fn with_secret(name: &str, value: &str) -> String {
    const URLS: [&str; 6] = [
        "DATABASE_URL",
        "DATABASE_READ_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "REDIS_URL",
        "SMTP_URL",
    ];
    let is_secret = SETTINGS.iter().any(|setting| setting.name == name && setting.is_secret());
    match value.split_once("://") {
        Some((scheme, rest)) if URLS.contains(&name) && rest.contains('@') => {
            format!("{scheme}://asha:{SECRET}{rest}")
        }
        _ if is_secret => format!("{SECRET}{value}"),
        _ => value.to_owned(),
    }
}
