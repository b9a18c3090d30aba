//! Words looked for in bytes, whatever they were written as.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// A word as it may stand in a file. Cases do not matter, but in base64.
pub struct Guises {
    word: String,
    lowered: Vec<Vec<u8>>,
    exact: Vec<Vec<u8>>,
}

impl Guises {
    /// Of a word in ASCII of at least ten characters: shorter ones are in base64 by chance.
    pub fn of(word: &str) -> Self {
        assert!(word.is_ascii() && word.len() >= 10, "{word}");
        let lower = word.to_ascii_lowercase();
        let utf16 = lower.bytes().flat_map(|byte| [byte, 0]).collect();
        let hex =
            |word: &str| word.bytes().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let lowered = vec![
            lower.clone().into_bytes(),
            utf16,
            hex(word).into_bytes(),
            hex(&lower).into_bytes(),
        ];
        let exact = [word.to_owned(), lower].iter().flat_map(|word| base64(word)).collect();
        Self { word: word.to_owned(), lowered, exact }
    }
}

/// The part of a word's base64 that does not depend on its neighbours, for each place in a triple.
fn base64(word: &str) -> Vec<Vec<u8>> {
    let standard = |bytes: &[u8]| {
        let text = parking::auth::tokens::encode(bytes);
        text.replace('-', "+").replace('_', "/").into_bytes()
    };
    let at = |place: usize| {
        let padded = [&vec![0; place], word.as_bytes()].concat();
        let whole = &padded[..padded.len() / 3 * 3];
        standard(whole)[if place == 0 { 0 } else { 4 }..].to_vec()
    };
    (0..3).map(at).collect()
}

/// The words that stand in `bytes`.
pub fn found_in(words: &[Guises], bytes: &[u8]) -> Vec<String> {
    let mut found = BTreeSet::new();
    let lower = bytes.to_ascii_lowercase();
    let of = [
        (&lower[..], (|word| &word.lowered) as fn(&Guises) -> &Vec<Vec<u8>>),
        (bytes, |word| &word.exact),
    ];
    for (bytes, needles) in of {
        let mut by_first: Vec<Vec<(&str, &[u8])>> = vec![Vec::new(); 256];
        for word in words {
            for needle in needles(word) {
                by_first[usize::from(needle[0])].push((&word.word, needle));
            }
        }
        for (at, first) in bytes.iter().enumerate() {
            let there = by_first[usize::from(*first)].iter();
            found.extend(
                there.filter(|(_, needle)| bytes[at..].starts_with(needle)).map(|(word, _)| *word),
            );
        }
    }
    found.into_iter().map(ToOwned::to_owned).collect()
}

/// The words that stand in a file in `folder`, or in a folder in it, each with the file.
pub fn found_below(words: &[Guises], folder: &Path) -> Vec<String> {
    let found = |path: PathBuf| {
        let words = found_in(words, &std::fs::read(&path).unwrap());
        words.into_iter().map(move |word| format!("{word} in {}", path.display()))
    };
    files(folder).into_iter().flat_map(found).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_word_is_found_in_all_its_guises_and_not_in_others() {
    let words = [Guises::of("Quillfeather")];
    for text in [
        "...quillfeather...",
        "QUILLFEATHER",
        "q\0u\0i\0l\0l\0f\0e\0a\0t\0h\0e\0r\0",
        "5175696C6C66656174686572",
        "UXVpbGxmZWF0aGVy",             // alone
        "IFF1aWxsZmVhdGhlciE=",         // behind a blank
        "WVlRdWlsbGZlYXRoZXIh",         // behind two letters
        "bW9yZSBRdWlsbGZlYXRoZXIgYXRh", // in the middle
    ] {
        assert_eq!(found_in(&words, text.as_bytes()), ["Quillfeather"], "{text}");
    }
    assert!(found_in(&words, b"quill feather, Quillfeathe UXVpbGxm").is_empty());
}
