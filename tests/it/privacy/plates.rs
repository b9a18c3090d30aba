//! Plates are forgotten a set time after the end of a stay.

use jiff::SignedDuration;
use parking::jobs::worker;
use parking::stats;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Caller, TestApp, items, text};

const KEPT: &[(&str, &str)] = &[("PLATES_KEPT_DAYS", "30")];

async fn both(settings: &[(&str, &str)]) -> [TestApp; 2] {
    [TestApp::with(settings).await, TestApp::on_postgres(settings).await]
}

async fn days(app: &TestApp, days: i64) {
    app.wait_minutes(days * 24 * 60);
    worker::work_off(&app.app).await.unwrap();
}

/// Has the clean-up run; says how many plates it forgot.
async fn clean_up(app: &TestApp, admin: &Caller<'_>) -> i64 {
    let begun = admin.post_empty("/api/admin/schedules/clean-up/run").await.expect(202);
    worker::work_off(&app.app).await.unwrap();
    let task = admin.get(&format!("/api/tasks/{}", text(&begun, "task_id"))).await.expect(200);
    task["result"]["plates"].as_i64().unwrap_or_else(|| panic!("{task}"))
}

/// The plates of all bookings, the oldest first.
async fn plates(admin: &Caller<'_>) -> Vec<Option<String>> {
    let page = admin.get("/api/admin/bookings?limit=100").await.expect(200);
    let plate = |booking: &Value| booking["vehicle_plate"].as_str().map(ToOwned::to_owned);
    items(&page).iter().rev().map(plate).collect()
}

async fn notes(app: &TestApp) -> (i64, bool) {
    let read = app.app.db.read(|tx| {
        let kept = tx.one("select count(*) from plates_kept", &[], |row| row.get(0))?;
        let mark =
            tx.one("select through from plate_state", &[], |row| row.get::<Option<Uuid>>(0))?;
        Ok((kept, mark.is_some()))
    });
    read.await.unwrap()
}

#[tokio::test]
async fn a_plate_is_forgotten_a_set_time_after_the_end_of_the_stay() {
    for app in both(KEPT).await {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 5).await;
        worker::work_off(&app.app).await.unwrap();
        let short = asha.park_plate(&lot, "SHORT1").await.expect(201);
        let walk_in = admin.walk_in(&lot, "WALKIN1").await.expect(201);
        let long = asha.park_plate(&lot, "LONG1").await.expect(201);
        admin.walk_in(&lot, "STAYS1").await.expect(201);
        app.wait_minutes(60);
        asha.release(&short).await.expect(200);
        admin.release(&walk_in).await.expect(200);
        days(&app, 20).await;
        asha.release(&long).await.expect(200);

        let told = |plates: [Option<&str>; 4]| plates.map(|plate| plate.map(ToOwned::to_owned));
        days(&app, 9).await;
        clean_up(&app, &admin).await;
        assert_eq!(
            plates(&admin).await,
            told([Some("SHORT1"), Some("WALKIN1"), Some("LONG1"), Some("STAYS1")])
        );
        days(&app, 1).await;
        clean_up(&app, &admin).await;
        assert_eq!(plates(&admin).await, told([None, None, Some("LONG1"), Some("STAYS1")]));
        assert_eq!(notes(&app).await, (2, true), "those that were passed over");
        days(&app, 20).await;
        assert_eq!(clean_up(&app, &admin).await, 0, "the clock's own clean-up was faster");
        assert_eq!(plates(&admin).await, told([None, None, None, Some("STAYS1")]));
        assert_eq!(notes(&app).await, (1, true));

        // Whoever is parked is found, and nobody else.
        let found = admin.get("/api/admin/search?q=STAYS1").await.expect(200);
        assert_eq!(found["bookings"].as_array().unwrap().len(), 1);
        let found = admin.get("/api/admin/search?q=SHORT1").await.expect(200);
        assert_eq!(found["bookings"], json!([]));
    }
}

#[tokio::test]
async fn what_was_counted_and_reported_stays_as_it_was() {
    for app in both(KEPT).await {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 5).await;
        worker::work_off(&app.app).await.unwrap();
        let stay = asha.park_plate(&lot, "MH12AB1234").await.expect(201);
        app.wait_minutes(60);
        asha.release(&stay).await.expect(200);
        // The morning of the first of December.
        app.wait_minutes((8 * 24 + 13) * 60);
        worker::work_off(&app.app).await.unwrap();
        days(&app, 20).await;
        while stats::count(&app.app).await.unwrap() {}
        let reference = text(&stay, "reference");
        let figures = async || {
            let mut all = Vec::new();
            for path in
                ["/api/admin/stats?from=2026-11-01&to=2026-12-20", "/api/admin/reports/2026-11"]
            {
                let mut figures = admin.get(path).await.expect(200);
                figures["as_of"].take();
                all.push(figures);
            }
            for path in ["/api/stats", "/api/reports/2026-11"] {
                all.push(asha.get(path).await.expect(200));
            }
            all
        };
        let file = async || {
            let begun = asha.post("/api/exports", json!({})).await.expect(202);
            worker::work_off(&app.app).await.unwrap();
            let file = asha.get(&format!("/api/exports/{}", text(&begun, "task_id"))).await;
            String::from_utf8(file.body).unwrap()
        };
        assert!(file().await.contains(&format!("{reference},Central,A01,MH12AB1234,closed,")));
        let before = figures().await;
        app.wait_minutes(2 * 24 * 60);
        worker::work_off(&app.app).await.unwrap();
        assert_eq!(plates(&admin).await, [None]);
        assert_eq!(figures().await, before);
        assert!(file().await.contains(&format!("{reference},Central,A01,,closed,")));
        let history = asha.get("/api/bookings").await.expect(200);
        assert_eq!(
            (&items(&history)[0]["vehicle_plate"], &items(&history)[0]["cost_minor"]),
            (&Value::Null, &json!(6000))
        );
    }
}

#[tokio::test]
async fn each_of_many_bookings_is_looked_at_once() {
    const STAYS: i64 = 600;
    for app in both(KEPT).await {
        let admin = app.admin().await;
        let lot: Uuid = admin.new_lot("Central", 1).await.parse().unwrap();
        let begin = app.now() - SignedDuration::from_hours(24 * 40);
        // One an hour, of a day each: the last of them ended within the thirty days.
        let insert = app.app.db.write(lot, move |tx| {
            for n in 0..STAYS {
                let at = begin + SignedDuration::from_hours(n);
                tx.send(
                    "insert into bookings (id, reference, lot_id, spot_id, spot_label, vehicle_plate, \
                     started_at, released_at, price_per_hour_minor, currency, free_minutes, \
                     increment_minutes, cost_minor) \
                     values ($1, $2, $3, $3, 'A01', $2, $4, $5, 6000, 'INR', 0, 1, 100)",
                    &[
                        parking::ids::new_id(at).into(),
                        (&format!("R{n}")).into(),
                        lot.into(),
                        at.into(),
                        (at + SignedDuration::from_hours(24)).into(),
                    ],
                )?;
            }
            Ok(())
        });
        insert.await.unwrap();
        // Those that began in the first ten days less one.
        assert_eq!(clean_up(&app, &admin).await, 9 * 24 + 1);
        assert_eq!(notes(&app).await, (23, true), "those that were there ten days after the first");
        assert_eq!(clean_up(&app, &admin).await, 0);
        app.wait_minutes(10 * 24 * 60);
        assert_eq!(clean_up(&app, &admin).await, 10 * 24);
        app.wait_minutes(30 * 24 * 60);
        assert_eq!(clean_up(&app, &admin).await, STAYS - 19 * 24 - 1);
        assert_eq!(notes(&app).await, (0, true));
    }
}

#[tokio::test]
async fn a_clock_that_was_ahead_spares_nobody() {
    for app in both(KEPT).await {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        let stay = admin.walk_in(&lot, "EARLY1").await.expect(201);
        admin.release(&stay).await.expect(200);
        app.wait_minutes(400 * 24 * 60);
        let stay = admin.walk_in(&lot, "AHEAD1").await.expect(201);
        admin.release(&stay).await.expect(200);
        app.wait_minutes(31 * 24 * 60);
        assert_eq!(clean_up(&app, &admin).await, 2);
        app.wait_minutes(-430 * 24 * 60);
        let stay = admin.walk_in(&lot, "LATER1").await.expect(201);
        admin.release(&stay).await.expect(200);
        assert_eq!(clean_up(&app, &admin).await, 0);
        app.wait_minutes(31 * 24 * 60);
        assert_eq!(clean_up(&app, &admin).await, 1);
    }
}

#[tokio::test]
async fn plates_are_kept_for_ever_unless_it_is_set() {
    for app in both(&[]).await {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        let stay = admin.walk_in(&lot, "KEPT1").await.expect(201);
        admin.release(&stay).await.expect(200);
        app.wait_minutes(3000 * 24 * 60);
        assert_eq!(clean_up(&app, &admin).await, 0);
        assert_eq!(plates(&admin).await, [Some("KEPT1".to_owned())]);
        assert_eq!(notes(&app).await, (0, false));
    }
}
