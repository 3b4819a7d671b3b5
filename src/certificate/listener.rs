//! The TLS of a listener, made of a pair and of the authorities whose certificates senders may show: TLS 1.2 and 1.3,
//! HTTP/1.1.

use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::CertificatePair;

/// What a listener needs for a handshake. With `authorities` a client certificate is asked for, and one that they have not
/// signed ends the handshake; none at all is allowed.
///
/// # Errors
/// When an authority's certificate cannot be used, or the pair.
pub fn server_config(
    pair: &CertificatePair,
    authorities: Vec<CertificateDer<'static>>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier: Arc<dyn ClientCertVerifier> = if authorities.is_empty() {
        WebPkiClientVerifier::no_client_auth()
    } else {
        let mut roots = RootCertStore::empty();
        for authority in authorities {
            roots.add(authority)?;
        }
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
            .allow_unauthenticated()
            .build()
            .map_err(|why| rustls::Error::General(why.to_string()))?
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(pair.chain.clone(), pair.key.clone_key())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}
