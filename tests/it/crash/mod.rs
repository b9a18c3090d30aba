//! Whatever ends the server or its disk: what was acknowledged is there, once.
//!
//! `crowd.rs` parks, and remembers what it was told; each of the others is a way to go down. How
//! often: `torture.rs`.

mod backups;
mod crowd;
mod deploys;
mod disk;
mod faults;
mod kills;
mod migrations;
mod power;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::process::{Server, create_admin, parking};
use crowd::Crowd;

/// Ample for everybody who stays.
const SPOTS: i64 = 2000;

/// One server and its people, from one trouble to the next.
#[derive(Default)]
struct Site {
    crowd: Crowd,
    /// Another each time.
    lot: String,
    ready_after_max: Duration,
}

impl Site {
    /// A new installation in an empty folder.
    fn open(folder: &Path) -> Self {
        create_admin(&mut parking(folder));
        Self::default()
    }

    /// Starts it, and has people come until `trouble`, which happens after some answers.
    fn go(&mut self, command: &mut Command, answers: usize, trouble: impl FnOnce(&mut Server)) {
        let mut server = Server::spawn(command);
        let token = server.sign_in();
        self.lot = server.new_lot(&token, SPOTS);
        self.crowd.come(&mut server, &token, &self.lot, answers, trouble);
    }

    /// Starts it again: what the last were told is so, and what they did not hear is settled by
    /// asking again with the same key.
    fn check(&mut self, folder: &Path) -> Result<(), String> {
        let begun = Instant::now();
        let server = Server::spawn(parking(folder).arg("serve"));
        self.ready_after_max = self.ready_after_max.max(begun.elapsed());
        let token = server.sign_in();
        self.crowd.ask_again(&server, &token, &self.lot)?;
        self.crowd.compare(&folder.join("parking.sqlite"))
    }
}

/// Without root no disk can be mounted; scripts/install-test-tools says so.
fn may_mount() -> bool {
    rustix::process::geteuid().is_root()
}

/// A file system that is mounted until this goes.
struct Mounted(PathBuf);

impl Mounted {
    fn new(path: &Path, options: &[&OsStr]) -> Self {
        done(program("mount").args(options).arg(path));
        Self(path.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let unmounted = program("umount").arg(&self.0).status();
        if !unmounted.is_ok_and(|status| status.success()) {
            // After a failure somebody may still be using it.
            let _ = program("umount").arg("-l").arg(&self.0).status();
        }
    }
}

/// Debian has it in a package of its own, see scripts/install-test-tools.
fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("PATH", format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap()));
    command
}

#[track_caller]
fn done(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
    said.into_owned()
}
