//! A person's own figures, from their bookings: pure.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::bookings::BookedLot;
use crate::reports::figures::{Names, Stay, Sum};
use crate::reports::{Month, Totals};

/// How far back they go.
pub const MONTHS: usize = 24;
const LOTS_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OwnMonth {
    #[schema(example = "2026-10")]
    pub month: String,
    #[serde(flatten)]
    pub totals: Totals,
}

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnLot {
    pub lot: BookedLot,
    #[serde(flatten)]
    pub totals: Totals,
    pub last_started_at: Timestamp,
}

/// One's own parking of the last 24 months.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct OwnStats {
    /// Whose months they are.
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: String,
    pub totals: Totals,
    /// Those in which they parked, the earliest first.
    pub months: Vec<OwnMonth>,
    /// The most used first, 20 at most.
    pub lots: Vec<OwnLot>,
}

/// When the months that count begin.
#[must_use]
pub fn since(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let month = (1..MONTHS).fold(Month::of(now, zone), |month, _| month.before());
    month.begin(zone)
}

/// From all stays since then, the earliest first.
#[must_use]
pub fn own_stats(
    stays: &[Stay],
    names: &Names,
    (zone_name, zone): (&str, &TimeZone),
    now: Timestamp,
) -> OwnStats {
    let mut all = Sum::default();
    let mut months: BTreeMap<Month, Sum> = BTreeMap::new();
    let mut lots: HashMap<Uuid, (Sum, Timestamp)> = HashMap::new();
    for stay in stays {
        all.add(stay, now);
        months.entry(Month::of(stay.started_at, zone)).or_default().add(stay, now);
        let (lot, last) = lots.entry(stay.lot).or_default();
        lot.add(stay, now);
        *last = stay.started_at;
    }
    let month =
        |(month, sum): (Month, Sum)| OwnMonth { month: month.to_string(), totals: sum.totals() };
    let mut lots: Vec<_> = lots
        .into_iter()
        .map(|(id, (sum, last_started_at))| {
            let name = names.get(&id).cloned().unwrap_or_default();
            OwnLot { lot: BookedLot { id, name }, totals: sum.totals(), last_started_at }
        })
        .collect();
    lots.sort_by_key(|lot| std::cmp::Reverse((lot.totals.bookings, lot.last_started_at)));
    lots.truncate(LOTS_MAX);
    OwnStats {
        time_zone: zone_name.to_owned(),
        totals: all.totals(),
        months: months.into_iter().map(month).collect(),
        lots,
    }
}
