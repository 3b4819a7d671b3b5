//! One webhook request that its sender has proved to be its own.

use core::fmt;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::time::Timestamp;

/// An authenticated request. There are two ways to one: [`super::signature::authenticate`], and the journal, which
/// recalls what was authenticated before.
pub struct VerifiedDelivery {
    source: String,
    body: Bytes,
    key: DeliveryKey,
    received: Timestamp,
    credential: String,
}

impl VerifiedDelivery {
    pub(super) fn verified(source: &str, body: Bytes, received: Timestamp, credential: String) -> VerifiedDelivery {
        let key = DeliveryKey::of(source, &body);
        VerifiedDelivery { source: source.to_owned(), body, key, received, credential }
    }

    /// A delivery from the journal, where only authenticated ones are: nobody else may call this.
    #[must_use]
    pub(crate) fn recalled(source: &str, body: Bytes, received: Timestamp) -> VerifiedDelivery {
        Self::verified(source, body, received, String::new())
    }

    /// The configured source whose credential matched.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The bytes as received, which are the bytes that were signed.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// What makes a repeated request the same.
    #[must_use]
    pub const fn key(&self) -> DeliveryKey {
        self.key
    }

    /// When it arrived, by our clock.
    #[must_use]
    pub const fn received(&self) -> Timestamp {
        self.received
    }

    /// The names of the keys that matched, for the log; empty for a recalled one.
    #[must_use]
    pub fn credential(&self) -> &str {
        &self.credential
    }
}

/// The first 24 bytes of SHA-256 over source and body: only authenticated bytes, no header that a replay could change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey([u8; 24]);

impl DeliveryKey {
    /// Each part is preceded by its length, so no two pairs run together.
    fn of(source: &str, body: &[u8]) -> DeliveryKey {
        let mut hash = Sha256::new();
        for part in [source.as_bytes(), body] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut key = [0; 24];
        for (to, from) in key.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        DeliveryKey(key)
    }

    /// The bytes, as the journal stores them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }
}

impl fmt::Debug for DeliveryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_of_source_and_body_and_nothing_else() {
        let key = |source: &str, body: &'static [u8], at: i64| {
            VerifiedDelivery::recalled(source, Bytes::from_static(body), Timestamp::from_millis(at)).key()
        };
        assert_eq!(key("a", b"{}", 1), key("a", b"{}", 2));
        assert_ne!(key("a", b"{}", 1), key("b", b"{}", 1));
        assert_ne!(key("a", b"b{}", 1), key("ab", b"{}", 1), "the parts must not run together");
    }
}
