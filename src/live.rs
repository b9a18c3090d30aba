//! What listeners are told as it happens: server-sent events (the WHATWG HTML standard, section
//! 9.2). A message is rendered once and shared by all who listen.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use tokio::sync::{broadcast, watch};

const HEARTBEAT: Duration = Duration::from_secs(15);
/// Messages that may wait for a slow listener. One that falls further behind is cut off: it
/// connects again and reads the list anew.
const BACKLOG_MAX: usize = 256;

#[derive(Clone)]
pub struct Live {
    messages: broadcast::Sender<Bytes>,
    listeners: Arc<AtomicUsize>,
}

impl Default for Live {
    fn default() -> Self {
        Self { messages: broadcast::Sender::new(BACKLOG_MAX), listeners: Arc::default() }
    }
}

/// Counts a listener for as long as it listens.
struct Listener(Arc<AtomicUsize>);

impl Drop for Listener {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Live {
    /// Tells all listeners. `data` is one line.
    pub fn publish(&self, event: &str, data: &str) {
        // Without listeners there is nobody to tell.
        let _ = self.messages.send(Bytes::from(format!("event: {event}\ndata: {data}\n\n")));
    }

    #[must_use]
    pub fn listeners(&self) -> usize {
        self.listeners.load(Ordering::Relaxed)
    }

    /// A stream of events until the client goes away, falls behind or `shutdown` turns true. `held`
    /// is dropped as it ends.
    #[must_use]
    pub fn respond(&self, shutdown: watch::Receiver<bool>, held: impl Send + 'static) -> Response {
        self.listeners.fetch_add(1, Ordering::Relaxed);
        let listener = (Listener(self.listeners.clone()), held);
        let state = (self.messages.subscribe(), shutdown, listener);
        // The first bytes tell the client, and any proxy between, that the stream is open.
        let hello = futures_util::stream::iter([Ok(Bytes::from_static(b"retry: 2000\n\n"))]);
        let events =
            futures_util::stream::unfold(state, |(mut messages, mut shutdown, listener)| async {
                let message = tokio::select! {
                    message = messages.recv() => message.ok()?,
                    () = tokio::time::sleep(HEARTBEAT) => Bytes::from_static(b": heartbeat\n\n"),
                    () = ended(&mut shutdown) => return None,
                };
                Some((Ok::<_, Infallible>(message), (messages, shutdown, listener)))
            });
        let body = Body::from_stream(futures_util::StreamExt::chain(hello, events));
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        // Proxies that buffer would hold events back.
        headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
        response
    }
}

/// Resolves when `shutdown` has turned true.
pub async fn ended(shutdown: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which is an end as well.
    let _ = shutdown.wait_for(|down| *down).await;
}
