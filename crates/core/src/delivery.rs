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
    by_old_secret: bool,
    may_hold_secret: bool,
}

impl VerifiedDelivery {
    pub(super) fn verified(
        source: &str,
        body: Bytes,
        received: Timestamp,
        credential: String,
    ) -> VerifiedDelivery {
        let key = DeliveryKey::of_body(source, &body);
        let source = source.to_owned();
        VerifiedDelivery {
            source,
            body,
            key,
            received,
            credential,
            by_old_secret: false,
            may_hold_secret: false,
        }
    }

    /// The same delivery, known again by the id that its signature covers: whatever else a retry writes anew.
    pub(super) fn with_id(mut self, id: &str) -> VerifiedDelivery {
        self.key = DeliveryKey::of(&[self.source.as_bytes(), b"id", id.as_bytes()]);
        self
    }

    /// The same delivery, proved by a secret that is on its way out.
    pub(super) const fn by_old_secret(mut self, old: bool) -> VerifiedDelivery {
        self.by_old_secret = old;
        self
    }

    /// The same delivery, in whose body a secret of the source may stand: it could not be read, so none was removed.
    pub(super) const fn with_secret_perhaps(mut self, perhaps: bool) -> VerifiedDelivery {
        self.may_hold_secret = perhaps;
        self
    }

    /// A delivery from the journal, where only authenticated ones are: nobody else may call this.
    #[must_use]
    pub fn recalled(source: &str, body: Bytes, received: Timestamp) -> VerifiedDelivery {
        Self::verified(source, body, received, String::new())
    }

    /// The configured source whose credential matched.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The JSON as it was sent: without the compression or the form it came in, and without a secret that stood in it.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// SHA-256 of the body: what an audit compares, and what an alert without an id has its id from. It is the same
    /// whatever id the request was signed with, and when the delivery is read again.
    #[must_use]
    pub fn body_hash(&self) -> [u8; 32] {
        Sha256::digest(&self.body).into()
    }

    /// Whether nothing of the body may be kept or shown.
    #[must_use]
    pub const fn may_hold_secret(&self) -> bool {
        self.may_hold_secret
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

    /// The names of the keys that matched, for log and journal; empty for a recalled one.
    #[must_use]
    pub fn credential(&self) -> &str {
        &self.credential
    }

    /// Whether a key other than the first of its list matched: its sender has not been changed yet.
    #[must_use]
    pub const fn is_by_old_secret(&self) -> bool {
        self.by_old_secret
    }
}

/// The first 24 bytes of SHA-256 over source and body, or over source and signed id: only authenticated bytes, no
/// header that a replay could change.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey([u8; 24]);

impl DeliveryKey {
    /// Each part is preceded by its length, so no two lists run together.
    fn of(parts: &[&[u8]]) -> DeliveryKey {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        let mut key = [0; 24];
        for (to, from) in key.iter_mut().zip(hash.finalize()) {
            *to = from;
        }
        DeliveryKey(key)
    }

    /// Of a delivery that no signed id tells from others.
    fn of_body(source: &str, body: &[u8]) -> DeliveryKey {
        DeliveryKey::of(&[source.as_bytes(), body])
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
            VerifiedDelivery::recalled(source, Bytes::from_static(body), Timestamp::from_millis(at))
                .key()
        };
        assert_eq!(key("a", b"{}", 1), key("a", b"{}", 2));
        assert_ne!(key("a", b"{}", 1), key("b", b"{}", 1));
        assert_ne!(
            key("a", b"b{}", 1),
            key("ab", b"{}", 1),
            "the parts must not run together"
        );
    }

    #[test]
    fn a_signed_id_takes_the_place_of_the_body_and_is_never_taken_for_one() {
        let delivery = |source: &str, body: &'static [u8]| {
            VerifiedDelivery::recalled(source, Bytes::from_static(body), Timestamp::default())
        };
        assert_eq!(
            delivery("a", b"{}").with_id("1").key(),
            delivery("a", b"[]").with_id("1").key()
        );
        assert_ne!(
            delivery("a", b"{}").with_id("1").key(),
            delivery("a", b"{}").with_id("2").key()
        );
        assert_ne!(
            delivery("a", b"{}").with_id("1").key(),
            delivery("b", b"{}").with_id("1").key()
        );
        for body in [&b"1"[..], b"id1", b"id\0\0\0\0\0\0\0\x011"] {
            assert_ne!(
                delivery("a", body).key(),
                delivery("a", b"{}").with_id("1").key()
            );
        }
    }
}
