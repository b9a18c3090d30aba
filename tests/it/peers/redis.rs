//! A Redis of a test's own.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

/// Ends with this value.
pub struct RedisServer {
    port: u16,
    process: Option<Child>,
}

impl RedisServer {
    pub fn start() -> Self {
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            // Another test may have taken the port in between.
            if let Some(process) = spawn(port) {
                return Self { port, process: Some(process) };
            }
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// As `kill -9` does.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// On the same port, after [`RedisServer::kill`].
    pub fn start_again(&mut self) {
        self.process = Some(spawn(self.port).expect("the port is free again"));
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `None`: it did not get ready.
fn spawn(port: u16) -> Option<Child> {
    let mut process = Command::new("redis-server")
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ])
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-server is installed: `make test-tools` does that");
    let log = BufReader::new(process.stdout.take().unwrap());
    let ready = log.lines().map_while(Result::ok).any(|line| line.contains("Ready to accept"));
    if !ready {
        process.wait().unwrap();
        return None;
    }
    Some(process)
}
