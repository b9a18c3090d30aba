//! Stands in for a collector of OpenTelemetry: takes traces by HTTP, read with the types of the OpenTelemetry project.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1;
use prost::Message;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Listening;

pub struct Collector {
    listening: Listening,
    desk: Arc<Desk>,
    posts: UnboundedReceiver<Vec<Span>>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Copy)]
pub enum CollectorAnswer {
    Accept,
    /// 200, but none of the spans is taken.
    Reject,
    Refuse(u16),
    /// Never answers.
    Stall,
}

struct Desk {
    answer: Mutex<CollectorAnswer>,
    raw: Mutex<Vec<Bytes>>,
    headers: Mutex<HeaderMap>,
    arrived: UnboundedSender<Vec<Span>>,
}

/// A span with what its resource says.
#[derive(Debug, Clone)]
pub struct Span {
    pub service: String,
    pub data: v1::Span,
}

fn value(attributes: &[KeyValue], name: &str) -> Option<String> {
    let found = attributes.iter().find(|attribute| attribute.key == name)?;
    match found.value.as_ref()?.value.as_ref()? {
        Value::StringValue(text) => Some(text.clone()),
        Value::IntValue(number) => Some(number.to_string()),
        other => panic!("{name} is {other:?}"),
    }
}

impl Span {
    pub fn name(&self) -> &str {
        &self.data.name
    }

    /// An attribute as text.
    pub fn value(&self, name: &str) -> Option<String> {
        value(&self.data.attributes, name)
    }

    pub fn number(&self, name: &str) -> i64 {
        self.value(name).unwrap_or_else(|| panic!("no {name} in {self:?}")).parse().unwrap()
    }

    /// Whether it is part of `other`.
    pub fn is_in(&self, other: &Self) -> bool {
        self.data.trace_id == other.data.trace_id
            && self.data.parent_span_id == other.data.span_id
            && self.data.start_time_unix_nano >= other.data.start_time_unix_nano
            && self.data.end_time_unix_nano <= other.data.end_time_unix_nano
            && self.data.end_time_unix_nano >= self.data.start_time_unix_nano
    }

    pub fn has_failed(&self) -> bool {
        self.data.status.as_ref().is_some_and(|status| status.code == 2)
    }
}

impl Collector {
    pub async fn start() -> Self {
        let (arrived, posts) = unbounded_channel();
        let desk = Arc::new(Desk {
            answer: Mutex::new(CollectorAnswer::Accept),
            raw: Mutex::default(),
            headers: Mutex::default(),
            arrived,
        });
        let router = Router::new().route("/v1/traces", post(take)).with_state(Arc::clone(&desk));
        Self { listening: Listening::serve(router).await, desk, posts, spans: Vec::new() }
    }

    pub fn url(&self) -> String {
        self.listening.url()
    }

    /// How it answers from now on.
    pub fn answer(&self, answer: CollectorAnswer) {
        *self.desk.answer.lock().unwrap() = answer;
    }

    /// Waits for a span of this name; one that arrived before is found too.
    pub async fn span(&mut self, name: &str) -> Span {
        loop {
            if let Some(found) = self.spans.iter().find(|span| span.name() == name) {
                return found.clone();
            }
            self.next_post().await;
        }
    }

    /// Waits for the next message.
    pub async fn next_post(&mut self) {
        self.spans.extend(self.posts.recv().await.expect("this server holds the other end"));
    }

    /// All that has arrived.
    pub fn received(&mut self) -> Vec<Span> {
        while let Ok(spans) = self.posts.try_recv() {
            self.spans.extend(spans);
        }
        self.spans.clone()
    }

    /// The messages as they came.
    pub fn raw(&self) -> Vec<Bytes> {
        self.desk.raw.lock().unwrap().clone()
    }

    /// A header of the last message.
    pub fn header(&self, name: &str) -> String {
        self.desk.headers.lock().unwrap()[name].to_str().unwrap().to_owned()
    }
}

async fn take(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> Response {
    let request = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let mut spans = Vec::new();
    for of_resource in request.resource_spans {
        let service = value(&of_resource.resource.unwrap().attributes, "service.name").unwrap();
        let all = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.extend(all.map(|data| Span { service: service.clone(), data }));
    }
    let rejected_spans = i64::try_from(spans.len()).unwrap();
    desk.raw.lock().unwrap().push(body);
    *desk.headers.lock().unwrap() = headers;
    let answer = *desk.answer.lock().unwrap();
    let _ = desk.arrived.send(spans);
    let partial_success = match answer {
        CollectorAnswer::Accept => None,
        CollectorAnswer::Reject => {
            Some(ExportTracePartialSuccess { rejected_spans, error_message: "as told".into() })
        }
        CollectorAnswer::Refuse(status) => {
            return StatusCode::from_u16(status).unwrap().into_response();
        }
        CollectorAnswer::Stall => std::future::pending().await,
    };
    let body = ExportTraceServiceResponse { partial_success }.encode_to_vec();
    ([(header::CONTENT_TYPE, "application/x-protobuf")], body).into_response()
}
