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

/// What its documentation recommends for a machine and for filling a database (chapters 20.4 and
/// 14.4); what makes it durable is on, as it comes.
const SETTINGS: [&str; 4] = [
    "max_connections=600",
    "max_wal_size=8GB",
    "maintenance_work_mem=1GB",
    "unix_socket_directories=",
];
/// Of the machine's memory, as `shared_buffers`.
const BUFFERS_PART: u64 = 4;
const START_TIME_MAX: Duration = Duration::from_secs(30);

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

    /// How often a second somebody parks or leaves.
    pub fn bench(&self, script: &Path, clients: usize, lots: usize, time: Duration) -> Result<f64> {
        let output = Command::new(self.programs.join("pgbench"))
            .args(["--no-vacuum", "--protocol=prepared", "--jobs=2"])
            .arg(format!("--client={clients}"))
            .arg(format!("--time={}", time.as_secs().max(1)))
            .arg(format!("--define=lots={lots}"))
            .arg("--file")
            .arg(script)
            .arg(self.url("raw"))
            .output()?;
        let said = String::from_utf8_lossy(&output.stdout);
        let failed = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "pgbench failed: {said}{failed}");
        let rate = said.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rate| rate.split(' ').next()).context("pgbench said no tps")?;
        Ok(rate.parse::<f64>()? * 2.0)
    }
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
