//! The audit log.

use parking::audit::chain::{self, Fault, Link, Verified};
use serde_json::json;
use uuid::Uuid;

use crate::harness::{PASSWORD, TestApp, items, text};
use crate::process::{create_admin, parking, run};

async fn verify(app: &TestApp, noted: Option<Link>) -> Verified {
    let db = app.app.db.clone();
    tokio::task::spawn_blocking(move || chain::verify(&db, noted)).await.unwrap().unwrap()
}

/// As whoever has the database might.
async fn tamper(app: &TestApp, sql: &'static str) {
    app.app.db.write(Uuid::nil(), move |tx| Ok(tx.exec(sql, &[])?)).await.unwrap();
}

async fn faults(app: &TestApp, noted: Option<Link>) -> Vec<String> {
    verify(app, noted).await.faults.iter().map(ToString::to_string).collect()
}

/// An admin and five rows of the log.
async fn five_rows(app: &TestApp) {
    let admin = app.admin().await;
    for name in ["A", "B", "C", "D"] {
        admin.new_lot(name, 1).await;
    }
}

on_both! {
    async fn every_sign_in_change_and_release_by_another_is_one_row(app: TestApp) {
        let admin = app.admin().await;
        let asha = app.driver("asha").await;
        let wrong = json!({ "email": "asha@example.org", "password": "wrong password" });
        app.nobody().post("/api/auth/login", wrong).await.expect(401);
        app.sign_in("asha@example.org").await;
        let lot = admin.new_lot("Central", 3).await;
        admin.patch(&format!("/api/lots/{lot}"), json!({ "price_per_hour_minor": 100 })).await.expect(200);
        let own = asha.park(&lot).await.expect(201);
        asha.release(&own).await.expect(200);
        let hers = asha.park(&lot).await.expect(201);
        admin.release(&hers).await.expect(200);
        let walk_in = admin.walk_in(&lot, "W1").await.expect(201);
        admin.release(&walk_in).await.expect(200);
        let spots = admin.get(&format!("/api/admin/lots/{lot}/spots")).await.expect(200);
        let spot = text(&items(&spots)[0], "id").to_owned();
        admin.patch(&format!("/api/spots/{spot}"), json!({ "out_of_service": true })).await.expect(200);
        admin.patch(&format!("/api/admin/users/{}", asha.id), json!({ "active": false })).await.expect(200);
        admin.delete(&format!("/api/lots/{lot}")).await.expect(204);
        let mut actions = admin.audit_actions().await;
        actions.reverse();
        assert_eq!(actions, [
            "admin.claimed", "account.registered", "account.sign_in_failed", "account.signed_in", "lot.created",
            "lot.changed", "booking.released_by_another", "booking.walk_in", "booking.released_by_another",
            "spot.changed", "user.disabled", "lot.deleted",
        ]);
    }

    async fn a_row_says_who_what_when_and_from_where(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        admin.patch(&format!("/api/lots/{lot}"), json!({ "price_per_hour_minor": 100 })).await.expect(200);
        let log = admin.get("/api/admin/audit?action=lot.changed").await.expect(200);
        let [row] = &items(&log)[..] else { panic!("{log}") };
        assert_eq!(row["actor"], json!({ "id": admin.id, "name": "Admin" }));
        assert_eq!((text(row, "subject_kind"), text(row, "subject_id")), ("lot", lot.as_str()));
        assert_eq!((text(row, "at"), text(row, "address")), ("2026-11-22T10:00:00Z", "192.0.2.1"));
        assert_eq!(row["detail"]["price_per_hour_minor"], json!([6000, 100]));
    }

    async fn a_failed_sign_in_is_noted_without_what_was_typed(app: TestApp) {
        let admin = app.admin().await;
        let wrong = json!({ "email": "typed-my-password-here@example.org", "password": "secret of mine" });
        app.nobody().post("/api/auth/login", wrong).await.expect(401);
        let log = admin.get("/api/admin/audit?action=account.sign_in_failed").await.expect(200);
        assert_eq!(items(&log)[0]["detail"], json!({ "reason": "invalid_credentials" }));
        assert!(!log.to_string().contains("typed-my-password") && !log.to_string().contains("secret of mine"));
    }

    async fn no_route_changes_the_log(app: TestApp) {
        let admin = app.admin().await;
        let log = admin.get("/api/admin/audit").await.expect(200);
        let id = text(&items(&log)[0], "id").to_owned();
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            admin.send(method, "/api/admin/audit", Some("{}".into()), &[]).await.refused(405, "method_not_allowed");
            admin.send(method, &format!("/api/admin/audit/{id}"), Some("{}".into()), &[]).await.refused(404, "not_found");
        }
        assert_eq!(admin.get("/api/admin/audit").await.expect(200), log);
    }

    async fn a_wrong_password_leaves_nothing_of_it_behind(app: TestApp) {
        app.driver("asha").await;
        let log = app.app.db.read(|tx| Ok(tx.all("select password_hash from users", &[], |row| row.get::<Option<String>>(0))?));
        for hash in log.await.unwrap().into_iter().flatten() {
            assert!(hash.starts_with("$argon2id$") && !hash.contains(PASSWORD));
        }
    }

    async fn the_log_is_one_chain_though_many_write_at_once(app: TestApp) {
        let admin = app.admin().await;
        let mut people = Vec::new();
        for n in 0..6 {
            people.push(app.driver(&format!("driver{n}")).await);
        }
        let lots = futures_util::future::join_all((0..24).map(|n| {
            let admin = &admin;
            async move { admin.new_lot(&format!("Lot {n}"), 1).await }
        }));
        let sign_ins = futures_util::future::join_all((0..12).map(|n| {
            let app = &app;
            async move { app.sign_in(&format!("driver{}@example.org", n % 6)).await }
        }));
        let _ = futures_util::future::join(lots, sign_ins).await;
        let Verified { end, unchained, faults } = verify(&app, None).await;
        assert_eq!((end.number, unchained, faults), (1 + 6 + 24 + 12, 0, vec![]));
    }

    async fn a_row_that_is_edited_shows_by_its_number(app: TestApp) {
        five_rows(&app).await;
        tamper(&app, "update audit set detail = '{}' where number = 3").await;
        let [Fault::Changed { number: 3, action, .. }] = &verify(&app, None).await.faults[..] else {
            panic!("{:?}", faults(&app, None).await)
        };
        assert_eq!(action, "lot.created");
    }

    async fn a_row_that_is_removed_shows_be_it_the_last(app: TestApp) {
        five_rows(&app).await;
        tamper(&app, "delete from audit where number = 5").await;
        assert_eq!(faults(&app, None).await, ["row 5 is missing"]);
        tamper(&app, "delete from audit where number in (2, 3)").await;
        assert_eq!(faults(&app, None).await, ["rows 2 to 3 are missing", "row 5 is missing"]);
        tamper(&app, "delete from audit").await;
        assert_eq!(faults(&app, None).await, ["rows 1 to 5 are missing"]);
    }

    async fn a_row_that_is_put_in_shows(app: TestApp) {
        five_rows(&app).await;
        let sql = "insert into audit (id, at, action, detail, number, hash) \
                   select tally, at, 'lot.deleted', '{}', 6, hash from audit, \
                   (select id as tally from users) as u where number = 5";
        tamper(&app, sql).await;
        assert_eq!(faults(&app, None).await, ["there are rows from 6 that nobody chained"]);
    }

    async fn a_log_that_is_cut_and_chained_anew_shows_by_an_end_that_was_noted(app: TestApp) {
        five_rows(&app).await;
        let noted = verify(&app, None).await.end;
        tamper(&app, "delete from audit where number > 3").await;
        tamper(&app, "update audit set number = null").await;
        tamper(&app, "update audit_chain set length = 0, hash = null").await;
        app.driver("asha").await;
        assert_eq!(faults(&app, None).await, [""; 0]);
        let [Fault::Noted { found: None, .. }] = &verify(&app, Some(noted)).await.faults[..] else {
            panic!("{:?}", faults(&app, Some(noted)).await)
        };
        let other = Link { number: 2, ..noted };
        let [Fault::Noted { found: Some(_), .. }] = &verify(&app, Some(other)).await.faults[..] else {
            panic!("{:?}", faults(&app, Some(other)).await)
        };
    }

    async fn the_log_goes_on_from_an_end_that_was_noted(app: TestApp) {
        five_rows(&app).await;
        let noted = verify(&app, None).await.end;
        app.driver("asha").await;
        let Verified { end, faults, .. } = verify(&app, Some(noted)).await;
        assert_eq!((end.number, faults), (6, vec![]));
    }

    async fn what_is_rolled_back_is_not_in_the_chain(app: TestApp) {
        five_rows(&app).await;
        let refused = app.app.db.write(Uuid::nil(), |tx| {
            let (now, actor) = (jiff::Timestamp::UNIX_EPOCH, parking::audit::Actor::default());
            parking::audit::store::record(tx, now, &actor, parking::audit::Action::Imported, None, &json!({}))?;
            Err::<(), _>(parking::error::Error::NotFound)
        });
        assert!(refused.await.is_err());
        let Verified { end, unchained, faults } = verify(&app, None).await;
        assert_eq!((end.number, unchained, faults), (5, 0, vec![]));
    }

    async fn rows_of_an_older_program_are_taken_in_with_the_next(app: TestApp) {
        five_rows(&app).await;
        tamper(&app, "update audit set number = null, hash = null").await;
        tamper(&app, "update audit_chain set length = 0, hash = null").await;
        assert_eq!(verify(&app, None).await.unchained, 5);
        app.driver("asha").await;
        let Verified { end, unchained, faults } = verify(&app, None).await;
        assert_eq!((end.number, unchained, faults), (6, 0, vec![]));
    }
}

#[test]
fn the_command_finds_what_was_changed_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let verify =
        |more: &[&str]| run(parking(folder.path()).args(["audit", "verify"]).args(more), "");
    let (status, said) = verify(&[]);
    assert!(
        status.success() && said.starts_with("1 rows, all as they were written\nEnd: 1:"),
        "{said}"
    );
    let end = said.trim().rsplit(' ').next().unwrap();
    assert!(verify(&["--noted", end]).0.success());
    assert_eq!(verify(&["--noted", "1:00"]).0.code(), Some(2));

    let file = rusqlite::Connection::open(folder.path().join("parking.sqlite")).unwrap();
    file.execute("update audit set actor_id = null, subject_id = null", []).unwrap();
    drop(file);
    let (status, said) = verify(&[]);
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("row 1 is not what was written") && said.contains("tampered"), "{said}");

    let nothing = tempfile::tempdir().unwrap();
    let (status, said) = run(parking(nothing.path()).args(["audit", "verify"]), "");
    assert!(status.code() == Some(1) && said.contains("there is no database"), "{said}");
    assert!(!nothing.path().join("parking.sqlite").exists());
}
