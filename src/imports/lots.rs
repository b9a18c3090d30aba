//! Lots from a file, by their key, so that a second import finds those of the first.
//!
//! A plan says what would become of each ([`plan`]); carrying it out goes by the same plan.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{File, Table, TableRow, check_name, file_name, progress_bar, store};
use crate::app::App;
use crate::audit::Actor;
use crate::db::Tx;
use crate::error::{Error, FieldError};
use crate::lots::store::LotRow;
use crate::lots::{Defaults, LotChange, LotDetails, NewLot, NewTariff};
use crate::money::Currency;

/// The columns without which a file is none of lots.
pub const REQUIRED: &[&str] = &["lot", "name", "number_of_spots"];
const INTEGER: &str = "a whole number";
const MINOR_UNITS: &str = "a whole number of minor units";

/// A lot of the file, checked.
#[derive(Debug, Clone)]
pub struct ImportedLot {
    pub line: u64,
    pub key: String,
    /// As a new lot.
    pub details: LotDetails,
    /// To one that is there: what the file has no column for stays.
    pub change: LotChange,
    pub number_of_spots: i64,
    /// Whether its price is known, so that it can be created.
    pub has_price: bool,
}

/// What an import of lots comes to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Outcome {
    pub created: usize,
    pub changed: usize,
    pub unchanged: usize,
}

impl Outcome {
    #[must_use]
    pub fn of(planned: &[PlannedLot]) -> Self {
        let count = |action| planned.iter().filter(|lot| lot.action == action).count();
        Self {
            created: count(PlannedAction::Create),
            changed: count(PlannedAction::Change),
            unchanged: count(PlannedAction::Keep),
        }
    }
}

/// What is wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineProblem {
    /// The header is line 1.
    pub line: u64,
    pub message: String,
}

impl std::fmt::Display for LineProblem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlannedAction {
    Create,
    Change,
    Keep,
}

/// A field of a lot that would change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldChange {
    #[schema(example = "number_of_spots")]
    pub field: String,
    #[schema(value_type = Object)]
    pub before: Value,
    #[schema(value_type = Object)]
    pub after: Value,
}

/// What would become of a line.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct PlannedLot {
    pub line: u64,
    /// In the column `lot`.
    pub key: String,
    pub name: String,
    pub number_of_spots: i64,
    /// Of its prices.
    pub currency: Currency,
    pub action: PlannedAction,
    /// Of a lot that would change.
    pub changes: Vec<FieldChange>,
}

/// What is to become of a lot that may be there already.
///
/// # Errors
/// What stands in the way.
pub fn plan(
    lot: &ImportedLot,
    before: Option<&LotRow>,
    occupied: i64,
) -> Result<(PlannedLot, LotDetails), LineProblem> {
    let ImportedLot { line, key, number_of_spots, .. } = lot;
    let problem = |message: String| LineProblem { line: *line, message };
    let details = match before {
        None if lot.has_price => lot.details.clone(),
        None => return Err(problem("price_per_hour_minor must not be empty".into())),
        Some(row) => lot.change.check(&row.details).map_err(|error| problem(in_words(error)))?,
    };
    if *number_of_spots < occupied {
        return Err(problem(format!(
            "{key} cannot shrink to {number_of_spots} spots, {occupied} are occupied"
        )));
    }
    let changes = before.map_or_else(Vec::new, |row| {
        let after =
            LotRow { details: details.clone(), number_of_spots: *number_of_spots, ..row.clone() };
        differences(row, &after)
    });
    let action = match before {
        None => PlannedAction::Create,
        Some(_) if changes.is_empty() => PlannedAction::Keep,
        Some(_) => PlannedAction::Change,
    };
    let (name, currency) = (details.name.clone(), details.currency);
    let (line, key, number_of_spots) = (*line, key.clone(), *number_of_spots);
    Ok((PlannedLot { line, key, name, number_of_spots, currency, action, changes }, details))
}

fn differences(before: &LotRow, after: &LotRow) -> Vec<FieldChange> {
    let fields = |row: &LotRow| match serde_json::to_value(row.to_lot()) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::default(),
    };
    let mut before = fields(before);
    let change = |(field, after): (String, Value)| {
        let before = before.remove(&field).unwrap_or_default();
        (before != after).then_some(FieldChange { field, before, after })
    };
    fields(after).into_iter().filter_map(change).collect()
}

/// # Errors
/// What is wrong with the file, with the line; nothing is changed then.
pub fn run(app: &App, path: &Path, price_per_hour_minor: i64) -> Result<Outcome, String> {
    let table = Table::read(path, REQUIRED)?;
    let in_file = |error: String| format!("{}: {error}", path.display());
    let (lots, problems) = check(&table, &app.lot_defaults(), Some(price_per_hour_minor));
    if let Some(problem) = problems.into_iter().next() {
        return Err(in_file(problem.to_string()));
    }
    let bar = progress_bar(lots.len(), "Lots");
    let (clock, catalogue, shown) = (app.clock.clone(), app.catalogue.clone(), bar.clone());
    let file = File { name: file_name(path), sha256: table.sha256 };
    let write = move |tx: &mut Tx<'_>| {
        shown.set_position(0);
        store::write_lots(tx, clock.now(), &Actor::default(), &file, &lots, &catalogue, || {
            shown.inc(1);
        })
    };
    let planned = app.db.write_blocking(Uuid::nil(), write);
    let planned = planned.map_err(|error| in_file(store::in_words(error)))?;
    app.reread_blocking().map_err(|error| error.to_string())?;
    bar.finish();
    Ok(Outcome::of(&planned))
}

/// The lots of a file, and what is wrong with others. `price` is of those that have none.
#[must_use]
pub fn check(
    table: &Table,
    defaults: &Defaults,
    price: Option<i64>,
) -> (Vec<ImportedLot>, Vec<LineProblem>) {
    let mut lines = std::collections::HashMap::new();
    let (mut lots, mut problems) = (Vec::with_capacity(table.len()), Vec::new());
    for row in table.rows() {
        let lot = check_key(&row).and_then(|key| match lines.insert(key.clone(), row.line) {
            Some(first) => Err(format!("lot {key} stands on line {first} already")),
            None => check_row(&row, key, defaults, price),
        });
        match lot {
            Ok(lot) => lots.push(lot),
            Err(message) => problems.push(LineProblem { line: row.line, message }),
        }
    }
    (lots, problems)
}

fn check_key(row: &TableRow<'_>) -> Result<String, String> {
    let key = row.require("lot")?;
    check_name(key).map_err(|message| format!("lot {message}"))?;
    Ok(key.to_owned())
}

fn check_row(
    row: &TableRow<'_>,
    key: String,
    defaults: &Defaults,
    price: Option<i64>,
) -> Result<ImportedLot, String> {
    row.require("number_of_spots")?;
    let text = |column| row.get(column).map(ToOwned::to_owned);
    let own_price = row.parse("price_per_hour_minor", MINOR_UNITS)?;
    let price = own_price.or(price);
    let new = NewLot {
        name: row.require("name")?.to_owned(),
        address: text("address"),
        city: text("city"),
        pin_code: text("pin_code"),
        latitude: row.parse("latitude", "degrees")?,
        longitude: row.parse("longitude", "degrees")?,
        time_zone: text("time_zone"),
        price_per_hour_minor: price.unwrap_or_default(),
        currency: text("currency"),
        number_of_spots: row.parse("number_of_spots", INTEGER)?.unwrap_or_default(),
        tariff: tariff(row)?,
    };
    let (details, number_of_spots) = new.check(defaults).map_err(in_words)?;
    let change = LotChange {
        name: Some(new.name),
        address: row.has("address").then_some(new.address),
        city: row.has("city").then_some(new.city),
        pin_code: row.has("pin_code").then_some(new.pin_code),
        latitude: row.has("latitude").then_some(new.latitude),
        longitude: row.has("longitude").then_some(new.longitude),
        time_zone: new.time_zone,
        price_per_hour_minor: own_price,
        currency: new.currency,
        number_of_spots: Some(number_of_spots),
        tariff: new.tariff,
    };
    let (line, has_price) = (row.line, price.is_some());
    Ok(ImportedLot { line, key, details, change, number_of_spots, has_price })
}

/// `None`: the file has no column of it.
fn tariff(row: &TableRow<'_>) -> Result<Option<NewTariff>, String> {
    let columns = ["free_minutes", "increment_minutes", "daily_cap_minor"];
    let tariff = NewTariff {
        free_minutes: row.parse(columns[0], INTEGER)?,
        increment_minutes: row.parse(columns[1], INTEGER)?,
        daily_cap_minor: row.parse(columns[2], MINOR_UNITS)?,
    };
    Ok(columns.iter().any(|column| row.has(column)).then_some(tariff))
}

fn in_words(error: Error) -> String {
    match error {
        Error::Invalid(errors) => {
            let said =
                errors.iter().map(|FieldError { field, message }| format!("{field} {message}"));
            said.collect::<Vec<_>>().join("; ")
        }
        error => error.to_string(),
    }
}
