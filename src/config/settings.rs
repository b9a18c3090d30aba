//! Every setting once: its name, its default, its meaning, as `--help` and `.env.example` show it.

use crate::mail::chat;

/// A setting's entry in `--help` and `.env.example`.
#[derive(Debug)]
pub struct Setting {
    pub name: &'static str,
    pub default: &'static str,
    pub meaning: &'static str,
}

impl Setting {
    /// Whether its value is a secret as a whole. A password in a URL is cut out of it.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let secrets = [
            "SECRET_KEY",
            "JWT_SECRET_KEY",
            "METRICS_TOKEN",
            "OTEL_EXPORTER_OTLP_HEADERS",
            "MAIL_PASSWORD",
            "GOOGLE_CHAT_WEBHOOK_URL",
        ];
        secrets.contains(&self.name)
    }
}

const fn setting(name: &'static str, default: &'static str, meaning: &'static str) -> Setting {
    Setting { name, default, meaning }
}

pub const SETTINGS: &[Setting] = &[
    setting("LISTEN", "127.0.0.1:8080", "Address and port to serve on; port 0 takes a free one."),
    setting("DATA_DIR", "./data", "Folder of everything that has to be kept."),
    setting(
        "DATABASE_URL",
        "",
        "sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME, across a network with ?sslmode=verify-full (and &sslrootcert=FILE). Default: parking.sqlite in DATA_DIR. SQLALCHEMY_DATABASE_URI is understood as well.",
    ),
    setting(
        "DATABASE_READ_URL",
        "",
        "postgres:// of a standby of DATABASE_URL's PostgreSQL, for exports, reports and statistics. They miss nothing: while it is away or far behind, the primary answers. With SQLite it has no effect.",
    ),
    setting(
        "DATABASE_LANES",
        "",
        "Connections of a server to PostgreSQL that write, 1 to 64. A lot's bookings share one; more help many lots. Default: as many as processors, 2 to 16.",
    ),
    setting("DATABASE_READERS", "4", "Connections of a server to the database that read, 1 to 64."),
    setting(
        "DATABASE_STATEMENT_SECONDS",
        "60",
        "How long a statement may take on PostgreSQL, 1 to 3600 seconds.",
    ),
    setting(
        "DATABASE_LOCK_SECONDS",
        "10",
        "How long a statement may wait for a lock on PostgreSQL, 1 to 600 seconds.",
    ),
    setting(
        "DATABASE_POOLED",
        "no",
        "yes: DATABASE_URL leads to a pooler such as PgBouncer in transaction mode. Slower: statements are not prepared.",
    ),
    setting(
        "PUBLIC_URL",
        "",
        "Where people reach this server, as in https://parking.example.org. Default: http:// and the address of LISTEN.",
    ),
    setting(
        "ALLOW_INSECURE_HTTP",
        "no",
        "yes allows a PUBLIC_URL of http:// beyond this machine. Browsers drop the session cookie there.",
    ),
    setting(
        "SECRET_KEY",
        "",
        "Secret of at least 32 characters that other secrets are derived from. Default: made on the first start and kept in DATA_DIR/secrets.",
    ),
    setting(
        "JWT_SECRET_KEY",
        "",
        "Secret of at least 32 characters that signs access tokens. Default: derived from SECRET_KEY.",
    ),
    setting("ACCESS_TOKEN_MINUTES", "15", "Life of an access token, 1 to 60 minutes."),
    setting("TIME_ZONE", "Asia/Kolkata", "IANA time zone of the installation and of new lots."),
    setting("CURRENCY", "INR", "ISO 4217 currency of new lots."),
    setting("MAX_OPEN_BOOKINGS", "5", "Open bookings a user may have at once, 1 to 1000."),
    setting(
        "OFFLINE_RELEASE_MINUTES",
        "120",
        "A release that was tapped without a network counts from that moment if it is not longer ago: 0 to 1440 minutes.",
    ),
    setting(
        "MAP_TILE_URL",
        "",
        "Tiles of the map, as in https://tiles.example.org/{z}/{x}/{y}.png. Default: the outlines of the land, from this server.",
    ),
    setting("MAP_ATTRIBUTION", "", "Whom the map names as the source of its tiles."),
    setting(
        "RATE_LIMIT",
        "on",
        "off lifts the limits on the sign-in routes, for load tests on this machine.",
    ),
    setting(
        "PASSWORD_HASHERS",
        "",
        "Passwords hashed at the same time, 1 to 64; each needs 19 MiB. Default: half of the processors.",
    ),
    setting(
        "TRUSTED_PROXIES",
        "",
        "Addresses or networks of proxies whose X-Forwarded-For is believed, with commas.",
    ),
    setting("CORS_ORIGINS", "", "Origins of other sites that may call the API, with commas."),
    setting("CONNECTIONS_MAX", "10000", "Connections served at once, 10 to 1000000."),
    setting(
        "CONNECTIONS_PER_ADDRESS_MAX",
        "1000",
        "Connections of one address at once, and its streams of live counts, 1 to 1000000. TRUSTED_PROXIES may have any number of connections.",
    ),
    setting(
        "METRICS_TOKEN",
        "",
        "Bearer token of at least 32 characters that may read /metrics from other machines.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "An OpenTelemetry collector that takes OTLP by HTTP with protobuf, as in http://localhost:4318: it is sent traces of requests and jobs. Default: there are none.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        "",
        "Likewise, with the path: http://localhost:4318/v1/traces.",
    ),
    setting(
        "OTEL_EXPORTER_OTLP_HEADERS",
        "",
        "What the collector wants to see, as in authorization=Bearer%20TOKEN, with commas. A secret.",
    ),
    setting("OTEL_SERVICE_NAME", "parking", "What the traces call this installation."),
    setting(
        "OTEL_TRACES_SAMPLER",
        "parentbased_always_on",
        "Which traces are sent: always_on, always_off or traceidratio (the share OTEL_TRACES_SAMPLER_ARG of them); with parentbased_ before it, a caller that sends a traceparent decides.",
    ),
    setting("OTEL_TRACES_SAMPLER_ARG", "1", "A share from 0 to 1, as in 0.05."),
    setting(
        "LOG",
        "info",
        "What is logged: error, warn, info, debug, or a filter such as info,parking::db=debug.",
    ),
    setting(
        "CLEAN_UP",
        "17 * * * *",
        "When old answers, sessions, tasks, exports and plates are removed: a cron expression of five fields in TIME_ZONE, or off.",
    ),
    setting(
        "MISSED_TICK_HOURS",
        "12",
        "Work by the clock that was missed while nothing ran is made up, once, if it is not older: 1 to 168 hours.",
    ),
    setting(
        "TASKS_KEPT_DAYS",
        "40",
        "How long finished tasks can be seen, 35 to 3650 days. Their keys keep monthly work from being done twice.",
    ),
    setting(
        "PLATES_KEPT_DAYS",
        "0",
        "How long the plates of stays that have ended are kept, 1 to 3650 days; then the bookings have none. 0: for ever.",
    ),
    setting(
        "DAILY_REMINDERS",
        "0 18 * * *",
        "When people are reminded of vehicles still parked and of what is new: a cron expression of five fields in TIME_ZONE, or off.",
    ),
    setting(
        "REMIND_OPEN_HOURS",
        "12",
        "A booking open for longer is worth a reminder: 1 to 720 hours.",
    ),
    setting(
        "REMIND_AWAY_DAYS",
        "30",
        "Who has not parked for so long is reminded, and again after as long: 1 to 3650 days.",
    ),
    setting(
        "MONTHLY_REPORTS",
        "0 1 1 * *",
        "When the reports of the month before are made: a cron expression of five fields in TIME_ZONE, or off.",
    ),
    setting(
        "SMTP_URL",
        "",
        "The mail server: smtps://user:password@host, smtp://user:password@host?tls=required (STARTTLS), or smtp://localhost. Default: mails are files in DATA_DIR/outbox, which the admin can read.",
    ),
    setting("MAIL_SERVER", "", "The mail server in parts, instead of SMTP_URL: its host."),
    setting(
        "MAIL_PORT",
        "",
        "Its port. Default: 587 with MAIL_USE_TLS, 465 with MAIL_USE_SSL, else 25.",
    ),
    setting("MAIL_USE_TLS", "no", "yes: STARTTLS, or no mail is sent."),
    setting("MAIL_USE_SSL", "no", "yes: TLS from the first byte."),
    setting("MAIL_USERNAME", "", "Who signs in at the mail server, with MAIL_PASSWORD."),
    setting("MAIL_PASSWORD", "", "Their password."),
    setting(
        "MAIL_DEFAULT_SENDER",
        "",
        "The sender, as in Parking <parking@example.org>. Default: parking@ the host of PUBLIC_URL.",
    ),
    setting(
        "MAIL_CA_FILE",
        "",
        "A certificate (PEM) of the mail server's authority, trusted besides the system's.",
    ),
    setting(
        "MAIL_TIMEOUT_SECONDS",
        "60",
        "How long the mail server may take for an answer, 1 to 240 seconds.",
    ),
    setting(
        "GOOGLE_CHAT_WEBHOOK_URL",
        "",
        "A webhook of a space in Google Chat, for reminders of whoever chose Google Chat and has no space of their own.",
    ),
    setting(
        "GOOGLE_CHAT_ORIGIN",
        chat::ORIGIN,
        "Where webhooks of Google Chat are. Only tests change it.",
    ),
    setting(
        "EXPORTS_URL",
        "",
        "Where exports are kept: s3://bucket/folder, with AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT and the like. Default: DATA_DIR/exports.",
    ),
    setting("EXPORT_KEPT_HOURS", "168", "How long an export can be downloaded, 1 to 8760 hours."),
    setting(
        "REDIS_URL",
        "",
        "redis://USER:PASSWORD@HOST:PORT, or rediss:// with TLS, for several servers on one PostgreSQL: they tell each other of changes by Redis, count attempts at signing in together and reckon statistics once a second for all. Default: changes by PostgreSQL itself, the rest each by itself. With SQLite it has no effect.",
    ),
    setting(
        "REDIS_CA_FILE",
        "",
        "Certificates (PEM) of the authority of a rediss:// server, trusted instead of the system's.",
    ),
];
