//! The cryptography of connections to other servers.

/// Chooses it once for the whole process: the libraries leave the choice to the program.
pub fn choose() {
    // Refused when it was chosen already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
