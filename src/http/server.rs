//! The accept loop. `axum::serve` never closes a connection that sends its headers slowly, and
//! waits for it when asked to end; this one has a limit for each.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::Service;
use super::per_address::PerAddress;
use crate::app::App;

/// How long the headers of a request may take to arrive.
const HEADER_SECONDS_MAX: u64 = 10;
/// How long accepted requests may take to end once the process is asked to.
const DRAIN_SECONDS_MAX: u64 = 8;
/// How often it is looked whether storage has failed.
const FAILURE_CHECK: Duration = Duration::from_millis(200);

/// Why serving ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// As asked.
    Asked,
    /// Storage cannot be trusted any more.
    StorageFailed,
}

/// Serves until `stop` resolves or storage fails, then lets accepted requests end.
pub async fn serve(
    app: App,
    listener: TcpListener,
    service: Service,
    stop: impl Future<Output = ()>,
) -> End {
    let permits = Arc::new(Semaphore::new(app.config.connections_max));
    let addresses = PerAddress::new(app.config.connections_per_address_max);
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    let mut failure_check = tokio::time::interval(FAILURE_CHECK);
    let end = loop {
        let permit = tokio::select! {
            () = &mut stop => break End::Asked,
            permit = permits.clone().acquire_owned() => permit,
        };
        let accepted = loop {
            tokio::select! {
                () = &mut stop => break None,
                _ = failure_check.tick() => if app.db.has_failed() { break None },
                accepted = listener.accept() => break Some(accepted),
            }
        };
        match accepted {
            None if app.db.has_failed() => break End::StorageFailed,
            None => break End::Asked,
            Some(Ok((stream, peer))) => {
                let held = addresses.take(peer.ip());
                // A proxy's connections are those of many people.
                if held.is_none() && !app.config.trusts(peer.ip()) {
                    // It is closed at once: whoever stalls would stall an answer as well.
                    app.metrics.connection_refused();
                    continue;
                }
                let connection = handle(service.clone(), stream, peer);
                let connection = connections.watch(connection);
                let counted = app.metrics.connection();
                tokio::spawn(async move {
                    let _held = (permit, held, counted);
                    // A client that breaks off is no error of ours.
                    let _ = connection.await;
                });
            }
            // Out of file descriptors, most likely: wait for connections to end.
            Some(Err(error)) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    };
    drop(listener);
    app.shut_down();
    let drain = Duration::from_secs(DRAIN_SECONDS_MAX);
    if tokio::time::timeout(drain, connections.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time and are cut");
    }
    end
}

fn handle(
    service: Service,
    stream: TcpStream,
    peer: SocketAddr,
) -> impl GracefulConnection<Error = hyper::Error> + use<> {
    // Answers are small and whole: waiting to fill a packet only delays them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let service = service.clone();
        async move { Ok::<_, Infallible>(service.answer(request, peer).await) }
    });
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(HEADER_SECONDS_MAX))
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(stream), service)
}
