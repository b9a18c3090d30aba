//! Sessions: tokens, refresh with rotation, sign-out, limits.

use jiff::SignedDuration;
use parking::auth::{reset, store};
use serde_json::json;

use crate::harness::{Answer, Caller, PASSWORD, TestApp, items, text};
use crate::replicas::until;

async fn refresh(app: &TestApp, cookie: &str) -> Answer {
    app.nobody().send("POST", "/api/auth/refresh", None, &[("cookie", cookie)]).await
}

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    app.nobody().post("/api/auth/login", json!({ "email": email, "password": password })).await
}

on_both! {
    async fn a_session_names_its_user_and_hides_its_refresh_token(app: TestApp) {
        app.driver("asha").await;
        let answer = login(&app, "Asha@example.org", PASSWORD).await;
        let session = answer.expect(200);
        assert_eq!(session["token_type"], "Bearer");
        assert_eq!(session["expires_in"], 900);
        let cookie = answer.header("set-cookie").to_owned();
        assert!(cookie.starts_with("__Host-refresh="), "{cookie}");
        for attribute in ["Path=/", "HttpOnly", "Secure", "SameSite=Strict"] {
            assert!(cookie.split("; ").any(|part| part == attribute), "{cookie}");
        }
        assert!(!session.to_string().contains(answer.cookie().split_once('=').unwrap().1));
        assert_eq!(answer.header("cache-control"), "no-store");
    }

    async fn a_wrong_password_and_an_unknown_account_are_told_alike(app: TestApp) {
        app.driver("asha").await;
        let wrong = login(&app, "asha@example.org", "wrong password").await.refused(401, "invalid_credentials");
        let unknown = login(&app, "nobody@example.org", PASSWORD).await.refused(401, "invalid_credentials");
        assert_eq!(wrong, unknown);
    }

    async fn an_access_token_ends_and_the_refresh_cookie_gives_the_next(app: TestApp) {
        let asha = app.driver("asha").await;
        let first = asha.with_token(asha.token());
        app.wait_minutes(14);
        first.get("/api/me").await.expect(200);
        app.wait_minutes(1);
        first.get("/api/me").await.refused(401, "invalid_token");
        let asha = refresh(&app, &asha.cookie).await.signed_in(&app, 200);
        asha.get("/api/me").await.expect(200);
    }

    async fn one_sees_where_one_is_signed_in_and_ends_it(app: TestApp) {
        app.driver("asha").await;
        let phone = [("user-agent", "Phone"), ("content-type", "application/json")];
        let credentials = json!({ "email": "asha@example.org", "password": PASSWORD }).to_string();
        let answer = app.nobody().send("POST", "/api/auth/login", Some(credentials), &phone).await;
        let lost = answer.signed_in(&app, 200);
        app.wait_minutes(10);
        let lost = refresh(&app, &lost.cookie).await.signed_in(&app, 200);
        let here = app.sign_in("asha@example.org").await;
        let sessions = here.get("/api/me/sessions").await.expect(200);
        let seen: Vec<_> = items(&sessions).iter().map(|session| (session["user_agent"].as_str(), session["is_current"] == true)).collect();
        assert_eq!(seen, [(None, true), (Some("Phone"), false), (None, false)]);
        assert_eq!(text(&items(&sessions)[1], "last_used_at"), "2026-11-22T10:10:00Z");
        let path = format!("/api/me/sessions/{}", text(&items(&sessions)[1], "id"));
        app.driver("ravi").await.delete(&path).await.refused(404, "not_found");
        here.delete(&path).await.expect(204);
        lost.get("/api/me").await.refused(401, "invalid_token");
        refresh(&app, &lost.cookie).await.refused(401, "invalid_refresh_token");
        here.delete(&path).await.refused(404, "not_found");

        let tablet = app.sign_in("asha@example.org").await;
        here.delete("/api/me/sessions").await.expect(204);
        tablet.get("/api/me").await.refused(401, "invalid_token");
        let left = here.get("/api/me/sessions").await.expect(200);
        assert_eq!(items(&left).len(), 1);
        here.delete("/api/me/sessions").await.expect(204);
    }

    async fn a_refresh_whose_answer_was_lost_can_be_repeated(app: TestApp) {
        let first = app.driver("asha").await.cookie;
        let lost = refresh(&app, &first).await.signed_in(&app, 200).cookie;
        let second = refresh(&app, &first).await.signed_in(&app, 200).cookie;
        let asha = refresh(&app, &second).await.signed_in(&app, 200);
        asha.get("/api/me").await.expect(200);
        // The lost one was given up: whoever has it now found or stole it.
        refresh(&app, &lost).await.refused(401, "invalid_refresh_token");
        asha.get("/api/me").await.refused(401, "invalid_token");
    }

    async fn a_replayed_refresh_token_ends_the_whole_session(app: TestApp) {
        let admin = app.admin().await;
        let first = app.driver("asha").await.cookie;
        let second = refresh(&app, &first).await.signed_in(&app, 200).cookie;
        let asha = refresh(&app, &second).await.signed_in(&app, 200);
        let replayed = refresh(&app, &first).await;
        replayed.refused(401, "invalid_refresh_token");
        assert!(replayed.header("set-cookie").contains("Max-Age=0"));
        asha.get("/api/me").await.refused(401, "invalid_token");
        refresh(&app, &asha.cookie).await.refused(401, "invalid_refresh_token");
        assert_eq!(admin.audit_actions().await[0], "account.refresh_replayed");
    }

    async fn fifty_refreshes_at_once_leave_one_session_that_works(app: TestApp) {
        let cookie = app.driver("asha").await.cookie;
        let attempts = (0..50).map(|_| refresh(&app, &cookie));
        let answers = futures_util::future::join_all(attempts).await;
        let mut alive = 0;
        for answer in &answers {
            answer.expect(200);
        }
        for answer in answers.into_iter().rev() {
            alive += usize::from(refresh(&app, &answer.cookie()).await.status == 200);
            if alive == 1 {
                break;
            }
        }
        assert_eq!(alive, 1);
    }

    async fn a_session_ends_after_a_week_without_use(app: TestApp) {
        let asha = app.driver("asha").await;
        app.clock.advance(SignedDuration::from_hours(7 * 24 - 1));
        let asha = refresh(&app, &asha.cookie).await.signed_in(&app, 200);
        app.clock.advance(SignedDuration::from_hours(7 * 24));
        refresh(&app, &asha.cookie).await.refused(401, "invalid_refresh_token");
    }

    async fn a_session_ends_after_thirty_days_however_it_is_used(app: TestApp) {
        let mut asha = app.driver("asha").await;
        for _ in 0..4 {
            app.clock.advance(SignedDuration::from_hours(6 * 24));
            asha = refresh(&app, &asha.cookie).await.signed_in(&app, 200);
        }
        app.clock.advance(SignedDuration::from_hours(6 * 24));
        refresh(&app, &asha.cookie).await.refused(401, "invalid_refresh_token");
    }

    async fn signing_out_ends_the_session_at_once(app: TestApp) {
        let asha = app.driver("asha").await;
        let elsewhere = app.sign_in("asha@example.org").await;
        let answer = asha.send("POST", "/api/auth/logout", None, &[("cookie", &asha.cookie)]).await;
        answer.expect(204);
        assert!(answer.header("set-cookie").contains("Max-Age=0"));
        asha.get("/api/me").await.refused(401, "invalid_token");
        refresh(&app, &asha.cookie).await.refused(401, "invalid_refresh_token");
        elsewhere.get("/api/me").await.expect(200);
        // Without a session there is nothing to end.
        app.nobody().post_empty("/api/auth/logout").await.expect(204);
    }

    async fn another_site_cannot_use_the_cookie(app: TestApp) {
        let asha = app.driver("asha").await;
        for route in ["/api/auth/refresh", "/api/auth/logout"] {
            for foreign in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")] {
                let headers = [("cookie", asha.cookie.as_str()), ("host", "127.0.0.1:8080"), foreign];
                asha.send("POST", route, None, &headers).await.refused(403, "cross_site_request");
            }
        }
        asha.get("/api/me").await.expect(200);
    }

    async fn tokens_that_are_not_ours_are_refused(app: TestApp) {
        let asha = app.driver("asha").await;
        let token = asha.token().to_owned();
        let (head, signature) = token.rsplit_once('.').unwrap();
        let (header, claims) = head.split_once('.').unwrap();
        let mut flipped = signature.to_owned().into_bytes();
        flipped[0] ^= 1;
        let flipped = String::from_utf8(flipped).unwrap();
        let forged = [
            String::new(),
            "x".into(),
            format!("{header}.{claims}."),
            format!("{header}.{claims}.{flipped}"),
            format!("{claims}.{header}.{signature}"),
            format!("{token}x"),
            "eyJhbGciOiJub25lIn0.e30.".into(),
        ];
        for token in forged {
            let code = "invalid_token";
            asha.with_token(&token).get("/api/me").await.refused(401, code);
        }
        let basic = app.nobody().send("GET", "/api/me", None, &[("authorization", "Basic YTpi")]).await;
        basic.refused(401, "invalid_token");
        assert_eq!(basic.header("www-authenticate"), "Bearer");
    }
}

#[tokio::test]
async fn guessing_is_limited_and_says_for_how_long() {
    let app = TestApp::with(&[("RATE_LIMIT", "on")]).await;
    app.driver("asha").await;
    let first = login(&app, "asha@example.org", "wrong password").await;
    first.refused(401, "invalid_credentials");
    for _ in 0..9 {
        login(&app, "asha@example.org", "wrong password").await;
    }
    let refused = login(&app, "asha@example.org", PASSWORD).await;
    refused.refused(429, "rate_limited");
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    let other = app.driver("ravi").await;
    other.get("/api/me").await.expect(200);
}

#[tokio::test]
async fn a_sign_in_says_what_is_left_of_its_limit() {
    let app = TestApp::with(&[("RATE_LIMIT", "on")]).await;
    app.driver("asha").await;
    let answer = login(&app, "asha@example.org", PASSWORD).await;
    assert_eq!(answer.header("ratelimit-policy"), "\"sign-in\";q=10;w=60");
    assert_eq!(answer.header("ratelimit"), "\"sign-in\";r=9");
}

#[tokio::test]
async fn a_restart_forgets_no_sign_out() {
    let app = TestApp::sqlite().await;
    let asha = app.driver("asha").await;
    asha.send("POST", "/api/auth/logout", None, &[("cookie", &asha.cookie)]).await.expect(204);
    let token = asha.token().to_owned();
    let folder = app.folder.path().to_str().unwrap().to_owned();
    let again = TestApp::with(&[("DATA_DIR", &folder)]).await;
    let asha: Caller<'_> = again.nobody().with_token(&token);
    let problem = asha.get("/api/me").await.refused(401, "invalid_token");
    assert_eq!(text(&problem, "code"), "invalid_token");
}

#[tokio::test]
async fn whatever_ends_a_session_ends_it_at_every_server() {
    const NEW: &str = "another good password";
    let app = TestApp::postgres().await;
    let other = app.replica(&[]).await;
    let _background = [app.app.start_background(), other.app.start_background()];
    let admin = app.admin().await;
    for end in ["disabled", "password", "link", "elsewhere", "deleted"] {
        let here = app.driver(end).await;
        let lost = app.sign_in(&format!("{end}@example.org")).await;
        let there = other.nobody().with_token(lost.token());
        there.get("/api/me").await.expect(200);
        let ended = match end {
            "disabled" => {
                let path = format!("/api/admin/users/{}", here.id);
                admin.patch(&path, json!({ "active": false })).await
            }
            "password" => {
                let change = json!({ "current_password": PASSWORD, "new_password": NEW });
                here.post("/api/me/password", change).await
            }
            "link" => {
                let id = here.id.parse().unwrap();
                let account = app.app.db.read(move |tx| store::account_by_id(tx, id)).await;
                let account = account.unwrap().unwrap();
                let token = reset::token(&app.app.keys.links, &account, app.now());
                let new = json!({ "token": token, "password": NEW });
                app.nobody().post("/api/auth/reset-password", new).await
            }
            "elsewhere" => here.delete("/api/me/sessions").await,
            _ => here.delete_with("/api/me", json!({ "password": PASSWORD })).await,
        };
        assert!(ended.status.is_success(), "{end} {ended:?}");
        lost.with_token(lost.token()).get("/api/me").await.refused(401, "invalid_token");
        until(async || there.get("/api/me").await.status == 401).await;
    }
}
