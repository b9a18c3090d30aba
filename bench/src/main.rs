//! Load tools for the parking server, which they drive over HTTP only.
//!
//! `replay` ([`replay`]) plays a week of real car parks and compares every observation. `bench` ([`bench`]) measures
//! speed and memory beside the machine's own limits. Both share one thread, so that the server has the machine.
//! `model` ([`model`]) reckons with what they measured how far the product goes.

mod api;
mod bench;
mod data;
mod http;
mod model;
mod replay;
mod server;
mod stats;

use std::io::stdin;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Parser, Subcommand};

use crate::data::Week;
use crate::replay::Admin;
use crate::server::{ADMIN_EMAIL, ADMIN_PASSWORD, Parking};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Replay a week of real car parks and compare every observation.
    Replay(ReplayArguments),
    /// Measure speed and memory beside the machine's limits.
    Bench(bench::Arguments),
    /// Reckon what ends first at each factor of ten; writes the tables of docs/SCALING.md.
    Model(model::Arguments),
    #[command(flatten)]
    Limit(bench::Limit),
}

#[derive(Args)]
struct ReplayArguments {
    /// Folder with lots.csv, sessions-*.csv[.gz] and occupancy-*.csv[.gz].
    #[arg(long)]
    data: PathBuf,
    /// The server program: started afresh for the replay, in a data folder that goes away.
    #[arg(long, default_value = "target/release/parking", conflicts_with = "url")]
    bin: PathBuf,
    /// Use the server that runs there instead, such as <http://127.0.0.1:8080> (start it with `RATE_LIMIT=off`).
    #[arg(long, requires = "email")]
    url: Option<String>,
    /// The admin of the server at --url; the password is read from standard input.
    #[arg(long, requires = "url")]
    email: Option<String>,
    #[arg(long, default_value_t = 64)]
    connections: usize,
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Replay(arguments) => replay(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Model(arguments) => model::run(&arguments),
        Command::Limit(limit) => limit.run(),
    }
}

fn replay(arguments: &ReplayArguments) -> Result<()> {
    let week = Week::read(&arguments.data)?;
    match (&arguments.url, &arguments.email) {
        (Some(url), Some(email)) => {
            let mut password = String::new();
            stdin().read_line(&mut password)?;
            let password = password.trim_end_matches(['\r', '\n']).to_owned();
            let admin = Admin { email: email.clone(), password };
            replay_against(address_of(url)?, &admin, &week, arguments.connections)
        }
        _ => replay_afresh(&arguments.bin, &week, arguments.connections),
    }
}

fn replay_afresh(program: &Path, week: &Week, connections: usize) -> Result<()> {
    let data = tempfile::tempdir()?;
    let parking = Parking::new(program, data.path());
    parking.create_admin()?;
    let server = parking.serve()?;
    let admin = Admin { email: ADMIN_EMAIL.into(), password: ADMIN_PASSWORD.into() };
    replay_against(server.address, &admin, week, connections)?;
    let usage = server.usage();
    println!(
        "server: {:.1} s of CPU, {} MiB resident at most",
        usage.cpu.as_secs_f64(),
        usage.resident_max / 1024
    );
    server.stop()
}

fn replay_against(
    address: SocketAddr,
    admin: &Admin,
    week: &Week,
    connections: usize,
) -> Result<()> {
    until_interrupted(replay::run(address, admin, week, connections))
}

/// Ctrl-C ends the work and not the program, so that servers are stopped and folders removed.
fn until_interrupted(work: impl Future<Output = Result<()>>) -> Result<()> {
    one_thread()?.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => bail!("interrupted"),
        }
    })
}

fn one_thread() -> Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

fn address_of(url: &str) -> Result<SocketAddr> {
    let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
    let mut addresses =
        host.to_socket_addrs().with_context(|| format!("no such address: {url}"))?;
    addresses.next().with_context(|| format!("no such address: {url}"))
}
