//! What can be wrong with a certificate and its key, each with the command that mends it.

use std::path::Path;

/// Which half of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairPart {
    Certificate,
    Key,
}

/// Why a certificate and a key cannot be used. Holds nothing of either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PairFault {
    #[error("PKCS#12 instead of PEM")]
    Pkcs12(PairPart),
    #[error("DER instead of PEM")]
    Der(PairPart),
    #[error("broken PEM")]
    BrokenPem(PairPart),
    /// PEM whose content is not what its header says, or of a kind that TLS has no use for.
    #[error("unreadable content")]
    Unreadable(PairPart),
    #[error("no certificate")]
    NoCertificate,
    #[error("no private key")]
    NoKey,
    #[error("several private keys")]
    SeveralKeys,
    #[error("an encrypted private key")]
    EncryptedKey,
    /// With its bits.
    #[error("an RSA key of {0} bits")]
    ShortKey(usize),
    #[error("the key belongs to a later certificate of the chain")]
    NotFirst,
    #[error("the key does not belong to the certificate")]
    Mismatch,
}

impl PairFault {
    /// The half that has to be mended first.
    #[must_use]
    pub const fn part(&self) -> PairPart {
        match self {
            PairFault::Pkcs12(part)
            | PairFault::Der(part)
            | PairFault::BrokenPem(part)
            | PairFault::Unreadable(part) => *part,
            PairFault::NoCertificate | PairFault::NotFirst | PairFault::ShortKey(_) => {
                PairPart::Certificate
            }
            PairFault::NoKey
            | PairFault::SeveralKeys
            | PairFault::EncryptedKey
            | PairFault::Mismatch => PairPart::Key,
        }
    }

    /// What is wrong and what to do, beginning with the file; `certificate` and `key` are the two files.
    #[must_use]
    pub fn message(&self, certificate: &Path, key: &Path) -> String {
        let file = match self.part() {
            PairPart::Certificate => certificate,
            PairPart::Key => key,
        };
        let (shown, quoted) = (file.display(), quoted(file));
        let what = match self {
            PairFault::Pkcs12(PairPart::Certificate) => format!(
                "is a PKCS#12 file; convert it: openssl pkcs12 -in {quoted} -nokeys -out certificate.pem"
            ),
            PairFault::Pkcs12(PairPart::Key) => format!(
                "is a PKCS#12 file; convert it: (umask 077; openssl pkcs12 -in {quoted} -nocerts -nodes -out key.pem)"
            ),
            PairFault::Der(PairPart::Certificate) => format!(
                "is not PEM; convert it: openssl x509 -inform der -in {quoted} -out certificate.pem"
            ),
            PairFault::Der(PairPart::Key) => format!(
                "is not PEM; convert it: (umask 077; openssl pkey -inform der -in {quoted} -out key.pem)"
            ),
            PairFault::BrokenPem(_) => {
                "is broken PEM: a line is cut off or is not base64; write the file again".to_owned()
            }
            PairFault::Unreadable(PairPart::Certificate) => {
                "holds a certificate that cannot be read; write the file again".to_owned()
            }
            PairFault::Unreadable(PairPart::Key) => {
                "holds a private key that cannot be used; RSA of 2048 to 8192 bits, P-256, P-384, P-521 and Ed25519 can"
                    .to_owned()
            }
            PairFault::NoCertificate => {
                "holds no certificate: a PEM file with `-----BEGIN CERTIFICATE-----` is expected".to_owned()
            }
            PairFault::NoKey => {
                "holds no private key: a PEM file with `-----BEGIN PRIVATE KEY-----` is expected".to_owned()
            }
            PairFault::SeveralKeys => "holds more than one private key; leave the one in use".to_owned(),
            PairFault::EncryptedKey => format!(
                "the private key is encrypted with a passphrase; decrypt it: (umask 077; openssl pkey -in {quoted} -out key.pem)"
            ),
            PairFault::ShortKey(bits) => format!(
                "its RSA key has {bits} bits, and 2048 are the least; issue the certificate for a new key"
            ),
            PairFault::NotFirst => {
                "its first certificate is not the one of the private key; put that one first and those that signed it behind it"
                    .to_owned()
            }
            PairFault::Mismatch => format!(
                "does not belong to the certificate in {}; both must come from one request",
                certificate.display()
            ),
        };
        format!("{shown}: {what}")
    }
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}
