//! Live counts.

use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::harness::TestApp;

/// Reads the stream until an event satisfies `wanted`.
async fn next_event(body: &mut Body, wanted: impl Fn(&Value) -> bool) -> Value {
    let read = async {
        let mut text = String::new();
        loop {
            let frame = body.frame().await.expect("the stream goes on").unwrap();
            text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap()));
            while let Some((event, rest)) =
                text.split_once("\n\n").map(|(a, b)| (a.to_owned(), b.to_owned()))
            {
                text = rest;
                if let Some(data) = event.strip_prefix("event: lot\ndata: ") {
                    let data = serde_json::from_str(data).unwrap();
                    if wanted(&data) {
                        return data;
                    }
                }
            }
        }
    };
    // A limit for a test that would hang, not a time that is measured.
    tokio::time::timeout(Duration::from_secs(20), read).await.expect("the event comes")
}

on_both! {
    async fn everyone_hears_of_a_change(app: TestApp) {
        let _jobs = app.app.start_background();
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        let answer = app.raw(Request::get("/api/events").body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut events = answer.into_body();
        let booking = admin.walk_in(&lot, "A1").await.expect(201);
        let event = next_event(&mut events, |event| event["free_spots"] == 2).await;
        assert_eq!(event, json!({ "id": lot, "free_spots": 2, "number_of_spots": 3 }));
        admin.release(&booking).await.expect(200);
        next_event(&mut events, |event| event["free_spots"] == 3).await;
        admin.patch(&format!("/api/lots/{lot}"), json!({ "number_of_spots": 5 })).await.expect(200);
        let grown = json!({ "id": lot, "free_spots": 5, "number_of_spots": 5 });
        next_event(&mut events, |event| *event == grown).await;
    }

    async fn what_another_process_commits_is_taken_over(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        let other = app.replica(&[]).await;
        other.nobody().with_token(admin.token()).walk_in(&lot, "A1").await.expect(201);
        app.app.refresh().await.unwrap();
        assert_eq!(app.nobody().free_spots(&lot).await, 2);
        // So does the end of a session.
        let asha = other.driver("asha").await;
        let here = app.nobody().with_token(asha.token());
        here.get("/api/me").await.expect(200);
        asha.send("POST", "/api/auth/logout", None, &[("cookie", &asha.cookie)]).await.expect(204);
        app.app.refresh().await.unwrap();
        here.get("/api/me").await.refused(401, "invalid_token");
    }
}

#[tokio::test]
async fn streams_end_with_the_process() {
    let app = TestApp::sqlite().await;
    let answer = app.raw(Request::get("/api/events").body(Body::empty()).unwrap()).await;
    app.app.shut_down();
    let rest = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(&rest[..], b"retry: 2000\n\n");
    assert_eq!(app.app.live.listeners(), 0);
}
