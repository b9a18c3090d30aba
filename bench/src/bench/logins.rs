//! Signing in beside what the hashing permits allow, and bookings beside a hundred people who sign in.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::try_join_all;

use super::load::{self, Load, Tally, USER_PASSWORD, Yard, user_email};
use super::report::{Goal, Report};
use super::{Bench, LOTS, Place, SPOTS, USERS, limits};
use crate::http::{Connection, Request};
use crate::server::Parking;
use crate::stats::median;

/// Enough to keep the permits busy, few enough to wait in the queue.
const WAITING: usize = 8;
const CROWD: usize = 100;
const PERMITS: &str = "1";
/// What the server asks of those that it turns away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

fn parking(bench: &Bench, place: Place, folder: &std::path::Path) -> Result<Parking> {
    Ok(bench.parking(place, &folder.join("server"))?.environment("PASSWORD_HASHERS", PERMITS))
}

pub async fn rate(bench: &Bench, report: &mut Report) -> Result<()> {
    report.section(format!("Signing in with {PERMITS} hashing permit"));
    let folder = bench.folder(Place::Disk)?;
    let yard = Yard::open(&parking(bench, Place::Disk, folder.path())?, USERS, &[]).await?;
    let (mut rates, mut ratios) = (vec![], vec![]);
    for _ in 0..bench.plan.rounds {
        let seconds = bench.plan.round.as_secs_f64().to_string();
        let limit = limits::measure(&["limit-hash", PERMITS, &seconds], &[])?.per_second;
        let load = sign_in(&yard, bench.plan.round).await?;
        rates.push(load.per_second);
        ratios.push(load.per_second / limit);
    }
    yard.server.stop()?;
    report.add("sign-ins", median(&rates), "/s", Goal::None);
    report.add("sign-ins / hashes of as many threads", median(&ratios), "", Goal::AtLeast(0.9));
    Ok(())
}

pub async fn beside_bookings(bench: &Bench, report: &mut Report) -> Result<()> {
    report
        .section(format!("Park and release beside {CROWD} people who sign in, with syncs of 1 ms"));
    let folder = bench.folder(Place::FixedSync)?;
    let yard = Yard::open(&parking(bench, Place::FixedSync, folder.path())?, USERS, &[SPOTS; LOTS])
        .await?;
    let (mut ratios, mut sign_ins) = (vec![], vec![]);
    for _ in 0..bench.plan.rounds {
        let time = bench.plan.round;
        let alone = yard.park_and_leave(time, |user| user % LOTS).await?;
        let crowd = load::measure(Default::default, time, async |tally| {
            let people = (0..CROWD)
                .map(|person| sign_in_again_and_again(yard.server.address, person, tally));
            try_join_all(people).await.map(drop)
        });
        let (beside, crowd) =
            tokio::try_join!(yard.park_and_leave(time, |user| user % LOTS), crowd)?;
        ratios.push(beside.per_second / alone.per_second);
        sign_ins.push(crowd.per_second);
    }
    yard.server.stop()?;
    report.add("sign-ins meanwhile", median(&sign_ins), "/s", Goal::None);
    report.add("requests / alone", median(&ratios), "", Goal::AtLeast(0.5));
    Ok(())
}

async fn sign_in(yard: &Yard, time: Duration) -> Result<Load> {
    load::measure(
        || yard.server.usage(),
        time,
        async |tally| {
            let people = (0..WAITING)
                .map(|person| sign_in_again_and_again(yard.server.address, person, tally));
            try_join_all(people).await.map(drop)
        },
    )
    .await
}

async fn sign_in_again_and_again(address: SocketAddr, person: usize, tally: &Tally) -> Result<()> {
    let mut connection = Connection::open(address).await?;
    let body =
        format!(r#"{{"email":"{}","password":"{USER_PASSWORD}"}}"#, user_email(person % USERS));
    let request = Request::post("/api/auth/login", Some(&body));
    while tally.goes_on() {
        if !tally.call_unless_busy(&mut connection, &request, 200).await? {
            tokio::time::sleep(RETRY_AFTER.min(tally.left())).await;
        }
    }
    Ok(())
}
