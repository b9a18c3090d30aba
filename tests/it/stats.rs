//! Statistics: counted beside the bookings, and right at every moment.

use parking::stats;
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp, text};

/// Counts all that is settled.
async fn count(app: &TestApp) {
    while stats::count(&app.app).await.unwrap() {}
}

async fn figures(admin: &Caller<'_>) -> Value {
    admin.get("/api/admin/stats").await.expect(200)
}

fn rupees(amount_minor: i64) -> Value {
    json!([{ "currency": "INR", "amount_minor": amount_minor }])
}

/// It is 15:30 of a Sunday in Kolkata. Two hours on one spot of two, and another that goes on.
async fn two_stays(app: &TestApp, admin: &Caller<'_>) -> (String, Value) {
    let lot = admin.new_lot("Central", 2).await;
    let first = admin.walk_in(&lot, "A1").await.expect(201);
    app.wait_minutes(60);
    let second = admin.walk_in(&lot, "B2").await.expect(201);
    app.wait_minutes(60);
    admin.release(&first).await.expect(200);
    app.wait_minutes(30);
    (lot, second)
}

on_both! {
    async fn figures_are_of_this_moment_however_far_bookings_are_counted(app: TestApp) {
        let admin = app.admin().await;
        let (lot, second) = two_stays(&app, &admin).await;
        let before = figures(&admin).await;
        count(&app).await;
        assert_eq!(figures(&admin).await, before);

        let today = before["days"].as_array().unwrap().last().unwrap();
        assert_eq!((&today["bookings_started"], &today["bookings_released"]), (&json!(2), &json!(1)));
        assert_eq!((&today["revenue"], &today["parked_peak"]), (&rupees(12_000), &json!(2)));
        // 3.5 of the 18 hours since midnight there.
        let parked = today["parked_average"].as_f64().unwrap();
        assert!((parked - 3.5 / 18.0).abs() < 1e-9, "{parked}");
        assert_eq!(before["lots"][0]["lot"]["id"], json!(lot));
        assert_eq!(before["lots"][0]["average_stay_minutes"], json!(120.0));
        assert_eq!(before["lots"][0]["parked_average"], json!(before["totals"]["occupancy"].as_f64().unwrap() * 2.0));
        let sunday = before["hours_of_week"].as_array().unwrap().iter().find(|hour| hour["weekday"] == 7 && hour["hour"] == 17);
        assert_eq!(sunday.unwrap()["revenue"], rupees(12_000));

        admin.release(&second).await.expect(200);
        let after = figures(&admin).await;
        count(&app).await;
        app.wait_minutes(1);
        count(&app).await;
        assert_eq!(figures(&admin).await["totals"]["revenue"], after["totals"]["revenue"]);
        assert_eq!(after["totals"]["revenue"], rupees(21_000));
    }

    async fn imported_sessions_of_a_time_that_is_counted_are_counted(app: TestApp) {
        let admin = app.admin().await;
        two_stays(&app, &admin).await;
        count(&app).await;
        crate::imports::import_both(&app, "lot,name,number_of_spots\nx,Harbour,3\n",
            "lot,started_at,ended_at\nx,2026-11-20T10:00:00Z,2026-11-20T12:00:00Z\nx,2026-11-21T10:00:00Z,\n").await;
        let before = figures(&admin).await;
        count(&app).await;
        assert_eq!(figures(&admin).await, before);
        assert_eq!((&before["totals"]["bookings_started"], &before["totals"]["bookings_released"]), (&json!(4), &json!(2)));
        let harbour = before["lots"].as_array().unwrap().iter().find(|lot| lot["lot"]["name"] == "Harbour").unwrap();
        // 2 hours, and 26.5 up to now, in the 30 days that end at 18:00.
        let parked = harbour["parked_average"].as_f64().unwrap();
        assert!((parked - 28.5 / (29.0 * 24.0 + 18.0)).abs() < 1e-9, "{parked}");
    }

    async fn a_clock_that_went_back_is_made_good_once_it_has_caught_up(app: TestApp) {
        let admin = app.admin().await;
        let (lot, _) = two_stays(&app, &admin).await;
        count(&app).await;
        app.wait_minutes(-120);
        admin.walk_in(&lot, "C3").await.expect(201);
        count(&app).await;
        app.wait_minutes(180);
        count(&app).await;
        assert_eq!(figures(&admin).await["totals"]["bookings_started"], 3);
        let overview = admin.get("/api/admin/overview").await.expect(200);
        assert_eq!(overview["occupied"], 2);
    }

    async fn a_question_may_be_of_other_days_and_of_one_lot(app: TestApp) {
        let admin = app.admin().await;
        let (lot, _) = two_stays(&app, &admin).await;
        let empty = admin.new_lot("Empty", 5).await;
        let of = async |query: String| admin.get(&format!("/api/admin/stats?{query}")).await;
        let one = of(format!("lot_id={empty}")).await.expect(200);
        assert_eq!((&one["totals"]["bookings_started"], &one["totals"]["occupancy"]), (&json!(0), &json!(0.0)));
        assert_eq!(one["lots"].as_array().unwrap().len(), 1);
        let own = of(format!("lot_id={lot}&from=2026-11-22&to=2026-11-22")).await.expect(200);
        assert_eq!((&own["totals"]["bookings_started"], own["days"].as_array().unwrap().len()), (&json!(2), 1));
        let before = of("from=2026-11-01&to=2026-11-21".into()).await.expect(200);
        assert_eq!((&before["totals"]["bookings_started"], &before["totals"]["revenue"]), (&json!(0), &json!([])));
        of("from=2026-11-22&to=2026-11-21".into()).await.invalid(&["to"]);
        of("from=2020-11-22&to=2026-11-21".into()).await.invalid(&["from"]);
        of("from=yesterday".into()).await.invalid(&["from"]);
        of(format!("lot_id={}", admin.id)).await.refused(404, "not_found");
    }

    async fn the_overview_says_how_it_stands_and_what_needs_attention(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let (lot, second) = two_stays(&app, &admin).await;
        asha.park(&lot).await.expect(201);
        let overview = admin.get("/api/admin/overview").await.expect(200);
        let numbers = ["lots", "spots", "free", "occupied", "out_of_service", "bookings_today", "bookings_yesterday_until_now"];
        assert_eq!(numbers.map(|name| overview[name].as_i64().unwrap()), [1, 2, 0, 2, 0, 3, 0]);
        assert_eq!(overview["revenue_today"], rupees(12_000));
        let kinds = |overview: &Value| -> Vec<String> {
            overview["attention"].as_array().unwrap().iter().map(|one| text(one, "kind").to_owned()).collect()
        };
        assert_eq!(kinds(&overview), ["lot_full", "no_mail_server"]);
        assert_eq!(overview["attention"][0]["lot"]["id"], json!(lot));
        assert_eq!(overview["latest"].as_array().unwrap().len(), 3);
        assert_eq!(overview["latest"][0]["user"]["name"], "asha");
        let hours = overview["hours"].as_array().unwrap();
        assert!((24..=25).contains(&hours.len()), "{}", hours.len());
        assert_eq!(overview["days"].as_array().unwrap().last().unwrap()["bookings_started"], 3);

        app.wait_minutes(25 * 60);
        count(&app).await;
        let later = admin.get("/api/admin/overview").await.expect(200);
        assert_eq!(kinds(&later), ["lot_full", "long_stay", "no_mail_server"]);
        assert_eq!((&later["attention"][1]["booking_id"], &later["attention"][1]["count"]), (&second["id"], &json!(2)));
        assert_eq!(later["bookings_yesterday_until_now"], 3);
        asha.get("/api/admin/overview").await.refused(403, "forbidden");
    }

    async fn ones_own_are_by_month_and_by_lot(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let (central, harbour) = (admin.new_lot("Central", 5).await, admin.new_lot("Harbour", 5).await);
        for lot in [&central, &harbour, &central] {
            let booking = asha.park(lot).await.expect(201);
            app.wait_minutes(60);
            asha.release(&booking).await.expect(200);
            app.wait_minutes(5 * 24 * 60);
        }
        let own = asha.get("/api/stats").await.expect(200);
        assert_eq!((&own["totals"]["bookings"], &own["totals"]["spend"]), (&json!(3), &rupees(18_000)));
        let months: Vec<_> = own["months"].as_array().unwrap().iter().map(|month| (text(month, "month"), month["bookings"].as_i64())).collect();
        assert_eq!(months, [("2026-11", Some(2)), ("2026-12", Some(1))]);
        let lots: Vec<_> = own["lots"].as_array().unwrap().iter().map(|lot| (text(&lot["lot"], "name"), lot["minutes"].as_i64())).collect();
        assert_eq!(lots, [("Central", Some(120)), ("Harbour", Some(60))]);
        assert_eq!(admin.get("/api/stats").await.expect(200)["totals"]["bookings"], 0);
    }
}
