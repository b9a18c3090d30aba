//! What people and files write as a word.

use jiff::tz::TimeZone;

use super::text;
use crate::audit::chain::Link;
use crate::bookings::plate::Plate;
use crate::db::Snapshot;
use crate::jobs::schedule::Ticks;
use crate::lots::label::natural_order;
use crate::mail::chat;
use crate::money::Currency;
use crate::reports::Month;
use crate::users::{Email, Name};

/// A code is written in one way, and a label sorts as it does in upper case.
pub(super) fn codes(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(currency) = text.parse::<Currency>() {
        assert_eq!(currency.to_string(), text);
    }
    if let Ok(month) = text.parse::<Month>() {
        assert_eq!(month.to_string(), text);
    }
    if let Ok(link) = text.parse::<Link>() {
        assert!(link.to_string().eq_ignore_ascii_case(text));
    }
    if let Ok(snapshot) = text.parse::<Snapshot>() {
        assert!(!snapshot.holds(None));
    }
    assert_eq!(natural_order(text), natural_order(&text.to_ascii_uppercase()));
}

/// An address or a name that was taken is taken again as it is.
pub(super) fn person(data: &[u8]) {
    let Some(text) = text(data) else { return };
    if let Ok(email) = text.parse::<Email>() {
        assert_eq!(email.as_str().parse(), Ok(email));
    }
    if let Ok(name) = text.parse::<Name>() {
        assert_eq!(name.as_str().parse(), Ok(name));
    }
}

/// A vehicle has one plate, however it is written.
pub(super) fn plate(data: &[u8]) {
    let Some(Ok(plate)) = text(data).map(str::parse::<Plate>) else { return };
    let spaced: String = plate.as_str().chars().flat_map(|c| [' ', c, '-']).collect();
    for written in [plate.as_str(), &spaced] {
        assert_eq!(written.parse::<Plate>().as_ref(), Ok(&plate));
    }
}

/// Ticks come one after the other, and each is found from behind as well.
pub(super) fn schedule(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    let Ok(ticks) = Ticks::new(text, zone.clone()) else { return };
    let again = Ticks::new(ticks.expression(), zone).unwrap();
    // Before the night that lacks an hour.
    let mut at = crate::clock::from_micros(1_774_650_000_000_000);
    for _ in 0..4 {
        let Some(tick) = ticks.after(at) else { return };
        assert!(tick > at, "{tick}");
        assert_eq!(ticks.at_or_before(tick), Some(tick));
        assert_eq!(again.after(at), Some(tick));
        at = tick;
    }
}

/// A webhook leads to a space in Google Chat and nowhere else, and is taken again as it is kept.
pub(super) fn webhook(data: &[u8]) {
    let Some(Ok(url)) = text(data).map(|text| chat::check_webhook(text, chat::ORIGIN)) else {
        return;
    };
    assert!(url.starts_with(&format!("{}/v1/spaces/", chat::ORIGIN)), "{url}");
    assert_eq!(chat::check_webhook(&url, chat::ORIGIN), Ok(url));
}
