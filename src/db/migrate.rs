//! The schema's history: numbered files of portable SQL, applied in order, each in a transaction.
//!
//! A short runner of our own, because the migrations have to run through the same `Tx` on both
//! engines (docs/adr/0002).

use std::fmt;

use uuid::Uuid;

use super::{Db, Error, Tx, Value};

/// One step of the schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    pub version: SchemaVersion,
    pub name: &'static str,
    pub(super) sql: &'static str,
}

/// A number that grows by one with each migration.
pub type SchemaVersion = i64;

type Change = Box<dyn FnMut(&mut Tx<'_>) -> crate::Result<i64> + Send>;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "first schema",
        sql: include_str!("../../migrations/0001_first_schema.sql"),
    },
    Migration {
        version: 2,
        name: "free spots",
        sql: include_str!("../../migrations/0002_free_spots.sql"),
    },
    Migration { version: 3, name: "jobs", sql: include_str!("../../migrations/0003_jobs.sql") },
    Migration {
        version: 4,
        name: "mail, exports and reports",
        sql: include_str!("../../migrations/0004_mail_exports_reports.sql"),
    },
    Migration {
        version: 5,
        name: "tallies and vehicles",
        sql: include_str!("../../migrations/0005_tallies_vehicles.sql"),
    },
    Migration {
        version: 6,
        name: "mail refused",
        sql: include_str!("../../migrations/0006_mail_refused.sql"),
    },
    Migration {
        version: 7,
        name: "audit chain",
        sql: include_str!("../../migrations/0007_audit_chain.sql"),
    },
    Migration {
        version: 8,
        name: "tallies in sheets",
        sql: include_str!("../../migrations/0008_tallies_in_sheets.sql"),
    },
    Migration {
        version: 9,
        name: "plates kept",
        sql: include_str!("../../migrations/0009_plates_kept.sql"),
    },
    Migration {
        version: 10,
        name: "totals of sheets",
        sql: include_str!("../../migrations/0010_totals_of_sheets.sql"),
    },
    Migration {
        version: 11,
        name: "sheets in the index",
        sql: include_str!("../../migrations/0011_sheets_in_the_index.sql"),
    },
    Migration {
        version: 12,
        name: "open bookings by what is asked",
        sql: include_str!("../../migrations/0012_open_bookings_by_what_is_asked.sql"),
    },
];

impl fmt::Display for Migration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04} {}", self.version, self.name)
    }
}

/// The schema of this program.
fn known() -> SchemaVersion {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

const CURRENT: &str = "select coalesce(max(version), 0) from schema_migrations";

fn refuse_newer(current: SchemaVersion) -> Result<(), String> {
    let known = known();
    if current <= known {
        return Ok(());
    }
    Err(format!(
        "the database has schema {current}, newer than schema {known} of this program: \
         run the newer program, or restore a backup of its own"
    ))
}

pub(super) fn check(db: &Db) -> Result<(), String> {
    let current = match db.read_blocking(|tx| Ok(tx.one(CURRENT, &[], |row| row.get(0))?)) {
        // There is no such table.
        Err(crate::Error::Storage(Error::Query(_))) => 0,
        current => current.map_err(|error| error.to_string())?,
    };
    refuse_newer(current)?;
    match current {
        0 => Err("the database holds no installation".into()),
        current if current < known() => Err(format!(
            "the database has schema {current}, older than schema {} of this program: \
             run `parking migrate` on it first",
            known()
        )),
        _ => Ok(()),
    }
}

pub(super) fn run(db: &Db) -> Result<Vec<Migration>, String> {
    let write = |change: Change| {
        db.write_blocking(Uuid::nil(), change).map_err(|error| format!("the schema: {error}"))
    };
    let current = write(Box::new(|tx| {
        tx.batch(
            "create table if not exists schema_migrations \
             (version bigint primary key, name text not null)",
        )?;
        Ok(tx.one(CURRENT, &[], |row| row.get(0))?)
    }))?;
    refuse_newer(current)?;
    let mut applied = Vec::new();
    for migration in MIGRATIONS {
        let Migration { version, name, sql } = *migration;
        let count = write(Box::new(move |tx| {
            // Another process may be doing the same: the row decides who runs the statements.
            let inserted = tx.exec(
                "insert into schema_migrations (version, name) values ($1, $2) \
                 on conflict (version) do nothing",
                &[Value::Int(version), Value::Text(name)],
            )?;
            if inserted == 1 {
                tx.batch(sql)?;
            }
            Ok(i64::from(inserted == 1))
        }))?;
        if count == 1 {
            applied.push(*migration);
        }
    }
    Ok(applied)
}

/// `sql` with its comments for `engine` opened: `/* sqlite: without rowid */`.
pub(super) fn opened(sql: &str, engine: &str) -> String {
    let opening = format!("/* {engine}:");
    let mut parts = sql.split(&opening);
    let mut opened = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (for_engine, others) = part.split_once("*/").unwrap_or((part, ""));
        opened += for_engine.trim();
        opened += others;
    }
    opened
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_opened_for_the_engine_it_names() {
        let sql =
            "create table t (a text /* postgres: collate \"C\" */) /* sqlite: strict */; -- t";
        assert_eq!(opened(sql, "sqlite").matches("/*").count(), 1);
        assert!(opened(sql, "sqlite").ends_with(") strict; -- t"));
        assert!(opened(sql, "postgres").starts_with("create table t (a text collate \"C\")"));
    }
}
