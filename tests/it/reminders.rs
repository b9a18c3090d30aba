//! Daily reminders, by mail and by Google Chat.

use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp, items, text};
use crate::peers::{ChatAnswer, ChatServer};

async fn work(app: &TestApp) {
    worker::work_off(&app.app).await.unwrap();
}

/// The subjects of the reminders to somebody, the newest first.
async fn reminders(admin: &Caller<'_>, who: &Caller<'_>) -> Vec<String> {
    let page =
        admin.get(&format!("/api/admin/mails?limit=100&user_id={}", who.id)).await.expect(200);
    let reminders = items(&page).iter().filter(|mail| mail["list"] == "reminders");
    reminders.map(|mail| text(mail, "subject").to_owned()).collect()
}

async fn wish(who: &Caller<'_>, wishes: Value) {
    who.patch("/api/me", json!({ "preferences": wishes })).await.expect(200);
}

/// To the next 18:00 in Kolkata, and what is due then.
async fn evening(app: &TestApp) {
    // A schedule that was never looked at has missed nothing.
    work(app).await;
    let zone = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap();
    let now = app.now().to_zoned(zone);
    let today = now.date().at(18, 0, 0, 0).to_zoned(now.time_zone().clone()).unwrap();
    let next = if today > now { today } else { today.tomorrow().unwrap() };
    app.clock.advance(next.timestamp().duration_since(app.now()));
    work(app).await;
}

on_both! {
    async fn who_is_parked_for_long_is_reminded_once_a_day(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let lot = admin.new_lot("Central", 5).await;
        work(&app).await;
        asha.park_plate(&lot, "MH12AB1234").await.expect(201);
        evening(&app).await;
        assert!(reminders(&admin, &asha).await.is_empty(), "two and a half hours are not long");
        ravi.park(&lot).await.expect(201);
        app.wait_minutes(23 * 60);
        let ravis = ravi.get("/api/bookings?status=open").await.expect(200);
        ravi.release(&items(&ravis)[0]).await.expect(200);
        ravi.park(&lot).await.expect(201);
        evening(&app).await;
        assert_eq!(reminders(&admin, &asha).await, ["Still parked at Central"]);
        assert!(reminders(&admin, &ravi).await.is_empty());
        // By hand, on the same day: nobody hears of it twice.
        admin.post_empty("/api/admin/schedules/daily-reminders/run").await.expect(202);
        work(&app).await;
        assert_eq!(reminders(&admin, &asha).await.len(), 1);
        evening(&app).await;
        assert_eq!(reminders(&admin, &asha).await.len(), 2);

        let page = admin.get(&format!("/api/admin/mails?user_id={}", asha.id)).await.expect(200);
        let id = text(&items(&page)[0], "id").to_owned();
        let mail = admin.get(&format!("/api/admin/mails/{id}")).await.expect(200);
        let said = text(&mail, "text");
        for words in ["Spot: A01", "Vehicle: MH12AB1234", "Since: 22 November 2026, 15:30",
            "Stay so far: 2 days 2 h", "Cost so far: ₹3,030.00", "/parking\n", "Unsubscribe"] {
            assert!(said.contains(words), "{words} is not in {said}");
        }
    }

    async fn who_wants_no_reminders_gets_none(app: TestApp) {
        let (admin, asha, ravi) = (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
        let lot = admin.new_lot("Central", 5).await;
        for driver in [&asha, &ravi] {
            driver.park(&lot).await.expect(201);
        }
        wish(&asha, json!({ "reminders_by": "none" })).await;
        wish(&ravi, json!({ "remind_open": false })).await;
        app.wait_minutes(24 * 60);
        evening(&app).await;
        assert!(reminders(&admin, &asha).await.is_empty());
        assert!(reminders(&admin, &ravi).await.is_empty());
    }

    async fn a_new_lot_is_told_once_to_who_has_not_seen_it(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        app.driver("ravi").await;
        app.wait_minutes(1);
        admin.new_lot("Riverside", 12).await;
        app.wait_minutes(1);
        // Signed in since: they have seen the list.
        app.sign_in("ravi@example.org").await;
        evening(&app).await;
        assert_eq!(reminders(&admin, &asha).await, ["New: parking at Riverside"]);
        let page = admin.get("/api/admin/mails?limit=100").await.expect(200);
        let told = items(&page).iter().filter(|mail| mail["list"] == "reminders").count();
        assert_eq!(told, 1);
        evening(&app).await;
        assert_eq!(reminders(&admin, &asha).await.len(), 1, "it is not new any more");
    }

    async fn who_has_been_away_is_asked_once_a_month(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        app.wait_minutes(1);
        let asha = app.driver("asha").await;
        let booking = asha.park(&lot).await.expect(201);
        asha.release(&booking).await.expect(200);
        for _ in 0..29 {
            evening(&app).await;
        }
        assert!(reminders(&admin, &asha).await.is_empty());
        for _ in 0..30 {
            evening(&app).await;
        }
        assert_eq!(reminders(&admin, &asha).await, ["Need a parking spot?"]);
        evening(&app).await;
        evening(&app).await;
        assert_eq!(reminders(&admin, &asha).await.len(), 2);
    }
}

async fn app_with_chat(chat: &ChatServer) -> TestApp {
    let (origin, lobby) = (chat.webhook("lobby"), chat.webhook("lobby"));
    let origin = origin.split("/v1/").next().unwrap().to_owned();
    TestApp::with(&[("GOOGLE_CHAT_ORIGIN", &origin), ("GOOGLE_CHAT_WEBHOOK_URL", &lobby)]).await
}

#[tokio::test]
async fn a_reminder_goes_to_the_persons_own_space_else_to_the_installations() {
    let mut chat = ChatServer::start().await;
    let app = app_with_chat(&chat).await;
    let (admin, asha, ravi) =
        (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
    let lot = admin.new_lot("Central", 5).await;
    for driver in [&asha, &ravi] {
        driver.park(&lot).await.expect(201);
    }
    wish(&asha, json!({ "reminders_by": "chat", "chat_webhook_url": chat.webhook("ashas") })).await;
    wish(&ravi, json!({ "reminders_by": "chat" })).await;
    app.wait_minutes(24 * 60);
    evening(&app).await;
    let mut posts = [chat.next().await, chat.next().await];
    posts.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(posts[0].path.contains("/ashas/") && posts[1].path.contains("/lobby/"), "{posts:?}");
    assert!(posts[0].path.contains("requestId="), "{posts:?}");
    let said = posts[0].body.to_string();
    assert!(said.contains("*Still parked at Central*") && said.contains("Hello asha,"), "{said}");
    assert!(reminders(&admin, &asha).await.is_empty());
    assert_eq!(chat.received().len(), 2);
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_a_busy_chat_is_asked_again() {
    let chat = ChatServer::start().await;
    let app = app_with_chat(&chat).await;
    let (admin, asha) = (app.admin().await, app.driver("asha").await);
    let lot = admin.new_lot("Central", 5).await;
    asha.park(&lot).await.expect(201);
    wish(&asha, json!({ "reminders_by": "chat" })).await;
    app.wait_minutes(24 * 60);
    chat.answer(ChatAnswer::Refuse(429));
    evening(&app).await;
    let task = async || {
        let page = admin.get("/api/admin/tasks?kind=chat").await.expect(200);
        items(&page)[0].clone()
    };
    assert_eq!(text(&task().await, "status"), "queued");
    chat.answer(ChatAnswer::Redirect);
    app.wait_minutes(1);
    work(&app).await;
    let failed = task().await;
    assert_eq!(text(&failed, "status"), "failed");
    assert!(text(&failed, "error").contains("30"), "{failed}");
    assert!(!text(&failed, "error").contains("token"), "{failed}");
    assert_eq!(chat.redirects_followed(), 0);
}
