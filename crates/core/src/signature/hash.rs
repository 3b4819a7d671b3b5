//! The HMAC of a request under each of the hash functions; a tag is compared whole and in constant time.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::key::Key;

codes! {
    /// The hash function below the HMAC. The names are those of scanhook.toml.
    pub enum Algorithm {
        /// What nearly everybody uses.
        Sha256 = "sha256",
        /// SHA-512.
        Sha512 = "sha512",
        /// For senders that know no other. As an HMAC it is not broken; as a choice it is old.
        Sha1 = "sha1",
    }
}

/// An HMAC under way.
pub(super) enum Tagger {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Tagger {
    pub(super) fn new(algorithm: Algorithm, key: &Key) -> Option<Tagger> {
        let key = key.expose();
        Some(match algorithm {
            Algorithm::Sha1 => Tagger::Sha1(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha256 => Tagger::Sha256(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha512 => Tagger::Sha512(Hmac::new_from_slice(key).ok()?),
        })
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Tagger::Sha1(mac) => mac.update(bytes),
            Tagger::Sha256(mac) => mac.update(bytes),
            Tagger::Sha512(mac) => mac.update(bytes),
        }
    }

    /// Compares the whole tag, in constant time.
    pub(super) fn fits(&self, tag: &[u8]) -> bool {
        match self {
            Tagger::Sha1(mac) => mac.clone().verify_slice(tag).is_ok(),
            Tagger::Sha256(mac) => mac.clone().verify_slice(tag).is_ok(),
            Tagger::Sha512(mac) => mac.clone().verify_slice(tag).is_ok(),
        }
    }

    pub(super) fn tag(self) -> Vec<u8> {
        match self {
            Tagger::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Tagger::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Tagger::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}
