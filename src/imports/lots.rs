//! `parking import lots`: lots by their key, so that a second import finds the first.

use std::path::Path;

use super::{Table, TableRow, progress_bar, store};
use crate::app::App;
use crate::error::{Error, FieldError};
use crate::lots::{Defaults, LotDetails, NewLot};

/// A lot of the file, checked.
#[derive(Debug, Clone)]
pub struct ImportedLot {
    pub line: u64,
    pub key: String,
    pub details: LotDetails,
    pub number_of_spots: i64,
}

/// What an import of lots did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcome {
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
}

/// # Errors
/// What is wrong with the file, with the line; nothing is changed then.
pub fn run(app: &App, path: &Path, price_per_hour_minor: i64) -> Result<Outcome, String> {
    let table = Table::read(path, &["lot", "name", "number_of_spots"])?;
    let in_file = |error: String| format!("{}: {error}", path.display());
    let lots = check(&table, &app.lot_defaults(), price_per_hour_minor).map_err(in_file)?;
    let bar = progress_bar(lots.len(), "Lots");
    let outcome = store::write_lots(app, lots, table.sha256, path, &bar).map_err(in_file)?;
    bar.finish();
    Ok(outcome)
}

fn check(table: &Table, defaults: &Defaults, price: i64) -> Result<Vec<ImportedLot>, String> {
    let mut lines = std::collections::HashMap::new();
    let mut lots = Vec::with_capacity(table.len());
    for row in table.rows() {
        let key = row.require("lot")?.to_owned();
        if let Some(first) = lines.insert(key.clone(), row.line) {
            return Err(row.wrong("lot", &format!("{key} stands on line {first} already")));
        }
        lots.push(check_row(&row, key, defaults, price)?);
    }
    Ok(lots)
}

fn check_row(
    row: &TableRow<'_>,
    key: String,
    defaults: &Defaults,
    price: i64,
) -> Result<ImportedLot, String> {
    row.require("number_of_spots")?;
    let text = |column| row.get(column).map(ToOwned::to_owned);
    let new = NewLot {
        name: row.require("name")?.to_owned(),
        address: text("address"),
        city: text("city"),
        pin_code: text("pin_code"),
        latitude: row.parse("latitude", "degrees")?,
        longitude: row.parse("longitude", "degrees")?,
        time_zone: text("time_zone"),
        price_per_hour_minor: row
            .parse("price_per_hour_minor", "a whole number of minor units")?
            .unwrap_or(price),
        currency: text("currency"),
        number_of_spots: row.parse("number_of_spots", "a whole number")?.unwrap_or_default(),
        tariff: None,
    };
    let (details, number_of_spots) = new.check(defaults).map_err(|error| match error {
        Error::Invalid(errors) => {
            let said =
                errors.iter().map(|FieldError { field, message }| format!("{field} {message}"));
            format!("line {}: {}", row.line, said.collect::<Vec<_>>().join("; "))
        }
        error => error.to_string(),
    })?;
    Ok(ImportedLot { line: row.line, key, details, number_of_spots })
}
