//! A big past: a user's history page, and the start, with ten thousand and with five million bookings.

use std::time::Instant;

use anyhow::{Context, Result};
use tempfile::TempDir;

use super::load::{USER_PASSWORD, Yard, user_email};
use super::report::{Goal, Report};
use super::{Bench, Place, fill, kib_to_mib};
use crate::api;
use crate::http::{Connection, Request};
use crate::server::{Parking, Server};
use crate::stats::{Latencies, median};

const FEW: u32 = 10_000;
const MANY: u32 = 5_000_000;
const PAGE: &str = "/api/bookings?limit=20";
const PAGES_A_ROUND: u32 = 1_000;

pub async fn pages_and_start(bench: &Bench, report: &mut Report) -> Result<()> {
    let many = if bench.plan.quick { MANY / 10 } else { MANY };
    report.section(format!("A user's history, and the start, with {many} bookings in the table"));
    let few = Past::make(bench, FEW).await?;
    let many = Past::make(bench, many).await?;

    let (mut starts, mut resident) = (vec![], vec![]);
    for _ in 0..bench.plan.rounds {
        let server = many.parking.serve()?;
        starts.push(server.ready_after.as_secs_f64() * 1e3);
        resident.push(kib_to_mib(server.usage().resident));
        server.stop()?;
    }

    let (mut few, mut many) = (few.reader().await?, many.reader().await?);
    let (mut ratios, mut latencies) = (vec![], vec![]);
    for _ in 0..bench.plan.rounds {
        let (few, many) = (few.page_micros().await?, many.page_micros().await?);
        ratios.push(many / few);
        latencies.push(many);
    }
    few.server.stop()?;
    many.server.stop()?;

    report.add("history page, p50", median(&latencies), "us", Goal::None);
    report.add(
        format!("history page / the same with {FEW} bookings"),
        median(&ratios),
        "",
        Goal::AtMost(1.3),
    );
    report.add("start to ready", median(&starts), "ms", Goal::AtMost(300.0));
    report.add("resident memory, idle", median(&resident), "MiB", Goal::AtMost(64.0));
    Ok(())
}

/// A data folder with bookings of the past, some of them by the first user.
struct Past {
    parking: Parking,
    _folder: TempDir,
}

impl Past {
    async fn make(bench: &Bench, bookings: u32) -> Result<Self> {
        let folder = bench.folder(Place::Disk)?;
        let parking = bench.parking(Place::Disk, &folder.path().join("server"))?;
        Yard::open(&parking, 1, &[100; 10]).await?.server.stop()?;
        fill::bookings(&parking.database(), bookings).context("cannot fill the database")?;
        Ok(Self { parking, _folder: folder })
    }

    async fn reader(&self) -> Result<Reader> {
        let server = self.parking.serve()?;
        let mut connection = Connection::open(server.address).await?;
        let token = api::log_in(&mut connection, &user_email(0), USER_PASSWORD).await?.access_token;
        Ok(Reader { server, connection, token })
    }
}

struct Reader {
    server: Server,
    connection: Connection,
    token: String,
}

impl Reader {
    /// The median latency of the first page.
    async fn page_micros(&mut self) -> Result<f64> {
        let mut latencies = Latencies::new();
        for _ in 0..PAGES_A_ROUND {
            let sent = Instant::now();
            self.connection.call(&Request::get(PAGE).token(&self.token)).await?.expect(200)?;
            latencies.record(sent.elapsed());
        }
        Ok(latencies.at(0.5).as_secs_f64() * 1e6)
    }
}
