//! Tallies in SQL.

use std::collections::HashMap;

use jiff::Timestamp;
use uuid::Uuid;

use super::figures::LotFlow;
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
    let mut values = Vec::new();
    for (stretch, flow) in tally.iter() {
        values.extend([
            Value::Id(stretch.lot),
            stretch.minutes.into(),
            stretch.begins_at.into(),
            stretch.currency.as_str().into(),
            flow.started.into(),
            flow.released.into(),
            flow.started_seconds.into(),
            flow.released_seconds.into(),
            flow.stay_seconds.into(),
            flow.revenue_minor.into(),
        ]);
    }
    let head = "insert into tallies (lot_id, minutes, begins_at, currency, started, released, \
                started_seconds, released_seconds, stay_seconds, revenue_minor)";
    let tail = " on conflict (lot_id, minutes, begins_at, currency) do update set \
                started = tallies.started + excluded.started, \
                released = tallies.released + excluded.released, \
                started_seconds = tallies.started_seconds + excluded.started_seconds, \
                released_seconds = tallies.released_seconds + excluded.released_seconds, \
                stay_seconds = tallies.stay_seconds + excluded.stay_seconds, \
                revenue_minor = tallies.revenue_minor + excluded.revenue_minor";
    Ok(tx.insert_many(head, 10, &values, tail)?)
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

/// The quarters of a lot that begin at or after an instant, in seconds.
///
/// # Errors
/// Those of storage.
pub fn quarters_since(tx: &mut Tx<'_>, lot: Uuid, from: i64) -> Result<Vec<(Stretch, Flow)>> {
    Ok(tx.all(
        "select begins_at, currency, started, released, started_seconds, released_seconds, \
         stay_seconds, revenue_minor from tallies \
         where lot_id = $1 and minutes = $2 and begins_at >= $3 order by begins_at",
        &[lot.into(), QUARTER_MINUTES.into(), from.into()],
        |row| {
            let currency = currency(&row.get::<String>(1)?)?;
            let stretch =
                Stretch { lot, minutes: QUARTER_MINUTES, begins_at: row.get(0)?, currency };
            Ok((stretch, flow_at(row, 2)?))
        },
    )?)
}

fn flow_at(row: &Row<'_>, index: usize) -> Result<Flow, crate::db::Error> {
    Ok(Flow {
        started: row.get(index)?,
        released: row.get(index + 1)?,
        started_seconds: row.get(index + 2)?,
        released_seconds: row.get(index + 3)?,
        stay_seconds: row.get(index + 4)?,
        revenue_minor: row.get(index + 5)?,
    })
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
pub fn lots_between(tx: &mut Tx<'_>, from: i64, to: i64) -> Result<Vec<LotFlow>> {
    let (first_day, end_day) = whole_days(from, to);
    // Joined, so that each lot is one range of the key.
    let part = |minutes: usize, from: usize, to: usize| {
        format!(
            "select t.* from lots l cross join tallies t where t.lot_id = l.id \
             and t.minutes = ${minutes} and t.begins_at >= ${from} and t.begins_at < ${to}"
        )
    };
    let sql = format!(
        "select lot_id, currency, cast(sum(started) as bigint), cast(sum(released) as bigint), \
         cast(sum(started_seconds) as bigint), cast(sum(released_seconds) as bigint), \
         cast(sum(stay_seconds) as bigint), cast(sum(revenue_minor) as bigint), \
         cast(sum((started - released) * begins_at) as bigint) \
         from ({} union all {} union all {}) as parts group by lot_id, currency order by lot_id, currency",
        part(1, 2, 3),
        part(4, 5, 6),
        part(4, 7, 8),
    );
    let params = [
        DAY_MINUTES.into(),
        first_day.into(),
        end_day.into(),
        QUARTER_MINUTES.into(),
        from.into(),
        first_day.min(to).into(),
        end_day.max(from).into(),
        to.into(),
    ];
    Ok(tx.all(&sql, &params, |row| {
        Ok(LotFlow {
            lot: row.get(0)?,
            currency: currency(&row.get::<String>(1)?)?,
            flow: flow_at(row, 2)?,
            moment: row.get(8)?,
        })
    })?)
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
