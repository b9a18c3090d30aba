//! The way out for mails: a mail server, or files in the outbox.

use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use url::Url;
use uuid::Uuid;

use crate::secrets;

/// Connections to the mail server at once, by one process.
pub const CONNECTIONS_MAX: usize = 8;

/// How a connection is secured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// Only for a server on this machine, or in a network that is trusted.
    None,
    /// STARTTLS, or no mail.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

/// A mail server, by the settings. Holds a password: never log it.
#[derive(Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub credentials: Option<(String, String)>,
}

impl Server {
    /// Of `smtp://user:password@host:port?tls=required` or `smtps://...`, as many mail programs
    /// write it.
    ///
    /// # Errors
    /// What is wrong with it, without repeating it: it holds a password.
    pub fn of_url(url: &str) -> Result<Self, String> {
        let url = Url::parse(url).map_err(|error| format!("it is no URL: {error}"))?;
        let tls = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value);
        let (security, port) = match (url.scheme(), tls.as_deref()) {
            ("smtps", None) => (Security::Tls, 465),
            ("smtp", Some("required")) => (Security::StartTls, 587),
            ("smtp", None) => (Security::None, 25),
            ("smtp" | "smtps", Some(_)) => {
                return Err("only smtp:// has ?tls=, and its value is required".into());
            }
            _ => return Err("it must begin with smtp:// or smtps://".into()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("it names no host")?;
        let decoded = |text: &str| {
            let query = format!("v={}", text.replace('+', "%2B"));
            let pair = url::form_urlencoded::parse(query.as_bytes()).next();
            pair.map(|(_, value)| value.into_owned()).unwrap_or_default()
        };
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => Some((decoded(user), decoded(password))),
            _ => return Err("it has a user without a password, or the other way round".into()),
        };
        let port = url.port().unwrap_or(port);
        Self { host: host.into(), port, security, credentials }.checked()
    }

    /// # Errors
    /// When a password would cross a network in the clear.
    pub fn checked(self) -> Result<Self, String> {
        let local = matches!(self.host.as_str(), "localhost" | "127.0.0.1" | "[::1]" | "::1");
        if self.credentials.is_some() && self.security == Security::None && !local {
            return Err("the password would be sent in the clear: use TLS".into());
        }
        Ok(self)
    }
}

/// Everything the settings say about mail.
#[derive(Clone)]
pub struct Settings {
    /// `None`: mails go to the outbox.
    pub server: Option<Server>,
    pub sender: Option<Mailbox>,
    /// How long the server may take for an answer.
    pub timeout: Duration,
    /// A certificate (PEM) that is trusted besides the system's.
    pub certificate: Option<PathBuf>,
}

/// Why a mail did not go out.
#[derive(Debug)]
pub struct Refusal {
    /// In words, for the admin.
    pub reason: String,
    /// Whether the server will not take it later either.
    pub is_final: bool,
}

impl Refusal {
    fn for_now(reason: impl std::fmt::Display) -> Self {
        Self { reason: reason.to_string(), is_final: false }
    }
}

/// Sends mails.
pub struct Mailer {
    settings: Settings,
    outbox: PathBuf,
    /// Made on first use, because it needs the runtime.
    smtp: OnceLock<AsyncSmtpTransport<Tokio1Executor>>,
    tls: Option<TlsParameters>,
}

impl Mailer {
    /// # Errors
    /// When the certificate cannot be read or the outbox not be made.
    pub fn open(settings: &Settings, outbox: PathBuf) -> Result<Self, String> {
        let tls = match &settings.server {
            Some(server) if server.security != Security::None => Some(tls(settings, server)?),
            Some(_) => None,
            None => {
                secrets::private_folder(&outbox)?;
                None
            }
        };
        Ok(Self { settings: settings.clone(), outbox, smtp: OnceLock::new(), tls })
    }

    /// The server as `host:port`; `None`: the outbox.
    #[must_use]
    pub fn server(&self) -> Option<String> {
        self.settings.server.as_ref().map(|server| format!("{}:{}", server.host, server.port))
    }

    /// The sender; where the settings name none, of the host that people reach this server at.
    #[must_use]
    pub fn sender(&self, host: &str) -> Option<Mailbox> {
        let default = || format!("Parking <parking@{host}>").parse().ok();
        self.settings.sender.clone().or_else(default)
    }

    /// Sends a mail, or puts it into the outbox; gives what the server said.
    ///
    /// # Errors
    /// [`Refusal`]
    pub async fn send(&self, id: Uuid, message: Message) -> Result<String, Refusal> {
        let Some(server) = &self.settings.server else {
            return self.put_into_outbox(id, message.formatted()).await;
        };
        let smtp = self.smtp.get_or_init(|| self.connect(server));
        match smtp.send(message).await {
            Ok(response) => Ok(response.message().collect::<Vec<_>>().join(" ")),
            Err(error) => {
                let code = error.status().map(u16::from);
                // What is wrong with our sign-in says nothing about the mail.
                let about_us = matches!(code, Some(530 | 534 | 535 | 538));
                let is_final = error.is_permanent() && !about_us;
                Err(Refusal { reason: said(&error), is_final })
            }
        }
    }

    fn connect(&self, server: &Server) -> AsyncSmtpTransport<Tokio1Executor> {
        let tls = match (server.security, self.tls.clone()) {
            (Security::StartTls, Some(tls)) => Tls::Required(tls),
            (Security::Tls, Some(tls)) => Tls::Wrapper(tls),
            _ => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&server.host)
            .port(server.port)
            .tls(tls)
            .timeout(Some(self.settings.timeout))
            .pool_config(PoolConfig::new().max_size(u32::try_from(CONNECTIONS_MAX).unwrap_or(8)));
        if let Some((user, password)) = &server.credentials {
            builder = builder.credentials(Credentials::new(user.clone(), password.clone()));
        }
        builder.build()
    }

    /// Under another name first, so that a file is whole; the same mail is the same file.
    async fn put_into_outbox(&self, id: Uuid, mail: Vec<u8>) -> Result<String, Refusal> {
        let folder = self.outbox.clone();
        let name = format!("{id}.eml");
        let path = folder.join(&name);
        let write = move || -> std::io::Result<()> {
            let draft = folder.join(format!("{id}.draft"));
            let mut file = std::fs::File::create(&draft)?;
            file.write_all(&mail)?;
            file.sync_all()?;
            std::fs::rename(&draft, &path)?;
            std::fs::File::open(&folder)?.sync_all()
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(Ok(())) => Ok(format!("outbox/{name}")),
            Ok(Err(error)) => Err(Refusal::for_now(format!("{}: {error}", self.outbox.display()))),
            Err(error) => Err(Refusal::for_now(error)),
        }
    }
}

/// An error with its causes: the outermost alone says little.
fn said(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !said.contains(&next) {
            said.push_str(": ");
            said.push_str(&next);
        }
        cause = error.source();
    }
    said
}

fn tls(settings: &Settings, server: &Server) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(server.host.clone());
    if let Some(path) = &settings.certificate {
        let failed =
            |error: &dyn std::fmt::Display| format!("MAIL_CA_FILE={}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| failed(&error))?;
        let certificate = Certificate::from_pem(&pem).map_err(|error| failed(&error))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build().map_err(|error| said(&error))
}

/// The host of an address such as `https://parking.example.org:8443`, for message ids.
#[must_use]
pub fn host(base_url: &str) -> String {
    let url = Url::parse(base_url).ok();
    let host = url.as_ref().and_then(Url::host_str).unwrap_or("localhost");
    // Not everywhere may a message id or an address have brackets in it.
    host.trim_matches(['[', ']']).replace(':', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Result<Server, String> {
        Server::of_url(url)
    }

    #[test]
    fn a_url_says_where_and_how() {
        let found = server("smtp://asha:p%40ss%2Bw@mail.example.org?tls=required").unwrap();
        assert_eq!((found.host.as_str(), found.port), ("mail.example.org", 587));
        assert_eq!(found.security, Security::StartTls);
        assert_eq!(found.credentials, Some(("asha".into(), "p@ss+w".into())));
        assert_eq!(server("smtps://mail.example.org").unwrap().port, 465);
        assert_eq!(server("smtp://localhost:2525").unwrap().security, Security::None);
    }

    #[test]
    fn a_url_of_no_use_is_refused_without_its_password() {
        for url in [
            "mail.example.org",
            "http://mail.example.org",
            "smtp://",
            "smtp://hunter2@mail.example.org?tls=required",
            "smtp://:hunter2@mail.example.org?tls=required",
            "smtp://asha:hunter2@mail.example.org",
            "smtp://asha:hunter2@mail.example.org?tls=perhaps",
        ] {
            let refusal = server(url).err().unwrap_or_default();
            assert!(!refusal.is_empty() && !refusal.contains("hunter2"), "{url}: {refusal}");
        }
    }

    #[test]
    fn message_ids_are_of_the_host_that_people_know() {
        assert_eq!(host("https://parking.example.org:8443"), "parking.example.org");
        assert_eq!(host("http://[::1]:8080"), "--1");
        assert_eq!(host("rubbish"), "localhost");
    }
}
