//! Imports in SQL: one transaction a file.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::json;
use uuid::Uuid;

use super::lots::{ImportedLot, LineProblem, PlannedAction, PlannedLot};
use super::sessions::{ImportedBooking, KnownLot};
use super::{File, lots, sessions};
use crate::app::App;
use crate::audit::{self, Action, Actor, Subject};
use crate::db::{Tx, Value};
use crate::error::{Error, FieldError, Result};
use crate::ids;
use crate::lots::LotDetails;
use crate::lots::catalogue::Catalogue;
use crate::lots::store::{
    LotRow, currency, insert, locked, occupied_spots, one, price_at, update, withdraw,
};
use crate::reports::figures::Stay;
use crate::stats;

/// Rows in one statement.
const CHUNK: usize = 250;

/// A refusal in words that stop an import, on its way out of the transaction.
fn refuse(message: impl Into<String>) -> Error {
    Error::Malformed(message.into())
}

/// An error in words for the command line.
#[must_use]
pub fn in_words(error: Error) -> String {
    match error {
        Error::Malformed(message) => message,
        Error::Invalid(errors) => {
            let said =
                errors.iter().map(|FieldError { field, message }| format!("{field}: {message}"));
            said.collect::<Vec<_>>().join("\n")
        }
        error => error.to_string(),
    }
}

/// What would become of lots.
///
/// # Errors
/// Those of storage.
pub fn plan_lots(
    tx: &mut Tx<'_>,
    imported: &[ImportedLot],
) -> Result<(Vec<PlannedLot>, Vec<LineProblem>)> {
    let (mut planned, mut problems) = (Vec::with_capacity(imported.len()), Vec::new());
    for lot in imported {
        let before = known(tx, &lot.key)?.map(|id| one(tx, id)).transpose()?;
        match plan(tx, lot, before.as_ref())? {
            Ok((lot, _)) => planned.push(lot),
            Err(problem) => problems.push(problem),
        }
    }
    Ok((planned, problems))
}

fn known(tx: &mut Tx<'_>, key: &str) -> Result<Option<Uuid>> {
    Ok(tx.opt("select id from lots where import_key = $1", &[key.into()], |row| row.get(0))?)
}

type Plan = Result<(PlannedLot, LotDetails), LineProblem>;

fn plan(tx: &mut Tx<'_>, lot: &ImportedLot, before: Option<&LotRow>) -> Result<Plan> {
    let occupied = before.map(|row| occupied_spots(tx, row.id)).transpose()?.unwrap_or_default();
    Ok(lots::plan(lot, before, occupied))
}

/// Creates and changes lots; says what became of each.
///
/// # Errors
/// 422 with the line that is wrong.
pub fn write_lots(
    tx: &mut Tx<'_>,
    now: Timestamp,
    actor: &Actor,
    file: &File,
    imported: &[ImportedLot],
    catalogue: &Arc<Catalogue>,
    each: impl Fn(),
) -> Result<Vec<PlannedLot>> {
    let mut all = Vec::with_capacity(imported.len());
    for lot in imported {
        let before = known(tx, &lot.key)?.map(|id| locked(tx, id)).transpose()?;
        let (planned, details) =
            plan(tx, lot, before.as_ref())?.map_err(|LineProblem { line, message }| {
                Error::invalid(format!("line {line}"), message)
            })?;
        let spots = lot.number_of_spots;
        let written = match (planned.action, &before) {
            (PlannedAction::Create, _) => {
                let row = insert(tx, now, &details, spots, Some(&lot.key))?;
                Some((row.id, Action::LotCreated))
            }
            (PlannedAction::Change, Some(row)) => {
                update(tx, now, row, &details, spots)?;
                Some((row.id, Action::LotChanged))
            }
            _ => None,
        };
        if let Some((id, action)) = written {
            let detail = json!({ "import_key": lot.key, "number_of_spots": spots });
            audit::store::record(tx, now, actor, action, Some(Subject::Lot(id)), &detail)?;
        }
        all.push(planned);
        each();
    }
    record_import(tx, now, actor, ("lots", file, imported.len()))?;
    tell_others(tx, catalogue);
    Ok(all)
}

/// Other processes are told; this one reads the lots anew after the commit (`App::reread`).
pub fn tell_others(tx: &mut Tx<'_>, catalogue: &Arc<Catalogue>) {
    let catalogue = catalogue.clone();
    tx.on_commit(move |_| catalogue.tell_lots());
}

fn record_import(
    tx: &mut Tx<'_>,
    now: Timestamp,
    actor: &Actor,
    (kind, file, rows): (&str, &File, usize),
) -> Result<()> {
    tx.exec(
        "insert into imports (sha256, kind, file_name, row_count, imported_at) \
         values ($1, $2, $3, $4, $5) on conflict (sha256) do nothing",
        &[
            (&file.sha256).into(),
            kind.into(),
            (&file.name).into(),
            i64::try_from(rows).unwrap_or(i64::MAX).into(),
            now.into(),
        ],
    )?;
    let detail = json!({ "kind": kind, "file": file.name, "rows": rows });
    audit::store::record(tx, now, actor, Action::Imported, None, &detail)
}

/// Writes the bookings that `place` makes of the lots that are there.
///
/// # Errors
/// What is wrong, with the line; a file that was imported before.
pub fn write_sessions(
    app: &App,
    place: impl Fn(&HashMap<String, KnownLot>) -> Result<Vec<ImportedBooking>, String> + Send + 'static,
    file: File,
    bar: &ProgressBar,
) -> Result<sessions::Outcome, String> {
    let (clock, bar) = (app.clock.clone(), bar.clone());
    let catalogue = app.catalogue.clone();
    let write = move |tx: &mut Tx<'_>| {
        let now = clock.now();
        bar.set_position(0);
        let before = tx.opt(
            "select imported_at from imports where sha256 = $1",
            &[(&file.sha256).into()],
            |row| row.get::<Timestamp>(0),
        )?;
        if let Some(at) = before {
            return Err(refuse(format!("these sessions were imported already, at {at}")));
        }
        let bookings = place(&known_lots(tx)?).map_err(refuse)?;
        let mut outcome = sessions::Outcome::default();
        for chunk in bookings.chunks(CHUNK) {
            outcome.open += insert_bookings(tx, now, chunk)?;
            bar.inc(chunk.len() as u64);
        }
        outcome.closed = bookings.len() - outcome.open;
        record_import(tx, now, &Actor::default(), ("sessions", &file, bookings.len()))?;
        tell_others(tx, &catalogue);
        Ok(outcome)
    };
    app.db.write_blocking(Uuid::nil(), write).map_err(in_words)
}

fn known_lots(tx: &mut Tx<'_>) -> Result<HashMap<String, KnownLot>> {
    let mut lots: HashMap<String, KnownLot> = tx
        .all(
            "select import_key, id, currency, price_per_hour_minor, free_minutes, \
             increment_minutes, daily_cap_minor from lots \
             where import_key is not null and deleted_at is null",
            &[],
            |row| {
                let currency = currency(&row.get::<String>(2)?)?;
                let (id, price) = (row.get(1)?, price_at(row, 3)?);
                Ok((row.get(0)?, KnownLot { id, price, currency, spots: Vec::new() }))
            },
        )?
        .into_iter()
        .collect();
    for lot in lots.values_mut() {
        lot.spots = tx.all(
            "select spot_id, label from free_spots where lot_id = $1 order by label_order",
            &[lot.id.into()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
    }
    Ok(lots)
}

/// Inserts bookings; says how many of them are open.
///
/// # Errors
/// Those of storage.
pub fn insert_bookings(
    tx: &mut Tx<'_>,
    now: Timestamp,
    bookings: &[ImportedBooking],
) -> Result<usize> {
    const COLUMNS: usize = 15;
    let references = new_references(tx, now, bookings.len())?;
    let booked: Vec<Uuid> = bookings.iter().map(|b| ids::new_id(b.started_at)).collect();
    let mut values: Vec<Value<'_>> = Vec::with_capacity(bookings.len() * COLUMNS);
    let mut open = 0;
    for ((booking, id), reference) in bookings.iter().zip(&booked).zip(&references) {
        values.extend([
            Value::Id(*id),
            Value::from(reference),
            booking.lot.into(),
            booking.spot.into(),
            Value::from(&booking.spot_label),
            booking.started_at.into(),
            booking.ended_at.into(),
            booking.price.per_hour_minor.into(),
            booking.currency.as_str().into(),
            booking.price.tariff.free_minutes.into(),
            booking.price.tariff.increment_minutes.into(),
            booking.price.tariff.daily_cap_minor.into(),
            booking.cost_minor().into(),
            booking.user.into(),
            booking.plate.as_ref().into(),
        ]);
        if booking.ended_at.is_none() {
            open += 1;
            withdraw(tx, booking.spot)?;
        }
    }
    tx.insert_many(
        "insert into bookings (id, reference, lot_id, spot_id, spot_label, started_at, \
         released_at, price_per_hour_minor, currency, free_minutes, increment_minutes, \
         daily_cap_minor, cost_minor, user_id, vehicle_plate)",
        COLUMNS,
        &values,
        "",
    )?;
    let stay = |(booking, id): (&ImportedBooking, &Uuid)| Stay {
        id: *id,
        lot: booking.lot,
        started_at: booking.started_at,
        released_at: booking.ended_at,
        cost_minor: booking.cost_minor(),
        currency: booking.currency,
    };
    let stays: Vec<_> = bookings.iter().zip(&booked).map(stay).collect();
    stats::store::count_imported(tx, &stays)?;
    Ok(open)
}

/// References that no booking bears. Among hundreds of thousands, one may be taken.
fn new_references(tx: &mut Tx<'_>, now: Timestamp, count: usize) -> Result<Vec<String>> {
    let mut references = Vec::with_capacity(count);
    while references.len() < count {
        let drawn: Vec<String> =
            (references.len()..count).map(|_| ids::new_reference(now)).collect();
        let places: Vec<String> = (1..=drawn.len()).map(|n| format!("${n}")).collect();
        let sql =
            format!("select reference from bookings where reference in ({})", places.join(", "));
        let values: Vec<Value<'_>> = drawn.iter().map(Value::from).collect();
        let taken: HashSet<String> = tx.all(&sql, &values, |row| row.get(0))?.into_iter().collect();
        references.extend(drawn.into_iter().filter(|reference| !taken.contains(reference)));
    }
    Ok(references)
}
