//! Rubbish in: the documented problem comes out, and nothing has changed.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Answer, Caller, PASSWORD, TestApp, items, text};

/// Everything a client can see of the state.
async fn state(admin: &Caller<'_>) -> Vec<Value> {
    let mut state = Vec::new();
    for path in [
        "/api/lots?limit=100",
        "/api/admin/users",
        "/api/admin/bookings",
        "/api/admin/audit?limit=100",
    ] {
        state.push(admin.get(path).await.expect(200));
    }
    state
}

on_both! {
    async fn bodies_that_are_no_json_are_malformed(app: TestApp) {
        let admin = app.admin().await;
        let before = state(&admin).await;
        for path in ["/api/lots", "/api/bookings", "/api/admin/bookings", "/api/auth/register", "/api/auth/login"] {
            for body in ["", "{", "nonsense", "{\"a\":1}}", "{\"name\":\"\u{0}\"}", "[1,", "\"", "{\"a\":01}"] {
                admin.send("POST", path, Some(body.into()), &[]).await.refused(400, "malformed");
            }
        }
        assert_eq!(state(&admin).await, before);
    }

    async fn json_of_another_shape_names_the_field(app: TestApp) {
        let admin = app.admin().await;
        let before = state(&admin).await;
        let lot = |field: &str, value: Value| {
            let mut lot = json!({ "name": "A", "price_per_hour_minor": 1, "number_of_spots": 1 });
            lot[field] = value;
            lot
        };
        for (field, value) in [
            ("name", json!(5)), ("name", json!(null)), ("name", json!("")), ("name", json!("x".repeat(101))),
            ("name", json!("a\u{0}b")), ("name", json!("a\nb")),
            ("number_of_spots", json!("3")), ("number_of_spots", json!(0)), ("number_of_spots", json!(-1)),
            ("number_of_spots", json!(1.5)), ("number_of_spots", json!(20_001)), ("number_of_spots", json!(1e300)),
            ("number_of_spots", json!(u64::MAX)), ("number_of_spots", json!([])),
            ("price_per_hour_minor", json!(-1)), ("price_per_hour_minor", json!(i64::MAX)), ("price_per_hour_minor", json!(0.5)),
            ("currency", json!("RUPEES")), ("time_zone", json!("../../etc/passwd")), ("unknown", json!(1)),
            ("tariff", json!(7)), ("city", json!("x".repeat(101))),
        ] {
            let answer = admin.post("/api/lots", lot(field, value.clone())).await;
            let problem = answer.refused(422, "validation_failed");
            assert_eq!(problem["errors"][0]["field"], field, "{value} {problem}");
        }
        admin.post("/api/lots", lot("latitude", json!(10.0))).await.invalid(&["latitude"]);
        admin.post("/api/lots", lot("tariff", json!({ "increment_minutes": 0 }))).await.invalid(&["tariff.increment_minutes"]);
        admin.post("/api/lots", lot("tariff", json!({ "extra": 0 }))).await.invalid(&["tariff.extra"]);
        admin.post("/api/lots", json!({})).await.invalid(&["name"]);
        assert_eq!(state(&admin).await, before);
    }

    async fn ids_that_are_none_or_unknown_are_not_found(app: TestApp) {
        let admin = app.admin().await;
        admin.new_lot("Central", 1).await;
        let before = state(&admin).await;
        for id in [Uuid::nil().to_string(), Uuid::max().to_string(), "1".into(), "x".repeat(300), "%00".into(), "..%2f..".into()] {
            admin.get(&format!("/api/lots/{id}")).await.refused(404, "not_found");
            admin.get(&format!("/api/lots/{id}/spots")).await.refused(404, "not_found");
            admin.get(&format!("/api/admin/lots/{id}/spots")).await.refused(404, "not_found");
            admin.get(&format!("/api/bookings/{id}")).await.refused(404, "not_found");
            admin.post_empty(&format!("/api/bookings/{id}/release")).await.refused(404, "not_found");
            admin.patch(&format!("/api/lots/{id}"), json!({ "name": "B" })).await.refused(404, "not_found");
            admin.patch(&format!("/api/spots/{id}"), json!({ "out_of_service": true })).await.refused(404, "not_found");
            admin.patch(&format!("/api/admin/users/{id}"), json!({ "active": true })).await.refused(404, "not_found");
            admin.get(&format!("/api/admin/users/{id}")).await.refused(404, "not_found");
            admin.delete(&format!("/api/lots/{id}")).await.refused(404, "not_found");
        }
        admin.park(&Uuid::nil().to_string()).await.refused(404, "not_found");
        admin.park("1").await.invalid(&["lot_id"]);
        assert_eq!(state(&admin).await, before);
    }

    async fn questions_that_make_no_sense_are_refused(app: TestApp) {
        let admin = app.admin().await;
        for query in ["limit=0", "limit=101", "limit=x", "limit=99999999999999999999", "cursor=x", "cursor=", "near=", "near=1", "near=91,0", "near=nan,nan"] {
            admin.get(&format!("/api/lots?{query}")).await.refused(422, "validation_failed");
        }
        for query in ["status=lost", "from=yesterday", "to=2026-13-01T00:00:00Z", "lot_id=1", "cursor=AAAA", "limit=-5"] {
            admin.get(&format!("/api/admin/bookings?{query}")).await.refused(422, "validation_failed");
        }
        for query in ["from=2026-11-22", "limit=1000"] {
            admin.get(&format!("/api/bookings?{query}")).await.refused(422, "validation_failed");
        }
    }

    async fn a_question_that_is_missing_is_named(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 1).await;
        admin.get(&format!("/api/lots/{lot}/quote")).await.invalid(&["minutes"]);
        admin.get(&format!("/api/lots/{lot}/quote?minutes=soon")).await.invalid(&["minutes"]);
    }

    async fn quotes_and_wildcards_in_a_search_are_plain_text(app: TestApp) {
        let admin = app.admin().await;
        admin.new_lot("O'Hare \"North\" 50%", 1).await;
        for (query, found) in [("o%27hare", 1), ("%22north%22", 1), ("50%25", 1), ("%25%25", 0), ("_", 0), ("%27%20or%201=1", 0)] {
            let page = admin.get(&format!("/api/lots?q={query}")).await.expect(200);
            assert_eq!(items(&page).len(), found, "{query}");
        }
        for query in ["%27", "%25", "_", "%5C", "%27%20or%20%27%27=%27"] {
            assert!(items(&admin.get(&format!("/api/admin/users?q={query}")).await.expect(200)).is_empty(), "{query}");
        }
    }

    async fn plates_of_any_script_are_kept_and_control_characters_are_not(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 9).await;
        for (written, kept) in [("品川 500 あ 12-34", "品川500あ1234"), ("'; drop table bookings; --", "';DROPTABLEBOOKINGS;")] {
            assert_eq!(text(&admin.walk_in(&lot, written).await.expect(201), "vehicle_plate"), kept);
        }
        for plate in ["", "   ", "a\u{0}b", "a\nb", &"x".repeat(21)] {
            admin.walk_in(&lot, plate).await.invalid(&["vehicle_plate"]);
        }
        assert_eq!(admin.free_spots(&lot).await, 7);
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    let name = "x".repeat(70_000);
    let large = json!({ "name": name, "price_per_hour_minor": 1, "number_of_spots": 1 });
    admin.post("/api/lots", large).await.refused(413, "too_large");
}

#[tokio::test]
async fn a_body_of_another_media_type_is_refused() {
    let app = TestApp::sqlite().await;
    let login = json!({ "email": "a@example.org", "password": PASSWORD }).to_string();
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/jsonp",
    ] {
        let headers = [("content-type", kind)];
        let request = app.nobody().send("POST", "/api/auth/login", None, &headers).await;
        request.refused(415, "unsupported_media_type");
    }
    let charset = [("content-type", "application/json; charset=utf-8")];
    let request = axum::http::Request::post("/api/auth/login").header(charset[0].0, charset[0].1);
    let answer = app.raw(request.body(login.into()).unwrap()).await;
    Answer::read(answer).await.refused(401, "invalid_credentials");
}

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = TestApp::sqlite().await;
    let nobody = app.nobody();
    nobody.get("/api/nothing").await.refused(404, "not_found");
    nobody.get("/api/lots/x/y/z").await.refused(404, "not_found");
    nobody.send("PUT", "/api/lots", None, &[]).await.refused(405, "method_not_allowed");
    nobody.send("DELETE", "/api/auth/login", None, &[]).await.refused(405, "method_not_allowed");
    nobody.send("POST", "/somewhere", None, &[]).await.refused(405, "method_not_allowed");
}
