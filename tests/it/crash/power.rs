//! The power goes: on a file system of its own that is shut down without writing anything back
//! (`xfs_io shutdown`), killed, and mounted again.

use std::fs::DirEntry;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::process::{Server, parking};
use crate::torture::{scale, seen};

use super::{Mounted, Site, done, may_mount, program};

/// XFS in a file, mounted.
struct Disk {
    /// `None`: the power is off.
    mounted: Option<Mounted>,
    folder: TempDir,
}

impl Disk {
    fn new() -> Self {
        let mut disk = Self { mounted: None, folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(disk.path()).unwrap();
        let image = std::fs::File::create(disk.image()).unwrap();
        // The least that XFS takes, in a file that holds only what is written.
        image.set_len(512 << 20).unwrap();
        done(program("mkfs.xfs").arg("-q").arg(disk.image()));
        disk.power_on();
        disk
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn power_on(&mut self) {
        let image = self.image();
        let options = ["-o".as_ref(), "loop".as_ref(), image.as_os_str()];
        self.mounted = Some(Mounted::new(&self.path(), &options));
    }

    /// What is not on the disk at this instant will never be. The server is frozen before: a sync
    /// that is under way when XFS is shut down may be told as done and be lost, as one in 150 times
    /// from a program that only writes and syncs (Linux 6.18).
    fn power_off(&mut self, server: &mut Server) {
        freeze(server);
        done(program("xfs_io").args(["-x", "-c", "shutdown"]).arg(self.path()));
        server.signal("-KILL");
        server.end();
        self.mounted = None;
    }
}

/// Stops every thread of the server, each once the kernel has done what it was asked for.
fn freeze(server: &Server) {
    server.signal("-STOP");
    let is_stopped = |task: DirEntry| {
        let state = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        // After its name in parentheses.
        state.rsplit(") ").next().is_some_and(|state| state.starts_with('T'))
    };
    let tasks = format!("/proc/{}/task", server.pid());
    while !std::fs::read_dir(&tasks).unwrap().all(|task| is_stopped(task.unwrap())) {
        std::thread::yield_now();
    }
}

/// Cuts the power so often, each time in the middle of the work; the first that is wrong ends it.
fn cuts(count: usize, serve: impl Fn(&Path) -> Command) -> Result<Site, String> {
    let mut disk = Disk::new();
    std::fs::create_dir(disk.data()).unwrap();
    let mut site = Site::open(&disk.data());
    for cut in 0..count {
        let data = disk.data();
        site.go(&mut serve(&data), 20 + cut * 37 % 200, |server| disk.power_off(server));
        disk.power_on();
        site.check(&data)?;
    }
    Ok(site)
}

#[test]
fn power_cuts_under_load_lose_and_double_nothing() {
    if !may_mount() {
        return;
    }
    let count = scale(5, 100);
    let site = cuts(count, |data| {
        let mut command = parking(data);
        command.arg("serve");
        command
    })
    .unwrap();
    seen(&format!(
        "{count} power cuts, {} stays, {} not heard of and settled by their key; ready again within {} ms",
        site.crowd.acknowledged,
        site.crowd.unheard,
        site.ready_after_max.as_millis(),
    ));
}

/// That the cuts are cuts: with syncs that do nothing, as `synchronous=OFF` has none, they lose.
#[test]
fn power_cuts_find_out_a_server_that_does_not_sync() {
    if !may_mount() {
        return;
    }
    let without_syncs = |data: &Path| {
        let mut command = parking(data);
        command.env("LD_PRELOAD", "libeatmydata.so").arg("serve");
        command
    };
    let Err(lost) = cuts(scale(5, 100), without_syncs) else {
        panic!("nothing was lost without syncs")
    };
    // Without the body of the refusal.
    let lost = lost.split(" {").next().unwrap();
    seen(&format!("with syncs that do nothing, what was acknowledged is gone: {lost}"));
}
