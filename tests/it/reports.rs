//! Monthly reports: as figures, by mail, as PDF.

use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp, items, text};

async fn work(app: &TestApp) {
    worker::work_off(&app.app).await.unwrap();
}

/// What mails of that kind say, the newest first.
async fn reports(admin: &Caller<'_>) -> Vec<Value> {
    let page = admin.get("/api/admin/mails?limit=100").await.expect(200);
    items(&page).iter().filter(|mail| mail["list"] == "reports").cloned().collect()
}

/// Parks for an hour in November, in Kolkata's time, and lets the month end.
async fn november(app: &TestApp, admin: &Caller<'_>, drivers: &[&Caller<'_>]) -> String {
    work(app).await;
    let lot = admin.new_lot("Central", 10).await;
    for driver in drivers {
        let booking = driver.park(&lot).await.expect(201);
        app.wait_minutes(60);
        driver.release(&booking).await.expect(200);
    }
    // The morning of the first of December there.
    app.wait_minutes((8 * 24 + 14) * 60);
    work(app).await;
    lot
}

on_both! {
    async fn everybody_who_parked_has_a_report_of_the_month(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        app.driver("meena").await;
        let lot = november(&app, &admin, &[&asha, &ravi, &ravi]).await;
        let mut mails = reports(&admin).await;
        mails.sort_by_key(|mail| text(&mail["to"], "email").to_owned());
        let to: Vec<_> = mails.iter().map(|mail| (text(&mail["to"], "name"), text(mail, "subject"))).collect();
        assert_eq!(to, [
            ("Admin", "Parking operations in November 2026"),
            ("asha", "Your parking in November 2026"),
            ("ravi", "Your parking in November 2026"),
        ]);
        let months = ravi.get("/api/reports").await.expect(200);
        assert_eq!(text(&items(&months)[0], "month"), "2026-11");
        let report = ravi.get("/api/reports/2026-11").await.expect(200);
        let spend = json!([{ "currency": "INR", "amount_minor": 12_000 }]);
        assert_eq!((&report["bookings"], &report["minutes"], &report["spend"]), (&json!(2), &json!(120), &spend));
        assert_eq!((&report["lots"][0]["lot_id"], &report["lots"][0]["bookings"]), (&json!(lot), &json!(2)));
        assert_eq!((&report["weeks"][3]["from"], &report["weeks"][3]["bookings"]), (&json!("2026-11-16"), &json!(2)));
        let mail = admin.get(&format!("/api/admin/mails/{}", text(&mails[2], "id"))).await.expect(200);
        assert!(text(&mail, "text").contains("Spend: ₹120.00"), "{}", text(&mail, "text"));
        assert!(text(&mail, "text").contains("/reports/2026-11\n"));

        let operator = admin.get("/api/admin/reports/2026-11").await.expect(200);
        assert_eq!((&operator["bookings"], &operator["lots"][0]["turnover"]), (&json!(3), &json!(0.3)));
        // Three hours of ten spots in thirty days.
        let occupancy = operator["lots"][0]["occupancy"].as_f64().unwrap();
        assert!((occupancy - 3.0 / 7200.0).abs() < 1e-9, "{occupancy}");
        assert_eq!(operator["hours"].as_array().unwrap().len(), 24);
    }

    async fn a_month_is_reported_once_though_its_jobs_are_long_forgotten(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        november(&app, &admin, &[&asha]).await;
        assert_eq!(reports(&admin).await.len(), 2);
        let forget = |tx: &mut parking::db::Tx<'_>| Ok(tx.exec("delete from jobs", &[])?);
        app.app.db.write(uuid::Uuid::nil(), forget).await.unwrap();
        admin.post_empty("/api/admin/schedules/monthly-reports/run").await.expect(202);
        work(&app).await;
        assert!(reports(&admin).await.is_empty());
    }

    async fn a_report_is_ones_own_and_the_operators_is_the_admins(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        november(&app, &admin, &[&asha]).await;
        asha.get("/api/reports/2026-11").await.expect(200);
        ravi.get("/api/reports/2026-11").await.refused(404, "not_found");
        ravi.get("/api/reports/2026-11/pdf").await.refused(404, "not_found");
        asha.get("/api/reports/2026-10").await.refused(404, "not_found");
        asha.get("/api/reports/november").await.refused(404, "not_found");
        asha.get("/api/admin/reports").await.refused(403, "forbidden");
        asha.get("/api/admin/reports/2026-11/pdf").await.refused(403, "forbidden");
        app.nobody().get("/api/reports/2026-11/pdf").await.refused(401, "unauthorized");
    }

    async fn a_report_is_a_pdf_in_the_readers_language(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        november(&app, &admin, &[&asha]).await;
        let pdf = async |who: &Caller<'_>, path: &str| {
            let file = who.get(path).await;
            assert_eq!((file.status.as_u16(), file.header("content-type")), (200, "application/pdf"));
            assert!(file.body.starts_with(b"%PDF-"));
            file
        };
        let english = pdf(&asha, "/api/reports/2026-11/pdf").await;
        assert_eq!(english.header("content-disposition"), "attachment; filename=\"parking-2026-11.pdf\"");
        asha.patch("/api/me", json!({ "preferences": { "language": "hi" } })).await.expect(200);
        let hindi = pdf(&asha, "/api/reports/2026-11/pdf").await;
        assert_ne!(english.body, hindi.body);
        let operator = pdf(&admin, "/api/admin/reports/2026-11/pdf").await;
        assert_eq!(operator.header("content-disposition"), "attachment; filename=\"parking-operations-2026-11.pdf\"");
    }

    async fn a_month_is_reported_once_and_stays_as_it_was_told(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        november(&app, &admin, &[&asha]).await;
        let (told, report) = (reports(&admin).await.len(), asha.get("/api/reports/2026-11").await.expect(200));
        app.wait_minutes(60);
        admin.post_empty("/api/admin/schedules/monthly-reports/run").await.expect(202);
        work(&app).await;
        assert_eq!(reports(&admin).await.len(), told);
        assert_eq!(asha.get("/api/reports/2026-11").await.expect(200), report);
    }

    async fn who_wants_no_mail_still_has_the_page(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        asha.patch("/api/me", json!({ "preferences": { "monthly_reports": false } })).await.expect(200);
        november(&app, &admin, &[&asha]).await;
        assert_eq!(reports(&admin).await.len(), 1, "the operator's");
        asha.get("/api/reports/2026-11").await.expect(200);
    }
}
