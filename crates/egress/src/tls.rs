use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_rustls::TlsConnector;

use crate::PolicyError;

/// A root certificate.
pub type Root = rustls::pki_types::CertificateDer<'static>;

/// Reads every certificate of a PEM file.
///
/// # Errors
/// [`PolicyError::Root`] for a block that is no certificate and for a file without any.
pub fn read_roots(pem: &[u8]) -> Result<Vec<Root>, PolicyError> {
    let mut roots = Vec::new();
    for (index, root) in Root::pem_slice_iter(pem).enumerate() {
        let unusable = |error: rustls::pki_types::pem::Error| PolicyError::Root {
            position: index + 1,
            detail: error.to_string(),
        };
        roots.push(root.map_err(unusable)?);
    }
    if roots.is_empty() {
        return Err(PolicyError::Root { position: 1, detail: "the file holds none".to_owned() });
    }
    Ok(roots)
}

/// A TLS client that trusts Mozilla's roots and `extra`, and speaks HTTP/2 or HTTP/1.1.
pub(crate) fn connector(extra: &[Root]) -> Result<TlsConnector, PolicyError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for (index, root) in extra.iter().enumerate() {
        let unusable =
            |error: rustls::Error| PolicyError::Root { position: index + 1, detail: error.to_string() };
        roots.add(root.clone()).map_err(unusable)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| PolicyError::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}
