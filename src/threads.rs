//! Threads with a name, and which of them goes first.

use std::thread::{Builder, JoinHandle};

/// A tenth of the processor of a thread that answers requests, where they compete for it.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// # Panics
/// When the system starts no more threads: without them there is no program.
#[expect(clippy::expect_used, reason = "see above")]
pub fn spawn(name: impl Into<String>, body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    Builder::new().name(name.into()).spawn(body).expect("a thread can be started")
}

/// Lets other threads have the processor first from now on. Linux counts niceness by thread; where
/// only whole processes have one, nothing is changed.
pub fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
        tracing::warn!(%error, "a thread in the background runs with the priority of requests");
    }
}
