//! Lots and spots.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Caller, TestApp, items, text};

async fn labels(admin: &Caller<'_>, lot: &str) -> Vec<String> {
    let spots = admin.get(&format!("/api/lots/{lot}/spots")).await.expect(200);
    items(&spots).iter().map(|spot| text(spot, "label").to_owned()).collect()
}

async fn spot(admin: &Caller<'_>, lot: &str, label: &str) -> Value {
    let spots = admin.get(&format!("/api/admin/lots/{lot}/spots")).await.expect(200);
    items(&spots).iter().find(|spot| spot["label"] == label).unwrap().clone()
}

fn path(lot: &str) -> String {
    format!("/api/lots/{lot}")
}

on_both! {
    async fn a_new_lot_has_its_spots_and_is_open_to_all(app: TestApp) {
        let admin = app.admin().await;
        let new = json!({
            "name": "Central Station", "address": "Platform Road", "city": "Mumbai", "pin_code": "400001",
            "latitude": 18.94, "longitude": 72.83, "time_zone": "Asia/Kolkata", "price_per_hour_minor": 6000,
            "currency": "INR", "number_of_spots": 102,
            "tariff": { "free_minutes": 10, "increment_minutes": 15, "daily_cap_minor": 50000 },
        });
        let lot = admin.post("/api/lots", new.clone()).await.expect(201);
        for (field, value) in new.as_object().unwrap() {
            assert_eq!(&lot[field], value, "{field}");
        }
        assert_eq!((lot["number_of_spots"].as_i64(), lot["free_spots"].as_i64()), (Some(102), Some(102)));
        let seen = app.nobody().get(&path(text(&lot, "id"))).await.expect(200);
        assert_eq!(seen, lot);
        let labels = labels(&admin, text(&lot, "id")).await;
        assert_eq!((labels.len(), labels[0].as_str(), labels[99].as_str(), labels[101].as_str()), (102, "A01", "A100", "B02"));
    }

    async fn what_a_request_leaves_out_has_its_default(app: TestApp) {
        let admin = app.admin().await;
        let lot = json!({ "name": "A", "price_per_hour_minor": 0, "number_of_spots": 1 });
        let lot = admin.post("/api/lots", lot).await.expect(201);
        assert_eq!(lot["tariff"], json!({ "free_minutes": 0, "increment_minutes": 1, "daily_cap_minor": null }));
        assert_eq!((text(&lot, "currency"), text(&lot, "time_zone")), ("INR", "Asia/Kolkata"));
        assert_eq!((&lot["city"], &lot["latitude"]), (&json!(null), &json!(null)));
    }

    async fn growing_adds_spots_behind_the_others(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        let grown = admin.patch(&path(&lot), json!({ "number_of_spots": 4 })).await.expect(200);
        assert_eq!((grown["number_of_spots"].as_i64(), grown["free_spots"].as_i64()), (Some(4), Some(4)));
        assert_eq!(labels(&admin, &lot).await, ["A01", "A02", "A03", "A04"]);
    }

    async fn shrinking_takes_the_highest_free_spots(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        for plate in ["A1", "A2", "A3"] {
            admin.walk_in(&lot, plate).await.expect(201);
        }
        let spots = admin.get("/api/admin/bookings?plate=A2").await.expect(200);
        admin.release(&items(&spots)[0]).await.expect(200);
        // A01 and A03 are occupied.
        admin.patch(&path(&lot), json!({ "number_of_spots": 3 })).await.expect(200);
        assert_eq!(labels(&admin, &lot).await, ["A01", "A02", "A03"]);
        admin.patch(&path(&lot), json!({ "number_of_spots": 2 })).await.expect(200);
        assert_eq!(labels(&admin, &lot).await, ["A01", "A03"]);
    }

    async fn shrinking_below_the_occupied_spots_is_refused_and_changes_nothing(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        admin.walk_in(&lot, "A1").await.expect(201);
        admin.walk_in(&lot, "A2").await.expect(201);
        let change = json!({ "name": "Renamed", "number_of_spots": 1 });
        admin.patch(&path(&lot), change).await.refused(409, "spots_occupied");
        let after = admin.get(&path(&lot)).await.expect(200);
        assert_eq!((text(&after, "name"), after["number_of_spots"].as_i64()), ("Central", Some(3)));
    }

    async fn a_change_keeps_what_it_does_not_name(app: TestApp) {
        let admin = app.admin().await;
        let new = json!({ "name": "A", "city": "Pune", "address": "Road", "price_per_hour_minor": 100, "number_of_spots": 1,
            "tariff": { "daily_cap_minor": 900 } });
        let lot = admin.post("/api/lots", new).await.expect(201);
        app.wait_minutes(1);
        let changed = admin.patch(&path(text(&lot, "id")), json!({ "name": "B", "address": null })).await.expect(200);
        let mut expected = lot.clone();
        expected["name"] = json!("B");
        expected["address"] = json!(null);
        expected["updated_at"] = json!("2026-11-22T10:01:00Z");
        assert_eq!(changed, expected);
    }

    async fn a_lot_is_deleted_only_empty_and_its_history_stays(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        let booking = admin.walk_in(&lot, "A1").await.expect(201);
        admin.delete(&path(&lot)).await.refused(409, "lot_not_empty");
        admin.release(&booking).await.expect(200);
        admin.delete(&path(&lot)).await.expect(204);
        admin.get(&path(&lot)).await.refused(404, "not_found");
        admin.get(&format!("/api/lots/{lot}/spots")).await.refused(404, "not_found");
        admin.delete(&path(&lot)).await.refused(404, "not_found");
        admin.walk_in(&lot, "A1").await.refused(404, "not_found");
        assert!(items(&admin.get("/api/lots").await.expect(200)).is_empty());
        let seen = admin.get(&format!("/api/bookings/{}", text(&booking, "id"))).await.expect(200);
        assert_eq!((text(&seen["lot"], "name"), text(&seen["spot"], "label")), ("Central", "A01"));
    }

    async fn a_spot_out_of_service_is_passed_over(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        let first = spot(&admin, &lot, "A01").await;
        let spot_path = format!("/api/spots/{}", text(&first, "id"));
        let out = admin.patch(&spot_path, json!({ "out_of_service": true })).await.expect(200);
        assert_eq!(out["status"], "out_of_service");
        assert_eq!(admin.free_spots(&lot).await, 1);
        assert_eq!(admin.walk_in(&lot, "A1").await.expect(201)["spot"]["label"], "A02");
        admin.walk_in(&lot, "A2").await.refused(409, "lot_full");
        admin.patch(&spot_path, json!({ "out_of_service": false })).await.expect(200);
        assert_eq!(admin.walk_in(&lot, "A2").await.expect(201)["spot"]["label"], "A01");
        admin.patch(&spot_path, json!({ "out_of_service": true })).await.refused(409, "spots_occupied");
    }

    async fn a_new_label_moves_the_spot_in_the_order(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        let first = spot(&admin, &lot, "A01").await;
        let spot_path = format!("/api/spots/{}", text(&first, "id"));
        admin.patch(&spot_path, json!({ "label": "a2" })).await.refused(409, "label_taken");
        admin.patch(&spot_path, json!({ "label": " " })).await.invalid(&["label"]);
        admin.patch(&spot_path, json!({ "label": "A10" })).await.expect(200);
        assert_eq!(labels(&admin, &lot).await, ["A02", "A10"]);
        assert_eq!(admin.walk_in(&lot, "X").await.expect(201)["spot"]["label"], "A02");
    }

    async fn free_spots_are_those_in_service_without_a_vehicle_whatever_happens_at_once(app: TestApp) {
        const SPOTS: usize = 12;
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 12).await;
        let spots = admin.get(&format!("/api/admin/lots/{lot}/spots")).await.expect(200);
        let vehicle = async |number: usize| {
            for _ in 0..6 {
                let parked = admin.walk_in(&lot, &format!("V{number}")).await;
                if parked.status == 201 {
                    admin.release(&parked.json()).await.expect(200);
                } else {
                    parked.refused(409, "lot_full");
                }
            }
        };
        let operator = async |number: usize| {
            let spot = format!("/api/spots/{}", text(&items(&spots)[number], "id"));
            for turn in 0..6 {
                let label = format!("N{number}-{turn}");
                admin.patch(&spot, json!({ "label": label })).await;
                admin.patch(&spot, json!({ "out_of_service": turn % 2 == 0 })).await;
            }
        };
        join_all((0..16).map(vehicle)).await;
        join(join_all((0..16).map(vehicle)), join_all((0..SPOTS / 2).map(operator))).await;

        // The last spots to be free again, in the order of their labels.
        let before = admin.get(&format!("/api/lots/{lot}/spots")).await.expect(200);
        let free: Vec<&str> = items(&before).iter().filter(|spot| spot["status"] == "free").map(|spot| text(spot, "label")).collect();
        assert_eq!(admin.free_spots(&lot).await, i64::try_from(free.len()).unwrap());
        for (number, label) in free.iter().enumerate() {
            let parked = admin.walk_in(&lot, &format!("W{number}")).await.expect(201);
            assert_eq!(parked["spot"]["label"], *label);
        }
        admin.walk_in(&lot, "LAST").await.refused(409, "lot_full");
    }

    async fn the_admin_sees_who_is_on_a_spot_and_others_only_that_it_is_taken(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        let asha = app.driver("asha").await;
        asha.park_plate(&lot, "MH 12").await.expect(201);
        app.wait_minutes(30);
        let seen = spot(&admin, &lot, "A01").await;
        assert_eq!((text(&seen, "status"), text(&seen["booking"], "vehicle_plate")), ("occupied", "MH12"));
        assert_eq!(seen["booking"]["user"]["name"], "asha");
        assert_eq!(seen["booking"]["cost_minor"], 3000);
        let spots = asha.get(&format!("/api/lots/{lot}/spots")).await.expect(200);
        assert_eq!(spots["next_cursor"], json!(null));
        assert_eq!(items(&spots)[0]["status"], "occupied");
        assert_eq!(items(&spots)[0].as_object().unwrap().len(), 3);
        app.nobody().get(&format!("/api/lots/{lot}/spots")).await.refused(401, "unauthorized");
    }

    async fn lots_are_found_by_words_and_by_distance(app: TestApp) {
        let admin = app.admin().await;
        for (name, city, pin, latitude, longitude) in [
            ("Lakeside Mall", "Mumbai", "400076", 19.12, 72.9),
            ("Airport", "Mumbai", "400099", 19.09, 72.86),
            ("Tech Park", "Pune", "411045", 18.56, 73.78),
        ] {
            let lot = json!({ "name": name, "city": city, "pin_code": pin, "latitude": latitude, "longitude": longitude,
                "price_per_hour_minor": 1, "number_of_spots": 1 });
            admin.post("/api/lots", lot).await.expect(201);
        }
        let names = async |query: &str| {
            let page = app.nobody().get(&format!("/api/lots?{query}")).await.expect(200);
            items(&page).iter().map(|lot| text(lot, "name").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names("").await, ["Airport", "Lakeside Mall", "Tech Park"]);
        assert_eq!(names("q=mumbai").await, ["Airport", "Lakeside Mall"]);
        assert_eq!(names("q=411045").await, ["Tech Park"]);
        assert_eq!(names("q=mumbai%20mall").await, ["Lakeside Mall"]);
        assert_eq!(names("near=19.12,72.90").await, ["Lakeside Mall", "Airport", "Tech Park"]);
        let first = app.nobody().get("/api/lots?limit=2").await.expect(200);
        let cursor = text(&first, "next_cursor").to_owned();
        assert_eq!(names(&format!("limit=2&cursor={cursor}")).await, ["Tech Park"]);
    }

    async fn an_unchanged_list_is_not_sent_again(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        for path in ["/api/lots".to_owned(), path(&lot)] {
            let first = app.nobody().get(&path).await;
            let etag = first.header("etag").to_owned();
            let same = app.nobody().send("GET", &path, None, &[("if-none-match", &etag)]).await;
            assert_eq!((same.status.as_u16(), same.body.len(), same.header("etag")), (304, 0, etag.as_str()));
            admin.walk_in(&lot, &path.replace('/', "").chars().take(9).collect::<String>()).await.expect(201);
            app.nobody().send("GET", &path, None, &[("if-none-match", &etag)]).await.expect(200);
        }
    }

    async fn a_quote_is_what_the_release_charges(app: TestApp) {
        let admin = app.admin().await;
        let new = json!({ "name": "A", "price_per_hour_minor": 4550, "number_of_spots": 1,
            "tariff": { "free_minutes": 10, "increment_minutes": 7, "daily_cap_minor": 20001 } });
        let lot = admin.post("/api/lots", new).await.expect(201);
        for minutes in [0, 10, 11, 61, 24 * 60, 3 * 24 * 60 + 100] {
            let quote = app.nobody().get(&format!("/api/lots/{}/quote?minutes={minutes}", text(&lot, "id"))).await.expect(200);
            let lines: i64 = quote["lines"].as_array().unwrap().iter().map(|line| line["amount_minor"].as_i64().unwrap()).sum();
            assert_eq!(quote["cost_minor"], lines);
            let booking = admin.walk_in(text(&lot, "id"), "X1").await.expect(201);
            app.wait_minutes(minutes);
            assert_eq!(admin.release(&booking).await.expect(200)["cost_minor"], quote["cost_minor"], "{minutes}");
        }
    }

    async fn a_quote_for_no_stay_is_refused(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        for minutes in ["-1", "52704001", "9223372036854775807"] {
            let quote = app.nobody().get(&format!("/api/lots/{lot}/quote?minutes={minutes}")).await;
            quote.invalid(&["minutes"]);
        }
        app.nobody().get(&format!("/api/lots/{}/quote?minutes=5", Uuid::nil())).await.refused(404, "not_found");
    }
}
