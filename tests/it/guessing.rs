//! Guessing: answers and their work do not say who has an account, guesses are few whatever address is
//! invented for them, and the owner of the account is not kept out.

use axum::http::Request;
use parking::jobs;
use serde_json::json;

use crate::harness::{Answer, PASSWORD, TestApp, items, text};

const WRONG: &str = "not the password";

async fn login(app: &TestApp, email: &str, password: &str) -> Answer {
    app.nobody().post("/api/auth/login", json!({ "email": email, "password": password })).await
}

async fn register(app: &TestApp, email: &str) -> Answer {
    let registration = json!({ "name": "Eve", "email": email, "password": PASSWORD });
    app.nobody().post("/api/auth/register", registration).await
}

/// Asha has an account, Ravi's is disabled, Meera has deleted hers.
async fn people(app: &TestApp) {
    let admin = app.admin().await;
    app.driver("asha").await;
    let ravi = app.driver("ravi").await;
    let path = format!("/api/admin/users/{}", ravi.id);
    admin.patch(&path, json!({ "active": false })).await.expect(200);
    let meera = app.driver("meera").await;
    meera.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
}

/// All of it: nobody can tell them apart.
#[track_caller]
fn all_alike(answers: &[Answer]) {
    for answer in &answers[1..] {
        assert_eq!(
            (answer.status, &answer.headers, &answer.body),
            (answers[0].status, &answers[0].headers, &answers[0].body)
        );
    }
}

async fn requested_links(app: &TestApp) -> i64 {
    let counts = app.app.db.read(jobs::store::counts).await.unwrap();
    counts.iter().filter(|(kind, ..)| kind == "password_reset").map(|(.., count)| count).sum()
}

on_both! {
    async fn a_refused_sign_in_does_not_say_whether_there_is_such_an_account(app: TestApp) {
        people(&app).await;
        let mut answers = Vec::new();
        for (email, password) in [
            ("asha@example.org", WRONG), ("ravi@example.org", WRONG), ("meera@example.org", PASSWORD),
            ("nobody@example.org", WRONG), ("no email", WRONG), ("", ""),
        ] {
            answers.push(login(&app, email, password).await);
        }
        answers[0].refused(401, "invalid_credentials");
        all_alike(&answers);
        // That it is disabled is for who knows its password.
        login(&app, "ravi@example.org", PASSWORD).await.refused(403, "account_disabled");
    }

    async fn a_link_for_a_new_password_is_promised_to_everybody_with_the_same_work(app: TestApp) {
        people(&app).await;
        let mut answers = Vec::new();
        for who in ["asha", "ravi", "meera", "nobody"] {
            let before = requested_links(&app).await;
            let email = json!({ "email": format!("{who}@example.org") });
            answers.push(app.nobody().post("/api/auth/forgot-password", email).await);
            assert_eq!(requested_links(&app).await, before + 1, "{who}");
        }
        answers[0].expect(202);
        assert!(answers[0].body.is_empty());
        all_alike(&answers);
    }

    async fn a_taken_email_is_said_to_be_taken_and_nothing_of_whose_it_is(app: TestApp) {
        people(&app).await;
        let mut answers = Vec::new();
        for email in ["asha@example.org", "ravi@example.org", "admin@example.org", " ASHA@Example.org"] {
            answers.push(register(&app, email).await);
        }
        let problem = answers[0].refused(409, "email_taken");
        assert_eq!(problem.as_object().unwrap().len(), 5, "{problem}");
        assert_eq!(answers[0].header("set-cookie"), "");
        all_alike(&answers);
    }
}

#[tokio::test]
async fn an_unknown_account_costs_as_much_hashing_as_a_known_one() {
    /// 19 MiB in blocks of 1 KiB, filled twice.
    const ONE_HASH: u64 = 2 * 19_456;
    let app = TestApp::sqlite().await;
    people(&app).await;
    let spent = || app.app.hashers.blocks_filled();
    for who in ["asha", "ravi", "meera", "nobody"] {
        for password in [PASSWORD, WRONG] {
            let before = spent();
            login(&app, &format!("{who}@example.org"), password).await;
            assert_eq!(spent() - before, ONE_HASH, "{who} {password}");
        }
    }
    for email in ["asha@example.org", "ravi@example.org", "new@example.org"] {
        let before = spent();
        register(&app, email).await;
        assert_eq!(spent() - before, ONE_HASH, "{email}");
    }
}

/// Somebody's guesses at an account of Asha's, each from a connection and with headers of their choice.
struct Guesser<'a> {
    app: &'a TestApp,
    peer: &'a str,
}

impl Guesser<'_> {
    async fn guess(&self, forwarded: &[Vec<u8>]) -> Answer {
        let mut request =
            Request::post("/api/auth/login").header("content-type", "application/json");
        for value in forwarded {
            request = request.header("x-forwarded-for", &value[..]);
        }
        let body = json!({ "email": "asha@example.org", "password": WRONG }).to_string();
        let peer = (self.peer.parse::<std::net::IpAddr>().unwrap(), 40_000).into();
        Answer::read(self.app.raw_from(peer, request.body(body.into()).unwrap()).await).await
    }

    /// Guesses until there is no more guessing; the time between two gives back one now and then.
    async fn is_limited(&self, forwarded: impl Fn(usize) -> Vec<Vec<u8>>) -> bool {
        for guesses in 0..40 {
            let answer = self.guess(&forwarded(guesses)).await;
            if answer.status == 429 {
                answer.refused(429, "rate_limited");
                return guesses >= 10;
            }
            answer.refused(401, "invalid_credentials");
        }
        false
    }
}

#[tokio::test]
async fn a_guesser_is_limited_and_the_owner_signs_in_and_stays_signed_in() {
    let app = TestApp::with(&[("RATE_LIMIT", "on")]).await;
    let asha = app.driver("asha").await;
    let guesser = Guesser { app: &app, peer: "198.51.100.66" };
    assert!(guesser.is_limited(|_| Vec::new()).await);
    let right = json!({ "email": "asha@example.org", "password": PASSWORD });
    let away = app.nobody().from("192.0.2.77");
    away.post("/api/auth/login", right).await.expect(200);
    // Whoever is signed in already is not in the way of the limit, be it beside the guesser.
    let beside = asha.from("198.51.100.66");
    beside.get("/api/me").await.expect(200);
    let cookie = [("cookie", beside.cookie.as_str())];
    beside.send("POST", "/api/auth/refresh", None, &cookie).await.expect(200);
}

const PROXIES: (&str, &str) = ("TRUSTED_PROXIES", "10.0.0.0/24, fd00::/8, ::ffff:10.9.9.9");

fn lines(values: &[&str]) -> Vec<Vec<u8>> {
    values.iter().map(|value| value.as_bytes().to_vec()).collect()
}

#[tokio::test]
async fn the_right_most_address_that_is_no_proxy_of_ours_is_the_clients() {
    let app = TestApp::with(&[PROXIES]).await;
    let admin = app.admin().await;
    for (peer, forwarded, client) in [
        // Whoever is no proxy speaks for themselves.
        ("192.0.2.9", &["198.51.100.1"][..], "192.0.2.9"),
        ("192.0.2.9", &["198.51.100.1, 10.0.0.1"], "192.0.2.9"),
        ("2001:db8::9", &["198.51.100.1"], "2001:db8::9"),
        ("::ffff:192.0.2.9", &["198.51.100.1"], "192.0.2.9"),
        // A proxy names who asked it; what stands left of that, anybody can invent.
        ("10.0.0.1", &[], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["203.0.113.7, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["203.0.113.7,198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &[" 203.0.113.7 ,\t198.51.100.1 "], "198.51.100.1"),
        ("10.0.0.1", &["10.0.0.7, 203.0.113.7, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["203.0.113.7", "198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["203.0.113.7", "198.51.100.1, 10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1, 10.0.0.3", "10.0.0.2"], "198.51.100.1"),
        ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        // Through garbage nobody looks.
        ("10.0.0.1", &["rubbish"], "10.0.0.1"),
        ("10.0.0.1", &[""], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1,"], "10.0.0.1"),
        ("10.0.0.1", &["rubbish, 198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1, rubbish"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["198.51.100.1", "é, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", &["198.51.100.1:4711"], "10.0.0.1"),
        ("10.0.0.1", &["[2001:db8::7]"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.01"], "10.0.0.1"),
        ("10.0.0.1", &["198.51.100.1/32"], "10.0.0.1"),
        // IPv6, and IPv4 within it.
        ("10.0.0.1", &["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.1", &["2001:DB8:0::7"], "2001:db8::7"),
        ("fd00::1", &["203.0.113.7, 2001:db8::7, fd00::2"], "2001:db8::7"),
        ("::ffff:10.0.0.1", &["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["::ffff:198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", &["198.51.100.1, ::ffff:10.0.0.2"], "198.51.100.1"),
        ("10.9.9.9", &["198.51.100.1"], "198.51.100.1"),
    ] {
        Guesser { app: &app, peer }.guess(&lines(forwarded)).await;
        let log = admin.get("/api/admin/audit?action=account.sign_in_failed&limit=1").await;
        let log = log.expect(200);
        assert_eq!(text(&items(&log)[0], "address"), client, "{peer} {forwarded:?}");
    }
}

#[tokio::test]
async fn who_invents_addresses_is_limited_all_the_same() {
    let app = TestApp::with(&[("RATE_LIMIT", "on"), PROXIES]).await;
    for (peer, forwarded, another) in [
        ("192.0.2.9", "198.51.100.{n}", ("192.0.2.10", "198.51.100.1")),
        ("10.0.0.1", "203.0.113.{n}, 198.51.100.1", ("10.0.0.1", "203.0.113.1, 198.51.100.2")),
        ("10.0.0.2", "2001:db8::{n}", ("10.0.0.2", "2001:db8:0:1::1")),
        ("10.0.0.3", "rubbish{n}", ("10.0.0.3", "198.51.100.3")),
    ] {
        let invented = |n: usize| lines(&[&forwarded.replace("{n}", &n.to_string())]);
        assert!(Guesser { app: &app, peer }.is_limited(invented).await, "{peer} {forwarded}");
        // Others, beside the guesser or through the same proxy, are not.
        let (peer, forwarded) = another;
        let answer = Guesser { app: &app, peer }.guess(&lines(&[forwarded])).await;
        answer.refused(401, "invalid_credentials");
    }
    // Behind bytes that are no text a proxy may have written who it was.
    let unreadable = |n: usize| vec![format!("203.0.113.{n}").into(), b"\xff, 10.0.0.5".to_vec()];
    assert!(Guesser { app: &app, peer: "10.0.0.4" }.is_limited(unreadable).await);
}
