//! The key of a session: what a browser keeps in its cookie, and the hash that the journal keeps of it. Whoever reads the
//! journal cannot take over a session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

/// Characters of 256 bits in base64url.
const LENGTH: usize = 43;

/// What a browser keeps of its session. Without `Debug`: whoever has it is signed in.
#[derive(Clone)]
pub struct SessionKey(SecretString);

impl SessionKey {
    /// The key made of these random bytes.
    #[must_use]
    pub fn from_random(bytes: &[u8; 32]) -> SessionKey {
        SessionKey(URL_SAFE_NO_PAD.encode(bytes).into())
    }

    /// A key as a browser sends it back, if it has the shape of one.
    #[must_use]
    pub fn read(text: &str) -> Option<SessionKey> {
        let fits = text.len() == LENGTH
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        fits.then(|| SessionKey(text.into()))
    }

    /// What the cookie holds.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// What the journal keeps, in hexadecimal digits. The key is 256 random bits, so one round of SHA-256 is enough.
    #[must_use]
    pub fn hash(&self) -> String {
        self.derived("session")
    }

    /// Another value that nobody can know without this key.
    #[must_use]
    pub fn derived(&self, what: &str) -> String {
        let digest = Sha256::new()
            .chain_update(what)
            .chain_update([0])
            .chain_update(self.expose());
        hex::encode(digest.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_as_it_was_given_and_nothing_else_passes_for_one() {
        let key = SessionKey::from_random(&[7; 32]);
        assert_eq!(key.expose().len(), LENGTH);
        let again = SessionKey::read(key.expose()).map(|key| key.hash());
        assert_eq!(again, Some(key.hash()));
        assert_ne!(key.hash(), key.derived("state"));
        for text in [
            "",
            "short",
            &"a".repeat(44),
            &format!("{}=", "a".repeat(42)),
        ] {
            assert!(SessionKey::read(text).is_none(), "{text}");
        }
    }
}
