//! Who signed the certificate that a host shows. Pure but for the handshake's listener, which never lets one succeed: it
//! only looks, and nothing is sent to whom nobody trusts.

use core::fmt;
use std::sync::{Arc, Mutex};

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, SignatureScheme,
};

use crate::certificate::{CertificateFacts, issuer_of};
use scanhook_core::time::Timestamp;

/// What the certificate of a host says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signer {
    pub(super) issuer: String,
    pub(super) until: Timestamp,
    /// What to do, where the certificate itself is at fault.
    pub(super) fault: Option<&'static str>,
}

impl Signer {
    /// Reads the DER of the certificate of a host.
    pub(super) fn of(der: &[u8], host: &str, now: Timestamp) -> Option<Signer> {
        let facts = CertificateFacts::read(der)?;
        let named = facts.dns_names.iter().any(|name| fits(name, host));
        let is_name = host.parse::<core::net::IpAddr>().is_err() && !host.starts_with('[');
        let fault = if facts.valid.until < now {
            Some(
                "the certificate has expired: whoever runs this host has to renew it; or the clock of this computer is wrong",
            )
        } else if facts.valid.from > now {
            Some(
                "the certificate is not valid yet: the clock of this computer is wrong, or it was made too early",
            )
        } else if is_name && !named {
            Some(
                "the certificate is of another host: check the address, and whether a name server or a proxy leads elsewhere",
            )
        } else {
            None
        };
        Some(Signer {
            issuer: issuer_of(der)?.to_string(),
            until: facts.valid.until,
            fault,
        })
    }
}

impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let until = self.until.to_string();
        let day = until.split('T').next().unwrap_or_default();
        write!(f, "signed by `{}`, valid until {day}", self.issuer)
    }
}

/// A name of a certificate may begin with `*.`, which stands for one label.
fn fits(name: &str, host: &str) -> bool {
    match name.strip_prefix("*.") {
        Some(rest) => host
            .split_once('.')
            .is_some_and(|(_, below)| below.eq_ignore_ascii_case(rest)),
        None => name.eq_ignore_ascii_case(host),
    }
}

/// Looks at the certificate that is shown, and refuses it.
#[derive(Debug)]
pub(super) struct Onlooker {
    shown: Mutex<Option<Vec<u8>>>,
    schemes: Vec<SignatureScheme>,
}

impl Onlooker {
    /// The onlooker, and the settings of TLS with which it is asked; none where they cannot be made.
    pub(super) fn new() -> Option<(Arc<Onlooker>, ClientConfig)> {
        let provider = Arc::new(default_provider());
        let schemes = provider
            .signature_verification_algorithms
            .supported_schemes();
        let onlooker = Arc::new(Onlooker {
            shown: Mutex::new(None),
            schemes,
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .ok()?
            .dangerous()
            .with_custom_certificate_verifier(onlooker.clone())
            .with_no_client_auth();
        Some((onlooker, config))
    }

    /// The DER of the certificate that was shown.
    pub(super) fn shown(&self) -> Option<Vec<u8>> {
        self.shown.lock().ok()?.clone()
    }
}

/// Every handshake ends here.
fn only_looked() -> TlsError {
    TlsError::General("the certificate was only to be looked at".to_owned())
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        if let Ok(mut shown) = self.shown.lock() {
            *shown = Some(certificate.to_vec());
        }
        Err(only_looked())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(only_looked())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(only_looked())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}
