//! A disk that is full.

use std::ffi::OsStr;

use crate::process::parking;
use crate::torture::{scale, seen};

use super::{Mounted, Site, done, may_mount, program};

#[test]
fn a_full_disk_loses_nothing_and_goes_on_with_room() {
    if !may_mount() {
        return;
    }
    let times = scale(2, 20);
    let folder = tempfile::tempdir().unwrap();
    let room = |megabytes: usize| format!("size={megabytes}m,mode=700");
    let little = room(4);
    let options = ["-t", "tmpfs", "-o", &little, "tmpfs"].map(OsStr::new);
    let mounted = Mounted::new(folder.path(), &options);
    let mut site = Site::open(folder.path());
    for time in 1..=times {
        // They come until it is full; then it reads, and says that it cannot write.
        site.go(parking(folder.path()).arg("serve"), usize::MAX, |server| {
            server.expect(200, "GET", "/health/live", None, None);
            server.expect(200, "GET", "/api/lots", None, None);
            server.signal("-KILL");
        });
        let more = format!("remount,{}", room(4 + 4 * time));
        done(program("mount").args(["-o", &more]).arg(folder.path()));
        site.check(folder.path()).unwrap();
    }
    drop(mounted);
    seen(&format!(
        "{times} times full, {} stays, {} refused and settled by their key",
        site.crowd.acknowledged, site.crowd.unheard
    ));
}
