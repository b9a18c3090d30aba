//! SQLite's log goes into the database file on a thread beside the writer: nobody who parks waits
//! while it is copied and synced. SQLite itself would do that within a commit, and would not say
//! when it fails.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use super::Error;
use super::lane;
use super::sqlite::Connection;
use super::tx::Access;
use crate::threads;

/// Pages in the log before it is copied: 32 MiB. The more, the fewer pages are copied twice.
const LOG_PAGES: i32 = 8192;
/// As long as the log cannot begin anew, since somebody reads it, it is tried again after these.
const LOG_PAGES_MORE: i32 = 1024;

/// The writer's side of it.
pub(super) struct Checkpoints {
    copied: Arc<AtomicBool>,
}

impl Checkpoints {
    /// Starts the thread. It ends when the writer's connection does, and sets `failed` when the file
    /// cannot be trusted any more.
    pub(super) fn start(
        path: &Path,
        writer: &mut rusqlite::Connection,
        failed: Arc<AtomicBool>,
    ) -> Result<(Self, JoinHandle<()>), Error> {
        let (wanted, asked) = crossbeam_channel::bounded(1);
        let (mut pages_before, mut next) = (0, LOG_PAGES);
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            if pages < pages_before {
                next = LOG_PAGES;
            }
            pages_before = pages;
            if pages >= next {
                next = pages + LOG_PAGES_MORE;
                // Full: it is asked for already.
                let _ = wanted.try_send(());
            }
            Ok(())
        }))?;
        let mut connection = Connection::open(path, Access::Write)?;
        let copied = Arc::new(AtomicBool::new(false));
        let this = Self { copied: copied.clone() };
        let thread = threads::spawn("checkpoints", move || {
            threads::give_way();
            while let Ok(()) = asked.recv() {
                let done = connection.checkpoint();
                lane::note_failure(&done, &failed);
                match done {
                    Ok(()) => copied.store(true, Ordering::Release),
                    // Nothing is lost: it stays in the log.
                    Err(error) => tracing::warn!(%error, "SQLite's log could not be copied"),
                }
            }
        });
        Ok((this, thread))
    }

    /// Whether the thread has copied the log since this was last asked. What was written meanwhile
    /// is little: once the writer has copied that too, the log begins anew.
    pub(super) fn take_copied(&self) -> bool {
        self.copied.load(Ordering::Relaxed) && self.copied.swap(false, Ordering::Acquire)
    }
}
