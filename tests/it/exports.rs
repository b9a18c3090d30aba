//! Exports: asked for, written by a job, downloaded by their owner.

use jiff::SignedDuration;
use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp, items, text};
use crate::peers::S3Server;

/// Asks for an export, has it written, gives the finished task.
async fn export(app: &TestApp, who: &Caller<'_>, path: &str, wish: Value) -> Value {
    let begun = who.post(path, wish).await;
    let id = text(&begun.expect(202), "task_id").to_owned();
    assert_eq!(begun.header("location"), format!("/api/tasks/{id}"));
    worker::work_off(&app.app).await.unwrap();
    let task = who.get(&format!("/api/tasks/{id}")).await.expect(200);
    assert_eq!(text(&task, "status"), "succeeded", "{task}");
    task
}

async fn download(who: &Caller<'_>, task: &Value) -> String {
    let file = who.get(text(&task["result"], "download_url")).await;
    assert_eq!(file.status.as_u16(), 200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        file.header("content-disposition"),
        "attachment; filename=\"bookings-2026-11-22.csv\""
    );
    assert_eq!(json!(file.body.len()), task["result"]["bytes"]);
    String::from_utf8(file.body).unwrap()
}

fn files(app: &TestApp) -> usize {
    std::fs::read_dir(app.folder.path().join("exports")).unwrap().count()
}

on_both! {
    async fn an_export_holds_ones_own_bookings_the_oldest_first(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let lot = admin.new_lot("Central, east", 5).await;
        let first = asha.park_plate(&lot, "MH12AB1234").await.expect(201);
        app.wait_minutes(90);
        asha.release(&first).await.expect(200);
        asha.park(&lot).await.expect(201);
        ravi.park(&lot).await.expect(201);
        app.wait_minutes(30);

        let task = export(&app, &asha, "/api/exports", json!({})).await;
        assert_eq!((text(&task, "kind"), &task["result"]["rows"]), ("export", &json!(2)));
        let file = download(&asha, &task).await;
        let rows: Vec<_> = file.split("\r\n").collect();
        assert_eq!(rows.len(), 4, "{file}");
        assert!(rows[0].starts_with("\u{feff}reference,lot,spot,vehicle_plate,status,"));
        let reference = text(&first, "reference");
        assert_eq!(rows[1], format!(
            "{reference},\"Central, east\",A01,MH12AB1234,closed,2026-11-22T15:30:00+05:30,\
             2026-11-22T17:00:00+05:30,90,60.00,90.00,INR"));
        assert!(rows[2].ends_with(",A01,,open,2026-11-22T17:00:00+05:30,,30,60.00,30.00,INR"), "{}", rows[2]);
    }

    async fn only_its_owner_can_download_an_export_and_only_until_it_expires(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let task = export(&app, &asha, "/api/exports", json!({})).await;
        let url = text(&task["result"], "download_url");
        ravi.get(url).await.refused(404, "not_found");
        admin.get(url).await.refused(404, "not_found");
        app.nobody().get(url).await.refused(401, "unauthorized");
        asha.get(url).await.expect(200);
        app.wait_minutes(7 * 24 * 60);
        asha.get(url).await.refused(404, "not_found");
        assert_eq!(files(&app), 1);
        admin.post_empty("/api/admin/schedules/clean-up/run").await.expect(202);
        worker::work_off(&app.app).await.unwrap();
        assert_eq!(files(&app), 0);
    }

    async fn a_file_is_left_alone_while_its_task_may_write_it(app: TestApp) {
        let asha = app.driver("asha").await;
        let begun = asha.post("/api/exports", json!({})).await.expect(202);
        let folder = app.folder.path().join("exports");
        let (written, left) = (text(&begun, "task_id"), "00000000-0000-7000-8000-000000000000");
        for name in [written, left] {
            std::fs::write(folder.join(format!("{name}.csv")), "whole").unwrap();
            std::fs::write(folder.join(format!("{name}.csv#1")), "unfin").unwrap();
        }
        // The clock of the files need not be that of the server.
        app.wait_minutes(2 * 24 * 60);
        assert_eq!(parking::exports::remove_expired(&app.app).await.unwrap(), 2);
        assert!(folder.join(format!("{written}.csv")).exists() && folder.join(format!("{written}.csv#1")).exists());
    }

    async fn the_admin_exports_everyones_bookings_by_lot_and_user(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let (central, north) = (admin.new_lot("Central", 5).await, admin.new_lot("North", 5).await);
        asha.park(&central).await.expect(201);
        asha.park(&north).await.expect(201);
        ravi.park(&north).await.expect(201);
        admin.walk_in(&north, "WALKIN1").await.expect(201);
        app.wait_minutes(1);
        let path = "/api/admin/exports";
        asha.post(path, json!({})).await.refused(403, "forbidden");
        let rows = async |wish: Value| {
            let task = export(&app, &admin, path, wish).await;
            let file = download(&admin, &task).await;
            file.lines().skip(1).map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(rows(json!({})).await.len(), 4);
        let in_north = rows(json!({ "lot_id": north })).await;
        assert_eq!(in_north.len(), 3);
        assert!(in_north[0].contains(",asha,asha@example.org,open,"), "{in_north:?}");
        assert!(in_north[2].contains(",WALKIN1,,,open,"), "{in_north:?}");
        assert_eq!(rows(json!({ "lot_id": north, "user_id": ravi.id })).await.len(), 1);
        assert_eq!(rows(json!({ "to": "2026-11-22T10:00:00Z" })).await.len(), 0);
        assert_eq!(rows(json!({ "from": "2026-11-22T10:00:00Z" })).await.len(), 4);
    }

    async fn the_same_request_within_a_minute_is_the_same_task(app: TestApp) {
        let asha = app.driver("asha").await;
        let ask = async |wish: &Value| {
            let begun = asha.post("/api/exports", wish.clone()).await.expect(202);
            text(&begun, "task_id").to_owned()
        };
        let (all, some) = (json!({}), json!({ "from": "2026-11-01T00:00:00Z" }));
        let first = ask(&all).await;
        worker::work_off(&app.app).await.unwrap();
        assert_eq!(ask(&all).await, first);
        assert_ne!(ask(&some).await, first);
        app.clock.advance(SignedDuration::from_secs(61));
        assert_ne!(ask(&all).await, first);
    }

    async fn nobody_has_more_than_ten_exports_waiting(app: TestApp) {
        let asha = app.driver("asha").await;
        let wish = |day: i32| json!({ "from": format!("2026-11-{day:02}T00:00:00Z") });
        for day in 1..=10 {
            asha.post("/api/exports", wish(day)).await.expect(202);
        }
        asha.post("/api/exports", wish(11)).await.refused(409, "too_many_exports");
        worker::work_off(&app.app).await.unwrap();
        asha.post("/api/exports", wish(11)).await.expect(202);
    }

    async fn times_are_in_the_zone_that_was_asked_for_else_in_ones_own(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let lot = admin.new_lot("Central", 5).await;
        asha.park(&lot).await.expect(201);
        app.wait_minutes(1);
        asha.patch("/api/me", json!({ "preferences": { "time_zone": "Europe/Berlin" } })).await.expect(200);
        let task = export(&app, &asha, "/api/exports", json!({})).await;
        assert!(download(&asha, &task).await.contains(",2026-11-22T11:00:00+01:00,"));
        let task = export(&app, &asha, "/api/exports", json!({ "time_zone": "America/St_Johns" })).await;
        assert!(download(&asha, &task).await.contains(",2026-11-22T06:30:00-03:30,"));
        asha.post("/api/exports", json!({ "time_zone": "Asia/Atlantis" })).await.invalid(&["time_zone"]);
        let backwards = json!({ "from": "2026-11-22T00:00:00Z", "to": "2026-11-21T00:00:00Z" });
        asha.post("/api/exports", backwards).await.invalid(&["to"]);
    }

    async fn a_file_of_many_parts_has_every_booking_once(app: TestApp) {
        let admin = app.admin().await;
        let folder = tempfile::tempdir().unwrap();
        let (lots, sessions) = (folder.path().join("lots.csv"), folder.path().join("sessions.csv"));
        std::fs::write(&lots, "lot,name,number_of_spots\nc,Central,10\n").unwrap();
        let mut text = String::from("lot,started_at,ended_at\n");
        let begin: jiff::Timestamp = "2026-10-01T00:00:00Z".parse().unwrap();
        for n in 0..5000_i64 {
            let at = |minutes| begin + SignedDuration::from_mins(minutes);
            text.push_str(&format!("c,{},{}\n", at(n), at(n + 5)));
        }
        std::fs::write(&sessions, text).unwrap();
        let import = app.app.clone();
        let done = tokio::task::spawn_blocking(move || {
            parking::imports::lots::run(&import, &lots, 6000).unwrap();
            parking::imports::sessions::run(&import, &sessions).unwrap()
        });
        assert_eq!(done.await.unwrap().closed, 5000);
        let task = export(&app, &admin, "/api/admin/exports", json!({ "time_zone": "UTC" })).await;
        let file = download(&admin, &task).await;
        let started: Vec<_> = file.lines().skip(1).map(|row| row.split(',').nth(7).unwrap()).collect();
        assert_eq!(started.len(), 5000);
        assert!(started.is_sorted() && started.windows(2).all(|pair| pair[0] != pair[1]));
    }
}

#[tokio::test]
async fn exports_can_be_kept_in_a_bucket() {
    let server = S3Server::start().await;
    let app = server.app("/exports", S3Server::ACCESS_KEY).await;
    let (admin, asha) = (app.admin().await, app.driver("asha").await);
    let lot = admin.new_lot("Central", 5).await;
    asha.park(&lot).await.expect(201);
    app.wait_minutes(1);
    let task = export(&app, &asha, "/api/exports", json!({})).await;
    let url = text(&task["result"], "download_url");
    let id = url.rsplit('/').next().unwrap();
    assert_eq!(server.objects(), [format!("exports/{id}.csv")]);
    assert!(download(&asha, &task).await.contains(",Central,A01,"));
    assert!(!app.folder.path().join("exports").exists());

    app.wait_minutes(9 * 24 * 60);
    admin.post_empty("/api/admin/schedules/clean-up/run").await.expect(202);
    worker::work_off(&app.app).await.unwrap();
    assert!(server.objects().is_empty(), "{:?}", server.objects());
}

#[tokio::test]
async fn a_bucket_that_is_away_delays_an_export() {
    let server = S3Server::start().await;
    let app = server.app("", "another").await;
    let asha = app.driver("asha").await;
    let begun = asha.post("/api/exports", json!({})).await.expect(202);
    worker::work_off(&app.app).await.unwrap();
    let task = asha.get(&format!("/api/tasks/{}", text(&begun, "task_id"))).await.expect(200);
    assert_eq!((text(&task, "status"), &task["result"]), ("queued", &Value::Null));
    assert_eq!(text(&task, "error"), "An attempt failed. The operator sees why.");
    let tasks = app.admin().await.get("/api/admin/tasks?kind=export").await.expect(200);
    let said = text(&items(&tasks)[0], "error");
    assert!(
        said.contains("could not be written") && !said.contains(S3Server::SECRET_KEY),
        "{said}"
    );
}
