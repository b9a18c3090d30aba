//! A Redis of a test's own.

use std::ffi::OsString;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Child, Command, Stdio};

use super::Certificates;

/// Ends with this value.
pub struct RedisServer {
    port: u16,
    /// What makes it speak TLS, and nothing else.
    tls: Vec<OsString>,
    process: Option<Child>,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::with(Vec::new())
    }

    pub fn encrypted(certificates: &Certificates) -> Self {
        let files = [
            ("--tls-cert-file", certificates.certificate()),
            ("--tls-key-file", certificates.key()),
            ("--tls-ca-cert-file", certificates.authority()),
        ];
        let mut tls = ["--tls-auth-clients", "no"].map(OsString::from).to_vec();
        for (name, file) in files {
            tls.extend([OsString::from(name), OsString::from(file)]);
        }
        Self::with(tls)
    }

    fn with(tls: Vec<OsString>) -> Self {
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            // Another test may have taken the port in between.
            if let Some(process) = spawn(port, &tls) {
                return Self { port, tls, process: Some(process) };
            }
        }
    }

    pub fn url(&self) -> String {
        let scheme = if self.tls.is_empty() { "redis" } else { "rediss" };
        format!("{scheme}://127.0.0.1:{}", self.port)
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
        self.process = Some(spawn(self.port, &self.tls).expect("the port is free again"));
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// `None`: it did not get ready.
fn spawn(port: u16, tls: &[OsString]) -> Option<Child> {
    let port = port.to_string();
    let ports = if tls.is_empty() {
        ["--port", &port].to_vec()
    } else {
        ["--port", "0", "--tls-port", &port].to_vec()
    };
    let mut process = Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
        .args(ports)
        .args(tls)
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
