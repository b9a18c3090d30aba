//! `kill -9` in the middle of the work.

use crate::process::parking;
use crate::torture::{scale, seen};

use super::Site;

#[test]
fn kill_9_under_load_loses_and_doubles_nothing() {
    let kills = scale(8, 200);
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::open(folder.path());
    for kill in 0..kills {
        // After another number of answers each time: at the start, and in full swing.
        site.go(parking(folder.path()).arg("serve"), kill * 37 % 200, |server| {
            server.signal("-KILL");
        });
        site.check(folder.path()).unwrap();
    }
    let Site { crowd, ready_after_max, .. } = site;
    assert!(crowd.unheard > 0, "somebody was waiting when it was killed");
    seen(&format!(
        "{kills} kills, {} stays, {} not heard of and settled by their key; ready again within {} ms",
        crowd.acknowledged,
        crowd.unheard,
        ready_after_max.as_millis(),
    ));
}
