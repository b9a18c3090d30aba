//! A disk that is full.

use crate::process::parking;
use crate::torture::{scale, seen};

use super::{Site, done, may_mount, program};

#[test]
fn a_full_disk_loses_nothing_and_goes_on_with_room() {
    if !may_mount() {
        return;
    }
    let times = scale(2, 20);
    let folder = tempfile::tempdir().unwrap();
    let give = |megabytes: usize| {
        let options = format!("size={megabytes}m,mode=700");
        let remount = if megabytes > 4 { "remount," } else { "" };
        let mut command = program("mount");
        command.args(["-t", "tmpfs", "-o", &format!("{remount}{options}"), "tmpfs"]);
        done(command.arg(folder.path()));
    };
    give(4);
    let mut site = Site::open(folder.path());
    for time in 1..=times {
        // They come until it is full; then it reads, and says that it cannot write.
        site.go(parking(folder.path()).arg("serve"), usize::MAX, |server| {
            server.expect(200, "GET", "/health/live", None, None);
            server.expect(200, "GET", "/api/lots", None, None);
            server.signal("-KILL");
        });
        give(4 + 4 * time);
        site.check(folder.path()).unwrap();
    }
    done(program("umount").arg(folder.path()));
    seen(&format!(
        "{times} times full, {} stays, {} refused and settled by their key",
        site.crowd.acknowledged, site.crowd.unheard
    ));
}
