//! What a certificate says of its holder, its key and its time.

use scanhook_core::signature::{ClientCertificate, SubjectName};
use scanhook_core::time::Timestamp;
use sha2::{Digest as _, Sha256};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;
use x509_parser::public_key::PublicKey;
use x509_parser::x509::{AttributeTypeAndValue, SubjectPublicKeyInfo, X509Name};

use super::validity::ValidityPeriod;

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    pub subject: SubjectName,
    /// The DNS names of the subject alternative name.
    pub dns_names: Vec<String>,
    /// The URIs of the subject alternative name.
    pub uris: Vec<String>,
    /// SHA-256 of the DER, in lower-case hex.
    pub fingerprint: String,
    pub valid: ValidityPeriod,
    pub key: PublicKeyKind,
    /// The DER of the SubjectPublicKeyInfo.
    pub public_key: Vec<u8>,
}

/// Which kind of key a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublicKeyKind {
    Rsa { bits: usize },
    EllipticCurve,
    Other,
}

impl CertificateFacts {
    /// What of it can prove a sender.
    #[must_use]
    pub fn of_client(self) -> ClientCertificate {
        ClientCertificate {
            subject: self.subject,
            dns_names: self.dns_names,
            uris: self.uris,
            fingerprint: self.fingerprint,
            from: self.valid.from,
            until: self.valid.until,
        }
    }

    /// Reads the DER of one certificate; `None` where it is none, or something follows it.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<CertificateFacts> {
        let (rest, certificate) = X509Certificate::from_der(der).ok()?;
        if !rest.is_empty() {
            return None;
        }
        let names = certificate.subject_alternative_name().ok()?;
        let names = names.map(|names| names.value.general_names.as_slice());
        let (mut dns_names, mut uris) = (Vec::new(), Vec::new());
        for name in names.unwrap_or_default() {
            match name {
                GeneralName::DNSName(name) => dns_names.push((*name).to_owned()),
                GeneralName::URI(uri) => uris.push((*uri).to_owned()),
                _ => {}
            }
        }
        let validity = certificate.validity();
        Some(CertificateFacts {
            subject: name(certificate.subject()),
            dns_names,
            uris,
            fingerprint: hex::encode(Sha256::digest(der)),
            valid: ValidityPeriod {
                from: instant(validity.not_before.timestamp()),
                until: instant(validity.not_after.timestamp()),
            },
            key: kind(certificate.public_key()),
            public_key: certificate.public_key().raw.to_vec(),
        })
    }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1000))
}

fn kind(key: &SubjectPublicKeyInfo<'_>) -> PublicKeyKind {
    match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => {
            let zeros = rsa.modulus.iter().take_while(|byte| **byte == 0).count();
            let first = rsa
                .modulus
                .get(zeros)
                .map_or(8, |byte| byte.leading_zeros());
            let bytes = rsa.modulus.len().saturating_sub(zeros);
            let bits = (bytes * 8).saturating_sub(first as usize);
            PublicKeyKind::Rsa { bits }
        }
        Ok(PublicKey::EC(_)) => PublicKeyKind::EllipticCurve,
        _ => PublicKeyKind::Other,
    }
}

/// Who signed a certificate, of which this is the DER; `None` where it is none.
#[must_use]
pub fn issuer_of(der: &[u8]) -> Option<SubjectName> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    Some(name(certificate.issuer()))
}

fn name(name: &X509Name<'_>) -> SubjectName {
    let part = |part: &AttributeTypeAndValue<'_>| {
        let value = part.as_str().map_or_else(|_| in_hex(part), str::to_owned);
        (part.attr_type().to_id_string(), value)
    };
    let parts = name.iter_rdn();
    SubjectName::of_certificate(parts.map(|set| set.iter().map(part).collect()).collect())
}

/// A value that is no text, as `#` and its DER.
fn in_hex(part: &AttributeTypeAndValue<'_>) -> String {
    let value = part.attr_value();
    let content = value.data;
    let tag = u8::try_from(value.tag().0).unwrap_or_default();
    let constructed = if value.header.is_constructed() {
        0x20
    } else {
        0
    };
    let length = content.len();
    let mut der = vec![tag | constructed];
    match u8::try_from(length) {
        Ok(short) if short < 128 => der.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let digits: Vec<u8> = bytes.into_iter().skip_while(|byte| *byte == 0).collect();
            der.push(0x80 | u8::try_from(digits.len()).unwrap_or_default());
            der.extend(digits);
        }
    }
    der.extend(content);
    format!("#{}", hex::encode(der))
}
