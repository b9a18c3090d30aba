//! Background jobs and schedules.

use std::collections::HashMap;

use futures_util::future::{join, join_all};
use jiff::SignedDuration;
use parking::jobs::{store, worker};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Caller, TestApp, items, text};

const NO_REMINDERS: (&str, &str) = ("DAILY_REMINDERS", "off");

/// Asks for a run of the schedule; gives the task's id.
async fn run_now(admin: &Caller<'_>) -> String {
    let started = admin.post_empty("/api/admin/schedules/clean-up/run").await.expect(202);
    text(&started, "task_id").to_owned()
}

async fn task(who: &Caller<'_>, id: &str) -> Value {
    who.get(&format!("/api/tasks/{id}")).await.expect(200)
}

async fn tasks(admin: &Caller<'_>, filter: &str) -> Vec<Value> {
    items(
        &admin.get(&format!("/api/admin/tasks?limit=100&kind=clean_up{filter}")).await.expect(200),
    )
    .clone()
}

/// Does what the sign-ups so far have caused: mails.
async fn settle(app: &TestApp) {
    worker::work_off(&app.app).await.unwrap();
}

/// Makes a waiting job one that this version cannot read, or readable again.
async fn set_payload(app: &TestApp, payload: &'static str) {
    let change = app.app.db.write(Uuid::nil(), move |tx| {
        Ok(tx.exec("update jobs set payload = $1 where kind = 'clean_up'", &[payload.into()])?)
    });
    change.await.unwrap();
}

on_both! {
    async fn a_run_by_hand_is_a_task_of_the_admin(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        settle(&app).await;
        asha.post_empty("/api/admin/schedules/clean-up/run").await.refused(403, "forbidden");
        admin.post_empty("/api/admin/schedules/unknown/run").await.refused(404, "not_found");
        let id = run_now(&admin).await;
        let queued = task(&admin, &id).await;
        assert_eq!((text(&queued, "kind"), text(&queued, "status")), ("clean_up", "queued"));
        assert_eq!((&queued["progress"], &queued["finished_at"]), (&json!(0.0), &Value::Null));
        asha.get(&format!("/api/tasks/{id}")).await.refused(404, "not_found");

        assert_eq!(worker::work_off(&app.app).await.unwrap(), 1);
        let done = task(&admin, &id).await;
        assert_eq!((text(&done, "status"), &done["progress"]), ("succeeded", &json!(1.0)));
        assert_eq!(done["result"], json!({ "answers": 0, "sessions": 0, "tasks": 0, "exports": 0, "mails": 0, "plates": 0 }));
        assert_eq!(admin.audit_actions().await[0], "schedule.run");
    }

    async fn a_tick_makes_one_job_however_often_it_is_looked(app: TestApp) {
        let admin = app.admin().await;
        settle(&app).await;
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 0, "a new installation missed nothing");
        for _ in 0..2 {
            app.wait_minutes(60);
            let both = join(worker::work_off(&app.app), worker::work_off(&app.app)).await;
            assert_eq!(both.0.unwrap() + both.1.unwrap(), 1);
        }
        let all = admin.get("/api/admin/schedules").await.expect(200);
        let seen = &items(&all)[0];
        assert_eq!((text(seen, "name"), text(seen, "expression")), ("clean-up", "17 * * * *"));
        assert_eq!(text(seen, "time_zone"), "Asia/Kolkata");
        // 10:00 is 15:30 there; after two hours it is 17:30.
        assert_eq!(text(seen, "next_run_at"), "2026-11-22T12:47:00Z");
        assert_eq!(text(seen, "last_run_at"), "2026-11-22T12:00:00Z");
        assert_eq!(tasks(&admin, "").await.len(), 2);
    }

    async fn a_clock_that_is_set_back_repeats_no_tick(app: TestApp) {
        worker::work_off(&app.app).await.unwrap();
        app.wait_minutes(60);
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 1);
        app.clock.advance(SignedDuration::from_mins(-60));
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 1, "the tick before was never worked off");
        app.wait_minutes(60);
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 0);
    }

    async fn a_failed_task_is_shown_with_its_error_and_tried_again(app: TestApp) {
        let admin = app.admin().await;
        settle(&app).await;
        let id = run_now(&admin).await;
        set_payload(&app, "\"of another version\"").await;
        worker::work_off(&app.app).await.unwrap();
        let failed = tasks(&admin, "&status=failed").await;
        assert_eq!((failed.len(), text(&failed[0], "id")), (1, id.as_str()));
        assert!(text(&failed[0], "error").contains("cannot be read by this version"), "{}", failed[0]);
        assert_eq!(failed[0]["attempts"], 1, "another attempt could not help");
        assert_eq!(failed[0]["owner"]["name"], "Admin");

        set_payload(&app, "null").await;
        let path = format!("/api/admin/tasks/{id}/retry");
        assert_eq!(admin.post_empty(&path).await.expect(200)["status"], "queued");
        admin.post_empty(&path).await.refused(409, "task_not_failed");
        worker::work_off(&app.app).await.unwrap();
        assert_eq!(task(&admin, &id).await["status"], "succeeded");
        assert!(tasks(&admin, "&status=failed").await.is_empty());
        admin.post_empty(&format!("/api/admin/tasks/{}/retry", Uuid::nil())).await.refused(404, "not_found");
        assert_eq!(admin.audit_actions().await[0], "task.retried");
    }

    async fn a_job_whose_worker_was_lost_goes_on_when_its_claim_ran_out(app: TestApp) {
        let admin = app.admin().await;
        settle(&app).await;
        let id = run_now(&admin).await;
        let (now, claim) = (app.now(), Uuid::from_u128(1));
        let until = now + SignedDuration::from_secs(30);
        let take = move |tx: &mut parking::db::Tx<'_>| store::claim(tx, now, "clean_up", 5, claim, until);
        assert_eq!(app.app.db.write(Uuid::nil(), take).await.unwrap().len(), 1);
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 0, "it is claimed");
        app.clock.advance(SignedDuration::from_secs(31));
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 1);
        assert_eq!(task(&admin, &id).await["status"], "succeeded");
        assert_eq!(tasks(&admin, "").await[0]["attempts"], 2);

        // What the lost worker still does, does not count.
        let id: Uuid = id.parse().unwrap();
        let late = app.app.db.write(id, move |tx| store::hold(tx, id, claim)).await;
        assert!(matches!(late, Err(parking::Error::Conflict("claim_lost"))), "{late:?}");
    }

    async fn several_workers_do_each_job_once(app: TestApp) {
        let admin = app.admin().await;
        settle(&app).await;
        for _ in 0..60 {
            run_now(&admin).await;
        }
        let others = join_all((0..3).map(|_| app.another())).await;
        let done = join_all(others.iter().map(worker::work_off)).await;
        assert_eq!(done.into_iter().map(Result::unwrap).sum::<usize>(), 60);
        let mut attempts = HashMap::new();
        for task in tasks(&admin, "&status=succeeded").await {
            *attempts.entry(task["attempts"].as_i64().unwrap()).or_insert(0) += 1;
        }
        assert_eq!(attempts, HashMap::from([(1, 60)]));
    }

    async fn finished_tasks_are_removed_after_their_time(app: TestApp) {
        let admin = app.admin().await;
        settle(&app).await;
        let first = run_now(&admin).await;
        worker::work_off(&app.app).await.unwrap();
        app.wait_minutes(41 * 24 * 60);
        let second = run_now(&admin).await;
        worker::work_off(&app.app).await.unwrap();
        admin.get(&format!("/api/tasks/{first}")).await.refused(404, "not_found");
        // The welcome mail and the first.
        assert_eq!(task(&admin, &second).await["result"]["tasks"], 2);
    }

    async fn the_metrics_count_jobs_by_kind_and_status(app: TestApp) {
        let admin = app.admin().await;
        settle(&app).await;
        run_now(&admin).await;
        worker::work_off(&app.app).await.unwrap();
        run_now(&admin).await;
        let jobs = app.app.db.read(store::counts).await.unwrap();
        let text = app.app.metrics.render(&app.app, jobs);
        for line in [
            "parking_jobs{kind=\"clean_up\",status=\"succeeded\"} 1",
            "parking_jobs{kind=\"clean_up\",status=\"queued\"} 1",
            "parking_job_attempts_total{kind=\"clean_up\",outcome=\"succeeded\"} 1",
            "parking_job_wait_seconds_count{kind=\"clean_up\"} 1",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}

#[tokio::test]
async fn a_missed_tick_is_made_up_once_if_it_is_not_too_old() {
    for (hours, made_up) in [(14, 1), (16, 0)] {
        // 15:30 in Kolkata, so the tick of 18:00 is 11.5 or 13.5 hours old.
        let app = TestApp::with(&[("CLEAN_UP", "0 18 * * *"), NO_REMINDERS]).await;
        worker::work_off(&app.app).await.unwrap();
        app.wait_minutes(hours * 60);
        assert_eq!(worker::work_off(&app.app).await.unwrap(), made_up, "after {hours} hours");
        assert_eq!(worker::work_off(&app.app).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_schedule_can_be_switched_off_and_still_be_run_by_hand() {
    let app = TestApp::with(&[("CLEAN_UP", "off"), NO_REMINDERS]).await;
    let admin = app.admin().await;
    worker::work_off(&app.app).await.unwrap();
    app.wait_minutes(24 * 60);
    assert_eq!(worker::work_off(&app.app).await.unwrap(), 0);
    let all = admin.get("/api/admin/schedules").await.expect(200);
    assert_eq!(items(&all)[0]["expression"], Value::Null);
    assert_eq!(items(&all)[0]["next_run_at"], Value::Null);
    let id = run_now(&admin).await;
    assert_eq!(worker::work_off(&app.app).await.unwrap(), 1);
    assert_eq!(task(&admin, &id).await["status"], "succeeded");
}
