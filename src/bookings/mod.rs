//! Bookings: a vehicle on a spot from its start to its release.
//!
//! The rules are pure and here; `store.rs` does what they decide.

pub mod plate;
pub mod routes;
pub mod store;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::auth::CurrentUser;
use crate::lots::tariff::{Price, Tariff};
use crate::money::Currency;
use crate::users::Person;

/// Whether the vehicle is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookingStatus {
    Open,
    Closed,
}

/// A booking as it is kept.
#[derive(Debug, Clone)]
pub struct Record {
    pub id: Uuid,
    pub reference: String,
    pub lot_id: Uuid,
    pub lot_name: String,
    pub spot_id: Uuid,
    pub spot_label: String,
    /// `None`: a walk-in.
    pub user_id: Option<Uuid>,
    pub vehicle_plate: Option<String>,
    pub started_at: Timestamp,
    /// When it ended, and what it cost in minor units.
    pub released: Option<(Timestamp, i64)>,
    pub price: Price,
    pub currency: Currency,
}

impl Record {
    /// What releasing it now comes to: the instant and the cost in minor units. A clock that went
    /// back makes no stay shorter than nothing.
    #[must_use]
    pub fn release(&self, now: Timestamp) -> (Timestamp, i64) {
        let released_at = now.max(self.started_at);
        (released_at, self.price.cost_minor(released_at.duration_since(self.started_at)))
    }

    /// The instant of a release that was asked for on a device without a network, at most
    /// `earliest` ago. A clock a little ahead of ours asks for now.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn asked_at(
        &self,
        at: Timestamp,
        now: Timestamp,
        earliest: SignedDuration,
    ) -> Result<Timestamp, String> {
        const AHEAD_MAX: SignedDuration = SignedDuration::from_mins(2);
        if at > now + AHEAD_MAX {
            return Err("must not be in the future".into());
        }
        if at < self.started_at {
            return Err("must not be before the booking started".into());
        }
        if at < now - earliest {
            return Err(format!("must be at most {} minutes ago", earliest.as_mins()));
        }
        Ok(at.min(now))
    }

    /// Whether `user` may see and release it.
    #[must_use]
    pub fn is_open_to(&self, user: &CurrentUser) -> bool {
        user.is_admin() || self.user_id == Some(user.id)
    }

    /// As its owner sees it at `now`.
    #[must_use]
    pub fn to_booking(&self, now: Timestamp) -> Booking {
        let (status, released_at, cost_minor) = match self.released {
            Some((at, cost_minor)) => (BookingStatus::Closed, Some(at), cost_minor),
            None => (BookingStatus::Open, None, self.release(now).1),
        };
        Booking {
            id: self.id,
            reference: self.reference.clone(),
            lot: BookedLot { id: self.lot_id, name: self.lot_name.clone() },
            spot: BookedSpot { id: self.spot_id, label: self.spot_label.clone() },
            user_id: self.user_id,
            vehicle_plate: self.vehicle_plate.clone(),
            status,
            started_at: self.started_at,
            released_at,
            price_per_hour_minor: self.price.per_hour_minor,
            currency: self.currency,
            tariff: self.price.tariff,
            cost_minor,
        }
    }
}

/// A stay on a spot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Booking {
    pub id: Uuid,
    /// Short and speakable: no 0, O, 1 or I.
    #[schema(example = "7KQ2M4XB")]
    pub reference: String,
    pub lot: BookedLot,
    pub spot: BookedSpot,
    /// `null`: a walk-in.
    #[schema(required)]
    pub user_id: Option<Uuid>,
    #[schema(required, example = "MH12AB1234")]
    pub vehicle_plate: Option<String>,
    pub status: BookingStatus,
    pub started_at: Timestamp,
    #[schema(required)]
    pub released_at: Option<Timestamp>,
    pub price_per_hour_minor: i64,
    pub currency: Currency,
    /// The tariff it started with.
    pub tariff: Tariff,
    /// What it cost; of an open booking, the cost so far.
    pub cost_minor: i64,
}

/// The lot of a booking, as it is called now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BookedLot {
    pub id: Uuid,
    pub name: String,
}

/// The spot of a booking, as it was called then.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BookedSpot {
    pub id: Uuid,
    pub label: String,
}

/// A booking with its user.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AdminBooking {
    #[serde(flatten)]
    pub booking: Booking,
    /// `null`: a walk-in.
    #[schema(required)]
    pub user: Option<Person>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Role;

    fn booking() -> Record {
        Record {
            id: Uuid::from_u128(1),
            reference: "7KQ2M4XB".into(),
            lot_id: Uuid::from_u128(2),
            lot_name: "Central".into(),
            spot_id: Uuid::from_u128(3),
            spot_label: "A01".into(),
            user_id: Some(Uuid::from_u128(4)),
            vehicle_plate: None,
            started_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            released: None,
            price: Price { per_hour_minor: 6000, tariff: Tariff::default() },
            currency: "INR".parse().unwrap(),
        }
    }

    #[test]
    fn an_open_booking_costs_what_its_release_would() {
        let booking = booking();
        let now = booking.started_at + SignedDuration::from_mins(90);
        assert_eq!(booking.to_booking(now).cost_minor, 9000);
        assert_eq!(booking.release(now), (now, 9000));
    }

    #[test]
    fn a_closed_booking_keeps_its_cost() {
        let mut booking = booking();
        let released_at = booking.started_at + SignedDuration::from_mins(60);
        booking.released = Some((released_at, 6000));
        let later = booking.to_booking(released_at + SignedDuration::from_hours(5));
        assert_eq!((later.cost_minor, later.status), (6000, BookingStatus::Closed));
    }

    #[test]
    fn a_release_before_the_start_costs_nothing() {
        let booking = booking();
        let before = booking.started_at - SignedDuration::from_hours(2);
        assert_eq!(booking.release(before), (booking.started_at, 0));
    }

    #[test]
    fn a_release_asked_for_earlier_counts_from_then_within_limits() {
        let (booking, hour) = (booking(), SignedDuration::from_hours(1));
        let now = booking.started_at + hour * 3;
        let asked = |at| booking.asked_at(at, now, hour * 2);
        assert_eq!(asked(now - hour), Ok(now - hour));
        assert_eq!(asked(now + SignedDuration::from_mins(1)), Ok(now));
        assert_eq!(asked(now + hour), Err("must not be in the future".into()));
        assert_eq!(asked(now - hour * 2), Ok(now - hour * 2));
        let too_long_ago = now - hour * 2 - SignedDuration::from_secs(1);
        assert_eq!(asked(too_long_ago), Err("must be at most 120 minutes ago".into()));
        let before = booking.started_at - SignedDuration::from_secs(1);
        assert_eq!(asked(before), Err("must not be before the booking started".into()));
    }

    #[test]
    fn only_its_owner_and_the_admin_may_see_it() {
        let user = |id, role| CurrentUser { id: Uuid::from_u128(id), role, session: Uuid::nil() };
        assert!(booking().is_open_to(&user(4, Role::User)));
        assert!(!booking().is_open_to(&user(5, Role::User)));
        assert!(booking().is_open_to(&user(5, Role::Admin)));
        let walk_in = Record { user_id: None, ..booking() };
        assert!(!walk_in.is_open_to(&user(4, Role::User)));
    }
}
