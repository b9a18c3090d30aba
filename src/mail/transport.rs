//! The way out for mails: a mail server, or files in the outbox.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, MailParameter};
use lettre::{Address, Message};
use url::Url;
use uuid::Uuid;

use crate::jobs::Cause;
use crate::secrets;
use crate::text::percent_decoded;
use crate::traces;

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
        let credentials = match (url.username(), url.password()) {
            ("", None) => None,
            (user, Some(password)) if !user.is_empty() => {
                Some((percent_decoded(user), percent_decoded(password)))
            }
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
    pub cause: Cause,
    /// In words, for the admin.
    pub reason: String,
    /// Whether the server will not take it later either.
    pub is_final: bool,
}

impl Refusal {
    fn for_now(cause: Cause, reason: impl std::fmt::Display) -> Self {
        Self { cause, reason: reason.to_string(), is_final: false }
    }
}

/// Sends mails.
pub struct Mailer {
    settings: Settings,
    outbox: PathBuf,
    tls: Option<TlsParameters>,
    /// Connections that ended their last mail well, for the next. One whose mail was given up is
    /// never used again: its late answer would be taken for that of another mail.
    idle: Mutex<Vec<AsyncSmtpConnection>>,
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
        Ok(Self { settings: settings.clone(), outbox, tls, idle: Mutex::default() })
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
        let mut span = traces::part("mail", traces::Kind::Client);
        let sent = self.send_now(id, message).await;
        if let Some(span) = &mut span {
            span.set(
                "parking.mail.to",
                if self.settings.server.is_some() { "smtp" } else { "outbox" },
            );
            if let Err(refusal) = &sent {
                span.failed(if refusal.is_final { "refused" } else { "delayed" });
            }
        }
        sent
    }

    async fn send_now(&self, id: Uuid, message: Message) -> Result<String, Refusal> {
        let Some(server) = &self.settings.server else {
            return self.put_into_outbox(id, message.formatted()).await;
        };
        let mut connection = self.connection(server).await?;
        let answer = self.deliver(&mut connection, &message).await?;
        if let Ok(mut idle) = self.idle.lock()
            && idle.len() < CONNECTIONS_MAX
        {
            idle.push(connection);
        }
        Ok(answer)
    }

    /// One that is idle and still answers, or a new one.
    async fn connection(&self, server: &Server) -> Result<AsyncSmtpConnection, Refusal> {
        loop {
            let idle = self.idle.lock().ok().and_then(|mut idle| idle.pop());
            let Some(mut connection) = idle else { break };
            let answers = tokio::time::timeout(self.settings.timeout, connection.test_connected());
            if answers.await == Ok(true) {
                return Ok(connection);
            }
        }
        let hello = ClientId::default();
        let of_tls = |security| self.tls.clone().filter(|_| server.security == security);
        let mut connection = self
            .within(AsyncSmtpConnection::connect_tokio1(
                (server.host.trim_matches(['[', ']']), server.port),
                Some(self.settings.timeout),
                &hello,
                of_tls(Security::Tls),
                None,
            ))
            .await?;
        if let Some(tls) = of_tls(Security::StartTls) {
            self.within(connection.starttls(tls, &hello)).await?;
        }
        if let Some((user, password)) = &server.credentials {
            let credentials = Credentials::new(user.clone(), password.clone());
            self.within(connection.auth(DEFAULT_MECHANISMS, &credentials)).await?;
        }
        Ok(connection)
    }

    /// Command by command, because lettre's own way says goodbye after a refusal and waits for an
    /// answer without limit.
    async fn deliver(
        &self,
        connection: &mut AsyncSmtpConnection,
        message: &Message,
    ) -> Result<String, Refusal> {
        let envelope = message.envelope();
        let is_ascii = |address: &Address| AsRef::<str>::as_ref(address).is_ascii();
        let all_ascii = envelope.to().iter().all(is_ascii);
        let parameters = if all_ascii { Vec::new() } else { vec![MailParameter::SmtpUtfEight] };
        let from = envelope.from().cloned();
        self.within(connection.command(Mail::new(from, parameters))).await?;
        for to in envelope.to() {
            self.within(connection.command(Rcpt::new(to.clone(), Vec::new()))).await?;
        }
        self.within(connection.command(Data)).await?;
        let response = self.within(connection.command(Body(message.formatted()))).await?;
        Ok(response.message().collect::<Vec<_>>().join(" "))
    }

    async fn within<T>(
        &self,
        step: impl Future<Output = Result<T, lettre::transport::smtp::Error>>,
    ) -> Result<T, Refusal> {
        let limit = self.settings.timeout;
        match tokio::time::timeout(limit, step).await {
            Ok(done) => done.map_err(|error| refusal(&error)),
            Err(_) => Err(Refusal::for_now(
                Cause::Connection,
                format!("The mail server did not answer within {} s.", limit.as_secs()),
            )),
        }
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
            Ok(Err(error)) => {
                let reason = format!("{}: {error}", self.outbox.display());
                Err(Refusal::for_now(Cause::Files, reason))
            }
            Err(error) => Err(Refusal::for_now(Cause::Program, error)),
        }
    }
}

fn refusal(error: &lettre::transport::smtp::Error) -> Refusal {
    // What is wrong with our sign-in says nothing about the mail.
    let about_us = matches!(error.status().map(u16::from), Some(530 | 534 | 535 | 538));
    let cause = if error.status().is_some() { Cause::Answer } else { Cause::Connection };
    Refusal { cause, reason: said(error), is_final: error.is_permanent() && !about_us }
}

/// A mail as it is sent after DATA, in one piece: in two, the second would wait for the other side
/// to confirm the first.
struct Body(Vec<u8>);

impl std::fmt::Display for Body {
    /// A line that begins with a dot is given another, and a dot alone ends the mail. Source:
    /// RFC 5321, section 4.5.2.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = String::from_utf8_lossy(&self.0);
        for line in text.split_inclusive("\r\n") {
            if line.starts_with('.') {
                f.write_str(".")?;
            }
            f.write_str(line)?;
        }
        f.write_str(if text.ends_with("\r\n") { ".\r\n" } else { "\r\n.\r\n" })
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
    fn a_dot_at_the_begin_of_a_line_does_not_end_the_mail() {
        let sent = |body: &str| Body(body.into()).to_string();
        assert_eq!(sent("a\r\n.\r\n.b\r\n"), "a\r\n..\r\n..b\r\n.\r\n");
        assert_eq!(sent(".a"), "..a\r\n.\r\n");
    }

    #[test]
    fn message_ids_are_of_the_host_that_people_know() {
        assert_eq!(host("https://parking.example.org:8443"), "parking.example.org");
        assert_eq!(host("http://[::1]:8080"), "--1");
        assert_eq!(host("rubbish"), "localhost");
    }
}
