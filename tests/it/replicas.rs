//! Several servers on one PostgreSQL: what one commits, the others know.

use std::cell::Cell;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::Duration;

use futures_util::future::join_all;
use parking::app::Background;
use redis::AsyncCommands;
use serde_json::{Value, json};
use url::Url;

use crate::harness::{Caller, TestApp, items, postgres_schema, text};
use crate::peers::{Certificates, Pooler, PostgresServer, Proxy, RedisServer};
use crate::process::{Server, check_books, create_admin, parking, run};

/// Three servers of one installation, and what they do beside requests.
struct Replicas {
    apps: [TestApp; 3],
    _background: [Background; 3],
}

impl Replicas {
    async fn start(settings: &[(&str, &str)]) -> Self {
        Self::of(TestApp::on_postgres(settings).await).await
    }

    async fn of(first: TestApp) -> Self {
        let (second, third) = (first.replica(&[]).await, first.replica(&[]).await);
        let apps = [first, second, third];
        let background = apps.each_ref().map(|app| app.app.start_background());
        Self { apps, _background: background }
    }

    /// The same person at the server `number`.
    fn at<'a>(&'a self, number: usize, caller: &Caller<'_>) -> Caller<'a> {
        self.apps[number].nobody().with_token(caller.token())
    }
}

/// Waits for a fact that has to come true, as long as a test may hang.
pub async fn until(mut fact: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !fact().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait).await.expect("it comes true");
}

async fn a_booking_and_the_end_of_a_session_are_known_to_all(replicas: &Replicas) {
    let admin = replicas.apps[0].admin().await;
    let lot = admin.new_lot("Central", 3).await;
    let knows_free = async |number: usize, free: i64| {
        let nobody = replicas.apps[number].nobody();
        let path = format!("/api/lots/{lot}");
        until(async || nobody.get(&path).await.json()["free_spots"] == free).await;
    };
    knows_free(1, 3).await;
    knows_free(2, 3).await;
    let asha = replicas.apps[1].driver("asha").await;
    let booking = asha.park(&lot).await.expect(201);
    knows_free(0, 2).await;
    knows_free(2, 2).await;
    replicas.at(2, &asha).release(&booking).await.expect(200);
    knows_free(0, 3).await;
    knows_free(1, 3).await;
    // Whoever asked one server need not load the same again from another.
    let etag = replicas.apps[0].nobody().get("/api/lots").await.header("etag").to_owned();
    let known = [("if-none-match", &*etag)];
    replicas.apps[1].nobody().send("GET", "/api/lots", None, &known).await.expect(304);

    let elsewhere = replicas.at(2, &asha);
    elsewhere.get("/api/me").await.expect(200);
    asha.send("POST", "/api/auth/logout", None, &[("cookie", &asha.cookie)]).await.expect(204);
    until(async || elsewhere.get("/api/me").await.status == 401).await;
}

#[tokio::test]
async fn what_one_server_commits_the_others_hear_from_postgresql() {
    let replicas = Replicas::start(&[]).await;
    a_booking_and_the_end_of_a_session_are_known_to_all(&replicas).await;
}

#[tokio::test]
async fn what_one_server_commits_the_others_hear_from_redis() {
    let redis = RedisServer::start();
    let replicas = Replicas::start(&[("REDIS_URL", &redis.url())]).await;
    a_booking_and_the_end_of_a_session_are_known_to_all(&replicas).await;
}

#[tokio::test]
async fn over_tls_servers_hear_each_other_from_postgresql() {
    let certificates = Certificates::new();
    let server = PostgresServer::encrypted(&certificates, "hostssl all all 127.0.0.1/32 trust");
    let authority = certificates.authority();
    let query = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    let url = format!("{}?{query}", server.url());
    let replicas = Replicas::of(TestApp::with(&[("DATABASE_URL", &url)]).await).await;
    a_booking_and_the_end_of_a_session_are_known_to_all(&replicas).await;
    drop(replicas);
}

#[tokio::test]
async fn over_tls_servers_hear_each_other_from_redis() {
    let certificates = Certificates::new();
    let redis = RedisServer::encrypted(&certificates);
    let authority = certificates.authority();
    let settings = [("REDIS_URL", &*redis.url()), ("REDIS_CA_FILE", authority.to_str().unwrap())];
    let replicas = Replicas::start(&settings).await;
    a_booking_and_the_end_of_a_session_are_known_to_all(&replicas).await;
    // Without it they would have read everything often.
    let client = replicas.apps[0].app.config.redis.clone().unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let mut ask = redis::cmd("PUBSUB");
    let channels: Vec<String> = ask.arg("CHANNELS").query_async(&mut connection).await.unwrap();
    assert!(matches!(&channels[..], [name] if name.starts_with("parking_")), "{channels:?}");
}

#[tokio::test]
async fn behind_a_pooler_in_transaction_mode_everything_works_without_notifications() {
    let pooler = Pooler::start(&postgres_schema().await);
    let settings = [("DATABASE_URL", &*pooler.url()), ("DATABASE_POOLED", "yes")];
    let replicas = Replicas::of(TestApp::with(&settings).await).await;
    a_booking_and_the_end_of_a_session_are_known_to_all(&replicas).await;
    // A transaction's settings are not left to the next on the connection.
    let app = &replicas.apps[0];
    let asha = app.sign_in("asha@example.org").await;
    join_all((0..20).map(|_| asha.get("/api/bookings"))).await.iter().for_each(|answer| {
        answer.expect(200);
    });
    asha.patch("/api/me", json!({ "name": "Asha" })).await.expect(200);
}

/// Drivers come and go at all servers while `trouble` is made, which is told how many came; what
/// was acknowledged must be there.
async fn nothing_is_lost_by(replicas: &Replicas, trouble: impl AsyncFnOnce(&Cell<u64>)) {
    const DRIVERS: usize = 9;
    let admin = replicas.apps[0].admin().await;
    let lot = admin.new_lot("Central", 30).await;
    let mut drivers = Vec::new();
    for number in 0..DRIVERS {
        let app = &replicas.apps[number % 3];
        drivers.push(app.driver(&format!("driver{number}")).await);
    }
    let path = format!("/api/lots/{lot}");
    for app in &replicas.apps {
        until(async || app.nobody().get(&path).await.status == 200).await;
    }
    let (over, came) = (Cell::new(false), Cell::new(0));
    // Asks until there is an answer other than that storage is away; once for each key.
    let stays = async |driver: &Caller<'_>| {
        let mut parked = Vec::new();
        for stay in 0.. {
            let key = format!("{}-{stay}", driver.id);
            let booking = loop {
                let body = json!({ "lot_id": lot });
                let answer = driver.post_once(&key, "/api/bookings", body).await;
                if answer.status != 503 {
                    break answer.expect(201);
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            };
            came.set(came.get() + 1);
            if over.get() {
                parked.push(text(&booking, "id").to_owned());
                break;
            }
            let release = format!("/api/bookings/{}/release", text(&booking, "id"));
            while driver.post_once(&format!("{key}-end"), &release, json!({})).await.status == 503 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        parked
    };
    let working = join_all(drivers.iter().map(stays));
    let (mut parked, ()) = futures_util::join!(async { working.await.concat() }, async {
        trouble(&came).await;
        over.set(true);
    });
    parked.sort();
    assert_eq!(parked.len(), DRIVERS);
    let open = admin.get("/api/admin/bookings?status=open&limit=100").await.expect(200);
    let mut open: Vec<_> =
        items(&open).iter().map(|booking| text(booking, "id").to_owned()).collect();
    open.sort();
    assert_eq!(open, parked);
    for app in &replicas.apps {
        let nobody = app.nobody();
        until(async || nobody.get(&path).await.json()["free_spots"] == 30 - DRIVERS).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_that_crashes_and_comes_back_loses_nothing() {
    let server = Arc::new(PostgresServer::start());
    let replicas = Replicas::of(TestApp::with(&[("DATABASE_URL", &server.url())]).await).await;
    nothing_is_lost_by(&replicas, async |_| {
        for _ in 0..3 {
            let server = server.clone();
            let crash = move || {
                server.stop_hard();
                server.start_again();
            };
            tokio::task::spawn_blocking(crash).await.unwrap();
            let nobody = replicas.apps[1].nobody();
            until(async || nobody.get("/health/ready").await.status == 200).await;
        }
    })
    .await;
    drop(replicas);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_killed_under_load_loses_nothing() {
    let mut redis = RedisServer::start();
    let replicas = Replicas::start(&[("REDIS_URL", &redis.url())]).await;
    nothing_is_lost_by(&replicas, async |_| {
        for _ in 0..3 {
            redis.kill();
            let nobody = replicas.apps[2].nobody();
            until(async || nobody.get("/health/ready").await.status == 200).await;
            redis.start_again();
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_cut_lose_nothing() {
    const CUTS: u64 = 25;
    let mut url: Url = postgres_schema().await.parse().unwrap();
    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let proxy = Proxy::start(server).await;
    url.set_port(Some(proxy.port)).unwrap();
    let replicas = Replicas::of(TestApp::with(&[("DATABASE_URL", url.as_str())]).await).await;
    nothing_is_lost_by(&replicas, async |came| {
        for cut in 0..CUTS {
            // Somewhere in the work; served again before the next.
            let next = came.get() + cut % 5;
            until(async || came.get() >= next).await;
            proxy.cut();
            let nobody = replicas.apps[1].nobody();
            until(async || nobody.get("/health/ready").await.status == 200).await;
        }
    })
    .await;
}

#[tokio::test]
async fn attempts_are_counted_together_and_each_for_itself_without_redis() {
    let mut redis = RedisServer::start();
    let settings = [("REDIS_URL", &*redis.url()), ("RATE_LIMIT", "on")];
    let first = TestApp::on_postgres(&settings).await;
    let second = first.replica(&[("RATE_LIMIT", "on")]).await;
    let guess = async |app: &TestApp| {
        let wrong = json!({ "email": "asha@example.org", "password": "a wrong guess" });
        app.nobody().post("/api/auth/login", wrong).await
    };
    for app in [&first, &second].into_iter().cycle().take(10) {
        guess(app).await.refused(401, "invalid_credentials");
    }
    for app in [&first, &second] {
        let refused = guess(app).await;
        refused.refused(429, "rate_limited");
        assert!((1..=6).contains(&refused.header("retry-after").parse::<u32>().unwrap()));
    }
    redis.kill();
    // It has counted six of ten here.
    for _ in 0..4 {
        guess(&first).await.refused(401, "invalid_credentials");
    }
    guess(&first).await.refused(429, "rate_limited");
}

#[tokio::test]
async fn attempts_are_counted_together_over_tls_only_where_redis_is_trusted() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let redis = RedisServer::encrypted(&certificates);
    let url = redis.url();
    let limited = ("RATE_LIMIT", "on");
    let file = |of: &Certificates| of.authority().to_str().unwrap().to_owned();
    let (authority, other) = (file(&certificates), file(&others));
    let guess = async |app: &TestApp| {
        let wrong = json!({ "email": "asha@example.org", "password": "a wrong guess" });
        app.nobody().post("/api/auth/login", wrong).await.status.as_u16()
    };
    let first =
        TestApp::on_postgres(&[("REDIS_URL", &url), ("REDIS_CA_FILE", &authority), limited]).await;
    let (second, third, fourth) = (
        first.replica(&[]).await,
        first.replica(&[("REDIS_CA_FILE", &other)]).await,
        first.replica(&[("REDIS_CA_FILE", "")]).await,
    );
    for _ in 0..10 {
        assert_eq!(guess(&first).await, 401);
    }
    assert_eq!(guess(&second).await, 429);
    // They count for themselves.
    for app in [&third, &fourth] {
        assert_eq!(guess(app).await, 401);
    }
}

#[tokio::test]
async fn without_redis_everything_goes_on_and_with_it_again_too() {
    let mut redis = RedisServer::start();
    let replicas = Replicas::start(&[("REDIS_URL", &redis.url())]).await;
    redis.kill();
    a_booking_and_the_end_of_a_session_are_known_to_all(&replicas).await;
    redis.start_again();
    let admin = replicas.apps[0].sign_in("admin@example.org").await;
    let lot = admin.new_lot("North", 2).await;
    admin.park(&lot).await.expect(201);
    let nobody = replicas.apps[2].nobody();
    until(async || nobody.get(&format!("/api/lots/{lot}")).await.json()["free_spots"] == 1).await;
}

#[tokio::test]
async fn statistics_made_at_one_server_are_given_by_the_others_too() {
    let mut redis = RedisServer::start();
    let app = TestApp::on_postgres(&[("REDIS_URL", &*redis.url())]).await;
    let admin = app.admin().await;
    let ask = async || admin.get("/api/admin/stats?from=2026-11-01&to=2026-11-02").await;
    let client = redis::Client::open(redis.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();

    ask().await.expect(200);
    let kept: String =
        redis::cmd("INFO").arg("commandstats").query_async(&mut connection).await.unwrap();
    assert!(kept.contains("cmdstat_psetex:calls=1,"), "{kept}");

    let key = app.app.shared.key("stats:2026-11-01:2026-11-02:all");
    let of_another = json!({ "made": "at another server" });
    connection.set::<_, _, ()>(&key, of_another.to_string()).await.unwrap();
    assert_eq!(ask().await.expect(200), of_another);
    assert_eq!(admin.get("/api/admin/stats").await.expect(200)["time_zone"], "Asia/Kolkata");

    redis.kill();
    assert_eq!(ask().await.expect(200)["from"], "2026-11-01");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_change_counts_twice_or_not_at_all_while_everything_is_read_anew() {
    const DRIVERS: usize = 12;
    const STAYS: usize = 12;
    let replicas = Replicas::start(&[]).await;
    let admin = replicas.apps[0].admin().await;
    let lot = admin.new_lot("Central", 40).await;
    let mut drivers = Vec::new();
    for number in 0..DRIVERS {
        let app = &replicas.apps[number % 3];
        drivers.push(app.driver(&format!("driver{number}")).await);
    }
    let lots = format!("/api/lots/{lot}");
    for app in &replicas.apps {
        until(async || app.nobody().get(&lots).await.status == 200).await;
    }
    let park = async |driver: &Caller<'_>, number: usize| {
        for stay in 0..STAYS {
            let booking = driver.park(&lot).await.expect(201);
            // The last one stays.
            if stay + 1 < STAYS {
                replicas.at((number + stay) % 3, driver).release(&booking).await.expect(200);
            }
        }
    };
    let parked = join_all(drivers.iter().enumerate().map(|(number, driver)| park(driver, number)));
    let reading = async {
        loop {
            for app in &replicas.apps {
                app.app.reread().await.unwrap();
            }
        }
    };
    tokio::select! {
        _ = parked => {}
        () = reading => {}
    }
    // Whoever knows the last of what each server did knows all before it.
    let last = admin.new_lot("North", 3).await;
    for app in &replicas.apps {
        let path = format!("/api/lots/{last}");
        until(async || app.nobody().get(&path).await.status == 200).await;
        let at = app.nobody().with_token(admin.token());
        at.park(&last).await.expect(201);
    }
    for app in &replicas.apps {
        let nobody = app.nobody();
        until(async || nobody.free_spots(&last).await == 0).await;
        assert_eq!(nobody.free_spots(&lot).await, 40 - i64::try_from(DRIVERS).unwrap());
    }
}

pub fn on_database(url: &str, folder: &Path, command: &str) -> Command {
    let mut process = parking(folder);
    process.env("DATABASE_URL", url).arg(command);
    process
}

/// Asks one server after the other until one answers; the key makes it happen once.
fn ask(
    urls: &RwLock<Vec<String>>,
    first: usize,
    path: &str,
    token: &str,
    body: &Value,
) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(20)))
        .build()
        .into();
    let key = parking::ids::new_id(parking::clock::Clock::system().now()).to_string();
    for attempt in first.. {
        let url = {
            let urls = urls.read().unwrap();
            format!("{}{path}", urls[attempt % urls.len()])
        };
        let request = agent
            .post(url)
            .header("authorization", format!("Bearer {token}"))
            .header("idempotency-key", &key);
        let Ok(mut answer) = request.send_json(body) else { continue };
        let (status, text) = (answer.status().as_u16(), answer.body_mut().read_to_string());
        let Ok(text) = text else { continue };
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        // The same key is being worked on, for a caller who has gone.
        if value["code"] != "idempotency_key_in_flight" {
            return (status, value);
        }
    }
    unreachable!("it is asked until there is an answer")
}

#[test]
fn three_servers_lose_and_double_nothing_while_they_are_killed_under_load() {
    const CLIENTS: usize = 64;
    const STAYS: usize = 12;
    const SPOTS: i64 = 40;
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(postgres_schema());
    let (status, said) = run(&mut on_database(&database, folder.path(), "migrate"), "");
    assert!(status.success(), "{said}");
    create_admin(parking(folder.path()).env("DATABASE_URL", &database));
    let start = || Server::spawn(&mut on_database(&database, folder.path(), "serve"));
    let mut servers = [start(), start(), start()];
    let token = servers[0].sign_in();
    let lot = servers[0].new_lot(&token, SPOTS);
    let urls = RwLock::new(servers.iter().map(|server| server.url.clone()).collect::<Vec<_>>());
    let (parked, full) = (Mutex::new(Vec::new()), AtomicUsize::new(0));
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (urls, token, lot) = (&urls, &token, &lot);
            let (parked, full, answered) = (&parked, &full, &answered);
            scope.spawn(move || {
                for stay in 0..STAYS {
                    let plate = format!("C{client}S{stay}");
                    let body = json!({ "lot_id": lot, "vehicle_plate": plate });
                    let (status, booking) =
                        ask(urls, client + stay, "/api/admin/bookings", token, &body);
                    answered.fetch_add(1, Ordering::Relaxed);
                    if status == 409 {
                        assert_eq!(booking["code"], "lot_full", "{booking}");
                        full.fetch_add(1, Ordering::Relaxed);
                        continue;
                    }
                    assert_eq!(status, 201, "{booking}");
                    let id = text(&booking, "id").to_owned();
                    if stay + 1 == STAYS {
                        parked.lock().unwrap().push(id);
                        continue;
                    }
                    let path = format!("/api/bookings/{id}/release");
                    let (status, answer) = ask(urls, client, &path, token, &json!({}));
                    assert_eq!(status, 200, "{answer}");
                }
            });
        }
        for (kill, server) in servers.iter_mut().enumerate() {
            while answered.load(Ordering::Relaxed) < 120 * (kill + 1) {
                std::thread::sleep(Duration::from_millis(1));
            }
            server.signal("-KILL");
            *server = start();
            urls.write().unwrap()[kill].clone_from(&server.url);
        }
    });
    let mut parked = parked.into_inner().unwrap();
    parked.sort();
    let occupied = i64::try_from(parked.len()).unwrap();
    for server in &servers {
        loop {
            let known = server.expect(200, "GET", &format!("/api/lots/{lot}"), None, None);
            if known["free_spots"] == SPOTS - occupied {
                break;
            }
        }
        let open = check_books(server, &token, &lot);
        let mut open: Vec<_> = open.iter().map(|booking| text(booking, "id").to_owned()).collect();
        open.sort();
        assert_eq!(open, parked);
    }
    assert!(full.load(Ordering::Relaxed) > 0, "the lot was full now and then");
}

#[test]
fn an_imported_file_reaches_the_servers() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(postgres_schema());
    let server = Server::spawn(&mut on_database(&database, folder.path(), "serve"));
    let file = folder.path().join("lots.csv");
    std::fs::write(&file, "lot,name,number_of_spots\nx,Central,3\n").unwrap();
    let mut import = on_database(&database, folder.path(), "import");
    let (status, said) = run(import.arg("lots").arg(&file), "");
    assert!(status.success() && said.contains("1 created"), "{said}");
    // Asked until it is there; the runner's limit ends a test that waits for nothing.
    loop {
        let page = server.expect(200, "GET", "/api/lots", None, None);
        if page["items"].as_array().unwrap().len() == 1 {
            break;
        }
    }
}
