//! Mails: to a real server that refuses, stalls and breaks off, and into the outbox.

use jiff::SignedDuration;
use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, PASSWORD, TestApp, items, text};
use crate::peers::{Certificates, Fate, MailServer};

const SENDER: (&str, &str) = ("MAIL_DEFAULT_SENDER", "Parking <parking@example.org>");
const AT: (&str, &str) = ("PUBLIC_URL", "https://parking.example.org");

/// An application whose mail goes to `server`.
async fn app_with(server: &MailServer, more: &[(&str, &str)]) -> TestApp {
    let url = server.url();
    let settings = [&[("SMTP_URL", url.as_str()), SENDER, AT], more].concat();
    TestApp::with(&settings).await
}

async fn work(app: &TestApp) {
    worker::work_off(&app.app).await.unwrap();
}

async fn mails(admin: &Caller<'_>) -> Vec<Value> {
    items(&admin.get("/api/admin/mails?limit=100").await.expect(200)).clone()
}

/// What became of the newest mail to somebody.
async fn newest(admin: &Caller<'_>, who: &Caller<'_>) -> Value {
    let page = admin.get(&format!("/api/admin/mails?user_id={}", who.id)).await.expect(200);
    items(&page)[0].clone()
}

/// The token in the newest mail's link, as the admin passes it on from the outbox.
async fn reset_token(admin: &Caller<'_>, who: &Caller<'_>) -> String {
    let id = text(&newest(admin, who).await, "id").to_owned();
    let mail = admin.get(&format!("/api/admin/mails/{id}")).await.expect(200);
    let said = text(&mail, "text");
    said.split("#token=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
}

async fn reset(app: &TestApp, token: &str, password: &str) -> Answer {
    let body = json!({ "token": token, "password": password });
    app.nobody().post("/api/auth/reset-password", body).await
}

on_both! {
    async fn without_a_mail_server_mails_are_files_that_the_admin_can_read(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        work(&app).await;
        let page = admin.get("/api/admin/mails").await.expect(200);
        assert_eq!(page["server"], Value::Null);
        let mail = &items(&page)[0];
        assert_eq!((text(mail, "subject"), text(mail, "status")), ("Welcome to Parking", "succeeded"));
        assert_eq!((text(&mail["to"], "email"), text(mail, "list")), ("asha@example.org", "account"));
        let id = text(mail, "id");
        let file = app.folder.path().join("outbox").join(format!("{id}.eml"));
        let raw = std::fs::read_to_string(file).unwrap();
        assert!(raw.contains("To: \"asha\" <asha@example.org>") || raw.contains("To: asha <asha@example.org>"), "{raw}");
        assert!(raw.contains(&format!("Message-ID: <{id}@127.0.0.1>")), "{raw}");
        let whole = admin.get(&format!("/api/admin/mails/{id}")).await.expect(200);
        assert!(text(&whole, "text").contains("Hello asha,"));
        assert!(text(&whole, "html").contains("Hello asha,"));
        asha.get("/api/admin/mails").await.refused(403, "forbidden");
        asha.get(&format!("/api/admin/mails/{id}")).await.refused(403, "forbidden");
    }

    async fn a_forgotten_password_is_replaced_once_within_half_an_hour(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let ask = async |email: &str| {
            app.nobody().post("/api/auth/forgot-password", json!({ "email": email })).await
        };
        let (known, unknown) = (ask("asha@example.org").await, ask("ravi@example.org").await);
        assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
        assert_eq!(known.status.as_u16(), 202);
        work(&app).await;
        assert_eq!(text(&newest(&admin, &asha).await, "subject"), "Choose a new password");
        let token = reset_token(&admin, &asha).await;

        reset(&app, &token, "short").await.invalid(&["password"]);
        reset(&app, "rubbish", "a whole new password").await.refused(403, "invalid_reset_token");
        assert_eq!(reset(&app, &token, "a whole new password").await.status.as_u16(), 204);
        asha.get("/api/me").await.refused(401, "invalid_token");
        let sign_in = async |password: &str| {
            let credentials = json!({ "email": "asha@example.org", "password": password });
            app.nobody().post("/api/auth/login", credentials).await
        };
        sign_in(PASSWORD).await.refused(401, "invalid_credentials");
        sign_in("a whole new password").await.expect(200);
        reset(&app, &token, "another new password").await.refused(403, "invalid_reset_token");
        assert!(admin.audit_actions().await.contains(&"account.password_reset".to_owned()));
        work(&app).await;
        assert_eq!(text(&newest(&admin, &asha).await, "subject"), "Your password was changed");

        app.wait_minutes(5);
        ask("asha@example.org").await;
        work(&app).await;
        let token = reset_token(&admin, &asha).await;
        app.wait_minutes(30);
        reset(&app, &token, "yet another password").await.refused(403, "invalid_reset_token");
    }

    async fn a_mail_goes_to_nobody_once_the_account_is_deleted(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        let deleted = asha.delete_with("/api/me", json!({ "password": PASSWORD })).await;
        assert_eq!(deleted.status.as_u16(), 204);
        work(&app).await;
        let to: Vec<_> = mails(&admin).await.iter().map(|mail| text(&mail["to"], "email").to_owned()).collect();
        assert_eq!(to, ["admin@example.org"]);
    }

    async fn a_receipt_comes_to_those_who_want_it(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let lot = admin.new_lot("Central", 5).await;
        asha.patch("/api/me", json!({ "preferences": { "receipts": true, "language": "hi" } })).await.expect(200);
        for driver in [&asha, &ravi] {
            let booking = driver.park(&lot).await.expect(201);
            app.wait_minutes(60);
            driver.release(&booking).await.expect(200);
            driver.release(&booking).await.expect(200);
        }
        work(&app).await;
        let receipts: Vec<_> = mails(&admin).await.into_iter().filter(|mail| mail["list"] == "receipts").collect();
        assert_eq!(receipts.len(), 1, "{receipts:?}");
        assert_eq!(text(&receipts[0], "subject"), "रसीद: Central, ₹60.00");
        let whole = admin.get(&format!("/api/admin/mails/{}", text(&receipts[0], "id"))).await.expect(200);
        assert!(text(&whole, "text").contains("से: 22 नवंबर 2026, 15:30"), "{}", text(&whole, "text"));
    }

    async fn one_click_ends_one_kind_of_mail_and_nothing_else(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        asha.patch("/api/me", json!({ "preferences": { "receipts": true } })).await.expect(200);
        let lot = admin.new_lot("Central", 5).await;
        let booking = asha.park(&lot).await.expect(201);
        asha.release(&booking).await.expect(200);
        work(&app).await;
        let id = text(&newest(&admin, &asha).await, "id").to_owned();
        let raw = std::fs::read_to_string(app.folder.path().join(format!("outbox/{id}.eml"))).unwrap();
        let mail = mail_parser::MessageParser::default().parse(raw.as_bytes()).unwrap();
        assert_eq!(mail.header_raw("List-Unsubscribe-Post").unwrap().trim(), "List-Unsubscribe=One-Click");
        let link = mail.header_raw("List-Unsubscribe").unwrap().replace(['\r', '\n', ' '], "");
        let path = link.trim_matches(['<', '>']).split_once("/api/").unwrap().1.to_owned();
        let path = format!("/api/{path}");

        let page = app.nobody().get(&path).await;
        assert_eq!(page.status.as_u16(), 303);
        assert!(page.header("location").starts_with("/unsubscribe#token="));
        let wishes = async || asha.get("/api/me").await.expect(200)["preferences"].clone();
        assert_eq!(wishes().await["receipts"], true, "looking changes nothing");
        let form = [("content-type", "application/x-www-form-urlencoded")];
        let body = Some("List-Unsubscribe=One-Click".to_owned());
        let ended = app.nobody().send("POST", &path, body, &form).await.expect(200);
        assert_eq!(ended["list"], "receipts");
        let after = wishes().await;
        assert_eq!((&after["receipts"], &after["monthly_reports"], &after["reminders_by"]), (&json!(false), &json!(true), &json!("mail")));
        app.nobody().send("POST", "/api/unsubscribe?token=rubbish", None, &[]).await.refused(403, "invalid_unsubscribe_token");
    }

    async fn wishes_are_checked_and_kept(app: TestApp) {
        let asha = app.driver("asha").await;
        let change = async |wishes: Value| asha.patch("/api/me", json!({ "preferences": wishes })).await;
        let before = asha.get("/api/me").await.expect(200)["preferences"].clone();
        assert_eq!(before, json!({
            "language": "en", "time_zone": null, "reminders_by": "mail", "remind_open": true,
            "remind_news": true, "chat_webhook_url": null, "receipts": false, "monthly_reports": true,
        }));
        change(json!({ "time_zone": "Asia/Atlantis" })).await.invalid(&["preferences.time_zone"]);
        change(json!({ "chat_webhook_url": "https://example.org/v1/spaces/A" })).await.invalid(&["preferences.chat_webhook_url"]);
        change(json!({ "reminders_by": "chat" })).await.invalid(&["preferences.chat_webhook_url"]);
        change(json!({ "language": "tlh" })).await.refused(422, "validation_failed");
        assert_eq!(asha.get("/api/me").await.expect(200)["preferences"], before);
        let webhook = "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=k&token=t";
        let wishes = json!({ "language": "hi", "time_zone": "Europe/Berlin", "reminders_by": "chat", "chat_webhook_url": webhook });
        let after = change(wishes).await.expect(200)["preferences"].clone();
        assert_eq!((&after["chat_webhook_url"], &after["language"]), (&json!(webhook), &json!("hi")));
        let after = change(json!({ "time_zone": null, "reminders_by": "none", "chat_webhook_url": null })).await.expect(200);
        assert_eq!((&after["preferences"]["time_zone"], &after["preferences"]["language"]), (&json!(null), &json!("hi")));
    }
}

#[tokio::test]
async fn a_mail_arrives_in_both_forms_with_the_jobs_id() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[]).await;
    let admin = app.admin().await;
    app.driver("asha").await;
    work(&app).await;
    let (first, second) = (server.next().await, server.next().await);
    let mail = if first.to == ["asha@example.org"] { first } else { second };
    assert_eq!(
        (mail.from.as_str(), &mail.to[..]),
        ("parking@example.org", &["asha@example.org".to_owned()][..])
    );
    assert_eq!(mail.header("Subject").unwrap(), "Welcome to Parking");
    assert_eq!(mail.header("Auto-Submitted").unwrap(), "auto-generated");
    assert_eq!(mail.header("List-Unsubscribe"), None, "it is about the account itself");
    let (text_form, html_form) = (mail.text().unwrap().replace('\r', ""), mail.html().unwrap());
    assert!(text_form.contains("Find a spot:\nhttps://parking.example.org/"), "{text_form}");
    assert!(html_form.contains("https://parking.example.org/"), "{html_form}");
    let sent = mails(&admin).await;
    let id =
        text(sent.iter().find(|sent| sent["to"]["email"] == "asha@example.org").unwrap(), "id");
    assert!(mail.header("Message-ID").unwrap().contains(&format!("{id}@parking.example.org")));
    assert_eq!(
        admin.get("/api/admin/mails").await.expect(200)["server"],
        format!("127.0.0.1:{}", server.port())
    );
}

#[tokio::test]
async fn a_temporary_refusal_is_tried_again_for_a_day() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[]).await;
    let admin = app.admin().await;
    work(&app).await;
    server.next().await;
    server.behave(json!({ "mode": "refuse", "code": 451, "at": "rcpt" })).await;
    let asha = app.driver("asha").await;
    work(&app).await;
    let waiting = newest(&admin, &asha).await;
    assert_eq!((text(&waiting, "status"), &waiting["attempts"]), ("queued", &json!(1)));
    assert!(text(&waiting, "error").contains("451"), "{waiting}");
    app.clock.advance(SignedDuration::from_secs(29));
    work(&app).await;
    assert_eq!(newest(&admin, &asha).await["attempts"], 1, "not before half a minute");
    let began = app.now();
    while text(&newest(&admin, &asha).await, "status") == "queued" {
        app.wait_minutes(61);
        work(&app).await;
    }
    let failed = newest(&admin, &asha).await;
    assert_eq!((text(&failed, "status"), &failed["attempts"]), ("failed", &json!(30)));
    assert!(app.now().duration_since(began) > SignedDuration::from_hours(22));
    assert_eq!(
        asha.get("/api/me").await.expect(200)["mail_refusal"],
        Value::Null,
        "the address may be fine"
    );

    server.behave(json!({ "mode": "accept" })).await;
    admin.post_empty(&format!("/api/admin/tasks/{}/retry", text(&failed, "id"))).await.expect(200);
    work(&app).await;
    assert_eq!(server.next().await.to, ["asha@example.org"]);
}

#[tokio::test]
async fn ten_minutes_without_a_server_lose_no_mail() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[]).await;
    server.behave(json!({ "mode": "down" })).await;
    let admin = app.admin().await;
    for name in ["asha", "ravi", "meena"] {
        app.driver(name).await;
    }
    for _ in 0..10 {
        work(&app).await;
        app.wait_minutes(1);
    }
    assert!(mails(&admin).await.iter().all(|mail| mail["status"] == "queued"));
    server.behave(json!({ "mode": "accept" })).await;
    for _ in 0..20 {
        app.wait_minutes(1);
        work(&app).await;
    }
    let mut to: Vec<_> = server.received().await.into_iter().flat_map(|mail| mail.to).collect();
    to.sort();
    let all = ["admin", "asha", "meena", "ravi"].map(|name| format!("{name}@example.org"));
    assert_eq!(to, all);
}

#[tokio::test]
async fn a_permanent_refusal_marks_the_address_until_it_changes() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[]).await;
    let admin = app.admin().await;
    work(&app).await;
    server.behave(json!({ "mode": "refuse", "code": 550, "at": "rcpt" })).await;
    let asha = app.driver("asha").await;
    work(&app).await;
    let failed = newest(&admin, &asha).await;
    assert_eq!((text(&failed, "status"), &failed["attempts"]), ("failed", &json!(1)));
    let user = admin.get(&format!("/api/admin/users/{}", asha.id)).await.expect(200);
    assert!(text(&user, "mail_refusal").contains("550"), "{user}");
    assert!(text(&asha.get("/api/me").await.expect(200), "mail_refusal").contains("550"));

    // What nobody has to have is not even tried.
    server.behave(json!({ "mode": "accept" })).await;
    asha.patch("/api/me", json!({ "preferences": { "receipts": true } })).await.expect(200);
    let lot = admin.new_lot("Central", 5).await;
    let booking = asha.park(&lot).await.expect(201);
    asha.release(&booking).await.expect(200);
    work(&app).await;
    assert_eq!(newest(&admin, &asha).await["id"], failed["id"]);

    let change = json!({ "email": "asha@example.net", "current_password": PASSWORD });
    assert_eq!(asha.patch("/api/me", change).await.expect(200)["mail_refusal"], Value::Null);
    let booking = asha.park(&lot).await.expect(201);
    asha.release(&booking).await.expect(200);
    work(&app).await;
    let receipt = newest(&admin, &asha).await;
    assert_eq!((text(&receipt, "list"), text(&receipt, "status")), ("receipts", "succeeded"));
}

#[tokio::test]
async fn a_refused_sign_in_at_the_server_says_nothing_about_the_address() {
    let server = MailServer::with(&["--user", "parking", "--password", "right"]).await;
    let url = format!("smtp://parking:wrong@127.0.0.1:{}", server.port());
    let app = TestApp::with(&[("SMTP_URL", &url), SENDER, AT]).await;
    let admin = app.admin().await;
    work(&app).await;
    let waiting = &mails(&admin).await[0];
    assert_eq!(text(waiting, "status"), "queued");
    let said = text(waiting, "error");
    assert!(said.contains("535") && !said.contains("wrong"), "{said}");
    assert_eq!(admin.get("/api/me").await.expect(200)["mail_refusal"], Value::Null);
}

#[tokio::test]
async fn a_stall_is_given_up_and_its_late_answer_is_nobodys() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[("MAIL_TIMEOUT_SECONDS", "1")]).await;
    let admin = app.admin().await;
    work(&app).await;
    server.next().await;
    server.behave(json!({ "mode": "stall", "at": "data" })).await;
    let asha = app.driver("asha").await;
    work(&app).await;
    let waiting = newest(&admin, &asha).await;
    assert_eq!(text(&waiting, "status"), "queued");
    assert!(text(&waiting, "error").contains("did not answer within 1 s"), "{waiting}");
    server.behave(json!({ "mode": "refuse", "code": 550, "at": "data" })).await;
    let ravi = app.driver("ravi").await;
    work(&app).await;
    assert_eq!(text(&newest(&admin, &ravi).await, "status"), "failed");
}

#[tokio::test]
async fn a_mail_that_comes_twice_bears_the_same_id() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[]).await;
    let admin = app.admin().await;
    work(&app).await;
    server.next().await;
    server.behave(json!({ "mode": "cut" })).await;
    let asha = app.driver("asha").await;
    work(&app).await;
    let first = server.next().await;
    assert_eq!((first.fate, text(&newest(&admin, &asha).await, "status")), (Fate::Cut, "queued"));
    server.behave(json!({ "mode": "accept" })).await;
    app.wait_minutes(1);
    work(&app).await;
    let second = server.next().await;
    assert_eq!(second.fate, Fate::Accepted);
    assert_eq!(first.header("Message-ID"), second.header("Message-ID"));
    assert_eq!(first.raw, second.raw, "and is the same in every letter");
}

#[tokio::test]
async fn mail_goes_out_encrypted_and_only_to_a_server_that_is_trusted() {
    for how in ["--tls", "--starttls"] {
        let certificates = Certificates::new();
        let mut server = MailServer::encrypted(
            how,
            &certificates,
            &["--user", "parking", "--password", "right"],
        )
        .await;
        let url = server.url().replace("://", "://parking:right@");
        let app = TestApp::with(&[("SMTP_URL", &url), SENDER, AT]).await;
        let admin = app.admin().await;
        work(&app).await;
        let waiting = mails(&admin).await[0].clone();
        assert_eq!(text(&waiting, "status"), "queued");
        assert!(text(&waiting, "error").contains("UnknownIssuer"), "{waiting}");

        let authority = certificates.authority();
        let trusted =
            [("SMTP_URL", url.as_str()), ("MAIL_CA_FILE", authority.to_str().unwrap()), SENDER, AT];
        let app = TestApp::with(&trusted).await;
        app.admin().await;
        work(&app).await;
        let mail = server.next().await;
        assert!(mail.secure, "{how}");
        assert_eq!(mail.user, "parking");
    }
}

#[tokio::test]
async fn a_slow_mail_server_delays_mail_and_nothing_else() {
    let mut server = MailServer::start().await;
    let app = app_with(&server, &[("MAIL_TIMEOUT_SECONDS", "240")]).await;
    server.behave(json!({ "mode": "stall", "at": "data" })).await;
    let admin = app.admin().await;
    for n in 0..20 {
        app.driver(&format!("driver{n}")).await;
    }
    let worker = tokio::spawn(worker::work(app.app.clone(), app.app.shutdown()));
    for _ in 0..8 {
        assert_eq!(server.next().await.fate, Fate::Stalled);
    }
    let begun = admin.post("/api/exports", json!({})).await.expect(202);
    let path = format!("/api/tasks/{}", text(&begun, "task_id"));
    let done = async {
        while text(&admin.get(&path).await.expect(200), "status") != "succeeded" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), done)
        .await
        .expect("the export is done");
    server.behave(json!({ "mode": "down" })).await;
    app.app.shut_down();
    worker.await.unwrap();
}
