//! The storage layer: both engines answer alike, and a failing command harms no neighbour.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use parking::Error;
use parking::bookings::BookingStatus;
use parking::bookings::plate::Plate;
use parking::bookings::store::{Driver, Selection, book, close, list};
use parking::db::{self, Db, Options, Tx, Value};
use parking::http::paging::Paging;
use url::Url;
use uuid::Uuid;

use crate::harness::{TestApp, postgres_schema};
use crate::peers::Proxy;

const INSERT_IMPORT: &str = "insert into imports (sha256, kind, file_name, row_count, imported_at) \
     values ($1, $2, $3, $4, $5)";

fn import(key: &[u8; 32], at: Timestamp) -> [Value<'_>; 5] {
    [key.into(), "test".into(), "f".into(), 1_i64.into(), at.into()]
}

async fn insert_import(
    app: &TestApp,
    key: [u8; 32],
    then: fn() -> parking::Result<()>,
) -> parking::Result<()> {
    let now = app.now();
    app.app
        .db
        .write(Uuid::nil(), move |tx| {
            tx.exec(INSERT_IMPORT, &import(&key, now))?;
            then()
        })
        .await
}

async fn import_count(app: &TestApp) -> i64 {
    app.app
        .db
        .read(|tx| Ok(tx.one("select count(*) from imports", &[], |row| row.get(0))?))
        .await
        .unwrap()
}

on_both! {
    async fn values_come_back_as_they_went_in(app: TestApp) {
        let id = Uuid::from_u128(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
        let times = ["1970-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "2026-11-22T10:00:00.123456Z", "9999-12-30T00:00:00Z"];
        for time in times {
            let at: Timestamp = time.parse().unwrap();
            app.app.db.write(id, move |tx| {
                tx.exec("delete from audit", &[])?;
                tx.exec(
                    "insert into audit (id, at, actor_id, action, subject_kind, subject_id, detail, address) values ($1, $2, $3, $4, $5, $6, $7, $8)",
                    &[id.into(), at.into(), Value::Null, "a'\"\\%_é漢😀".into(), Value::Null, id.into(), "".into(), Value::Null],
                )?;
                let row = tx.one("select id, at, actor_id, action, subject_id, detail, address from audit", &[], |row| {
                    Ok((row.get::<Uuid>(0)?, row.get::<Timestamp>(1)?, row.get::<Option<Uuid>>(2)?, row.get::<String>(3)?,
                        row.get::<Option<Uuid>>(4)?, row.get::<String>(5)?, row.get::<Option<String>>(6)?))
                })?;
                assert_eq!(row, (id, at, None, "a'\"\\%_é漢😀".into(), Some(id), String::new(), None));
                Ok(())
            }).await.unwrap();
        }
    }

    async fn a_refused_command_leaves_nothing_and_its_neighbours_stand(app: TestApp) {
        let writes = (0..60_u8).map(|n| {
            let then = if n % 3 == 0 { || Err(Error::Conflict("lot_full")) } else { || Ok(()) };
            insert_import(&app, [n; 32], then)
        });
        let results = join_all(writes).await;
        for (n, result) in results.iter().enumerate() {
            assert_eq!(result.is_err(), n % 3 == 0, "{n} {result:?}");
        }
        assert_eq!(import_count(&app).await, 40);
    }

    async fn a_mistake_in_a_command_leaves_its_neighbours_standing(app: TestApp) {
        let now = app.now();
        let good = (0..20_u8).map(|n| insert_import(&app, [n; 32], || Ok(())));
        let bad = (0..5).map(|_| app.app.db.write(Uuid::nil(), move |tx| {
            tx.exec("update imports set imported_at = $1", &[now.into()])?;
            tx.exec("insert into nowhere values (1)", &[])?;
            Ok(())
        }));
        let (good, bad) = tokio::join!(join_all(good), join_all(bad));
        assert!(good.iter().all(Result::is_ok));
        assert!(bad.iter().all(|result| matches!(result, Err(Error::Storage(db::Error::Query(_))))), "{bad:?}");
        assert_eq!(import_count(&app).await, 20);
    }

    async fn a_row_that_is_there_already_is_told_as_such(app: TestApp) {
        insert_import(&app, [1; 32], || Ok(())).await.unwrap();
        let again = insert_import(&app, [1; 32], || Ok(())).await;
        assert!(matches!(again, Err(Error::Storage(db::Error::Unique(_)))), "{again:?}");
    }

    async fn what_was_accepted_happens_though_its_caller_went_away(app: TestApp) {
        for n in 0..20_u8 {
            let write = insert_import(&app, [n; 32], || Ok(()));
            // Polled once, so that it is accepted, then dropped.
            let mut write = Box::pin(write);
            let waker = std::task::Waker::noop();
            let _ = std::future::Future::poll(write.as_mut(), &mut std::task::Context::from_waker(waker));
        }
        insert_import(&app, [200; 32], || Ok(())).await.unwrap();
        assert_eq!(import_count(&app).await, 21);
    }

    async fn what_is_sent_without_waiting_is_there_for_what_is_asked_next(app: TestApp) {
        let now = app.now();
        let seen = app.app.db.write(Uuid::nil(), move |tx| {
            tx.send(INSERT_IMPORT, &import(&[1; 32], now))?;
            Ok(tx.one("select count(*) from imports", &[], |row| row.get::<i64>(0))?)
        }).await;
        assert_eq!((seen.unwrap(), import_count(&app).await), (1, 1));
    }

    async fn what_is_sent_without_waiting_and_fails_is_told_and_its_neighbours_stand(app: TestApp) {
        insert_import(&app, [200; 32], || Ok(())).await.unwrap();
        let (now, ran) = (app.now(), Arc::new(AtomicUsize::new(0)));
        let hook_ran = ran.clone();
        let bad = app.app.db.write(Uuid::nil(), move |tx| {
            let hook_ran = hook_ran.clone();
            tx.on_commit(move |_| { hook_ran.fetch_add(1, Ordering::SeqCst); });
            Ok(tx.send(INSERT_IMPORT, &import(&[200; 32], now))?)
        });
        let good = (0..20_u8).map(|n| insert_import(&app, [n; 32], || Ok(())));
        let (bad, good) = tokio::join!(bad, join_all(good));
        assert!(matches!(bad, Err(Error::Storage(db::Error::Unique(_)))), "{bad:?}");
        assert!(good.iter().all(Result::is_ok), "{good:?}");
        assert_eq!((ran.load(Ordering::SeqCst), import_count(&app).await), (0, 21));
    }

    async fn questions_asked_together_are_answered_in_any_order_or_not_at_all(app: TestApp) {
        let ask = |tx: &mut Tx<'_>| -> parking::Result<(i64, String)> {
            let number = tx.ask("select cast($1 as bigint) + 1", [41_i64.into()])?;
            let _nobody_wants_it = tx.ask("select count(*) from imports", [])?;
            let word = tx.ask("select cast($1 as text)", ["spot".into()])?;
            let none = tx.ask("select 1 from imports where row_count = $1", [7_i64.into()])?;
            let _nor_this = tx.ask("select count(*) from audit", [])?;
            assert_eq!(none.opt(tx, |row| row.get::<i64>(0))?, None);
            let word = word.one(tx, |row| row.get(0))?;
            Ok((number.one(tx, |row| row.get(0))?, word))
        };
        for _ in 0..2 {
            assert_eq!(app.app.db.read(ask).await.unwrap(), (42, "spot".into()));
            assert_eq!(app.app.db.write(Uuid::nil(), ask).await.unwrap(), (42, "spot".into()));
        }
    }

    async fn hooks_run_after_the_commit_and_only_then(app: TestApp) {
        let ran = Arc::new(AtomicUsize::new(0));
        let attempt = async |key: u8, refuse: bool| {
            let (ran, now) = (ran.clone(), app.now());
            app.app.db.write(Uuid::nil(), move |tx| {
                let ran = ran.clone();
                tx.on_commit(move |_| { ran.fetch_add(1, Ordering::SeqCst); });
                tx.exec(INSERT_IMPORT, &import(&[key; 32], now))?;
                if refuse { Err(Error::NotFound) } else { Ok(()) }
            }).await
        };
        let outcomes = join_all((0..30).map(|key| attempt(key, key % 2 == 0))).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 15);
        assert_eq!(ran.load(Ordering::SeqCst), 15);
    }

    async fn readers_cannot_write(app: TestApp) {
        let write = app.app.db.read(|tx| Ok(tx.exec("delete from audit", &[])?)).await;
        assert!(write.is_err());
    }

    async fn migrating_again_changes_nothing(app: TestApp) {
        let db = app.app.db.clone();
        let applied = tokio::task::spawn_blocking(move || db.migrate()).await.unwrap().unwrap();
        assert!(applied.is_empty());
    }

    async fn a_newer_schema_is_refused_by_both_numbers(app: TestApp) {
        app.app.db.write(Uuid::nil(), |tx| {
            tx.exec("insert into schema_migrations (version, name) values (9999, 'of the future')", &[])?;
            Ok(())
        }).await.unwrap();
        let db = app.app.db.clone();
        let refusal = tokio::task::spawn_blocking(move || db.migrate()).await.unwrap().unwrap_err();
        let known = std::fs::read_dir("migrations").unwrap().count();
        assert!(refusal.contains(&format!("schema 9999, newer than schema {known}")), "{refusal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parking_takes_three_round_trips_to_postgresql() {
    let mut url: Url = postgres_schema().await.parse().unwrap();
    let app = TestApp::with(&[("DATABASE_URL", url.as_str())]).await;
    let lot: Uuid = app.admin().await.new_lot("Central", 10).await.parse().unwrap();
    let id = app.driver("Asha").await.id.parse().unwrap();

    let server = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let proxy = Proxy::start(server).await;
    url.set_port(Some(proxy.port)).unwrap();
    let url = url.as_str().parse().unwrap();
    let options = Options { lanes: 1, readers: 1, ..Options::default() };
    let db = tokio::task::spawn_blocking(move || Db::open(&url, &options)).await.unwrap().unwrap();
    let now = app.now();
    let park =
        || db.write(lot, move |tx| book(tx, now, lot, Driver::User { id, open_max: 5 }, None));
    park().await.unwrap(); // Prepares the statements.
    let before = proxy.round_trips();
    park().await.unwrap();
    assert_eq!(proxy.round_trips() - before, 3);
}

/// How many rows of bookings PostgreSQL reads for what `work` asks.
async fn bookings_read<W>(db: &Db, mut work: W) -> i64
where
    W: FnMut(&mut Tx<'_>) -> parking::Result<()> + Send + 'static,
{
    let sql = "select idx_tup_fetch + seq_tup_read from pg_stat_xact_user_tables \
         where relid = 'bookings'::regclass";
    let read = move |tx: &mut Tx<'_>| tx.one(sql, &[], |row| row.get::<i64>(0));
    db.write(Uuid::nil(), move |tx| {
        let before = read(tx)?;
        work(tx)?;
        Ok(read(tx)? - before)
    })
    .await
    .unwrap()
}

#[tokio::test]
async fn postgresql_reads_the_open_bookings_it_is_asked_for_though_it_believes_that_none_is_open() {
    const PARKED: i64 = 40;
    let app = TestApp::postgres().await;
    let (db, now, admin) = (&app.app.db, app.now(), app.admin().await);
    let lot: Uuid = admin.new_lot("Central", PARKED + 10).await.parse().unwrap();
    let id: Uuid = app.driver("Asha").await.id.parse().unwrap();
    let closed = "insert into bookings (id, reference, lot_id, spot_id, spot_label, started_at, released_at, \
         price_per_hour_minor, currency, free_minutes, increment_minutes, cost_minor) \
         select gen_random_uuid(), 'CLOSED' || n, $1, gen_random_uuid(), 'A01', $2, $2, 100, 'EUR', 0, 1, 0 \
         from generate_series(1, 2000) n";
    db.write(lot, move |tx| Ok(tx.exec(closed, &[lot.into(), now.into()])?)).await.unwrap();
    // The indexes of open bookings have a page, with nothing in it.
    let left = admin.walk_in(&lot.to_string(), "LEFT").await.expect(201);
    admin.release(&left).await.expect(200);
    db.write(lot, |tx| Ok(tx.exec("analyze bookings", &[])?)).await.unwrap();
    let (first, driver) = (Arc::new(Mutex::new(None)), Driver::User { id, open_max: 5 });
    let parked = first.clone();
    let park = move |tx: &mut Tx<'_>| {
        for _ in 0..PARKED {
            *parked.lock().unwrap() = Some(book(tx, now, lot, Driver::WalkIn, None)?);
        }
        Ok(())
    };
    assert_eq!(bookings_read(db, park).await, 0);

    let plate: Plate = "MH 12 AB 1234".parse().unwrap();
    let park = move |tx: &mut Tx<'_>| book(tx, now, lot, driver, Some(&plate)).map(drop);
    assert_eq!(bookings_read(db, park).await, 0);
    let all_open = Selection { status: Some(BookingStatus::Open), ..Selection::default() };
    let paging = Paging::new(Some(100), None).unwrap();
    let list_open = move |tx: &mut Tx<'_>| list(tx, &all_open, &paging).map(drop);
    // By the index of the open ones, then each by its id; planning looks up the ends of indexes, too.
    let read = bookings_read(db, list_open).await;
    assert!(read < 2 * PARKED + 10, "{read}");
    let mut booking = first.lock().unwrap().take().unwrap();
    let release = move |tx: &mut Tx<'_>| close(tx, &mut booking, now, 0).map(drop);
    assert_eq!(bookings_read(db, release).await, 1);
}

#[tokio::test]
async fn a_refusal_for_what_was_not_committed_is_not_told() {
    let app = TestApp::postgres().await;
    let write = |sql: &'static str| {
        app.app.db.write(Uuid::nil(), move |tx| Ok(tx.exec(sql, &[]).map(drop)?))
    };
    write(
        "create function fails() returns trigger language plpgsql as \
         $$ begin raise exception 'at the commit'; end $$",
    )
    .await
    .unwrap();
    write(
        "create constraint trigger fails after insert on imports deferrable initially deferred \
         for each row execute function fails()",
    )
    .await
    .unwrap();
    // While the lane is busy with the first, the others get into its transaction.
    let ((busy, is_busy), (over, until)) = (mpsc::channel(), mpsc::channel());
    let first = app.app.db.write(Uuid::nil(), move |_| {
        let _ = busy.send(());
        let _ = until.recv();
        Ok(())
    });
    let taking = async {
        is_busy.recv().unwrap();
        insert_import(&app, [1; 32], || Ok(())).await
    };
    let refused = app.app.db.write(Uuid::nil(), |tx| {
        match tx.one("select count(*) from imports", &[], |row| row.get::<i64>(0))? {
            0 => Ok(()),
            _ => Err(Error::Conflict("lot_full")),
        }
    });
    let (first, taking, refused, ()) =
        tokio::join!(first, taking, refused, async { over.send(()).unwrap() });
    assert!(matches!(first, Err(Error::Storage(_))), "{first:?}");
    assert!(matches!(taking, Err(Error::Storage(_))), "{taking:?}");
    assert!(!matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(import_count(&app).await, 0);
}

#[tokio::test]
async fn a_database_of_the_first_schema_keeps_what_is_parked_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let old = rusqlite::Connection::open(folder.path().join("parking.sqlite")).unwrap();
    old.execute_batch(include_str!("../../migrations/0001_first_schema.sql")).unwrap();
    old.execute_batch(
        "create table schema_migrations (version bigint primary key, name text not null);
         insert into schema_migrations values (1, 'first schema');
         insert into lots (id, name, time_zone, price_per_hour_minor, currency, free_minutes,
             increment_minutes, created_at, updated_at)
         values (zeroblob(16), 'Old', 'UTC', 100, 'EUR', 0, 1, 1, 1);
         insert into spots (id, lot_id, label, label_order, out_of_service, booking_id) values
             (randomblob(16), zeroblob(16), 'A1', x'01', false, x'0199a0000000700080000000000000aa'),
             (randomblob(16), zeroblob(16), 'A2', x'02', true, null),
             (randomblob(16), zeroblob(16), 'A3', x'03', false, null);
         insert into bookings (id, reference, lot_id, spot_id, spot_label, vehicle_plate, started_at,
             price_per_hour_minor, currency, free_minutes, increment_minutes)
         select booking_id, 'OLDBOOK', lot_id, id, label, 'KEPT', 1, 100, 'EUR', 0, 1
         from spots where booking_id is not null;",
    )
    .unwrap();
    drop(old);

    let app = TestApp::in_folder(folder, &[]).await;
    let admin = app.admin().await;
    let lot = Uuid::nil().to_string();
    assert_eq!(admin.free_spots(&lot).await, 1);
    admin.walk_in(&lot, "KEPT").await.refused(409, "vehicle_already_parked");
    assert_eq!(admin.walk_in(&lot, "NEW").await.expect(201)["spot"]["label"], "A3");
    let bookings = admin.get("/api/admin/bookings?status=open&plate=KEPT").await.expect(200);
    admin.release(&crate::harness::items(&bookings)[0]).await.expect(200);
    assert_eq!(admin.walk_in(&lot, "KEPT").await.expect(201)["spot"]["label"], "A1");
}

#[tokio::test]
async fn a_mistake_that_ends_a_thread_of_the_storage_ends_the_process() {
    let app = TestApp::sqlite().await;
    let db = &app.app.db;
    let answer = db.write(Uuid::nil(), |_| -> parking::error::Result<()> { panic!("a mistake") });
    assert!(answer.await.is_err());
    let ended = async {
        while !db.has_failed() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("the process would go on");
}

#[tokio::test]
async fn sqlites_log_begins_anew_while_it_is_written_to() {
    const BYTES: usize = 1 << 20;
    let app = TestApp::sqlite().await;
    let parking::db::DatabaseUrl::Sqlite(file) = &app.app.config.database_url else { panic!() };
    let log = file.with_extension("sqlite-wal");
    let now = app.now();
    for written in 1..=2000 {
        let change = move |tx: &mut parking::db::Tx<'_>| {
            let id = parking::ids::new_id(now);
            tx.exec(
                "insert into audit (id, at, action, detail) values ($1, $2, 'test', $3)",
                &[id.into(), now.into(), "x".repeat(BYTES).as_str().into()],
            )?;
            Ok(())
        };
        app.app.db.write(Uuid::nil(), change).await.unwrap();
        // Four times its length went through it.
        if written * BYTES as u64 >= 4 * std::fs::metadata(&log).unwrap().len() {
            assert!(std::fs::metadata(file).unwrap().len() > 16 << 20);
            return;
        }
    }
    panic!("the log only grew");
}
