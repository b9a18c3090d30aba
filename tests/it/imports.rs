//! Imports of lots and sessions.

use std::path::PathBuf;

use parking::imports::{lots, sessions};
use serde_json::json;

use crate::harness::{Answer, Caller, TestApp, items, text};

const LOTS: &str = "\u{feff}lot,name,city,address,number_of_spots,latitude,longitude\n\
    x,Central,Bonn,\"Markt 1, 53111 Bonn\",3,50.73,7.1\n\
    y,Harbour,Bonn,,1,,\n";

fn file(app: &TestApp, name: &str, content: &str) -> PathBuf {
    let path = app.folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

async fn import_lots(app: &TestApp, content: &str) -> Result<lots::Outcome, String> {
    let (path, app) = (file(app, "lots.csv", content), app.app.clone());
    tokio::task::spawn_blocking(move || lots::run(&app, &path, 250)).await.unwrap()
}

async fn import_sessions(app: &TestApp, content: &str) -> Result<sessions::Outcome, String> {
    let (path, app) = (file(app, "sessions.csv", content), app.app.clone());
    tokio::task::spawn_blocking(move || sessions::run(&app, &path)).await.unwrap()
}

/// Imports both, which must be right.
pub async fn import_both(app: &TestApp, lots: &str, sessions: &str) {
    import_lots(app, lots).await.unwrap();
    import_sessions(app, sessions).await.unwrap();
}

async fn import(who: &Caller<'_>, options: &str, content: &str) -> Answer {
    let path = format!("/api/admin/imports/lots?{options}");
    who.send("POST", &path, Some(content.into()), &[("content-type", "text/csv")]).await
}

fn sessions_file(rows: &[&str]) -> String {
    format!("lot,started_at,ended_at\n{}\n", rows.join("\n"))
}

on_both! {
    async fn lots_are_imported_once_by_their_key(app: TestApp) {
        let admin = app.admin().await;
        let created = lots::Outcome { created: 2, ..Default::default() };
        assert_eq!(import_lots(&app, LOTS).await, Ok(created));
        let unchanged = lots::Outcome { unchanged: 2, ..Default::default() };
        assert_eq!(import_lots(&app, LOTS).await, Ok(unchanged));
        let changed = lots::Outcome { changed: 1, unchanged: 1, ..Default::default() };
        assert_eq!(import_lots(&app, &LOTS.replace("Harbour,Bonn,,1", "Harbour,Bonn,,4")).await, Ok(changed));
        let page = admin.get("/api/lots").await.expect(200);
        let [central, harbour] = &items(&page)[..] else { panic!("{page}") };
        assert_eq!((text(central, "address"), &central["latitude"]), ("Markt 1, 53111 Bonn", &json!(50.73)));
        assert_eq!((&harbour["number_of_spots"], &harbour["latitude"]), (&json!(4), &json!(null)));
        assert_eq!(harbour["price_per_hour_minor"], 250);
    }

    async fn a_wrong_line_is_named_and_nothing_is_imported(app: TestApp) {
        let admin = app.admin().await;
        for (row, said) in [
            ("z,,Bonn,,3,,", "line 4: name must not be empty"),
            ("z,Zoo,Bonn,,many,,", "line 4: number_of_spots must be a whole number"),
            ("z,Zoo,Bonn,,0,,", "line 4: number_of_spots must be 1 to 20000"),
            ("z,Zoo,Bonn,,3,91,0", "line 4: latitude must be -90 to 90"),
            ("x,Zoo,Bonn,,3,,", "line 4: lot x stands on line 2 already"),
            ("z,Zoo", "line: 4"),
        ] {
            let refusal = import_lots(&app, &format!("{LOTS}{row}\n")).await.unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
        let refusal = import_lots(&app, "lot,name\nx,Central\n").await.unwrap_err();
        assert!(refusal.contains("line 1: the column number_of_spots is missing"), "{refusal}");
        assert!(items(&admin.get("/api/lots").await.expect(200)).is_empty());
    }

    async fn a_preview_says_what_would_become_of_each_line_and_changes_nothing(app: TestApp) {
        let admin = app.admin().await;
        import_lots(&app, LOTS).await.unwrap();
        let lots = items(&admin.get("/api/lots").await.expect(200)).clone();
        admin.walk_in(text(&lots[0], "id"), "A1").await.expect(201);
        admin.walk_in(text(&lots[0], "id"), "A2").await.expect(201);
        let before = admin.get("/api/lots").await.expect(200);
        let file = "lot,name,number_of_spots,city,price_per_hour_minor\n\
            x,Central,1,Bonn,250\ny,Harbour,4,Bonn,\nz,Zoo,7,Bonn,300\nq,,7,Bonn,300\n";
        let preview = import(&admin, "dry_run=true", file).await.expect(200);
        assert_eq!((&preview["created"], &preview["changed"], &preview["dry_run"]), (&json!(1), &json!(1), &json!(true)));
        let harbour = &preview["lots"][0];
        let change = json!([{ "field": "number_of_spots", "before": 1, "after": 4 }]);
        assert_eq!((text(harbour, "action"), &harbour["changes"]), ("change", &change));
        assert_eq!(text(&preview["lots"][1], "action"), "create");
        let said: Vec<_> = preview["problems"].as_array().unwrap().iter()
            .map(|problem| (problem["line"].as_u64().unwrap(), text(problem, "message").to_owned())).collect();
        assert_eq!(said, [
            (2, "x cannot shrink to 1 spots, 2 are occupied".into()), (5, "name must not be empty".into()),
        ]);
        assert_eq!(admin.get("/api/lots").await.expect(200), before);
        import(&admin, "", file).await.invalid(&["line 5"]);
        let file = &file.replace("q,,7,Bonn,300\n", "");
        import(&admin, "", file).await.invalid(&["line 2"]);
        assert_eq!(admin.get("/api/lots").await.expect(200), before);

        let done = import(&admin, "file_name=city.csv", &file.replace("x,Central,1", "x,Central,2")).await.expect(200);
        assert_eq!((&done["created"], &done["changed"], &done["dry_run"]), (&json!(1), &json!(2), &json!(false)));
        let after = admin.get("/api/lots").await.expect(200);
        // What the file has no column for stays.
        assert_eq!((&items(&after)[0]["number_of_spots"], text(&items(&after)[0], "address")), (&json!(2), "Markt 1, 53111 Bonn"));
        assert_eq!(items(&after)[1]["price_per_hour_minor"], 250);
        let log = admin.get("/api/admin/audit?limit=1").await.expect(200);
        assert_eq!((text(&items(&log)[0], "action"), text(&items(&log)[0]["detail"], "file")), ("import.done", "city.csv"));
        assert_eq!(items(&log)[0]["actor"]["id"], json!(admin.id));
    }

    async fn a_file_over_http_is_checked(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        import(&asha, "", LOTS).await.refused(403, "forbidden");
        import(&admin, "dry_run=true", "lot,name\nx,Central\n").await.invalid(&["file"]);
        import(&admin, "dry_run=perhaps", LOTS).await.invalid(&["dry_run"]);
        let typed = admin.post("/api/admin/imports/lots", json!({})).await;
        let typed = typed.refused(415, "unsupported_media_type");
        assert_eq!(text(&typed, "detail"), "Send the body as text/csv.");
        let long = "n".repeat(256);
        import(&admin, &format!("file_name={long}"), LOTS).await.invalid(&["file_name"]);
        let keyed = format!("{LOTS}{long},Zoo,Bonn,,3,,\n");
        import(&admin, "price_per_hour_minor=1", &keyed).await.invalid(&["line 4"]);
        let priceless = import(&admin, "dry_run=true", LOTS).await.expect(200);
        assert_eq!(text(&priceless["problems"][0], "message"), "price_per_hour_minor must not be empty");
        let priced = import(&admin, "dry_run=true&price_per_hour_minor=100", LOTS).await.expect(200);
        assert_eq!(priced["problems"], json!([]));
    }

    async fn sessions_become_bookings_with_their_own_times_and_cost(app: TestApp) {
        let admin = app.admin().await;
        import_lots(&app, LOTS).await.unwrap();
        let content = sessions_file(&[
            "x,2026-06-08T08:00:00Z,2026-06-08T10:00:00Z",
            "x,2026-06-08T09:00:00Z,",
            "x,2026-06-08T10:00:00Z,2026-06-08T10:30:00Z",
            "y,2026-06-08T10:00:00Z,",
        ]);
        let outcome = sessions::Outcome { closed: 2, open: 2 };
        assert_eq!(import_sessions(&app, &content).await, Ok(outcome));
        let page = admin.get("/api/admin/bookings").await.expect(200);
        let seen: Vec<_> = items(&page).iter().map(|booking| {
            (text(booking, "started_at").to_owned(), text(&booking["lot"], "name").to_owned(),
             text(&booking["spot"], "label").to_owned(), text(booking, "status").to_owned())
        }).collect();
        assert!(seen.contains(&("2026-06-08T08:00:00Z".into(), "Central".into(), "A01".into(), "closed".into())));
        assert!(seen.contains(&("2026-06-08T09:00:00Z".into(), "Central".into(), "A02".into(), "open".into())));
        assert!(seen.contains(&("2026-06-08T10:00:00Z".into(), "Central".into(), "A01".into(), "closed".into())));
        assert!(seen.is_sorted_by(|a, b| a.0 >= b.0), "{seen:?}");
        let first = items(&page).last().unwrap();
        assert_eq!((&first["cost_minor"], &first["user_id"]), (&json!(500), &json!(null)));
        let free: Vec<_> = items(&admin.get("/api/lots").await.expect(200)).iter().map(|lot| lot["free_spots"].clone()).collect();
        assert_eq!(free, [json!(2), json!(0)]);
        // An open one is released like any other.
        let open = admin.get("/api/admin/bookings?status=open").await.expect(200);
        admin.release(&items(&open)[0]).await.expect(200);
    }

    async fn a_file_of_sessions_counts_once(app: TestApp) {
        import_lots(&app, LOTS).await.unwrap();
        let content = sessions_file(&["x,2026-06-08T08:00:00Z,2026-06-08T10:00:00Z"]);
        import_sessions(&app, &content).await.unwrap();
        let refusal = import_sessions(&app, &content).await.unwrap_err();
        assert!(refusal.contains("imported already"), "{refusal}");
    }

    async fn a_session_that_cannot_be_stops_the_whole_file(app: TestApp) {
        let admin = app.admin().await;
        import_lots(&app, LOTS).await.unwrap();
        let good = "y,2026-06-08T08:00:00Z,2026-06-08T10:00:00Z";
        for (row, said) in [
            ("y,2026-06-08T09:00:00Z,", "line 3: no spot of lot y is free at 2026-06-08T09:00:00Z"),
            ("q,2026-06-08T09:00:00Z,", "line 3: there is no lot q"),
            ("y,yesterday,", "line 3: started_at must be an RFC 3339 instant"),
            ("y,2026-06-08T09:00:00Z,2026-06-08T08:00:00Z", "line 3: ended_at is before started_at"),
            (",2026-06-08T09:00:00Z,", "line 3: lot must not be empty"),
        ] {
            let refusal = import_sessions(&app, &sessions_file(&[good, row])).await.unwrap_err();
            assert!(refusal.contains(said), "{refusal}");
        }
        assert!(items(&admin.get("/api/admin/bookings").await.expect(200)).is_empty());
    }
}
