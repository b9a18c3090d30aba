//! Number plates.

use std::str::FromStr;

/// A number plate of any country: letters and digits of any script, in upper case, without the
/// spaces, hyphens and dots that people write differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plate(String);

impl FromStr for Plate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const CHARACTERS_MAX: usize = 20;
        if text.chars().any(char::is_control) {
            return Err("must not contain control characters".into());
        }
        let separator = |c: char| c.is_whitespace() || matches!(c, '-' | '.' | '·' | '‐'..='―');
        let plate: String =
            text.chars().filter(|c| !separator(*c)).flat_map(char::to_uppercase).collect();
        match plate.chars().count() {
            0 => Err("must not be empty".into()),
            1..=CHARACTERS_MAX => Ok(Self(plate)),
            _ => Err(format!("must have at most {CHARACTERS_MAX} characters")),
        }
    }
}

impl Plate {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plate(text: &str) -> String {
        text.parse::<Plate>().unwrap().0
    }

    #[test]
    fn one_vehicle_has_one_plate_however_it_is_written() {
        for text in ["MH 12 AB 1234", "mh-12-ab-1234", " Mh12aB1234 ", "MH·12·AB·1234"] {
            assert_eq!(plate(text), "MH12AB1234");
        }
    }

    #[test]
    fn no_country_is_refused() {
        for (text, expected) in [
            ("B-MW 1234", "BMW1234"),
            ("21 BH 2345 AA", "21BH2345AA"),
            ("А123ВС 77", "А123ВС77"),
            ("品川 500 あ 12-34", "品川500あ1234"),
            ("AB*123", "AB*123"),
            ("w-x 1é", "WX1É"),
        ] {
            assert_eq!(plate(text), expected);
        }
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        for text in ["", "  ", "--", "A\n1", "123456789012345678901"] {
            assert!(text.parse::<Plate>().is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn normalising_twice_changes_nothing(text in "\\PC{0,30}") {
            if let Ok(once) = text.parse::<Plate>()
                && let Ok(twice) = once.as_str().parse::<Plate>()
            {
                prop_assert_eq!(once, twice);
            }
        }
    }
}
