//! A PgBouncer of a test's own, in transaction mode before the PostgreSQL of the tests.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;
use url::Url;

/// Ends with this value.
pub struct Pooler {
    port: u16,
    process: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Fewer connections than a server has, so that each transaction may get another.
    const CONNECTIONS: u16 = 3;

    /// `server` is a URL with the schema of the test in it.
    pub fn start(server: &str) -> Self {
        let server: Url = server.parse().unwrap();
        let options = server.query_pairs().find(|(name, _)| name == "options").unwrap().1;
        let schema = options.strip_prefix("-csearch_path=").unwrap();
        loop {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = listener.local_addr().unwrap().port();
            drop(listener);
            let folder = tempfile::tempdir().unwrap();
            let mut settings = String::from("[databases]\n");
            let (host, to) = (server.host_str().unwrap(), server.port().unwrap());
            writeln!(
                settings,
                "parking = host={host} port={to} dbname=postgres user={} \
                 connect_query='set search_path to {schema}'\n\
                 [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = any\npool_mode = transaction\ndefault_pool_size = {}",
                server.username(),
                Self::CONNECTIONS,
            )
            .unwrap();
            let file = folder.path().join("pgbouncer.ini");
            std::fs::write(&file, settings).unwrap();
            // Another test may have taken the port in between.
            if let Some(process) = spawn(&file) {
                return Self { port, process, _folder: folder };
            }
        }
    }

    pub fn url(&self) -> String {
        format!("postgres://parking@127.0.0.1:{}/parking", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `None`: it did not get ready.
fn spawn(settings: &std::path::Path) -> Option<Child> {
    let folder = settings.parent().unwrap();
    let mut command = if std::fs::metadata(folder).unwrap().uid() == 0 {
        // It refuses to run as root.
        std::fs::set_permissions(folder, PermissionsExt::from_mode(0o755)).unwrap();
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups", "--", "pgbouncer"]);
        command
    } else {
        Command::new("pgbouncer")
    };
    let mut process = command
        .arg(settings)
        .stderr(Stdio::piped())
        .spawn()
        .expect("pgbouncer is installed: `make test-tools` does that");
    let mut log = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
    if log.any(|line| line.contains("process up")) {
        std::thread::spawn(move || log.for_each(drop));
        return Some(process);
    }
    process.wait().unwrap();
    None
}
