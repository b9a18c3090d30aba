//! What a person wishes: language, time zone, and what they are told and how.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::config::{Config, time_zone};
use crate::error::Fields;
use crate::http::body::present;
use crate::locale::Language;
use crate::mail::Channel;
use crate::mail::chat::check_webhook;

/// Wishes as they are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches")]
pub struct Preferences {
    pub language: Language,
    /// An IANA time zone; `null`: the installation's.
    #[schema(required, example = "Asia/Kolkata")]
    pub time_zone: Option<String>,
    /// How reminders come.
    pub reminders_by: Channel,
    /// A reminder of a vehicle that has been parked for long.
    pub remind_open: bool,
    /// A reminder of new lots, and after having been away.
    pub remind_news: bool,
    /// A webhook of one's own space in Google Chat; `null`: the installation's.
    #[schema(required)]
    pub chat_webhook_url: Option<String>,
    /// A mail after each release.
    pub receipts: bool,
    /// A mail about each month.
    pub monthly_reports: bool,
}

/// What of it is to change.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PreferencesChange {
    language: Option<Language>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    time_zone: Option<Option<String>>,
    reminders_by: Option<Channel>,
    remind_open: Option<bool>,
    remind_news: Option<bool>,
    #[serde(deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    chat_webhook_url: Option<Option<String>>,
    receipts: Option<bool>,
    monthly_reports: Option<bool>,
}

impl PreferencesChange {
    /// The change with what is written in it checked; what is wrong is noted in `fields`.
    #[must_use]
    pub fn checked(mut self, config: &Config, fields: &mut Fields) -> Self {
        if let Some(Some(name)) = &self.time_zone {
            let zone = time_zone(name).map(|(name, _)| Some(name));
            self.time_zone = fields.check("preferences.time_zone", zone);
        }
        if let Some(Some(url)) = &self.chat_webhook_url {
            let url = check_webhook(url, &config.chat_origin).map(Some);
            self.chat_webhook_url = fields.check("preferences.chat_webhook_url", url);
        }
        self
    }

    /// `before` with this change.
    ///
    /// # Errors
    /// The field that does not go with the others, and why.
    pub fn apply(
        &self,
        before: Preferences,
        config: &Config,
    ) -> Result<Preferences, (&'static str, String)> {
        let after = Preferences {
            language: self.language.unwrap_or(before.language),
            time_zone: self.time_zone.clone().unwrap_or(before.time_zone),
            reminders_by: self.reminders_by.unwrap_or(before.reminders_by),
            remind_open: self.remind_open.unwrap_or(before.remind_open),
            remind_news: self.remind_news.unwrap_or(before.remind_news),
            chat_webhook_url: self.chat_webhook_url.clone().unwrap_or(before.chat_webhook_url),
            receipts: self.receipts.unwrap_or(before.receipts),
            monthly_reports: self.monthly_reports.unwrap_or(before.monthly_reports),
        };
        let has_space = after.chat_webhook_url.is_some() || config.chat_webhook_url.is_some();
        if after.reminders_by == Channel::Chat && !has_space {
            let message = "is needed for reminders by Google Chat".to_owned();
            return Err(("preferences.chat_webhook_url", message));
        }
        Ok(after)
    }
}
