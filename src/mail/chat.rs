//! Letters by Google Chat: posted to a webhook of the person's own space, or of the installation's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use super::letter::{Letter, Link};
use super::{Channel, layout};
use crate::jobs::{Cause, Done, Failure, Job, Run};

/// Where webhooks of Google Chat are. Source: Google Chat API, webhooks.
pub const ORIGIN: &str = "https://chat.googleapis.com";

/// A webhook that may be called: on Google Chat and nowhere else, so that nobody makes this server
/// call others. Its query is a secret.
///
/// # Errors
/// When it is not one.
pub fn check_webhook(url: &str, origin: &str) -> Result<String, String> {
    let wrong = || format!("must be a webhook of a space in Google Chat: {origin}/v1/spaces/...");
    let parsed = url::Url::parse(url.trim()).map_err(|_| wrong())?;
    let is_there = parsed.origin().ascii_serialization() == origin
        && parsed.username().is_empty()
        && parsed.password().is_none()
        && parsed.path().starts_with("/v1/spaces/")
        && parsed.as_str().len() <= 1000;
    if is_there { Ok(parsed.to_string()) } else { Err(wrong()) }
}

/// A client that follows no redirect and asks no proxy.
///
/// # Errors
/// When the system's certificates cannot be used.
pub fn client() -> Result<reqwest::Client, String> {
    crate::tls::choose();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(20))
        .no_proxy()
        .build()
        .map_err(|error| error.to_string())
}

fn unusable(reason: &str) -> Failure {
    Failure::for_good(Cause::Content, reason)
}

/// A message on its way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChatMessage {
    pub to: Uuid,
    pub letter: Letter,
}

impl Job for ChatMessage {
    const KIND: &'static str = "chat";
    const TIME_LIMIT: Duration = Duration::from_mins(1);
    const ATTEMPTS_MAX: i64 = 30;
    const RETRY_AFTER: Duration = Duration::from_secs(30);

    async fn run(self, run: Run) -> Result<Done, Failure> {
        let (app, to) = (&run.app, self.to);
        let post = app.post.clone();
        let Some(to) = app.db.read(move |tx| post.recipient(tx, to)).await? else {
            return Ok(Done::forgotten(&run));
        };
        if to.reminders_by != Channel::Chat {
            return Ok(super::not_sent("it is no longer wanted"));
        }
        let Some(webhook) = to.chat_webhook_url.or_else(|| app.config.chat_webhook_url.clone())
        else {
            return Err(unusable("There is no space to send it to."));
        };
        // Settings may have changed since it was stored.
        let webhook = check_webhook(&webhook, &app.config.chat_origin)
            .map_err(|message| unusable(&format!("The webhook {message}.")))?;
        let mut webhook =
            url::Url::parse(&webhook).map_err(|_| unusable("The webhook is no URL."))?;
        // The same at every attempt, so that Google Chat takes the message once.
        webhook.query_pairs_mut().append_pair("requestId", &run.id.to_string());
        let base = app.base_url();
        let address = |link: &Link| match link {
            Link::Page(path) => format!("{base}{path}"),
            Link::PasswordReset => base.clone(),
        };
        let text = layout::chat(&self.letter, &address);
        let answer = app
            .chat
            .post(webhook)
            .json(&json!({ "text": text }))
            .send()
            .await
            // Without its address, which holds a secret.
            .map_err(|error| {
                Failure::for_now(Cause::Connection, error.without_url().to_string())
            })?;
        let status = answer.status().as_u16();
        let said = format!("Google Chat answered {status}.");
        match status {
            200..=299 => Ok(Done::nothing()),
            408 | 429 | 500..=599 => Err(Failure::for_now(Cause::Answer, said)),
            _ => Err(Failure::for_good(Cause::Answer, said)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_on_google_chat_and_nowhere_else() {
        let good = "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=k&token=t";
        assert_eq!(check_webhook(good, ORIGIN).unwrap(), good);
        for url in [
            "http://chat.googleapis.com/v1/spaces/A/messages",
            "https://chat.googleapis.com.example.org/v1/spaces/A/messages",
            "https://chat.googleapis.com@example.org/v1/spaces/A/messages",
            "https://user@chat.googleapis.com/v1/spaces/A/messages",
            "https://chat.googleapis.com:8443/v1/spaces/A/messages",
            "https://chat.googleapis.com/elsewhere",
            "https://chat.googleapis.com/v1/spaces/../../elsewhere",
            "https://169.254.169.254/v1/spaces/A",
            "file:///v1/spaces/A",
            // As it is kept, it is three times as long.
            &format!("https://chat.googleapis.com/v1/spaces/{}", "é".repeat(300)),
            "",
        ] {
            assert!(check_webhook(url, ORIGIN).is_err(), "{url}");
        }
    }
}
