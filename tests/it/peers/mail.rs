//! An SMTP server: `frontend/scripts/mail-server.mjs`, whose head has the modes for `behave`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use mail_parser::{HeaderForm, MessageParser, PartType};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Certificates;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/frontend/scripts/mail-server.mjs");

pub struct MailServer {
    process: Child,
    orders: ChildStdin,
    said: UnboundedReceiver<Line>,
    attempts: Vec<Message>,
    /// How many of `attempts` were handed out.
    seen: usize,
    port: u16,
    url: String,
}

impl MailServer {
    pub async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With arguments of the program's.
    pub async fn with(arguments: &[&str]) -> Self {
        let mut process = Command::new("node")
            .arg(PROGRAM)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is there");
        let (orders, stdout) = (process.stdin.take().unwrap(), process.stdout.take().unwrap());
        let (heard, said) = unbounded_channel();
        // A thread, not a task: the server must not stall on a full pipe while a test blocks its runtime.
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let line = serde_json::from_str(&line).expect("a line as its head has it");
                if heard.send(line).is_err() {
                    return;
                }
            }
        });
        let (attempts, seen, port, url) = (Vec::new(), 0, 0, String::new());
        // From here on dropping it ends the process.
        let mut server = Self { process, orders, said, attempts, seen, port, url };
        let Line::Port(port) = server.hear().await else { panic!("it did not say its port") };
        server.port = port;
        server.url = format!("smtp://127.0.0.1:{port}");
        server
    }

    /// `how`: `--tls` or `--starttls`.
    pub async fn encrypted(how: &str, certificates: &Certificates, more: &[&str]) -> Self {
        let (certificate, key) = (certificates.certificate(), certificates.key());
        let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
        let files = [how, "--certificate", certificate, "--key", key];
        let mut server = Self::with(&[&files, more].concat()).await;
        server.url = match how {
            "--tls" => format!("smtps://localhost:{}", server.port),
            _ => format!("smtp://localhost:{}?tls=required", server.port),
        };
        server
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Comes back once the order is in force.
    pub async fn behave(&mut self, mode: Value) {
        writeln!(self.orders, "{mode}").expect("the mail server runs");
        loop {
            match self.hear().await {
                Line::Done(order) => {
                    assert_eq!(order, mode);
                    return;
                }
                line => self.attempts.extend(line.attempt()),
            }
        }
    }

    /// The next message that arrived in full, whether or not the client was told so.
    pub async fn next(&mut self) -> Message {
        loop {
            let attempt = self.next_attempt().await;
            if attempt.arrived() {
                return attempt;
            }
        }
    }

    /// The next message, refusal or stall.
    pub async fn next_attempt(&mut self) -> Message {
        while self.seen == self.attempts.len() {
            let line = self.hear().await;
            self.attempts.extend(line.attempt());
        }
        self.seen += 1;
        self.attempts[self.seen - 1].clone()
    }

    /// Every message that arrived in full so far, those from `next` too.
    pub async fn received(&mut self) -> Vec<Message> {
        // An order for nothing: once it is acknowledged, all that went before has been heard.
        self.behave(serde_json::json!({})).await;
        self.attempts.iter().filter(|attempt| attempt.arrived()).cloned().collect()
    }

    async fn hear(&mut self) -> Line {
        self.said.recv().await.expect("the mail server ended; its error is above")
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Line {
    Port(u16),
    Done(Value),
    Accepted(Message),
    Cut(Message),
    Stalled(Message),
    Refused(Message),
}

impl Line {
    fn attempt(self) -> Option<Message> {
        let (fate, message) = match self {
            Self::Port(_) | Self::Done(_) => return None,
            Self::Accepted(message) => (Fate::Accepted, message),
            Self::Cut(message) => (Fate::Cut, message),
            Self::Stalled(message) => (Fate::Stalled, message),
            Self::Refused(message) => (Fate::Refused, message),
        };
        Some(Message { fate, ..message })
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    #[default]
    Accepted,
    /// Received in full; the connection was cut before the answer.
    Cut,
    /// Not answered; the connection is open.
    Stalled,
    Refused,
}

/// A message, or what had arrived of it. What had not is empty.
#[derive(Debug, Clone, Deserialize)]
pub struct Message {
    #[serde(skip)]
    pub fate: Fate,
    /// Where in the dialogue: `connect`, `auth`, `mail`, `rcpt`, `data`.
    pub at: String,
    /// The answer's; 0 without one.
    pub code: u16,
    /// The envelope's, as `to`.
    pub from: String,
    pub to: Vec<String>,
    #[serde(rename = "data")]
    pub raw: String,
    pub secure: bool,
    /// Empty without AUTH.
    pub user: String,
}

impl Message {
    fn arrived(&self) -> bool {
        self.at == "data" && self.fate != Fate::Refused
    }

    /// A header's value, unfolded and decoded.
    pub fn header(&self, name: &str) -> Option<String> {
        let message = self.parsed();
        let values = message.header_as(name.to_owned(), HeaderForm::Text);
        values.first()?.as_text().map(str::to_owned)
    }

    /// The decoded plain text.
    pub fn text(&self) -> Option<String> {
        self.parsed().text_bodies().find_map(|part| match &part.body {
            PartType::Text(text) => Some(text.to_string()),
            _ => None,
        })
    }

    /// The decoded HTML.
    pub fn html(&self) -> Option<String> {
        self.parsed().html_bodies().find_map(|part| match &part.body {
            PartType::Html(html) => Some(html.to_string()),
            _ => None,
        })
    }

    fn parsed(&self) -> mail_parser::Message<'_> {
        MessageParser::default().parse(&self.raw).expect("a message")
    }
}
