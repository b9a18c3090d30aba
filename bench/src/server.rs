//! Starts the program that is measured, in a data folder of its own, and reads what it costs from `/proc`.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

pub const ADMIN_EMAIL: &str = "admin@example.org";
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";

const START_SECONDS_MAX: u64 = 60;
const STOP_SECONDS_MAX: u64 = 30;
const LOG_LINES_KEPT: usize = 20;
/// `/proc` counts in `USER_HZ`, which is 100 on every Linux that Rust runs on.
const TICK: Duration = Duration::from_millis(10);

/// How to run `parking`: its path, its data folder and what else its environment holds.
#[derive(Debug, Clone)]
pub struct Parking {
    pub program: PathBuf,
    pub data: PathBuf,
    pub environment: Vec<(&'static str, OsString)>,
}

impl Parking {
    #[must_use]
    pub fn new(program: &Path, data: &Path) -> Self {
        Self { program: program.into(), data: data.into(), environment: Vec::new() }
    }

    #[must_use]
    pub fn environment(mut self, name: &'static str, value: impl Into<OsString>) -> Self {
        self.environment.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.data.join("parking.sqlite")
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let program = self.program.canonicalize();
        let program = program.with_context(|| format!("no program {}", self.program.display()))?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(&self.data) // where no .env lies
            .env_clear()
            .env("LISTEN", "127.0.0.1:0")
            .env("DATA_DIR", &self.data)
            .env("RATE_LIMIT", "off")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }

    /// Runs a command to its end, with `input` on its standard input.
    ///
    /// # Errors
    /// When it does not succeed; the message carries what it printed.
    pub fn run(&self, arguments: &[&str], input: &str) -> Result<()> {
        let mut child = self
            .command(arguments)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
        let output = child.wait_with_output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "parking {} failed: {said}", arguments[0]);
        Ok(())
    }

    /// # Errors
    /// As [`Self::run`].
    pub fn create_admin(&self) -> Result<()> {
        self.run(
            &["create-admin", "--email", ADMIN_EMAIL, "--name", "Admin"],
            &format!("{ADMIN_PASSWORD}\n"),
        )
    }

    /// # Errors
    /// When it ends or is not ready in time; the message carries the end of its log.
    pub fn serve(&self) -> Result<Server> {
        let spawned = Instant::now();
        let mut command = self.command(&["serve"])?;
        let (process, address) = Process::start(&mut command)?;
        while !is_ready(address) {
            ensure!(
                spawned.elapsed().as_secs() < START_SECONDS_MAX,
                "the server does not get ready"
            );
            thread::sleep(Duration::from_millis(1));
        }
        Ok(Server { process, address, ready_after: spawned.elapsed() })
    }
}

/// A `parking serve` that answers; killed when dropped, if [`Server::stop`] did not end it before.
pub struct Server {
    process: Process,
    pub address: SocketAddr,
    /// From the start of the process to the first 200 of `/health/ready`.
    pub ready_after: Duration,
}

impl Server {
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.process.usage()
    }

    /// From now on [`Usage::resident_max`] is the most since now (proc(5), `clear_refs`).
    ///
    /// # Errors
    /// When it has ended.
    pub fn forget_most(&self) -> Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.process.child.id()), "5")?)
    }

    /// # Errors
    /// When SIGTERM does not end it with exit code 0 in time.
    pub fn stop(self) -> Result<()> {
        self.process.stop()
    }
}

/// A child that says on which address it listens.
pub struct Process {
    child: Child,
    log: Option<thread::JoinHandle<VecDeque<String>>>,
}

impl Process {
    /// Starts `command` and waits for `listening on http://ADDRESS` on its standard error.
    ///
    /// # Errors
    /// When it ends before or says nothing in time; the message carries the end of its log.
    pub fn start(command: &mut Command) -> Result<(Self, SocketAddr)> {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stderr.take().context("no standard error")?).lines();
        let (found, address) = mpsc::channel();
        // Read to its end, or a full pipe would stop the server.
        let log = thread::spawn(move || {
            let mut kept = VecDeque::new();
            for line in lines.map_while(Result::ok) {
                if let Some(address) = address_in(&line) {
                    let _ = found.send(address);
                }
                if kept.len() == LOG_LINES_KEPT {
                    kept.pop_front();
                }
                kept.push_back(line);
            }
            kept
        });
        let mut process = Self { child, log: Some(log) };
        if let Ok(address) = address.recv_timeout(Duration::from_secs(START_SECONDS_MAX)) {
            return Ok((process, address));
        }
        process.child.kill()?;
        bail!("the server did not start: {}", process.end()?.1)
    }

    /// CPU time and resident memory, zero once it ended.
    #[must_use]
    pub fn usage(&self) -> Usage {
        Usage::of(&self.child.id().to_string())
    }

    /// # Errors
    /// When SIGTERM does not end it with exit code 0 in time.
    pub fn stop(mut self) -> Result<()> {
        let kill = format!("kill {}", self.child.id());
        let terminated = Command::new("sh").args(["-c", &kill]).status()?;
        ensure!(terminated.success(), "the server has ended before it was stopped");
        let asked = Instant::now();
        while self.child.try_wait()?.is_none() {
            if asked.elapsed().as_secs() > STOP_SECONDS_MAX {
                self.child.kill()?;
                bail!("the server does not stop: {}", self.end()?.1);
            }
            thread::sleep(Duration::from_millis(5));
        }
        let (code, log) = self.end()?;
        ensure!(code == Some(0), "the server ended with exit code {code:?}: {log}");
        Ok(())
    }

    fn end(mut self) -> Result<(Option<i32>, String)> {
        let code = self.child.wait()?.code();
        let log = self.log.take().and_then(|log| log.join().ok()).unwrap_or_default();
        Ok((code, Vec::from(log).join("\n")))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// User and system time of all threads, in steps of 10 ms.
    pub cpu: Duration,
    /// In KiB.
    pub resident: u64,
    /// The most it ever was, in KiB.
    pub resident_max: u64,
}

impl Usage {
    /// Of a process by its id, or of this one as `self`; zero once it ended.
    #[must_use]
    pub fn of(process: &str) -> Self {
        let read =
            |file| std::fs::read_to_string(format!("/proc/{process}/{file}")).unwrap_or_default();
        Self {
            cpu: cpu_in(&read("stat")),
            resident: kib_in(&read("status"), "VmRSS:"),
            resident_max: kib_in(&read("status"), "VmHWM:"),
        }
    }
}

/// The fields of proc(5)'s `stat` from the third on: after the name, which may hold spaces.
fn fields(stat: &str) -> impl Iterator<Item = &str> {
    stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ')
}

/// Fields 14 and 15: the time in user mode and in the kernel.
fn cpu_in(stat: &str) -> Duration {
    TICK * fields(stat).skip(11).take(2).filter_map(|field| field.parse::<u32>().ok()).sum::<u32>()
}

/// CPU time of a process, of its children and of those of them that ended.
#[must_use]
pub fn family_cpu(parent: u32) -> Duration {
    let stat = |process: &str| {
        std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default()
    };
    let own = stat(&parent.to_string());
    // Fields 14 to 17, the last two of children that ended.
    let ticks = fields(&own).skip(11).take(4).filter_map(|field| field.parse::<u32>().ok());
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let stats = processes.map(|entry| stat(&entry.file_name().to_string_lossy()));
    let is_child = |stat: &String| fields(stat).nth(1) == Some(parent.to_string().as_str());
    TICK * ticks.sum::<u32>() + stats.filter(is_child).map(|stat| cpu_in(&stat)).sum::<Duration>()
}

fn kib_in(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().trim_end_matches(" kB").parse().ok())
        .unwrap_or_default()
}

fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, rest) = line.split_once("listening on http://")?;
    let end =
        rest.find(|c: char| !(c.is_ascii_digit() || ".:[]".contains(c))).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect(address)?;
        stream.write_all(
            b"GET /health/ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        )?;
        let mut status = [0; 12];
        stream.read_exact(&mut status)?;
        Ok(status.ends_with(b" 200"))
    };
    ask().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_found_in_a_log_line() {
        let address = Some("127.0.0.1:34567".parse().unwrap());
        assert_eq!(address_in("INFO parking: listening on http://127.0.0.1:34567"), address);
        assert_eq!(address_in("listening on http://127.0.0.1:34567/ data=./data"), address);
        assert_eq!(address_in("listening"), None);
    }

    #[test]
    fn usage_is_read_from_proc() {
        let stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 9 0 0 0 150 50 0 0 20 0 4 0 1 2 3";
        assert_eq!(cpu_in(stat), Duration::from_secs(2));
        assert_eq!(kib_in("VmPeak:\t  9 kB\nVmRSS:\t   2048 kB\n", "VmRSS:"), 2048);
        assert_eq!(cpu_in(""), Duration::ZERO);
        assert!(Usage::of("self").resident > 0);
    }

    #[test]
    fn a_program_that_ends_at_once_shows_its_log() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such setting >&2; exit 2"]);
        let error = Process::start(&mut command).err().unwrap();
        assert_eq!(error.to_string(), "the server did not start: no such setting");
    }

    #[test]
    fn a_program_is_stopped_by_sigterm() {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            "trap 'kill $!; exit 0' TERM; sleep 60 2>/dev/null & echo listening on http://127.0.0.1:1 >&2; wait",
        ]);
        let (process, address) = Process::start(&mut command).unwrap();
        assert_eq!(address.port(), 1);
        process.stop().unwrap();
    }
}
