//! Which certificate a request shows: the one of the handshake, or the one that a trusted proxy passes on in the header
//! `Client-Cert` (RFC 9440). From anybody else the header is ignored.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::certificate::CertificateFacts;
use scanhook_core::signature::{ClientCertificate, ShownCertificate};

const CLIENT_CERT: HeaderName = HeaderName::from_static("client-cert");

/// Structured fields are to be read with or without padding (RFC 9651, 4.2.7).
const BYTE_SEQUENCE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The certificate of a request's sender; the accept loop puts one into the extensions of every request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SenderCertificate {
    #[default]
    Nothing,
    /// The header of a trusted proxy holds no certificate.
    Malformed,
    Verified(Arc<ClientCertificate>),
}

impl SenderCertificate {
    /// `own` is of the handshake; `trusted`: the far end is a trusted proxy, whose header comes first, because its own
    /// certificate is not the sender's.
    pub(super) fn of(
        own: Option<&Arc<ClientCertificate>>,
        trusted: bool,
        headers: &HeaderMap,
    ) -> SenderCertificate {
        if trusted && headers.contains_key(CLIENT_CERT) {
            return passed_on(headers).map_or(SenderCertificate::Malformed, |certificate| {
                SenderCertificate::Verified(Arc::new(certificate))
            });
        }
        own.map_or(SenderCertificate::Nothing, |own| {
            SenderCertificate::Verified(own.clone())
        })
    }

    #[must_use]
    pub fn shown(&self) -> ShownCertificate<'_> {
        match self {
            SenderCertificate::Nothing => ShownCertificate::Nothing,
            SenderCertificate::Malformed => ShownCertificate::Malformed,
            SenderCertificate::Verified(certificate) => ShownCertificate::Verified(certificate),
        }
    }
}

/// The certificate between two colons, in base64.
fn passed_on(headers: &HeaderMap) -> Option<ClientCertificate> {
    let mut lines = headers.get_all(CLIENT_CERT).iter();
    let (line, None) = (lines.next()?.to_str().ok()?, lines.next()) else {
        return None;
    };
    let text = line
        .trim_matches(' ')
        .strip_prefix(':')?
        .strip_suffix(':')?;
    let der = BYTE_SEQUENCE.decode(text).ok()?;
    CertificateFacts::read(&der).map(CertificateFacts::of_client)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use base64::engine::general_purpose::STANDARD as BASE64;

    fn header(lines: &[&str]) -> HeaderMap {
        let line = |line: &&str| (CLIENT_CERT, line.parse().unwrap());
        lines.iter().map(line).collect()
    }

    #[test]
    fn the_header_of_a_trusted_proxy_is_one_certificate_or_malformed() {
        let certificate = rcgen::generate_simple_self_signed(["siem.example".to_owned()]).unwrap();
        let text = BASE64.encode(certificate.cert.der());
        let right = format!(":{text}:");
        for line in [&right, &format!("  {right} "), &right.replace('=', "")] {
            let shown = SenderCertificate::of(None, true, &header(&[line]));
            let SenderCertificate::Verified(shown) = shown else {
                panic!("{line}: {shown:?}")
            };
            assert_eq!(shown.dns_names, ["siem.example"]);
        }
        let wrong = [
            vec![""],
            vec!["::"],
            vec![text.as_str()],
            vec![":AAAA:"],
            vec![":A*A=:"],
            vec![&right, &right],
            vec!["-----BEGIN CERTIFICATE-----"],
        ];
        for lines in wrong {
            let shown = SenderCertificate::of(None, true, &header(&lines));
            assert_eq!(shown, SenderCertificate::Malformed, "{lines:?}");
        }
        for lines in [vec![right.as_str()], vec![":AAAA:"]] {
            let shown = SenderCertificate::of(None, false, &header(&lines));
            assert_eq!(shown, SenderCertificate::Nothing);
        }
    }
}
