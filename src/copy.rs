//! `parking copy`: an installation moves to another database.
//!
//! The target is filled in one transaction from one snapshot of the source, read back and compared
//! before the commit. So there is no half copy: whatever stops it leaves the target as it was, and
//! the same command begins anew (docs/adr/0018).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use indicatif::ProgressBar;
use uuid::Uuid;

use crate::db::{self, DatabaseUrl, Db, Owned, Table, Tx};
use crate::error::{Error, Result};
use crate::imports::progress_bar;
use crate::imports::store::in_words;

/// Rows that are read and written at once, and how many such pages wait to be written: they bound
/// the memory.
const PAGE_ROWS: usize = 2000;
const PAGES_WAITING: usize = 2;

/// Whoever has any of these holds an installation; everything else hangs on them.
const ROOTS: [&str; 2] = ["users", "lots"];

/// What a table holds, in whatever order it is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    pub rows: u64,
    /// The hashes of the rows, summed.
    pub checksum: u64,
}

/// What was copied.
#[derive(Debug)]
pub struct Copied {
    /// By the name of the table.
    pub tables: Vec<(String, Figures)>,
    pub took: Duration,
}

type Tables = Arc<Vec<Table>>;

/// The values of some rows of the table at this place.
type Page = (usize, Vec<Owned>);

/// Copies all of `from` into `to`, which must hold no installation.
///
/// # Errors
/// In words; `to` is then as it was before, but for an empty schema.
pub fn run(from: &DatabaseUrl, to: &DatabaseUrl) -> Result<Copied, String> {
    let began = Instant::now();
    if from == to {
        return Err("source and target are the same database".into());
    }
    let in_source = |error: String| format!("the source: {error}");
    let in_target = |error: String| format!("the target: {error}");
    if from.is_in_use().map_err(|error| in_source(error.to_string()))? {
        return Err("the source is in use: stop its server and its workers first".into());
    }
    // One reads, one writes.
    let options = db::Options { lanes: 1, readers: 1, ..db::Options::default() };
    let source = Db::open(from, &options).map_err(|error| in_source(error.to_string()))?;
    source.check_schema().map_err(in_source)?;
    let target = Db::open(to, &options).map_err(|error| in_target(error.to_string()))?;
    target.migrate().map_err(in_target)?;
    let tables = Arc::new(db::tables().map_err(|error| error.to_string())?);
    let total = total(&source, &tables).map_err(|error| in_source(in_words(error)))?;

    let (reading, copying) = (source.clone(), tables.clone());
    let copied = target.write_blocking(Uuid::nil(), move |tx| {
        refuse_data(tx, &copying)?;
        let taken_off = tx.empty(&copying)?;
        let read = in_sight(total, "Copying ", |bar| fill(tx, &copying, &reading, bar))?;
        in_sight(taken_off.len(), "Indexing", |bar| Ok(tx.put_back(&taken_off, || bar.inc(1))?))?;
        in_sight(total, "Checking", |bar| compare(tx, &copying, &read, bar))?;
        Ok(read)
    });
    source.close();
    target.close();
    let figures = copied.map_err(in_words)?;
    let names = tables.iter().map(|table| table.name.clone());
    Ok(Copied { tables: names.zip(figures).collect(), took: began.elapsed() })
}

fn in_sight<T>(
    total: usize,
    what: &'static str,
    work: impl FnOnce(&ProgressBar) -> Result<T>,
) -> Result<T> {
    let bar = progress_bar(total, what);
    let done = work(&bar);
    bar.finish_and_clear();
    done
}

fn total(db: &Db, tables: &Tables) -> Result<usize> {
    let tables = tables.clone();
    db.read_blocking(move |tx| {
        let mut total = 0;
        for table in tables.iter() {
            total += tx.count(table)?;
        }
        Ok(usize::try_from(total).unwrap_or(usize::MAX))
    })
}

fn refuse_data(tx: &mut Tx<'_>, tables: &[Table]) -> Result<()> {
    for table in tables.iter().filter(|table| ROOTS.contains(&&*table.name)) {
        let (count, name) = (tx.count(table)?, &table.name);
        if count > 0 {
            return Err(Error::Malformed(format!(
                "the target holds an installation: {count} {name}. Copy into an empty database"
            )));
        }
    }
    Ok(())
}

/// Writes while another thread reads. Gives what was read of each table.
fn fill(tx: &mut Tx<'_>, tables: &Tables, source: &Db, bar: &ProgressBar) -> Result<Vec<Figures>> {
    let (sender, pages) = bounded(PAGES_WAITING);
    std::thread::scope(|scope| {
        let reader = scope.spawn(move || send(source, tables.clone(), sender));
        let written = write(tx, tables, pages, bar);
        let read = reader.join().map_err(|_| Error::Internal("the reader panicked".into()))?;
        // Of two failures, the reader's is only that nobody took its pages.
        written?;
        read
    })
}

fn write(
    tx: &mut Tx<'_>,
    tables: &[Table],
    pages: Receiver<Page>,
    bar: &ProgressBar,
) -> Result<()> {
    for (place, rows) in pages {
        tx.load(&tables[place], &rows)?;
        bar.inc((rows.len() / tables[place].columns.len()) as u64);
    }
    Ok(())
}

fn send(source: &Db, tables: Tables, sender: Sender<Page>) -> Result<Vec<Figures>> {
    let unavailable = |text: &str| Error::Storage(db::Error::Unavailable(text.into()));
    let (mut sender, notices) = (Some(sender), source.is_sqlite());
    source.read_blocking(move |tx| {
        // A second attempt, after the connection was lost: what was sent cannot be taken back.
        let sender = sender.take().ok_or_else(|| unavailable("the source went away"))?;
        tx.changed_elsewhere()?;
        let figures = tx.snapshot(|tx| {
            let mut all = Vec::with_capacity(tables.len());
            for (place, table) in tables.iter().enumerate() {
                all.push(read(tx, table, |rows| {
                    sender.send((place, rows)).map_err(|_| unavailable("the target went away"))
                })?);
            }
            Ok(all)
        })?;
        if notices && tx.changed_elsewhere()? {
            return Err(Error::Malformed(
                "the source was changed while it was copied: stop its server and run this again"
                    .into(),
            ));
        }
        Ok(figures)
    })
}

/// Compares what is in the target with what was read.
fn compare(
    tx: &mut Tx<'_>,
    tables: &[Table],
    expected: &[Figures],
    bar: &ProgressBar,
) -> Result<()> {
    for (table, expected) in tables.iter().zip(expected) {
        let found = read(tx, table, |rows| {
            bar.inc((rows.len() / table.columns.len()) as u64);
            Ok(())
        })?;
        if found != *expected {
            return Err(Error::Malformed(format!(
                "{} differs: {} rows with the checksum {:016x} in the source, {} with {:016x} in \
                 the target",
                table.name, expected.rows, expected.checksum, found.rows, found.checksum
            )));
        }
    }
    Ok(())
}

/// Hands all rows of a table to `each`, page by page.
fn read(
    tx: &mut Tx<'_>,
    table: &Table,
    mut each: impl FnMut(Vec<Owned>) -> Result<()>,
) -> Result<Figures> {
    let columns = table.columns.len();
    let mut figures = Figures::default();
    let mut last: Option<Vec<Owned>> = None;
    loop {
        let page = tx.page(table, last.as_deref(), PAGE_ROWS)?;
        for row in page.chunks(columns) {
            figures.rows += 1;
            figures.checksum = figures.checksum.wrapping_add(checksum(row));
        }
        let complete = table.key.is_empty() || page.len() < PAGE_ROWS * columns;
        last = page.rchunks(columns).next().map(<[Owned]>::to_vec);
        each(page)?;
        if complete {
            return Ok(figures);
        }
    }
}

fn checksum(row: &[Owned]) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}
