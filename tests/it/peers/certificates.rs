//! What a company has for its servers: an authority of its own.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// A new authority, and a certificate from it for `localhost` and 127.0.0.1, as PEM files.
pub struct Certificates {
    folder: TempDir,
}

impl Certificates {
    pub fn new() -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority_pem = authority.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(authority, key);

        let names = ["localhost", "127.0.0.1"].map(str::to_owned);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();

        let made = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::write(made.authority(), authority_pem).unwrap();
        std::fs::write(made.certificate(), certificate.pem()).unwrap();
        std::fs::write(made.key(), key.serialize_pem()).unwrap();
        made
    }

    /// What a client has to trust.
    pub fn authority(&self) -> PathBuf {
        self.folder.path().join("authority.pem")
    }

    pub fn certificate(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }
}
