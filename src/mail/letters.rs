//! What the letters say, in every language.

use jiff::Timestamp;
use uuid::Uuid;

use super::layout::Footer;
use super::letter::{Letter, Link};
use super::{List, Recipient};
use crate::bookings::Record;
use crate::locale::Language::{En, Hi};

fn hello(to: &Recipient) -> String {
    match to.language() {
        En => format!("Hello {},", to.name),
        Hi => format!("नमस्ते {},", to.name),
    }
}

/// Why somebody gets a mail, and how to end such mails.
#[must_use]
pub fn footer(
    to: &Recipient,
    list: List,
    base_url: &str,
    token: impl FnOnce() -> String,
) -> Footer {
    let say = |english: &str, hindi: &str| to.language().pick(english, hindi).to_owned();
    let reason = match list {
        List::Account => say(
            "You get this mail because of your account with this parking service.",
            "यह मेल आपको इस पार्किंग सेवा में आपके खाते के कारण मिला है।",
        ),
        List::Reminders => say(
            "You get this mail because you have reminders switched on.",
            "यह मेल आपको इसलिए मिला है क्योंकि आपने रिमाइंडर चालू रखे हैं।",
        ),
        List::Reports => say(
            "You get this mail because you have monthly reports switched on.",
            "यह मेल आपको इसलिए मिला है क्योंकि आपने मासिक रिपोर्ट चालू रखी है।",
        ),
        List::Receipts => say(
            "You get this mail because you have receipts switched on.",
            "यह मेल आपको इसलिए मिला है क्योंकि आपने रसीदें चालू रखी हैं।",
        ),
    };
    let words = say("Unsubscribe", "सदस्यता समाप्त करें");
    let unsubscribe = (list != List::Account)
        .then(|| (words, format!("{base_url}/unsubscribe#token={}", token())));
    Footer { reason, unsubscribe }
}

/// To somebody who has just opened an account.
#[must_use]
pub fn welcome(to: &Recipient) -> Letter {
    match to.language() {
        En => Letter::new(En, "Welcome to Parking")
            .text(hello(to))
            .text("Your account is ready. Find a lot, see what a stay costs, and park with one tap.")
            .page("Find a spot", "/")
            .note("Reminders, monthly reports, receipts, language and time zone are chosen in your account."),
        Hi => Letter::new(Hi, "पार्किंग में आपका स्वागत है")
            .text(hello(to))
            .text("आपका खाता तैयार है। पार्किंग स्थल खोजें, खर्च देखें और एक टैप में गाड़ी पार्क करें।")
            .page("जगह खोजें", "/")
            .note("रिमाइंडर, मासिक रिपोर्ट, रसीदें, भाषा और समय क्षेत्र आप अपने खाते में चुन सकते हैं।"),
    }
}

/// To somebody who says that they forgot their password.
#[must_use]
pub fn password_reset(to: &Recipient) -> Letter {
    match to.language() {
        En => Letter::new(En, "Choose a new password")
            .text(hello(to))
            .text("Somebody, probably you, asked for a new password for this account. The link works once, for 30 minutes.")
            .button("Choose a new password", Link::PasswordReset)
            .note("If it was not you, do nothing: your password stays as it is."),
        Hi => Letter::new(Hi, "नया पासवर्ड चुनें")
            .text(hello(to))
            .text("किसी ने, शायद आपने, इस खाते के लिए नया पासवर्ड माँगा है। यह लिंक 30 मिनट तक एक बार काम करता है।")
            .button("नया पासवर्ड चुनें", Link::PasswordReset)
            .note("अगर यह आपने नहीं माँगा, तो कुछ न करें: आपका पासवर्ड वही रहेगा।"),
    }
}

/// To somebody whose password has just been changed: if it was not them, they should know.
#[must_use]
pub fn password_changed(to: &Recipient, at: Timestamp) -> Letter {
    let at = to.locale.time(at);
    match to.language() {
        En => Letter::new(En, "Your password was changed")
            .text(hello(to))
            .text(format!(
                "The password of your account was changed on {at}. Every other session has ended."
            ))
            .page("It was not me", "/forgot-password"),
        Hi => Letter::new(Hi, "आपका पासवर्ड बदला गया")
            .text(hello(to))
            .text(format!("आपके खाते का पासवर्ड {at} को बदला गया। बाकी सभी सत्र समाप्त हो गए हैं।"))
            .page("यह मैंने नहीं किया", "/forgot-password"),
    }
}

/// To somebody whose export is finished.
#[must_use]
pub fn export_ready(to: &Recipient, id: Uuid, rows: i64, expires_at: Timestamp) -> Letter {
    let (rows, until, path) =
        (to.locale.number(rows), to.locale.time(expires_at), format!("/exports/{id}"));
    match to.language() {
        En => Letter::new(En, "Your export is ready")
            .text(hello(to))
            .facts([("Bookings", rows), ("Can be downloaded until", until)])
            .page("Download", path)
            .note("Sign in to download it. Only you can."),
        Hi => Letter::new(Hi, "आपका एक्सपोर्ट तैयार है")
            .text(hello(to))
            .facts([("बुकिंग", rows), ("डाउनलोड की अंतिम तिथि", until)])
            .page("डाउनलोड करें", path)
            .note("डाउनलोड करने के लिए साइन इन करें। इसे केवल आप ही डाउनलोड कर सकते हैं।"),
    }
}

/// To somebody who released a spot and wants receipts.
#[must_use]
pub fn receipt(to: &Recipient, booking: &Record) -> Letter {
    let locale = &to.locale;
    let (released_at, cost_minor) =
        booking.released.unwrap_or_else(|| booking.release(booking.started_at));
    let minutes = (released_at.duration_since(booking.started_at).as_secs() + 59) / 60;
    let cost = locale.money(cost_minor, booking.currency);
    let facts = |names: [&'static str; 8]| {
        let values = [
            booking.lot_name.clone(),
            booking.spot_label.clone(),
            booking.vehicle_plate.clone().unwrap_or_else(|| "–".into()),
            locale.time(booking.started_at),
            locale.time(released_at),
            locale.minutes(minutes),
            cost.clone(),
            booking.reference.clone(),
        ];
        names.into_iter().zip(values)
    };
    let path = format!("/history/{}", booking.id);
    match to.language() {
        En => Letter::new(En, format!("Receipt: {cost} at {}", booking.lot_name))
            .text(hello(to))
            .facts(facts(["Lot", "Spot", "Vehicle", "From", "To", "Stay", "Cost", "Reference"]))
            .page("Show the receipt", path),
        Hi => Letter::new(Hi, format!("रसीद: {}, {cost}", booking.lot_name))
            .text(hello(to))
            .facts(facts(["पार्किंग स्थल", "जगह", "वाहन", "से", "तक", "अवधि", "खर्च", "संदर्भ"]))
            .page("रसीद दिखाएँ", path),
    }
}

/// To somebody whose vehicle has been parked for long.
#[must_use]
pub fn still_parked(to: &Recipient, bookings: &[Record], now: Timestamp) -> Letter {
    let locale = &to.locale;
    let stays = bookings.iter().map(|booking| {
        let (until, cost) = booking.release(now);
        let minutes = until.duration_since(booking.started_at).as_secs() / 60;
        (booking, locale.minutes(minutes), locale.money(cost, booking.currency))
    });
    let mut letter = match (to.language(), bookings) {
        (En, [one]) => Letter::new(En, format!("Still parked at {}", one.lot_name)),
        (En, _) => Letter::new(En, format!("{} vehicles are still parked", bookings.len())),
        (Hi, [one]) => Letter::new(Hi, format!("गाड़ी अब भी पार्क है: {}", one.lot_name)),
        (Hi, _) => Letter::new(Hi, format!("{} गाड़ियाँ अब भी पार्क हैं", bookings.len())),
    }
    .text(hello(to));
    for (booking, stay, cost) in stays {
        let plate = booking.vehicle_plate.clone().unwrap_or_else(|| "–".into());
        let names = to.language().pick(
            ["Lot", "Spot", "Vehicle", "Since", "Stay so far", "Cost so far"],
            ["पार्किंग स्थल", "जगह", "वाहन", "कब से", "अब तक की अवधि", "अब तक का खर्च"],
        );
        let since = locale.time(booking.started_at);
        let values =
            [booking.lot_name.clone(), booking.spot_label.clone(), plate, since, stay, cost];
        letter = letter.facts(names.into_iter().zip(values));
    }
    match to.language() {
        En => letter
            .text("If you have left already, release the spot: the clock runs until you do.")
            .page("Show and release", "/parking"),
        Hi => letter
            .text("अगर आप जा चुके हैं, तो जगह छोड़ दें: तब तक समय और खर्च चलता रहेगा।")
            .page("देखें और जगह छोड़ें", "/parking"),
    }
}

/// A lot that somebody has not seen yet.
#[derive(Debug, Clone)]
pub struct NewLot {
    pub name: String,
    pub city: Option<String>,
    pub number_of_spots: i64,
}

/// To somebody who has been away, or for whom there is a new lot.
#[must_use]
pub fn news(to: &Recipient, new_lots: &[NewLot], days_away: Option<i64>) -> Letter {
    let mut letter = match (to.language(), new_lots) {
        (En, []) => Letter::new(En, "Need a parking spot?"),
        (En, [one]) => Letter::new(En, format!("New: parking at {}", one.name)),
        (En, _) => Letter::new(En, format!("{} new parking lots", new_lots.len())),
        (Hi, []) => Letter::new(Hi, "पार्किंग की जगह चाहिए?"),
        (Hi, [one]) => Letter::new(Hi, format!("नया पार्किंग स्थल: {}", one.name)),
        (Hi, _) => Letter::new(Hi, format!("{} नए पार्किंग स्थल", new_lots.len())),
    }
    .text(hello(to));
    if let Some(days) = days_away {
        letter = letter.text(match to.language() {
            En => format!("It has been {days} days since you last parked with us."),
            Hi => format!("आपने {days} दिनों से हमारे यहाँ गाड़ी पार्क नहीं की है।"),
        });
    }
    if !new_lots.is_empty() {
        let head = to.language().pick(["Lot", "Spots"], ["पार्किंग स्थल", "जगहें"]);
        let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
        rows.extend(new_lots.iter().map(|lot| {
            let place = lot.city.as_ref().map(|city| format!(", {city}")).unwrap_or_default();
            vec![format!("{}{place}", lot.name), to.locale.number(lot.number_of_spots)]
        }));
        letter = letter.table(rows);
    }
    letter.page(to.language().pick("Find a spot", "जगह खोजें"), "/")
}
