//! The rules between the rooms, as docs/ARCHITECTURE.md has them.

use std::path::{Path, PathBuf};

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The files of `src/` whose code, without comments and tests, holds one of `needles`.
fn files_with(needles: &[&str]) -> Vec<String> {
    let holds = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        let mut lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.any(|line| needles.iter().any(|needle| line.contains(needle)))
    };
    let mut files: Vec<_> = sources(Path::new("src")).into_iter().filter(holds).collect();
    files.sort();
    files.iter().map(|path| path.strip_prefix("src").unwrap().display().to_string()).collect()
}

#[track_caller]
fn only_in(needles: &[&str], allowed: &[&str]) {
    let files = files_with(needles);
    assert!(!files.is_empty(), "nothing holds {needles:?}: the rule looks for the wrong thing");
    let strangers: Vec<_> = files
        .iter()
        .filter(|file| {
            !allowed.iter().any(|place| file.starts_with(place) || file.ends_with(place))
        })
        .collect();
    assert!(strangers.is_empty(), "{needles:?} belongs into {allowed:?}, not into {strangers:?}");
}

#[test]
fn promises_are_proved_by_tests_that_there_are() {
    let page = std::fs::read_to_string("docs/PROMISES.md").unwrap();
    let rows = page.lines().filter(|line| line.starts_with("| "));
    let named =
        rows.filter_map(|row| row.split(" | ").nth(1)?.strip_prefix('`')?.strip_suffix('`'));
    let named: Vec<_> = named.filter(|test| !test.contains(' ')).collect();
    let tests = sources(Path::new("tests")).into_iter().chain(sources(Path::new("src")));
    let code: String = tests.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let there_is = |test: &&&str| {
        ["fn ", "mod "].iter().any(|word| {
            code.contains(&format!("{word}{test}(")) || code.contains(&format!("{word}{test} {{"))
        })
    };
    let missing: Vec<_> = named.iter().filter(|test| !there_is(test)).collect();
    assert!(named.len() > 10 && missing.is_empty(), "{missing:?}");
}

#[test]
fn the_requirements_of_the_security_standard_add_up() {
    let page = std::fs::read_to_string("docs/ASVS.md").unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| V"));
    let rows: Vec<Vec<&str>> = rows.map(|row| row.split(" | ").collect()).collect();
    let count = |chapter: &str, status: &str, level: Option<&str>| {
        let of_chapter = |id: &str| chapter.is_empty() || id.split('.').next() == Some(chapter);
        let counts = |row: &&Vec<&str>| {
            of_chapter(row[0]) && row[3] == status && level.is_none_or(|level| row[1] == level)
        };
        rows.iter().filter(counts).count()
    };
    let figures = |chapter: &str, level| {
        ["met", "not applicable", "open"].map(|status| count(chapter, status, level))
    };
    for line in page.lines().filter_map(|line| line.strip_prefix("| [V")) {
        let (chapter, _) = line.split_once(' ').unwrap();
        let [met, not, open] = figures(chapter, None);
        assert!(
            line.ends_with(&format!(") | {met} | {not} | {open} |")),
            "V{line}: {met} {not} {open}"
        );
    }
    let [met, not, open] = figures("", None);
    let all = format!("| **all {}** | **{met}** | **{not}** | **{open}** |", met + not + open);
    assert!(page.contains(&all), "{all}");
    let [met, not, open] = figures("", Some("1"));
    let first = format!(
        "Of the {} of level 1, {met} are met, {not} not applicable and {open} open.",
        met + not + open
    );
    assert!(page.contains(&first), "{first}");
}

#[test]
fn only_db_knows_a_driver() {
    only_in(&["rusqlite", "tokio_postgres"], &["db/"]);
}

#[test]
fn sql_stands_only_in_stores() {
    let statements = ["\"select ", "\"insert into ", "\"update ", "\"delete from "];
    // The idempotency record is infrastructure of HTTP; readiness asks for one row.
    only_in(&statements, &["store.rs", "db/", "http/idempotency.rs", "http/operations.rs"]);
}

#[test]
fn http_types_stay_at_the_edge() {
    let allowed = [
        "routes.rs",
        "extract.rs",
        "cookie.rs",
        "http/",
        "web.rs",
        "error.rs",
        "live.rs",
        "cli/serve.rs",
    ];
    only_in(&["axum::", "hyper::"], &allowed);
}

#[test]
fn infrastructure_knows_no_feature() {
    let features =
        ["crate::lots", "crate::bookings", "crate::users", "crate::audit", "crate::imports"];
    let mut knowing = files_with(&features);
    knowing.retain(|file| {
        file.starts_with("db/")
            || file.starts_with("pdf/")
            || ["live.rs", "clock.rs", "ids.rs", "money.rs", "text.rs"].contains(&file.as_str())
    });
    assert!(knowing.is_empty(), "{knowing:?}");
}

#[test]
fn a_feature_does_not_use_the_routes_of_another() {
    // Signing in is what other routes build on.
    only_in(
        &["::routes::", "_routes::"],
        &["http/mod.rs", "users/routes.rs", "auth/password_routes.rs"],
    );
}
