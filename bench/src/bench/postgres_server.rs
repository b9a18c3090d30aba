//! A private PostgreSQL on the disk that is measured.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::report;
use crate::server::family_cpu;

/// What its documentation recommends for a machine, for a disk without heads and for filling a
/// database (chapters 20.4, 20.7 and 14.4); what makes it durable is on, as it comes.
const SETTINGS: [&str; 5] = [
    "max_connections=600",
    "max_wal_size=8GB",
    "random_page_cost=1.1",
    "maintenance_work_mem=1GB",
    "unix_socket_directories=",
];
/// Of the machine's memory, as `shared_buffers`.
const BUFFERS_PART: u64 = 4;
const START_TIME_MAX: Duration = Duration::from_secs(30);
/// What pgbench's clients may take for preparing their statements.
const PREPARING_SECONDS: u64 = 1;

/// A durable PostgreSQL, gone with this value.
pub struct Postgres {
    pub folder: TempDir,
    programs: PathBuf,
    port: u16,
    process: Child,
}

/// The folder with PostgreSQL's programs.
fn programs() -> Result<PathBuf> {
    let find = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/find-postgres");
    let found = Command::new(find).output()?;
    ensure!(found.status.success(), "{}", String::from_utf8_lossy(&found.stderr));
    Ok(PathBuf::from(String::from_utf8(found.stdout)?.trim()))
}

/// As in `PostgreSQL 17.2`.
pub fn version() -> Result<String> {
    let output = Command::new(programs()?.join("postgres")).arg("--version").output()?;
    let said = String::from_utf8(output.stdout)?;
    let version = said.split_whitespace().nth(2).context("PostgreSQL has no version")?;
    Ok(format!("PostgreSQL {version}"))
}

impl Postgres {
    pub fn start(folder: TempDir) -> Result<Self> {
        let programs = programs()?;
        let home = folder.path().join("postgres");
        fs::create_dir(&home)?;
        if is_of_root(&home)? {
            run(Command::new("chown").arg("postgres:").arg(&home))?;
            run(Command::new("chmod").arg("a+x").arg(folder.path()))?;
        }
        let home = home.canonicalize()?;
        let data = home.join("data");
        run(as_postgres(&home, &programs.join("initdb"))?
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"])
            .arg("--pgdata")
            .arg(&data))?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let buffers = report::memory_kib()? / BUFFERS_PART;
        let process = as_postgres(&home, &programs.join("postgres"))?
            .arg("-D")
            .arg(&data)
            .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1"])
            .args(SETTINGS.iter().flat_map(|setting| ["-c", setting]))
            .args(["-c", &format!("shared_buffers={buffers}kB")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let server = Self { folder, programs, port, process };
        let begun = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err()
            || server.sql("postgres", "select 1").is_err()
        {
            ensure!(begun.elapsed() < START_TIME_MAX, "PostgreSQL does not get ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(server)
    }

    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub fn create(&self, database: &str) -> Result<()> {
        self.sql("postgres", &format!("create database {database}"))
    }

    pub fn sql(&self, database: &str, sql: &str) -> Result<()> {
        let psql = self.programs.join("psql");
        run(Command::new(psql).args([&self.url(database), "-qc", sql, "-v", "ON_ERROR_STOP=1"]))
    }

    /// CPU time of all its processes so far.
    #[must_use]
    pub fn cpu(&self) -> Duration {
        family_cpu(self.process.id())
    }

    /// How often a second somebody parks or leaves by pgbench's `script` on the database `raw`, once
    /// every client has prepared its statements.
    #[expect(clippy::cast_precision_loss, reason = "some seconds")]
    pub fn bench(&self, script: &Path, clients: usize, lots: usize, time: Duration) -> Result<f64> {
        // It reports each second but the last.
        let seconds = PREPARING_SECONDS + time.as_secs().max(1) + 1;
        let output = Command::new(self.programs.join("pgbench"))
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2", "--progress=1"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={seconds}"))
            .arg(format!("--define=lots={lots}"))
            .arg("--file")
            .arg(script)
            .arg(self.url("raw"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {said}");
        let rates: Vec<f64> = said.lines().filter_map(rate_in).collect();
        ensure!(!rates.is_empty(), "pgbench reported no progress: {said}");
        Ok(rates.iter().sum::<f64>() / rates.len() as f64 * 2.0)
    }
}

/// The transactions a second in one of pgbench's reports, if it is late enough.
#[expect(clippy::cast_precision_loss, reason = "some seconds")]
fn rate_in(line: &str) -> Option<f64> {
    let (second, rest) = line.strip_prefix("progress: ")?.split_once(" s, ")?;
    let is_late = second.parse::<f64>().ok()? > PREPARING_SECONDS as f64 + 0.5;
    let (rate, _) = rest.split_once(" tps")?;
    rate.parse().ok().filter(|_| is_late)
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // A fast shutdown, so that none of its processes stays.
        let _ = Command::new("kill").args(["-INT", &self.process.id().to_string()]).status();
        let _ = self.process.wait();
    }
}

fn is_of_root(folder: &Path) -> Result<bool> {
    Ok(fs::metadata(folder)?.uid() == 0)
}

/// PostgreSQL refuses to run as root.
fn as_postgres(home: &Path, program: &Path) -> Result<Command> {
    let mut command = Command::new(program);
    if is_of_root(home.parent().context("it lies in a folder")?)? {
        command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]).arg(program);
    }
    command.current_dir(home);
    Ok(command)
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    let _ = write!(said, " ({command:?})");
    ensure!(output.status.success(), "{said}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read_once_the_statements_are_prepared() {
        let line =
            |second| format!("progress: {second} s, 1562.7 tps, lat 0.2 ms stddev 0.6, 0 failed");
        assert_eq!(rate_in(&line("1.0")), None);
        assert_eq!(rate_in(&line("2.0")), Some(1562.7));
        assert_eq!(rate_in("tps = 1478.8 (without initial connection time)"), None);
    }
}
