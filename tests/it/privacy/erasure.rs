//! A deleted account is nowhere any more: not in the database, not in its files as bytes, not in a new
//! backup.

use std::path::Path;

use jiff::SignedDuration;
use parking::audit::chain;
use parking::db::{DatabaseUrl, Tx};
use parking::jobs::{store, worker};
use redis::AsyncCommands;
use serde_json::{Value, json};
use uuid::Uuid;

use super::guises::{Guises, found_below, found_in};
use crate::harness::{Caller, PASSWORD, TestApp, items, text};
use crate::peers::{RedisServer, S3Server};

/// What Zoë leaves as she goes: her name, email, plates, and what she called her vehicle.
const AT_LAST: [&str; 6] =
    ["Quillfeather", "zoe.quillfeather", "QX77CANARY", "QX78CANARY", "Quillmobile", "CANARYSPACE"];
/// And what was hers before.
const BEFORE: [&str; 4] = ["Ashdownbury", "zoe.ashdown", "QX79CANARY", "CanaryBrowser"];

fn words(of: &[&str]) -> Vec<Guises> {
    of.iter().map(|word| Guises::of(word)).collect()
}

fn all_words() -> Vec<Guises> {
    words(&[&AT_LAST[..], &BEFORE[..]].concat())
}

async fn work(app: &TestApp) {
    worker::work_off(&app.app).await.unwrap();
}

async fn write<T: Send + 'static>(
    app: &TestApp,
    change: impl FnMut(&mut Tx<'_>) -> parking::Result<T> + Send + 'static,
) -> T {
    app.app.db.write(Uuid::nil(), change).await.unwrap()
}

/// Somebody who has done whatever leaves a trace, and has another name and address by now.
async fn zoe<'a>(app: &'a TestApp, admin: &Caller<'_>, lot: &str) -> Caller<'a> {
    let registration = json!({
        "name": "Zoë Ashdownbury", "email": "zoe.ashdown@canary.example", "password": PASSWORD,
    });
    let headers = [("user-agent", "CanaryBrowser/1.0"), ("idempotency-key", "z1")];
    let (nobody, body) = (app.nobody(), Some(registration.to_string()));
    let registered = nobody.send("POST", "/api/auth/register", body, &headers).await;
    let zoe = registered.signed_in(app, 201);
    work(app).await;
    let change = json!({
        "name": "Zoë Quillfeather", "email": "zoe.quillfeather@canary.example",
        "current_password": PASSWORD,
        "preferences": {
            "receipts": true,
            "chat_webhook_url": "https://chat.googleapis.com/v1/spaces/CANARYSPACE/messages?key=k",
        },
    });
    zoe.patch("/api/me", change).await.expect(200);
    let vehicle = json!({ "plate": "qx 79 canary", "name": "Quillmobile" });
    let vehicle = zoe.post_once("z2", "/api/me/vehicles", vehicle).await.expect(201);
    let path = format!("/api/me/vehicles/{}", text(&vehicle, "id"));
    zoe.patch(&path, json!({ "plate": "QX77CANARY" })).await.expect(200);

    for email in ["zoe.ashdown@canary.example", "zoe.quillfeather@canary.example"] {
        let forgotten = json!({ "email": email });
        app.nobody().post("/api/auth/forgot-password", forgotten).await.expect(202);
        let wrong = json!({ "email": email, "password": "a wrong guess" });
        app.nobody().post("/api/auth/login", wrong).await.expect(401);
    }
    let park = async |key: &str, plate: &str| {
        let booking = json!({ "lot_id": lot, "vehicle_plate": plate });
        zoe.post_once(key, "/api/bookings", booking).await.expect(201)
    };
    let (first, second) = (park("z3", "QX77CANARY").await, park("z4", "qx-78-canary").await);
    // Just after the next day's reminders.
    app.wait_minutes(27 * 60);
    work(app).await;
    zoe.release(&first).await.expect(200);
    let path = format!("/api/bookings/{}/release", text(&second, "id"));
    admin.send("POST", &path, None, &[("idempotency-key", "a1")]).await.expect(200);
    zoe
}

/// What else names her: exports, a mail that the admin has sent again, a month's report.
async fn named(app: &TestApp, admin: &Caller<'_>, zoe: &Caller<'_>) {
    // The morning of the first of December.
    app.wait_minutes((7 * 24 + 11) * 60);
    work(app).await;
    let mails = admin.get(&format!("/api/admin/mails?user_id={}", zoe.id)).await.expect(200);
    let lists: Vec<_> = items(&mails).iter().map(|mail| text(mail, "list")).collect();
    for list in ["account", "receipts", "reminders", "reports"] {
        assert!(lists.contains(&list), "{lists:?}");
    }
    let mail = text(&items(&mails)[0], "id").to_owned();
    let failed: Uuid = mail.parse().unwrap();
    let fail = "update jobs set status = 'failed' where id = $1";
    write(app, move |tx| Ok(tx.exec(fail, &[failed.into()])?)).await;
    let path = format!("/api/admin/tasks/{mail}/retry");
    admin.send("POST", &path, None, &[("idempotency-key", "a2")]).await.expect(200);
    zoe.post_once("z5", "/api/exports", json!({})).await.expect(202);
    admin.post("/api/admin/exports", json!({})).await.expect(202);
    work(app).await;
}

/// Neighbours who come, change and go, so that pages of the database are split and joined again.
async fn neighbours(app: &TestApp, round: i64) {
    let now = app.now();
    let mail = |n: i64| format!("{}-neighbour{n}@example.org", n * 7919 % 26_000);
    write(app, move |tx| {
        for n in round * 400..(round + 1) * 400 {
            let name = format!("Neighbour {}", "x".repeat(usize::try_from(n % 60).unwrap_or(0)));
            tx.send(
                "insert into users (id, email, name, search, is_admin, active, created_at) \
                 values ($1, $2, $3, $2, $4, $4, $5)",
                &[
                    parking::ids::new_id(now).into(),
                    (&mail(n)).into(),
                    (&name).into(),
                    false.into(),
                    now.into(),
                ],
            )?;
        }
        Ok(())
    })
    .await;
    for (divisor, change) in [
        (3, "update users set name = name || name || name where email = $1"),
        (2, "delete from users where email = $1"),
    ] {
        write(app, move |tx| {
            for n in (0..(round + 1) * 400).filter(|n| (n + round) % divisor == 0) {
                tx.send(change, &[(&mail(n)).into()])?;
            }
            Ok(())
        })
        .await;
    }
}

/// The words that stand anywhere in the data folder, and on PostgreSQL in any row of any table.
async fn found(app: &TestApp, words: &[Guises]) -> Vec<String> {
    let mut found = found_below(words, app.folder.path());
    if !app.app.db.is_sqlite() {
        let all = "select string_agg(format('select ''%s: '' || t::text from %I t', table_name, table_name), \
             ' union all ') from information_schema.tables where table_schema = current_schema()";
        let rows = app.app.db.read(move |tx| {
            let all: String = tx.one(all, &[], |row| row.get(0))?;
            Ok(tx.all(&all, &[], |row| row.get::<String>(0))?)
        });
        for row in rows.await.unwrap() {
            let there = found_in(words, row.as_bytes()).into_iter();
            found.extend(there.map(|word| format!("{word} in {row}")));
        }
    }
    found
}

async fn statistics(admin: &Caller<'_>) -> Vec<Value> {
    let mut all = Vec::new();
    for path in ["/api/admin/stats", "/api/admin/reports/2026-11", "/api/admin/overview"] {
        let mut figures = admin.get(path).await.expect(200);
        // They name the driver, and what mail does not reach.
        for personal in ["latest", "attention"] {
            figures[personal].take();
        }
        all.push(figures);
    }
    all
}

on_both! {
    async fn a_deleted_account_leaves_no_name_mail_or_plate_anywhere(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        neighbours(&app, 0).await;
        let zoe = zoe(&app, &admin, &lot).await;
        neighbours(&app, 1).await;
        named(&app, &admin, &zoe).await;
        neighbours(&app, 2).await;
        let before = statistics(&admin).await;
        for word in AT_LAST {
            assert!(!found(&app, &words(&[word])).await.is_empty(), "{word} was never anywhere");
        }

        zoe.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
        work(&app).await;
        assert_eq!(found(&app, &all_words()).await, [""; 0]);

        // The books stay, and whoever looks after them.
        assert_eq!(statistics(&admin).await, before);
        let stays = admin.get(&format!("/api/admin/bookings?user_id={}", zoe.id)).await.expect(200);
        let stays: Vec<_> = items(&stays).iter().map(|stay| (&stay["vehicle_plate"], stay["cost_minor"].as_i64())).collect();
        assert_eq!(stays, [(&Value::Null, Some(162_000)); 2]);
        let db = app.app.db.clone();
        let chain = tokio::task::spawn_blocking(move || chain::verify(&db, None)).await.unwrap().unwrap();
        assert!(chain.faults.is_empty() && chain.end.number > 5, "{chain:?}");
    }

    async fn what_was_being_written_to_somebody_as_they_left_is_forgotten(app: TestApp) {
        let (admin, asha) = (app.admin().await, app.driver("asha").await);
        asha.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
        work(&app).await;
        let to: Uuid = asha.id.parse().unwrap();
        let late = "insert into jobs (id, kind, payload, owner_id, status, run_at, attempts, progress, created_at) \
             values ($1, $2, $3, $4, 'queued', $5, 0, 0, $5)";
        let letter = json!({ "language": "en", "subject": "Hello asha", "blocks": [] });
        let payload = json!({ "to": to, "list": "reminders", "letter": letter }).to_string();
        let now = app.now();
        for kind in ["mail", "chat"] {
            let payload = payload.clone();
            let id = parking::ids::new_id(now);
            write(&app, move |tx| {
                Ok(tx.exec(late, &[id.into(), kind.into(), (&payload).into(), to.into(), now.into()])?)
            }).await;
        }
        work(&app).await;
        let left = |tx: &mut Tx<'_>| {
            let sql = "select count(*) from jobs where kind in ('mail', 'chat')";
            Ok(tx.one(sql, &[], |row| row.get::<i64>(0))?)
        };
        // The admin's welcome is.
        assert_eq!(app.app.db.read(left).await.unwrap(), 1);
        assert!(admin.get("/api/admin/tasks?status=failed").await.expect(200)["items"].as_array().unwrap().is_empty());
    }

    async fn an_export_of_everybody_that_was_being_written_is_written_anew(app: TestApp) {
        let admin = app.admin().await;
        let lot = admin.new_lot("Central", 5).await;
        let zoe = zoe(&app, &admin, &lot).await;
        let begun = admin.post("/api/admin/exports", json!({})).await.expect(202);
        let (now, claim) = (app.now(), Uuid::from_u128(1));
        let until = now + SignedDuration::from_secs(30);
        let taken = write(&app, move |tx| store::claim(tx, now, "export", 1, claim, until)).await;
        assert_eq!(taken.len(), 1);
        zoe.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
        work(&app).await;
        let id = taken[0].id;
        let late = app.app.db.write(id, move |tx| store::hold(tx, id, claim)).await;
        assert!(matches!(late, Err(parking::Error::Conflict("claim_lost"))), "{late:?}");
        let task = format!("/api/tasks/{}", text(&begun, "task_id"));
        assert_eq!(admin.get(&task).await.expect(200)["status"], "running");

        app.clock.advance(SignedDuration::from_secs(31));
        work(&app).await;
        let task = admin.get(&task).await.expect(200);
        let file = admin.get(text(&task["result"], "download_url")).await;
        let file = String::from_utf8(file.body).unwrap();
        assert_eq!((file.lines().count(), found_in(&all_words(), file.as_bytes())), (3, Vec::new()));
    }
}

#[tokio::test]
async fn a_new_backup_holds_nothing_of_a_deleted_account() {
    let app = TestApp::sqlite().await;
    let admin = app.admin().await;
    let lot = admin.new_lot("Central", 5).await;
    let zoe = zoe(&app, &admin, &lot).await;
    let backup = async |folder: &Path| {
        let (db, file) = (app.app.db.clone(), folder.join("backup.sqlite"));
        tokio::task::spawn_blocking(move || db.backup(&file)).await.unwrap().unwrap();
        found_below(&words(&AT_LAST), folder).len()
    };
    let (before, after) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!(backup(before.path()).await, AT_LAST.len());
    zoe.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
    work(&app).await;
    assert_eq!(backup(after.path()).await, 0);
    assert_eq!(found_below(&all_words(), after.path()), [""; 0]);
}

#[tokio::test]
async fn sqlites_log_is_cut_off_as_soon_as_nobody_reads_what_is_in_it() {
    let app = TestApp::sqlite().await;
    let (admin, asha) = (app.admin().await, app.driver("asha").await);
    work(&app).await;
    let DatabaseUrl::Sqlite(file) = &app.app.config.database_url else { panic!() };
    let log = || std::fs::metadata(file.with_extension("sqlite-wal")).unwrap().len();
    let reader = rusqlite::Connection::open(file).unwrap();
    reader.execute_batch("begin; select count(*) from users").unwrap();
    asha.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
    work(&app).await;
    let erasure = async || {
        let tasks = admin.get("/api/admin/tasks?kind=erasure").await.expect(200);
        let task = &items(&tasks)[0];
        (text(task, "status").to_owned(), task["error"].as_str().unwrap_or_default().to_owned())
    };
    let waits = "SQLite's log is in use: it is cut off later.";
    assert_eq!(erasure().await, ("queued".into(), waits.into()));
    let before = log();
    reader.execute_batch("rollback").unwrap();
    app.wait_minutes(1);
    work(&app).await;
    assert_eq!(erasure().await, ("succeeded".into(), String::new()));
    // But for the end of the task itself.
    assert!(log() < before / 4, "{} of {before} bytes are left", log());
}

#[tokio::test]
async fn a_bucket_holds_no_export_of_a_deleted_account() {
    let server = S3Server::start().await;
    let app = server.app("", S3Server::ACCESS_KEY).await;
    let (admin, asha, ravi) =
        (app.admin().await, app.driver("asha").await, app.driver("ravi").await);
    admin.post("/api/admin/exports", json!({})).await.expect(202);
    for driver in [&asha, &ravi] {
        driver.post("/api/exports", json!({})).await.expect(202);
    }
    work(&app).await;
    assert_eq!(server.objects().len(), 3);
    asha.delete_with("/api/me", json!({ "password": PASSWORD })).await.expect(204);
    work(&app).await;
    // Ravi's.
    assert_eq!(server.objects().len(), 1);
}

#[tokio::test]
async fn nothing_in_redis_names_anybody() {
    let redis = RedisServer::start();
    let settings = [("REDIS_URL", &*redis.url()), ("RATE_LIMIT", "on")];
    let app = TestApp::on_postgres(&settings).await;
    let admin = app.admin().await;
    let lot = admin.new_lot("Central", 5).await;
    zoe(&app, &admin, &lot).await;
    admin.get("/api/admin/stats").await.expect(200);
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let keys: Vec<String> = connection.keys("*").await.unwrap();
    assert!(keys.len() >= 3, "{keys:?}");
    for key in keys {
        let value: Option<Vec<u8>> = connection.get(&key).await.unwrap();
        let kept = format!("{key} {}", String::from_utf8_lossy(&value.unwrap_or_default()));
        assert_eq!(found_in(&all_words(), kept.as_bytes()), [""; 0], "{kept}");
    }
}

#[tokio::test]
async fn a_mail_in_the_outbox_is_kept_as_long_as_its_task() {
    let app = TestApp::sqlite().await;
    let (admin, _) = (app.admin().await, app.driver("asha").await);
    work(&app).await;
    let outbox = app.folder.path().join("outbox");
    let mails = || std::fs::read_dir(&outbox).unwrap().count();
    let begun = outbox.join(format!("{}.draft", Uuid::nil()));
    std::fs::write(&begun, "of a process that was killed").unwrap();
    let clean_up = async || {
        admin.post_empty("/api/admin/schedules/clean-up/run").await.expect(202);
        work(&app).await;
    };
    clean_up().await;
    assert!(!begun.exists());
    let kept = mails();
    assert!(kept >= 2, "{kept}");
    app.wait_minutes(39 * 24 * 60);
    app.driver("ravi").await;
    work(&app).await;
    clean_up().await;
    assert_eq!(mails(), kept + 1);
    app.wait_minutes(2 * 24 * 60);
    clean_up().await;
    assert_eq!(mails(), 1, "Ravi's");
}
