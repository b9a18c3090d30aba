//! What every request and every background task shares.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{Mutex, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use uuid::Uuid;

use crate::audit::chain;
use crate::auth::limits::Limits;
use crate::auth::passwords::Hashers;
use crate::auth::tokens::AccessTokens;
use crate::auth::{AdminClaim, Revocations};
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Snapshot, Tx};
use crate::error::Result;
use crate::exports::files::Files;
use crate::http::idempotency::InFlight;
use crate::http::metrics::Metrics;
use crate::http::per_address::PerAddress;
use crate::jobs::Queue;
use crate::live::{self, Live};
use crate::lots::catalogue::{Catalogue, Count};
use crate::lots::store::LotRow;
use crate::mail::transport::Mailer;
use crate::mail::{Post, chat};
use crate::secrets::{self, Keys};
use crate::shared::Shared;
use crate::traces::Traces;
use crate::{auth, jobs, lots, replicas, stats};

/// How often listeners hear of changes.
const PUBLISH_EVERY: Duration = Duration::from_millis(100);
const FORGET_EVERY: Duration = Duration::from_hours(1);

/// The application: cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub config: Config,
    pub clock: Clock,
    pub db: Db,
    pub tokens: AccessTokens,
    pub hashers: Hashers,
    pub limits: Limits,
    pub shared: Arc<Shared>,
    pub revocations: Arc<Revocations>,
    pub claim: AdminClaim,
    pub in_flight: InFlight,
    pub catalogue: Arc<Catalogue>,
    pub live: Live,
    /// Of events, by who listens.
    pub streams: Arc<PerAddress>,
    pub queue: Queue,
    pub keys: Keys,
    pub post: Post,
    pub mailer: Mailer,
    pub files: Files,
    /// For Google Chat.
    pub chat: reqwest::Client,
    /// Where this process listens, once it does.
    address: OnceLock<SocketAddr>,
    pub metrics: Metrics,
    /// `None`: no collector is set.
    pub traces: Option<Traces>,
    /// Held while everything is read anew, so that what is read last is the newest.
    reading: Mutex<()>,
    shutdown: watch::Sender<bool>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    /// Opens the database, brings it up to date and reads what is kept in memory.
    ///
    /// # Errors
    /// What stops the start, in words.
    pub fn open(config: Config, clock: Clock) -> Result<Self, String> {
        secrets::private_folder(&config.data_dir)?;
        let keys = Keys::of(&config)?;
        let mailer = Mailer::open(&config.mail, config.data_dir.join("outbox"))?;
        let files =
            Files::open(&config.exports).map_err(|error| format!("EXPORTS_URL: {error}"))?;
        let queue = Queue::new(clock.clone());
        let zone = (config.time_zone_name.clone(), config.time_zone.clone());
        let db =
            Db::open(&config.database_url, &config.database).map_err(|error| error.to_string())?;
        let metrics = Metrics::default();
        let traces = config.traces.as_ref();
        let traces =
            traces.map(|to| Traces::open(to, clock.clone(), metrics.spans.clone())).transpose()?;
        for migration in db.migrate()? {
            tracing::info!(%migration, "migrated the schema");
        }
        chain::catch_up(&db).map_err(|error| error.to_string())?;
        let shared = Arc::new(Shared::new(config.redis.as_ref(), &keys.fingerprint));
        let app = Self(Arc::new(Parts {
            tokens: AccessTokens::new(
                &keys.access_tokens,
                config.access_token_minutes,
                clock.clone(),
            ),
            hashers: Hashers::start(config.password_hashers),
            limits: Limits::new(config.rate_limit, shared.clone()),
            shared,
            revocations: Arc::default(),
            claim: AdminClaim::new(&keys.links),
            in_flight: InFlight::default(),
            catalogue: Arc::default(),
            live: Live::default(),
            streams: PerAddress::new(config.connections_per_address_max),
            post: Post::new(queue.clone(), zone),
            queue,
            keys,
            mailer,
            files,
            chat: chat::client()?,
            address: OnceLock::new(),
            metrics,
            traces,
            reading: Mutex::default(),
            shutdown: watch::Sender::new(false),
            config,
            clock,
            db,
        }));
        app.reread_blocking().map_err(|error| error.to_string())?;
        Ok(app)
    }

    /// Reads anew what is kept in memory of the database.
    ///
    /// # Errors
    /// Those of storage.
    pub async fn reread(&self) -> Result<()> {
        let _alone = self.reading.lock().await;
        if self.db.is_sqlite() {
            return self.db.write(Uuid::nil(), self.read_on_lane(true)).await;
        }
        self.catalogue.begin_reading();
        let read = self.db.read(self.read_at_once()).await?;
        self.catalogue.replace(&read.0, read.1);
        Ok(())
    }

    /// [`App::reread`] for threads that may wait.
    ///
    /// # Errors
    /// As [`App::reread`].
    pub fn reread_blocking(&self) -> Result<()> {
        let _alone = self.reading.blocking_lock();
        if self.db.is_sqlite() {
            return self.db.write_blocking(Uuid::nil(), self.read_on_lane(true));
        }
        self.catalogue.begin_reading();
        let read = self.db.read_blocking(self.read_at_once())?;
        self.catalogue.replace(&read.0, read.1);
        Ok(())
    }

    /// SQLite commits on one lane: what is read there is taken over between the commits before and
    /// those after.
    fn read_on_lane(&self, anyhow: bool) -> impl FnMut(&mut Tx<'_>) -> Result<()> + Send + 'static {
        let catalogue = self.catalogue.clone();
        let (revocations, since, until) = self.revocation_window();
        move |tx| {
            if tx.changed_elsewhere()? || anyhow {
                let (rows, catalogue) = (lots::store::all(tx)?, catalogue.clone());
                tx.on_commit(move |_| catalogue.replace(&rows, Snapshot::default()));
                revocations.hear(auth::store::revoked_since(tx, since)?, until);
            }
            Ok(())
        }
    }

    /// PostgreSQL's commits go on meanwhile; the snapshot says which are in what is read.
    fn read_at_once(
        &self,
    ) -> impl FnMut(&mut Tx<'_>) -> Result<(Vec<LotRow>, Snapshot)> + Send + 'static {
        let (revocations, since, until) = self.revocation_window();
        move |tx| {
            tx.snapshot(|tx| {
                revocations.hear(auth::store::revoked_since(tx, since)?, until);
                Ok((lots::store::all(tx)?, tx.seen()?))
            })
        }
    }

    fn revocation_window(&self) -> (Arc<Revocations>, jiff::Timestamp, jiff::Timestamp) {
        let now = self.clock.now();
        let until = self.tokens.all_expired_after(now);
        (self.revocations.clone(), now - until.duration_since(now), until)
    }

    /// Starts what runs beside the requests. It begins to end with [`App::shut_down`], and has ended
    /// with [`Background::end`].
    #[must_use]
    pub fn start_background(&self) -> Background {
        let app = self.clone();
        tokio::spawn(async move {
            let mut shutdown = app.shutdown();
            let mut publish = tokio::time::interval(PUBLISH_EVERY);
            let mut forget = tokio::time::interval(FORGET_EVERY);
            for interval in [&mut publish, &mut forget] {
                interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            }
            loop {
                tokio::select! {
                    () = live::ended(&mut shutdown) => break,
                    _ = publish.tick() => app.publish_changes(),
                    _ = forget.tick() => {
                        app.limits.forget_idle();
                        app.revocations.forget_expired(app.clock.now());
                    }
                }
            }
        });
        tokio::spawn(stats::keep_counting(self.clone()));
        let (leave, asked) = oneshot::channel();
        let replicas = tokio::spawn(replicas::keep_up(self.clone(), asked));
        Background {
            jobs: jobs::worker::start(self.clone(), self.shutdown()),
            replicas,
            leave,
            traces: self.traces.clone(),
        }
    }

    fn publish_changes(&self) {
        for Count { id, free_spots, number_of_spots } in self.catalogue.take_changes() {
            self.live.publish(
                "lot",
                &format!(
                    "{{\"id\":\"{id}\",\"free_spots\":{free_spots},\"number_of_spots\":{number_of_spots}}}"
                ),
            );
        }
    }

    /// Takes over what other processes committed; on SQLite only if they did.
    ///
    /// # Errors
    /// Those of storage.
    pub async fn refresh(&self) -> Result<()> {
        if self.db.is_sqlite() {
            let _alone = self.reading.lock().await;
            return self.db.write(Uuid::nil(), self.read_on_lane(false)).await;
        }
        self.reread().await
    }

    /// Another process ended these sessions.
    pub fn hear_ended_sessions(&self, sessions: Vec<Uuid>) {
        let (revocations, _, until) = self.revocation_window();
        revocations.hear(sessions, until);
    }

    /// Notes where this process listens.
    pub fn listens_on(&self, address: SocketAddr) {
        // There is one listener; it is noted once.
        let _ = self.address.set(address);
    }

    /// Where people reach this server: `PUBLIC_URL`, or where it listens.
    #[must_use]
    pub fn base_url(&self) -> String {
        let address = self.address.get().copied().unwrap_or(self.config.listen);
        self.config.public_url.clone().unwrap_or_else(|| format!("http://{address}"))
    }

    /// Whether the refresh cookie may be `Secure`: always, but on plain http beyond this machine.
    #[must_use]
    pub fn secure_cookies(&self) -> bool {
        self.config.public_url.as_deref().is_none_or(|url| {
            let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
            self.config.is_https() || local.iter().any(|start| url.starts_with(start))
        })
    }

    #[must_use]
    pub fn lot_defaults(&self) -> lots::Defaults {
        lots::Defaults {
            time_zone: self.config.time_zone_name.clone(),
            currency: self.config.currency,
        }
    }

    /// Turns true when the process is about to end.
    #[must_use]
    pub fn shutdown(&self) -> watch::Receiver<bool> {
        self.shutdown.subscribe()
    }

    /// Ends background tasks and event streams.
    pub fn shut_down(&self) {
        self.shutdown.send_replace(true);
    }

    /// Ends the threads of the database, if nothing uses it any more, and has the last of the
    /// traces sent.
    pub fn close(self) {
        if let Some(traces) = &self.traces {
            traces.close();
        }
        if let Some(parts) = Arc::into_inner(self.0) {
            parts.db.close();
        }
    }
}

/// What runs beside the requests.
pub struct Background {
    jobs: oneshot::Receiver<()>,
    replicas: JoinHandle<()>,
    leave: oneshot::Sender<()>,
    traces: Option<Traces>,
}

impl Background {
    /// Resolves when the work on jobs has ended.
    pub async fn jobs_ended(&mut self) {
        // A panic there has been reported already.
        let _ = (&mut self.jobs).await;
    }

    /// After the last request: waits for the jobs, and tells other processes what they do not know
    /// yet.
    pub async fn end(mut self) {
        self.jobs_ended().await;
        let _ = self.leave.send(());
        let _ = self.replicas.await;
        // Beside what else has to end.
        if let Some(traces) = &self.traces {
            traces.end();
        }
    }
}
