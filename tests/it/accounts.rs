//! Accounts: registering, profile, password, deletion, disabling, the one admin.

use serde_json::json;

use crate::harness::{PASSWORD, TestApp, items, text};

on_both! {
    async fn a_registered_person_is_signed_in(app: TestApp) {
        let asha = app.driver("asha").await;
        let me = asha.get("/api/me").await.expect(200);
        assert_eq!((text(&me, "name"), text(&me, "email"), text(&me, "role")), ("asha", "asha@example.org", "user"));
        assert_eq!(me["created_at"], "2026-11-22T10:00:00Z");
    }

    async fn an_email_is_taken_once_whatever_its_case(app: TestApp) {
        app.driver("asha").await;
        let again = json!({ "name": "Other", "email": " ASHA@Example.org", "password": PASSWORD });
        app.nobody().post("/api/auth/register", again).await.refused(409, "email_taken");
    }

    async fn everything_wrong_with_a_registration_is_said_at_once(app: TestApp) {
        let wrong = json!({ "name": " ", "email": "nobody", "password": "password1" });
        app.nobody().post("/api/auth/register", wrong).await.invalid(&["name", "email", "password"]);
    }

    async fn nobody_can_register_as_admin(app: TestApp) {
        let wish = json!({ "name": "E", "email": "e@example.org", "password": PASSWORD, "role": "admin" });
        app.nobody().post("/api/auth/register", wish).await.invalid(&["role"]);
    }

    async fn a_new_email_needs_the_password_and_a_new_name_does_not(app: TestApp) {
        let asha = app.driver("asha").await;
        app.driver("ravi").await;
        assert_eq!(asha.patch("/api/me", json!({ "name": "Asha Rao" })).await.expect(200)["name"], "Asha Rao");
        asha.patch("/api/me", json!({ "email": "new@example.org" })).await.invalid(&["current_password"]);
        let wrong = json!({ "email": "new@example.org", "current_password": "wrong password" });
        asha.patch("/api/me", wrong).await.refused(403, "wrong_password");
        let taken = json!({ "email": "ravi@example.org", "current_password": PASSWORD });
        asha.patch("/api/me", taken).await.refused(409, "email_taken");
        let right = json!({ "email": "new@example.org", "current_password": PASSWORD });
        assert_eq!(asha.patch("/api/me", right).await.expect(200)["email"], "new@example.org");
        app.sign_in("new@example.org").await;
    }

    async fn a_new_password_works_and_the_old_one_does_not(app: TestApp) {
        let asha = app.driver("asha").await;
        let change = |current: &str, new: &str| json!({ "current_password": current, "new_password": new });
        asha.post("/api/me/password", change("wrong password", "another horse")).await.refused(403, "wrong_password");
        asha.post("/api/me/password", change(PASSWORD, "short")).await.invalid(&["new_password"]);
        asha.post("/api/me/password", change(PASSWORD, "another horse")).await.expect(204);
        let sign_in = |password: &str| json!({ "email": "asha@example.org", "password": password });
        app.nobody().post("/api/auth/login", sign_in(PASSWORD)).await.refused(401, "invalid_credentials");
        app.nobody().post("/api/auth/login", sign_in("another horse")).await.expect(200);
    }

    async fn a_new_password_ends_the_other_sessions(app: TestApp) {
        let here = app.driver("asha").await;
        let elsewhere = app.sign_in("asha@example.org").await;
        let change = json!({ "current_password": PASSWORD, "new_password": "another horse" });
        here.post("/api/me/password", change).await.expect(204);
        here.get("/api/me").await.expect(200);
        elsewhere.get("/api/me").await.refused(401, "invalid_token");
    }

    async fn a_deleted_account_leaves_its_bookings_without_the_person(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 2).await;
        let asha = app.driver("asha").await;
        let booking = asha.park(&lot).await.expect(201);
        let password = json!({ "password": PASSWORD });
        asha.delete_with("/api/me", password.clone()).await.refused(409, "open_bookings");
        asha.release(&booking).await.expect(200);
        asha.delete_with("/api/me", json!({ "password": "wrong password" })).await.refused(403, "wrong_password");
        asha.delete_with("/api/me", password).await.expect(204);
        asha.get("/api/me").await.refused(401, "invalid_token");
        let books = admin.get("/api/admin/bookings").await.expect(200);
        assert_eq!(items(&books)[0]["user"]["name"], "Deleted account");
        assert_eq!(items(&books)[0]["user"]["email"], "");
        assert!(items(&admin.get("/api/admin/users?q=asha").await.expect(200)).is_empty());
        // The email is free again.
        app.driver("asha").await;
    }

    async fn a_disabled_user_is_out_at_the_next_request_and_stays_out(app: TestApp) {
        let admin = app.admin().await;
        let asha = app.driver("asha").await;
        let path = format!("/api/admin/users/{}", asha.id);
        assert_eq!(admin.patch(&path, json!({ "active": false })).await.expect(200)["active"], false);
        asha.get("/api/me").await.refused(401, "invalid_token");
        asha.send("POST", "/api/auth/refresh", None, &[("cookie", &asha.cookie)]).await.refused(401, "invalid_refresh_token");
        let right = json!({ "email": "asha@example.org", "password": PASSWORD });
        app.nobody().post("/api/auth/login", right).await.refused(403, "account_disabled");
        let wrong = json!({ "email": "asha@example.org", "password": "wrong password" });
        app.nobody().post("/api/auth/login", wrong).await.refused(401, "invalid_credentials");
        admin.patch(&path, json!({ "active": true })).await.expect(200);
        app.sign_in("asha@example.org").await;
    }

    async fn there_is_one_admin_and_the_link_works_once(app: TestApp) {
        let setup = app.nobody().get("/api/setup").await.expect(200);
        assert_eq!(setup["admin_claimed"], false);
        let claim = |token: &str, email: &str| json!({ "token": token, "name": "A", "email": email, "password": PASSWORD });
        app.nobody().post("/api/setup/claim", claim("guess", "a@example.org")).await.refused(403, "invalid_claim_token");
        let admin = app.admin().await;
        assert_eq!(admin.get("/api/me").await.expect(200)["role"], "admin");
        assert_eq!(app.nobody().get("/api/setup").await.expect(200)["admin_claimed"], true);
        let second = app.app.claim.open(app.now());
        app.nobody().post("/api/setup/claim", claim(&second, "b@example.org")).await.refused(409, "admin_exists");
    }

    async fn the_admin_cannot_be_disabled_or_deleted(app: TestApp) {
        let admin = app.admin().await;
        let path = format!("/api/admin/users/{}", admin.id);
        admin.patch(&path, json!({ "active": false })).await.refused(409, "admin_cannot_be_disabled");
        admin.delete_with("/api/me", json!({ "password": PASSWORD })).await.refused(409, "admin_cannot_be_deleted");
    }

    async fn the_admin_finds_users_with_what_they_parked(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        let asha = app.driver("asha").await;
        app.driver("ravi").await;
        let first = asha.park(&lot).await.expect(201);
        app.wait_minutes(60);
        asha.release(&first).await.expect(200);
        asha.park(&lot).await.expect(201);
        let found = admin.get("/api/admin/users?q=ASHA").await.expect(200);
        let [user] = &items(&found)[..] else { panic!("{found}") };
        assert_eq!((user["open_bookings"].as_i64(), user["total_bookings"].as_i64()), (Some(1), Some(2)));
        assert_eq!(user["spend"], json!([{ "currency": "INR", "amount_minor": 6000 }]));
        assert!(items(&admin.get("/api/admin/users?q=%25").await.expect(200)).is_empty());
        let one = admin.get(&format!("/api/admin/users/{}", asha.id)).await.expect(200);
        assert_eq!(&one, user);
    }

    async fn users_are_paged_newest_first(app: TestApp) {
        let admin = app.admin().await;
        for name in ["a", "b", "c"] {
            app.wait_minutes(1);
            app.driver(name).await;
        }
        let first = admin.get("/api/admin/users?limit=2").await.expect(200);
        let names = |page: &serde_json::Value| items(page).iter().map(|user| text(user, "name").to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&first), ["c", "b"]);
        let cursor = text(&first, "next_cursor");
        let rest = admin.get(&format!("/api/admin/users?limit=2&cursor={cursor}")).await.expect(200);
        assert_eq!(names(&rest), ["a", "Admin"]);
        assert_eq!(rest["next_cursor"], json!(null));
    }

    async fn a_repeated_registration_by_its_key_opens_one_account(app: TestApp) {
        let registration = json!({ "name": "Asha", "email": "asha@example.org", "password": PASSWORD });
        let first = app.nobody().post_once("k1", "/api/auth/register", registration.clone()).await.expect(201);
        let again = app.nobody().post_once("k1", "/api/auth/register", registration).await.expect(201);
        assert_eq!(first["user"], again["user"]);
        let other = json!({ "name": "Eve", "email": "eve@example.org", "password": PASSWORD });
        app.nobody().post_once("k1", "/api/auth/register", other).await.refused(422, "idempotency_key_reused");
    }

    async fn a_repeated_registration_is_no_way_in_once_the_password_was_changed_or_the_account_disabled(app: TestApp) {
        let admin = app.admin().await;
        let register = async |name: &str| {
            let email = format!("{name}@example.org");
            let registration = json!({ "name": name, "email": email, "password": PASSWORD });
            app.nobody().post_once(name, "/api/auth/register", registration).await
        };
        let (asha, ravi) = (register("asha").await.signed_in(&app, 201), register("ravi").await.signed_in(&app, 201));
        let change = json!({ "current_password": PASSWORD, "new_password": "another good password" });
        asha.post("/api/me/password", change).await.expect(204);
        register("asha").await.refused(409, "email_taken");
        admin.patch(&format!("/api/admin/users/{}", ravi.id), json!({ "active": false })).await.expect(200);
        register("ravi").await.refused(409, "email_taken");
    }

    async fn only_the_admin_reaches_what_is_the_admins(app: TestApp) {
        let (asha, nobody) = (app.driver("asha").await, app.nobody());
        let id = uuid::Uuid::nil();
        for (method, path) in [
            ("GET", "/api/admin/users".to_owned()),
            ("GET", format!("/api/admin/users/{id}")),
            ("PATCH", format!("/api/admin/users/{id}")),
            ("GET", "/api/admin/bookings".to_owned()),
            ("POST", "/api/admin/bookings".to_owned()),
            ("GET", "/api/admin/audit".to_owned()),
            ("GET", format!("/api/admin/lots/{id}/spots")),
            ("POST", "/api/lots".to_owned()),
            ("PATCH", format!("/api/lots/{id}")),
            ("DELETE", format!("/api/lots/{id}")),
            ("PATCH", format!("/api/spots/{id}")),
        ] {
            let body = (method != "GET").then(|| "{}".to_owned());
            nobody.send(method, &path, body.clone(), &[]).await.refused(401, "unauthorized");
            asha.send(method, &path, body, &[]).await.refused(403, "forbidden");
        }
    }
}
