//! Taking the first free spot of a big lot beside a small one.

use anyhow::Result;

use super::load::Yard;
use super::report::{Goal, Report};
use super::{Bench, Place, USERS};
use crate::http::{Connection, Request};
use crate::stats::median;

const BIG: u32 = 10_000;
const BIG_TAKEN: u32 = 9_000;
/// With room for all users at once.
const SMALL: u32 = 100;

pub async fn big_and_small(bench: &Bench, report: &mut Report) -> Result<()> {
    report.section(format!("Park and release in a lot of {BIG} spots, {BIG_TAKEN} of them taken, beside a lot of {SMALL}"));
    let folder = bench.folder(Place::Memory)?;
    let parking = bench.parking(Place::Memory, &folder.path().join("server"))?;
    let yard = Yard::open(&parking, USERS, &[SMALL, BIG]).await?;
    let mut connection = Connection::open(yard.server.address).await?;
    for car in 0..BIG_TAKEN {
        let body = format!(r#"{{"lot_id":"{}","vehicle_plate":"STAYS {car}"}}"#, yard.lots[1]);
        let request = Request::post("/api/admin/bookings", Some(&body)).token(&yard.admin_token);
        connection.call(&request).await?.expect(201)?;
    }

    let (mut times, mut cpu) = (vec![], vec![]);
    for round in 0..bench.plan.rounds {
        // In turns, so that what grows with time favours neither.
        let first = yard.park_and_leave(bench.plan.round, |_| round % 2).await?;
        let second = yard.park_and_leave(bench.plan.round, |_| 1 - round % 2).await?;
        let (small, big) = if round % 2 == 0 { (first, second) } else { (second, first) };
        times.push(small.per_second / big.per_second);
        cpu.push(big.cpu_micros_each / small.cpu_micros_each);
    }
    yard.server.stop()?;
    report.add("time each, big / small", median(&times), "", Goal::AtMost(1.1));
    report.add("server CPU each, big / small", median(&cpu), "", Goal::AtMost(1.1));
    Ok(())
}
