//! A way to a server that can be cut, and that counts who waits for whom.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Ends with this value, and the connections with it.
pub struct Proxy {
    pub port: u16,
    connections: Arc<Mutex<JoinSet<()>>>,
    round_trips: Arc<AtomicUsize>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// `to` is `host:port`.
    pub async fn start(to: String) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(Mutex::new(JoinSet::new()));
        let kept = connections.clone();
        let round_trips = Arc::new(AtomicUsize::new(0));
        let counted = round_trips.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((here, _)) = listener.accept().await {
                let (to, counted) = (to.clone(), counted.clone());
                kept.lock().unwrap().spawn(async move {
                    if let Ok(there) = TcpStream::connect(to).await {
                        hand_on(here, there, &counted).await;
                    }
                });
            }
        });
        Self { port, connections, round_trips, accepting }
    }

    /// How often a client went on speaking after the server had answered, over all connections.
    pub fn round_trips(&self) -> usize {
        self.round_trips.load(Ordering::SeqCst)
    }

    /// Cuts all connections; new ones can be made.
    pub fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

/// Until one of them ends.
async fn hand_on(mut here: TcpStream, mut there: TcpStream, round_trips: &AtomicUsize) {
    // What is sent in small pieces must not wait for what was sent before.
    let _ = (here.set_nodelay(true), there.set_nodelay(true));
    let (mut questions, mut told) = here.split();
    let (mut answers, mut asked) = there.split();
    let answered = AtomicBool::new(true);
    let asking = async {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = questions.read(&mut bytes).await {
            if answered.swap(false, Ordering::SeqCst) {
                round_trips.fetch_add(1, Ordering::SeqCst);
            }
            if asked.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
    };
    let answering = async {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = answers.read(&mut bytes).await {
            answered.store(true, Ordering::SeqCst);
            if told.write_all(&bytes[..length]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = asking => {}
        () = answering => {}
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
