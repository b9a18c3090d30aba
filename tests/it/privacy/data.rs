//! One's own data as a file.

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use jiff::SignedDuration;
use parking::db::Value;
use parking::ids;
use parking::jobs::worker;
use parking::privacy::data::OwnData;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Caller, PASSWORD, TestApp, text};

async fn download(who: &Caller<'_>) -> (String, OwnData) {
    let file = who.get("/api/me/data").await;
    file.expect(200);
    let text = String::from_utf8(file.body).unwrap();
    let data = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"));
    (text, data)
}

/// Bookings of the past, one a minute.
async fn park_often(app: &TestApp, lot: &str, user: &str, count: i64) {
    let (lot, user): (Uuid, Uuid) = (lot.parse().unwrap(), user.parse().unwrap());
    let begin = app.now() - SignedDuration::from_mins(count);
    let insert = app.app.db.write(lot, move |tx| {
        for minute in 0..count {
            let at = begin + SignedDuration::from_mins(minute);
            tx.send(
                "insert into bookings (id, reference, lot_id, spot_id, spot_label, user_id, \
                 vehicle_plate, started_at, released_at, price_per_hour_minor, currency, \
                 free_minutes, increment_minutes, cost_minor) values \
                 ($1, $2, $3, $4, 'A01', $5, $6, $7, $8, 6000, 'INR', 0, 1, 100)",
                &[
                    ids::new_id(at).into(),
                    Value::Text(&format!("R{minute}")),
                    lot.into(),
                    lot.into(),
                    user.into(),
                    Value::Text(&format!("P{minute}")),
                    at.into(),
                    (at + SignedDuration::from_mins(1)).into(),
                ],
            )?;
        }
        Ok(())
    });
    insert.await.unwrap();
}

on_both! {
    async fn ones_own_data_is_a_file_of_all_that_is_kept_about_one(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 5).await;
        let vehicle = json!({ "plate": "MH 12 AB 1234", "name": "The blue one" });
        asha.post("/api/me/vehicles", vehicle).await.expect(201);
        asha.patch("/api/me", json!({ "preferences": { "receipts": true } })).await.expect(200);
        let first = asha.park_plate(&lot, "MH12AB1234").await.expect(201);
        app.wait_minutes(60);
        asha.release(&first).await.expect(200);
        asha.park(&lot).await.expect(201);
        asha.post("/api/exports", json!({})).await.expect(202);
        app.wait_minutes(1);
        app.sign_in("asha@example.org").await;
        worker::work_off(&app.app).await.unwrap();

        let file = asha.get("/api/me/data").await;
        assert_eq!(file.header("content-type"), "application/json");
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"my-parking-data-2026-11-22.json\"");
        assert_eq!(file.header("cache-control"), "no-store");
        let (_, data) = download(&asha).await;
        assert_eq!((data.profile.email.as_str(), data.profile.preferences.receipts), ("asha@example.org", true));
        assert_eq!(data.dates.last_seen_at, Some(app.now()));
        assert_eq!((data.vehicles[0].plate.as_str(), data.vehicles[0].name.as_deref()), ("MH12AB1234", Some("The blue one")));
        assert_eq!(data.sessions.len(), 2);
        let stays: Vec<_> = data.bookings.iter().map(|stay| (stay.vehicle_plate.as_deref(), stay.cost_minor)).collect();
        assert_eq!(stays, [(Some("MH12AB1234"), 6000), (None, 100)]);
        let subjects: Vec<_> = data.letters.iter().map(|letter| letter.subject.as_str()).collect();
        assert_eq!(subjects, ["Welcome to Parking", "Receipt: ₹60.00 at Central", "Your export is ready"]);
        assert!(data.letters[1].text.contains("Vehicle: MH12AB1234\n"), "{}", data.letters[1].text);
        assert_eq!((data.tasks.len(), data.tasks[0].kind.as_str()), (1, "export"));
        let actions: Vec<_> = data.audit.iter().map(|entry| (entry.action.as_str(), entry.by_oneself)).collect();
        assert_eq!(actions, [("account.registered", true), ("account.signed_in", true)]);
        assert_eq!(data.audit[1].address.as_deref(), Some("192.0.2.1"));
    }

    async fn a_month_that_was_reported_is_in_it(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 5).await;
        worker::work_off(&app.app).await.unwrap();
        let stay = asha.park(&lot).await.expect(201);
        asha.release(&stay).await.expect(200);
        app.wait_minutes((8 * 24 + 14) * 60);
        worker::work_off(&app.app).await.unwrap();
        let (_, data) = download(&asha).await;
        let reports: Vec<_> = data.reports.iter().map(|report| (report.month.as_str(), report.totals.bookings)).collect();
        assert_eq!(reports, [("2026-11", 1)]);
    }

    async fn it_tells_of_nobody_else_and_no_secret(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let lot = admin.new_lot("Central", 5).await;
        ravi.park_plate(&lot, "RAVIS1").await.expect(201);
        admin.walk_in(&lot, "WALKIN1").await.expect(201);
        let stay = asha.park(&lot).await.expect(201);
        admin.release(&stay).await.expect(200);
        let path = format!("/api/admin/users/{}", asha.id);
        for active in [false, true] {
            admin.patch(&path, json!({ "active": active })).await.expect(200);
        }
        let forgotten = json!({ "email": "asha@example.org" });
        app.nobody().post("/api/auth/forgot-password", forgotten).await.expect(202);
        worker::work_off(&app.app).await.unwrap();
        let asha = app.sign_in("asha@example.org").await;
        let (text, data) = download(&asha).await;

        let by_others = data.audit.iter().filter(|entry| !entry.by_oneself);
        let by_others: Vec<_> = by_others.map(|entry| (entry.action.as_str(), entry.address.as_deref())).collect();
        assert_eq!(by_others, [("booking.released_by_another", None), ("user.disabled", None), ("user.enabled", None)]);
        assert!(data.letters.iter().any(|letter| letter.text.contains("\n/reset-password\n")));
        for word in ["admin@", &admin.id, "ravi", &ravi.id, "RAVIS1", "WALKIN1", "token", "hash", "argon2"] {
            assert!(!text.contains(word), "{word} is in {text}");
        }

        // Whom the admin disabled is somebody else.
        let (text, _) = download(&admin).await;
        assert!(text.contains("user.disabled") && !text.contains(&asha.id), "{text}");
    }

    async fn a_file_of_many_bookings_comes_in_small_pieces_with_each_of_them_once(app: TestApp) {
        const BOOKINGS: i64 = 2750;
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 5).await;
        park_often(&app, &lot, &asha.id, BOOKINGS).await;
        let bearer = format!("Bearer {}", asha.token());
        let request = Request::get("/api/me/data").header("authorization", bearer);
        let mut body = app.raw(request.body(Body::empty()).unwrap()).await.into_body();
        let mut pieces = Vec::new();
        while let Some(frame) = body.frame().await {
            pieces.push(frame.unwrap().into_data().unwrap());
        }
        let longest = pieces.iter().map(bytes::Bytes::len).max().unwrap();
        let whole = pieces.concat();
        assert!(longest < whole.len() / 5, "{longest} bytes of {} are held at once", whole.len());
        let data: OwnData = serde_json::from_slice(&whole).unwrap();
        let plates: Vec<_> = data.bookings.iter().filter_map(|stay| stay.vehicle_plate.clone()).collect();
        assert_eq!(plates, (0..BOOKINGS).map(|minute| format!("P{minute}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_deleted_account_has_no_data_any_more() {
    let app = TestApp::sqlite().await;
    let asha = app.driver("asha").await;
    let (file, _) = download(&asha).await;
    assert!(file.contains("asha@example.org"));
    asha.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
    let problem = asha.get("/api/me/data").await.refused(401, "invalid_token");
    assert!(!text(&problem, "detail").is_empty());
}
