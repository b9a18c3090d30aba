//! Lots and their spots.
//!
//! `tariff.rs` prices a stay, `label.rs` names spots, `catalogue.rs` answers the public questions
//! from memory, `store.rs` is SQL and `routes.rs` HTTP.

pub mod catalogue;
pub mod label;
pub mod routes;
pub mod store;
pub mod tariff;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::config;
use crate::error::{Fields, Result};
use crate::http::body::present;
use crate::money::Currency;
use crate::text;
use crate::users::Person;
use tariff::{Price, QuoteLine, Tariff};

const SPOTS_MAX: i64 = 20_000;
const PRICE_MAX_MINOR: i64 = 100_000_000;
const CAP_MAX_MINOR: i64 = 2_400_000_000;

/// What is kept of a lot: everything but its counts.
#[derive(Debug, Clone, PartialEq)]
pub struct LotDetails {
    pub name: String,
    pub address: Option<String>,
    pub city: Option<String>,
    pub pin_code: Option<String>,
    pub position: Option<Position>,
    pub time_zone: String,
    pub currency: Currency,
    pub price: Price,
}

/// Degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
}

impl Position {
    /// # Errors
    /// When it is nowhere on Earth.
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, String> {
        if (-90.0..=90.0).contains(&latitude) && (-180.0..=180.0).contains(&longitude) {
            Ok(Self { latitude, longitude })
        } else {
            Err("must be -90 to 90 and -180 to 180 degrees".into())
        }
    }

    /// Metres on a sphere of Earth's mean radius (the haversine formula): right to half a percent.
    #[must_use]
    pub fn distance_m(&self, other: &Self) -> f64 {
        const EARTH_RADIUS_M: f64 = 6_371_008.8;
        let (lat1, lat2) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = ((lat2 - lat1) / 2.0).sin();
        let half_lon = ((other.longitude - self.longitude).to_radians() / 2.0).sin();
        let a = half_lat * half_lat + lat1.cos() * lat2.cos() * half_lon * half_lon;
        2.0 * EARTH_RADIUS_M * a.sqrt().min(1.0).asin()
    }
}

/// A lot, as everyone may see it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Lot {
    pub id: Uuid,
    #[schema(example = "Central Station")]
    pub name: String,
    #[schema(required)]
    pub address: Option<String>,
    #[schema(required)]
    pub city: Option<String>,
    #[schema(required)]
    pub pin_code: Option<String>,
    #[schema(required)]
    pub latitude: Option<f64>,
    #[schema(required)]
    pub longitude: Option<f64>,
    #[schema(example = "Asia/Kolkata")]
    pub time_zone: String,
    #[schema(example = 6000)]
    pub price_per_hour_minor: i64,
    pub currency: Currency,
    pub tariff: Tariff,
    pub number_of_spots: i64,
    pub free_spots: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// Metres from the place asked for with `near`; `null` when the lot's place is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance_m: Option<i64>,
}

/// A new lot.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLot {
    #[schema(min_length = 1, max_length = 100)]
    pub name: String,
    pub address: Option<String>,
    pub city: Option<String>,
    pub pin_code: Option<String>,
    pub latitude: Option<f64>,
    pub longitude: Option<f64>,
    /// IANA; the installation's when absent.
    pub time_zone: Option<String>,
    #[schema(minimum = 0, maximum = 100_000_000)]
    pub price_per_hour_minor: i64,
    /// The installation's when absent.
    #[schema(value_type = Option<Currency>)]
    pub currency: Option<String>,
    #[schema(minimum = 1, maximum = 20_000)]
    pub number_of_spots: i64,
    pub tariff: Option<NewTariff>,
}

/// A tariff; what is absent has its default.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTariff {
    #[schema(default = 0)]
    pub free_minutes: Option<i64>,
    #[schema(default = 1)]
    pub increment_minutes: Option<i64>,
    pub daily_cap_minor: Option<i64>,
}

/// Changes to a lot: what is absent stays, `null` empties.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LotChange {
    pub name: Option<String>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub address: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub city: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    pub pin_code: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>)]
    pub latitude: Option<Option<f64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>)]
    pub longitude: Option<Option<f64>>,
    pub time_zone: Option<String>,
    pub price_per_hour_minor: Option<i64>,
    #[schema(value_type = Option<Currency>)]
    pub currency: Option<String>,
    pub number_of_spots: Option<i64>,
    pub tariff: Option<NewTariff>,
}

/// What a new lot has where its request is silent.
#[derive(Debug, Clone)]
pub struct Defaults {
    pub time_zone: String,
    pub currency: Currency,
}

impl NewLot {
    /// # Errors
    /// 422 with every field that is wrong.
    pub fn check(&self, defaults: &Defaults) -> Result<(LotDetails, i64)> {
        let change = LotChange {
            name: Some(self.name.clone()),
            address: Some(self.address.clone()),
            city: Some(self.city.clone()),
            pin_code: Some(self.pin_code.clone()),
            latitude: Some(self.latitude),
            longitude: Some(self.longitude),
            time_zone: self.time_zone.clone(),
            price_per_hour_minor: Some(self.price_per_hour_minor),
            currency: self.currency.clone(),
            number_of_spots: Some(self.number_of_spots),
            tariff: self.tariff.clone(),
        };
        let blank = LotDetails {
            name: String::new(),
            address: None,
            city: None,
            pin_code: None,
            position: None,
            time_zone: defaults.time_zone.clone(),
            currency: defaults.currency,
            price: Price { per_hour_minor: 0, tariff: Tariff::default() },
        };
        let details = change.check(&blank)?;
        Ok((details, self.number_of_spots))
    }
}

impl LotChange {
    /// The lot's details after this change.
    ///
    /// # Errors
    /// 422 with every field that is wrong.
    pub fn check(&self, before: &LotDetails) -> Result<LotDetails> {
        let mut fields = Fields::new();
        let mut after = before.clone();
        if let Some(name) = &self.name {
            after.name = fields.check("name", text::line(name, 1..=100)).unwrap_or_default();
        }
        let texts = [
            ("address", &self.address, 200, &mut after.address),
            ("city", &self.city, 100, &mut after.city),
            ("pin_code", &self.pin_code, 12, &mut after.pin_code),
        ];
        for (field, change, characters_max, text) in texts {
            if let Some(change) = change {
                let checked = text::optional_line(change.as_deref(), characters_max);
                *text = fields.check(field, checked).flatten();
            }
        }
        let latitude = self.latitude.unwrap_or(before.position.map(|p| p.latitude));
        let longitude = self.longitude.unwrap_or(before.position.map(|p| p.longitude));
        let position = match (latitude, longitude) {
            (None, None) => Ok(None),
            (Some(latitude), Some(longitude)) => Position::new(latitude, longitude).map(Some),
            _ => Err("must be given together with longitude, or both left out".into()),
        };
        after.position = fields.check("latitude", position).flatten();
        if let Some(name) = &self.time_zone {
            let zone = config::time_zone(name).map(|(name, _)| name);
            after.time_zone = fields.check("time_zone", zone).unwrap_or_default();
        }
        if let Some(currency) = &self.currency {
            after.currency = fields.check("currency", currency.parse()).unwrap_or(before.currency);
        }
        if let Some(price) = self.price_per_hour_minor {
            let price = in_range(price, 0..=PRICE_MAX_MINOR);
            after.price.per_hour_minor =
                fields.check("price_per_hour_minor", price).unwrap_or_default();
        }
        if let Some(number) = self.number_of_spots {
            fields.check("number_of_spots", in_range(number, 1..=SPOTS_MAX));
        }
        if let Some(tariff) = &self.tariff {
            after.price.tariff = check_tariff(tariff, &mut fields);
        }
        fields.done()?;
        Ok(after)
    }
}

fn check_tariff(tariff: &NewTariff, fields: &mut Fields) -> Tariff {
    let default = Tariff::default();
    let free = in_range(tariff.free_minutes.unwrap_or(default.free_minutes), 0..=1440);
    let increment =
        in_range(tariff.increment_minutes.unwrap_or(default.increment_minutes), 1..=1440);
    let cap = tariff.daily_cap_minor.map(|cap| in_range(cap, 0..=CAP_MAX_MINOR)).transpose();
    Tariff {
        free_minutes: fields.check("tariff.free_minutes", free).unwrap_or_default(),
        increment_minutes: fields.check("tariff.increment_minutes", increment).unwrap_or(1),
        daily_cap_minor: fields.check("tariff.daily_cap_minor", cap).flatten(),
    }
}

fn in_range(number: i64, range: std::ops::RangeInclusive<i64>) -> Result<i64, String> {
    if range.contains(&number) {
        Ok(number)
    } else {
        Err(format!("must be {} to {}", range.start(), range.end()))
    }
}

/// Whether a spot can be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpotStatus {
    Free,
    Occupied,
    OutOfService,
}

impl SpotStatus {
    #[must_use]
    pub fn of(occupied: bool, out_of_service: bool) -> Self {
        match (occupied, out_of_service) {
            (true, _) => Self::Occupied,
            (false, true) => Self::OutOfService,
            (false, false) => Self::Free,
        }
    }
}

/// A place for one vehicle.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Spot {
    pub id: Uuid,
    #[schema(example = "A12")]
    pub label: String,
    pub status: SpotStatus,
}

/// A spot with what the admin may know of it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AdminSpot {
    pub id: Uuid,
    #[schema(example = "A12")]
    pub label: String,
    pub status: SpotStatus,
    #[schema(required)]
    pub booking: Option<AdminSpotBooking>,
}

/// The open booking of a spot.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AdminSpotBooking {
    pub id: Uuid,
    pub reference: String,
    /// `null`: a walk-in.
    #[schema(required)]
    pub user: Option<Person>,
    #[schema(required)]
    pub vehicle_plate: Option<String>,
    pub started_at: Timestamp,
    /// The cost so far.
    pub cost_minor: i64,
    pub currency: Currency,
}

/// Changes to a spot.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SpotChange {
    #[schema(min_length = 1, max_length = 20)]
    pub label: Option<String>,
    pub out_of_service: Option<bool>,
}

/// What a stay would cost: exactly what its release would charge.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Quote {
    pub cost_minor: i64,
    pub currency: Currency,
    /// They add up to the cost.
    pub lines: Vec<QuoteLine>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn defaults() -> Defaults {
        Defaults { time_zone: "Asia/Kolkata".into(), currency: "INR".parse().unwrap() }
    }

    fn new_lot(json: &str) -> Result<(LotDetails, i64)> {
        serde_json::from_str::<NewLot>(json).unwrap().check(&defaults())
    }

    #[test]
    fn a_lot_needs_only_name_price_and_number() {
        let json = r#"{"name":" Central ","price_per_hour_minor":6000,"number_of_spots":20}"#;
        let (details, number) = new_lot(json).unwrap();
        assert_eq!((details.name.as_str(), number), ("Central", 20));
        assert_eq!(details.price.tariff, Tariff::default());
        assert_eq!(details.time_zone, "Asia/Kolkata");
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let refusal = new_lot(
            r#"{"name":" ","price_per_hour_minor":-1,"number_of_spots":20001,"latitude":91,
                "longitude":0,"time_zone":"Mars/Base","currency":"inr","pin_code":"1234567890123",
                "tariff":{"free_minutes":-1,"increment_minutes":0,"daily_cap_minor":-5}}"#,
        );
        let Err(Error::Invalid(errors)) = refusal else { panic!("{refusal:?}") };
        let named: Vec<_> = errors.iter().map(|error| error.field.as_str()).collect();
        let expected = [
            "name",
            "pin_code",
            "latitude",
            "time_zone",
            "currency",
            "price_per_hour_minor",
            "number_of_spots",
            "tariff.free_minutes",
            "tariff.increment_minutes",
            "tariff.daily_cap_minor",
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn a_place_has_both_coordinates_or_none() {
        let json = r#"{"name":"A","price_per_hour_minor":0,"number_of_spots":1,"latitude":1.0}"#;
        assert!(new_lot(json).is_err());
    }

    #[test]
    fn in_a_change_null_empties_and_absence_keeps() {
        let json = r#"{"name":"A","city":"Pune","address":"Road 1","price_per_hour_minor":0,"number_of_spots":1}"#;
        let (before, _) = new_lot(json).unwrap();
        let change: LotChange = serde_json::from_str(r#"{"address":null}"#).unwrap();
        let after = change.check(&before).unwrap();
        assert_eq!((after.city.as_deref(), after.address), (Some("Pune"), None));
    }

    #[test]
    fn distances_are_those_on_the_globe() {
        let mumbai = Position::new(18.94, 72.835).unwrap();
        let pune = Position::new(18.528, 73.874).unwrap();
        let distance = mumbai.distance_m(&pune);
        assert!((117_000.0..121_000.0).contains(&distance), "{distance}");
        assert!(mumbai.distance_m(&mumbai) < 1e-6);
    }
}
