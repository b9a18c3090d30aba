//! What a request or a job did and how long each part of it took, told to a collector of
//! OpenTelemetry.
//!
//! [`Traces::begin`] begins a trace or continues a caller's; [`within`] does something in it, and
//! what is done there notes itself by [`part`], or by [`Queued`] where it waits for a thread.
//! Outside of a trace that is recorded, and so without a collector, both do nothing. `context.rs`
//! says which traces are recorded, `export.rs` sends them, `otlp.rs` is how they are written.
//!
//! A span names kinds, routes and numbers, never people, plates, addresses or secrets: the
//! collector is somebody else's.

pub mod context;
mod export;
mod otlp;
mod queued;
pub mod settings;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::Either;
use tracing::Instrument;

use crate::clock::Clock;
use crate::ids;
use context::Parent;
pub use export::Counts;
use export::Exporter;
use otlp::{KeyValue, Status};
pub use otlp::{Kind, Value};
pub use queued::{Place, Queued};
use settings::Settings;

/// Where traces begin: cheap to clone.
#[derive(Clone)]
pub struct Traces(Arc<Inner>);

struct Inner {
    settings: Settings,
    clock: Clock,
    exporter: Exporter,
}

tokio::task_local! {
    /// Unset where nothing is recorded.
    static HERE: Here;
}

/// A place in a trace.
#[derive(Clone)]
struct Here {
    traces: Traces,
    trace: u128,
    /// The span that parts are parts of.
    span: u64,
    since: Since,
}

/// An instant by both clocks, so that all times of a trace fit together.
#[derive(Clone, Copy)]
struct Since {
    instant: Instant,
    unix_nanos: u64,
}

impl Traces {
    /// # Errors
    /// What stops the start, in words.
    pub fn open(settings: &Settings, clock: Clock, counts: Counts) -> Result<Self, String> {
        let instance = ids::new_id(clock.now()).to_string();
        let resource = vec![
            KeyValue::new("service.name", settings.service.as_str().into()),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION").into()),
            KeyValue::new("service.instance.id", instance.as_str().into()),
        ];
        let exporter = Exporter::start(settings, resource, counts)?;
        Ok(Self(Arc::new(Inner { settings: settings.clone(), clock, exporter })))
    }

    /// The first span of a trace in this process; `None`: the trace is not recorded.
    #[must_use]
    pub fn begin(
        &self,
        kind: Kind,
        parent: Option<Parent>,
        name: impl FnOnce() -> String,
    ) -> Option<Span> {
        let trace =
            parent.map_or_else(|| u128::from(new_id()) << 64 | u128::from(new_id()), |p| p.trace);
        if !self.0.settings.sampler.takes(trace, parent) {
            return None;
        }
        let micros = self.0.clock.now().as_microsecond();
        let unix_nanos = u64::try_from(micros).unwrap_or_default().saturating_mul(1000);
        let since = Since { instant: Instant::now(), unix_nanos };
        let above = parent.map_or(0, |parent| parent.span);
        let here = Here { traces: self.clone(), trace, span: above, since };
        Some(here.open(name(), kind, since.instant, parent.is_some()))
    }

    /// Has what is noted so far sent at once; nothing is taken any more.
    pub fn end(&self) {
        self.0.exporter.end();
    }

    /// [`Traces::end`], and waits a moment for the collector.
    pub fn close(&self) {
        self.end();
        self.0.exporter.wait_for_end();
    }
}

impl Here {
    /// A span below this place.
    fn open(&self, name: impl Into<String>, kind: Kind, from: Instant, is_remote: bool) -> Span {
        /// Of the trace: it is recorded.
        const SAMPLED: u32 = 1;
        /// It is known whether the parent is in another process, and it is.
        const KNOWN: u32 = 1 << 8;
        const REMOTE: u32 = 1 << 9;
        let span = new_id();
        let is_first = self.span == 0;
        let data = otlp::Span {
            trace_id: self.trace.to_be_bytes().into(),
            id: span.to_be_bytes().into(),
            parent_span_id: if is_first { Vec::new() } else { self.span.to_be_bytes().into() },
            name: name.into(),
            kind: kind.into(),
            start_time_unix_nano: self.since.at(from),
            flags: SAMPLED | KNOWN | if is_remote { REMOTE } else { 0 },
            ..otlp::Span::default()
        };
        Span(Box::new(Open { here: Self { span, ..self.clone() }, data }))
    }
}

impl Since {
    fn at(self, instant: Instant) -> u64 {
        let nanos = instant.saturating_duration_since(self.instant).as_nanos();
        self.unix_nanos.saturating_add(u64::try_from(nanos).unwrap_or_default())
    }
}

/// Zero is no id. Source: W3C Trace Context, section 3.2.2.
fn new_id() -> u64 {
    let mut bytes = [0; 8];
    ids::fill(&mut bytes);
    u64::from_ne_bytes(bytes).max(1)
}

/// A part of a trace from its beginning until it is dropped.
pub struct Span(Box<Open>);

struct Open {
    here: Here,
    data: otlp::Span,
}

impl Span {
    /// Notes something about it that says nothing of people.
    pub fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.0.data.attributes.push(KeyValue::new(name, value.into()));
    }

    /// It failed, by a word for the kind of failure.
    pub fn failed(&mut self, kind: &str) {
        self.0.data.status = Some(Status::ERROR);
        self.set("error.type", kind);
    }

    /// It ended then, not as it is dropped.
    fn end_at(&mut self, instant: Instant) {
        self.0.data.end_time_unix_nano = self.0.here.since.at(instant);
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.0.data.end_time_unix_nano == 0 {
            self.end_at(Instant::now());
        }
        self.0.here.traces.0.exporter.hand_in(std::mem::take(&mut self.0.data));
    }
}

/// A part of what is being done here; `None` where nothing is recorded.
#[must_use]
pub fn part(name: &str, kind: Kind) -> Option<Span> {
    HERE.try_with(|here| here.open(name, kind, Instant::now(), false)).ok()
}

/// Does something in a span: what it does are parts of that, and its log lines name the trace.
pub fn within<F: Future>(span: Option<&Span>, work: F) -> impl Future<Output = F::Output> + use<F> {
    at(span.map(|span| span.0.here.clone()), work)
}

/// [`within`] the span of here, for a task of its own.
pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> + use<F> {
    at(HERE.try_with(Here::clone).ok(), work)
}

fn at<F: Future>(here: Option<Here>, work: F) -> impl Future<Output = F::Output> + use<F> {
    match here {
        None => Either::Left(work),
        Some(here) => {
            // An error's level, so that whatever is logged bears it.
            let id = format_args!("{:032x}", here.trace);
            let log = tracing::error_span!("trace", id = %id);
            Either::Right(HERE.scope(here, work.instrument(log)))
        }
    }
}
