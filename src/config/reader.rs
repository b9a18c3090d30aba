//! Settings by name: as text, numbers, switches, lists, secrets.

use std::fmt::Display;
use std::str::FromStr;

use jiff::tz::TimeZone;

use super::{SETTINGS, Vars};
use crate::jobs::schedule::Ticks;

/// Reads settings out of `Vars`; an empty value counts as absent.
pub(super) struct Reader<'a>(pub(super) &'a Vars);

impl Reader<'_> {
    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
        value.map(ToOwned::to_owned)
    }

    pub(super) fn value<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, String> {
        let default = SETTINGS.iter().find(|setting| setting.name == name);
        let value = self
            .text(name)
            .or_else(|| default.map(|setting| setting.default.to_owned()))
            .unwrap_or_default();
        value.parse().map_err(|error| format!("{name}={value}: {error}"))
    }

    pub(super) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<i64>,
    ) -> Result<i64, String> {
        let number = self.value(name)?;
        if range.contains(&number) {
            Ok(number)
        } else {
            Err(format!("{name}={number}: must be {} to {}", range.start(), range.end()))
        }
    }

    pub(super) fn switch(&self, name: &str) -> Result<bool, String> {
        let value: String = self.value(name)?;
        match value.to_ascii_lowercase().as_str() {
            "on" | "yes" | "true" | "1" => Ok(true),
            "off" | "no" | "false" | "0" => Ok(false),
            _ => Err(format!("{name}={value}: must be on or off")),
        }
    }

    /// `None`: switched off.
    pub(super) fn ticks(
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

    pub(super) fn list<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Vec<T>, String> {
        let text = self.text(name).unwrap_or_default();
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries
            .map(|entry| entry.parse().map_err(|error| format!("{name}: {entry}: {error}")))
            .collect()
    }

    /// A secret is refused when it is short or was never changed; its value is never repeated.
    pub(super) fn secret(&self, name: &str) -> Result<Option<String>, String> {
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

pub(super) fn to_usize(number: i64) -> usize {
    usize::try_from(number).unwrap_or(1)
}
