//! Requests that no client of good will sends, as bytes to the real process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use serde_json::json;

use crate::process::{Server, create_admin, parking};

/// What a server would answer with 200 if it took it for a request of its own.
const SECOND: &str = "GET /api/setup HTTP/1.1\r\nHost: x\r\n\r\n";
const CREDENTIALS: &str = r#"{"email":"nobody@example.org","password":"wrong password"}"#;

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.url.trim_start_matches("http://")).unwrap()
}

/// All that comes back until the server closes the connection, which it does within its own limits.
fn said_to(server: &Server, bytes: &[u8]) -> Vec<u8> {
    let mut stream = connect(server);
    // It may be closed before all is written, or torn down with what is unread.
    let _ = stream.write_all(bytes);
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    said
}

/// The statuses of the answers in what a server said.
fn statuses(said: &[u8]) -> Vec<u16> {
    let text = String::from_utf8_lossy(said);
    let answers = text.split("HTTP/1.1 ").skip(1);
    answers.map(|answer| answer[..3].parse().unwrap()).collect()
}

fn body(said: &[u8]) -> &[u8] {
    let end = said.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap_or(said.len());
    &said[end..]
}

/// A request to sign in with these headers, and what follows them.
fn login(headers: &str, rest: impl AsRef<[u8]>) -> Vec<u8> {
    let head = "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    [head.as_bytes(), headers.as_bytes(), b"\r\n\r\n", rest.as_ref()].concat()
}

fn chunked(rest: impl AsRef<[u8]>) -> Vec<u8> {
    login("Transfer-Encoding: chunked", rest)
}

fn get(target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into()
}

/// Where two servers in a row may see the end of a request in different places (RFC 9112, section 11.2).
fn of_two_lengths() -> Vec<(String, Vec<u8>)> {
    let length = CREDENTIALS.len();
    let whole = format!("{length:x}\r\n{CREDENTIALS}\r\n0\r\n\r\n");
    let sized = format!("{CREDENTIALS}{SECOND}");
    let mut shapes = Vec::new();
    for (name, headers) in [
        (
            "a length, then chunks",
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        ),
        (
            "chunks, then a length",
            format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        ),
        ("chunks and no length", "Transfer-Encoding: chunked\r\nContent-Length: 0".to_owned()),
        ("chunks and no number", "Transfer-Encoding: chunked\r\nContent-Length: x".to_owned()),
        ("folded chunks", "Transfer-Encoding:\r\n chunked".to_owned()),
        ("a space before the colon", "Transfer-Encoding : chunked".to_owned()),
        (
            "chunks, then not",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
        ),
        ("chunks within", "Transfer-Encoding: chunked, gzip".to_owned()),
        ("unknown coding", "Transfer-Encoding: xchunked".to_owned()),
        ("coding with a parameter", "Transfer-Encoding: chunked;q=1".to_owned()),
        ("coding after a vertical tab", "Transfer-Encoding: \u{b}chunked".to_owned()),
        ("no coding", "Transfer-Encoding: identity".to_owned()),
        ("empty coding", "Transfer-Encoding:".to_owned()),
    ] {
        shapes.push((name.to_owned(), login(&headers, format!("{whole}{SECOND}"))));
    }
    let old = login("Transfer-Encoding: chunked", &whole);
    let old = String::from_utf8(old).unwrap().replacen("HTTP/1.1", "HTTP/1.0", 1);
    shapes.push(("chunks in HTTP/1.0".into(), format!("{old}{SECOND}").into()));
    for other in ["0", "1", &(length + 10).to_string()] {
        let headers = format!("Content-Length: {length}\r\nContent-Length: {other}");
        shapes.push((format!("lengths {length} and {other}"), login(&headers, &sized)));
    }
    for length in [
        format!("{length}, {length}"),
        format!("{length}, 0"),
        format!("+{length}"),
        format!("-{length}"),
        format!("{length} {length}"),
        format!("0x{length:x}"),
        format!("{length}.0"),
        format!("{length}e0"),
        format!("\"{length}\""),
        "-1".into(),
        String::new(),
        "18446744073709551615".into(),
        "18446744073709551616".into(),
        "9223372036854775807".into(),
        "9".repeat(400),
    ] {
        let headers = format!("Content-Length: {length}");
        shapes.push((format!("length {length:.30}"), login(&headers, &sized)));
    }
    shapes
}

fn of_odd_chunks() -> Vec<(String, Vec<u8>)> {
    let mut shapes = Vec::new();
    for size in
        ["-1", "+5", "0x5", " 5", "", "g", "5g", "5 5", "FFFFFFFFFFFFFFFFF", "-0", "\0", "٥"]
    {
        let rest = format!("{size}\r\nabcde\r\n0\r\n\r\n{SECOND}");
        shapes.push((format!("chunk of {size:?}"), chunked(rest)));
    }
    let endless = format!("FFFFFFFFFFFFFFFF\r\n{}", "x".repeat(70_000));
    let extension = format!("1;{}\r\nx\r\n0\r\n\r\n{SECOND}", "x".repeat(20_000));
    let trailers = format!("0\r\n{}\r\n{SECOND}", "X: y\r\n".repeat(1_000));
    for (name, rest) in [
        ("a chunk without end", endless),
        ("a long extension of a chunk", extension),
        ("a thousand trailers", trailers),
        ("a chunk that is longer than it says", format!("1\r\nabc\r\n0\r\n\r\n{SECOND}")),
        ("a bare line feed after a size", format!("5\nabcde\r\n0\r\n\r\n{SECOND}")),
        ("a bare line feed after a chunk", format!("5\r\nabcde\n0\r\n\r\n{SECOND}")),
        ("a bare return after a size", format!("5\rabcde\r\n0\r\n\r\n{SECOND}")),
    ] {
        shapes.push((name.to_owned(), chunked(rest)));
    }
    shapes
}

fn of_odd_heads() -> Vec<(String, Vec<u8>)> {
    let start = "GET /api/me HTTP/1.1\r\nHost: x\r\n".as_bytes();
    let header = |line: &[u8]| [start, line, b"\r\n\r\n"].concat();
    let many = |count: usize| header("X: y\r\n".repeat(count).trim_end().as_bytes());
    let raw: [(&str, Vec<u8>); 32] = [
        ("a folded header", header(b"X: a\r\n b")),
        ("a header folded by a tab", header(b"X: a\r\n\tb")),
        ("a space before the first header", b"GET /api/me HTTP/1.1\r\n Host: x\r\n\r\n".into()),
        ("a header without a name", header(b": x")),
        ("a header without a colon", header(b"X")),
        ("a header with a space in its name", header(b"X Y: z")),
        ("a bare return in a header", header(b"X: a\rAuthorization: Bearer x")),
        ("bare line feeds", b"GET /api/me HTTP/1.1\nHost: x\nConnection: close\n\n".into()),
        ("a zero byte in a header's name", header(b"X\0: y")),
        ("a zero byte in a header's value", header(b"X: a\0b")),
        ("no UTF-8 in a header's name", header(b"X\xff: y")),
        (
            "no UTF-8 in a header's value",
            header(b"Authorization: Bearer \xff\xfe\r\nConnection: close"),
        ),
        ("a hundred and one headers", many(100)),
        ("ten thousand headers", many(10_000)),
        ("a huge header", header(format!("X: {}", "y".repeat(70_000)).as_bytes())),
        ("a huge name of a header", header(format!("{}: y", "x".repeat(66_000)).as_bytes())),
        ("a huge cookie", header(format!("Cookie: {}", "a=b; ".repeat(20_000)).as_bytes())),
        ("a huge path", get(&format!("/api/lots/{}", "x".repeat(70_000)))),
        ("a large path", get(&format!("/api/lots/{}", "x".repeat(60_000)))),
        ("a deep path", get(&format!("/api{}", "/x".repeat(20_000)))),
        ("a huge query", get(&format!("/api/lots?{}", "limit=x&".repeat(7_000)))),
        ("a zero byte in a path", get("/api/me\0")),
        (
            "no UTF-8 in a path",
            b"GET /api/lots/\xff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(),
        ),
        ("a space in a path", get("/api/ me")),
        ("HTTP/0.9", b"GET /api/me\r\n".into()),
        ("HTTP/0.9 with an empty line", b"GET /api/me\r\n\r\n".into()),
        ("HTTP/9.9", b"GET /api/me HTTP/9.9\r\nHost: x\r\n\r\n".into()),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".into()),
        (
            "a tunnel",
            b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(),
        ),
        (
            "the server as a whole",
            b"OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".into(),
        ),
        (
            "a method of 40,000 letters",
            format!("{} /api/me HTTP/1.1\r\nHost: x\r\n\r\n", "G".repeat(40_000)).into(),
        ),
    ];
    raw.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

#[test]
fn a_malformed_request_gets_one_error_or_none_and_hides_no_second() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    // Two honest ones on one connection are two answers, so that a hidden one would be seen.
    let sized = login(&format!("Content-Length: {}", CREDENTIALS.len()), CREDENTIALS);
    let both = said_to(&server, &[sized, get("/api/setup")].concat());
    assert_eq!(statuses(&both), [401, 200]);

    let shapes = [of_two_lengths(), of_odd_chunks(), of_odd_heads()].concat();
    println!("{} malformed requests", shapes.len());
    assert!(shapes.len() > 70, "{}", shapes.len());
    let (answered, answers) = mpsc::channel();
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        for (name, bytes) in &shapes {
            let (answered, server) = (answered.clone(), &server);
            scope.spawn(move || {
                let statuses = statuses(&said_to(server, bytes));
                answered.send((name, statuses)).unwrap();
            });
        }
        drop(answered);
        for (name, statuses) in answers {
            if statuses.len() > 1 || statuses.iter().any(|status| !(400..500).contains(status)) {
                wrong.push(format!("{name}: {statuses:?}"));
            }
            server.expect(200, "GET", "/api/setup", None, None);
        }
    });
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn no_path_leads_out_of_the_client_or_the_exports() {
    const BASES: [&str; 7] =
        ["/", "//", "/./", "/assets/", "/api/exports/", "/api/docs/", "/api/reports/"];
    const UPS: [&str; 12] = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "%252e%252e%252f",
        "..\\",
        "..%5c",
        "%2e%2e%5c",
        "....//",
        "..;/",
        "..%c0%af",
        "..%00/",
    ];
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let server = Server::start(folder.path());
    let token = server.sign_in();
    let key = folder.path().join("secrets/secret_key");
    let secret = std::fs::read_to_string(&key).unwrap();
    let page = said_to(&server, &get("/"));
    // From the folder of the client to the sources, and from anywhere to the root.
    let depths =
        [(2, "Cargo.toml"), (2, "src/main.rs"), (3, "Cargo.toml"), (12, key.to_str().unwrap())];
    let mut wrong = Vec::new();
    for (base, up) in BASES.iter().flat_map(|base| UPS.map(|up| (base, up))) {
        for (depth, file) in depths {
            let path = format!("{base}{}{}", up.repeat(depth), file.trim_start_matches('/'));
            let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
            let said = format!("{head}Authorization: Bearer {token}\r\n\r\n");
            let said = said_to(&server, said.as_bytes());
            let (text, status) = (String::from_utf8_lossy(&said), statuses(&said));
            let is_leak =
                ["[package]", "fn main", secret.trim()].iter().any(|it| text.contains(it));
            // The client knows its own routes: what is nothing else is its page.
            let is_page = status == [200] && body(&said) == body(&page);
            if is_leak || !(is_page || matches!(status[..], [400..500])) {
                wrong.push(format!("{path}: {status:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_body_that_drips_is_given_up_and_others_are_answered_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    let mut stream = connect(&server);
    stream.write_all(&login("Content-Length: 60000", "{")).unwrap();
    // A byte each time that nothing came back for a second: never idle, never done.
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut head = [0; 12];
    while stream.read_exact(&mut head).is_err() {
        stream.write_all(b" ").unwrap();
        server.expect(200, "GET", "/api/setup", None, None);
    }
    assert_eq!(&head, b"HTTP/1.1 408");
}

#[test]
fn a_body_that_says_it_is_too_large_is_not_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path());
    for length in ["65537", "10000000000", "9223372036854775807"] {
        let mut stream = connect(&server);
        stream.write_all(&login(&format!("Content-Length: {length}"), "{")).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        assert_eq!(&head, b"HTTP/1.1 413", "{length}");
    }
    let body = json!({ "email": "nobody@example.org", "password": "x".repeat(65_000) });
    server.expect(401, "POST", "/api/auth/login", None, Some(&body));
}
