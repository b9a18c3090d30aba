//! Which commands a lane runs together, and what servers on one PostgreSQL leave to each other.

use std::sync::{Arc, Mutex, mpsc};

use futures_util::future::{join, join_all};
use parking::Result;
use parking::clock::Clock;
use parking::db::{Db, Options, Tx};
use parking::ids::new_id;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::harness::{TestApp, postgres_schema};
use crate::replicas::until;

/// Lots of one lane, which no other test knows.
fn lots<const N: usize>() -> [Uuid; N] {
    std::array::from_fn(|_| {
        let mut id = new_id(Clock::system().now()).into_bytes();
        id[15] = 0;
        Uuid::from_bytes(id)
    })
}

/// What begins a transaction travels with its first question.
fn ask(tx: &mut Tx<'_>) -> Result<()> {
    Ok(tx.one("select 1", &[], |_| Ok(()))?)
}

/// A command that is in the midst of its transaction until it is told to end.
struct Busy {
    over: mpsc::Sender<()>,
    task: JoinHandle<Result<()>>,
}

impl Busy {
    fn with(db: &Db, lot: Uuid, diary: &Diary) -> (Self, impl Future<Output = ()>) {
        let (over, until) = mpsc::channel();
        let (tell, told) = oneshot::channel();
        let (db, diary, mut tell) = (db.clone(), diary.clone(), Some(tell));
        let run = async move {
            db.write(lot, move |tx| {
                ask(tx)?;
                let _ = tell.take().map(|tell| tell.send(()));
                let _ = until.recv();
                let diary = diary.clone();
                tx.on_commit(move |_| diary.note("committed", 0));
                Ok(())
            })
            .await
        };
        let begun = async { told.await.expect("it begins") };
        (Self { over, task: tokio::spawn(run) }, begun)
    }

    async fn end(self) {
        self.over.send(()).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

/// What happened, in order. The number of who is busy is 0.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<(&'static str, u8)>>>);

impl Diary {
    async fn write(&self, db: &Db, lot: Uuid, number: u8) -> Result<()> {
        let diary = self.clone();
        db.write(lot, move |tx| {
            ask(tx)?;
            diary.note("run", number);
            let diary = diary.clone();
            tx.on_commit(move |_| diary.note("committed", number));
            Ok(())
        })
        .await
    }

    fn note(&self, what: &'static str, number: u8) {
        self.0.lock().unwrap().push((what, number));
    }

    fn ran(&self) -> Vec<u8> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(what, _)| *what == "run").map(|(_, number)| *number).collect()
    }
}

on_both! {
    async fn what_is_about_one_lot_runs_in_the_order_it_came(app: TestApp) {
        let (db, diary, [a, b]) = (&app.app.db, Diary::default(), lots());
        let (busy, begun) = Busy::with(db, Uuid::nil(), &diary);
        begun.await;
        let come = [(a, 1), (b, 11), (a, 2), (b, 12), (a, 3)];
        let writes = come.map(|(lot, number)| diary.write(db, lot, number));
        let (written, ()) = join(join_all(writes), busy.end()).await;
        assert!(written.iter().all(Result::is_ok));
        let about = |lot: u8| diary.ran().into_iter().filter(move |number| number / 10 == lot);
        assert!(about(0).eq([1, 2, 3]) && about(1).eq([11, 12]), "{:?}", diary.ran());
    }

    async fn who_comes_to_a_lot_while_its_first_command_runs_is_taken_along(app: TestApp) {
        let (db, diary, [lot]) = (&app.app.db, Diary::default(), lots());
        let (busy, begun) = Busy::with(db, lot, &diary);
        begun.await;
        let writes = [1, 2].map(|number| diary.write(db, lot, number));
        let (written, ()) = join(join_all(writes), busy.end()).await;
        assert!(written.iter().all(Result::is_ok));
        let together = [("run", 1), ("run", 2), ("committed", 0), ("committed", 1), ("committed", 2)];
        assert_eq!(*diary.0.lock().unwrap(), together);
    }
}

#[tokio::test]
async fn on_sqlite_who_comes_to_any_lot_is_taken_along() {
    let app = TestApp::sqlite().await;
    let (db, diary, [first, a, b]) = (&app.app.db, Diary::default(), lots());
    let (busy, begun) = Busy::with(db, first, &diary);
    begun.await;
    let (written, ()) = join(join(diary.write(db, a, 1), diary.write(db, b, 2)), busy.end()).await;
    assert!(written.0.is_ok() && written.1.is_ok());
    let together = [("run", 1), ("run", 2), ("committed", 0), ("committed", 1), ("committed", 2)];
    assert_eq!(*diary.0.lock().unwrap(), together);
}

/// Servers with a lane each on one PostgreSQL.
async fn servers<const N: usize>() -> [Db; N] {
    let url = postgres_schema().await.parse().unwrap();
    let options = Options { lanes: 1, readers: 1, ..Options::default() };
    let open = move || std::array::from_fn(|_| Db::open(&url, &options).unwrap());
    tokio::task::spawn_blocking(open).await.unwrap()
}

/// Until a transaction of anybody waits for the lot.
async fn waited_for(db: &Db, lot: Uuid) {
    until(async || {
        db.read(move |tx| {
            let sql = "select count(*) from pg_locks where locktype = 'advisory' and not granted \
                 and (classid::bigint << 32) + objid::bigint = $1";
            let lock = lot.as_u64_pair().1.cast_signed();
            Ok(tx.one(sql, &[lock.into()], |row| row.get::<i64>(0))? == 1)
        })
        .await
        .unwrap()
    })
    .await;
}

#[tokio::test]
async fn a_server_leaves_the_lot_of_another_and_goes_on_with_the_rest() {
    let ([here, there], diary, [a, b]) = (servers().await, Diary::default(), lots());
    let (away, begun) = Busy::with(&there, a, &diary);
    begun.await;
    let (busy, begun) = Busy::with(&here, Uuid::nil(), &diary);
    begun.await;
    let first = diary.write(&here, a, 1);
    let rest = async {
        diary.write(&here, b, 2).await.unwrap();
        assert_eq!(diary.ran(), [2]);
        away.end().await;
    };
    let (first, (), ()) = tokio::join!(first, rest, busy.end());
    assert!(first.is_ok());
    assert_eq!(diary.ran(), [2, 1]);
}

#[tokio::test]
async fn a_lot_that_is_passed_over_again_and_again_is_waited_for_and_who_waits_holds_no_other() {
    let ([here, there, elsewhere], diary, [a, b, c]) = (servers().await, Diary::default(), lots());
    let (away, begun) = Busy::with(&there, a, &diary);
    begun.await;
    let (mut busy, begun) = Busy::with(&here, Uuid::nil(), &diary);
    begun.await;
    let first = diary.write(&here, a, 1);
    let meanwhile = async {
        // Batch after batch has something else to do, about another lot than the one before: what is
        // about the same would be taken along.
        for lot in [b, c].into_iter().cycle().take(100) {
            let (next, begun) = Busy::with(&here, lot, &diary);
            tokio::task::yield_now().await;
            busy.end().await;
            busy = next;
            tokio::select! {
                () = begun => {}
                () = waited_for(&elsewhere, a) => {
                    diary.write(&elsewhere, lot, 2).await.unwrap();
                    assert_eq!(diary.ran(), [2]);
                    away.end().await;
                    return busy.end().await;
                }
            }
        }
        panic!("passed over a hundred times");
    };
    let (first, ()) = join(first, meanwhile).await;
    assert!(first.is_ok());
    assert_eq!(diary.ran(), [2, 1]);
}
