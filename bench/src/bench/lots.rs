//! The list of lots, whole and unchanged, beside H.

use std::process::Command;

use anyhow::{Context, Result};

use super::load::{Yard, repeat};
use super::report::{Goal, Report};
use super::{Bench, CONNECTIONS, LOTS, Place, SPOTS, limits};
use crate::http::{Connection, Request};
use crate::server::Process;
use crate::stats::median;

const PATH: &str = "/api/lots?limit=100";

pub async fn list(bench: &Bench, report: &mut Report) -> Result<()> {
    report.section(format!("GET {PATH} with {LOTS} lots, {CONNECTIONS} connections"));
    let folder = bench.folder(Place::Memory)?;
    let parking = bench.parking(Place::Memory, &folder.path().join("server"))?;
    let yard = Yard::open(&parking, 0, &[SPOTS; LOTS]).await?;

    let mut connection = Connection::open(yard.server.address).await?;
    let answer = connection.call(&Request::get(PATH)).await?;
    let etag = answer.etag.context("the list has no ETag")?.to_owned();
    let bytes = answer.expect(200)?;
    let file = folder.path().join("list.json");
    std::fs::write(&file, bytes)?;
    #[expect(clippy::cast_precision_loss, reason = "some KiB")]
    report.add("bytes of the list", bytes.len() as f64 / 1024.0, "KiB", Goal::None);

    let mut hello: Command = limits::command(&["hello-server", &file.to_string_lossy()], &[])?;
    let (hello, hello_address) = Process::start(&mut hello)?;
    let condition = format!("if-none-match: {etag}");
    let conditions = [condition.as_str()];
    let whole = (Request::get("/"), Request::get(PATH), 200);
    let unchanged = (Request::get("/304"), Request::get(PATH).headers(&conditions), 304);

    for (name, (of_hello, of_parking, status)) in [("200", whole), ("304", unchanged)] {
        let (mut ratios, mut cpu_ratios, mut rates, mut cpu) = (vec![], vec![], vec![], vec![]);
        for _ in 0..bench.plan.rounds {
            let time = bench.plan.round;
            let limit =
                repeat(hello_address, || hello.usage(), time, CONNECTIONS, of_hello, status)
                    .await?;
            let server = &yard.server;
            let load =
                repeat(server.address, || server.usage(), time, CONNECTIONS, of_parking, status)
                    .await?;
            rates.push(load.per_second);
            cpu.push(load.cpu_micros_each);
            ratios.push(load.per_second / limit.per_second);
            cpu_ratios.push(limit.cpu_micros_each / load.cpu_micros_each);
        }
        report.add(format!("{name}: answers"), median(&rates), "/s", Goal::None);
        report.add(format!("{name}: answers / H"), median(&ratios), "", Goal::AtLeast(0.9));
        report.add(format!("{name}: server CPU each"), median(&cpu), "us", Goal::None);
        report.add(format!("{name}: CPU of H / server CPU"), median(&cpu_ratios), "", Goal::None);
    }
    yard.server.stop()
}
