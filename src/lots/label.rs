//! Labels of spots: how they are made and how they sort.

/// Numbers in a row of labels: A01 to A99, A100, then B01.
const NUMBERS_A_ROW: u32 = 100;

/// The label of the spot at `index`, counted from zero: A01, A02, ... After the row Z comes ZA,
/// which still sorts behind Z: rows are A to Z, ZA to ZZ, ZZA and so on.
#[must_use]
pub fn label_at(index: u32) -> String {
    let (row, number) = (index / NUMBERS_A_ROW, index % NUMBERS_A_ROW + 1);
    let last = char::from(b'A' + u8::try_from(row % 26).unwrap_or_default());
    let lead = "Z".repeat(usize::try_from(row / 26).unwrap_or_default());
    format!("{lead}{last}{number:02}")
}

/// A key whose bytes sort as people read labels: A2 before A10, and B1 after both. Equal for
/// labels that differ only in case or leading zeros, so that no lot has two of them.
#[must_use]
pub fn natural_order(label: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(label.len() + 2);
    let mut rest = label;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let digits = rest[..end].trim_start_matches('0');
            // Digits sort before letters; a longer number is a larger one.
            key.push(1);
            key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
            key.extend_from_slice(digits.as_bytes());
            rest = &rest[end..];
        } else {
            // Above the markers of numbers, whatever the character.
            key.push(2);
            key.extend(first.to_uppercase().collect::<String>().as_bytes());
            rest = &rest[first.len_utf8()..];
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_made_in_their_natural_order() {
        let labels: Vec<String> = (0..20_000).map(label_at).collect();
        assert_eq!(labels[..3], ["A01", "A02", "A03"]);
        assert_eq!(labels[98..102], ["A99", "A100", "B01", "B02"]);
        assert_eq!(labels[2600], "ZA01");
        assert!(labels.is_sorted_by(|a, b| natural_order(a) < natural_order(b)));
    }

    #[test]
    fn numbers_sort_by_value_and_before_letters() {
        let sorted = ["1", "2", "10", "10a", "A", "A1", "a2", "A10", "A10B", "AA1", "B1", "É1"];
        assert!(sorted.is_sorted_by(|a, b| natural_order(a) < natural_order(b)));
    }

    #[test]
    fn case_and_leading_zeros_make_no_other_label() {
        assert_eq!(natural_order("a01"), natural_order("A1"));
        assert_ne!(natural_order("A01"), natural_order("A11"));
        assert_ne!(natural_order("A0"), natural_order("A"));
    }
}
