//! How much the promises of docs/PROMISES.md are put to: a little in `make test`, in `make torture`
//! all of it.

use std::fs::File;
use std::io::Write;
use std::path::Path;

fn is_full() -> bool {
    std::env::var("TORTURE").is_ok_and(|torture| torture == "full")
}

/// How often, or how many.
pub fn scale(short: usize, full: usize) -> usize {
    if is_full() { full } else { short }
}

/// What the test that calls this has seen, in a few words; at full count they go into
/// docs/PROMISES.md.
pub fn seen(figures: &str) {
    eprintln!("{figures}");
    if !is_full() {
        return;
    }
    let thread = std::thread::current();
    let test = thread.name().expect("tests have a name");
    // One that runs on both databases is a module of two.
    let (path, database) = match test.rsplit_once("::") {
        Some((path, "sqlite")) => (path, "SQLite: "),
        Some((path, "postgres")) => (path, "PostgreSQL: "),
        _ => (test, ""),
    };
    let folder = Path::new("target/torture");
    std::fs::create_dir_all(folder).unwrap();
    let name = path.rsplit("::").next().unwrap();
    let mut file = File::options().create(true).append(true).open(folder.join(name)).unwrap();
    file.write_all(format!("{database}{figures}\n").as_bytes()).unwrap();
}
