//! Replays a week of real car parks over HTTP, as fast as the server takes it, and compares every observation.
//!
//! Each lot is a story of its own: what happened between two looks at its display is sent over many connections at
//! once, and all of it is answered before the server's figure is compared with the operator's. Stories run side by side.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt::Display;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::{join_all, try_join_all};
use futures_util::stream::{FuturesUnordered, TryStreamExt};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;

use crate::api::{self, Created, NewLot, Session};
use crate::data::{Moment, Story, Week};
use crate::http::{Answer, Connection, Pool, Request};
use crate::stats::Latencies;

const MISMATCHES_SHOWN: usize = 10;
/// A token is renewed this long before it expires.
const RENEW_BEFORE_SECONDS: u64 = 60;

#[derive(Debug)]
pub struct Admin {
    pub email: String,
    pub password: String,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Book,
    Release,
    Look,
}

#[derive(Deserialize)]
struct Shown {
    free_spots: u32,
}

/// # Errors
/// When the server cannot be reached, answers anything unexpected, or a comparison does not hold.
pub async fn run(
    address: SocketAddr,
    admin: &Admin,
    week: &Week,
    connections: usize,
) -> Result<()> {
    let replay = Replay::start(address, admin, week, connections).await?;
    let begun = Instant::now();
    tokio::select! {
        outcome = replay.tell_all(week) => outcome?,
        error = replay.keep_signed_in(address, admin) => return Err(error),
    }
    replay.report(begun.elapsed(), connections);

    let held = replay.held.get();
    ensure!(held == week.observations, "{} comparisons do not hold", week.observations - held);
    Ok(())
}

struct Replay {
    pool: Pool,
    lots: Vec<String>,
    token: RefCell<String>,
    token_lasts: Cell<Duration>,
    latencies: [RefCell<Latencies>; 3],
    held: Cell<u64>,
    mismatches: RefCell<Vec<String>>,
    bar: ProgressBar,
}

impl Replay {
    /// Signs in and creates the lots.
    async fn start(
        address: SocketAddr,
        admin: &Admin,
        week: &Week,
        connections: usize,
    ) -> Result<Self> {
        let mut connection = Connection::open(address).await?;
        let session = api::log_in(&mut connection, &admin.email, &admin.password).await?;
        let mut lots = Vec::with_capacity(week.stories.len());
        for story in &week.stories {
            let lot = NewLot::from(&story.lot);
            lots.push(api::create_lot(&mut connection, &session.access_token, &lot).await?.id);
        }

        let bar = ProgressBar::new(week.arrivals + week.departures + week.observations);
        bar.set_style(ProgressStyle::with_template(
            "{wide_bar} {human_pos} of {human_len} requests, {per_sec}, {eta} to go",
        )?);
        let replay = Self {
            pool: Pool::open(address, connections).await?,
            lots,
            token: RefCell::default(),
            token_lasts: Cell::default(),
            latencies: Default::default(),
            held: Cell::new(0),
            mismatches: RefCell::default(),
            bar,
        };
        replay.hold(session);
        Ok(replay)
    }

    fn hold(&self, session: Session) {
        let lasts = session.expires_in.saturating_sub(RENEW_BEFORE_SECONDS).max(1);
        self.token_lasts.set(Duration::from_secs(lasts));
        self.token.replace(session.access_token);
    }

    /// Renews the access token before it expires; ends only with an error.
    async fn keep_signed_in(&self, address: SocketAddr, admin: &Admin) -> anyhow::Error {
        loop {
            tokio::time::sleep(self.token_lasts.get()).await;
            let renewed = async {
                let mut connection = Connection::open(address).await?;
                api::log_in(&mut connection, &admin.email, &admin.password).await
            };
            match renewed.await {
                Ok(session) => self.hold(session),
                Err(error) => return error,
            }
        }
    }

    async fn tell_all(&self, week: &Week) -> Result<()> {
        let stories: FuturesUnordered<_> =
            week.stories.iter().zip(&self.lots).map(|(story, lot)| self.tell(story, lot)).collect();
        stories.try_collect().await
    }

    async fn tell(&self, story: &Story, lot: &str) -> Result<()> {
        let mut open = HashMap::new();
        for moment in &story.moments {
            self.let_happen(moment, lot, &mut open)
                .await
                .with_context(|| format!("{} at {}", story.lot.key, moment.observed_at))?;
            let free = self.look(lot).await?;
            let expected = story.lot.number_of_spots - moment.occupied;
            if free == expected {
                self.held.set(self.held.get() + 1);
            } else {
                let Story { lot, .. } = story;
                self.mismatches.borrow_mut().push(format!(
                    "{} at {}: {free} free where the operator has {expected}",
                    lot.key, moment.observed_at
                ));
            }
        }
        Ok(())
    }

    /// Departures before arrivals, so that a full lot has room for those who come.
    async fn let_happen(
        &self,
        moment: &Moment,
        lot: &str,
        open: &mut HashMap<u32, String>,
    ) -> Result<()> {
        let leaving = moment.departures.iter().map(|session| {
            let booking = open.remove(session);
            async move { self.release(&booking.context("a car leaves that never came")?).await }
        });
        try_join_all(leaving.collect::<Vec<_>>()).await?;

        let arriving = moment.arrivals.iter().map(|session| self.book(lot, *session));
        for (session, booking) in moment.arrivals.iter().zip(join_all(arriving).await) {
            open.insert(*session, booking?);
        }
        Ok(())
    }

    async fn book(&self, lot: &str, session: u32) -> Result<String> {
        let body = format!(r#"{{"lot_id":"{lot}","vehicle_plate":"REPLAY {session}"}}"#);
        let request = Request::post("/api/admin/bookings", Some(&body));
        self.call(Kind::Book, request, |answer| {
            Ok(serde_json::from_slice::<Created>(answer.expect(201)?)?.id)
        })
        .await
    }

    async fn release(&self, booking: &str) -> Result<()> {
        let path = format!("/api/bookings/{booking}/release");
        self.call(Kind::Release, Request::post(&path, None), |answer| answer.expect(200).map(drop))
            .await
    }

    async fn look(&self, lot: &str) -> Result<u32> {
        let path = format!("/api/lots/{lot}");
        self.call(Kind::Look, Request::get(&path), |answer| {
            Ok(serde_json::from_slice::<Shown>(answer.expect(200)?)?.free_spots)
        })
        .await
    }

    async fn call<T>(
        &self,
        kind: Kind,
        request: Request<'_>,
        read: impl FnOnce(Answer<'_>) -> Result<T>,
    ) -> Result<T> {
        let token = self.token.borrow().clone();
        self.pool
            .call(&request.token(&token), |latency, answer| {
                self.latencies[kind as usize].borrow_mut().record(latency);
                self.bar.inc(1);
                read(answer)
            })
            .await
    }

    fn report(&self, took: Duration, connections: usize) {
        self.bar.finish_and_clear();
        for mismatch in self.mismatches.borrow().iter().take(MISMATCHES_SHOWN) {
            println!("{mismatch}");
        }
        let requests: u64 = self.latencies.iter().map(|latencies| latencies.borrow().count()).sum();
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no 52 bits")]
        let rate = requests as f64 / took.as_secs_f64();
        println!(
            "{requests} requests in {:.1} s over {connections} connections: {rate:.0} requests/s",
            took.as_secs_f64()
        );
        let line = |name: &str, kind: Kind| {
            let latencies = self.latencies[kind as usize].borrow();
            println!("{name:<8}{:>8} {}", latencies.count(), &*latencies as &dyn Display);
        };
        line("book", Kind::Book);
        line("release", Kind::Release);
        line("look", Kind::Look);
        println!(
            "comparisons: {} held, {} failed",
            self.held.get(),
            self.mismatches.borrow().len()
        );
    }
}
