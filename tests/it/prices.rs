//! What stays cost, beside `scripts/price-oracle`: the same contract in another language.

use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};

use jiff::{SignedDuration, Timestamp};
use parking::bookings::Record;
use parking::demo::rhythm::Random;
use parking::lots::tariff::{MINUTES_MAX, Price, QuoteLine, Tariff};
use serde::Serialize;
use uuid::Uuid;

use crate::torture;

const SEED: u64 = 20_261_122;
const DAY_MINUTES: i64 = 24 * 60;
/// With two decimals, with none and with three.
const CURRENCIES: [&str; 9] = ["INR", "EUR", "USD", "JPY", "KRW", "XOF", "KWD", "BHD", "TND"];

/// A line for the oracle, under the API's names.
#[derive(Serialize)]
struct Stay {
    started_at: Timestamp,
    released_at: Timestamp,
    price_per_hour_minor: i64,
    currency: String,
    tariff: Tariff,
    cost_minor: i64,
    cost: String,
    quote: Quote,
}

#[derive(Serialize)]
struct Quote {
    minutes: i64,
    cost_minor: i64,
    lines: Vec<QuoteLine>,
}

/// One of `edges`, or anything from `low` to `high`.
fn number(random: &mut Random, edges: &[i64], low: i64, high: i64) -> i64 {
    if random.below(2) == 0 { random.of(edges) } else { between(random, low, high) }
}

fn between(random: &mut Random, low: i64, high: i64) -> i64 {
    low + i64::try_from(random.below(usize::try_from(high - low + 1).unwrap())).unwrap()
}

/// A tariff as the admin may make it, its limits among them. Prices around 30 and 60 make halves and
/// whole minor units of a minute; caps are around what a day costs without one.
fn price(random: &mut Random) -> Price {
    let magnitude = random.of(&[100, 10_000, 100_000_000]);
    let edges = [0, 1, 29, 30, 31, 59, 60, 61, 90, 6000, 100_000_000];
    let per_hour_minor = number(random, &edges, 0, magnitude);
    let free_minutes = number(random, &[0, 0, 1, 15, 1439, 1440], 0, 1440);
    let increment_minutes = number(random, &[1, 1, 7, 15, 30, 60, 1439, 1440], 1, 1440);
    let day = per_hour_minor * 24;
    let edges = [0, 1, day / 2, (day - 1).max(0), day, day + 1, 2_400_000_000];
    let cap = number(random, &edges, 0, day.max(1));
    let daily_cap_minor = (random.below(3) > 0).then_some(cap);
    let tariff = Tariff { free_minutes, increment_minutes, daily_cap_minor };
    Price { per_hour_minor, tariff }
}

/// A stay that ends on one of the tariff's edges or close to it, or anywhere; some are of years, some
/// of more than are priced, and some end before they began.
fn length(random: &mut Random, tariff: &Tariff) -> SignedDuration {
    let increments = between(random, 0, 100) * tariff.increment_minutes;
    let days = number(random, &[1, 2, 30, 365], 0, 40) * DAY_MINUTES;
    let years = between(random, 0, 100) * 365 * DAY_MINUTES;
    let edges = [
        0,
        tariff.free_minutes,
        increments,
        days,
        days + increments,
        days + tariff.free_minutes,
        years + increments,
        MINUTES_MAX,
        2 * MINUTES_MAX,
    ];
    let beside = [-60_000_000, -1_000_000, -1, 0, 0, 1, 1_000_000, 60_000_000];
    let edge = SignedDuration::from_mins(random.of(&edges));
    match random.below(4) {
        0 => SignedDuration::from_secs(between(random, 0, 12 * 3600)),
        1 => edge + SignedDuration::from_micros(between(random, 0, 60_000_000)),
        _ => edge + SignedDuration::from_micros(random.of(&beside)),
    }
}

/// A booking from its start to its release, as a release prices it.
fn stay(random: &mut Random, booking: &mut Record) -> Stay {
    booking.price = price(random);
    booking.currency = random.of(&CURRENCIES).parse().unwrap();
    booking.started_at = parking::clock::from_micros(between(random, 0, 4_000_000_000_000_000));
    let length = length(random, &booking.price.tariff);
    let (released_at, cost_minor) = booking.release(booking.started_at + length);
    let minutes = length.as_mins().clamp(0, MINUTES_MAX);
    Stay {
        started_at: booking.started_at,
        released_at,
        price_per_hour_minor: booking.price.per_hour_minor,
        currency: booking.currency.to_string(),
        tariff: booking.price.tariff,
        cost_minor,
        cost: booking.currency.decimal(cost_minor),
        quote: Quote {
            minutes,
            cost_minor: booking.price.cost_minor(SignedDuration::from_mins(minutes)),
            lines: booking.price.lines(minutes),
        },
    }
}

fn booking() -> Record {
    Record {
        id: Uuid::nil(),
        reference: String::new(),
        lot_id: Uuid::nil(),
        lot_name: String::new(),
        spot_id: Uuid::nil(),
        spot_label: String::new(),
        user_id: None,
        vehicle_plate: None,
        started_at: Timestamp::UNIX_EPOCH,
        released: None,
        price: Price { per_hour_minor: 0, tariff: Tariff::default() },
        currency: "INR".parse().unwrap(),
    }
}

#[test]
fn stays_cost_what_the_contract_says_in_another_language_too() {
    let stays = torture::scale(50_000, 1_000_000);
    let mut oracle = Command::new("scripts/price-oracle")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufWriter::new(oracle.stdin.take().unwrap());
    let (mut random, mut booking) = (Random::new(SEED), booking());
    for _ in 0..stays {
        serde_json::to_writer(&mut lines, &stay(&mut random, &mut booking)).unwrap();
        lines.write_all(b"\n").unwrap();
    }
    drop(lines);
    let said = oracle.wait_with_output().unwrap();
    let compared = String::from_utf8(said.stdout).unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert_eq!(compared, format!("compared {stays} stays\n"));
    torture::seen(&format!("{stays} stays, all the same"));
}
