use super::*;
use crate::http::paging::Page;
use crate::lots::tariff::{Price, Tariff};
use crate::lots::{Lot, Position};

fn lot(id: u128, name: &str, city: &str, position: Option<(f64, f64)>) -> LotRow {
    let now = "2026-11-22T10:00:00Z".parse().unwrap();
    LotRow {
        id: Uuid::from_u128(id),
        details: LotDetails {
            name: name.into(),
            address: Some("\"free_spots\":1 Street".into()),
            city: Some(city.into()),
            pin_code: Some("411001".into()),
            position: position.map(|(latitude, longitude)| Position { latitude, longitude }),
            time_zone: "Asia/Kolkata".into(),
            currency: "INR".parse().unwrap(),
            price: Price { per_hour_minor: 6000, tariff: Tariff::default() },
        },
        created_at: now,
        updated_at: now,
        number_of_spots: 10,
        free_spots: 10,
    }
}

fn catalogue() -> Catalogue {
    let catalogue = Catalogue::default();
    let rows = [
        lot(1, "Lakeside Mall", "Mumbai", Some((19.12, 72.9))),
        lot(2, "airport", "Mumbai", Some((19.09, 72.86))),
        lot(3, "Tech Park", "Pune", Some((18.56, 73.78))),
        lot(4, "Old Market", "Pune", None),
    ];
    catalogue.replace(&rows, Snapshot::default());
    catalogue
}

fn page(
    catalogue: &Catalogue,
    q: &str,
    near: Option<&str>,
    limit: i64,
    cursor: Option<&str>,
) -> Page<Lot> {
    let question = || Question::new(Some(q), near, Some(limit), cursor);
    let answer = catalogue.list(&format!("{q}{near:?}{limit}{cursor:?}"), question).unwrap();
    serde_json::from_slice(&answer.plain).unwrap()
}

fn names(page: &Page<Lot>) -> Vec<&str> {
    page.items.iter().map(|lot| lot.name.as_str()).collect()
}

#[test]
fn lots_are_listed_by_name_and_found_by_every_word() {
    let catalogue = catalogue();
    let all = page(&catalogue, "", None, 20, None);
    assert_eq!(names(&all), ["airport", "Lakeside Mall", "Old Market", "Tech Park"]);
    assert_eq!(names(&page(&catalogue, "pune 4110", None, 20, None)), ["Old Market", "Tech Park"]);
    assert_eq!(names(&page(&catalogue, "PUNE park", None, 20, None)), ["Tech Park"]);
    assert_eq!(names(&page(&catalogue, "nowhere", None, 20, None)), [""; 0]);
}

#[test]
fn the_nearest_come_first_and_unknown_places_last() {
    let catalogue = catalogue();
    let near = page(&catalogue, "", Some("19.1,72.87"), 20, None);
    assert_eq!(names(&near), ["airport", "Lakeside Mall", "Tech Park", "Old Market"]);
    assert!((1_000..2_000).contains(&near.items[0].distance_m.unwrap()));
    assert_eq!(near.items[3].distance_m, None);
}

#[test]
fn pages_follow_each_other_without_gap_or_repeat() {
    let catalogue = catalogue();
    for near in [None, Some("19.1,72.87")] {
        let all = page(&catalogue, "", near, 20, None);
        let mut walked = Vec::new();
        let mut cursor = None;
        loop {
            let page = page(&catalogue, "", near, 1, cursor.as_deref());
            walked.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let ids = |lots: &[Lot]| lots.iter().map(|lot| lot.id).collect::<Vec<_>>();
        assert_eq!(ids(&walked), ids(&all.items));
    }
}

#[test]
fn a_change_makes_a_new_answer_and_the_same_question_the_same() {
    let catalogue = catalogue();
    let ask = || catalogue.lot(Uuid::from_u128(1)).unwrap();
    let before = ask();
    assert!(Arc::ptr_eq(&before, &ask()));
    catalogue.add_free(Uuid::from_u128(1), -1, None);
    let after = ask();
    assert_ne!(before.etag, after.etag);
    let lot: Lot = serde_json::from_slice(&after.plain).unwrap();
    assert_eq!(lot.free_spots, 9);
    let changed = Count { id: lot.id, free_spots: 9, number_of_spots: 10 };
    assert!(catalogue.take_changes().contains(&changed));
    assert_eq!(catalogue.take_changes(), []);
}

#[test]
fn compression_waits_for_the_second_asking() {
    let catalogue = catalogue();
    let question = || Question::new(None, None, None, None);
    let answer = catalogue.list("", question).unwrap();
    assert!(answer.gzip().is_none());
    let mut text = String::new();
    let gzip = answer.gzip().unwrap();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut text).unwrap();
    assert_eq!(text.as_bytes(), answer.plain);
}

#[test]
fn questions_that_make_no_sense_are_refused() {
    for near in ["", "1", "a,b", "91,0", "0,181", "NaN,0"] {
        assert!(Question::new(None, Some(near), None, None).is_err(), "{near}");
    }
    assert!(Question::new(None, None, Some(0), None).is_err());
    assert!(Question::new(None, None, None, Some("AAAA")).is_err());
}
