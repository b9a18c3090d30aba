//! Stands in for <https://chat.googleapis.com>: its webhooks take a message as JSON.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::Listening;

pub struct ChatServer {
    listening: Listening,
    desk: Arc<Desk>,
    posts: UnboundedReceiver<Post>,
}

#[derive(Debug, Clone)]
pub struct Post {
    /// With the query.
    pub path: String,
    pub content_type: String,
    pub body: Value,
}

#[derive(Debug, Clone, Copy)]
pub enum ChatAnswer {
    Accept,
    Refuse(u16),
    /// 302 to another path of this server.
    Redirect,
    /// Never answers.
    Stall,
}

struct Desk {
    seen: Mutex<Seen>,
    arrived: UnboundedSender<Post>,
}

struct Seen {
    answer: ChatAnswer,
    posts: Vec<Post>,
    redirects_followed: usize,
}

impl Desk {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap()
    }
}

impl ChatServer {
    pub async fn start() -> Self {
        let (arrived, posts) = unbounded_channel();
        let seen = Seen { answer: ChatAnswer::Accept, posts: Vec::new(), redirects_followed: 0 };
        let desk = Arc::new(Desk { seen: Mutex::new(seen), arrived });
        let router = Router::new()
            .route("/v1/spaces/{space}/messages", post(take))
            .route("/elsewhere", any(redirected))
            .with_state(Arc::clone(&desk));
        Self { listening: Listening::serve(router).await, desk, posts }
    }

    /// The address of a space, in the form of the real ones.
    pub fn webhook(&self, space: &str) -> String {
        format!("{}/v1/spaces/{space}/messages?key=key&token=token", self.listening.url())
    }

    /// How it answers from now on.
    pub fn answer(&self, answer: ChatAnswer) {
        self.desk.seen().answer = answer;
    }

    /// The next post, however it was answered.
    pub async fn next(&mut self) -> Post {
        self.posts.recv().await.expect("this server holds the other end")
    }

    /// Every post so far, those from `next` too.
    pub fn received(&self) -> Vec<Post> {
        self.desk.seen().posts.clone()
    }

    pub fn redirects_followed(&self) -> usize {
        self.desk.seen().redirects_followed
    }
}

async fn take(
    State(desk): State<Arc<Desk>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let content_type = headers[header::CONTENT_TYPE].to_str().unwrap().to_owned();
    let post = Post { path: uri.to_string(), content_type, body };
    let answer = {
        let mut seen = desk.seen();
        seen.posts.push(post.clone());
        seen.answer
    };
    let _ = desk.arrived.send(post);
    match answer {
        ChatAnswer::Accept => Json(json!({ "name": "spaces/lobby/messages/1.1" })).into_response(),
        ChatAnswer::Refuse(status) => {
            let error = json!({ "error": { "code": status, "message": "refused as told" } });
            (StatusCode::from_u16(status).unwrap(), Json(error)).into_response()
        }
        ChatAnswer::Redirect => {
            (StatusCode::FOUND, [(header::LOCATION, "/elsewhere")]).into_response()
        }
        ChatAnswer::Stall => std::future::pending().await,
    }
}

async fn redirected(State(desk): State<Arc<Desk>>) {
    desk.seen().redirects_followed += 1;
}
