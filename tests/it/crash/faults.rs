//! A disk that fails: libfiu makes the system's calls fail, from an instant on.

use std::path::Path;
use std::process::Command;

use crate::process::{Server, like, parking};
use crate::torture::{scale, seen};

use super::{Site, done, program};

type Fault = (&'static str, i32, bool);

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// What fails, with which error, and whether that ends the server. After a sync that failed nobody knows what is on the disk: the
/// server may not go on (docs/adr/0003).
const FAULTS: [Fault; 4] = [
    ("posix/io/sync/fsync", EIO, true),
    ("posix/io/rw/pwrite", EIO, false),
    ("posix/io/rw/pwrite", ENOSPC, false),
    ("posix/io/dir/*", EIO, false),
];

fn under_fiu(data: &Path) -> Command {
    let mut command = Command::new("fiu-run");
    like(&mut command, &parking(data));
    command.env("PATH", std::env::var("PATH").unwrap()).args(["-x", "-f"]).arg(data.join("fiu"));
    command.args([env!("CARGO_BIN_EXE_parking"), "serve"]);
    command
}

fn fail(data: &Path, server: &Server, (name, error, _): Fault) {
    let order = format!("enable name={name},failinfo={error}");
    let fifo = data.join("fiu");
    done(program("fiu-ctrl").args(["-c", &order, "-f"]).arg(fifo).arg(server.pid().to_string()));
}

#[test]
fn a_disk_that_fails_under_load_loses_nothing() {
    let times = scale(FAULTS.len(), 100);
    let folder = tempfile::tempdir().unwrap();
    let mut site = Site::open(folder.path());
    for time in 0..times {
        let fault = FAULTS[time % FAULTS.len()];
        site.go(&mut under_fiu(folder.path()), 20 + time * 37 % 200, |server| {
            fail(folder.path(), server, fault);
            if fault.2 {
                let (status, said) = server.end();
                assert_eq!(status.code(), Some(1), "{fault:?}: {said}");
            }
        });
        site.check(folder.path()).unwrap();
    }
    seen(&format!(
        "{times} faults, {} stays, {} not heard of and settled by their key",
        site.crowd.acknowledged, site.crowd.unheard
    ));
}
