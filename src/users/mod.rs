//! Accounts of people: their profile, and the admin's view of them.

pub mod preferences;
pub mod routes;
pub mod store;

use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::Role;
use crate::money::Currency;
use preferences::Preferences;

/// An email address: trimmed, in lower case, with something on both sides of one `@`. Whether it
/// works is known once a mail to it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(String);

impl FromStr for Email {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        /// RFC 5321, section 4.5.3.1.3, less the angle brackets.
        const LENGTH_MAX: usize = 254;
        let email = text.trim().to_lowercase();
        let well_formed = email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        });
        let clean =
            !email.chars().any(|c| c.is_whitespace() || c.is_control() || "<>,;\"".contains(c));
        if !well_formed || !clean || email.len() > LENGTH_MAX {
            return Err("must be an email address such as asha@example.org".into());
        }
        Ok(Self(email))
    }
}

impl Email {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person's name: trimmed, 1 to 100 characters, no control characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name(String);

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        crate::text::line(text, 1..=100).map(Self)
    }
}

impl Name {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What the admin's search looks in.
#[must_use]
pub fn search_text(name: &str, email: &str) -> String {
    format!("{} {email}", name.to_lowercase())
}

/// A person's own account.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Profile {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub role: Role,
    pub created_at: Timestamp,
    pub preferences: Preferences,
    /// What the mail server said when it refused mail to this address for good; `null`: it takes it.
    #[schema(required)]
    pub mail_refusal: Option<String>,
}

/// An account as the admin sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AdminUser {
    pub id: Uuid,
    pub name: String,
    /// Empty once the account is deleted.
    pub email: String,
    pub role: Role,
    /// Whether they may sign in.
    pub active: bool,
    pub created_at: Timestamp,
    pub last_seen_at: Option<Timestamp>,
    /// Why mail does not reach them; `null`: it does, as far as is known.
    #[schema(required)]
    pub mail_refusal: Option<String>,
    pub open_bookings: i64,
    pub total_bookings: i64,
    /// What the closed bookings cost, by currency.
    pub spend: Vec<Spend>,
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Spend {
    pub currency: Currency,
    pub amount_minor: i64,
}

/// A person as named beside something of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Person {
    pub id: Uuid,
    pub name: String,
    pub email: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_are_trimmed_and_lowered() {
        assert_eq!(" Asha@Example.ORG ".parse::<Email>().unwrap().as_str(), "asha@example.org");
    }

    #[test]
    fn what_is_no_email_is_refused() {
        let long = format!("{}@example.org", "a".repeat(250));
        for text in [
            "",
            "asha",
            "@example.org",
            "asha@",
            "a@b@c",
            "a b@c.d",
            "a\n@c.d",
            "a@.d",
            "<a@b.c>",
            &long,
        ] {
            assert!(text.parse::<Email>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn whitespace_only_names_are_refused() {
        assert!(" \t ".parse::<Name>().is_err());
        assert_eq!(" Asha  Rao ".parse::<Name>().unwrap().as_str(), "Asha  Rao");
    }
}
