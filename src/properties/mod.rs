//! What must hold of every text that comes from outside, whatever is in it. Not part of the program.
//!
//! `make fuzz` looks for a text of which it does not hold; what it found, and what somebody thought
//! of, is in `fuzz/corpus/`, and is tried at every test.

mod files;
mod requests;
mod settings;
mod words;

use jiff::Timestamp;

use crate::lots::tariff::{Price, Tariff};
use crate::lots::{Defaults, LotDetails};
use crate::money::Currency;

type Property = fn(&[u8]);

/// By the name of the target and of its folder in `fuzz/corpus/`.
const PROPERTIES: &[(&str, Property)] = &[
    ("codes", words::codes),
    ("cursor", requests::cursor),
    ("database_url", settings::database_url),
    ("export", files::export),
    ("headers", requests::headers),
    ("lot_body", requests::lot_body),
    ("lots_file", files::lots_file),
    ("person", words::person),
    ("plate", words::plate),
    ("schedule", words::schedule),
    ("sessions_file", files::sessions_file),
    ("settings", settings::settings),
    ("token", requests::token),
    ("webhook", words::webhook),
];

/// # Panics
/// When the property of that name does not hold of `data`.
pub fn check(name: &str, data: &[u8]) {
    let (_, property) = PROPERTIES.iter().find(|(known, _)| *known == name).expect("it is known");
    property(data);
}

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

fn now() -> Timestamp {
    crate::clock::from_micros(1_795_341_600_000_000)
}

fn rupees() -> Currency {
    "INR".parse().unwrap()
}

fn price() -> Price {
    Price { per_hour_minor: 6000, tariff: Tariff::default() }
}

fn defaults() -> Defaults {
    Defaults { time_zone: "Asia/Kolkata".into(), currency: rupees() }
}

fn blank() -> LotDetails {
    LotDetails {
        name: "Central".into(),
        address: None,
        city: None,
        pin_code: None,
        position: None,
        time_zone: defaults().time_zone,
        currency: rupees(),
        price: price(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Without their endings.
    fn names(folder: &str) -> BTreeSet<String> {
        let stem = |path: std::path::PathBuf| path.file_stem().unwrap().to_str().unwrap().into();
        std::fs::read_dir(folder).unwrap().map(|entry| stem(entry.unwrap().path())).collect()
    }

    #[test]
    fn every_property_has_a_target_and_holds_of_its_corpus() {
        let known: BTreeSet<_> = PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(names("fuzz/fuzz_targets"), known);
        assert_eq!(names("fuzz/corpus"), known);
        for (name, property) in PROPERTIES {
            let corpus = std::fs::read_dir(format!("fuzz/corpus/{name}")).unwrap();
            for file in corpus.map(|entry| entry.unwrap().path()) {
                // Which one it is, where it does not hold.
                println!("{}", file.display());
                property(&std::fs::read(&file).unwrap());
            }
        }
    }
}
