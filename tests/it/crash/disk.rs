//! A disk that is full.

use std::ffi::OsStr;
use std::path::Path;

use crate::process::parking;
use crate::torture::{scale, seen};

use super::{Mounted, Site, done, may_mount, program};

/// What is left of the disk for those who come.
const ROOM_BYTES: u64 = 4 << 20;

#[test]
fn a_full_disk_loses_nothing_and_goes_on_with_room() {
    if !may_mount() {
        return;
    }
    let times = scale(2, 20);
    let folder = tempfile::tempdir().unwrap();
    let options = ["-t", "tmpfs", "-o", "size=256m,mode=700", "tmpfs"].map(OsStr::new);
    let mounted = Mounted::new(folder.path(), &options);
    let mut site = Site::open(folder.path());
    let ballast = folder.path().join("ballast");
    for _ in 0..times {
        let length = free_bytes(folder.path()) - ROOM_BYTES;
        done(program("fallocate").args(["--length", &length.to_string()]).arg(&ballast));
        // They come until it is full; then it reads, and says that it cannot write.
        site.go(parking(folder.path()).arg("serve"), usize::MAX, |server| {
            server.expect(200, "GET", "/health/live", None, None);
            server.expect(200, "GET", "/api/lots", None, None);
            server.signal("-KILL");
        });
        std::fs::remove_file(&ballast).unwrap();
        site.check(folder.path()).unwrap();
    }
    drop(mounted);
    seen(&format!(
        "{times} times full, {} stays, {} refused and settled by their key",
        site.crowd.acknowledged, site.crowd.unheard
    ));
}

fn free_bytes(folder: &Path) -> u64 {
    let output = program("df").args(["--output=avail", "--block-size=1"]).arg(folder).output();
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    said.lines().nth(1).unwrap().trim().parse().unwrap()
}
