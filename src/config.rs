//! The settings, read from the environment or from `.env`; the environment wins. An invalid one
//! stops the start and is named. `settings.rs` lists them.

mod reader;
mod services;
mod settings;
mod shown;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::tz::TimeZone;

use crate::db::{self, DatabaseUrl};
use crate::exports::files::Place;
use crate::jobs::schedule::Ticks;
use crate::mail::{chat, transport};
use crate::money::Currency;
use crate::traces;
use crate::work::SCHEDULES;
use reader::{Reader, to_usize};
use services::{database, database_url};

pub use services::MapTiles;
pub use settings::{SETTINGS, Setting};
pub use shown::{Origin, ShownSetting};

/// The settings, read and checked.
#[derive(Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub data_dir: PathBuf,
    pub database_url: DatabaseUrl,
    pub database: db::Options,
    /// May hold a password: never log it.
    pub redis: Option<redis::Client>,
    /// `None`: the address that is listened on.
    pub public_url: Option<String>,
    pub secret_key: Option<String>,
    pub jwt_secret_key: Option<String>,
    pub access_token_minutes: i64,
    pub time_zone: TimeZone,
    pub time_zone_name: String,
    pub currency: Currency,
    pub open_bookings_max: i64,
    pub offline_release_minutes: i64,
    pub map_tiles: Option<MapTiles>,
    pub rate_limit: bool,
    pub password_hashers: usize,
    pub trusted_proxies: Vec<IpNet>,
    pub cors_origins: Vec<String>,
    pub connections_max: usize,
    pub connections_per_address_max: usize,
    pub metrics_token: Option<String>,
    /// `None`: no collector is set.
    pub traces: Option<traces::settings::Settings>,
    pub log: String,
    pub missed_tick_hours: i64,
    pub tasks_kept_days: i64,
    /// 0: for ever.
    pub plates_kept_days: i64,
    pub remind_open_hours: i64,
    pub remind_away_days: i64,
    pub mail: transport::Settings,
    pub chat_origin: String,
    /// Holds a secret: never log it.
    pub chat_webhook_url: Option<String>,
    pub exports: Place,
    pub export_kept_hours: i64,
    /// By the name of the setting; what is switched off is missing.
    ticks: BTreeMap<&'static str, Ticks>,
    /// Names of settings that are set and have no effect.
    pub unused: Vec<&'static str>,
    /// All of them as the admin may see them.
    pub shown: Vec<ShownSetting>,
}

/// Names and values before they are checked.
pub type Vars = BTreeMap<String, String>;

/// Under this name [`vars`] notes which come from the file.
const FROM_FILE: &str = "";

/// The variables of the process, and of the file `.env` for those it does not have.
///
/// # Errors
/// When `.env` is there and cannot be read.
pub fn vars(env_file: &Path) -> Result<Vars, String> {
    let mut vars = Vars::new();
    if env_file.exists() {
        let unreadable = |error: &dyn Display| format!("{}: {error}", env_file.display());
        let entries = dotenvy::from_path_iter(env_file).map_err(|error| unreadable(&error))?;
        for entry in entries {
            let (name, value) = entry.map_err(|error| unreadable(&error))?;
            vars.insert(name, value);
        }
    }
    let environment: Vars = std::env::vars().collect();
    let from_file = vars.keys().filter(|name| !environment.contains_key(*name));
    let from_file = from_file.cloned().collect::<Vec<_>>().join(" ");
    vars.extend(environment);
    vars.insert(FROM_FILE.into(), from_file);
    Ok(vars)
}

impl Config {
    /// # Errors
    /// The first setting that is wrong, by name.
    pub fn from_vars(vars: &Vars) -> Result<Self, String> {
        let read = Reader(vars);
        let data_dir: PathBuf = read.value::<String>("DATA_DIR")?.into();
        let (time_zone_name, time_zone) = time_zone(&read.value::<String>("TIME_ZONE")?)
            .map_err(|error| format!("TIME_ZONE: {error}"))?;
        let chat_origin: String = read.value("GOOGLE_CHAT_ORIGIN")?;
        let webhook = read.text("GOOGLE_CHAT_WEBHOOK_URL");
        let chat_webhook_url = webhook
            .map(|url| chat::check_webhook(&url, &chat_origin))
            .transpose()
            // Its value is a secret.
            .map_err(|error| format!("GOOGLE_CHAT_WEBHOOK_URL {error}"))?;
        let ticks = SCHEDULES
            .iter()
            .filter_map(|schedule| read.ticks(schedule.setting, &time_zone).transpose())
            .collect::<Result<_, _>>()?;
        let processors = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let database_url = database_url(&read, &data_dir)?;
        let redis = services::redis(&read)?;
        let database = database(&read, processors)?;
        let mut unused = Vec::new();
        if matches!(database_url, DatabaseUrl::Sqlite(_)) {
            unused.extend(redis.as_ref().map(|_| "REDIS_URL"));
            unused.extend(database.standby.as_ref().map(|_| "DATABASE_READ_URL"));
        }
        Ok(Self {
            listen: read.value("LISTEN")?,
            database_url,
            database,
            redis,
            public_url: services::public_url(&read)?,
            secret_key: read.secret("SECRET_KEY")?,
            jwt_secret_key: read.secret("JWT_SECRET_KEY")?,
            access_token_minutes: read.number("ACCESS_TOKEN_MINUTES", 1..=60)?,
            time_zone,
            time_zone_name,
            currency: read.value("CURRENCY")?,
            open_bookings_max: read.number("MAX_OPEN_BOOKINGS", 1..=1000)?,
            offline_release_minutes: read.number("OFFLINE_RELEASE_MINUTES", 0..=1440)?,
            map_tiles: services::map_tiles(&read)?,
            rate_limit: read.switch("RATE_LIMIT")?,
            password_hashers: match read.text("PASSWORD_HASHERS") {
                None => (processors / 2).max(1),
                Some(_) => to_usize(read.number("PASSWORD_HASHERS", 1..=64)?),
            },
            trusted_proxies: services::networks(&read)?,
            cors_origins: read.list("CORS_ORIGINS")?,
            connections_max: to_usize(read.number("CONNECTIONS_MAX", 10..=1_000_000)?),
            connections_per_address_max: to_usize(
                read.number("CONNECTIONS_PER_ADDRESS_MAX", 1..=1_000_000)?,
            ),
            metrics_token: read.secret("METRICS_TOKEN")?,
            traces: services::traces(&read)?,
            log: read.value("LOG")?,
            missed_tick_hours: read.number("MISSED_TICK_HOURS", 1..=168)?,
            tasks_kept_days: read.number("TASKS_KEPT_DAYS", 35..=3650)?,
            plates_kept_days: read.number("PLATES_KEPT_DAYS", 0..=3650)?,
            remind_open_hours: read.number("REMIND_OPEN_HOURS", 1..=720)?,
            remind_away_days: read.number("REMIND_AWAY_DAYS", 1..=3650)?,
            mail: services::mail(&read)?,
            chat_origin,
            chat_webhook_url,
            exports: services::exports(&read, &data_dir)?,
            export_kept_hours: read.number("EXPORT_KEPT_HOURS", 1..=8760)?,
            ticks,
            unused,
            shown: shown::all(&read),
            data_dir,
        })
    }

    /// When the schedule of a setting has its ticks; `None`: it is switched off.
    #[must_use]
    pub fn ticks(&self, setting: &str) -> Option<&Ticks> {
        self.ticks.get(setting)
    }

    /// Whether people reach this server by https.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Whether the address is a proxy's whose word counts.
    #[must_use]
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&address))
    }

    /// The settings as a file to copy, the defaults commented out.
    #[must_use]
    pub fn example() -> String {
        let mut text = String::from(
            "# Settings of parking. Copy this file to .env and change what you need.\n\
             # What is set in the environment wins over this file.\n",
        );
        for Setting { name, default, meaning } in SETTINGS {
            text.push_str(&format!("\n# {meaning}\n# {name}={default}\n"));
        }
        text
    }
}

/// An IANA time zone by its name.
///
/// # Errors
/// When there is none of that name.
pub fn time_zone(name: &str) -> Result<(String, TimeZone), String> {
    let zone = TimeZone::get(name).map_err(|_| format!("{name} is no IANA time zone"))?;
    let name = zone.iana_name().unwrap_or(name).to_owned();
    Ok((name, zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<Config, String> {
        let vars = vars.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Config::from_vars(&vars)
    }

    fn refusal(vars: &[(&str, &str)]) -> String {
        config(vars).err().unwrap_or_default()
    }

    #[test]
    fn without_settings_it_serves_sqlite_on_loopback() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.database_url, DatabaseUrl::Sqlite("./data/parking.sqlite".into()));
    }

    #[test]
    fn a_placeholder_secret_is_refused_by_name() {
        for placeholder in [
            "replace_with_a_long_random_string_of_characters",
            "your-jwt-secret-key-goes-here-0123456789",
        ] {
            for name in ["SECRET_KEY", "JWT_SECRET_KEY"] {
                let refusal = refusal(&[(name, placeholder)]);
                assert!(refusal.starts_with(name), "{refusal}");
                assert!(!refusal.contains(placeholder), "{refusal}");
            }
        }
    }

    #[test]
    fn a_short_secret_is_refused_without_repeating_it() {
        let refusal = refusal(&[("SECRET_KEY", "hunter2hunter2")]);
        assert!(refusal.contains("SECRET_KEY is too short") && !refusal.contains("hunter2"));
    }

    #[test]
    fn the_original_database_setting_is_understood() {
        let sqlite = config(&[("SQLALCHEMY_DATABASE_URI", "sqlite:///parking.db")]).unwrap();
        assert_eq!(sqlite.database_url, DatabaseUrl::Sqlite("./data/parking.db".into()));
        let postgres =
            config(&[("SQLALCHEMY_DATABASE_URI", "postgresql+psycopg2://u:p@h/d")]).unwrap();
        assert_eq!(postgres.database_url, DatabaseUrl::Postgres("postgres://u:p@h/d".into()));
    }

    #[test]
    fn wrong_values_are_named() {
        for (name, value) in [
            ("LISTEN", "somewhere"),
            ("DATABASE_URL", "mysql://u@h/d"),
            ("DATABASE_URL", "sqlite://:memory:"),
            ("DATABASE_URL", "postgres://u@h/d?sslmode=verify-ca"),
            ("DATABASE_READ_URL", "sqlite://parking.sqlite"),
            ("DATABASE_READ_URL", "postgres://u@h/d?sslmode=always"),
            ("REDIS_URL", "http://localhost"),
            ("REDIS_URL", "rediss://localhost/#insecure"),
            ("REDIS_CA_FILE", "ca.pem"),
            ("PUBLIC_URL", "http://parking.example.org"),
            ("PUBLIC_URL", "https://example.org/parking"),
            ("ACCESS_TOKEN_MINUTES", "0"),
            ("TIME_ZONE", "Asia/Atlantis"),
            ("CURRENCY", "XYZ"),
            ("MAX_OPEN_BOOKINGS", "many"),
            ("OFFLINE_RELEASE_MINUTES", "1441"),
            ("MAP_TILE_URL", "https://tiles.example.org/{z}/{x}.png"),
            ("MAP_TILE_URL", "javascript:{z}{x}{y}"),
            ("RATE_LIMIT", "perhaps"),
            ("CONNECTIONS_PER_ADDRESS_MAX", "0"),
            ("TRUSTED_PROXIES", "10.0.0.0/33"),
            ("DAILY_REMINDERS", "0 18 31 2 *"),
            ("MONTHLY_REPORTS", "monthly"),
            ("EXPORTS_URL", "ftp://bucket"),
            ("EXPORTS_URL", "s3://"),
            ("SMTP_URL", "mail.example.org"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "grpc://localhost:4317"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_TRACES_SAMPLER_ARG", "1.5"),
            ("OTEL_TRACES_SAMPLER_ARG", "NaN"),
            ("GOOGLE_CHAT_WEBHOOK_URL", "https://chat.example.org/v1/spaces/A/messages"),
        ] {
            assert!(refusal(&[(name, value)]).contains(name), "{name}={value}");
        }
    }

    #[test]
    fn half_a_mail_server_is_refused() {
        let server = ("MAIL_SERVER", "mail.example.org");
        for settings in [
            &[("MAIL_USERNAME", "asha")][..],
            &[("MAIL_PASSWORD", "hunter2")],
            &[("MAIL_PORT", "587")],
            &[("MAIL_USE_TLS", "True")],
            &[("MAIL_DEFAULT_SENDER", "parking@example.org")],
            &[server, ("MAIL_USERNAME", "asha"), ("MAIL_USE_TLS", "yes")],
            &[server, ("MAIL_PASSWORD", "hunter2"), ("MAIL_USE_TLS", "yes")],
            &[server, ("MAIL_USERNAME", "asha"), ("MAIL_PASSWORD", "hunter2")],
            &[server, ("MAIL_USE_TLS", "yes"), ("MAIL_USE_SSL", "yes")],
            &[server, ("MAIL_PORT", "many")],
            &[server, ("MAIL_DEFAULT_SENDER", "parking")],
            &[server, ("SMTP_URL", "smtp://localhost")],
            &[("SMTP_URL", "smtp://localhost"), ("MAIL_USERNAME", "asha")],
        ] {
            let refusal = refusal(settings);
            let named = refusal.contains("MAIL_") || refusal.contains("SMTP_URL");
            assert!(named && !refusal.contains("hunter2"), "{settings:?}: {refusal}");
        }
    }

    #[test]
    fn a_mail_server_in_parts_is_the_same_as_one_in_a_url() {
        let parts = config(&[
            ("MAIL_SERVER", "mail.example.org"),
            ("MAIL_USE_TLS", "True"),
            ("MAIL_USERNAME", "asha"),
            ("MAIL_PASSWORD", "hunter2"),
        ]);
        let url = config(&[("SMTP_URL", "smtp://asha:hunter2@mail.example.org?tls=required")]);
        assert!(parts.unwrap().mail.server == url.unwrap().mail.server);
    }

    #[test]
    fn plain_http_beyond_this_machine_has_to_be_asked_for() {
        let url = ("PUBLIC_URL", "http://192.0.2.7:8080");
        assert!(config(&[url]).is_err());
        assert!(config(&[url, ("ALLOW_INSECURE_HTTP", "yes")]).is_ok());
        assert!(config(&[("PUBLIC_URL", "http://localhost:8080/")]).is_ok());
    }

    #[test]
    fn the_example_file_lists_every_setting() {
        let example = std::fs::read_to_string(".env.example").unwrap();
        assert_eq!(example, Config::example(), "write it anew: parking settings > .env.example");
    }
}
