//! A PostgreSQL of a test's own, to be stopped hard.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Ends with this value.
pub struct PostgresServer {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
}

impl PostgresServer {
    pub fn start() -> Self {
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
            .run("initdb", &["--username=postgres", "--auth=trust", "--no-sync", "--pgdata=data"]);
        server.start_again();
        server
    }

    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
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
