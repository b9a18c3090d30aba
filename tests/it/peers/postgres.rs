//! A PostgreSQL of a test's own, to be stopped hard, with or without TLS and a standby.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Certificates;

/// Ends with this value.
pub struct PostgresServer {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl PostgresServer {
    pub fn start() -> Self {
        Self::configured("", None)
    }

    /// With TLS; `admits` is its `pg_hba.conf`.
    pub fn encrypted(certificates: &Certificates, admits: &str) -> Self {
        let tls = "ssl = on\nssl_cert_file = 'certificate.pem'\nssl_key_file = 'key.pem'\n";
        Self::configured(tls, Some((certificates, admits)))
    }

    /// As before TLS 1.2.
    pub fn with_old_tls(certificates: &Certificates) -> Self {
        let server = Self::encrypted(certificates, "host all all 127.0.0.1/32 trust");
        server.stop_hard();
        server.configure(
            "ssl_min_protocol_version = 'TLSv1'\nssl_max_protocol_version = 'TLSv1.1'\n",
        );
        server.start_again();
        server
    }

    fn configured(settings: &str, encrypted: Option<(&Certificates, &str)>) -> Self {
        let server = Self::prepared();
        server
            .run("initdb", &["--username=postgres", "--auth=trust", "--no-sync", "--pgdata=data"]);
        server.configure(settings);
        if let Some((certificates, admits)) = encrypted {
            server.put("certificate.pem", &std::fs::read(certificates.certificate()).unwrap());
            server.put("key.pem", &std::fs::read(certificates.key()).unwrap());
            server.put("pg_hba.conf", format!("{admits}\n").as_bytes());
        }
        server.start_again();
        server
    }

    /// A standby that follows this server, and lets nothing hold its replay up.
    pub fn standby(&self) -> Self {
        let standby = Self::prepared();
        let from = self.url();
        standby.run(
            "pg_basebackup",
            &[
                "--dbname",
                &from,
                "--pgdata=data",
                "--write-recovery-conf",
                "--checkpoint=fast",
                "--no-sync",
            ],
        );
        standby.configure("max_standby_streaming_delay = 0\n");
        standby.start_again();
        standby
    }

    fn prepared() -> Self {
        let found = Command::new("scripts/find-postgres").output().unwrap();
        let programs = PathBuf::from(String::from_utf8(found.stdout).unwrap().trim());
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = Self { programs, folder, port };
        let own = server.folder.path().join("postgres");
        std::fs::create_dir(&own).unwrap();
        if server.is_root() {
            std::fs::set_permissions(server.folder.path(), PermissionsExt::from_mode(0o755))
                .unwrap();
            let given = Command::new("chown").arg("postgres:").arg(&own).status().unwrap();
            assert!(given.success());
        }
        server
    }

    fn configure(&self, settings: &str) {
        let file = self.folder.path().join("postgres/data/postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(file).unwrap();
        file.write_all(settings.as_bytes()).unwrap();
    }

    /// A file that only the server can read.
    fn put(&self, name: &str, content: &[u8]) {
        let file = self.folder.path().join("postgres/data").join(name);
        std::fs::write(&file, content).unwrap();
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600)).unwrap();
        if self.is_root() {
            let given = Command::new("chown").arg("postgres:").arg(&file).status().unwrap();
            assert!(given.success());
        }
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The first value of the answer, as text.
    pub async fn ask(&self, sql: &str) -> Option<String> {
        let (client, connection) =
            tokio_postgres::connect(&self.url(), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.simple_query(sql).await.unwrap().iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        })
    }

    /// Ends all its processes at once, as a crash does; it recovers from its log afterwards.
    pub fn stop_hard(&self) {
        self.run("pg_ctl", &["stop", "--pgdata=data", "--mode=immediate", "--wait"]);
    }

    pub fn start_again(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_connections=60",
            self.port
        );
        let log = "--log=server.log";
        self.run("pg_ctl", &["start", "--pgdata=data", "--wait", log, "--options", &options]);
    }

    fn is_root(&self) -> bool {
        std::fs::metadata(self.folder.path()).unwrap().uid() == 0
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        // It refuses to run as root.
        let mut command = if self.is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--"]);
            command.arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir(self.folder.path().join("postgres"));
        let done = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(done.success(), "{command:?}");
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop_hard();
            return;
        }
        // Whatever state it is in.
        let pid = self.folder.path().join("postgres/data/postmaster.pid");
        if let Some(pid) =
            std::fs::read_to_string(pid).ok().as_ref().and_then(|pid| pid.lines().next())
        {
            let _ = Command::new("kill").args(["-QUIT", pid]).status();
        }
    }
}
