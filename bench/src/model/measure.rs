//! Figures of the model that `bench` does not have: what a lot costs in memory and in each question, what a
//! booking leaves on the disk, and what a listener costs. A slope between two sizes each, so what the
//! server costs by itself falls out.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::api::{self, Created, NewLot};
use crate::http::{Connection, Request};
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD, Parking, Server, Usage};

const FEW_LOTS: u32 = 1_000;
const MANY_LOTS: u32 = 20_000;
const QUESTIONS: u32 = 300;
const SPOTS_A_LOT: u32 = 300;
const FEW_BIG: u32 = 20;
const MANY_BIG: u32 = 1_020;
const USERS: usize = 16;
const BOOKINGS_EACH: usize = 1_500;
const LISTENERS: usize = 400;
const LISTENED: Duration = Duration::from_secs(6);

/// Prints each figure as `bench/model.toml` names it.
///
/// # Errors
/// When something cannot be measured.
pub async fn run(program: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = |name: &str| -> Result<Parking> {
        let data = folder.path().join(name);
        fs::create_dir(&data)?;
        Ok(Parking::new(program, &data).environment("ACCESS_TOKEN_MINUTES", "60"))
    };
    let few = lots(&place("few")?, FEW_LOTS).await?;
    let many = lots(&place("many")?, MANY_LOTS).await?;
    let more = f64::from(MANY_LOTS - FEW_LOTS);
    show("lot_bytes", (many.bytes - few.bytes) / more);
    show("near_lot_ns", (many.near - few.near) / more * 1e9);
    show("search_lot_ns", (many.search - few.search) / more * 1e9);

    let spots = f64::from((MANY_BIG - FEW_BIG) * SPOTS_A_LOT);
    let few = start(&place("few-spots")?, FEW_BIG)?;
    let many = start(&place("many-spots")?, MANY_BIG)?;
    show("reread_spot_ns", (many - few) / spots * 1e9);

    bookings(&place("bookings")?).await?;
    listeners(&place("listeners")?).await
}

fn show(name: &str, value: f64) {
    println!("{name:<24} {value:>10.1}");
}

#[expect(clippy::cast_precision_loss, reason = "memory and files are far below 2^52 bytes")]
fn real(number: u64) -> f64 {
    number as f64
}

/// What a server with so many lots takes: bytes, and seconds of processor for a question.
struct Lots {
    bytes: f64,
    near: f64,
    search: f64,
}

async fn lots(parking: &Parking, number: u32) -> Result<Lots> {
    import(parking, number, 1)?;
    let server = parking.serve()?;
    let bytes = real(server.usage().resident) * 1024.0;
    // Each is another question, so none is answered from what was kept.
    let near = asked(&server, |n| format!("/api/lots?near=19.{n:04},72.8&limit=20")).await?;
    let search = asked(&server, |n| format!("/api/lots?q=none{n}&limit=20")).await?;
    server.stop()?;
    Ok(Lots { bytes, near, search })
}

async fn asked(server: &Server, path: impl Fn(u32) -> String) -> Result<f64> {
    let mut connection = Connection::open(server.address).await?;
    let before = server.usage().cpu;
    for number in 0..QUESTIONS {
        connection.call(&Request::get(&path(number))).await?.expect(200)?;
    }
    Ok(server.usage().cpu.saturating_sub(before).as_secs_f64() / f64::from(QUESTIONS))
}

/// Seconds from the start to being ready, with so many lots of many spots: all are read and counted.
fn start(parking: &Parking, number: u32) -> Result<f64> {
    import(parking, number, SPOTS_A_LOT)?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let server = parking.serve()?;
        times.push(server.ready_after.as_secs_f64());
        server.stop()?;
    }
    Ok(crate::stats::median(&times))
}

fn import(parking: &Parking, number: u32, spots: u32) -> Result<()> {
    let mut file = String::from(
        "lot,name,city,address,pin_code,number_of_spots,latitude,longitude,price_per_hour_minor\n",
    );
    for lot in 0..number {
        writeln!(
            file,
            "lot-{lot},Station Square {lot},Ahmedabad,{lot} Mahatma Gandhi Road,380009,{spots},{:.4},{:.4},6000",
            19.0 + f64::from(lot % 997) / 1000.0,
            72.0 + f64::from(lot % 991) / 1000.0
        )?;
    }
    let path = parking.data.join("lots.csv");
    fs::write(&path, file)?;
    parking.run(&["import", "lots", &path.to_string_lossy()], "")
}

/// A server with lots and people who are signed in.
struct Yard {
    server: Server,
    lots: Vec<String>,
    tokens: Vec<String>,
}

async fn yard(parking: &Parking, lots: usize) -> Result<Yard> {
    parking.create_admin()?;
    let server = parking.serve()?;
    let mut connection = Connection::open(server.address).await?;
    let admin = api::log_in(&mut connection, ADMIN_EMAIL, ADMIN_PASSWORD).await?.access_token;
    let mut yard = Yard { server, lots: Vec::new(), tokens: Vec::new() };
    for number in 0..lots {
        let name = format!("Lot {number}");
        let lot = api::create_lot(&mut connection, &admin, &NewLot::named(&name, 100)).await?;
        yard.lots.push(lot.id);
    }
    for number in 0..USERS {
        let email = format!("user{number}@example.org");
        let user = api::register(&mut connection, &email, ADMIN_PASSWORD).await?;
        yard.tokens.push(user.access_token);
    }
    Ok(yard)
}

async fn park_and_leave(
    connection: &mut Connection,
    token: &str,
    lot: &str,
    plate: usize,
    key: Option<&str>,
) -> Result<()> {
    let body = format!(r#"{{"lot_id":"{lot}","vehicle_plate":"MH 12 {plate:06}"}}"#);
    let keys = key.map(|key| [format!("{key}p"), format!("{key}r")]);
    let headers =
        |index: usize| keys.as_ref().map(|keys| format!("idempotency-key: {}", keys[index]));
    let (park_key, leave_key) = (headers(0), headers(1));
    let (park_key, leave_key) = (park_key.as_deref(), leave_key.as_deref());
    let request = Request::post("/api/bookings", Some(&body)).token(token);
    let answer = connection.call(&request.headers(park_key.as_slice())).await?;
    let booking: Created = serde_json::from_slice(answer.expect(201)?)?;
    let path = format!("/api/bookings/{}/release", booking.id);
    let request = Request::post(&path, None).token(token);
    connection.call(&request.headers(leave_key.as_slice())).await?.expect(200)?;
    Ok(())
}

async fn bookings(parking: &Parking) -> Result<()> {
    let yard = yard(parking, 20).await?;
    yard.server.stop()?;
    let before = used_bytes(parking, false)?;
    let server = parking.serve()?;
    let everybody = yard.tokens.iter().enumerate().map(|(user, token)| {
        let (address, lots) = (server.address, &yard.lots);
        async move {
            let mut connection = Connection::open(address).await?;
            for number in 0..BOOKINGS_EACH {
                let millis = std::time::UNIX_EPOCH.elapsed()?.as_millis();
                let key = format!("{millis:012x}{user:08x}{number:011x}");
                let lot = &lots[number % lots.len()];
                park_and_leave(&mut connection, token, lot, user, Some(&key)).await?;
            }
            anyhow::Ok(())
        }
    });
    try_join_all(everybody).await?;
    server.stop()?;
    let number = real((USERS * BOOKINGS_EACH) as u64);
    let with_keys = used_bytes(parking, false)?;
    let kept = used_bytes(parking, true)?;
    show("booking_bytes", (kept - before) / number);
    show("key_bytes", (with_keys - kept) / number / 2.0);
    Ok(())
}

/// Bytes in use in the database's file; `kept`: without the idempotency keys, which go after a day.
fn used_bytes(parking: &Parking, kept: bool) -> Result<f64> {
    let connection = rusqlite::Connection::open(parking.database())?;
    if kept {
        connection.execute_batch("delete from idempotency_keys; vacuum")?;
    }
    let pragma = |name: &str| -> Result<f64> {
        Ok(connection.query_row(&format!("pragma {name}"), [], |row| row.get(0))?)
    };
    Ok((pragma("page_count")? - pragma("freelist_count")?) * pragma("page_size")?)
}

/// Changes in one lot ten times a second, then in ten lots at once: what a message costs a listener
/// when it comes alone, and what when it comes with others.
async fn listeners(parking: &Parking) -> Result<()> {
    let yard = yard(parking, 10).await?;
    let before = yard.server.usage();
    let alone = [changed(&yard, 1).await?, changed(&yard, 10).await?];
    let streams = try_join_all((0..LISTENERS).map(|_| listen(yard.server.address))).await?;
    let held = real(yard.server.usage().resident.saturating_sub(before.resident)) * 1024.0;
    let heard = [changed(&yard, 1).await?, changed(&yard, 10).await?];
    streams.iter().for_each(tokio::task::JoinHandle::abort);
    yard.server.stop()?;
    let listeners = real(LISTENERS as u64);
    show("listener_bytes", held / listeners);
    // Seconds of processor a listener and round, for one message and for ten.
    let [one, ten] = [0, 1].map(|index| (heard[index] - alone[index]) / listeners);
    let each = (ten - one) / 9.0;
    show("message_us", each * 1e6);
    show("wake_us", (one - each) * 1e6);
    Ok(())
}

/// Somebody parks and leaves in each of `lots` lots, every 200 ms; seconds of processor each time.
async fn changed(yard: &Yard, lots: usize) -> Result<f64> {
    let mut connections = Vec::new();
    for _ in 0..lots {
        connections.push(Connection::open(yard.server.address).await?);
    }
    let usage = || -> Usage { yard.server.usage() };
    let (before, begun, mut rounds) = (usage().cpu, Instant::now(), 0_u32);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    while begun.elapsed() < LISTENED {
        tick.tick().await;
        let all = connections.iter_mut().enumerate().map(|(n, connection)| {
            park_and_leave(connection, &yard.tokens[n], &yard.lots[n], n, None)
        });
        try_join_all(all).await?;
        rounds += 1;
    }
    ensure!(rounds > 0, "no time to measure");
    Ok(usage().cpu.saturating_sub(before).as_secs_f64() / f64::from(rounds))
}

async fn listen(address: SocketAddr) -> Result<tokio::task::JoinHandle<()>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n").await?;
    let mut bytes = vec![0; 4096];
    let read = stream.read(&mut bytes).await?;
    ensure!(bytes[..read].starts_with(b"HTTP/1.1 200"), "no stream of events");
    Ok(tokio::spawn(async move { while let Ok(1..) = stream.read(&mut bytes).await {} }))
}
