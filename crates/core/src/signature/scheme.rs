//! A signature over the request: HMAC by a template. Which bytes, which headers, which encoding: all of it is
//! configuration, nothing is taken from the request. The raw bytes are verified and whole tags compared, in
//! constant time.

use http::header::HeaderName;

use super::hash::{Algorithm, Tagger};
use super::key::{Key, KeyEncoding};
use super::stamp::{SignedTime, StampPlace};
use super::template::{SignedPart, SignedTemplate};

/// How a sender signs.
#[derive(Clone)]
pub struct Scheme {
    /// Where the signatures stand.
    pub header: HeaderName,
    /// Stands before every signature; may be empty. Entries with another one are of another version: skipped. Blanks
    /// between it and the signature do not count.
    pub prefix: String,
    /// What divides several signatures.
    pub separator: Separator,
    /// How a tag is written.
    pub encoding: Encoding,
    /// The hash function.
    pub algorithm: Algorithm,
    /// What is signed.
    pub signed: SignedTemplate,
    /// The time, where it is signed.
    pub stamp: Option<SignedTime>,
    /// The header of the id, where it is signed. The id then tells one delivery from another.
    pub id_header: Option<HeaderName>,
    /// How the keys are written where they are kept.
    pub key_encoding: KeyEncoding,
    /// Any of these may match; the first one signs.
    pub keys: Vec<Key>,
}

/// What divides the signatures of one header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Separator {
    /// Blanks, and commas unless the prefix has one of its own (`v1,`).
    Usual,
    /// This character; blanks around an entry do not count.
    Only(u8),
    /// Nothing: there is one signature.
    Nothing,
}

codes! {
    /// How a tag is written in its header. The names are those of scanhook.toml.
    pub enum Encoding {
        /// Hex digits of either case.
        Hex = "hex",
        /// Base64. Written in the standard alphabet with padding; read in either alphabet, with or without padding.
        Base64 = "base64",
    }
}

impl Scheme {
    /// HMAC-SHA-256 over the body and nothing else.
    #[must_use]
    pub fn over_body(
        header: HeaderName,
        prefix: impl Into<String>,
        encoding: Encoding,
        keys: Vec<Key>,
    ) -> Scheme {
        Scheme {
            header,
            prefix: prefix.into(),
            separator: Separator::Usual,
            encoding,
            algorithm: Algorithm::Sha256,
            signed: SignedTemplate::of_body(),
            stamp: None,
            id_header: None,
            key_encoding: KeyEncoding::Raw,
            keys,
        }
    }

    /// Every header it reads.
    pub(super) fn headers(&self) -> impl Iterator<Item = &HeaderName> {
        let stamp = self.stamp.as_ref().and_then(|stamp| match &stamp.place {
            StampPlace::Header(name) => Some(name),
            StampPlace::Entry(_) => None,
        });
        core::iter::once(&self.header)
            .chain(stamp)
            .chain(&self.id_header)
    }

    /// What stands between a timestamp and a signature in one header.
    #[must_use]
    pub fn joint(&self) -> char {
        match self.separator {
            Separator::Only(separator) => char::from(separator),
            Separator::Usual | Separator::Nothing => ' ',
        }
    }

    pub(super) fn mac(
        &self,
        key: &Key,
        body: &[u8],
        time: Option<&[u8]>,
        id: Option<&str>,
    ) -> Option<Tagger> {
        let mut mac = Tagger::new(self.algorithm, key)?;
        for part in self.signed.parts() {
            mac.update(match part {
                SignedPart::Text(text) => text.as_bytes(),
                SignedPart::Body => body,
                SignedPart::Timestamp => time?,
                SignedPart::Id => id?.as_bytes(),
            });
        }
        Some(mac)
    }
}
