//! `parking copy`: an installation moves to another database.

use std::path::Path;
use std::process::Stdio;

use parking::copy::{self, Copied};
use parking::db::{self, DatabaseUrl, Kind};
use parking::demo;
use tempfile::TempDir;
use tokio_postgres::Client;

use crate::harness::{PASSWORD, TestApp, postgres_schema};
use crate::process::{parking, run};

/// What [`troubled`] waits for while the gate is shut.
const GATE: &str = "lock table gate in access share mode";
const SHUT: &str = "begin; lock table gate in access exclusive mode";
const OPEN: &str = "commit";

/// A city with somebody who parks in it, in a file that nobody has open.
async fn city(folder: &TempDir) -> String {
    let app = TestApp::sqlite().await;
    lively(&app).await;
    let file = folder.path().join("source.sqlite");
    let (db, to) = (app.app.db.clone(), file.clone());
    tokio::task::spawn_blocking(move || db.backup(&to)).await.unwrap().unwrap();
    format!("sqlite://{}", file.display())
}

/// Rows in many tables.
async fn lively(app: &TestApp) {
    let (filling, options) = (app.app.clone(), demo::Options { days: 3, seed: 5 });
    tokio::task::spawn_blocking(move || demo::fill(&filling, options)).await.unwrap().unwrap();
    let asha = app.driver("asha").await;
    let lots = asha.get("/api/lots?limit=1").await.expect(200);
    let booking =
        serde_json::json!({ "lot_id": lots["items"][0]["id"], "vehicle_plate": "Ä 'quoted' ✓" });
    asha.post_once("key", "/api/bookings", booking).await.expect(201);
}

async fn copied(from: &str, to: &str) -> Result<Copied, String> {
    let (from, to): (DatabaseUrl, DatabaseUrl) = (from.parse().unwrap(), to.parse().unwrap());
    tokio::task::spawn_blocking(move || copy::run(&from, &to)).await.unwrap()
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// An empty PostgreSQL with the schema, and a trigger that does `what` before a row gets into `table`.
async fn troubled(table: &str, what: &str) -> (String, Client) {
    let url = postgres_schema().await;
    let parsed: DatabaseUrl = url.parse().unwrap();
    let migrate = move || db::Db::open(&parsed, &db::Options::default()).unwrap().migrate();
    tokio::task::spawn_blocking(migrate).await.unwrap().unwrap();
    let client = connect(&url).await;
    let trigger = format!(
        "create table gate ();
         create function trouble() returns trigger language plpgsql as $$ begin {what}; return new; end $$;
         create trigger trouble before insert on {table} for each row execute function trouble()"
    );
    client.batch_execute(&trigger).await.unwrap();
    (url, client)
}

async fn count(client: &Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

async fn is_empty(client: &Client) -> bool {
    let rows = "select (select count(*) from users) + (select count(*) from lots) + (select count(*) from bookings)";
    count(client, rows).await == 0
}

/// Indexes and foreign keys.
async fn structure(client: &Client) -> Vec<String> {
    let sql = "select indexdef from pg_indexes where schemaname = current_schema() \
         union all select conname || pg_get_constraintdef(oid) from pg_constraint \
         where connamespace = current_schema()::regnamespace order by 1";
    client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

async fn until_it_waits(client: &Client) {
    let waiting = "select count(*) from pg_locks where relation = 'gate'::regclass and not granted";
    while count(client, waiting).await == 0 {}
}

/// All rows of all tables as text, by PostgreSQL's catalogue and in its own words.
async fn compare(file: &Path, client: &Client) {
    let sqlite = rusqlite::Connection::open(file).unwrap();
    let columns = "select table_name::text, column_name::text, data_type::text from information_schema.columns \
         where table_schema = current_schema() and table_name <> 'schema_migrations' order by 1, 2";
    let mut tables: std::collections::BTreeMap<String, (Vec<String>, Vec<String>)> =
        std::collections::BTreeMap::default();
    for row in client.query(columns, &[]).await.unwrap() {
        let [table, column, kind]: [String; 3] = std::array::from_fn(|index| row.get(index));
        let (there, here) = match kind.as_str() {
            "uuid" => {
                (format!("replace({column}::text, '-', '')"), format!("lower(hex({column}))"))
            }
            "bytea" => (format!("encode({column}, 'hex')"), format!("lower(hex({column}))")),
            "timestamp with time zone" => (
                format!("(extract(epoch from {column}) * 1000000)::bigint::text"),
                format!("cast({column} as text)"),
            ),
            "double precision" => (
                format!("round({column} * 1e9)::bigint::text"),
                format!("cast(cast(round({column} * 1e9) as integer) as text)"),
            ),
            "boolean" => (format!("{column}::int::text"), format!("cast({column} as text)")),
            _ => (format!("{column}::text"), format!("cast({column} as text)")),
        };
        let (theirs, ours) = tables.entry(table).or_default();
        theirs.push(format!("coalesce({there}, '-')"));
        ours.push(format!("case when {column} is null then '-' else {here} end"));
    }
    let mut full = 0;
    for (table, (theirs, ours)) in tables {
        let sql = format!("select concat_ws('|', {}) from {table}", theirs.join(", "));
        let rows = client.query(&sql, &[]).await.unwrap();
        let mut there: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let mut statement =
            sqlite.prepare(&format!("select {} from {table}", ours.join(" || '|' || "))).unwrap();
        let mut here: Vec<String> =
            statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        there.sort();
        here.sort();
        assert_eq!(here, there, "{table}");
        full += usize::from(!here.is_empty());
    }
    assert!(full >= 12, "there is hardly anything to compare: {full} tables");
}

#[tokio::test]
async fn a_city_moves_to_postgres_and_back_row_by_row_and_signs_in_there() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    let target = postgres_schema().await;
    let there = copied(&source, &target).await.unwrap();
    let client = connect(&target).await;
    compare(&folder.path().join("source.sqlite"), &client).await;
    let fresh = postgres_schema().await;
    TestApp::with(&[("DATABASE_URL", fresh.as_str())]).await;
    let schema = |url: &str| url.rsplit("%3D").next().unwrap().to_owned();
    let fresh: Vec<_> = structure(&connect(&fresh).await)
        .await
        .iter()
        .map(|line| line.replace(&schema(&fresh), ""))
        .collect();
    let ours: Vec<_> =
        structure(&client).await.iter().map(|line| line.replace(&schema(&target), "")).collect();
    assert_eq!(ours, fresh, "indexes and foreign keys are as a migration makes them");

    let file = folder.path().join("back.sqlite");
    let back = copied(&target, &format!("sqlite://{}", file.display())).await.unwrap();
    assert_eq!(back.tables, there.tables);
    compare(&file, &client).await;

    for url in [target, format!("sqlite://{}", file.display())] {
        let app = TestApp::with(&[("DATABASE_URL", url.as_str())]).await;
        let asha = app.sign_in("asha@example.org").await;
        let open = asha.get("/api/bookings?status=open").await.expect(200);
        asha.release(&open["items"][0]).await.expect(200);
    }
}

#[tokio::test]
async fn every_table_and_column_of_both_engines_is_carried() {
    let carried = db::tables().unwrap();
    let mut carried: Vec<_> = carried
        .iter()
        .flat_map(|table| {
            table
                .columns
                .iter()
                .map(|column| (table.name.clone(), column.name.clone(), column.kind))
        })
        .collect();
    carried.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    let kind = |declared: &str| match declared {
        "boolean" => Kind::Bool,
        "bigint" => Kind::Int,
        "double precision" => Kind::Real,
        "text" => Kind::Text,
        "bytea" => Kind::Bytes,
        "uuid" => Kind::Id,
        "timestamptz" | "timestamp with time zone" => Kind::Time,
        other => panic!("{other} is not known"),
    };
    let sqlite = "select m.name, c.name, lower(c.type) from sqlite_master m, pragma_table_info(m.name) c \
         where m.type = 'table' and m.name <> 'schema_migrations' order by 1, 2";
    let postgres = "select table_name::text collate \"C\", column_name::text collate \"C\", data_type::text \
         from information_schema.columns \
         where table_schema = current_schema() and table_name <> 'schema_migrations' order by 1, 2";
    for (app, sql) in [(TestApp::sqlite().await, sqlite), (TestApp::postgres().await, postgres)] {
        let columns = app.app.db.read(move |tx| {
            Ok(tx.all(sql, &[], |row| {
                Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.get::<String>(2)?))
            })?)
        });
        let columns: Vec<_> = columns
            .await
            .unwrap()
            .into_iter()
            .map(|(table, column, declared)| (table, column, kind(&declared)))
            .collect();
        assert_eq!(carried, columns);
    }
}

#[tokio::test]
async fn what_breaks_off_leaves_nothing_and_can_be_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    let full = "if (select count(*) from bookings) >= 100 then raise 'no more'; end if";
    let (target, client) = troubled("bookings", full).await;
    let before = structure(&client).await;
    let refusal = copied(&source, &target).await.unwrap_err();
    assert!(refusal.contains("bookings: P0001: no more"), "{refusal}");
    assert!(is_empty(&client).await);
    assert_eq!(structure(&client).await, before);
    client.batch_execute("drop trigger trouble on bookings").await.unwrap();
    copied(&source, &target).await.unwrap();
    compare(&folder.path().join("source.sqlite"), &client).await;
}

#[tokio::test]
async fn a_row_that_became_another_is_found_and_nothing_kept() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    let (target, client) =
        troubled("vehicles", "if new.is_default then new.name = 'Another'; end if").await;
    let refusal = copied(&source, &target).await.unwrap_err();
    assert!(refusal.starts_with("vehicles differs: "), "{refusal}");
    assert!(is_empty(&client).await);
}

#[tokio::test]
async fn killed_half_way_it_is_run_again() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    let (target, client) = troubled("bookings", GATE).await;
    client.batch_execute(SHUT).await.unwrap();
    let mut command = parking(folder.path());
    command.args(["copy", "--from", &source]).env("DATABASE_URL", &target);
    let mut copying = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until_it_waits(&client).await;
    copying.kill().unwrap();
    copying.wait().unwrap();
    client.batch_execute(OPEN).await.unwrap();

    let (status, said) = run(&mut command, "");
    assert!(status.success() && said.contains("read back and found equal"), "{said}");
    assert!(said.contains("secrets") && !said.contains("postgres://"), "{said}");
    compare(&folder.path().join("source.sqlite"), &client).await;
}

#[tokio::test]
async fn nobody_else_gets_at_a_half_filled_target() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    let (target, client) = troubled("bookings", GATE).await;
    client.batch_execute(SHUT).await.unwrap();
    let (copying, look) = tokio::join!(copied(&source, &target), async {
        until_it_waits(&client).await;
        let look = connect(&target).await;
        look.batch_execute("set lock_timeout = '1ms'").await.unwrap();
        let refusal = look.execute("select 1 from users", &[]).await.unwrap_err();
        client.batch_execute(OPEN).await.unwrap();
        refusal
    });
    assert_eq!(look.code().unwrap().code(), "55P03");
    copying.unwrap();
}

#[tokio::test]
async fn a_source_that_is_changed_meanwhile_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    let (target, client) = troubled("bookings", GATE).await;
    client.batch_execute(SHUT).await.unwrap();
    let (copying, ()) = tokio::join!(copied(&source, &target), async {
        until_it_waits(&client).await;
        let server = rusqlite::Connection::open(folder.path().join("source.sqlite")).unwrap();
        server.execute("update users set name = 'Renamed' where name = 'asha'", []).unwrap();
        client.batch_execute(OPEN).await.unwrap();
    });
    let refusal = copying.unwrap_err();
    assert!(refusal.contains("the source was changed while it was copied"), "{refusal}");
    assert!(is_empty(&client).await);
}

#[tokio::test]
async fn a_target_that_holds_an_installation_is_refused_and_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let source = city(&folder).await;
    for app in [TestApp::postgres().await, TestApp::sqlite().await] {
        app.admin().await;
        let target = match &app.app.config.database_url {
            DatabaseUrl::Postgres(url) => url.clone(),
            DatabaseUrl::Sqlite(file) => format!("sqlite://{}", file.display()),
        };
        let refusal = copied(&source, &target).await.unwrap_err();
        assert!(refusal.contains("the target holds an installation: 1 users"), "{refusal}");
        app.sign_in("admin@example.org").await;
    }
}

#[tokio::test]
async fn sources_that_cannot_be_copied_are_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let target = format!("sqlite://{}", folder.path().join("target.sqlite").display());
    let file = |name: &str, sql: &str| {
        let path = folder.path().join(name);
        rusqlite::Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        format!("sqlite://{}", path.display())
    };
    let history =
        "create table schema_migrations (version bigint primary key, name text not null);";
    let old = file("old", &format!("{history} insert into schema_migrations values (4, 'old')"));
    let new = file("new", &format!("{history} insert into schema_migrations values (9999, 'new')"));
    let running = TestApp::sqlite().await;
    running.driver("asha").await;
    let running = format!("sqlite://{}", running.folder.path().join("parking.sqlite").display());
    let missing = format!("sqlite://{}", folder.path().join("missing").display());
    let known = std::fs::read_dir("migrations").unwrap().count();
    for (source, said) in [
        (&old, &*format!("older than schema {known} of this program: run `parking migrate`")),
        (&new, &format!("schema 9999, newer than schema {known}")),
        (&file("empty", ""), "holds no installation"),
        (&running, "in use: stop its server and its workers"),
        (&missing, "missing cannot be opened"),
        (&target, "the same database"),
    ] {
        let refusal = copied(source, &target).await.unwrap_err();
        assert!(refusal.contains(said), "{refusal}");
    }
    assert!(
        !folder.path().join("target.sqlite").exists() && !folder.path().join("missing").exists()
    );
    let (status, said) =
        run(parking(folder.path()).args(["copy", "--from", "mysql://a"]), PASSWORD);
    assert_eq!(
        (status.code(), said.contains("neither sqlite:// nor postgres://")),
        (Some(2), true),
        "{said}"
    );
}
