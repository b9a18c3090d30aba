//! Bytes that are ready to be sent.

use std::hash::{DefaultHasher, Hasher as _};
use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

/// An answer that is ready to be sent.
pub struct Answer {
    pub etag: Bytes,
    pub plain: Bytes,
    gzip: OnceLock<Bytes>,
    asked_before: AtomicBool,
}

impl Answer {
    pub(super) fn new(plain: Bytes) -> Self {
        Self {
            etag: etag(&plain),
            plain,
            gzip: OnceLock::new(),
            asked_before: AtomicBool::new(false),
        }
    }

    /// The compressed bytes, from the second time they are asked for: under many changes an answer
    /// is asked for once, and compressing it would cost more than sending it.
    #[must_use]
    pub fn gzip(&self) -> Option<&Bytes> {
        const WORTH_BYTES: usize = 1024;
        if self.plain.len() < WORTH_BYTES || !self.asked_before.swap(true, Ordering::Relaxed) {
            return None;
        }
        Some(self.gzip.get_or_init(|| {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            let written = encoder.write_all(&self.plain).and_then(|()| encoder.finish());
            written.map(Bytes::from).unwrap_or_default()
        }))
    }
}

/// The same at every server that has the same to say, before a restart and after it.
fn etag(body: &[u8]) -> Bytes {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    Bytes::from(format!("W/\"{:016x}\"", hasher.finish()))
}
