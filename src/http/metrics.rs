//! Counters in the Prometheus text format.

use std::collections::HashMap;
use std::sync::RwLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::app::App;
use crate::jobs::TaskStatus;
use crate::traces;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    method: &'static str,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Route {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Jobs {
    kind: String,
    status: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Attempts {
    kind: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct By {
    by: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Kind {
    kind: &'static str,
}

/// What is counted.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    connections: Gauge,
    connections_refused: Counter,
    listeners: Gauge,
    queued_commands: Gauge,
    heavy_reads: Family<By, Counter>,
    standby_wait_seconds: Counter<f64, AtomicU64>,
    jobs: Family<Jobs, Gauge>,
    job_attempts: Family<Attempts, Counter>,
    job_wait_seconds: Family<Kind, Histogram, fn() -> Histogram>,
    job_seconds: Family<Kind, Histogram, fn() -> Histogram>,
    pub spans: traces::Counts,
}

impl Default for Metrics {
    fn default() -> Self {
        const JOB_BUCKETS: [f64; 8] = [0.01, 0.1, 0.5, 1.0, 5.0, 30.0, 300.0, 3600.0];
        const BUCKETS: [f64; 10] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1.0, 5.0];
        let mut registry = Registry::with_prefix("parking");
        let requests = Family::<Request, Counter>::default();
        let seconds: Family<Route, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BUCKETS));
        let (connections, listeners, queued_commands) =
            (Gauge::default(), Gauge::default(), Gauge::default());
        registry.register("http_requests", "Requests answered", requests.clone());
        registry.register("http_request_seconds", "Time to the answer", seconds.clone());
        registry.register("http_connections", "Open connections", connections.clone());
        let connections_refused = Counter::default();
        let help = "Connections closed at once: their address had as many as it may";
        registry.register("http_connections_refused", help, connections_refused.clone());
        registry.register("event_listeners", "Open event streams", listeners.clone());
        let help = "Commands that wait to be written";
        registry.register("queued_commands", help, queued_commands.clone());
        let (heavy_reads, standby_wait_seconds) = (Family::default(), Counter::default());
        let help = "Heavy questions, by whether the standby or the primary answered";
        registry.register("heavy_reads", help, heavy_reads.clone());
        let help = "Time that heavy questions waited for a standby to be ready";
        registry.register("standby_wait_seconds", help, standby_wait_seconds.clone());
        let (jobs, job_attempts) = (Family::default(), Family::default());
        let job_wait_seconds =
            Family::<_, Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new(JOB_BUCKETS)
            });
        let job_seconds = Family::<_, Histogram, fn() -> Histogram>::new_with_constructor(|| {
            Histogram::new(JOB_BUCKETS)
        });
        registry.register("jobs", "Jobs there are", jobs.clone());
        registry.register("job_attempts", "Attempts at jobs that ended", job_attempts.clone());
        let help = "Time from when a job was due to its start";
        registry.register("job_wait_seconds", help, job_wait_seconds.clone());
        registry.register("job_seconds", "Time of an attempt at a job", job_seconds.clone());
        let spans = traces::Counts::default();
        registry.register("spans_sent", "Spans of traces sent", spans.sent.clone());
        let help = "Spans of traces that no collector took";
        registry.register("spans_dropped", help, spans.dropped.clone());
        Self {
            registry,
            requests,
            seconds,
            connections,
            connections_refused,
            listeners,
            queued_commands,
            heavy_reads,
            standby_wait_seconds,
            jobs,
            job_attempts,
            job_wait_seconds,
            job_seconds,
            spans,
        }
    }
}

/// What is counted of one route.
pub struct RouteMetrics {
    route: String,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    /// Counters of the methods and statuses that were answered so far.
    seen: RwLock<HashMap<(&'static str, u16), Counter>>,
}

impl RouteMetrics {
    /// The path as it is documented, or `other`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.route
    }

    pub fn answered(&self, method: &'static str, status: u16, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
        let key = (method, status);
        let known = self.seen.read().ok().and_then(|seen| seen.get(&key).map(Counter::inc));
        if known.is_none()
            && let Ok(mut seen) = self.seen.write()
        {
            let labels = Request { method, route: self.route.clone(), status };
            let counter = self.requests.get_or_create(&labels).clone();
            counter.inc();
            seen.insert(key, counter);
        }
    }
}

/// Counts a connection for as long as it is open.
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    /// What is counted of one route, kept at hand: to find it by its labels each time costs more
    /// than to count.
    #[must_use]
    pub fn route(&self, route: &str) -> RouteMetrics {
        RouteMetrics {
            route: route.to_owned(),
            requests: self.requests.clone(),
            seconds: self.seconds.get_or_create(&Route { route: route.to_owned() }).clone(),
            seen: RwLock::default(),
        }
    }

    #[must_use]
    pub fn connection(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A job was started so long after it was due.
    pub fn job_waited(&self, kind: &'static str, waited: SignedDuration) {
        self.job_wait_seconds.get_or_create(&Kind { kind }).observe(waited.as_secs_f64().max(0.0));
    }

    /// An attempt at a job ended: `succeeded`, `retried` or `failed`.
    pub fn job_ended(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.job_attempts.get_or_create(&Attempts { kind, outcome }).inc();
        self.job_seconds.get_or_create(&Kind { kind }).observe(took.as_secs_f64());
    }

    /// Everything as text; `jobs` says how many there are by kind and status.
    #[must_use]
    pub fn render(&self, app: &App, jobs: Vec<(String, TaskStatus, i64)>) -> String {
        self.jobs.clear();
        for (kind, status, count) in jobs {
            self.jobs.get_or_create(&Jobs { kind, status: status.as_str() }).set(count);
        }
        let count = |number| i64::try_from(number).unwrap_or(i64::MAX);
        self.listeners.set(count(app.live.listeners()));
        self.queued_commands.set(count(app.db.queued_commands()));
        if let Some(surveyed) = app.db.surveyed() {
            for (by, count) in [("standby", surveyed.by_standby), ("primary", surveyed.by_primary)]
            {
                let counter = self.heavy_reads.get_or_create(&By { by });
                counter.inner().store(count, Ordering::Relaxed);
            }
            let waited = surveyed.waited_seconds.to_bits();
            self.standby_wait_seconds.inner().store(waited, Ordering::Relaxed);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}
