//! The way of ended spans to the collector: a bounded queue, and a thread that sends what is in it
//! by HTTP. Nobody waits for either: what does not fit is dropped, and counted.

use std::sync::{Mutex, OnceLock, mpsc as threads_mpsc};
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prost::Message;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use tokio::sync::{mpsc, oneshot};

use super::otlp::{
    ExportAnswer, ExportRequest, KeyValue, Resource, ResourceSpans, Scope, ScopeSpans, Span,
};
use super::settings::Settings;
use crate::threads;

/// Spans that may wait: some megabytes.
const QUEUE_SPANS_MAX: usize = 4096;
/// Spans in one message to the collector.
const BATCH_SPANS_MAX: usize = 512;
/// How long a span waits for others to go with it.
const GATHER: Duration = Duration::from_secs(1);
/// How long the collector may take for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long the end of the process waits for the collector.
const FLUSH_WITHIN: Duration = Duration::from_secs(1);
const WARN_EVERY: Duration = Duration::from_mins(1);

/// What became of the spans.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    pub sent: Counter,
    pub dropped: Counter,
}

pub(super) struct Exporter {
    queue: mpsc::Sender<Span>,
    counts: Counts,
    end: Mutex<Option<oneshot::Sender<()>>>,
    end_until: OnceLock<Instant>,
    /// Closed by the thread's end.
    ended: Mutex<threads_mpsc::Receiver<()>>,
}

impl Exporter {
    /// # Errors
    /// When the system's certificates cannot be used or no thread can be had.
    pub(super) fn start(
        settings: &Settings,
        resource: Vec<KeyValue>,
        counts: Counts,
    ) -> Result<Self, String> {
        crate::tls::choose();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(ANSWER_WITHIN)
            .no_proxy()
            .build()
            .map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| error.to_string())?;
        let (queue, waiting) = mpsc::channel(QUEUE_SPANS_MAX);
        let (end, asked) = oneshot::channel();
        let (ending, ended) = threads_mpsc::channel();
        let mut sender = Sender {
            client,
            settings: settings.clone(),
            resource: Resource { attributes: resource },
            counts: counts.clone(),
            told: 0,
            told_at: None,
        };
        threads::spawn("traces", move || {
            threads::give_way();
            runtime.block_on(sender.send_all(waiting, asked));
            drop(ending);
        });
        Ok(Self {
            queue,
            counts,
            end: Mutex::new(Some(end)),
            end_until: OnceLock::new(),
            ended: Mutex::new(ended),
        })
    }

    pub(super) fn hand_in(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.counts.dropped.inc();
        }
    }

    /// Has what is queued sent at once; no more is taken.
    pub(super) fn end(&self) {
        if let Some(end) = self.end.lock().ok().and_then(|mut end| end.take()) {
            let _ = self.end_until.set(Instant::now() + FLUSH_WITHIN);
            // The thread only ends when asked.
            let _ = end.send(());
        }
    }

    /// Waits for what [`Exporter::end`] began, until a moment after that.
    pub(super) fn wait_for_end(&self) {
        if let (Ok(ended), Some(until)) = (self.ended.lock(), self.end_until.get()) {
            let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }
}

struct Sender {
    client: reqwest::Client,
    settings: Settings,
    resource: Resource,
    counts: Counts,
    /// How many dropped spans the log knows of, and since when.
    told: u64,
    told_at: Option<Instant>,
}

impl Sender {
    async fn send_all(
        &mut self,
        mut waiting: mpsc::Receiver<Span>,
        mut asked: oneshot::Receiver<()>,
    ) {
        let mut batch = Vec::new();
        loop {
            // Once it is closed, it is empty at some time, and the batch too.
            let gather = async {
                if waiting.recv_many(&mut batch, BATCH_SPANS_MAX).await > 0 {
                    let more = async {
                        while batch.len() < BATCH_SPANS_MAX {
                            let room = BATCH_SPANS_MAX - batch.len();
                            if waiting.recv_many(&mut batch, room).await == 0 {
                                break;
                            }
                        }
                    };
                    let _ = tokio::time::timeout(GATHER, more).await;
                }
            };
            tokio::select! {
                () = gather => {}
                _ = &mut asked, if !asked.is_terminated() => waiting.close(),
            }
            if batch.is_empty() && waiting.is_closed() {
                return;
            }
            let spans = std::mem::take(&mut batch);
            if !spans.is_empty() {
                self.send(spans).await;
            }
        }
    }

    async fn send(&mut self, spans: Vec<Span>) {
        let count = u64::try_from(spans.len()).unwrap_or(u64::MAX);
        let (refused, reason) = match self.post(spans).await {
            Ok(0) => (0, "they came faster than the collector takes them".to_owned()),
            Ok(refused) => (refused.min(count), "the collector refused them".to_owned()),
            Err(reason) => (count, reason),
        };
        self.counts.sent.inc_by(count - refused);
        self.counts.dropped.inc_by(refused);
        let dropped = self.counts.dropped.get();
        let is_time = self.told_at.is_none_or(|at| at.elapsed() >= WARN_EVERY);
        if dropped > self.told && is_time {
            tracing::warn!(spans = dropped - self.told, reason, "spans of traces were dropped");
            (self.told, self.told_at) = (dropped, Some(Instant::now()));
        }
    }

    /// Gives how many of them the collector refused.
    async fn post(&self, spans: Vec<Span>) -> Result<u64, String> {
        let scope = Scope { name: env!("CARGO_PKG_NAME").to_owned() };
        let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
        let resource = Some(self.resource.clone());
        let request =
            ExportRequest { resource_spans: vec![ResourceSpans { resource, scope_spans }] };
        let answer = self
            .client
            .post(self.settings.endpoint.clone())
            .headers(self.settings.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"))
            .body(request.encode_to_vec())
            .send()
            .await
            .map_err(in_words)?;
        let status = answer.status();
        if !status.is_success() {
            return Err(format!("the collector answered {status}"));
        }
        let body = answer.bytes().await.map_err(in_words)?;
        // Whoever answers something else has taken them all the same.
        let partial = ExportAnswer::decode(body).unwrap_or_default().partial_success;
        Ok(partial.map_or(0, |partial| partial.rejected_spans.max(0).unsigned_abs()))
    }
}

/// Without the address, which may hold a password.
#[expect(clippy::needless_pass_by_value, reason = "as `map_err` wants it")]
fn in_words(error: reqwest::Error) -> String {
    if error.is_timeout() {
        "the collector did not answer in time".into()
    } else if error.is_connect() {
        "the collector cannot be reached".into()
    } else {
        "the connection to the collector broke off".into()
    }
}
