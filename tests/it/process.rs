//! The whole process: starting, serving, being killed, running out of disk.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use crate::canaries::nothing_secret_in_log;
use crate::harness::{PASSWORD, items, text};

pub fn parking(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_parking"));
    command
        .env_clear()
        .env("DATA_DIR", data_dir)
        .env("LISTEN", "127.0.0.1:0")
        .env("RATE_LIMIT", "off")
        .env("LOG", "warn")
        .current_dir(data_dir);
    command
}

/// With the same surroundings as another command.
pub fn like(command: &mut Command, other: &Command) {
    command.env_clear().current_dir(other.get_current_dir().unwrap());
    command.envs(other.get_envs().filter_map(|(name, value)| Some((name, value?))));
}

pub fn run(command: &mut Command, input: &str) -> (ExitStatus, String) {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input closes it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    nothing_secret_in_log(&said);
    (output.status, said.into_owned())
}

pub fn create_admin(command: &mut Command) {
    command.args(["create-admin", "--email", "admin@example.org", "--name", "Admin"]);
    let (status, said) = run(command, &format!("{PASSWORD}\n"));
    assert!(status.success(), "{said}");
}

/// A running server; killed when it goes out of scope.
pub struct Server {
    child: Child,
    pub url: String,
    pub said: Vec<String>,
    stderr: Option<BufReader<std::process::ChildStderr>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if !std::thread::panicking() {
            nothing_secret_in_log(&self.rest());
        }
    }
}

impl Server {
    pub fn start(data_dir: &Path) -> Self {
        Self::spawn(parking(data_dir).arg("serve"))
    }

    pub fn spawn(command: &mut Command) -> Self {
        let child = command.stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let mut server = Self { child, url: String::new(), said: Vec::new(), stderr: None };
        let mut stderr = BufReader::new(server.child.stderr.take().unwrap());
        while server.url.is_empty() {
            let mut line = String::new();
            assert!(stderr.read_line(&mut line).unwrap() > 0, "it ended: {:?}", server.said);
            let line = line.trim_end();
            server.said.push(line.to_owned());
            line.strip_prefix("listening on ").unwrap_or_default().clone_into(&mut server.url);
        }
        server.stderr = Some(stderr);
        server
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Result<(u16, Value), ureq::Error> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_mins(1)))
            .build()
            .into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut answer = agent.run(request.body(body).unwrap())?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string()?;
        Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }

    pub fn expect(
        &self,
        status: u16,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> Value {
        let answer = self.request(method, path, token, body);
        let (got, value) = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        assert_eq!(got, status, "{method} {path}: {value}");
        value
    }

    pub fn sign_in(&self) -> String {
        let credentials = json!({ "email": "admin@example.org", "password": PASSWORD });
        let session = self.expect(200, "POST", "/api/auth/login", None, Some(&credentials));
        text(&session, "access_token").to_owned()
    }

    pub fn new_lot(&self, token: &str, number_of_spots: i64) -> String {
        let lot = json!({ "name": "Central", "price_per_hour_minor": 6000, "number_of_spots": number_of_spots });
        let lot = self.expect(201, "POST", "/api/lots", Some(token), Some(&lot));
        text(&lot, "id").to_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.pid().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits for the end; says how it ended and what was said since the start.
    pub fn end(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().unwrap();
        let rest = self.rest();
        nothing_secret_in_log(&rest);
        (status, rest)
    }

    /// What it said since it listened, once it has ended.
    fn rest(&mut self) -> String {
        let mut rest = String::new();
        if let Some(mut stderr) = self.stderr.take() {
            stderr.read_to_string(&mut rest).unwrap();
        }
        rest
    }
}

#[test]
fn a_fresh_start_makes_its_folder_and_secrets_and_prints_a_claim_link() {
    let parent = tempfile::tempdir().unwrap();
    let data_dir = parent.path().join("data");
    std::fs::create_dir(&data_dir).unwrap();
    std::fs::remove_dir(&data_dir).unwrap();
    let mut command = parking(parent.path());
    let server = Server::spawn(command.env("DATA_DIR", &data_dir).arg("serve"));
    let link = server.said.iter().find(|line| line.contains("/claim#token=")).unwrap();
    assert!(link.trim().starts_with(&server.url));
    let mode =
        |path: &str| std::fs::metadata(data_dir.join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("secrets/secret_key"), mode("secrets"), mode("")), (0o600, 0o700, 0o700));
    let token = link.rsplit('=').next().unwrap();
    let claim = json!({ "token": token, "name": "Admin", "email": "admin@example.org", "password": PASSWORD });
    server.expect(201, "POST", "/api/setup/claim", None, Some(&claim));
    drop(server);
    let mut command = parking(parent.path());
    let again = Server::spawn(command.env("DATA_DIR", &data_dir).arg("serve"));
    assert!(!again.said.iter().any(|line| line.contains("claim")), "{:?}", again.said);
    again.sign_in();
}

#[test]
fn what_is_kept_is_for_its_owner_only() {
    fn files(folder: &Path) -> Vec<(PathBuf, u32)> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let (folders, here): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
        let mode = |path: &PathBuf| std::fs::metadata(path).unwrap().permissions().mode();
        let here: Vec<_> = here.iter().map(|path| (path.clone(), mode(path))).collect();
        folders.iter().flat_map(|folder| files(folder)).chain(here).collect()
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new("sh");
    like(&mut command, &parking(folder.path()));
    let program = env!("CARGO_BIN_EXE_parking");
    let server = Server::spawn(command.args(["-c", r#"umask 0; exec "$0" serve"#, program]));
    let asha = json!({ "name": "Asha", "email": "asha@example.org", "password": PASSWORD });
    server.expect(201, "POST", "/api/auth/register", None, Some(&asha));
    let outbox = folder.path().join("outbox");
    while !outbox.is_dir() || files(&outbox).is_empty() {
        std::thread::yield_now();
    }
    let open: Vec<_> =
        files(folder.path()).into_iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn sigterm_and_ctrl_c_end_it_cleanly_even_with_stalled_clients() {
    for signal in ["-TERM", "-INT"] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Server::start(folder.path());
        let address = server.url.trim_start_matches("http://");
        let mut half_sent = TcpStream::connect(address).unwrap();
        half_sent.write_all(b"GET /api/lots HTTP/1.1\r\nHost: x").unwrap();
        let mut half_body = TcpStream::connect(address).unwrap();
        half_body.write_all(b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{").unwrap();
        let mut listener = TcpStream::connect(address).unwrap();
        listener.write_all(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut first = [0; 8];
        listener.read_exact(&mut first).unwrap();
        server.signal(signal);
        let (status, said) = server.end();
        assert_eq!(status.code(), Some(0), "{said}");
    }
}

#[test]
fn a_worker_works_off_what_is_due_or_works_until_it_is_asked_to_end() {
    let folder = tempfile::tempdir().unwrap();
    let (status, output) = run(parking(folder.path()).args(["worker", "--once"]), "");
    assert!(status.success() && output.contains("jobs done: 0"), "{output}");

    let mut command = parking(folder.path());
    let mut worker =
        command.arg("worker").stderr(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
    let mut said = BufReader::new(worker.stderr.take().unwrap()).lines();
    assert!(said.by_ref().any(|line| line.unwrap().contains("working on jobs")));
    let pid = worker.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    assert!(worker.wait().unwrap().success());
}

#[test]
fn wrong_settings_and_arguments_end_with_2_and_say_what() {
    let folder = tempfile::tempdir().unwrap();
    for (name, value, said) in [
        (
            "SECRET_KEY",
            "replace_with_a_long_random_secret_value",
            "SECRET_KEY still holds its placeholder",
        ),
        (
            "JWT_SECRET_KEY",
            "your-jwt-secret-your-jwt-secret-your",
            "JWT_SECRET_KEY still holds its placeholder",
        ),
        ("LISTEN", "nowhere", "LISTEN=nowhere"),
        ("TIME_ZONE", "Nowhere/City", "TIME_ZONE: Nowhere/City is no IANA time zone"),
        ("PUBLIC_URL", "http://example.org", "PUBLIC_URL=http://example.org"),
        ("DATABASE_URL", "mysql://a", "DATABASE_URL"),
        ("LOG", "=:=", "LOG"),
        ("CLEAN_UP", "0 0 30 2 *", "CLEAN_UP=0 0 30 2 *: no such day ever comes"),
        ("CLEAN_UP", "hourly", "CLEAN_UP=hourly: must have the five fields"),
        ("MISSED_TICK_HOURS", "0", "MISSED_TICK_HOURS=0: must be 1 to 168"),
    ] {
        let (status, output) = run(parking(folder.path()).env(name, value).arg("serve"), "");
        assert_eq!(status.code(), Some(2), "{name} {output}");
        assert!(output.contains(said), "{output}");
    }
    let (status, _) = run(parking(folder.path()).arg("fly"), "");
    assert_eq!(status.code(), Some(2));
}

#[test]
fn settings_are_read_from_the_env_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join(".env"),
        "CURRENCY=EUR\nTIME_ZONE=Europe/Berlin\nREDIS_URL=redis://127.0.0.1\n",
    )
    .unwrap();
    let server = Server::start(folder.path());
    let setup = server.expect(200, "GET", "/api/setup", None, None);
    assert_eq!((text(&setup, "currency"), text(&setup, "time_zone")), ("EUR", "Europe/Berlin"));
    let says = |words: &str| server.said.iter().any(|line| line.contains(words));
    assert!(says("REDIS_URL is set and has no effect"));
    assert!(says("no mail server is set: mails are files in"));
}

#[test]
fn every_command_has_help() {
    let folder = tempfile::tempdir().unwrap();
    for command in [
        &["serve"][..],
        &["create-admin"],
        &["migrate"],
        &["import"],
        &["import", "lots"],
        &["import", "sessions"],
        &["backup"],
        &["copy"],
        &["audit", "verify"],
        &["health"],
        &["openapi"],
        &["settings"],
    ] {
        let (status, said) = run(parking(folder.path()).args(command).arg("--help"), "");
        assert!(status.success() && said.contains("Usage: parking"), "{command:?} {said}");
    }
    let (_, said) = run(parking(folder.path()).args(["serve", "--help"]), "");
    assert!(said.contains("MAX_OPEN_BOOKINGS"));
}

#[test]
fn health_asks_the_server_that_listens() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::start(folder.path());
    let port = server.url.rsplit(':').next().unwrap().to_owned();
    let ask = |live: &[&str]| {
        let mut command = parking(folder.path());
        command.env("LISTEN", format!("0.0.0.0:{port}")).arg("health").args(live);
        run(&mut command, "")
    };
    for live in [&[][..], &["--live"]] {
        let (status, said) = ask(live);
        assert!(status.success() && said.contains("200 {\"status\":\"ok\"}"), "{said}");
    }
    server.signal("-TERM");
    server.end();
    let (status, said) = ask(&[]);
    assert_eq!(status.code(), Some(1), "{said}");
}

#[test]
fn there_is_one_admin_from_the_command_line_too() {
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let mut again = parking(folder.path());
    again.args(["create-admin", "--email", "b@example.org", "--name", "B"]);
    let (status, said) = run(&mut again, &format!("{PASSWORD}\n"));
    assert_eq!(
        (status.code(), said.contains("there is an admin already")),
        (Some(1), true),
        "{said}"
    );
    let mut weak = parking(folder.path());
    weak.args(["create-admin", "--email", "b@example.org", "--name", "B"]);
    let (status, said) = run(&mut weak, "password1\n");
    assert_eq!((status.code(), said.contains("commonest passwords")), (Some(2), true), "{said}");
    Server::start(folder.path()).sign_in();
}

#[test]
fn a_second_server_on_the_same_address_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let address = server.url.trim_start_matches("http://");
    let (status, said) = run(parking(folder.path()).env("LISTEN", address).arg("serve"), "");
    assert_eq!(status.code(), Some(1));
    assert!(said.contains(&format!("LISTEN={address}")), "{said}");
}

#[test]
fn a_backup_of_a_busy_server_is_consistent_and_starts() {
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let server = Server::start(folder.path());
    let token = server.sign_in();
    let lot = server.new_lot(&token, 500);
    let done = AtomicBool::new(false);
    let restored = tempfile::tempdir().unwrap();
    let copy = restored.path().join("parking.sqlite");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut n = 0;
            while !done.load(Ordering::Relaxed) && n < 400 {
                n += 1;
                let body = json!({ "lot_id": lot, "vehicle_plate": format!("P{n}") });
                server.expect(201, "POST", "/api/admin/bookings", Some(&token), Some(&body));
            }
        });
        let (status, said) = run(parking(folder.path()).arg("backup").arg(&copy), "");
        done.store(true, Ordering::Relaxed);
        assert!(status.success(), "{said}");
    });
    let mode = std::os::unix::fs::PermissionsExt::mode(&copy.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600, "it holds what the database holds");
    let (status, said) = run(parking(folder.path()).arg("backup").arg(&copy), "");
    assert_eq!((status.code(), said.contains("exists already")), (Some(1), true), "{said}");
    let again = Server::start(restored.path());
    let token = again.sign_in();
    check_books(&again, &token, &lot);
}

/// No spot has two open bookings, and the counts agree with the bookings.
pub fn check_books(server: &Server, token: &str, lot: &str) -> Vec<Value> {
    let mut open = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/admin/bookings?status=open&limit=100{cursor}");
        let page = server.expect(200, "GET", &path, Some(token), None);
        open.extend(items(&page).iter().cloned());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let spots: std::collections::BTreeSet<_> =
        open.iter().map(|booking| text(&booking["spot"], "id")).collect();
    assert_eq!(spots.len(), open.len(), "two bookings on a spot");
    let seen = server.expect(200, "GET", &format!("/api/lots/{lot}"), None, None);
    let occupied = seen["number_of_spots"].as_u64().unwrap() - seen["free_spots"].as_u64().unwrap();
    assert_eq!(occupied, open.len() as u64);
    open
}

#[test]
fn a_full_disk_answers_503_and_what_was_acknowledged_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    // The kernel refuses any write beyond this size of a file, as a full disk does.
    let mut command = Command::new("sh");
    command
        .args([
            "-c",
            "ulimit -f 2000; trap '' XFSZ; exec \"$0\" serve",
            env!("CARGO_BIN_EXE_parking"),
        ])
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("DATA_DIR", folder.path())
        .env("LISTEN", "127.0.0.1:0")
        .env("RATE_LIMIT", "off")
        .env("LOG", "error");
    let server = Server::spawn(&mut command);
    let token = server.sign_in();
    let lot = server.new_lot(&token, 2000);
    let mut acknowledged = Vec::new();
    let refusal = (0..2000).find_map(|n| {
        let body = json!({ "lot_id": lot, "vehicle_plate": format!("P{n}") });
        match server.request("POST", "/api/admin/bookings", Some(&token), Some(&body)).unwrap() {
            (201, booking) => {
                acknowledged.push(text(&booking, "id").to_owned());
                None
            }
            refusal => Some(refusal),
        }
    });
    let (status, problem) = refusal.expect("the disk was full at some point");
    assert_eq!((status, text(&problem, "code")), (503, "storage_unavailable"));
    assert!(!acknowledged.is_empty());
    // Reading goes on, and the refused booking changed no count.
    let seen = server.expect(200, "GET", &format!("/api/lots/{lot}"), None, None);
    assert_eq!(seen["free_spots"].as_u64().unwrap(), 2000 - acknowledged.len() as u64);
    drop(server);
    let server = Server::start(folder.path());
    let token = server.sign_in();
    let open = check_books(&server, &token, &lot);
    let open: std::collections::BTreeSet<_> =
        open.iter().map(|booking| text(booking, "id")).collect();
    for id in &acknowledged {
        assert!(open.contains(id.as_str()), "an acknowledged booking is lost");
    }
    let body = json!({ "lot_id": lot, "vehicle_plate": "AFTER" });
    server.expect(201, "POST", "/api/admin/bookings", Some(&token), Some(&body));
}

#[test]
fn slow_headers_are_cut_and_requests_on_one_connection_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let address = server.url.trim_start_matches("http://");
    let mut stalled = TcpStream::connect(address).unwrap();
    stalled.write_all(b"GET /api/lots HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    for _ in 0..2 {
        stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        let mut head = [0; 15];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 200 OK");
        let mut rest = [0; 4096];
        assert!(stream.read(&mut rest).unwrap() > 0);
    }
    // Ends once the server gives up on it; hangs, and fails by the runner's limit, if it never does.
    let mut rest = Vec::new();
    let _ = stalled.read_to_end(&mut rest);
    assert!(!rest.starts_with(b"HTTP/1.1 200"));
}

#[test]
fn an_imported_file_reaches_the_running_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let file = folder.path().join("lots.csv");
    std::fs::write(&file, "lot,name,number_of_spots\nx,Central,3\n").unwrap();
    let (status, said) = run(parking(folder.path()).args(["import", "lots"]).arg(&file), "");
    assert!(status.success() && said.contains("1 created"), "{said}");
    // Asked until it is there; the runner's limit ends a test that waits for nothing.
    loop {
        let page = server.expect(200, "GET", "/api/lots", None, None);
        if items(&page).len() == 1 {
            break;
        }
    }
}
