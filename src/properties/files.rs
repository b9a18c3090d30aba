//! Files that come in and go out.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::{defaults, now, price, rupees, text};
use crate::bookings::Record;
use crate::exports::csv::Rows;
use crate::imports::sessions::KnownLot;
use crate::imports::{Table, lots, sessions};
use crate::lots::tariff::Tariff;
use crate::lots::{LotDetails, Position};
use crate::users::Person;

/// Each line is a lot or a problem, and a file that is written of the lots holds the same.
pub(super) fn lots_file(data: &[u8]) {
    let read = |data: &[u8]| {
        let table = Table::parse(data, lots::REQUIRED).ok()?;
        let (read, problems) = lots::check(&table, &defaults(), Some(6000));
        assert_eq!(read.len() + problems.len(), table.len());
        Some((read, problems))
    };
    let Some((read_once, _)) = read(data) else { return };
    let (again, problems) = read(&written(&read_once)).unwrap();
    assert!(problems.is_empty(), "{problems:?}");
    for (lot, again) in read_once.iter().zip(&again) {
        assert_eq!((&lot.key, &lot.details), (&again.key, &again.details));
        assert_eq!(lot.number_of_spots, again.number_of_spots);
    }
}

fn written(lots: &[lots::ImportedLot]) -> Vec<u8> {
    let mut file = csv::Writer::from_writer(Vec::new());
    let columns = [
        "lot",
        "name",
        "address",
        "city",
        "pin_code",
        "latitude",
        "longitude",
        "time_zone",
        "currency",
        "price_per_hour_minor",
        "free_minutes",
        "increment_minutes",
        "daily_cap_minor",
        "number_of_spots",
    ];
    file.write_record(columns).unwrap();
    for lots::ImportedLot { key, details, number_of_spots, .. } in lots {
        let LotDetails { name, address, city, pin_code, position, time_zone, currency, price } =
            details;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let degrees = |of: fn(&Position) -> f64| {
            position.as_ref().map_or_else(String::new, |position| of(position).to_string())
        };
        let Tariff { free_minutes, increment_minutes, daily_cap_minor } = price.tariff;
        let row = [
            key.clone(),
            name.clone(),
            text(address),
            text(city),
            text(pin_code),
            degrees(|position| position.latitude),
            degrees(|position| position.longitude),
            time_zone.clone(),
            currency.to_string(),
            price.per_hour_minor.to_string(),
            free_minutes.to_string(),
            increment_minutes.to_string(),
            daily_cap_minor.map_or_else(String::new, |cap| cap.to_string()),
            number_of_spots.to_string(),
        ];
        file.write_record(row).unwrap();
    }
    file.into_inner().unwrap()
}

/// No spot has two stays at a time, and each stay has a spot.
pub(super) fn sessions_file(data: &[u8]) {
    let Ok(table) = Table::parse(data, sessions::REQUIRED) else { return };
    let Ok(stays) = sessions::check(&table) else { return };
    let lots = table.rows().zip(0_u128..).filter_map(|(row, number)| {
        let spots = (0..2).map(|spot| (Uuid::from_u128(2 * number + spot), format!("A{spot}")));
        let (id, spots) = (Uuid::from_u128(number), spots.collect());
        let lot = KnownLot { id, price: price(), currency: rupees(), spots };
        Some((row.get("lot")?.to_owned(), lot))
    });
    let lots: HashMap<_, _> = lots.collect();
    let placed = match sessions::place(&stays, &lots) {
        Ok(placed) => placed,
        Err(refusal) => {
            assert!(refusal.starts_with("line "), "{refusal}");
            return;
        }
    };
    assert_eq!(placed.len(), stays.len());
    let mut taken: BTreeMap<Uuid, Timestamp> = BTreeMap::new();
    for stay in placed {
        let until = stay.ended_at.unwrap_or(Timestamp::MAX);
        assert!(stay.cost_minor().unwrap_or_default() >= 0 && stay.started_at <= until);
        let before = taken.insert(stay.spot, until);
        assert!(before.is_none_or(|before| before <= stay.started_at), "two on a spot");
    }
}

/// A spreadsheet finds no formula in what people typed, and otherwise what they typed.
pub(super) fn export(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let mut texts = text.split('\0').map(ToOwned::to_owned);
    let mut next = || texts.next().unwrap_or_default();
    let booking = Record {
        id: Uuid::nil(),
        reference: "7KQ2M4XB".into(),
        lot_id: Uuid::nil(),
        lot_name: next(),
        spot_id: Uuid::nil(),
        spot_label: next(),
        user_id: None,
        vehicle_plate: Some(next()),
        started_at: now(),
        released: None,
        price: price(),
        currency: rupees(),
    };
    let person = Person { id: Uuid::nil(), name: next(), email: next() };
    let zone = TimeZone::UTC;
    let mut rows = Rows::new(true, now(), &zone);
    rows.add(&booking, Some(&person)).unwrap();
    let file = rows.into_text();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&file[..]);
    let row = reader.records().next().unwrap().unwrap();
    let plate = booking.vehicle_plate.unwrap();
    let typed = [&booking.lot_name, &booking.spot_label, &plate, &person.name, &person.email];
    for (cell, typed) in row.iter().skip(1).zip(typed.map(String::as_str)) {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']), "{cell:?}");
        assert!(cell == typed || cell.strip_prefix('\'') == Some(typed), "{cell:?} {typed:?}");
    }
}
