//! Object storage that speaks S3 and checks signatures: `s3s-fs` on a folder of its own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use tempfile::TempDir;
use tower::ServiceExt;

use super::Listening;
use crate::harness::TestApp;

pub struct S3Server {
    listening: Listening,
    folder: TempDir,
    failure: Arc<AtomicU16>,
}

impl S3Server {
    pub const BUCKET: &str = "parking";
    pub const REGION: &str = "eu-central-1";
    pub const ACCESS_KEY: &str = "access";
    pub const SECRET_KEY: &str = "secret";

    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(Self::BUCKET)).unwrap();
        let mut service =
            S3ServiceBuilder::new(s3s_fs::FileSystem::new(folder.path()).expect("a folder"));
        service.set_auth(SimpleAuth::from_single(Self::ACCESS_KEY, Self::SECRET_KEY));
        service.set_access(OneBucket);
        let failure = Arc::new(AtomicU16::new(0));
        let state = (service.build(), Arc::clone(&failure));
        let router = Router::new().fallback(answer).with_state(state);
        Self { listening: Listening::serve(router).await, folder, failure }
    }

    /// The endpoint. Buckets are part of the path.
    pub fn url(&self) -> String {
        self.listening.url()
    }

    /// An application that keeps its exports here, below a prefix that begins with a slash or is
    /// empty.
    pub async fn app(&self, prefix: &str, access_key: &str) -> TestApp {
        TestApp::with(&[
            ("EXPORTS_URL", &format!("s3://{}{prefix}", Self::BUCKET)),
            ("AWS_ENDPOINT", &self.url()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", Self::REGION),
            ("AWS_ACCESS_KEY_ID", access_key),
            ("AWS_SECRET_ACCESS_KEY", Self::SECRET_KEY),
        ])
        .await
    }

    /// Answers every request with this status, until it is `None`.
    pub fn fail_with(&self, status: Option<u16>) {
        self.failure.store(status.unwrap_or_default(), Ordering::Relaxed);
    }

    /// The keys that it keeps, in order.
    pub fn objects(&self) -> Vec<String> {
        let mut keys = Vec::new();
        collect(&self.folder.path().join(Self::BUCKET), "", &mut keys);
        keys.sort();
        keys
    }
}

fn collect(folder: &Path, prefix: &str, keys: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let key = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            collect(&entry.path(), &format!("{key}/"), keys);
        } else {
            keys.push(key);
        }
    }
}

async fn answer(
    State((service, failure)): State<(S3Service, Arc<AtomicU16>)>,
    request: Request,
) -> Response {
    match failure.load(Ordering::Relaxed) {
        0 => service.oneshot(request).await.expect("an answer").map(Body::new),
        status => StatusCode::from_u16(status).unwrap().into_response(),
    }
}

/// `s3s-fs` would make a missing bucket; S3 does not.
struct OneBucket;

#[async_trait::async_trait]
impl S3Access for OneBucket {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> s3s::S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3s::s3_error!(AccessDenied));
        }
        match request.s3_path().get_bucket_name() {
            Some(S3Server::BUCKET) => Ok(()),
            _ => Err(s3s::s3_error!(NoSuchBucket)),
        }
    }
}
