//! Tallies in SQL.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use super::figures::{self, LotFlows};
use super::sheet::{Sheet, Total, each_stretch, sheet_seconds};
use super::tally::{DAY_MINUTES, DAY_SECONDS, Flow, QUARTER_MINUTES, Stretch, Tally};
use crate::bookings::BookedLot;
use crate::db::{Row, Tx, Value};
use crate::error::Result;
use crate::ids;
use crate::lots::store::currency;
use crate::reports::figures::Stay;
use crate::reports::store::{STAY, stay};

/// How far bookings are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// The last booking counted as started.
    pub through: Option<Uuid>,
    pub step: i64,
    pub recount: bool,
}

const STATE: &str = "select through, step, recount from tally_state";

fn read_state(row: &Row<'_>) -> Result<State, crate::db::Error> {
    Ok(State { through: row.get(0)?, step: row.get(1)?, recount: row.get(2)? })
}

/// # Errors
/// Those of storage.
pub fn state(tx: &mut Tx<'_>) -> Result<State> {
    Ok(tx.one(STATE, &[], read_state)?)
}

/// [`state`], kept from being changed by others until the commit.
fn locked(tx: &mut Tx<'_>) -> Result<State> {
    let state = tx.opt_locked(STATE, &[], read_state)?;
    state.ok_or_else(|| crate::Error::Internal("tally_state has no row".into()))
}

/// Bookings that are not counted yet, the earliest first.
///
/// # Errors
/// Those of storage.
pub fn uncounted(
    tx: &mut Tx<'_>,
    state: State,
    before: Timestamp,
    limit: usize,
) -> Result<Vec<Stay>> {
    let after = state.through.unwrap_or_default();
    crate::reports::store::bookings_after(tx, after, before, limit)
}

/// The bookings counted as open. A `cross join` begins with its left side on SQLite too, whose
/// planner would rather walk through all bookings.
const OPEN: &str = "from tally_open o cross join bookings b where b.id = o.booking_id";

/// Bookings that are counted as started and were released since.
///
/// # Errors
/// Those of storage.
pub fn released_since(tx: &mut Tx<'_>, limit: usize) -> Result<Vec<Stay>> {
    let sql = format!("select {STAY} {OPEN} and b.released_at is not null limit {limit}");
    Ok(tx.all(&sql, &[], stay)?)
}

/// Counts `started` and `released` if nobody counted since `state`; says whether it did.
///
/// # Errors
/// Those of storage.
pub fn count(tx: &mut Tx<'_>, state: State, started: &[Stay], released: &[Stay]) -> Result<bool> {
    if locked(tx)? != state {
        return Ok(false);
    }
    step(tx, started.last().map_or(state.through, |last| Some(last.id)))?;
    add(tx, started, released)?;
    Ok(true)
}

fn step(tx: &mut Tx<'_>, through: Option<Uuid>) -> Result<()> {
    tx.exec("update tally_state set through = $1, step = step + 1", &[through.into()])?;
    Ok(())
}

/// Counts bookings of the past that are being imported, as far as their time is counted already.
///
/// # Errors
/// Those of storage.
pub fn count_imported(tx: &mut Tx<'_>, imported: &[Stay]) -> Result<()> {
    let through = locked(tx)?.through;
    let counted = imported.iter().filter(|stay| Some(stay.id) <= through).cloned();
    step(tx, through)?;
    add(tx, &counted.collect::<Vec<_>>(), &[])
}

fn add(tx: &mut Tx<'_>, started: &[Stay], released: &[Stay]) -> Result<()> {
    let mut tally = Tally::default();
    for stay in started {
        tally.start(stay);
        tally.release(stay);
    }
    for stay in released {
        tally.release(stay);
        tx.exec("delete from tally_open where booking_id = $1", &[stay.id.into()])?;
    }
    let open = started.iter().filter(|stay| stay.released_at.is_none());
    let open: Vec<Value<'_>> = open.map(|stay| stay.id.into()).collect();
    tx.insert_many("insert into tally_open (booking_id)", 1, &open, "")?;
    write(tx, tally.sheets())
}

/// Adds to what the sheets hold already; only while `tally_state` is locked.
fn write(tx: &mut Tx<'_>, mut sheets: BTreeMap<Stretch, Sheet>) -> Result<()> {
    let counted = "select sheet from tallies \
                   where lot_id = $1 and minutes = $2 and begins_at = $3 and currency = $4";
    let firsts: Vec<_> = sheets.keys().copied().collect();
    let asked = firsts.iter().map(|first| {
        let currency = first.currency.as_str();
        let key = [first.lot.into(), first.minutes.into(), first.begins_at.into(), currency.into()];
        tx.ask(counted, key)
    });
    let asked: Vec<_> = asked.collect::<Result<_, _>>()?;
    for (sheet, asked) in sheets.values_mut().zip(asked) {
        if let Some(counted) = asked.opt(tx, |row| row.get::<Vec<u8>>(0))? {
            *sheet += Sheet::unpack(&counted).ok_or_else(no_sheet)?;
        }
    }
    let packed = sheets.iter().map(|(first, sheet)| (first, sheet.pack()));
    let packed: Vec<_> = packed.collect();
    let mut values: Vec<Value<'_>> = Vec::new();
    for (first, sheet) in &packed {
        values.extend([
            Value::Id(first.lot),
            first.minutes.into(),
            first.begins_at.into(),
            first.currency.as_str().into(),
            sheet.as_slice().into(),
        ]);
    }
    let head = "insert into tallies (lot_id, minutes, begins_at, currency, sheet)";
    let tail =
        " on conflict (lot_id, minutes, begins_at, currency) do update set sheet = excluded.sheet";
    Ok(tx.insert_many(head, 5, &values, tail)?)
}

fn no_sheet() -> crate::db::Error {
    crate::db::Error::Query("a tally is no sheet".into())
}

/// Notes that everything is to be counted anew, once the clock has caught up.
///
/// # Errors
/// Those of storage.
pub fn ask_for_recount(tx: &mut Tx<'_>) -> Result<()> {
    tx.exec("update tally_state set recount = true, step = step + 1", &[])?;
    Ok(())
}

/// Forgets all that is counted.
///
/// # Errors
/// Those of storage.
pub fn forget(tx: &mut Tx<'_>) -> Result<()> {
    for table in ["tallies", "tally_open"] {
        tx.exec(&format!("delete from {table}"), &[])?;
    }
    tx.exec("update tally_state set through = null, recount = false, step = step + 1", &[])?;
    Ok(())
}

/// The columns of a tally `t` that [`tally`] reads before the sheet.
const FIRST: &str = "t.lot_id, t.minutes, t.begins_at, t.currency";

/// A packed sheet, after its first stretch.
fn tally(row: &Row<'_>) -> Result<(Stretch, Vec<u8>), crate::db::Error> {
    let first = Stretch {
        lot: row.get(0)?,
        minutes: row.get(1)?,
        begins_at: row.get(2)?,
        currency: currency(&row.get::<String>(3)?)?,
    };
    Ok((first, row.get(4)?))
}

/// The beginning of the first sheet that may reach beyond an instant, in seconds.
fn reaching(minutes: i64, from: i64) -> i64 {
    from.saturating_sub(sheet_seconds(minutes)).saturating_add(1)
}

/// Shows the quarters of a lot that begin at or after an instant, in seconds.
///
/// # Errors
/// Those of storage.
pub fn quarters_since(
    tx: &mut Tx<'_>,
    lot: Uuid,
    from: i64,
    mut see: impl FnMut(Stretch, Flow),
) -> Result<()> {
    let sql = format!(
        "select {FIRST}, t.sheet from tallies t \
         where t.lot_id = $1 and t.minutes = $2 and t.begins_at >= $3"
    );
    let params = [lot.into(), QUARTER_MINUTES.into(), reaching(QUARTER_MINUTES, from).into()];
    tx.all(&sql, &params, |row| {
        let (first, sheet) = tally(row)?;
        let quarters = each_stretch(&sheet, first, |quarter, flow| {
            if quarter.begins_at >= from {
                see(quarter, flow);
            }
        });
        quarters.ok_or_else(no_sheet)
    })?;
    Ok(())
}

/// The instants between which whole days in UTC can be read instead of quarters: the first is
/// `from` or later, the second `to` or earlier.
fn whole_days(from: i64, to: i64) -> (i64, i64) {
    let first = from.div_euclid(DAY_SECONDS) + i64::from(from.rem_euclid(DAY_SECONDS) > 0);
    let first = first * DAY_SECONDS;
    (first, (to.div_euclid(DAY_SECONDS) * DAY_SECONDS).max(first))
}

/// What each lot had between two instants in seconds, one of them after the other.
///
/// # Errors
/// Those of storage.
pub fn lots_between(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<LotFlows> {
    // Joined, so that each lot is one range of the key. Of a sheet that lies in the span as a whole
    // the sum is enough, which on PostgreSQL spares sending the rest.
    let sql = format!(
        "select {FIRST}, case when t.begins_at >= $1 and t.begins_at <= $2 \
         then substr(t.sheet, 1, {}) else t.sheet end \
         from lots l cross join tallies t where t.lot_id = l.id \
         and t.minutes = $3 and t.begins_at >= $4 and t.begins_at < $5",
        Total::BYTES_MAX
    );
    let (first_day, end_day) = whole_days(from, to);
    let parts = [
        (DAY_MINUTES, first_day, end_day),
        (QUARTER_MINUTES, from, first_day.min(to)),
        (QUARTER_MINUTES, end_day.max(from), to),
    ];
    let mut lots = LotFlows::new();
    for (minutes, from, to) in parts.into_iter().filter(|(_, from, to)| from < to) {
        let last_whole = to.saturating_sub(sheet_seconds(minutes));
        let params = [
            from.into(),
            last_whole.into(),
            minutes.into(),
            reaching(minutes, from).into(),
            to.into(),
        ];
        tx.all(&sql, &params, |row| {
            let (first, sheet) = tally(row)?;
            let of_lot = figures::of_lot(&mut lots, first.lot, first.currency);
            if (from..=last_whole).contains(&first.begins_at) {
                of_lot.add_sheet(&first, &Total::unpack(&sheet).ok_or_else(no_sheet)?);
                return Ok(());
            }
            let stretches = each_stretch(&sheet, first, |stretch, flow| {
                if (from..to).contains(&stretch.begins_at) {
                    of_lot.add(&stretch, &flow);
                }
            });
            stretches.ok_or_else(no_sheet)
        })?;
    }
    Ok(lots)
}

/// How many bookings are counted as open, by lot; a lot without is left out.
///
/// # Errors
/// Those of storage.
pub fn open_by_lot(tx: &mut Tx<'_>) -> Result<HashMap<Uuid, i64>> {
    let sql = format!("select b.lot_id, count(*) {OPEN} group by b.lot_id");
    let open = tx.all(&sql, &[], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(open.into_iter().collect())
}

/// How many spots there are, and how they stand.
#[derive(Debug, Clone, Copy)]
pub struct Spots {
    pub lots: i64,
    pub spots: i64,
    pub free: i64,
    pub out_of_service: i64,
}

/// # Errors
/// Those of storage.
pub fn spots(tx: &mut Tx<'_>) -> Result<Spots> {
    Ok(tx.one(
        "select (select count(*) from lots where deleted_at is null), \
         (select count(*) from spots), (select count(*) from free_spots), \
         (select count(*) from spots where out_of_service)",
        &[],
        |row| {
            Ok(Spots {
                lots: row.get(0)?,
                spots: row.get(1)?,
                free: row.get(2)?,
                out_of_service: row.get(3)?,
            })
        },
    )?)
}

/// Lots that have spots, and none free.
///
/// # Errors
/// Those of storage.
pub fn full_lots(tx: &mut Tx<'_>) -> Result<Vec<BookedLot>> {
    Ok(tx.all(
        "select l.id, l.name from lots l where l.deleted_at is null \
         and exists (select 1 from spots s where s.lot_id = l.id) \
         and not exists (select 1 from free_spots f where f.lot_id = l.id) order by l.name",
        &[],
        |row| Ok(BookedLot { id: row.get(0)?, name: row.get(1)? }),
    )?)
}

/// How many bookings have been open since before an instant, and the first of them.
///
/// # Errors
/// Those of storage.
pub fn open_before(tx: &mut Tx<'_>, before: Timestamp) -> Result<(i64, Option<(Uuid, Timestamp)>)> {
    let sql = format!(
        "select b.id, b.started_at {OPEN} and o.booking_id < $1 and b.released_at is null \
         order by o.booking_id"
    );
    let open =
        tx.all(&sql, &[ids::first_id(before).into()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((i64::try_from(open.len()).unwrap_or(i64::MAX), open.first().copied()))
}

/// # Errors
/// Those of storage.
pub fn failed_tasks(tx: &mut Tx<'_>) -> Result<i64> {
    let sql = "select count(*) from jobs where status = 'failed'";
    Ok(tx.one(sql, &[], |row| row.get(0))?)
}

/// How many people mail does not reach.
///
/// # Errors
/// Those of storage.
pub fn mail_refused(tx: &mut Tx<'_>) -> Result<i64> {
    let sql = "select count(*) from users where mail_refused_at is not null and active";
    Ok(tx.one(sql, &[], |row| row.get(0))?)
}
