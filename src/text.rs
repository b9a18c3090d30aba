//! Text that people typed.

use std::ops::RangeInclusive;

/// One line: trimmed, of so many characters, without control characters.
///
/// # Errors
/// What is wrong with it.
pub fn line(text: &str, characters: RangeInclusive<usize>) -> Result<String, String> {
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err("must not contain control characters".into());
    }
    let count = text.chars().count();
    if count < *characters.start() {
        return Err("must not be empty".into());
    }
    if count > *characters.end() {
        return Err(format!("must have at most {} characters", characters.end()));
    }
    Ok(text.to_owned())
}

/// [`line`], where nothing, or nothing but spaces, is `None`.
///
/// # Errors
/// As [`line`].
pub fn optional_line(text: Option<&str>, characters_max: usize) -> Result<Option<String>, String> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => line(text, 1..=characters_max).map(Some),
    }
}

/// A part of a URL as it was before `%40` stood for `@`.
#[must_use]
pub fn percent_decoded(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

/// A pattern for `like ... escape '\'` that finds `text` anywhere.
#[must_use]
pub fn like_anywhere(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_trimmed_and_bounded_in_characters() {
        assert_eq!(line(" नमस्ते ", 1..=6).unwrap(), "नमस्ते");
        assert!(line("abcdefg", 1..=6).is_err());
        assert!(line("a\u{0}b", 1..=6).is_err());
        assert_eq!(optional_line(Some("  "), 6), Ok(None));
    }

    #[test]
    fn parts_of_a_url_are_decoded() {
        assert_eq!(percent_decoded("p%40ss%2Bw+rd&%20"), "p@ss+w+rd& ");
    }

    #[test]
    fn wildcards_in_a_search_are_plain_characters() {
        assert_eq!(like_anywhere("50%_A\\"), "%50\\%\\_a\\\\%");
    }
}
