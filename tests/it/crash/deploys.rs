//! A server that is asked to end, as at every deployment.

use crate::process::parking;
use crate::torture::{scale, seen};

use super::Site;

#[test]
fn a_server_that_is_asked_to_end_under_load_answers_all_that_it_does() {
    let times = scale(6, 100);
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::open(folder.path());
    for time in 0..times {
        site.go(parking(folder.path()).arg("serve"), 20 + time * 37 % 200, |server| {
            server.signal("-TERM");
            let (status, said) = server.end();
            assert_eq!(status.code(), Some(0), "{said}");
        });
        // Who heard nothing was not let in any more.
        site.crowd.forget_unheard();
        site.check(folder.path()).unwrap();
    }
    let Site { crowd, .. } = site;
    seen(&format!("asked to end {times} times, {} stays, all as answered", crowd.acknowledged));
}
