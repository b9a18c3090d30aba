//! Lots and sessions from CSV files, all or nothing for each file.
//!
//! `lots.rs` and `sessions.rs` read and check the file and decide everything; `store.rs` writes.
//! Lots come over HTTP too (`routes.rs`), with a preview of what would become of them.

pub mod lots;
pub mod routes;
pub mod sessions;
pub mod store;

use std::io::{Read, Write};
use std::path::Path;

use csv::StringRecord;

/// A CSV file in memory, with its columns found by name.
pub struct Table {
    pub sha256: [u8; 32],
    header: StringRecord,
    rows: Vec<StringRecord>,
}

/// A file that is being imported, as the books name it.
#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub sha256: [u8; 32],
}

/// Whether the name of a file, or a file's key for a lot, is as short as file systems have it.
fn check_name(name: &str) -> Result<(), String> {
    const CHARACTERS_MAX: usize = 255;
    if name.chars().count() > CHARACTERS_MAX {
        return Err(format!("must have at most {CHARACTERS_MAX} characters"));
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A row and the line it stands on.
pub struct TableRow<'a> {
    pub line: u64,
    header: &'a StringRecord,
    row: &'a StringRecord,
}

impl Table {
    /// Reads a file; one that ends in `.gz` is unpacked.
    ///
    /// # Errors
    /// What cannot be read, with its line; a column of `required` that is missing.
    pub fn read(path: &Path, required: &[&str]) -> Result<Self, String> {
        let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
        let mut bytes = std::fs::read(path).map_err(|error| failed(&error))?;
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut unpacked = Vec::new();
            flate2::read::MultiGzDecoder::new(&bytes[..])
                .read_to_end(&mut unpacked)
                .map_err(|error| failed(&error))?;
            bytes = unpacked;
        }
        Self::parse(&bytes, required).map_err(|error| failed(&error))
    }

    /// # Errors
    /// What cannot be read, with its line; a column of `required` that is missing.
    pub fn parse(bytes: &[u8], required: &[&str]) -> Result<Self, String> {
        let sha256 = crate::auth::tokens::sha256(bytes);
        // Spreadsheets put a byte order mark in front.
        let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text);
        let header = reader.headers().map_err(|error| error.to_string())?.clone();
        if let Some(missing) = required.iter().find(|name| !header.iter().any(|h| h == **name)) {
            return Err(format!("line 1: the column {missing} is missing"));
        }
        let rows = reader.records().collect::<Result<_, _>>();
        let rows = rows.map_err(|error| error.to_string())?;
        Ok(Self { sha256, header, rows })
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn rows(&self) -> impl Iterator<Item = TableRow<'_>> {
        self.rows.iter().map(|row| TableRow {
            line: row.position().map_or(0, csv::Position::line),
            header: &self.header,
            row,
        })
    }
}

impl TableRow<'_> {
    /// Whether the file has the column.
    #[must_use]
    pub fn has(&self, column: &str) -> bool {
        self.header.iter().any(|name| name == column)
    }

    /// The value of a column; `None` when the column is missing or the value empty.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&str> {
        let index = self.header.iter().position(|name| name == column)?;
        self.row.get(index).filter(|value| !value.is_empty())
    }

    /// # Errors
    /// When the column is missing or the value empty.
    pub fn require(&self, column: &str) -> Result<&str, String> {
        self.get(column).ok_or_else(|| format!("{column} must not be empty"))
    }

    /// # Errors
    /// When the value is of another kind.
    pub fn parse<T: std::str::FromStr>(
        &self,
        column: &str,
        kind: &str,
    ) -> Result<Option<T>, String> {
        let parsed = self.get(column).map(str::parse).transpose();
        parsed.map_err(|_| format!("{column} must be {kind}"))
    }
}

/// A bar on standard error that shows how far a long command is; silent where nobody watches.
#[must_use]
pub fn progress_bar(total: usize, what: &'static str) -> indicatif::ProgressBar {
    let bar = indicatif::ProgressBar::new(total as u64);
    let template = "{msg} {bar:32} {human_pos}/{human_len} {per_sec} {eta}";
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message(what);
    bar
}

/// Tells the person at the command line what came of it.
pub fn say(text: &str) {
    // A closed pipe is no reason to fail after the work is done.
    let _ = writeln!(std::io::stdout(), "{text}");
}
