//! The commands.

mod admin;
mod health;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use rustix::fs::Mode;

use crate::app::App;
use crate::audit::chain;
use crate::clock::Clock;
use crate::config::{self, Config, SETTINGS};
use crate::copy;
use crate::db::{DatabaseUrl, Db};
use crate::demo;
use crate::imports::{self, say};
use crate::replicas;

/// A self-hosted parking application: lots, spots, bookings, in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "parking",
    version,
    after_help = "Settings come from the environment or from .env; `parking settings` lists them."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::doc_markdown, reason = "shown at the command line")]
enum Command {
    /// Serve the API and the web client in the foreground, until Ctrl-C or SIGTERM
    #[command(after_help = settings_help())]
    Serve,
    /// Work on background jobs without serving; any number of these may run beside `serve`
    Worker {
        /// Do what is due, and end
        #[arg(long)]
        once: bool,
    },
    /// Make an account the admin, with the password from the terminal or from standard input
    CreateAdmin {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
    },
    /// Bring the database's schema up to date (serve does this by itself)
    Migrate,
    /// Import lots or sessions from a CSV file, all or nothing
    Import {
        #[command(subcommand)]
        what: Import,
    },
    /// Fill an empty installation with a city: lots, people, a year of bookings, open stays
    ///
    /// For looking around. It says who can sign in; everybody in it is made up. Refused where
    /// there are lots, bookings or drivers already.
    Demo {
        /// Days of bookings up to now
        #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(i64).range(1..=1000))]
        days: i64,
        /// Another number makes another year
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Write a consistent copy of the SQLite database to FILE, also while the server runs
    ///
    /// FILE must not exist. Restore it by putting it in the place of parking.sqlite while no
    /// server runs. DATA_DIR/secrets is not part of it: without it links in mails stop working.
    Backup { file: PathBuf },
    /// Move everything to another database, such as from SQLite to PostgreSQL
    ///
    /// Stop the server and its workers first: a SQLite file that is in use, or is changed meanwhile,
    /// is refused; PostgreSQL does not tell. The source is only read. The target must hold no
    /// installation; it is filled in one transaction, read back and compared, and only then
    /// committed. Whatever stops it, also kill -9, leaves no half copy: run it again. Go to PostgreSQL
    /// itself, not through a pooler.
    Copy {
        /// sqlite://FILE or postgres://USER:PASSWORD@HOST/NAME
        #[arg(long)]
        from: DatabaseUrl,
        /// Likewise; by default DATABASE_URL, where no other process sees a password in it
        #[arg(long)]
        to: Option<DatabaseUrl>,
    },
    /// What the audit log is worth
    Audit {
        #[command(subcommand)]
        what: Audit,
    },
    /// Ask the server that LISTEN names whether it is ready; exit code 0 says yes
    Health {
        /// Only whether it answers: what a supervisor restarts it by
        #[arg(long)]
        live: bool,
    },
    /// Print the OpenAPI 3.1 document of the API
    Openapi,
    /// Print the settings as a file to copy to .env
    Settings,
}

#[derive(Debug, Subcommand)]
#[expect(clippy::doc_markdown, reason = "shown at the command line")]
enum Import {
    /// Lots with the columns lot (key), name, number_of_spots, and where known city, address,
    /// pin_code, latitude, longitude, time_zone, currency, price_per_hour_minor, free_minutes,
    /// increment_minutes, daily_cap_minor
    ///
    /// A lot whose key was imported before is brought up to date, not made again; what the file has
    /// no column for stays as it is.
    Lots {
        file: PathBuf,
        /// Price per hour of lots without one in the file, in minor units
        #[arg(long, default_value_t = 0)]
        price_per_hour_minor: i64,
    },
    /// Sessions with the columns lot (key), started_at, ended_at (empty: still parked); .gz is unpacked
    ///
    /// Each becomes a booking on the first spot that was free at its start, at the lot's price.
    Sessions { file: PathBuf },
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Find rows of the audit log that were changed, removed or put in by other means
    ///
    /// Each row holds a hash of itself and of the row before it. Exit code 0: all are as they were
    /// written. Who can write to the database could make all hashes anew, so note the end that this
    /// prints (`parking serve` logs it too) somewhere else, and give it the next time.
    Verify {
        /// An end that was noted: such as 1234: and 64 hexadecimal digits
        #[arg(long, value_name = "END")]
        noted: Option<chain::Link>,
    },
}

fn settings_help() -> String {
    let mut help = String::from("Settings, from the environment or from .env:\n");
    for setting in SETTINGS {
        let default = if setting.default.is_empty() {
            String::new()
        } else {
            format!(" [default: {}]", setting.default)
        };
        help.push_str(&format!("  {}{default}\n      {}\n", setting.name, setting.meaning));
    }
    help
}

/// Why a command ended badly.
enum Failure {
    /// Exit code 2: settings or arguments.
    Settings(String),
    /// Exit code 1.
    Work(String),
}

/// Runs the command that the process was started with.
#[must_use]
pub fn run() -> ExitCode {
    // Whatever is kept, databases, exports, mails, is for its owner, in a folder that others may enter too.
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
    let cli = Cli::parse();
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Settings(message)) => {
            eprintln!("parking: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Work(message)) => {
            eprintln!("parking: {message}");
            ExitCode::FAILURE
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    match command {
        Command::Openapi => {
            let document = crate::http::openapi().to_pretty_json();
            say(&document.map_err(|error| Failure::Work(error.to_string()))?);
            return Ok(());
        }
        Command::Settings => {
            say(Config::example().trim_end());
            return Ok(());
        }
        _ => {}
    }
    let vars = config::vars(Path::new(".env")).map_err(Failure::Settings)?;
    let config = Config::from_vars(&vars).map_err(Failure::Settings)?;
    start_log(&config)?;
    let work = match command {
        Command::Serve => serve::run(config),
        Command::Worker { once } => serve::work(config, once),
        Command::CreateAdmin { email, name } => {
            return admin::create(config, &email, &name);
        }
        Command::Migrate => migrate(&config),
        Command::Import { what } => open(config).and_then(|app| import(app, what)),
        Command::Demo { days, seed } => open(config).and_then(|app| fill_demo(app, days, seed)),
        Command::Backup { file } => backup(&config, &file),
        Command::Audit { what: Audit::Verify { noted } } => verify_audit(&config, noted),
        Command::Health { live } => health::ask(config.listen, live).map(|said| say(&said)),
        Command::Copy { from, to } => copy_to(&from, &to.unwrap_or(config.database_url)),
        Command::Openapi | Command::Settings => Ok(()),
    };
    work.map_err(Failure::Work)
}

fn open(config: Config) -> Result<App, String> {
    App::open(config, Clock::system())
}

fn migrate(config: &Config) -> Result<(), String> {
    crate::secrets::private_folder(&config.data_dir)?;
    let db = Db::open(&config.database_url, &config.database).map_err(|error| error.to_string())?;
    let applied = db.migrate()?;
    for migration in &applied {
        say(&format!("applied {migration}"));
    }
    if applied.is_empty() {
        say("the schema is up to date");
    }
    db.close();
    Ok(())
}

fn fill_demo(app: App, days: i64, seed: u64) -> Result<(), String> {
    let demo = demo::fill(&app, demo::Options { days, seed })?;
    let demo::Demo { lots, people, bookings, open, .. } = demo;
    say(&format!("{lots} lots, {people} people, {bookings} bookings, of which {open} are open\n"));
    let ((_, admin), (_, driver)) = (demo::city::ADMIN, demo::city::DRIVER);
    match demo.admin_password {
        Some(password) => say(&format!("The operator:  {admin}   {password}")),
        None => say("The operator:  the admin that there was"),
    }
    say(&format!("A driver:      {driver}  {}", demo.driver_password));
    say("\nThese passwords are shown once. Start it with: parking serve");
    end(app)
}

fn import(app: App, what: Import) -> Result<(), String> {
    match what {
        Import::Lots { file, price_per_hour_minor } => {
            let outcome = imports::lots::run(&app, &file, price_per_hour_minor)?;
            let imports::lots::Outcome { created, changed, unchanged } = outcome;
            say(&format!("lots: {created} created, {changed} changed, {unchanged} unchanged"));
        }
        Import::Sessions { file } => {
            let imports::sessions::Outcome { closed, open } = imports::sessions::run(&app, &file)?;
            say(&format!("sessions: {closed} past bookings, {open} still open"));
        }
    }
    end(app)
}

/// After a command that changed what running servers keep in memory.
fn end(app: App) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(replicas::tell_and_leave(&app));
    drop(runtime);
    app.close();
    Ok(())
}

/// The database as it is: none is created.
fn open_existing(config: &Config) -> Result<Db, String> {
    if let crate::db::DatabaseUrl::Sqlite(path) = &config.database_url
        && !path.exists()
    {
        return Err(format!("there is no database at {}", path.display()));
    }
    Db::open(&config.database_url, &config.database).map_err(|error| error.to_string())
}

fn backup(config: &Config, file: &Path) -> Result<(), String> {
    let db = open_existing(config)?;
    db.backup(file)?;
    db.close();
    let bytes = std::fs::metadata(file).map(|file| file.len()).unwrap_or_default();
    say(&format!("{}: {bytes} bytes", file.display()));
    Ok(())
}

fn verify_audit(config: &Config, noted: Option<chain::Link>) -> Result<(), String> {
    let db = open_existing(config)?;
    db.check_schema()?;
    let chain::Verified { end, unchained, faults } =
        chain::verify(&db, noted).map_err(|error| error.to_string())?;
    db.close();
    if unchained > 0 {
        say(&format!("{unchained} rows of an older program are not chained yet"));
    }
    if faults.is_empty() {
        say(&format!("{} rows, all as they were written\nEnd: {end}", end.number));
        return Ok(());
    }
    for fault in &faults {
        say(&fault.to_string());
    }
    Err("the audit log was tampered with".into())
}

fn copy_to(from: &DatabaseUrl, to: &DatabaseUrl) -> Result<(), String> {
    let copied = copy::run(from, to)?;
    say(&format!("{:20} {:>12}  checksum", "table", "rows"));
    let mut total = 0;
    for (table, copy::Figures { rows, checksum }) in &copied.tables {
        say(&format!("{table:20} {rows:>12}  {checksum:016x}"));
        total += rows;
    }
    let seconds = copied.took.as_secs_f64();
    say(&format!("{total} rows in {seconds:.1} seconds, read back and found equal\n"));
    say(
        "Now set DATABASE_URL to the new database, and start `parking serve`. On another machine it",
    );
    say(
        "needs the same settings, and from DATA_DIR: secrets (unless SECRET_KEY is set; without it",
    );
    say(
        "links in mails stop working), exports and outbox. Keep the old database until all is well.",
    );
    Ok(())
}

fn start_log(config: &Config) -> Result<(), Failure> {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&config.log)
        .map_err(|error| Failure::Settings(format!("LOG={}: {error}", config.log)))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Cli::command().debug_assert();
    }
}
