//! The settings as the admin may see them: each with its value and where that comes from, and no
//! secret.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::reader::Reader;
use super::{FROM_FILE, SETTINGS, Setting};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It is not set.
    Default,
    /// The environment of the process.
    Environment,
    /// The file `.env`.
    File,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShownSetting {
    #[schema(example = "TIME_ZONE")]
    pub name: String,
    /// In English, as `parking serve --help` has it.
    pub meaning: String,
    /// As it is set, or the default, which may be empty. `null`: it is set, and a secret.
    #[schema(required)]
    pub value: Option<String>,
    pub origin: Origin,
}

pub(super) fn all(read: &Reader<'_>) -> Vec<ShownSetting> {
    SETTINGS.iter().map(|setting| shown(setting, read)).collect()
}

fn shown(setting: &Setting, read: &Reader<'_>) -> ShownSetting {
    let from_file = read.0.get(FROM_FILE).map(String::as_str).unwrap_or_default();
    let is_from_file = from_file.split(' ').any(|name| name == setting.name);
    let (value, origin) = match read.text(setting.name) {
        None => (Some(setting.default.to_owned()), Origin::Default),
        Some(value) => {
            let value = (!setting.is_secret()).then(|| without_password(&value));
            (value, if is_from_file { Origin::File } else { Origin::Environment })
        }
    };
    let (name, meaning) = (setting.name.to_owned(), setting.meaning.to_owned());
    ShownSetting { name, meaning, value, origin }
}

/// `scheme://user:password@host` without the password, and without a query, which may hold one.
fn without_password(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else { return value.to_owned() };
    let without_query = |text: &str| match text.split_once('?') {
        Some((text, _)) => format!("{text}?…"),
        None => text.to_owned(),
    };
    // A password may have an @ or a question mark in it, too.
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split([':', '?']).next().unwrap_or_default();
            format!("{scheme}://{user}:…@{}", without_query(host))
        }
        None => format!("{scheme}://{}", without_query(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Vars};

    fn value(name: &str, text: &str) -> (Option<String>, Origin) {
        let vars =
            Vars::from([(name.into(), text.into()), (FROM_FILE.into(), "LISTEN LOG".into())]);
        let shown = Config::from_vars(&vars).unwrap().shown;
        let setting = shown.into_iter().find(|setting| setting.name == name).unwrap();
        (setting.value, setting.origin)
    }

    #[test]
    fn a_value_is_shown_with_where_it_comes_from() {
        assert_eq!(value("CURRENCY", "EUR"), (Some("EUR".into()), Origin::Environment));
        assert_eq!(value("CURRENCY", ""), (Some("INR".into()), Origin::Default));
        assert_eq!(value("LOG", "warn"), (Some("warn".into()), Origin::File));
    }

    #[test]
    fn no_secret_is_shown() {
        for (name, text) in [
            ("SECRET_KEY", "s3cret-s3cret-s3cret-s3cret-s3cret"),
            ("JWT_SECRET_KEY", "s3cret-s3cret-s3cret-s3cret-s3cret"),
            ("METRICS_TOKEN", "s3cret-s3cret-s3cret-s3cret-s3cret"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://parking:s3cret@collector.example.org"),
            (
                "GOOGLE_CHAT_WEBHOOK_URL",
                "https://chat.googleapis.com/v1/spaces/A/messages?key=s3cret&token=s3cret",
            ),
            ("DATABASE_URL", "postgres://parking:s3cret@db.example.org/parking"),
            ("DATABASE_URL", "postgres://parking:s3cret?why@db.example.org/parking"),
            ("DATABASE_URL", "postgres://db.example.org/a?password=s3cret&application_name=a@b"),
            ("SMTP_URL", "smtps://parking:p%40s3cret@mail.example.org"),
        ] {
            let (value, origin) = value(name, text);
            assert!(!value.unwrap_or_default().contains("s3cret"), "{name}");
            assert_eq!(origin, Origin::Environment);
        }
        assert_eq!(
            without_password("postgres://parking:s@cret@db.example.org/parking?password=s3cret"),
            "postgres://parking:…@db.example.org/parking?…"
        );
    }
}
