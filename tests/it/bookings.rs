//! Bookings: parking, releasing, history, doing it once.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{TestApp, items, text};

on_both! {
    async fn a_booking_takes_the_first_free_spot(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        let asha = app.driver("asha").await;
        let booking = asha.park_plate(&lot, "mh-12 ab 1234").await.expect(201);
        assert_eq!((text(&booking["spot"], "label"), text(&booking, "status")), ("A01", "open"));
        assert_eq!(text(&booking, "vehicle_plate"), "MH12AB1234");
        assert_eq!(text(&booking["lot"], "name"), "Central");
        assert_eq!(text(&booking, "user_id"), asha.id);
        assert_eq!(booking["started_at"], "2026-11-22T10:00:00Z");
        assert_eq!((&booking["released_at"], &booking["cost_minor"]), (&json!(null), &json!(0)));
        assert_eq!(app.nobody().free_spots(&lot).await, 2);
        let second = asha.park(&lot).await.expect(201);
        assert_eq!((text(&second["spot"], "label"), &second["vehicle_plate"]), ("A02", &json!(null)));
    }

    async fn the_spot_that_was_left_is_the_first_again(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        let first = admin.walk_in(&lot, "A1").await.expect(201);
        admin.walk_in(&lot, "A2").await.expect(201);
        admin.release(&first).await.expect(200);
        assert_eq!(admin.walk_in(&lot, "A3").await.expect(201)["spot"]["label"], "A01");
        assert_eq!(admin.walk_in(&lot, "A4").await.expect(201)["spot"]["label"], "A03");
    }

    async fn a_full_lot_answers_409(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        admin.walk_in(&lot, "A1").await.expect(201);
        app.driver("asha").await.park(&lot).await.refused(409, "lot_full");
        assert_eq!(admin.free_spots(&lot).await, 0);
    }

    async fn a_release_stops_the_clock_and_says_the_cost(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        let asha = app.driver("asha").await;
        let booking = asha.park(&lot).await.expect(201);
        app.wait_minutes(90);
        let seen = asha.get(&format!("/api/bookings/{}", text(&booking, "id"))).await.expect(200);
        assert_eq!((text(&seen, "status"), seen["cost_minor"].as_i64()), ("open", Some(9000)));
        let released = asha.release(&booking).await.expect(200);
        assert_eq!((text(&released, "status"), released["cost_minor"].as_i64()), ("closed", Some(9000)));
        assert_eq!(released["released_at"], "2026-11-22T11:30:00Z");
        assert_eq!(admin.free_spots(&lot).await, 1);
        app.wait_minutes(60);
        assert_eq!(asha.release(&booking).await.expect(200), released);
        assert_eq!(admin.free_spots(&lot).await, 1);
    }

    async fn a_release_tapped_without_a_network_counts_from_the_tap(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 2).await;
        let booking = asha.park(&lot).await.expect(201);
        app.wait_minutes(60);
        let tapped = app.now();
        app.wait_minutes(90);
        let path = format!("/api/bookings/{}/release", text(&booking, "id"));
        let released = async |at: String| asha.post(&path, json!({ "released_at": at })).await;
        released("2026-11-22T09:59:59Z".into()).await.invalid(&["released_at"]);
        released("2026-11-22T13:00:00Z".into()).await.invalid(&["released_at"]);
        asha.post(&path, json!({ "at": tapped.to_string() })).await.invalid(&["at"]);
        assert_eq!(asha.get(&format!("/api/bookings/{}", text(&booking, "id"))).await.expect(200)["status"], "open");
        let done = released(tapped.to_string()).await.expect(200);
        assert_eq!((&done["cost_minor"], text(&done, "released_at")), (&json!(6000), "2026-11-22T11:00:00Z"));
        assert_eq!(released("2026-11-22T11:30:00Z".into()).await.expect(200), done);
        assert_eq!(admin.audit_actions().await[0], "booking.released_offline");

        let long = asha.park(&lot).await.expect(201);
        app.wait_minutes(300);
        let path = format!("/api/bookings/{}/release", text(&long, "id"));
        let problem = asha.post(&path, json!({ "released_at": long["started_at"] })).await;
        problem.invalid(&["released_at"]);
        assert!(problem.json()["errors"][0]["message"].as_str().unwrap().contains("120 minutes"));
        asha.post(&path, json!({})).await.expect(200);
    }

    async fn a_booking_keeps_the_price_it_started_with(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        let booking = admin.walk_in(&lot, "A1").await.expect(201);
        let dearer = json!({ "price_per_hour_minor": 60000, "tariff": { "increment_minutes": 60 } });
        admin.patch(&format!("/api/lots/{lot}"), dearer).await.expect(200);
        app.wait_minutes(30);
        assert_eq!(admin.release(&booking).await.expect(200)["cost_minor"], 3000);
    }

    async fn a_vehicle_parks_once_however_its_plate_is_written(app: TestApp) {
        let admin = app.admin().await;
        let (here, there) = (admin.new_lot("Here", 2).await, admin.new_lot("There", 2).await);
        let asha = app.driver("asha").await;
        let booking = asha.park_plate(&here, "MH 12 AB 1234").await.expect(201);
        asha.park_plate(&here, "mh-12-ab-1234").await.refused(409, "vehicle_already_parked");
        admin.walk_in(&there, "MH12AB1234").await.refused(409, "vehicle_already_parked");
        assert_eq!((admin.free_spots(&here).await, admin.free_spots(&there).await), (1, 2));
        asha.release(&booking).await.expect(200);
        admin.walk_in(&there, "MH12AB1234").await.expect(201);
    }

    async fn a_user_has_only_so_many_open_bookings(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 10).await;
        let asha = app.driver("asha").await;
        let first = asha.park(&lot).await.expect(201);
        for _ in 1..5 {
            asha.park(&lot).await.expect(201);
        }
        asha.park(&lot).await.refused(409, "too_many_open_bookings");
        asha.release(&first).await.expect(200);
        asha.park(&lot).await.expect(201);
    }

    async fn other_peoples_bookings_do_not_exist(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        let (asha, ravi) = (app.driver("asha").await, app.driver("ravi").await);
        let hers = asha.park(&lot).await.expect(201);
        let walk_in = admin.walk_in(&lot, "W1").await.expect(201);
        for booking in [&hers, &walk_in] {
            ravi.get(&format!("/api/bookings/{}", text(booking, "id"))).await.refused(404, "not_found");
            ravi.release(booking).await.refused(404, "not_found");
        }
        assert!(items(&ravi.get("/api/bookings").await.expect(200)).is_empty());
        assert_eq!(asha.get(&format!("/api/bookings/{}", text(&hers, "id"))).await.expect(200)["status"], "open");
        admin.release(&hers).await.expect(200);
    }

    async fn a_walk_in_belongs_to_nobody_and_the_admin_releases_it(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        let booking = admin.walk_in(&lot, "W 1").await.expect(201);
        assert_eq!((&booking["user_id"], text(&booking, "vehicle_plate")), (&json!(null), "W1"));
        app.wait_minutes(1);
        assert_eq!(admin.release(&booking).await.expect(200)["cost_minor"], 100);
        admin.post("/api/admin/bookings", json!({ "lot_id": lot })).await.invalid(&["vehicle_plate"]);
        admin.walk_in(&lot, " - ").await.invalid(&["vehicle_plate"]);
    }

    async fn the_history_is_filtered_and_paged_newest_first(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 9).await;
        let asha = app.driver("asha").await;
        for _ in 0..5 {
            let booking = asha.park(&lot).await.expect(201);
            app.wait_minutes(10);
            asha.release(&booking).await.expect(200);
            app.wait_minutes(50);
        }
        asha.park(&lot).await.expect(201);
        let starts = async |query: &str| {
            let page = asha.get(&format!("/api/bookings?{query}")).await.expect(200);
            items(&page).iter().map(|booking| text(booking, "started_at")[11..16].to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(starts("").await, ["15:00", "14:00", "13:00", "12:00", "11:00", "10:00"]);
        assert_eq!(starts("status=open").await, ["15:00"]);
        assert_eq!(starts("status=closed&limit=2").await, ["14:00", "13:00"]);
        assert_eq!(starts("from=2026-11-22T12:00:00Z&to=2026-11-22T14:00:00Z").await, ["13:00", "12:00"]);
        assert_eq!(starts("to=2026-11-22T15:30:00%2B05:30").await, [""; 0]);
        let first = asha.get("/api/bookings?limit=4").await.expect(200);
        let cursor = text(&first, "next_cursor");
        assert_eq!(starts(&format!("limit=4&cursor={cursor}")).await, ["11:00", "10:00"]);
    }

    async fn the_admin_filters_everyones_bookings(app: TestApp) {
        let admin = app.admin().await;
        let (here, there) = (admin.new_lot("Here", 9).await, admin.new_lot("There", 9).await);
        let asha = app.driver("asha").await;
        asha.park_plate(&here, "MH 12 AB 1").await.expect(201);
        admin.walk_in(&here, "KA 01").await.expect(201);
        let gone = admin.walk_in(&there, "MH 14").await.expect(201);
        admin.release(&gone).await.expect(200);
        let plates = async |query: &str| {
            let page = admin.get(&format!("/api/admin/bookings?{query}")).await.expect(200);
            items(&page).iter().map(|booking| text(booking, "vehicle_plate").to_owned()).collect::<BTreeSet<_>>()
        };
        let set = |plates: &[&str]| plates.iter().map(|plate| (*plate).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(plates("").await, set(&["MH12AB1", "KA01", "MH14"]));
        assert_eq!(plates(&format!("lot_id={here}")).await, set(&["MH12AB1", "KA01"]));
        assert_eq!(plates(&format!("user_id={}", asha.id)).await, set(&["MH12AB1"]));
        assert_eq!(plates("plate=mh-1").await, set(&["MH12AB1", "MH14"]));
        assert_eq!(plates("plate=mh&status=closed").await, set(&["MH14"]));
        let page = admin.get(&format!("/api/admin/bookings?user_id={}", asha.id)).await.expect(200);
        assert_eq!(items(&page)[0]["user"], json!({ "id": asha.id, "name": "asha", "email": "asha@example.org" }));
    }

    async fn the_same_request_by_its_key_is_done_once(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        let asha = app.driver("asha").await;
        let body = json!({ "lot_id": lot });
        let first = asha.post_once("k1", "/api/bookings", body.clone()).await;
        app.wait_minutes(5);
        let again = asha.post_once("k1", "/api/bookings", body.clone()).await;
        assert_eq!((first.expect(201), &first.body), (again.expect(201), &again.body));
        assert_eq!(admin.free_spots(&lot).await, 4);
        let other = json!({ "lot_id": lot, "vehicle_plate": "X1" });
        asha.post_once("k1", "/api/bookings", other).await.refused(422, "idempotency_key_reused");
        // Keys of different people are different keys.
        let ravi = app.driver("ravi").await;
        assert_eq!(ravi.post_once("k1", "/api/bookings", body).await.expect(201)["spot"]["label"], "A02");
    }

    async fn a_refusal_is_replayed_as_well(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        let parked = admin.walk_in(&lot, "A1").await.expect(201);
        let asha = app.driver("asha").await;
        let body = json!({ "lot_id": lot });
        let first = asha.post_once("k1", "/api/bookings", body.clone()).await;
        first.refused(409, "lot_full");
        admin.release(&parked).await.expect(200);
        let again = asha.post_once("k1", "/api/bookings", body).await;
        again.refused(409, "lot_full");
        assert_eq!(first.body, again.body);
        assert_eq!(admin.free_spots(&lot).await, 1);
    }

    async fn one_key_at_once_books_one_spot(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 50).await;
        let asha = app.driver("asha").await;
        let attempts = (0..30).map(|_| asha.post_once("k1", "/api/bookings", json!({ "lot_id": lot })));
        let answers = futures_util::future::join_all(attempts).await;
        let mut booked = BTreeSet::new();
        for answer in &answers {
            if answer.status == 201 {
                booked.insert(text(&answer.json(), "id").to_owned());
            } else {
                answer.refused(409, "idempotency_key_in_flight");
            }
        }
        assert_eq!((booked.len(), admin.free_spots(&lot).await), (1, 49));
    }

    async fn an_idempotency_key_that_is_none_is_refused(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        let body = json!({ "lot_id": lot, "vehicle_plate": "A1" });
        let long = "k".repeat(256);
        for key in ["", long.as_str()] {
            admin.post_once(key, "/api/admin/bookings", body.clone()).await.invalid(&["Idempotency-Key"]);
        }
        assert_eq!(admin.free_spots(&lot).await, 1);
    }

    async fn two_hundred_users_racing_for_fifty_spots_get_fifty(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 50).await;
        let users = racers(&app, 200).await;
        let attempts = users.iter().map(|user| async {
            user.post("/api/bookings", json!({ "lot_id": lot, "vehicle_plate": user.id })).await
        });
        let answers = futures_util::future::join_all(attempts).await;
        let (booked, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
        for answer in &refused {
            answer.refused(409, "lot_full");
        }
        let labels: BTreeSet<String> = booked.iter().map(|answer| text(&answer.json()["spot"], "label").to_owned()).collect();
        let expected: BTreeSet<String> = (1..=50).map(|n| format!("A{n:02}")).collect();
        assert_eq!((booked.len(), refused.len(), labels), (50, 150, expected));
        assert_eq!(admin.free_spots(&lot).await, 0);
    }

    async fn one_plate_racing_for_several_lots_parks_once(app: TestApp) {
        let admin = app.admin().await;
        let mut lots = Vec::new();
        for n in 0..8 {
            lots.push(admin.new_lot(&format!("Lot {n}"), 3).await);
        }
        let attempts = lots.iter().cycle().take(40).map(|lot| admin.walk_in(lot, "MH 12"));
        let answers = futures_util::future::join_all(attempts).await;
        for answer in answers.iter().filter(|answer| answer.status != 201) {
            answer.refused(409, "vehicle_already_parked");
        }
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
        let mut free = 0;
        for lot in &lots {
            free += admin.free_spots(lot).await;
        }
        assert_eq!(free, 8 * 3 - 1);
    }

    async fn one_user_racing_in_several_lots_keeps_within_the_limit(app: TestApp) {
        let admin = app.admin().await;
        let mut lots = Vec::new();
        for n in 0..8 {
            lots.push(admin.new_lot(&format!("Lot {n}"), 5).await);
        }
        let asha = app.driver("asha").await;
        let attempts = lots.iter().cycle().take(40).map(|lot| asha.park(lot));
        let answers = futures_util::future::join_all(attempts).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
        assert_eq!(items(&asha.get("/api/bookings?status=open").await.expect(200)).len(), 5);
    }

    async fn many_releases_at_once_close_a_booking_once(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        let booking = admin.walk_in(&lot, "A1").await.expect(201);
        app.wait_minutes(10);
        let answers = futures_util::future::join_all((0..20).map(|_| admin.release(&booking))).await;
        let costs: BTreeSet<Option<i64>> = answers.iter().map(|answer| answer.expect(200)["cost_minor"].as_i64()).collect();
        assert_eq!((costs, admin.free_spots(&lot).await), (BTreeSet::from([Some(1000)]), 2));
        let released = admin.audit_actions().await;
        assert_eq!(released.iter().filter(|action| *action == "booking.released_by_another").count(), 1);
    }
}

/// So many signed-in users, without the cost of hashing a password for each.
async fn racers(app: &TestApp, count: usize) -> Vec<crate::harness::Caller<'_>> {
    use parking::auth::{Role, store};
    let now = app.now();
    let made = app.app.db.write(Uuid::nil(), move |tx| {
        (0..count)
            .map(|n| {
                let email = format!("racer{n}@example.org").parse().unwrap();
                let name = "Racer".parse().unwrap();
                Ok(store::insert_account(tx, now, (&name, &email, Role::User), "none")?.id)
            })
            .collect::<parking::Result<Vec<Uuid>>>()
    });
    let callers = made.await.unwrap().into_iter().map(|id| {
        let token = app.app.tokens.issue(id, Role::User, id).unwrap();
        let mut caller = app.nobody().with_token(&token);
        id.simple().to_string()[12..].clone_into(&mut caller.id);
        caller
    });
    callers.collect()
}

#[tokio::test]
async fn the_limit_of_open_bookings_is_a_setting() {
    let app = TestApp::with(&[("MAX_OPEN_BOOKINGS", "1")]).await;
    let admin = app.admin().await;
    let lot = admin.new_lot("Central", 3).await;
    let asha = app.driver("asha").await;
    let _: Value = asha.park(&lot).await.expect(201);
    asha.park(&lot).await.refused(409, "too_many_open_bookings");
}
