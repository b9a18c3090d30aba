//! A migration that is killed, from each schema there ever was.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use crate::process::{parking, run};
use crate::torture::{scale, seen};

/// Version, name and statements of each migration, as the program has them for SQLite.
fn migrations() -> Vec<(i64, String, String)> {
    let mut files: Vec<_> =
        std::fs::read_dir("migrations").unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let read = |file: &Path| {
        let name = file.file_stem().unwrap().to_str().unwrap();
        let (version, name) = name.split_once('_').unwrap();
        let sql = std::fs::read_to_string(file).unwrap();
        let sql = sql.replace("/* sqlite: without rowid */", "without rowid");
        (version.parse().unwrap(), name.replace('_', " "), sql)
    };
    files.iter().map(|file| read(file)).collect()
}

/// A database as a program of that schema made it.
fn database_of(file: &Path, schema: i64) {
    let database = rusqlite::Connection::open(file).unwrap();
    database.pragma_update(None, "journal_mode", "wal").unwrap();
    database
        .execute_batch(
            "create table schema_migrations (version bigint primary key, name text not null)",
        )
        .unwrap();
    for (version, name, sql) in
        migrations().into_iter().take_while(|(version, ..)| *version <= schema)
    {
        database.execute_batch(&sql).unwrap();
        let row = "insert into schema_migrations (version, name) values (?1, ?2)";
        database.execute(row, (version, name)).unwrap();
    }
}

/// The statements that the tables, indexes and triggers were made with, and what is damaged.
fn schema_of(file: &Path) -> (Vec<String>, String) {
    let database = rusqlite::Connection::open(file).unwrap();
    let mut statement =
        database.prepare("select coalesce(sql, name) from sqlite_schema order by name").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    let check = database.query_row("pragma integrity_check", [], |row| row.get(0)).unwrap();
    (rows.collect::<Result<_, _>>().unwrap(), check)
}

#[test]
fn a_migration_that_is_killed_goes_on_where_it_was() {
    let times = scale(4, 40);
    let fresh = tempfile::tempdir().unwrap();
    let (status, said) = run(parking(fresh.path()).arg("migrate"), "");
    assert!(status.success(), "{said}");
    let expected = schema_of(&fresh.path().join("parking.sqlite"));
    assert_eq!(expected.1, "ok");
    let last = migrations().last().unwrap().0;
    let mut killed = 0;
    for schema in 0..last {
        for time in 0..times {
            let folder = tempfile::tempdir().unwrap();
            let file = folder.path().join("parking.sqlite");
            database_of(&file, schema);
            // Killed at another moment each time, until one got through.
            for attempt in 0.. {
                let mut command = parking(folder.path());
                let command = command.arg("migrate").stdout(Stdio::null()).stderr(Stdio::null());
                let mut process = command.spawn().unwrap();
                std::thread::sleep(Duration::from_micros(500 * (time + 4 * attempt) as u64));
                process.kill().unwrap();
                if process.wait().unwrap().success() {
                    break;
                }
                killed += 1;
            }
            assert_eq!(schema_of(&file), expected, "from schema {schema}");
        }
    }
    assert!(killed > 0, "some were killed");
    seen(&format!(
        "from {last} schemas, killed {killed} times in all, each in the end as a new one"
    ));
}
