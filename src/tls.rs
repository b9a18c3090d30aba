//! The cryptography of connections to other servers, and whom they trust.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

/// Chooses it once for the whole process: the libraries leave the choice to the program.
pub fn choose() {
    // Refused when it was chosen already.
    let _ = ring::default_provider().install_default();
}

/// Whom a connection is encrypted to.
#[derive(Debug, Clone)]
pub enum Trust {
    /// Whoever answers: only those who listen on the way are shut out.
    Anybody,
    /// Whoever has a certificate of these authorities, whatever name is in it.
    Holder(Arc<RootCertStore>),
    /// Whoever has a certificate of these authorities for the name that is asked for.
    Name(Arc<RootCertStore>),
}

impl Trust {
    #[must_use]
    pub fn config(self) -> ClientConfig {
        choose();
        let builder = ClientConfig::builder();
        let authorities = match self {
            Self::Name(authorities) => {
                return builder.with_root_certificates(authorities).with_no_client_auth();
            }
            Self::Holder(authorities) => Some(authorities),
            Self::Anybody => None,
        };
        let provider = CryptoProvider::get_default().cloned();
        let algorithms = provider.unwrap_or_else(|| Arc::new(ring::default_provider()));
        let algorithms = algorithms.signature_verification_algorithms;
        let verifier = Nameless { authorities, algorithms };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth()
    }
}

/// The authorities whose certificates (PEM) are in a file.
///
/// # Errors
/// When there are none, in words.
pub fn authorities(file: &Path) -> Result<Arc<RootCertStore>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let mut authorities = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| failed(&error))? {
        let certificate = certificate.map_err(|error| failed(&error))?;
        authorities.add(certificate).map_err(|error| failed(&error))?;
    }
    if authorities.is_empty() {
        return Err(failed(&"it holds no certificate (PEM)"));
    }
    Ok(Arc::new(authorities))
}

/// The authorities that the system trusts.
///
/// # Errors
/// When it has none, in words.
pub fn system_authorities() -> Result<Arc<RootCertStore>, String> {
    static AUTHORITIES: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
        let mut authorities = RootCertStore::empty();
        authorities.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Arc::new(authorities)
    });
    if AUTHORITIES.is_empty() {
        return Err("the system has no certificates of authorities (ca-certificates)".into());
    }
    Ok(AUTHORITIES.clone())
}

/// Looks at the authority or at nothing, and never at the name. That the server has the key of its
/// certificate is verified in any case: SCRAM's channel binding builds on it.
#[derive(Debug)]
struct Nameless {
    authorities: Option<Arc<RootCertStore>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Nameless {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(authorities) = &self.authorities {
            verify_server_cert_signed_by_trust_anchor(
                &ParsedCertificate::try_from(certificate)?,
                authorities,
                intermediates,
                now,
                self.algorithms.all,
            )?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
