//! Certificates.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::query::doors::Shut;

/// The names of protocols that clients of a door agree on with it.
///
/// Source: the registry of ALPN protocol ids at IANA.
pub(super) const HTTP: &[u8] = b"http/1.1";
pub(super) const HTTP2: &[u8] = b"h2";
pub(super) const POSTGRES: &[u8] = b"postgresql";

/// The rules of TLS with the certificates in the PEM files `chain` and `key`.
pub(super) fn config(chain: &Path, key: &Path) -> Result<ServerConfig, Shut> {
    let wrong = |setting: &str, path: &Path, found: String| {
        Shut::Rules(format!(
            "cannot start: sql.{setting} = {:?}: {found}; wanted a PEM file",
            path.display().to_string()
        ))
    };
    let certificates: Result<Vec<CertificateDer<'static>>, _> =
        CertificateDer::pem_file_iter(chain).and_then(Iterator::collect);
    let certificates =
        certificates.map_err(|error| wrong("tls_certificate", chain, error.to_string()))?;
    if certificates.is_empty() {
        return Err(wrong("tls_certificate", chain, "no certificate in it".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| wrong("tls_key", key, error.to_string()))?;
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(certificates, secret))
        .map_err(|error| wrong("tls_key", key, error.to_string()))
}

/// What takes connections under `config`, for clients that speak `protocol`.
pub(super) fn acceptor(config: &ServerConfig, protocol: Option<&[u8]>) -> TlsAcceptor {
    let mut config = config.clone();
    config.alpn_protocols = protocol.into_iter().map(<[u8]>::to_vec).collect();
    TlsAcceptor::from(Arc::new(config))
}
