//! Tokens of programs. They are made offline and stand in scanhook.toml as hashes, so that they are reviewed, and are
//! revoked by deleting a line. No API makes one: a stolen session could leave it behind.

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::grant::AdminGrant;
use crate::time::Timestamp;

/// How every token begins, so that scanners for leaked secrets know one.
const PREFIX: &str = "shk_";
/// Characters behind the prefix: 8 to find a token by, and 43 that hold 256 random bits.
const LENGTH: usize = 51;
/// How a hash begins.
const SHA256: &str = "sha256:";

/// The hash of a whole token. A token is 256 random bits, so one round of SHA-256 is as hard to reverse as any other hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessTokenHash([u8; 32]);

impl AccessTokenHash {
    /// The hash of this token.
    #[must_use]
    pub fn of(token: &str) -> AccessTokenHash {
        AccessTokenHash(Sha256::digest(token).into())
    }

    /// Reads `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<AccessTokenHash> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix(SHA256)?, &mut bytes).ok()?;
        Some(AccessTokenHash(bytes))
    }
}

impl fmt::Display for AccessTokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SHA256}{}", hex::encode(self.0))
    }
}

/// One configured token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// The name it is configured by, which the audit shows.
    pub name: String,
    /// What it is compared with.
    pub hash: AccessTokenHash,
    /// What it may do.
    pub grant: AdminGrant,
    /// From here on it is refused; `None`: it does not end.
    pub until: Option<Timestamp>,
    /// Whether it may say for whom it acts. Then it is never the second of two people.
    pub for_others: bool,
}

/// The configured token that this is, if it is one that has not ended. All are compared, each in constant time.
#[must_use]
pub fn find<'t>(
    tokens: &'t [AccessToken],
    presented: &str,
    now: Timestamp,
) -> Option<&'t AccessToken> {
    let hash = AccessTokenHash::of(presented);
    let mut found = None;
    for token in tokens {
        if bool::from(token.hash.0.ct_eq(&hash.0)) {
            found = Some(token);
        }
    }
    found.filter(|token| is_token(presented) && token.until.is_none_or(|until| now < until))
}

/// Whether a text has the shape of a token.
#[must_use]
pub fn is_token(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|rest| {
        rest.len() == LENGTH
            && rest
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    })
}

/// A token from random bytes.
#[must_use]
pub fn from_random(bytes: &[u8; 39]) -> SecretString {
    let text = URL_SAFE_NO_PAD.encode(bytes);
    SecretString::from(format!("{PREFIX}{}", &text[..LENGTH]))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use secrecy::ExposeSecret as _;

    use super::super::AdminRole;
    use super::super::grant::TenantScope;
    use super::*;

    fn made(byte: u8) -> String {
        from_random(&[byte; 39]).expose_secret().to_owned()
    }

    fn configured(token: &str, until: Option<Timestamp>) -> AccessToken {
        AccessToken {
            name: "soar".to_owned(),
            hash: AccessTokenHash::of(token),
            grant: AdminGrant {
                role: AdminRole::Viewer,
                tenants: TenantScope::All,
            },
            until,
            for_others: false,
        }
    }

    #[test]
    fn a_token_is_found_by_its_hash_alone_and_no_longer_than_it_lasts() {
        let (one, other) = (made(1), made(2));
        let ends = Timestamp::from_millis(1_000);
        let tokens = [configured(&one, Some(ends))];
        let at = |millis| Timestamp::from_millis(millis);
        assert_eq!(find(&tokens, &one, at(999)), Some(&tokens[0]));
        assert_eq!(find(&tokens, &one, ends), None);
        assert_eq!(find(&tokens, &other, at(0)), None);
        assert_eq!(find(&tokens, &tokens[0].hash.to_string(), at(0)), None);
    }

    #[test]
    fn a_hash_is_read_as_it_is_written() {
        let hash = AccessTokenHash::of(&made(7));
        assert_eq!(AccessTokenHash::parse(&hash.to_string()), Some(hash));
        for bad in ["", "sha256:", "sha256:00", "md5:00", &hash.to_string()[7..]] {
            assert_eq!(AccessTokenHash::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_token_has_one_shape() {
        let token = made(255);
        assert!(is_token(&token), "{token}");
        assert_eq!(token.len(), 55);
        for bad in [
            "",
            "shk_",
            &token[..54],
            &format!("{token}x"),
            &format!("{}+", &token[..54]),
        ] {
            assert!(!is_token(bad), "{bad}");
        }
    }
}
