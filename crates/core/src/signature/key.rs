//! The secrets a sender proves itself by, each with the name it may be logged under.

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::HeaderValue;
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Fewer bytes are no secret.
pub const SHORTEST_SECRET: usize = 16;

codes! {
    /// How a key is written where it is kept. The names are those of scanhook.toml.
    pub enum KeyEncoding {
        /// The text is the key, also where it looks like base64 (PagerDuty, GitHub, Grafana).
        Raw = "raw",
        /// Hex digits of either case.
        Hex = "hex",
        /// Base64 in either alphabet, with or without padding.
        Base64 = "base64",
        /// Base64 behind `whsec_`, as Standard Webhooks writes it; the prefix may be missing.
        Whsec = "whsec",
    }
}

/// A secret with the name of the file or variable it came from.
#[derive(Clone)]
pub struct Key {
    id: String,
    origin: Option<SecretOrigin>,
    /// Shared, so that a copy of the settings is no second copy of the secret.
    secret: Arc<SecretSlice<u8>>,
}

/// Where a secret is kept: for a command that must not hold it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretOrigin {
    /// In this file.
    File(PathBuf),
    /// In this environment variable.
    Variable(String),
}

/// Why bytes are no webhook secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    /// Too little to guess; also the empty one.
    #[error("a webhook secret needs at least {SHORTEST_SECRET} bytes")]
    TooShort,
    /// HMAC pads short keys with U+0000, so it would not be the only key that fits.
    #[error("a webhook secret must not hold U+0000")]
    Nul,
    /// Not written as its encoding wants.
    #[error("is not written in the encoding that `secret_encoding` names")]
    NotEncoded,
}

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads base64 in either alphabet, with or without padding. Whoever uses it compares decoded bytes, so that another
/// spelling of the same bytes proves nothing else.
pub(super) fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    let standard = |byte: &u8| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => *other,
    };
    LENIENT
        .decode(text.iter().map(standard).collect::<Vec<u8>>())
        .ok()
}

impl Key {
    /// A key whose text is the secret, and the name it may be logged by.
    ///
    /// # Errors
    /// [`BadKey`] for bytes that protect nothing.
    pub fn new(id: impl Into<String>, secret: &[u8]) -> Result<Key, BadKey> {
        if secret.contains(&0) {
            return Err(BadKey::Nul);
        }
        Key::of(id.into(), secret.to_vec())
    }

    /// A key that is written in some encoding. What it decodes to may hold any byte.
    ///
    /// # Errors
    /// [`BadKey`].
    pub fn encoded(
        id: impl Into<String>,
        written: &[u8],
        encoding: KeyEncoding,
    ) -> Result<Key, BadKey> {
        // Blanks around an encoded key mean nothing; in a raw one they are part of it.
        let text = written.trim_ascii();
        let decoded = match encoding {
            KeyEncoding::Raw => return Key::new(id, written),
            KeyEncoding::Hex => hex::decode(text).ok(),
            KeyEncoding::Base64 => from_base64(text),
            KeyEncoding::Whsec => from_base64(text.strip_prefix(b"whsec_").unwrap_or(text)),
        };
        Key::of(id.into(), decoded.ok_or(BadKey::NotEncoded)?)
    }

    fn of(id: String, secret: Vec<u8>) -> Result<Key, BadKey> {
        let secret = SecretSlice::from(secret);
        if secret.expose_secret().len() < SHORTEST_SECRET {
            return Err(BadKey::TooShort);
        }
        Ok(Key {
            id,
            origin: None,
            secret: Arc::new(secret),
        })
    }

    /// The same key, with the place it was read from.
    #[must_use]
    pub fn kept_in(mut self, origin: SecretOrigin) -> Key {
        self.origin = Some(origin);
        self
    }

    /// For vectors whose published secrets are shorter than any we accept.
    #[cfg(test)]
    pub(crate) fn unchecked(secret: &[u8]) -> Key {
        Key {
            id: String::new(),
            origin: None,
            secret: Arc::new(SecretSlice::from(secret.to_vec())),
        }
    }

    /// The name of the file or variable.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Where it is kept, if that is known.
    #[must_use]
    pub const fn origin(&self) -> Option<&SecretOrigin> {
        self.origin.as_ref()
    }

    /// Whether a header can carry it as a token: no control characters, no blank at an end.
    #[must_use]
    pub fn is_sendable(&self) -> bool {
        let secret = self.expose();
        HeaderValue::from_bytes(secret).is_ok() && secret.trim_ascii() == secret
    }

    /// The secret as text, which a URL and a JSON body need it to be; `None` for other bytes.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        core::str::from_utf8(self.expose()).ok()
    }

    /// Whether two keys hold the same secret: one sender could speak for another source.
    #[must_use]
    pub fn same_secret(&self, other: &Key) -> bool {
        self.expose().ct_eq(other.expose()).into()
    }

    /// Compares hashes: neither content nor length of the secret shows in the time it takes.
    pub(super) fn is_token(&self, token: &[u8]) -> bool {
        self.is_behind(b"", token)
    }

    /// The same for a secret that is presented behind something everybody knows, such as a user's name.
    pub(super) fn is_behind(&self, before: &[u8], presented: &[u8]) -> bool {
        let own = Sha256::new_with_prefix(before)
            .chain_update(self.expose())
            .finalize();
        own.ct_eq(&Sha256::digest(presented)).into()
    }

    pub(super) fn expose(&self) -> &[u8] {
        self.secret.expose_secret()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_that_protect_nothing_are_refused() {
        assert_eq!(Key::new("k", b"").err(), Some(BadKey::TooShort));
        assert_eq!(
            Key::new("k", b"fifteen bytes..").err(),
            Some(BadKey::TooShort)
        );
        assert_eq!(
            Key::new("k", b"sixteen bytes...\0").err(),
            Some(BadKey::Nul)
        );
        assert!(Key::new("k", b"sixteen bytes...").is_ok());
    }

    #[test]
    fn a_key_is_read_in_the_encoding_that_is_named_and_in_no_other() {
        let plain: Vec<u8> = (0..24).collect();
        let (hex, base64) = (hex::encode(&plain), LENIENT.encode(&plain));
        let unpadded = LENIENT.encode(&plain[..23]);
        let whsec = format!("whsec_{base64}");
        for (written, encoding, length) in [
            (hex.as_str(), KeyEncoding::Hex, Some(24)),
            (&hex.to_uppercase(), KeyEncoding::Hex, Some(24)),
            (&base64, KeyEncoding::Base64, Some(24)),
            (&base64, KeyEncoding::Whsec, Some(24)),
            (&whsec, KeyEncoding::Whsec, Some(24)),
            (
                unpadded.trim_end_matches('='),
                KeyEncoding::Base64,
                Some(23),
            ),
            (&whsec, KeyEncoding::Raw, Some(38)),
            (&whsec, KeyEncoding::Base64, None),
            (&whsec, KeyEncoding::Hex, None),
            (&hex[..47], KeyEncoding::Hex, None),
            ("whsec_", KeyEncoding::Whsec, None),
            ("whsec_AAAA", KeyEncoding::Whsec, None),
            ("", KeyEncoding::Hex, None),
        ] {
            let key = Key::encoded("k", written.as_bytes(), encoding);
            assert_eq!(
                key.ok().map(|key| key.expose().len()),
                length,
                "{written} as {encoding}"
            );
        }
    }
}
