//! The servers that the application talks to, for a test of its own: mail, chat, object storage, a collector of
//! traces, Redis, PostgreSQL, PgBouncer.
//!
//! Each listens on a free port of the loopback and goes away with its value. None needs sleeping: what was said to
//! them is awaited. Chat and object storage are tasks of the test's runtime: a test that blocks its thread while they
//! are to answer wants `#[tokio::test(flavor = "multi_thread")]`. The mail server is a process.

mod certificates;
mod chat;
mod collector;
mod mail;
mod pooler;
mod postgres;
mod proxy;
mod redis;
mod s3;

use std::net::Ipv4Addr;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

pub use certificates::Certificates;
pub use chat::{ChatAnswer, ChatServer};
pub use collector::{Collector, CollectorAnswer, Span};
pub use mail::{Fate, MailServer};
pub use pooler::Pooler;
pub use postgres::PostgresServer;
pub use proxy::Proxy;
pub use redis::RedisServer;
pub use s3::S3Server;

/// A web server that ends with this value, and its connections with it.
struct Listening {
    port: u16,
    task: JoinHandle<()>,
}

impl Listening {
    async fn serve(router: Router) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        // Not `axum::serve`: its connections outlive it.
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(router.clone());
                let connection = http1::Builder::new();
                connections.spawn(connection.serve_connection(TokioIo::new(stream), service));
            }
        });
        Self { port, task }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::TryStreamExt;
    use lettre::message::MultiPart;
    use lettre::transport::smtp::authentication::Credentials;
    use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
    use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
    use object_store::path::Path;
    use object_store::{ObjectStore, ObjectStoreExt, PutMode, WriteMultipart};
    use serde_json::json;

    use super::*;

    type Client = AsyncSmtpTransport<Tokio1Executor>;

    fn mail(subject: &str) -> Message {
        let text = "Grüße\r\n.\r\nEnde".to_owned();
        let html = "<p>Grüße</p>".to_owned();
        Message::builder()
            .from("Parking <parking@example.org>".parse().unwrap())
            .to("Jörg <a@example.org>".parse().unwrap())
            .subject(subject)
            .multipart(MultiPart::alternative_plain_html(text, html))
            .unwrap()
    }

    #[tokio::test]
    async fn the_mail_server_does_what_it_is_told() {
        let mut server = MailServer::start().await;
        let client = Client::from_url(&server.url()).unwrap().build();
        assert!(server.received().await.is_empty());

        let long = "Überlang ".repeat(20);
        client.send(mail(&long)).await.unwrap();
        let first = server.next().await;
        assert_eq!((first.fate, first.from.as_str()), (Fate::Accepted, "parking@example.org"));
        assert_eq!((first.to.as_slice(), first.secure), (&["a@example.org".to_owned()][..], false));
        assert_eq!(first.header("subject").as_deref(), Some(long.trim_end()));
        assert_eq!(first.header("to").as_deref(), Some("Jörg <a@example.org>"));
        assert_eq!(first.header("list-id"), None);
        assert_eq!(first.text().as_deref(), Some("Grüße\r\n.\r\nEnde"));
        assert_eq!(first.html().as_deref(), Some("<p>Grüße</p>"));
        assert!(first.raw.starts_with("From: Parking"));

        server.behave(json!({ "mode": "refuse", "code": 451, "at": "rcpt" })).await;
        assert!(client.send(mail("refused")).await.unwrap_err().is_transient());
        server.behave(json!({ "mode": "cut" })).await;
        assert!(client.send(mail("cut")).await.is_err());
        server.behave(json!({ "mode": "down" })).await;
        assert!(client.send(mail("down")).await.is_err());
        server.behave(json!({ "mode": "accept" })).await;
        client.send(mail("again")).await.unwrap();
        server.behave(json!({ "mode": "stall", "at": "data" })).await;
        let stuck = tokio::spawn(async move { client.send(mail("stalled")).await });

        let refused = server.next_attempt().await;
        assert_eq!((refused.fate, refused.code, refused.at.as_str()), (Fate::Refused, 451, "rcpt"));
        let mut fates = Vec::new();
        for _ in 0..3 {
            fates.push(server.next().await.fate);
        }
        assert_eq!(fates, [Fate::Cut, Fate::Accepted, Fate::Stalled]);
        assert!(!stuck.is_finished());
        assert_eq!(server.received().await.len(), 4);
    }

    #[tokio::test]
    async fn the_mail_server_wants_tls_and_a_password() {
        let certificates = Certificates::new();
        for how in ["--tls", "--starttls"] {
            let account = ["--user", "parking", "--password", "secret"];
            let mut server = MailServer::encrypted(how, &certificates, &account).await;
            let client = |trust: bool, password: &str| {
                let mut tls = TlsParameters::builder("localhost".to_owned());
                if trust {
                    let authority = std::fs::read(certificates.authority()).unwrap();
                    tls = tls.add_root_certificate(Certificate::from_pem(&authority).unwrap());
                }
                let tls = tls.build().unwrap();
                Client::builder_dangerous("localhost")
                    .port(server.port())
                    .tls(if how == "--tls" { Tls::Wrapper(tls) } else { Tls::Required(tls) })
                    .credentials(Credentials::new("parking".to_owned(), password.to_owned()))
                    .build()
            };
            assert!(client(false, "secret").send(mail("untrusted")).await.is_err());
            let refusal = client(true, "wrong").send(mail("wrong")).await.unwrap_err();
            assert_eq!(refusal.status().map(u16::from), Some(535));
            client(true, "secret").send(mail("trusted")).await.unwrap();
            let message = server.next().await;
            assert_eq!((message.secure, message.user.as_str()), (true, "parking"), "{how}");
        }
    }

    #[tokio::test]
    async fn the_chat_server_answers_as_it_is_told() {
        let mut server = ChatServer::start().await;
        let webhook = server.webhook("lobby");
        let post = || {
            let webhook = webhook.clone();
            tokio::task::spawn_blocking(move || {
                let answer = ureq::post(&webhook).send_json(json!({ "text": "Hello" }))?;
                Ok::<_, ureq::Error>(answer.status().as_u16())
            })
        };
        assert!(matches!(post().await.unwrap(), Ok(200)));
        let first = server.next().await;
        assert_eq!(first.path, "/v1/spaces/lobby/messages?key=key&token=token");
        assert!(first.content_type.starts_with("application/json"));
        assert_eq!(first.body, json!({ "text": "Hello" }));

        server.answer(ChatAnswer::Refuse(429));
        assert!(matches!(post().await.unwrap(), Err(ureq::Error::StatusCode(429))));
        assert_eq!(server.redirects_followed(), 0);
        server.answer(ChatAnswer::Redirect);
        // `ureq` follows; the application must not.
        assert!(matches!(post().await.unwrap(), Ok(200)));
        assert_eq!((server.redirects_followed(), server.received().len()), (1, 3));

        server.answer(ChatAnswer::Stall);
        let stuck = post();
        for _ in 0..3 {
            server.next().await;
        }
        assert!(!stuck.is_finished());
        drop(server);
        assert!(stuck.await.unwrap().is_err(), "its connections end with it");
    }

    #[tokio::test]
    async fn the_s3_server_keeps_objects() {
        // `reqwest` wants it, encrypted or not.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let server = S3Server::start().await;
        let open = |bucket: &str, secret: &str| {
            object_store::aws::AmazonS3Builder::new()
                .with_endpoint(server.url())
                .with_allow_http(true)
                .with_region(S3Server::REGION)
                .with_bucket_name(bucket)
                .with_access_key_id(S3Server::ACCESS_KEY)
                .with_secret_access_key(secret)
                .with_retry(object_store::RetryConfig { max_retries: 0, ..Default::default() })
                .build()
                .unwrap()
        };
        let store = open(S3Server::BUCKET, S3Server::SECRET_KEY);
        let small = Path::from("exports/2026/small.csv");
        store.put(&small, "a,b\r\n".into()).await.unwrap();
        let again = store.put_opts(&small, "other".into(), PutMode::Create.into()).await;
        assert!(matches!(again, Err(object_store::Error::AlreadyExists { .. })), "{again:?}");

        let large = Path::from("exports/large.csv");
        let upload = store.put_multipart(&large).await.unwrap();
        let mut upload = WriteMultipart::new_with_chunk_size(upload, 5 << 20);
        for n in 0..6 {
            upload.write(&vec![n; 1 << 20]);
        }
        upload.finish().await.unwrap();
        let stream = store.get(&large).await.unwrap().into_stream();
        let bytes: usize =
            stream.map_ok(|part| part.len()).try_fold(0, async |a, b| Ok(a + b)).await.unwrap();
        assert_eq!(bytes, 6 << 20);
        let listed: Vec<_> =
            store.list(None).map_ok(|object| object.location).try_collect().await.unwrap();
        assert_eq!(listed.len(), 2);
        assert_eq!(server.objects(), ["exports/2026/small.csv", "exports/large.csv"]);

        let mut given_up = store.put_multipart(&Path::from("exports/half.csv")).await.unwrap();
        given_up.put_part(vec![0; 5 << 20].into()).await.unwrap();
        given_up.abort().await.unwrap();
        store.delete(&large).await.unwrap();
        assert_eq!(server.objects(), ["exports/2026/small.csv"]);

        let refused = open(S3Server::BUCKET, "wrong").get(&small).await.unwrap_err();
        assert!(matches!(refused, object_store::Error::PermissionDenied { .. }), "{refused:?}");
        let missing = open("other", S3Server::SECRET_KEY).put(&small, "x".into()).await;
        assert!(missing.unwrap_err().to_string().contains("NoSuchBucket"));
        server.fail_with(Some(503));
        assert!(store.get(&small).await.is_err());
        server.fail_with(None);
        store.get(&small).await.unwrap();
    }
}
