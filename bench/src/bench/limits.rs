//! The machine's limits that figures are put beside. Each runs as a process of its own, under the
//! same conditions as the server, and prints two numbers: how many a second, and the microseconds of
//! CPU that each took.

use std::fs::File;
use std::net::Ipv4Addr;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use axum::Router;
use axum::http::{HeaderName, StatusCode, header};
use axum::routing::get;
use clap::Subcommand;

use super::{Bench, raw, raw_postgres};
use crate::server::Usage;

const PAGE_BYTES: usize = 4096;
const PAGES: u64 = 1024;

#[derive(Subcommand)]
#[command(hide = true)]
pub enum Limit {
    /// D: writes of 4 KiB, each with its own fdatasync.
    #[command(hide = true, name = "limit-disk")]
    Disk { folder: PathBuf, seconds: f64 },
    /// W: group commit of what the server writes, without a server.
    #[command(hide = true, name = "limit-writer")]
    Writer { database: PathBuf, callers: usize, lots: usize, seconds: f64 },
    /// T: the same on PostgreSQL, each caller with a connection of its own.
    #[command(hide = true, name = "limit-postgres")]
    Postgres { url: String, callers: usize, lots: usize, seconds: f64 },
    /// Passwords hashed by as many threads as the server may use.
    #[command(hide = true, name = "limit-hash")]
    Hash { threads: usize, seconds: f64 },
    /// H: a server that answers with a file's bytes from memory, until it is killed.
    #[command(hide = true, name = "hello-server")]
    Hello { file: PathBuf },
}

impl Limit {
    /// # Errors
    /// Whatever stops the measurement.
    pub fn run(&self) -> Result<()> {
        let time = |seconds: &f64| Duration::from_secs_f64(*seconds);
        let pace = match self {
            Self::Disk { folder, seconds } => disk(folder, time(seconds))?,
            Self::Writer { database, callers, lots, seconds } => {
                raw::run(database, *callers, *lots, time(seconds))?
            }
            Self::Postgres { url, callers, lots, seconds } => {
                raw_postgres::run(url, *callers, *lots, time(seconds))?
            }
            Self::Hash { threads, seconds } => hash(*threads, time(seconds))?,
            Self::Hello { file } => return hello(std::fs::read(file)?),
        };
        let count = f64::from(pace.count);
        let cpu_micros = Usage::of("self").cpu.as_secs_f64() * 1e6;
        println!("{} {}", count / pace.took.as_secs_f64(), cpu_micros / count);
        Ok(())
    }
}

/// So many in so much time.
pub struct Pace {
    pub count: u32,
    pub took: Duration,
}

/// What a [`Limit`] printed.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    pub per_second: f64,
    pub cpu_micros_each: f64,
}

/// This program, to be run as one of the [`Limit`]s.
pub fn command(
    arguments: &[&str],
    environment: &[(&'static str, std::ffi::OsString)],
) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(arguments).envs(environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

/// Runs a [`Limit`] to its end and reads its numbers.
pub fn measure(
    arguments: &[&str],
    environment: &[(&'static str, std::ffi::OsString)],
) -> Result<Measured> {
    let output = command(arguments, environment)?.output()?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} failed: {complaint}", arguments[0]);
    let said = String::from_utf8(output.stdout)?;
    let (per_second, cpu) = said.trim().split_once(' ').context("a limit said nothing")?;
    Ok(Measured { per_second: per_second.parse()?, cpu_micros_each: cpu.parse()? })
}

/// D in a folder, as a number a second.
pub fn disk_rate(
    bench: &Bench,
    folder: &Path,
    environment: &[(&'static str, std::ffi::OsString)],
) -> Result<f64> {
    let seconds = (bench.turn() / 2).as_secs_f64().to_string();
    Ok(measure(&["limit-disk", &folder.to_string_lossy(), &seconds], environment)?.per_second)
}

fn disk(folder: &Path, time: Duration) -> Result<Pace> {
    let file = File::create_new(folder.join("limit-disk"))?;
    let page = [0x5a; PAGE_BYTES];
    for number in 0..PAGES {
        file.write_all_at(&page, number * PAGE_BYTES as u64)?;
    }
    file.sync_all()?;
    let begun = Instant::now();
    let mut writes = 0_u32;
    while writes == 0 || begun.elapsed() < time {
        file.write_all_at(&page, u64::from(writes) % PAGES * PAGE_BYTES as u64)?;
        file.sync_data()?;
        writes += 1;
    }
    let took = begun.elapsed();
    std::fs::remove_file(folder.join("limit-disk"))?;
    Ok(Pace { count: writes, took })
}

/// Argon2id with OWASP's smallest parameters, m=19456 t=2 p=1, as the server uses them.
fn hash(threads: usize, time: Duration) -> Result<Pace> {
    let params = Params::new(19_456, 2, 1, None).ok().context("the parameters are valid")?;
    let begun = Instant::now();
    let hashes: u32 = thread::scope(|scope| {
        let work = || {
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
            let mut memory = vec![Block::default(); params.block_count()];
            let (mut hashes, mut out) = (0, [0; 32]);
            // At least one, however long the thread took to start.
            while hashes == 0 || begun.elapsed() < time {
                argon2
                    .hash_password_into_with_memory(
                        b"password",
                        b"sixteen bytes of",
                        &mut out,
                        &mut memory,
                    )
                    .expect("the parameters are valid");
                hashes += 1;
            }
            hashes
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap_or(0)).sum()
    });
    Ok(Pace { count: hashes, took: begun.elapsed() })
}

/// `/` answers 200 with the bytes, `/304` the same without them.
fn hello(bytes: Vec<u8>) -> Result<()> {
    const HEADERS: [(HeaderName, &str); 2] =
        [(header::CONTENT_TYPE, "application/json"), (header::ETAG, "\"hello\"")];
    let body: &'static [u8] = bytes.leak();
    let router = Router::new()
        .route("/", get(move || async move { (HEADERS, body) }))
        .route("/304", get(|| async { (StatusCode::NOT_MODIFIED, HEADERS) }));
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        eprintln!("listening on http://{}", listener.local_addr()?);
        Ok(axum::serve(listener, router).await?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_positive() {
        let folder = tempfile::tempdir().unwrap();
        let time = Duration::from_millis(50);
        assert!(disk(folder.path(), time).unwrap().count > 0);
        assert!(hash(1, time).unwrap().count > 0);
    }
}
