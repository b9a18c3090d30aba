//! Letters to people: written in the transaction of what causes them, sent by a job.
//!
//! `letters.rs` is what they say, `letter.rs` what a letter is, `layout.rs` makes HTML and text of
//! it, `transport.rs` hands it to a mail server or puts it into the outbox, which `outbox.rs`
//! empties, `links.rs` signs what a link in a mail may do, `chat.rs` is the way by Google Chat,
//! `routes.rs` shows the admin what was sent and ends what people no longer want.
//!
//! A mail is sent at least once: when a process dies between the server's acceptance and our
//! commit, it goes out again, with the same Message-ID.

pub mod chat;
pub mod layout;
pub mod letter;
pub mod letters;
pub mod links;
pub mod outbox;
pub mod routes;
pub mod store;
pub mod transport;

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, MultiPartKind, SinglePart};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::app::App;
use crate::auth;
use crate::db::{Row, Tx};
use crate::error::{Error, Result};
use crate::jobs::{Cause, Done, Failure, Job, New, Queue, Run, TaskStatus};
use crate::locale::{Language, Locale};
use crate::users::Person;
use layout::Pages;
use letter::{Block, Letter, Link};

/// What a mail is about, and so whether it can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The account itself, or what its owner has just asked for.
    Account,
    Reminders,
    Reports,
    Receipts,
}

/// How reminders reach somebody.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    #[default]
    Mail,
    /// Google Chat.
    Chat,
    None,
}

impl Channel {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Chat => "chat",
            Self::None => "none",
        }
    }

    /// The channel of that name; of another, none.
    #[must_use]
    pub fn of(name: &str) -> Self {
        match name {
            "mail" => Self::Mail,
            "chat" => Self::Chat,
            _ => Self::None,
        }
    }
}

/// Somebody that letters are written to.
#[derive(Debug, Clone)]
pub struct Recipient {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub locale: Locale,
    /// The name of the locale's zone.
    pub time_zone: String,
    pub reminders_by: Channel,
    pub receipts: bool,
    pub monthly_reports: bool,
    pub chat_webhook_url: Option<String>,
    /// Mail to the address was refused for good.
    pub is_refused: bool,
}

impl Recipient {
    /// Whether mails of this kind are sent to them.
    #[must_use]
    pub fn takes(&self, list: List) -> bool {
        let wanted = match list {
            List::Account => return true,
            List::Reminders => self.reminders_by == Channel::Mail,
            List::Reports => self.monthly_reports,
            List::Receipts => self.receipts,
        };
        wanted && !self.is_refused
    }

    #[must_use]
    pub fn language(&self) -> Language {
        self.locale.language
    }
}

/// Where letters are handed in: cheap to clone.
#[derive(Clone)]
pub struct Post {
    queue: Queue,
    /// The time zone of whoever has chosen none.
    time_zone: (String, TimeZone),
}

impl Post {
    #[must_use]
    pub fn new(queue: Queue, time_zone: (String, TimeZone)) -> Self {
        Self { queue, time_zone }
    }

    /// # Errors
    /// Those of storage. `None`: there is no such account any more.
    pub fn recipient(&self, tx: &mut Tx<'_>, id: Uuid) -> Result<Option<Recipient>> {
        store::recipient(tx, &self.time_zone, id)
    }

    /// Of a row with the columns [`store::RECIPIENT`] at its beginning.
    ///
    /// # Errors
    /// When they are others.
    pub fn recipient_at(&self, row: &Row<'_>) -> Result<Recipient, crate::db::Error> {
        store::recipient_at(row, &self.time_zone)
    }

    /// Writes a mail to somebody, if they take such mails. A second one with the same `key` is not
    /// written.
    ///
    /// # Errors
    /// Those of storage.
    pub fn mail(
        &self,
        tx: &mut Tx<'_>,
        to: Uuid,
        list: List,
        key: Option<String>,
        letter: impl FnOnce(&Recipient) -> Letter,
    ) -> Result<()> {
        let Some(recipient) = self.recipient(tx, to)?.filter(|to| to.takes(list)) else {
            return Ok(());
        };
        let mut job = Mail::job(&recipient, list, letter(&recipient));
        if let Some(key) = key {
            job = job.once(key);
        }
        self.queue.enqueue(tx, &job)?;
        Ok(())
    }
}

/// A mail, as the admin sees it in the list. Its id is its task's.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SentMail {
    pub id: Uuid,
    /// `null`: the account is deleted.
    #[schema(required)]
    pub to: Option<Person>,
    pub list: List,
    pub subject: String,
    pub status: TaskStatus,
    pub attempts: i64,
    pub created_at: Timestamp,
    /// When it was sent, or given up.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
    /// Why it failed, or the last attempt at it.
    #[schema(required)]
    pub error: Option<String>,
}

/// A letter, as the person it was written to sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnLetter {
    pub by: Channel,
    pub subject: String,
    pub text: String,
    pub status: TaskStatus,
    pub created_at: Timestamp,
    /// When it was sent, or given up.
    #[schema(required)]
    pub finished_at: Option<Timestamp>,
}

/// A mail on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mail {
    pub to: Uuid,
    pub list: List,
    pub letter: Letter,
}

impl Mail {
    /// To somebody who is known to take it.
    #[must_use]
    pub fn job(to: &Recipient, list: List, letter: Letter) -> New {
        New::of(&Self { to: to.id, list, letter }).owned_by(to.id)
    }
}

impl Job for Mail {
    const KIND: &'static str = "mail";
    const CONCURRENCY: usize = transport::CONNECTIONS_MAX;
    const TIME_LIMIT: Duration = Duration::from_mins(5);
    /// With waits from half a minute to an hour, for a day.
    const ATTEMPTS_MAX: i64 = 30;
    const RETRY_AFTER: Duration = Duration::from_secs(30);

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let (app, id, to) = (&run.app, run.id, self.to);
        let post = app.post.clone();
        let Some(to) = app.db.read(move |tx| post.recipient(tx, to)).await? else {
            return Ok(Done::forgotten(&run));
        };
        if !self.takes(&to) {
            return Ok(not_sent("it is no longer wanted"));
        }
        if self.holds(&Link::PasswordReset)
            && app.clock.now() >= run.created_at + auth::reset::VALID_FOR
        {
            let reason = "Its link had expired before it could be sent.";
            return Err(Failure::for_good(Cause::Content, reason));
        }
        let pages = self.pages(app, &to, run.created_at, true).await?;
        let message = self.message(app, &to, (id, run.created_at), pages)?;
        match app.mailer.send(id, message).await {
            Ok(said) => Ok(Done::and(move |tx| {
                store::unmark_refused(tx, to.id)?;
                Ok(json!({ "to": to.email, "answer": said }))
            })),
            Err(refusal) if refusal.is_final => {
                let (clock, reason) = (app.clock.clone(), refusal.reason.clone());
                Err(Failure::for_good(refusal.cause, refusal.reason)
                    .and(move |tx| store::mark_refused(tx, clock.now(), to.id, &to.email, &reason)))
            }
            Err(refusal) => Err(Failure::for_now(refusal.cause, refusal.reason)),
        }
    }
}

fn not_sent(why: &'static str) -> Done {
    Done::with(json!({ "not_sent": why }))
}

impl Mail {
    /// What was switched off since is not sent; reminders by chat may have become mails.
    fn takes(&self, to: &Recipient) -> bool {
        to.takes(self.list)
    }

    fn holds(&self, link: &Link) -> bool {
        self.letter.blocks.iter().any(|block| matches!(block, Block::Button(_, l) if l == link))
    }

    /// Lays the letter out. Only `with_secrets` its links that let their bearer in.
    async fn pages(
        &self,
        app: &App,
        to: &Recipient,
        written_at: Timestamp,
        with_secrets: bool,
    ) -> Result<Pages> {
        let base = app.base_url();
        let id = to.id;
        let reset = if with_secrets && self.holds(&Link::PasswordReset) {
            let account = app.db.read(move |tx| auth::store::account_by_id(tx, id)).await?;
            account.map(|account| auth::reset::token(&app.keys.links, &account, written_at))
        } else {
            None
        };
        let address = |link: &Link| match link {
            Link::Page(path) => format!("{base}{path}"),
            Link::PasswordReset => {
                format!("{base}/reset-password#token={}", reset.as_deref().unwrap_or("…"))
            }
        };
        let footer = letters::footer(to, self.list, &base, || self.unsubscribe_token(app, to));
        layout::pages(&self.letter, &footer, &address).map_err(Error::Internal)
    }

    fn unsubscribe_token(&self, app: &App, to: &Recipient) -> String {
        links::unsubscribe_token(&app.keys.links, to.id, self.list)
    }

    fn message(
        &self,
        app: &App,
        to: &Recipient,
        (id, written_at): (Uuid, Timestamp),
        pages: Pages,
    ) -> Result<lettre::Message, Failure> {
        let unusable = |reason: String| Failure::for_good(Cause::Content, reason);
        let address = to.email.parse::<lettre::Address>();
        let address =
            address.map_err(|error| unusable(format!("{} is no address: {error}", to.email)))?;
        let base = app.base_url();
        let host = transport::host(&base);
        let sender = app.mailer.sender(&host);
        let sender = sender.ok_or_else(|| {
            unusable(format!("{host} is no host of a sender: set MAIL_DEFAULT_SENDER"))
        })?;
        let part = |kind, text| SinglePart::builder().header(kind).body(text);
        let mut message = lettre::Message::builder()
            .from(sender)
            .to(Mailbox::new(Some(to.name.clone()), address))
            .subject(self.letter.subject.clone())
            .message_id(Some(format!("<{id}@{host}>")))
            .date(SystemTime::from(written_at))
            .multipart(
                MultiPart::builder()
                    .kind(MultiPartKind::Alternative)
                    .boundary(format!("parking-{id}"))
                    .singlepart(part(ContentType::TEXT_PLAIN, pages.text))
                    .singlepart(part(ContentType::TEXT_HTML, pages.html)),
            )
            .map_err(|error| unusable(error.to_string()))?;
        let mut put = |name, value| {
            let name = HeaderName::new_from_ascii_str(name);
            message.headers_mut().insert_raw(HeaderValue::new(name, value));
        };
        put("Auto-Submitted", "auto-generated".to_owned());
        if self.list != List::Account {
            let token = self.unsubscribe_token(app, to);
            put("List-Unsubscribe", format!("<{base}/api/unsubscribe?token={token}>"));
            put("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned());
        }
        Ok(message)
    }
}
