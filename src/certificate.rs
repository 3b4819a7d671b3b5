//! Certificates and private keys as operators give them: PEM files, read and judged before anything uses them. Nothing
//! here reads a file or a clock.
//!
//! [`read_pair`] reads a certificate with its chain and its key, and [`read_authorities`] a file of CA certificates.
//! Whatever is wrong is a [`PairFault`], whose message has the command that mends it. `facts` is what one certificate
//! says, `fault` what can be wrong, `validity` when it holds, `listener` the TLS that is made of it, `notice`
//! what is told of its end.

mod facts;
mod fault;
mod listener;
mod notice;
mod validity;

pub use facts::{CertificateFacts, PublicKeyKind, issuer_of};
pub use fault::{PairFault, PairPart};
pub use listener::server_config;
pub use notice::{CertificateNotices, PlacedCertificate, concerns};
pub use validity::{CertificateStanding, NOTICE, ValidityPeriod};

use rustls_pki_types::pem::{PemObject as _, SectionKind, SliceIter};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::crypto::aws_lc_rs;

/// RSA keys of fewer bits are refused: nobody accepts them any more.
const FEWEST_RSA_BITS: usize = 2048;

/// A certificate with its chain, and the private key that fits it.
pub struct CertificatePair {
    /// As in the file: the certificate itself first, then those that signed it.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
    /// What the certificate says.
    pub facts: CertificateFacts,
}

/// Reads a certificate with its chain and its private key. Both may stand in one text.
///
/// # Errors
/// The first thing that is wrong with either, or that they do not belong together.
pub fn read_pair(certificate_pem: &[u8], key_pem: &[u8]) -> Result<CertificatePair, PairFault> {
    let chain = certificates(certificate_pem)?;
    let key = private_key(key_pem)?;
    let mut all = Vec::new();
    for der in &chain {
        all.push(CertificateFacts::read(der).ok_or(PairFault::Unreadable(PairPart::Certificate))?);
    }
    let mut facts = all.into_iter();
    let (first, others) = (facts.next().ok_or(PairFault::NoCertificate)?, facts);
    if let PublicKeyKind::Rsa { bits } = first.key
        && bits < FEWEST_RSA_BITS
    {
        return Err(PairFault::ShortKey(bits));
    }
    let signer = aws_lc_rs::default_provider()
        .key_provider
        .load_private_key(key.clone_key())
        .map_err(|_| PairFault::Unreadable(PairPart::Key))?;
    let own = signer.public_key();
    let fits = |facts: &CertificateFacts| own.as_ref().is_none_or(|own| **own == *facts.public_key);
    match fits(&first) {
        true => Ok(CertificatePair {
            chain,
            key,
            facts: first,
        }),
        false if others.into_iter().any(|other| fits(&other)) => Err(PairFault::NotFirst),
        false => Err(PairFault::Mismatch),
    }
}

/// Reads a file of CA certificates.
///
/// # Errors
/// When there is none in it, or one cannot be read.
pub fn read_authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PairFault> {
    let all = certificates(pem)?;
    match all.iter().all(|der| CertificateFacts::read(der).is_some()) {
        true => Ok(all),
        false => Err(PairFault::Unreadable(PairPart::Certificate)),
    }
}

/// Whether a text holds a private key, whatever else it holds: then nobody else may read it.
#[must_use]
pub fn holds_private_key(pem: &[u8]) -> bool {
    contains(pem, b"PRIVATE KEY-----")
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, PairFault> {
    let part = PairPart::Certificate;
    looks_like_pem(pem, part)?;
    let all: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| PairFault::BrokenPem(part))?;
    if all.is_empty() {
        return Err(PairFault::NoCertificate);
    }
    Ok(all)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, PairFault> {
    let part = PairPart::Key;
    looks_like_pem(pem, part)?;
    if contains(pem, b"BEGIN ENCRYPTED PRIVATE KEY-----")
        || contains(pem, b"Proc-Type: 4,ENCRYPTED")
    {
        return Err(PairFault::EncryptedKey);
    }
    let mut keys = Vec::new();
    for section in SliceIter::<(SectionKind, Vec<u8>)>::new(pem) {
        let (kind, der) = section.map_err(|_| PairFault::BrokenPem(part))?;
        keys.extend(PrivateKeyDer::from_pem(kind, der));
    }
    match keys.len() {
        0 => Err(PairFault::NoKey),
        1 => keys.pop().ok_or(PairFault::NoKey),
        _ => Err(PairFault::SeveralKeys),
    }
}

/// Other forms of the same things are told apart, because each is mended by another command.
fn looks_like_pem(bytes: &[u8], part: PairPart) -> Result<(), PairFault> {
    if contains(bytes, b"-----BEGIN ") {
        return Ok(());
    }
    // A SEQUENCE with a length of more than one byte. In PKCS#12 the version 3 follows, then another SEQUENCE.
    Err(match bytes {
        [0x30, 0x80, 0x02, 0x01, 0x03, 0x30, ..]
        | [0x30, 0x81, _, 0x02, 0x01, 0x03, 0x30, ..]
        | [0x30, 0x82, _, _, 0x02, 0x01, 0x03, 0x30, ..]
        | [0x30, 0x83, _, _, _, 0x02, 0x01, 0x03, 0x30, ..] => PairFault::Pkcs12(part),
        [0x30, 0x30..=0x83, ..] => PairFault::Der(part),
        _ if part == PairPart::Key => PairFault::NoKey,
        _ => PairFault::NoCertificate,
    })
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|part| part == wanted)
}

#[cfg(test)]
mod tests;
