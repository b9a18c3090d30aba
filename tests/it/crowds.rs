//! Clients that keep what all share: connections, memory, streams. An honest one is answered meanwhile.
//!
//! All addresses of 127.0.0.0/8 are this machine's, so the crowd comes from many.
#![cfg(target_os = "linux")]

use std::io::Write;
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::future::join_all;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::harness::{PASSWORD, text};
use crate::process::{Server, create_admin, parking};
use crate::torture::seen;

const LISTEN: &str = "GET /api/events HTTP/1.1\r\nHost: x\r\n";

/// A connection from the address 127.0.1.`number`.
async fn connect(server: &Server, number: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 1, number), 0).into()).unwrap();
    let address = server.url.trim_start_matches("http://").parse().unwrap();
    socket.connect(address).await.unwrap()
}

/// A connection that has asked for this; with the begin of the answer, empty when it was closed without.
async fn ask(server: &Server, number: u8, request: &str) -> (TcpStream, String) {
    let mut stream = connect(server, number).await;
    let _ = stream.write_all(request.as_bytes()).await;
    let mut head = [0; 12];
    let is_answered = stream.read_exact(&mut head).await.is_ok();
    let head =
        if is_answered { String::from_utf8_lossy(&head).into_owned() } else { String::new() };
    (stream, head)
}

/// A stream of live counts; `None`: the connection was closed.
async fn listen(server: &Server, number: u8) -> Option<TcpStream> {
    let (stream, head) = ask(server, number, &format!("{LISTEN}\r\n")).await;
    (head == "HTTP/1.1 200").then_some(stream)
}

fn metric(server: &Server, name: &str) -> u64 {
    let mut answer = ureq::get(format!("{}/metrics", server.url)).call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).unwrap();
    line.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_holds_its_share_of_the_connections_and_others_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = parking(folder.path());
    command.env("CONNECTIONS_MAX", "20").env("CONNECTIONS_PER_ADDRESS_MAX", "8");
    let server = Server::spawn(command.arg("serve"));
    let mut held = Vec::new();
    for number in [1, 2] {
        for _ in 0..8 {
            held.push(listen(&server, number).await.expect("it is within its share"));
        }
        assert!(listen(&server, number).await.is_none());
    }
    server.expect(200, "GET", "/api/lots", None, None);
    assert_eq!(metric(&server, "parking_http_connections_refused_total"), 2);
    // Whoever gives one back may have another, once the server has noticed.
    held.remove(0);
    while listen(&server, 1).await.is_none() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_has_any_number_of_connections_and_each_of_its_clients_its_share_of_streams() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = parking(folder.path());
    command.env("CONNECTIONS_PER_ADDRESS_MAX", "8").env("TRUSTED_PROXIES", "127.0.1.1");
    let server = Server::spawn(command.arg("serve"));
    let stream_for = async |client: &str| {
        ask(&server, 1, &format!("{LISTEN}X-Forwarded-For: {client}\r\n\r\n")).await
    };
    let mut held = Vec::new();
    for client in ["198.51.100.1", "198.51.100.2"] {
        for _ in 0..8 {
            let (stream, begin) = stream_for(client).await;
            assert_eq!(begin, "HTTP/1.1 200");
            held.push(stream);
        }
        assert_eq!(stream_for(client).await.1, "HTTP/1.1 429");
    }
    // A stream that ended counts no more, once the server has noticed.
    held.remove(0);
    while stream_for("198.51.100.1").await.1 != "HTTP/1.1 200" {
        tokio::task::yield_now().await;
    }
}

/// Text as one gzip file of many members, which is a thousand times larger once it is unpacked.
fn bomb(text: u8, members: usize) -> Vec<u8> {
    let mut member = GzEncoder::new(Vec::new(), Compression::best());
    member.write_all(&vec![text; 16 * 1024 * 1024]).unwrap();
    member.finish().unwrap().repeat(members)
}

/// Sends a packed body as the admin; gives the status.
fn send_packed(server: &Server, token: &str, path: &str, kind: &str, body: &[u8]) -> u16 {
    let agent = ureq::Agent::config_builder().http_status_as_error(false).build().new_agent();
    let request = agent.post(format!("{}{path}", server.url));
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", kind).header("content-encoding", "gzip");
    request.send(body).unwrap().status().as_u16()
}

/// The most memory that the process ever had, in MiB.
fn memory_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Says so even if the test fails on the way.
struct Done<'a>(&'a AtomicBool);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Parks and releases and looks at the list until `done`; gives how long each answer took.
fn honest(server: &Server, token: &str, lot: &str, done: &AtomicBool) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut ask = |status, method, path: &str, body: Option<&Value>| {
        let began = Instant::now();
        let answer = server.expect(status, method, path, Some(token), body);
        took.push(began.elapsed());
        answer
    };
    while !done.load(Ordering::Relaxed) {
        let wish = json!({ "lot_id": lot, "vehicle_plate": "H0NEST" });
        let booking = ask(201, "POST", "/api/admin/bookings", Some(&wish));
        let path = format!("/api/bookings/{}/release", text(&booking, "id"));
        ask(200, "POST", &path, None);
        ask(200, "GET", "/api/lots", None);
        ask(200, "GET", "/api/me", None);
    }
    took.sort();
    took
}

/// Keeps a connection in one of the ways that cost the server something.
async fn stall(server: &Server, number: usize) -> TcpStream {
    let requests = [
        String::new(),
        "GET /api/lots HTTP/1.1\r\nHost: x\r\nX: ".into(),
        "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 60000\r\n\r\n{".into(),
        format!("{LISTEN}\r\n"),
        // Answers of megabytes that nobody reads.
        "GET /api/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n".repeat(50),
    ];
    let mut stream = connect(server, u8::try_from(number % 20).unwrap() + 1).await;
    stream.write_all(requests[number % requests.len()].as_bytes()).await.unwrap();
    stream
}

/// What an attack wants: to be many, to be unpacked, to be hashed.
async fn attack(server: &Server, token: &str) -> Vec<TcpStream> {
    let stalled = join_all((0..2_000).map(|number| stall(server, number))).await;
    let small = bomb(b' ', 3);
    assert!(small.len() < 64 * 1024, "{}", small.len());
    let large = bomb(b'\n', 400);
    assert_eq!(send_packed(server, token, "/api/lots", "application/json", &small), 400);
    assert_eq!(send_packed(server, token, "/api/admin/imports/lots", "text/csv", &large), 422);
    std::thread::scope(|scope| {
        let sign_ins = (0..100).map(|_| {
            scope.spawn(|| {
                let credentials = json!({ "email": "admin@example.org", "password": PASSWORD });
                let answer = server.request("POST", "/api/auth/login", None, Some(&credentials));
                answer.expect("an answer").0
            })
        });
        let sign_ins: Vec<_> = sign_ins.collect();
        for sign_in in sign_ins {
            assert_eq!(sign_in.join().unwrap(), 200);
        }
    });
    stalled
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_stalled_connections_bombs_and_a_hundred_sign_ins_fit_into_300_mib() {
    const MEMORY_MIB_MAX: u64 = 300;
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, ..files }).unwrap();
    let folder = tempfile::tempdir().unwrap();
    create_admin(&mut parking(folder.path()));
    let server = Server::start(folder.path());
    let token = server.sign_in();
    let lot = server.new_lot(&token, 10);
    let done = AtomicBool::new(false);
    let took = std::thread::scope(|scope| {
        let client = scope.spawn(|| honest(&server, &token, &lot, &done));
        let attacked = Done(&done);
        let stalled = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(attack(&server, &token))
        });
        assert!(metric(&server, "parking_http_connections") >= 1_000);
        drop((attacked, stalled));
        client.join().unwrap()
    });
    let part = |of_a_hundred: usize| took[(took.len() - 1) * of_a_hundred / 100];
    let (p50, p99, memory) = (part(50), part(99), memory_mib(&server));
    let honest = took.len();
    seen(&format!(
        "{honest} honest requests meanwhile: p50 {p50:.1?}, p99 {p99:.1?}; {memory} MiB at most"
    ));
    assert!(took.len() >= 20, "{}", took.len());
    assert!(memory < MEMORY_MIB_MAX, "{memory} MiB");
}
