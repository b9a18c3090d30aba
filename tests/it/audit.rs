//! The audit log.

use serde_json::json;

use crate::harness::{PASSWORD, TestApp, items, text};

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
}
