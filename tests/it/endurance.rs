//! Background work over a month with restarts, and under `kill -9`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use parking::clock::Clock;
use parking::db::DatabaseUrl;
use parking::jobs::worker;
use serde_json::{Value, json};

use crate::harness::{Caller, TestApp, items, text};
use crate::peers::MailServer;
use crate::torture::{scale, seen};

/// All pages of a list of the admin's.
async fn all(admin: &Caller<'_>, path: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{path}&limit=100{cursor}")).await.expect(200);
        rows.extend(items(&page).iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return rows };
        cursor = format!("&cursor={next}");
    }
}

on_both! {
    async fn thirty_days_with_restarts_remind_each_person_once_a_day_and_report_each_month_once(app: TestApp) {
        let admin = app.admin().await;
        let (asha, ravi) = (app.driver("asha").await, app.driver("ravi").await);
        let lot = admin.new_lot("Central", 10).await;
        worker::work_off(&app.app).await.unwrap();
        // She is parked all the time, he comes and goes.
        asha.park(&lot).await.expect(201);
        let mut exports = Vec::new();
        let mut processes = join_all((0..3).map(|_| app.another())).await;
        for day in 0..30 {
            let booking = ravi.park(&lot).await.expect(201);
            // Of different lengths, so that the ticks come while one, two or three are up.
            for hours in [5, 2, 8, 9] {
                app.wait_minutes(hours * 60);
                let up = &processes[..=(day + usize::try_from(hours).unwrap()) % 3];
                for done in join_all(up.iter().map(worker::work_off)).await {
                    done.unwrap();
                }
            }
            ravi.release(&booking).await.expect(200);
            let begun = ravi.post("/api/exports", json!({})).await.expect(202);
            exports.push((text(&begun, "task_id").to_owned(), day + 1));
            let restarted = app.another().await;
            processes[day % 3] = restarted;
        }
        worker::work_off(&app.app).await.unwrap();

        let mails = all(&admin, "/api/admin/mails?status=succeeded").await;
        assert_eq!(mails.len(), all(&admin, "/api/admin/mails?").await.len(), "all are sent");
        let zone = jiff::tz::TimeZone::get("Asia/Kolkata").unwrap();
        let mut reminded: BTreeMap<(String, String), usize> = BTreeMap::new();
        let mut reported: BTreeMap<(String, String), usize> = BTreeMap::new();
        for mail in &mails {
            let created_at: Timestamp = text(mail, "created_at").parse().unwrap();
            let to = text(&mail["to"], "name").to_owned();
            match text(mail, "list") {
                "reminders" => {
                    let day = created_at.to_zoned(zone.clone()).date().to_string();
                    *reminded.entry((to, day)).or_default() += 1;
                }
                "reports" => *reported.entry((to, text(mail, "subject").to_owned())).or_default() += 1,
                _ => {}
            }
        }
        assert!(reminded.values().all(|count| *count == 1), "{reminded:?}");
        let days = |who: &str| reminded.keys().filter(|(to, _)| to == who).count();
        // On the first day she had been parked for two and a half hours.
        assert_eq!((days("asha"), days("ravi")), (29, 0), "{reminded:?}");
        assert_eq!(
            reported,
            BTreeMap::from([
                (("Admin".into(), "Parking operations in November 2026".into()), 1),
                (("asha".into(), "Your parking in November 2026".into()), 1),
                (("ravi".into(), "Your parking in November 2026".into()), 1),
            ])
        );
        for (id, rows) in exports {
            let task = ravi.get(&format!("/api/tasks/{id}")).await.expect(200);
            assert_eq!((text(&task, "status"), &task["result"]["rows"]), ("succeeded", &json!(rows)), "{task}");
        }
    }
}

const SENDER: (&str, &str) = ("MAIL_DEFAULT_SENDER", "Parking <parking@example.org>");
const AT: (&str, &str) = ("PUBLIC_URL", "https://parking.example.org");

/// A process that works on jobs; killed when it goes out of scope.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    fn start(app: &TestApp, mail: &MailServer, command: &str) -> Self {
        let url = match &app.app.config.database_url {
            DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            DatabaseUrl::Postgres(url) => url.clone(),
        };
        let child = Command::new(env!("CARGO_BIN_EXE_parking"))
            .arg(command)
            .env_clear()
            .env("DATA_DIR", app.folder.path())
            .env("DATABASE_URL", url)
            .env("LISTEN", "127.0.0.1:0")
            .env("SMTP_URL", mail.url())
            .env(SENDER.0, SENDER.1)
            .env(AT.0, AT.1)
            .env("CLEAN_UP", "off")
            .env("DAILY_REMINDERS", "off")
            .env("MONTHLY_REPORTS", "off")
            .env("LOG", "error")
            .current_dir(app.folder.path())
            .stderr(Stdio::null())
            .stdin(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

/// Hundreds of jobs, while the processes that work on them are killed again and again.
async fn killed_workers_lose_nothing(mut mail: MailServer, app: TestApp) {
    const DRIVERS: usize = 6;
    let (kills, stays) = (scale(12, 200), scale(35, 400));
    let admin = app.admin().await;
    let lot = admin.new_lot("Central", 10).await;
    let mut exports = Vec::new();
    for n in 0..DRIVERS {
        let driver = app.driver(&format!("driver{n}")).await;
        driver.patch("/api/me", json!({ "preferences": { "receipts": true } })).await.expect(200);
        for _ in 0..stays {
            let booking = driver.park(&lot).await.expect(201);
            app.wait_minutes(1);
            driver.release(&booking).await.expect(200);
        }
        let begun = driver.post("/api/exports", json!({})).await.expect(202);
        exports.push((driver, text(&begun, "task_id").to_owned()));
    }
    let commands = ["serve", "worker", "worker"];
    let mut processes = commands.map(|command| Process::start(&app, &mail, command));
    for kill in 0..kills {
        // Somewhere in the work, wherever the next mail happens to arrive.
        for _ in 0..=kill * 7 % 17 {
            mail.next().await;
        }
        let victim = kill % commands.len();
        processes[victim] = Process::start(&app, &mail, commands[victim]);
    }
    drop(processes);

    // What is left is done once its claims have run out, and its waits are over.
    app.clock
        .advance(Clock::system().now().duration_since(app.now()) + SignedDuration::from_hours(1));
    for _ in 0..5 {
        worker::work_off(&app.app).await.unwrap();
        app.wait_minutes(61);
    }
    let mails = all(&admin, "/api/admin/mails?status=succeeded").await;
    assert_eq!(
        mails.len(),
        1 + DRIVERS * (1 + stays + 1),
        "a welcome, receipts and an export each"
    );
    assert_eq!(mails.len(), all(&admin, "/api/admin/mails?").await.len());
    let written: BTreeSet<_> = mails.iter().map(|mail| text(mail, "id").to_owned()).collect();
    let mut arrived: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in mail.received().await {
        let id = message.header("Message-ID").unwrap();
        let id = id.trim_matches(['<', '>']).split('@').next().unwrap().to_owned();
        arrived.entry(id).or_default().push(message.raw.clone());
    }
    assert_eq!(
        arrived.keys().cloned().collect::<BTreeSet<_>>(),
        written,
        "each arrived, and nothing else"
    );
    let twice = arrived.values().filter(|copies| copies.len() > 1).count();
    assert!(arrived.values().all(|copies| copies.iter().all(|copy| copy == &copies[0])));
    assert!(twice < written.len() / 4, "{twice} of {} came twice", written.len());
    for (driver, id) in exports {
        let task = driver.get(&format!("/api/tasks/{id}")).await.expect(200);
        assert_eq!((text(&task, "status"), &task["result"]["rows"]), ("succeeded", &json!(stays)));
        let file = driver.get(text(&task["result"], "download_url")).await;
        assert_eq!(String::from_utf8(file.body).unwrap().lines().count(), 1 + stays);
    }
    let jobs = written.len() + DRIVERS;
    seen(&format!(
        "{kills} kills, {jobs} jobs, none missing; {twice} mails came twice, as the same letter"
    ));
}

mod killed_workers_lose_no_job_and_double_no_effect {
    use super::*;

    #[tokio::test]
    async fn sqlite() {
        let mail = MailServer::start().await;
        let app = TestApp::with(&[("SMTP_URL", &mail.url()), SENDER, AT]).await;
        killed_workers_lose_nothing(mail, app).await;
    }

    #[tokio::test]
    async fn postgres() {
        let mail = MailServer::start().await;
        let app = TestApp::on_postgres(&[("SMTP_URL", &mail.url()), SENDER, AT]).await;
        killed_workers_lose_nothing(mail, app).await;
    }
}
