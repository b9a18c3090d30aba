//! The settings, read from the environment or from `.env`; the environment wins. An invalid one
//! stops the start and is named. `settings.rs` lists them.

mod settings;
mod shown;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use jiff::tz::TimeZone;
use redis::TlsCertificates;

use crate::db::{self, DatabaseUrl};
use crate::exports::files::Place;
use crate::jobs::schedule::Ticks;
use crate::mail::chat;
use crate::mail::transport::{self, Security, Server};
use crate::money::Currency;
use crate::tls;
use crate::traces;
use crate::traces::context::Sampler;
use crate::work::SCHEDULES;

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

/// Reads settings out of `Vars`; an empty value counts as absent.
struct Reader<'a>(&'a Vars);

impl Reader<'_> {
    fn text(&self, name: &str) -> Option<String> {
        let value = self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        value.map(ToOwned::to_owned)
    }

    fn value<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, String> {
        let default = SETTINGS.iter().find(|setting| setting.name == name);
        let value = self
            .text(name)
            .or_else(|| default.map(|setting| setting.default.to_owned()))
            .unwrap_or_default();
        value.parse().map_err(|error| format!("{name}={value}: {error}"))
    }

    fn number(&self, name: &str, range: std::ops::RangeInclusive<i64>) -> Result<i64, String> {
        let number = self.value(name)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(format!("{name}={number}: must be {} to {}", range.start(), range.end()))
        }
    }

    fn switch(&self, name: &str) -> Result<bool, String> {
        let value: String = self.value(name)?;
        match value.to_ascii_lowercase().as_str() {
            "on" | "yes" | "true" | "1" => Ok(true),
            "off" | "no" | "false" | "0" => Ok(false),
            _ => Err(format!("{name}={value}: must be on or off")),
        }
    }

    /// `None`: switched off.
    fn ticks(
        &self,
        name: &'static str,
        zone: &TimeZone,
    ) -> Result<Option<(&'static str, Ticks)>, String> {
        let expression: String = self.value(name)?;
        if expression.eq_ignore_ascii_case("off") {
            return Ok(None);
        }
        let ticks = Ticks::new(&expression, zone.clone());
        ticks
            .map(|ticks| Some((name, ticks)))
            .map_err(|error| format!("{name}={expression}: {error}"))
    }

    fn list<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Vec<T>, String> {
        let text = self.text(name).unwrap_or_default();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| entry.parse().map_err(|error| format!("{name}: {entry}: {error}")))
            .collect()
    }

    /// A secret is refused when it is short or was never changed; its value is never repeated.
    fn secret(&self, name: &str) -> Result<Option<String>, String> {
        const LENGTH_MIN: usize = 32;
        let Some(secret) = self.text(name) else { return Ok(None) };
        let lower = secret.to_ascii_lowercase().replace('-', "_");
        let placeholders = ["replace_with", "replace_me", "your_", "change_me", "changeme"];
        if placeholders.iter().any(|placeholder| lower.starts_with(placeholder)) {
            return Err(format!(
                "{name} still holds its placeholder: set a secret of your own, or leave it out and one is made"
            ));
        }
        if secret.len() < LENGTH_MIN {
            return Err(format!("{name} is too short: use at least {LENGTH_MIN} characters"));
        }
        Ok(Some(secret))
    }
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
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let database_url = database_url(&read, &data_dir)?;
        let redis = redis(&read)?;
        let database = database(&read)?;
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
            public_url: public_url(&read)?,
            secret_key: read.secret("SECRET_KEY")?,
            jwt_secret_key: read.secret("JWT_SECRET_KEY")?,
            access_token_minutes: read.number("ACCESS_TOKEN_MINUTES", 1..=60)?,
            time_zone,
            time_zone_name,
            currency: read.value("CURRENCY")?,
            open_bookings_max: read.number("MAX_OPEN_BOOKINGS", 1..=1000)?,
            offline_release_minutes: read.number("OFFLINE_RELEASE_MINUTES", 0..=1440)?,
            map_tiles: map_tiles(&read)?,
            rate_limit: read.switch("RATE_LIMIT")?,
            password_hashers: match read.text("PASSWORD_HASHERS") {
                None => (cores / 2).max(1),
                Some(_) => to_usize(read.number("PASSWORD_HASHERS", 1..=64)?),
            },
            trusted_proxies: networks(&read)?,
            cors_origins: read.list("CORS_ORIGINS")?,
            connections_max: to_usize(read.number("CONNECTIONS_MAX", 10..=1_000_000)?),
            metrics_token: read.text("METRICS_TOKEN"),
            traces: traces(&read)?,
            log: read.value("LOG")?,
            missed_tick_hours: read.number("MISSED_TICK_HOURS", 1..=168)?,
            tasks_kept_days: read.number("TASKS_KEPT_DAYS", 35..=3650)?,
            plates_kept_days: read.number("PLATES_KEPT_DAYS", 0..=3650)?,
            remind_open_hours: read.number("REMIND_OPEN_HOURS", 1..=720)?,
            remind_away_days: read.number("REMIND_AWAY_DAYS", 1..=3650)?,
            mail: mail(&read)?,
            chat_origin,
            chat_webhook_url,
            exports: exports(&read, &data_dir)?,
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

fn to_usize(number: i64) -> usize {
    usize::try_from(number).unwrap_or(1)
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

fn database_url(read: &Reader<'_>, data_dir: &Path) -> Result<DatabaseUrl, String> {
    if let Some(url) = read.text("DATABASE_URL") {
        return url.parse().map_err(|error| format!("DATABASE_URL: {error}"));
    }
    if let Some(url) = read.text("SQLALCHEMY_DATABASE_URI") {
        // There a path after three slashes is relative, to a folder like our DATA_DIR.
        if let Some(path) = url.strip_prefix("sqlite:///") {
            return Ok(DatabaseUrl::Sqlite(data_dir.join(path)));
        }
        return url.parse().map_err(|error| format!("SQLALCHEMY_DATABASE_URI: {error}"));
    }
    Ok(DatabaseUrl::Sqlite(data_dir.join("parking.sqlite")))
}

fn database(read: &Reader<'_>) -> Result<db::Options, String> {
    let seconds =
        |name, max| read.number(name, 1..=max).map(|n| Duration::from_secs(n.unsigned_abs()));
    Ok(db::Options {
        lanes: to_usize(read.number("DATABASE_LANES", 1..=64)?),
        readers: to_usize(read.number("DATABASE_READERS", 1..=64)?),
        statement_time_max: seconds("DATABASE_STATEMENT_SECONDS", 3600)?,
        lock_time_max: seconds("DATABASE_LOCK_SECONDS", 600)?,
        pooled: read.switch("DATABASE_POOLED")?,
        standby: standby(read)?,
    })
}

fn standby(read: &Reader<'_>) -> Result<Option<DatabaseUrl>, String> {
    let Some(url) = read.text("DATABASE_READ_URL") else { return Ok(None) };
    match url.parse().map_err(|error| format!("DATABASE_READ_URL: {error}"))? {
        DatabaseUrl::Sqlite(_) => Err("DATABASE_READ_URL: must be postgres://".into()),
        standby @ DatabaseUrl::Postgres(_) => Ok(Some(standby)),
    }
}

/// Where the map's tiles are, other than on this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    /// With `{z}`, `{x}` and `{y}` in it.
    pub url: String,
    /// Scheme and host: what browsers may load pictures from.
    pub origin: String,
    pub attribution: String,
}

fn redis(read: &Reader<'_>) -> Result<Option<redis::Client>, String> {
    let file = read.text("REDIS_CA_FILE");
    let Some(url) = read.text("REDIS_URL") else {
        return match file {
            Some(_) => Err("REDIS_CA_FILE is set, and REDIS_URL is not".into()),
            None => Ok(None),
        };
    };
    // It may hold a password: the value is not repeated.
    let wrong = "REDIS_URL: must be redis://HOST:PORT or rediss://HOST:PORT";
    let parsed = url::Url::parse(&url).ok().filter(url::Url::has_host);
    // As `#insecure` it would switch off what TLS is for.
    let parsed = parsed.filter(|url| url.fragment().is_none()).ok_or(wrong)?;
    tls::choose();
    let client = match (parsed.scheme(), file) {
        ("redis" | "rediss", None) => redis::Client::open(url),
        ("rediss", Some(file)) => {
            let failed = |error: &dyn Display| format!("REDIS_CA_FILE={error}");
            tls::authorities(Path::new(&file)).map_err(|error| failed(&error))?;
            let pem = std::fs::read(&file).map_err(|error| failed(&error))?;
            let authority = TlsCertificates { client_tls: None, root_cert: Some(pem) };
            redis::Client::build_with_tls(url, authority)
        }
        ("redis", Some(_)) => {
            return Err("REDIS_CA_FILE is set, and REDIS_URL is not rediss://".into());
        }
        _ => return Err(wrong.into()),
    };
    client.map(Some).map_err(|_| wrong.into())
}

fn map_tiles(read: &Reader<'_>) -> Result<Option<MapTiles>, String> {
    let Some(url) = read.text("MAP_TILE_URL") else { return Ok(None) };
    let wrong = |what: &str| format!("MAP_TILE_URL={url}: {what}");
    if !["{z}", "{x}", "{y}"].iter().all(|part| url.contains(part)) {
        return Err(wrong("must hold {z}, {x} and {y}"));
    }
    let parsed: axum::http::Uri =
        url.replace(['{', '}'], "").parse().map_err(|error| wrong(&format!("{error}")))?;
    match (parsed.scheme_str(), parsed.authority()) {
        (Some(scheme @ ("https" | "http")), Some(host)) if !host.as_str().contains('@') => {
            let origin = format!("{scheme}://{host}");
            let attribution = read.text("MAP_ATTRIBUTION").unwrap_or_default();
            Ok(Some(MapTiles { url, origin, attribution }))
        }
        _ => Err(wrong("must begin with https:// and a host")),
    }
}

/// Half a mail server is a mistake: mails would go to the outbox, and nobody would notice.
fn mail(read: &Reader<'_>) -> Result<transport::Settings, String> {
    let is_on = |name: &str| Ok::<_, String>(read.text(name).is_some() && read.switch(name)?);
    let parts = ["MAIL_PORT", "MAIL_USERNAME", "MAIL_PASSWORD"];
    let part = match (is_on("MAIL_USE_TLS")?, is_on("MAIL_USE_SSL")?) {
        (true, _) => Some("MAIL_USE_TLS"),
        (_, true) => Some("MAIL_USE_SSL"),
        _ => parts.into_iter().find(|name| read.text(name).is_some()),
    };
    let general = ["MAIL_DEFAULT_SENDER", "MAIL_CA_FILE"];
    let general = general.into_iter().find(|name| read.text(name).is_some());
    let server = match (read.text("SMTP_URL"), read.text("MAIL_SERVER")) {
        (Some(_), Some(_)) => return Err("set SMTP_URL or MAIL_SERVER, not both".into()),
        (Some(_), None) if part.is_some() => {
            return Err(format!("{} belongs into SMTP_URL", part.unwrap_or_default()));
        }
        (Some(url), None) => {
            Some(Server::of_url(&url).map_err(|error| format!("SMTP_URL: {error}"))?)
        }
        (None, Some(host)) => Some(mail_server(read, host)?),
        (None, None) => match part.or(general) {
            Some(name) => return Err(format!("{name} is set, and no MAIL_SERVER or SMTP_URL")),
            None => None,
        },
    };
    let sender = read.text("MAIL_DEFAULT_SENDER");
    let sender = sender.map(|sender| {
        sender.parse().map_err(|_| {
            format!("MAIL_DEFAULT_SENDER={sender}: must be like Parking <parking@example.org>")
        })
    });
    let timeout = read.number("MAIL_TIMEOUT_SECONDS", 1..=240)?;
    Ok(transport::Settings {
        server,
        sender: sender.transpose()?,
        timeout: std::time::Duration::from_secs(timeout.unsigned_abs()),
        certificate: read.text("MAIL_CA_FILE").map(Into::into),
    })
}

fn mail_server(read: &Reader<'_>, host: String) -> Result<Server, String> {
    let security = match (read.switch("MAIL_USE_TLS")?, read.switch("MAIL_USE_SSL")?) {
        (true, true) => return Err("set MAIL_USE_TLS or MAIL_USE_SSL, not both".into()),
        (true, false) => Security::StartTls,
        (false, true) => Security::Tls,
        (false, false) => Security::None,
    };
    let port = match (read.text("MAIL_PORT"), security) {
        (Some(port), _) => port.parse().map_err(|_| format!("MAIL_PORT={port}: is no port"))?,
        (None, Security::StartTls) => 587,
        (None, Security::Tls) => 465,
        (None, Security::None) => 25,
    };
    let credentials = match (read.text("MAIL_USERNAME"), read.text("MAIL_PASSWORD")) {
        (Some(user), Some(password)) => Some((user, password)),
        (None, None) => None,
        (Some(_), None) => return Err("MAIL_USERNAME is set, and MAIL_PASSWORD is not".into()),
        (None, Some(_)) => return Err("MAIL_PASSWORD is set, and MAIL_USERNAME is not".into()),
    };
    let server = Server { host, port, security, credentials };
    server.checked().map_err(|error| format!("MAIL_USERNAME: {error} (MAIL_USE_TLS=yes)"))
}

fn exports(read: &Reader<'_>, data_dir: &Path) -> Result<Place, String> {
    let Some(url) = read.text("EXPORTS_URL") else {
        return Ok(Place::Folder(data_dir.join("exports")));
    };
    let settings = read.0.iter().filter(|(name, _)| name.starts_with("AWS_"));
    let settings = settings.map(|(name, value)| (name.clone(), value.clone()));
    Place::bucket(&url, settings).map_err(|error| format!("EXPORTS_URL={url}: {error}"))
}

/// All are checked, also while there is no collector.
fn traces(read: &Reader<'_>) -> Result<Option<traces::settings::Settings>, String> {
    use traces::settings::{Settings, endpoint, headers};
    let share: f64 = read.value("OTEL_TRACES_SAMPLER_ARG")?;
    if !(0.0..=1.0).contains(&share) {
        return Err(format!("OTEL_TRACES_SAMPLER_ARG={share}: must be 0 to 1"));
    }
    let name: String = read.value("OTEL_TRACES_SAMPLER")?;
    let sampler = Sampler::of(&name, share);
    let sampler = sampler.map_err(|error| format!("OTEL_TRACES_SAMPLER={name}: {error}"))?;
    let (of_traces, of_all) = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT");
    let at = |name, path| {
        let url = read.text(name).map(|url| endpoint(&url, path));
        // It may hold a password: the value is not repeated.
        url.transpose().map_err(|error| format!("{name}: {error}"))
    };
    let (own, shared) = (at(of_traces, "")?, at(of_all, "/v1/traces")?);
    let sent_with = read.text("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default();
    let headers = headers(&sent_with);
    let headers = headers.map_err(|error| format!("OTEL_EXPORTER_OTLP_HEADERS: {error}"))?;
    let service = read.value("OTEL_SERVICE_NAME")?;
    Ok(own.or(shared).map(|endpoint| Settings { endpoint, headers, service, sampler }))
}

fn networks(read: &Reader<'_>) -> Result<Vec<IpNet>, String> {
    let entries: Vec<String> = read.list("TRUSTED_PROXIES")?;
    let network = |entry: &String| {
        let address = entry.parse::<std::net::IpAddr>().map(IpNet::from);
        address
            .or_else(|_| entry.parse())
            .map_err(|_| format!("TRUSTED_PROXIES: {entry} is neither an address nor a network"))
    };
    entries.iter().map(network).collect()
}

/// A `__Host-` cookie does not live on plain http beyond this machine, so no one could stay signed
/// in: such an address is refused unless it is asked for.
fn public_url(read: &Reader<'_>) -> Result<Option<String>, String> {
    let Some(url) = read.text("PUBLIC_URL") else { return Ok(None) };
    let url = url.trim_end_matches('/').to_owned();
    let parsed: axum::http::Uri =
        url.parse().map_err(|error| format!("PUBLIC_URL={url}: {error}"))?;
    let host = parsed.host().ok_or_else(|| format!("PUBLIC_URL={url}: it names no host"))?;
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
        return Err(format!("PUBLIC_URL={url}: must end with the host or port, without a path"));
    }
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match parsed.scheme_str() {
        Some("https") => Ok(Some(url)),
        Some("http") if local || read.switch("ALLOW_INSECURE_HTTP")? => Ok(Some(url)),
        Some("http") => Err(format!(
            "PUBLIC_URL={url}: browsers keep no session on plain http beyond this machine. \
             Use https://, or set ALLOW_INSECURE_HTTP=yes"
        )),
        _ => Err(format!("PUBLIC_URL={url}: must begin with https:// or http://")),
    }
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
