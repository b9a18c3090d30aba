//! What the program reaches and is reached by: database, Redis, mail, exports, a collector of
//! traces, the map's tiles, its own address.

use std::fmt::Display;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use ipnet::IpNet;
use redis::TlsCertificates;
use url::Url;

use super::reader::{Reader, to_usize};
use crate::db::{self, DatabaseUrl};
use crate::exports::files::Place;
use crate::mail::transport::{self, Security, Server};
use crate::tls;
use crate::traces;
use crate::traces::context::Sampler;

/// Where the map's tiles are, other than on this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapTiles {
    /// With `{z}`, `{x}` and `{y}` in it.
    pub url: String,
    /// Scheme and host: what browsers may load pictures from.
    pub origin: String,
    pub attribution: String,
}

pub(super) fn database_url(read: &Reader<'_>, data_dir: &Path) -> Result<DatabaseUrl, String> {
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

/// Of PostgreSQL unless it is said otherwise (docs/adr/0025). One would let processors idle while it waits for its trips.
const LANES_MIN: usize = 2;
const LANES_MAX: usize = 16;

/// `processors`: of this machine.
pub(super) fn database(read: &Reader<'_>, processors: usize) -> Result<db::Options, String> {
    let seconds =
        |name, max| read.number(name, 1..=max).map(|n| Duration::from_secs(n.unsigned_abs()));
    Ok(db::Options {
        lanes: match read.text("DATABASE_LANES") {
            Some(_) => to_usize(read.number("DATABASE_LANES", 1..=64)?),
            None => processors.clamp(LANES_MIN, LANES_MAX),
        },
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

pub(super) fn redis(read: &Reader<'_>) -> Result<Option<redis::Client>, String> {
    let file = read.text("REDIS_CA_FILE");
    let Some(url) = read.text("REDIS_URL") else {
        return match file {
            Some(_) => Err("REDIS_CA_FILE is set, and REDIS_URL is not".into()),
            None => Ok(None),
        };
    };
    // It may hold a password: the value is not repeated.
    let wrong = "REDIS_URL: must be redis://HOST:PORT or rediss://HOST:PORT";
    let parsed = Url::parse(&url).ok().filter(Url::has_host);
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

pub(super) fn map_tiles(read: &Reader<'_>) -> Result<Option<MapTiles>, String> {
    let Some(url) = read.text("MAP_TILE_URL") else { return Ok(None) };
    let wrong = |what: &str| format!("MAP_TILE_URL={url}: {what}");
    if !["{z}", "{x}", "{y}"].iter().all(|part| url.contains(part)) {
        return Err(wrong("must hold {z}, {x} and {y}"));
    }
    let parsed = Url::parse(&url.replace(['{', '}'], ""));
    let parsed = parsed.map_err(|error| wrong(&error.to_string()))?;
    if !matches!(parsed.scheme(), "https" | "http") || !parsed.username().is_empty() {
        return Err(wrong("must begin with https:// and a host"));
    }
    let origin = parsed.origin().ascii_serialization();
    let attribution = read.text("MAP_ATTRIBUTION").unwrap_or_default();
    Ok(Some(MapTiles { url, origin, attribution }))
}

/// Half a mail server is a mistake: mails would go to the outbox, and nobody would notice.
pub(super) fn mail(read: &Reader<'_>) -> Result<transport::Settings, String> {
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

pub(super) fn exports(read: &Reader<'_>, data_dir: &Path) -> Result<Place, String> {
    let Some(url) = read.text("EXPORTS_URL") else {
        return Ok(Place::Folder(data_dir.join("exports")));
    };
    let settings = read.0.iter().filter(|(name, _)| name.starts_with("AWS_"));
    let settings = settings.map(|(name, value)| (name.clone(), value.clone()));
    Place::bucket(&url, settings).map_err(|error| format!("EXPORTS_URL={url}: {error}"))
}

/// All are checked, also while there is no collector.
pub(super) fn traces(read: &Reader<'_>) -> Result<Option<traces::settings::Settings>, String> {
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

pub(super) fn networks(read: &Reader<'_>) -> Result<Vec<IpNet>, String> {
    let entries: Vec<String> = read.list("TRUSTED_PROXIES")?;
    let network = |entry: &String| {
        let address = entry.parse::<IpAddr>().map(|address| IpNet::from(address.to_canonical()));
        address
            .or_else(|_| entry.parse())
            .map_err(|_| format!("TRUSTED_PROXIES: {entry} is neither an address nor a network"))
    };
    entries.iter().map(network).collect()
}

/// A `__Host-` cookie does not live on plain http beyond this machine, so no one could stay signed
/// in: such an address is refused unless it is asked for.
pub(super) fn public_url(read: &Reader<'_>) -> Result<Option<String>, String> {
    let Some(url) = read.text("PUBLIC_URL") else { return Ok(None) };
    let url = url.trim_end_matches('/').to_owned();
    let parsed = Url::parse(&url).map_err(|error| format!("PUBLIC_URL={url}: {error}"))?;
    let host = parsed.host_str().ok_or_else(|| format!("PUBLIC_URL={url}: it names no host"))?;
    if !matches!(parsed.path(), "" | "/") || parsed.query().is_some() {
        return Err(format!("PUBLIC_URL={url}: must end with the host or port, without a path"));
    }
    let local = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match parsed.scheme() {
        "https" => Ok(Some(url)),
        "http" if local || read.switch("ALLOW_INSECURE_HTTP")? => Ok(Some(url)),
        "http" => Err(format!(
            "PUBLIC_URL={url}: browsers keep no session on plain http beyond this machine. \
             Use https://, or set ALLOW_INSECURE_HTTP=yes"
        )),
        _ => Err(format!("PUBLIC_URL={url}: must begin with https:// or http://")),
    }
}
