//! How amounts, times and numbers are written for a person: in their language and time zone.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::money::Currency;

/// The languages that mails, reports and pages are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Language {
    #[default]
    En,
    Hi,
}

impl Language {
    /// As in BCP 47.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Hi => "hi",
        }
    }

    /// The language of that name; of another, English.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name == "hi" { Self::Hi } else { Self::En }
    }

    /// The one of two texts that is in this language.
    #[must_use]
    pub fn pick<T>(self, english: T, hindi: T) -> T {
        match self {
            Self::En => english,
            Self::Hi => hindi,
        }
    }
}

/// A language and a time zone.
#[derive(Debug, Clone)]
pub struct Locale {
    pub language: Language,
    pub zone: TimeZone,
}

const MONTHS: [(&str, &str); 12] = [
    ("January", "जनवरी"),
    ("February", "फ़रवरी"),
    ("March", "मार्च"),
    ("April", "अप्रैल"),
    ("May", "मई"),
    ("June", "जून"),
    ("July", "जुलाई"),
    ("August", "अगस्त"),
    ("September", "सितंबर"),
    ("October", "अक्टूबर"),
    ("November", "नवंबर"),
    ("December", "दिसंबर"),
];

const WEEKDAYS: [(&str, &str); 7] = [
    ("Monday", "सोमवार"),
    ("Tuesday", "मंगलवार"),
    ("Wednesday", "बुधवार"),
    ("Thursday", "गुरुवार"),
    ("Friday", "शुक्रवार"),
    ("Saturday", "शनिवार"),
    ("Sunday", "रविवार"),
];

impl Locale {
    fn name(&self, (english, hindi): (&'static str, &'static str)) -> &'static str {
        self.language.pick(english, hindi)
    }

    fn month_name(&self, date: Date) -> &'static str {
        self.name(MONTHS[usize::from(date.month().unsigned_abs()).saturating_sub(1) % 12])
    }

    /// As in October 2026.
    #[must_use]
    pub fn month(&self, date: Date) -> String {
        format!("{} {}", self.month_name(date), date.year())
    }

    /// As in 22 November 2026.
    #[must_use]
    pub fn date(&self, date: Date) -> String {
        format!("{} {}", date.day(), self.month(date))
    }

    /// As in 22 November 2026, 15:30, in the zone.
    #[must_use]
    pub fn time(&self, at: Timestamp) -> String {
        let at = at.to_zoned(self.zone.clone());
        format!("{}, {:02}:{:02}", self.date(at.date()), at.hour(), at.minute())
    }

    /// The weekday counted from Monday, as 0 to 6.
    #[must_use]
    pub fn weekday(&self, from_monday: usize) -> &'static str {
        self.name(WEEKDAYS[from_monday % 7])
    }

    /// As in 3 h 20 min, or 2 days 3 h.
    #[must_use]
    pub fn minutes(&self, minutes: i64) -> String {
        let (hour, minute) = self.language.pick(("h", "min"), ("घं", "मि"));
        let day = |days| match (self.language, days) {
            (Language::En, 1) => "day",
            (Language::En, _) => "days",
            (Language::Hi, _) => "दिन",
        };
        let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
        match (days, hours) {
            (0, 0) => format!("{rest} {minute}"),
            (0, _) if rest == 0 => format!("{hours} {hour}"),
            (0, _) => format!("{hours} {hour} {rest} {minute}"),
            (_, 0) => format!("{days} {}", day(days)),
            (_, _) => format!("{days} {} {hours} {hour}", day(days)),
        }
    }

    /// Hours with one decimal, of minutes.
    #[must_use]
    pub fn hours(&self, minutes: i64) -> String {
        let tenths = (minutes * 10 + 30) / 60;
        format!("{}.{}", grouped(tenths / 10, false), tenths % 10)
    }

    /// As in 12,345.
    #[must_use]
    pub fn number(&self, number: i64) -> String {
        grouped(number, true)
    }

    /// As in ₹1,23,456.50.
    #[must_use]
    pub fn money(&self, amount_minor: i64, currency: Currency) -> String {
        let decimal = currency.decimal(amount_minor.saturating_abs());
        let (whole, fraction) = decimal.split_once('.').unwrap_or((&decimal, ""));
        let whole = grouped(whole.parse().unwrap_or_default(), is_indian(currency));
        let sign = if amount_minor < 0 { "-" } else { "" };
        let dot = if fraction.is_empty() { "" } else { "." };
        match currency.as_str() {
            "INR" => format!("{sign}₹{whole}{dot}{fraction}"),
            "EUR" => format!("{sign}€{whole}{dot}{fraction}"),
            "GBP" => format!("{sign}£{whole}{dot}{fraction}"),
            "USD" => format!("{sign}${whole}{dot}{fraction}"),
            code => format!("{sign}{code} {whole}{dot}{fraction}"),
        }
    }
}

/// Where people group by lakh and crore.
fn is_indian(currency: Currency) -> bool {
    ["INR", "NPR", "PKR", "BDT", "LKR", "BTN"].contains(&currency.as_str())
}

/// Digits in groups: three, and then two where that is the custom, else three.
fn grouped(number: i64, indian: bool) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        let left = digits.len() - place;
        let every = if indian && left > 3 { left.abs_diff(3) % 2 } else { left % 3 };
        let begins_group = left >= 3 && every == 0;
        if place > 0 && begins_group {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(language: Language) -> Locale {
        Locale { language, zone: TimeZone::get("Asia/Kolkata").unwrap() }
    }

    #[test]
    fn amounts_are_grouped_as_where_their_currency_is_used() {
        let locale = locale(Language::En);
        let money = |amount, code: &str| locale.money(amount, code.parse().unwrap());
        assert_eq!(money(12_345_650, "INR"), "₹1,23,456.50");
        assert_eq!(money(12_345_678_900, "INR"), "₹12,34,56,789.00");
        assert_eq!(money(12_345_650, "USD"), "$123,456.50");
        assert_eq!(money(1_234_567, "JPY"), "JPY 1,234,567");
        assert_eq!(money(-1_234, "KWD"), "-KWD 1.234");
        assert_eq!(money(5, "EUR"), "€0.05");
    }

    #[test]
    fn times_are_in_the_zone_and_the_language_of_the_person() {
        let at = "2026-11-22T20:00:00Z".parse().unwrap();
        assert_eq!(locale(Language::En).time(at), "23 November 2026, 01:30");
        assert_eq!(locale(Language::Hi).time(at), "23 नवंबर 2026, 01:30");
    }

    #[test]
    fn durations_name_their_two_largest_parts() {
        let locale = locale(Language::En);
        let said: Vec<_> =
            [0, 59, 60, 200, 1440, 3060].map(|minutes| locale.minutes(minutes)).into();
        assert_eq!(said, ["0 min", "59 min", "1 h", "3 h 20 min", "1 day", "2 days 3 h"]);
        assert_eq!(locale.hours(200), "3.3");
    }
}
