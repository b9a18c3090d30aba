//! `parking serve` and `parking worker`.

use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::app::App;
use crate::audit::chain;
use crate::auth::store::admin_exists;
use crate::config::Config;
use crate::db::DatabaseUrl;
use crate::http::server::{self, End};
use crate::jobs::worker;

const STORAGE_FAILED: &str = "storage failed; start again once the disk is well";

pub(super) fn run(config: Config) -> Result<(), String> {
    let runtime = runtime()?;
    let app = super::open(config)?;
    let end = runtime.block_on(serve(app.clone()));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    app.close();
    match end? {
        End::Asked => Ok(()),
        End::StorageFailed => Err(STORAGE_FAILED.into()),
    }
}

async fn serve(app: App) -> Result<End, String> {
    let listener = TcpListener::bind(app.config.listen)
        .await
        .map_err(|error| format!("LISTEN={}: {error}", app.config.listen))?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let mut stop = Stop::listen()?;
    app.listens_on(address);
    greet(&app, address).await?;
    let background = app.start_background();
    let service = crate::http::Service::new(app.clone());
    let stop = async move { stop.asked().await };
    let end = server::serve(app, listener, service, stop).await;
    background.end().await;
    Ok(end)
}

/// `parking worker`: jobs without requests.
pub(super) fn work(config: Config, once: bool) -> Result<(), String> {
    let runtime = runtime()?;
    let app = super::open(config)?;
    let done = runtime.block_on(async {
        if once {
            let attempts = worker::work_off(&app).await.map_err(|error| error.to_string())?;
            super::say(&format!("jobs done: {attempts}"));
            return Ok(());
        }
        let mut stop = Stop::listen()?;
        let mut background = app.start_background();
        eprintln!("parking {}, working on jobs", env!("CARGO_PKG_VERSION"));
        tokio::select! {
            () = stop.asked() => app.shut_down(),
            () = background.jobs_ended() => {}
        }
        background.end().await;
        if app.db.has_failed() { Err(STORAGE_FAILED.into()) } else { Ok(()) }
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    app.close();
    done
}

/// The signals that ask a process to end.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> Result<Self, String> {
        let on = |kind| signal(kind).map_err(|error| error.to_string());
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        eprintln!("stopping");
    }
}

fn runtime() -> Result<Runtime, String> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

/// Says where it listens and, while there is no admin, how to become it. Not part of the log: the
/// link is a secret.
async fn greet(app: &App, address: std::net::SocketAddr) -> Result<(), String> {
    let url = app.base_url();
    for name in &app.config.unused {
        eprintln!("{name} is set and has no effect with SQLite");
    }
    if app.config.secret_key.is_none() && !app.db.is_sqlite() {
        eprintln!(
            "SECRET_KEY is not set: another server on this database would not know who is signed in here"
        );
    }
    let data = match &app.config.database_url {
        DatabaseUrl::Sqlite(path) => path.display().to_string(),
        DatabaseUrl::Postgres(_) => "PostgreSQL".into(),
    };
    eprintln!("parking {}, data in {data}", env!("CARGO_PKG_VERSION"));
    if app.mailer.server().is_none() {
        let outbox = app.config.data_dir.join("outbox");
        eprintln!("no mail server is set: mails are files in {}", outbox.display());
    }
    let has_admin = app.db.read(admin_exists).await.map_err(|error| error.to_string())?;
    if !has_admin {
        let token = app.claim.open(app.clock.now());
        eprintln!("there is no admin yet; become it within a day, once:");
        eprintln!("  {url}/claim#token={token}");
    }
    let audited = app.db.read(chain::end).await.map_err(|error| error.to_string())?;
    eprintln!("the audit log ends with {audited}");
    eprintln!("listening on http://{address}");
    if url != format!("http://{address}") {
        eprintln!("people reach it at {url}");
    }
    Ok(())
}
