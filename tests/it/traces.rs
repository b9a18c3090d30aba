//! Traces: what a collector of OpenTelemetry is told, and that nobody waits for it.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use parking::jobs::worker;
use serde_json::json;

use crate::harness::{Caller, PASSWORD, TestApp, postgres_schema, text};
use crate::peers::{Collector, CollectorAnswer, Span};
use crate::process::{Server, create_admin, parking};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Nobody listens there.
pub const NO_MAIL_SERVER: &str = "smtp://127.0.0.1:1";

fn traceparent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

/// An application whose traces go to `collector`.
async fn app_with(collector: &Collector, more: &[(&str, &str)]) -> TestApp {
    let url = collector.url();
    TestApp::with(&[&[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], more].concat()).await
}

async fn on(is_sqlite: bool, collector: &Collector, more: &[(&str, &str)]) -> TestApp {
    if is_sqlite {
        return app_with(collector, more).await;
    }
    let url = postgres_schema().await;
    app_with(collector, &[&[("DATABASE_URL", url.as_str())], more].concat()).await
}

/// A request in the trace of its caller.
async fn get_in_trace(who: &Caller<'_>, path: &str, flags: &str) {
    who.send("GET", path, None, &[("traceparent", &traceparent(flags))]).await.expect(200);
}

/// The id of its trace, as it is written in a `traceparent`.
fn trace_of(span: &Span) -> String {
    format!("{:032x}", u128::from_be_bytes(span.data.trace_id.as_slice().try_into().unwrap()))
}

fn parent_of(span: &Span) -> String {
    format!("{:016x}", u64::from_be_bytes(span.data.parent_span_id.as_slice().try_into().unwrap()))
}

fn parts<'s>(spans: &'s [Span], of: &Span, name: &str) -> Vec<&'s Span> {
    spans.iter().filter(|span| span.name() == name && span.is_in(of)).collect()
}

fn metric(app: &TestApp, name: &str) -> u64 {
    let text = app.app.metrics.render(&app.app, Vec::new());
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

#[tokio::test]
async fn a_booking_is_part_of_the_trace_of_its_caller() {
    for is_sqlite in [true, false] {
        let mut collector = Collector::start().await;
        let app = on(is_sqlite, &collector, &[("OTEL_SERVICE_NAME", "city")]).await;
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 3).await;
        let wish = json!({ "lot_id": lot }).to_string();
        let header = ("traceparent", &*traceparent("01"));
        admin.send("POST", "/api/bookings", Some(wish), &[header]).await.expect(201);

        let request = collector.span("POST /api/bookings").await;
        assert_eq!(trace_of(&request), TRACE);
        assert_eq!(parent_of(&request), CALLER);
        assert_eq!((request.data.kind, request.service.as_str()), (2, "city"));
        assert_eq!(request.value("http.request.method").as_deref(), Some("POST"));
        assert_eq!(request.value("http.route").as_deref(), Some("/api/bookings"));
        assert_eq!(request.number("http.response.status_code"), 201);
        assert!(!request.has_failed());
        let spans = collector.received();
        let writes = parts(&spans, &request, "lane write");
        let waits = parts(&spans, &request, "lane wait");
        assert_eq!((writes.len(), waits.len()), (1, 1), "{spans:#?}");
        assert_eq!(writes[0].number("parking.commit.commands"), 1);
        assert_eq!(writes[0].value("parking.lane"), waits[0].value("parking.lane"));
        assert_eq!(waits[0].data.end_time_unix_nano, writes[0].data.start_time_unix_nano);

        admin.get("/api/bookings").await.expect(200);
        let list = collector.span("GET /api/bookings").await;
        assert_ne!(list.data.trace_id, request.data.trace_id, "it is a trace of its own");
        let spans = collector.received();
        let reads = parts(&spans, &list, "read");
        assert!(!reads.is_empty() && reads.iter().all(|read| read.number("parking.wait_us") >= 0));
    }
}

#[tokio::test]
async fn commands_that_share_a_commit_say_with_how_many_and_how_long_they_waited() {
    for is_sqlite in [true, false] {
        let mut collector = Collector::start().await;
        let app = on(is_sqlite, &collector, &[]).await;
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        let (go_on, asked) = std::sync::mpsc::channel::<()>();
        let (say, begun) = std::sync::mpsc::channel();
        let lane = lot.parse().unwrap();
        let first = app.app.db.write(lane, move |_| {
            let _ = say.send(());
            Ok(asked.recv().is_ok())
        });
        let three = async {
            while begun.try_recv().is_err() {
                tokio::task::yield_now().await;
            }
            tokio::join!(admin.park(&lot), admin.park(&lot), admin.park(&lot));
        };
        let release = async {
            while app.app.db.queued_commands() < 3 {
                tokio::task::yield_now().await;
            }
            go_on.send(()).unwrap();
        };
        let (first, (), ()) = tokio::join!(first, three, release);
        first.unwrap();
        get_in_trace(&admin, "/health/live", "01").await;
        collector.span("GET /health/live").await;
        let spans = collector.received();
        let requests: Vec<_> =
            spans.iter().filter(|span| span.name() == "POST /api/bookings").collect();
        assert_eq!(requests.len(), 3);
        for request in requests {
            let write = parts(&spans, request, "lane write")[0];
            assert_eq!(write.number("parking.commit.commands"), 4, "{write:?}");
            let wait = &parts(&spans, request, "lane wait")[0].data;
            assert!(wait.end_time_unix_nano > wait.start_time_unix_nano);
        }
    }
}

#[tokio::test]
async fn a_job_is_a_trace_with_what_it_reads_writes_and_mails() {
    let mut collector = Collector::start().await;
    let app = app_with(&collector, &[]).await;
    let asha = app.driver("asha").await;
    asha.post("/api/exports", json!({})).await.expect(202);
    worker::work_off(&app.app).await.unwrap();

    let export = collector.span("job export").await;
    assert!(export.data.parent_span_id.is_empty() && export.data.kind == 5);
    assert_eq!(export.number("parking.job.attempt"), 1);
    assert_eq!(export.value("parking.job.outcome").as_deref(), Some("succeeded"));
    let spans = collector.received();
    assert!(!parts(&spans, &export, "read").is_empty(), "{spans:#?}");
    assert!(!parts(&spans, &export, "lane write").is_empty(), "{spans:#?}");
    let letter = collector.span("job mail").await;
    let mail = collector.span("mail").await;
    assert!(mail.is_in(&letter) && mail.data.kind == 3);
    assert_eq!(mail.value("parking.mail.to").as_deref(), Some("outbox"));
}

#[tokio::test]
async fn a_job_that_fails_says_so_without_its_reason() {
    let mut collector = Collector::start().await;
    let sender = ("MAIL_DEFAULT_SENDER", "parking@example.org");
    let app = app_with(&collector, &[("SMTP_URL", NO_MAIL_SERVER), sender]).await;
    app.driver("asha").await;
    worker::work_off(&app.app).await.unwrap();
    let job = collector.span("job mail").await;
    assert!(job.has_failed());
    assert_eq!(job.value("error.type").as_deref(), Some("retried"));
    let mail = collector.span("mail").await;
    assert!(mail.has_failed() && mail.is_in(&job));
    assert_eq!(mail.value("error.type").as_deref(), Some("delayed"));
}

#[tokio::test]
async fn a_request_that_is_prepared_and_a_stream_that_goes_on_are_noted_as_they_are_answered() {
    let mut collector = Collector::start().await;
    let app = app_with(&collector, &[]).await;
    app.nobody().get("/api/lots").await.expect(200);
    assert_eq!(collector.span("GET /api/lots").await.number("http.response.status_code"), 200);
    let request = Request::get("/api/events").body(Body::empty()).unwrap();
    let stream = app.raw(request).await;
    assert_eq!(collector.span("GET /api/events").await.number("http.response.status_code"), 200);
    drop(stream);
    let unknown = app.nobody().send("PURGE", "/api/nothing", None, &[]).await;
    let span = collector.span("HTTP").await;
    assert_eq!(span.value("http.request.method").as_deref(), Some("_OTHER"));
    assert_eq!(span.number("http.response.status_code"), i64::from(unknown.status.as_u16()));
    assert_eq!(span.value("http.route"), None);
}

#[tokio::test]
async fn nothing_personal_and_no_secret_is_in_a_trace() {
    let mut collector = Collector::start().await;
    let secret = ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary-header");
    let app = app_with(&collector, &[secret]).await;
    let admin = app.admin().await;
    let lot = admin.new_lot("Canarylot", 3).await;
    let asha = app.driver("canaryasha").await;
    let booking = asha.park_plate(&lot, "CA12NA4567").await.expect(201);
    asha.release(&booking).await.expect(200);
    asha.post("/api/exports", json!({})).await.expect(202);
    app.nobody()
        .post(
            "/api/auth/login",
            json!({ "email": "canaryasha@example.org", "password": "canary-wrong" }),
        )
        .await
        .expect(401);
    admin.get("/api/admin/users?q=canaryasha").await.expect(200);
    admin.get("/api/admin/bookings?plate=CA12NA4567").await.expect(200);
    asha.get("/canary-page/canaryasha@example.org?token=canary-token").await;
    asha.get("/api/canary-route/canaryasha@example.org").await.expect(404);
    asha.send("CANARYVERB", "/api/lots", None, &[("user-agent", "canary-agent")]).await;
    worker::work_off(&app.app).await.unwrap();
    get_in_trace(&asha, "/health/live", "01").await;
    collector.span("GET /health/live").await;

    assert_eq!(collector.header("authorization"), "Bearer canary-header");
    assert_eq!(collector.header("content-type"), "application/x-protobuf");
    let spans = collector.received();
    assert!(spans.len() > 30 && spans.iter().any(|span| span.name() == "job export"));
    let raw = collector.raw().concat();
    let raw = String::from_utf8_lossy(&raw);
    let token = asha.token().to_owned();
    let (address, cookie) = ("192.0.2.1".to_owned(), asha.cookie.clone());
    for canary in ["anary", "CA12NA4567", "CANARYVERB", "example.org", PASSWORD] {
        assert!(!raw.contains(canary), "{canary}");
    }
    for canary in [token, address, cookie, asha.id.clone(), text(&booking, "id").to_owned()] {
        assert!(!canary.is_empty() && !raw.contains(&canary), "{canary}");
    }
}

#[tokio::test]
async fn only_sampled_traces_are_sent() {
    let mut collector = Collector::start().await;
    let none = ("OTEL_TRACES_SAMPLER_ARG", "0");
    let app =
        app_with(&collector, &[("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), none]).await;
    let admin = app.admin().await;
    let lot = admin.new_lot("Central", 3).await;
    admin.park(&lot).await.expect(201);
    worker::work_off(&app.app).await.unwrap();
    get_in_trace(&admin, "/api/bookings", "00").await;
    get_in_trace(&admin, "/health/live", "01").await;
    collector.span("GET /health/live").await;
    let names: Vec<_> = collector.received().iter().map(|span| span.name().to_owned()).collect();
    assert_eq!(names, ["GET /health/live"]);
}

#[tokio::test]
async fn what_no_collector_takes_is_counted_and_holds_nobody_up() {
    let mut collector = Collector::start().await;
    let app = app_with(&collector, &[]).await;
    let nobody = app.nobody();
    let counts =
        || (metric(&app, "parking_spans_sent_total"), metric(&app, "parking_spans_dropped_total"));
    let until = async |expected| {
        while counts() != expected {
            tokio::task::yield_now().await;
        }
    };
    assert_eq!(counts(), (0, 0));
    for (answer, expected) in [
        (CollectorAnswer::Accept, (1, 0)),
        (CollectorAnswer::Refuse(503), (1, 1)),
        (CollectorAnswer::Reject, (1, 2)),
    ] {
        collector.answer(answer);
        nobody.get("/health/live").await.expect(200);
        collector.next_post().await;
        until(expected).await;
    }
    collector.answer(CollectorAnswer::Stall);
    nobody.get("/health/live").await.expect(200);
    collector.next_post().await;
    // More than are kept waiting.
    while counts().1 == 2 {
        nobody.get("/api/lots").await.expect(200);
    }
}

/// What the process says of its own metrics.
fn dropped(server: &Server) -> u64 {
    let text = ureq::get(format!("{}/metrics", server.url)).call().unwrap();
    let text = text.into_body().read_to_string().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("parking_spans_dropped_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_goes_on_without_its_collector_warns_once_and_ends_in_time() {
    for stalls in [true, false] {
        let mut collector = Some(Collector::start().await);
        let folder = tempfile::tempdir().unwrap();
        create_admin(&mut parking(folder.path()));
        let mut command = parking(folder.path());
        command
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.as_ref().unwrap().url())
            .env("OTEL_EXPORTER_OTLP_HEADERS", "authorization=canary-header");
        let mut server = Server::spawn(command.arg("serve"));
        if stalls {
            collector.as_ref().unwrap().answer(CollectorAnswer::Stall);
        } else {
            collector = None;
        }
        let token = server.sign_in();
        let lot = server.new_lot(&token, 3);
        while dropped(&server) == 0 {}
        let wish = json!({ "lot_id": lot });
        server.expect(201, "POST", "/api/bookings", Some(&token), Some(&wish));
        let first = dropped(&server);
        if !stalls {
            while dropped(&server) == first {}
        }
        server.signal("-TERM");
        let asked = Instant::now();
        let (status, said) = server.end();
        assert!(status.success() && asked.elapsed() < Duration::from_secs(10), "{said}");
        let warnings = said.matches("spans of traces were dropped").count();
        // One that stalls may be waited for still.
        assert!(warnings == 1 || stalls && warnings == 0, "{said}");
        assert!(!said.contains("canary"), "{said}");
        drop(collector);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_process_sends_what_is_left_and_log_lines_name_the_trace() {
    const LAST: usize = 600;
    let mut collector = Collector::start().await;
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let mut command = parking(folder.path());
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url()).env("SMTP_URL", NO_MAIL_SERVER);
    let mut server = Server::spawn(command.arg("serve"));
    let asha = json!({ "name": "Asha", "email": "asha@example.org", "password": PASSWORD });
    server.expect(201, "POST", "/api/auth/register", None, Some(&asha));
    let mail = collector.span("job mail").await;
    // More than go into one message.
    for _ in 0..LAST {
        server.expect(200, "GET", "/api/setup", None, None);
    }
    server.signal("-TERM");
    let (status, said) = server.end();
    assert!(status.success(), "{said}");
    let spans = collector.received();
    assert_eq!(spans.iter().filter(|span| span.name() == "GET /api/setup").count(), LAST);
    let trace = format!("trace{{id={}}}", trace_of(&mail));
    let line = said.lines().find(|line| line.contains("an attempt at a job failed")).unwrap();
    assert!(line.contains(&trace), "{line} {trace}");
}
