//! How a server reaches PostgreSQL: encrypted or not, and whom it trusts.

use std::path::Path;

use parking::db::{DatabaseUrl, Db, Options};

use crate::peers::{Certificates, PostgresServer};
use crate::process::{parking, run};

/// Whether a connection by this URL is encrypted, or why there is none.
async fn reach(url: &str) -> Result<bool, String> {
    let url: DatabaseUrl = url.parse()?;
    let opened = tokio::task::spawn_blocking(move || {
        let db = Db::open(&url, &Options { lanes: 1, readers: 1, ..Options::default() })
            .map_err(|error| error.to_string())?;
        let sql = "select ssl from pg_stat_ssl where pid = pg_backend_pid()";
        let encrypted = db.read_blocking(move |tx| Ok(tx.one(sql, &[], |row| row.get(0))?));
        db.close();
        encrypted.map_err(|error| error.to_string())
    });
    opened.await.unwrap()
}

#[track_caller]
fn refused(reached: Result<bool, String>, with: &str) {
    let reason = reached.expect_err("nobody is reached");
    assert!(reason.contains(with) && !reason.contains("hunter2"), "{reason}");
}

fn trusting(mode: &str, authority: &Path) -> String {
    format!("sslmode={mode}&sslrootcert={}", authority.display())
}

const ALL: &str = "host all all 127.0.0.1/32 trust";

#[tokio::test]
async fn each_sslmode_encrypts_and_verifies_what_it_says() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let server = PostgresServer::encrypted(&certificates, ALL);
    let (authority, other) = (certificates.authority(), others.authority());
    let here = async |query: &str| reach(&format!("{}?{query}", server.url())).await;
    let port = server.port();
    let elsewhere = async |query: &str| {
        let host = format!("postgres://postgres@db.example.org:{port}/postgres");
        reach(&format!("{host}?hostaddr=127.0.0.1&{query}")).await
    };
    for (query, encrypted) in [
        ("", true),
        ("sslmode=disable", false),
        ("sslmode=prefer", true),
        ("sslmode=require", true),
    ] {
        assert_eq!(here(query).await, Ok(encrypted), "{query}");
        assert_eq!(elsewhere(query).await, Ok(encrypted), "{query}");
    }
    for mode in ["require", "verify-ca"] {
        assert_eq!(here(&trusting(mode, &authority)).await, Ok(true), "{mode}");
        assert_eq!(elsewhere(&trusting(mode, &authority)).await, Ok(true), "{mode}");
        refused(here(&trusting(mode, &other)).await, "invalid peer certificate");
    }
    assert_eq!(here(&trusting("verify-full", &authority)).await, Ok(true));
    refused(here(&trusting("verify-full", &other)).await, "invalid peer certificate");
    refused(elsewhere(&trusting("verify-full", &authority)).await, "not valid for name");
    // The system knows nothing of this authority.
    for query in ["sslmode=verify-full", "sslrootcert=system"] {
        refused(here(query).await, "certificate");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_reached_where_tls_is_not_required() {
    let server = PostgresServer::start();
    let here = async |query: &str| reach(&format!("{}?{query}", server.url())).await;
    for query in ["", "sslmode=prefer", "sslmode=disable"] {
        assert_eq!(here(query).await, Ok(false), "{query}");
    }
    for query in ["sslmode=require", "sslmode=verify-full"] {
        refused(here(query).await, "server does not support TLS");
    }
}

#[tokio::test]
async fn where_tls_does_not_get_anywhere_prefer_goes_on_without() {
    let certificates = Certificates::new();
    let only_plain = "hostnossl all all 127.0.0.1/32 trust";
    for server in [
        PostgresServer::with_old_tls(&certificates),
        PostgresServer::encrypted(&certificates, only_plain),
    ] {
        assert_eq!(reach(&server.url()).await, Ok(false));
        refused(reach(&format!("{}?sslmode=require", server.url())).await, "");
    }
}

#[tokio::test]
async fn a_password_is_bound_to_the_channel_and_is_not_repeated() {
    let certificates = Certificates::new();
    let admits =
        "hostssl all asha 127.0.0.1/32 scram-sha-256\nhost all postgres 127.0.0.1/32 trust";
    let server = PostgresServer::encrypted(&certificates, admits);
    server.ask("create role asha login password 'hunter2'").await;
    let query = trusting("verify-full", &certificates.authority());
    let by = async |password: &str, query: &str| {
        let host = format!("127.0.0.1:{}", server.port());
        reach(&format!("postgres://asha:{password}@{host}/postgres?{query}")).await
    };
    assert_eq!(by("hunter2", &format!("{query}&channel_binding=require")).await, Ok(true));
    refused(by("hunter22", &query).await, "28P01");
    refused(by("hunter2", "sslmode=disable").await, "28000");
    refused(by("hunter2", &trusting("verify-full", Path::new("missing.pem"))).await, "missing.pem");
}

#[test]
fn a_url_that_protects_less_than_it_seems_to_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let url = "postgres://asha:hunter2@localhost/parking?sslmode=verify-ca";
    let (status, said) = run(parking(folder.path()).env("DATABASE_URL", url).arg("serve"), "");
    let named = said.contains("DATABASE_URL: sslmode=verify-ca needs sslrootcert=FILE");
    assert!(!status.success() && named && !said.contains("hunter2"), "{said}");
}
