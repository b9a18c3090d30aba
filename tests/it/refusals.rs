//! What is refused or fails is in the log, by ids: who reads it learns of nobody's name, and no secret.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::harness::{PASSWORD, text};
use crate::process::{Server, create_admin, parking};
use crate::traces::NO_MAIL_SERVER;

/// A request with headers that a client of good will does not send.
fn send(server: &Server, head: &str) {
    let mut stream = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    write!(stream, "{head}\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).unwrap();
}

fn job_attempts(server: &Server) -> usize {
    let mut answer = ureq::get(format!("{}/metrics", server.url)).call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    text.matches("parking_job_attempts_total{kind=\"mail\",outcome=\"retried\"}").count()
}

/// Whether one line has all of this.
#[track_caller]
fn says(log: &str, words: &[&str]) {
    let is_said = |line: &str| words.iter().all(|word| line.contains(word));
    assert!(log.lines().any(is_said), "{words:?} is not in\n{log}");
}

#[test]
fn refusals_and_failures_are_in_the_log_and_nothing_personal_or_secret_is() {
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let mut command = parking(folder.path());
    command.env("LOG", "info").env("RATE_LIMIT", "on").env("SMTP_URL", NO_MAIL_SERVER);
    let mut server = Server::spawn(command.arg("serve"));
    let ask = |status, method, path: &str, token: Option<&str>, body: Value| {
        server.expect(status, method, path, token, Some(&body))
    };
    let registration =
        json!({ "name": "Canary Rao", "email": "canary@example.org", "password": PASSWORD });
    let asha = ask(201, "POST", "/api/auth/register", None, registration.clone());
    let (token, id) =
        (text(&asha, "access_token").to_owned(), text(&asha["user"], "id").to_owned());
    let mine = Some(token.as_str());

    ask(403, "PATCH", &format!("/api/admin/users/{id}"), mine, json!({ "active": false }));
    ask(404, "PATCH", &format!("/api/me/vehicles/{id}"), mine, json!({ "name": "Canary car" }));
    ask(422, "POST", "/api/me/vehicles", mine, json!({ "plate": "CANARY 12345678901234567890" }));
    ask(409, "POST", "/api/auth/register", None, registration);
    let wrong =
        json!({ "current_password": "canary password", "new_password": "canary password 2" });
    ask(403, "POST", "/api/me/password", mine, wrong);
    let link = json!({ "token": "canary-token", "password": "canary password" });
    ask(403, "POST", "/api/auth/reset-password", None, link);
    send(&server, &format!("GET /api/me?canary=1 HTTP/1.1\r\nAuthorization: Bearer {token}canary"));
    send(&server, "POST /api/auth/refresh HTTP/1.1\r\nOrigin: https://canary.example");
    let guess = json!({ "email": "canary@example.org", "password": "canary password" });
    while server.request("POST", "/api/auth/login", None, Some(&guess)).unwrap().0 != 429 {}
    // What is ordinary has no line: no token, a path that is none.
    send(&server, "GET /api/me/sessions HTTP/1.1");
    send(&server, "GET /api/canary HTTP/1.1");
    while job_attempts(&server) == 0 {}
    server.signal("-TERM");
    let (status, log) = server.end();
    assert!(status.success(), "{log}");

    let user = format!("user={id}");
    for (level, method, route, status, reason, user) in [
        ("WARN", "PATCH", "/api/admin/users/{id}", 403, "forbidden", user.as_str()),
        ("INFO", "PATCH", "/api/me/vehicles/{id}", 404, "not_found", &user),
        ("INFO", "POST", "/api/me/vehicles", 422, "validation_failed", &user),
        ("INFO", "POST", "/api/auth/register", 409, "email_taken", ""),
        ("WARN", "POST", "/api/me/password", 403, "wrong_password", &user),
        ("WARN", "POST", "/api/auth/reset-password", 403, "invalid_reset_token", ""),
        ("WARN", "GET", "/api/me", 401, "forged_token", ""),
        ("WARN", "POST", "/api/auth/refresh", 403, "cross_site_request", ""),
        ("WARN", "POST", "/api/auth/login", 429, "rate_limited", ""),
    ] {
        let (method, route) = (format!("method=\"{method}\""), format!("route=\"{route}\""));
        let (status, reason) = (format!("status={status}"), format!("reason=\"{reason}\""));
        says(&log, &[level, "refused", &method, &route, &status, &reason, user]);
    }
    says(&log, &["WARN", "an attempt at a job failed", "kind=\"mail\"", "cause=Connection"]);
    // The rows of the audit log are told as well, to be kept elsewhere.
    let actor = format!("actor={id}");
    for action in ["account.registered", "account.sign_in_failed"] {
        says(&log, &["INFO", "audited", &format!("action=\"{action}\""), &actor]);
    }
    assert!(!log.contains("/api/me/sessions") && !log.contains("route=\"other\""), "{log}");
    let (head, _) = token.split_once('.').unwrap();
    for private in ["anary", "ANARY", PASSWORD, "example", "127.0.0.1", head] {
        assert!(!log.contains(private), "{private} is in\n{log}");
    }
}
