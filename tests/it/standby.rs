//! A standby answers heavy questions, and nothing is missing from its answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking::db::{Surveyed, TASK_WAITS};
use parking::jobs::worker;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::harness::{Caller, TestApp, postgres_schema, text};
use crate::peers::{Pooler, PostgresServer};
use crate::replicas::until;

struct Pair {
    app: TestApp,
    standby: PostgresServer,
    /// Ends after its standby.
    primary: PostgresServer,
}

impl Pair {
    async fn start() -> Self {
        let primary = PostgresServer::start();
        let standby = primary.standby();
        let urls = [("DATABASE_URL", &*primary.url()), ("DATABASE_READ_URL", &*standby.url())];
        let app = TestApp::with(
            &[&urls[..], &[("METRICS_TOKEN", "a token that only Prometheus has")]].concat(),
        )
        .await;
        Self { app, standby, primary }
    }

    fn surveyed(&self) -> Surveyed {
        self.app.app.db.surveyed().unwrap()
    }

    async fn was_asked_how_far_it_is(&self) -> bool {
        let asked = "select count(*) from pg_stat_activity \
                     where pid <> pg_backend_pid() and query like '%pg_last_wal_replay_lsn%'";
        self.standby.ask(asked).await.as_deref() != Some("0")
    }

    /// That the standby answers all of it.
    async fn answers<T>(&self, what: &str, question: impl Future<Output = T>) -> T {
        let before = self.surveyed();
        let answer = question.await;
        let after = self.surveyed();
        assert!(after.by_standby > before.by_standby, "{what}: {before:?} {after:?}");
        assert_eq!(after.by_primary, before.by_primary, "{what}");
        answer
    }

    async fn is_asked_again(&self, admin: &Caller<'_>) {
        let before = self.surveyed().by_standby;
        until(async || {
            admin.get("/api/admin/stats").await.expect(200);
            self.surveyed().by_standby > before
        })
        .await;
    }
}

/// The rows of an export of everyone's bookings.
async fn exported(app: &TestApp, admin: &Caller<'_>) -> Value {
    // Not the same as the last.
    app.wait_minutes(2);
    let begun = admin.post("/api/admin/exports", json!({})).await.expect(202);
    worker::work_off(&app.app).await.unwrap();
    let task = admin.get(&format!("/api/tasks/{}", text(&begun, "task_id"))).await.expect(200);
    assert_eq!(text(&task, "status"), "succeeded", "{task}");
    task["result"]["rows"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn exports_reports_and_statistics_come_from_the_standby_and_miss_nothing() {
    let pair = Pair::start().await;
    let admin = pair.app.admin().await;
    let lot = admin.new_lot("Central", 30).await;
    for parked in 1..=20 {
        admin.walk_in(&lot, &format!("CAR{parked}")).await.expect(201);
        assert_eq!(pair.answers("export", exported(&pair.app, &admin)).await, parked);
        let stats = pair.answers("statistics", admin.get("/api/admin/stats")).await.expect(200);
        assert_eq!(stats["totals"]["bookings_started"], parked);
        let overview = pair.answers("overview", admin.get("/api/admin/overview")).await.expect(200);
        assert_eq!(overview["occupied"], parked);
        pair.answers("own statistics", admin.get("/api/stats")).await.expect(200);
    }
    admin.post_empty("/api/admin/schedules/monthly-reports/run").await.expect(202);
    pair.answers("reports", worker::work_off(&pair.app.app)).await.unwrap();
    let token = [("authorization", "Bearer a token that only Prometheus has")];
    let metrics = pair.app.nobody().send("GET", "/metrics", None, &token).await;
    let metrics = String::from_utf8(metrics.body).unwrap();
    let by_standby = pair.surveyed().by_standby;
    let line = format!("parking_heavy_reads_total{{by=\"standby\"}} {by_standby}");
    assert!(metrics.contains(&line), "{metrics}");
    assert!(metrics.contains("parking_standby_wait_seconds_total "), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_standby_has_not_replayed_is_waited_for() {
    let pair = Pair::start().await;
    let admin = pair.app.admin().await;
    let lot = admin.new_lot("Central", 3).await;
    pause(&pair.standby).await;
    admin.walk_in(&lot, "CAR1").await.expect(201);
    let (rows, ()) = futures_util::join!(exported(&pair.app, &admin), async {
        until(async || pair.was_asked_how_far_it_is().await).await;
        pair.standby.ask("select pg_wal_replay_resume()").await;
    });
    assert_eq!(rows, 1);
    assert_eq!(pair.surveyed().by_primary, 0);
}

async fn pause(standby: &PostgresServer) {
    standby.ask("select pg_wal_replay_pause()").await;
    until(async || {
        let state = standby.ask("select pg_get_wal_replay_pause_state()").await;
        state.as_deref() == Some("paused")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_that_replays_nothing_is_left_alone_until_it_does() {
    let pair = Pair::start().await;
    let admin = pair.app.admin().await;
    let lot = admin.new_lot("Central", 3).await;
    pause(&pair.standby).await;
    admin.walk_in(&lot, "CAR1").await.expect(201);
    let stats = admin.get("/api/admin/stats").await.expect(200);
    assert_eq!(stats["totals"]["bookings_started"], 1);
    admin.walk_in(&lot, "CAR2").await.expect(201);
    assert_eq!(exported(&pair.app, &admin).await, 2);
    assert_eq!(pair.surveyed().by_standby, 0);
    pair.standby.ask("select pg_wal_replay_resume()").await;
    pair.is_asked_again(&admin).await;
    assert_eq!(exported(&pair.app, &admin).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_standby_everything_goes_on_and_with_it_again_too() {
    let pair = Pair::start().await;
    let admin = pair.app.admin().await;
    let lot = admin.new_lot("Central", 3).await;
    admin.walk_in(&lot, "CAR1").await.expect(201);
    assert_eq!(exported(&pair.app, &admin).await, 1);
    assert_eq!(pair.surveyed().by_primary, 0);
    pair.standby.stop_hard();
    admin.walk_in(&lot, "CAR2").await.expect(201);
    assert_eq!(exported(&pair.app, &admin).await, 2);
    assert!(pair.surveyed().by_primary > 0);
    // One that starts meanwhile needs it no more.
    let another = pair.app.replica(&[]).await;
    let late = another.sign_in("admin@example.org").await;
    assert_eq!(late.get("/api/admin/overview").await.expect(200)["occupied"], 2);
    pair.standby.start_again();
    pair.is_asked_again(&admin).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_the_replay_cancels_is_asked_again_and_at_last_of_the_primary() {
    let pair = Pair::start().await;
    pair.primary.ask("create table notes as select generate_series(1, 1000) as note").await;
    let (begun, mut begins) = mpsc::unbounded_channel();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let survey = pair.app.app.db.survey(TASK_WAITS).await;
    let question = survey.read(move |tx| {
        count.fetch_add(1, Ordering::Relaxed);
        tx.snapshot(|tx| {
            let first: i64 = tx.one("select count(*) from notes", &[], |row| row.get(0))?;
            let is_standby: bool = tx.one("select pg_is_in_recovery()", &[], |row| row.get(0))?;
            if is_standby {
                begun.send(first).unwrap();
                tx.one("select cast(pg_sleep(20) as text)", &[], |row| row.get::<String>(0))?;
            }
            Ok(first)
        })
    });
    let clean = async {
        while let Some(notes) = begins.recv().await {
            let sql = format!("delete from notes where note > {}", notes - 100);
            pair.primary.ask(&sql).await;
            pair.primary.ask("vacuum notes").await;
        }
    };
    let (answer, ()) = futures_util::join!(question, clean);
    assert!(answer.unwrap() < 1000);
    assert!(asked.load(Ordering::Relaxed) > 2, "{asked:?}");
    assert_eq!((pair.surveyed().by_standby, pair.surveyed().by_primary), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_server_is_as_good_as_a_standby_also_behind_a_pooler() {
    let url = postgres_schema().await;
    let pooler = Pooler::start(&url);
    for settings in [
        vec![("DATABASE_URL", url.clone()), ("DATABASE_READ_URL", url.clone())],
        vec![
            ("DATABASE_URL", pooler.url()),
            ("DATABASE_READ_URL", pooler.url()),
            ("DATABASE_POOLED", "yes".into()),
        ],
    ] {
        let settings: Vec<_> = settings.iter().map(|(name, value)| (*name, &**value)).collect();
        let app = TestApp::with(&settings).await;
        let asha = app.driver(&format!("asha{}", settings.len())).await;
        asha.get("/api/stats").await.expect(200);
        let surveyed = app.app.db.surveyed().unwrap();
        assert_eq!((surveyed.by_standby, surveyed.by_primary), (1, 0));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_primary_that_does_not_tell_how_far_its_log_is_answers_itself() {
    let server = PostgresServer::start();
    server.ask("create role parking login").await;
    server.ask("create schema authorization parking").await;
    server.ask("revoke execute on function pg_control_system() from public").await;
    let url = server.url().replace("postgres@", "parking@");
    let app = TestApp::with(&[("DATABASE_URL", &url), ("DATABASE_READ_URL", &url)]).await;
    let asha = app.driver("asha").await;
    asha.get("/api/stats").await.expect(200);
    let surveyed = app.app.db.surveyed().unwrap();
    assert_eq!((surveyed.by_standby, surveyed.by_primary), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_other_data_is_not_believed() {
    let other = PostgresServer::start();
    let app = TestApp::on_postgres(&[("DATABASE_READ_URL", &other.url())]).await;
    let asha = app.driver("asha").await;
    asha.get("/api/stats").await.expect(200);
    let surveyed = app.app.db.surveyed().unwrap();
    assert_eq!((surveyed.by_standby, surveyed.by_primary), (0, 1));
}
