//! Who sent this? Nothing is remembered, read or answered with a reason before this module says so.
//!
//! The algorithm and the keys come from the configuration, never from the request; the raw bytes are verified;
//! whole tags are compared, in constant time.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::delivery::VerifiedDelivery;
use super::time::Timestamp;

/// More signatures in one header than this are refused untried.
pub const MOST_SIGNATURES: usize = 8;

/// Fewer bytes are no secret.
pub const SHORTEST_SECRET: usize = 16;

/// How a source's requests prove themselves: one of the alternatives must hold, and all checks inside it.
#[derive(Clone)]
pub struct Authentication {
    /// Empty alternatives hold for nobody.
    pub alternatives: Vec<Vec<Check>>,
}

/// One check of a request.
#[derive(Clone)]
pub enum Check {
    /// HMAC-SHA-256 over the raw body.
    Hmac {
        /// Where the signatures stand, divided by commas or blanks.
        header: HeaderName,
        /// Stands before every signature; may be empty.
        prefix: String,
        /// How the tag is written.
        encoding: Encoding,
        /// Any of these may match; the first one signs.
        keys: Vec<Key>,
    },
    /// `Authorization: Bearer <token>`.
    Bearer {
        /// Any of these may match; the first one is sent.
        keys: Vec<Key>,
    },
}

/// How a tag is written in its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Hex digits of either case.
    Hex,
    /// Standard base64 with padding.
    Base64,
}

/// A secret with the name of the file or variable it came from.
#[derive(Clone)]
pub struct Key {
    id: String,
    /// Shared, so that a copy of the settings is no second copy of the secret.
    secret: Arc<SecretSlice<u8>>,
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
}

impl Key {
    /// A key and the name it may be logged by.
    ///
    /// # Errors
    /// [`BadKey`] for bytes that protect nothing.
    pub fn new(id: impl Into<String>, secret: &[u8]) -> Result<Key, BadKey> {
        if secret.len() < SHORTEST_SECRET {
            return Err(BadKey::TooShort);
        }
        if secret.contains(&0) {
            return Err(BadKey::Nul);
        }
        Ok(Key { id: id.into(), secret: Arc::new(SecretSlice::from(secret.to_vec())) })
    }

    /// For vectors whose published secrets are shorter than any we accept.
    #[cfg(test)]
    pub(crate) fn unchecked(secret: &[u8]) -> Key {
        Key { id: String::new(), secret: Arc::new(SecretSlice::from(secret.to_vec())) }
    }

    /// The name of the file or variable.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether a header can carry it as a bearer token: no control characters, no blank at an end.
    #[must_use]
    pub fn is_sendable(&self) -> bool {
        let secret = self.secret.expose_secret();
        HeaderValue::from_bytes(secret).is_ok() && secret.trim_ascii() == secret
    }

    /// Whether two keys hold the same secret: one sender could speak for another source.
    #[must_use]
    pub fn same_secret(&self, other: &Key) -> bool {
        self.secret.expose_secret().ct_eq(other.secret.expose_secret()).into()
    }

    fn tag_of(&self, body: &[u8]) -> Option<Hmac<Sha256>> {
        Some(Hmac::<Sha256>::new_from_slice(self.secret.expose_secret()).ok()?.chain_update(body))
    }

    /// Compares hashes: neither content nor length of the secret shows in the time it takes.
    fn is_token(&self, token: &[u8]) -> bool {
        Sha256::digest(self.secret.expose_secret()).ct_eq(&Sha256::digest(token)).into()
    }
}

/// Why a request is turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// A credential header no honest sender makes: 400, with this code.
    Malformed(&'static str),
    /// 401 without a reason; this text is for the operator.
    Failed(&'static str),
}

const MISSING: &str = "the credential header is missing";

/// Checks that need no body: a repeated credential header, or more signatures than are tried.
///
/// # Errors
/// [`Refused::Malformed`].
pub fn shape(authentication: &Authentication, headers: &HeaderMap) -> Result<(), Refused> {
    for check in authentication.alternatives.iter().flatten() {
        if headers.get_all(check.header()).iter().count() > 1 {
            return Err(Refused::Malformed("repeated-credential"));
        }
        if let (Check::Hmac { prefix, .. }, Some(value)) = (check, headers.get(check.header()))
            && signatures(value.as_bytes(), prefix).nth(MOST_SIGNATURES).is_some()
        {
            return Err(Refused::Malformed("too-many-signatures"));
        }
    }
    Ok(())
}

/// The only way from a request to a [`VerifiedDelivery`].
///
/// # Errors
/// [`Refused`], with nothing in it that came from the request.
pub fn authenticate(
    authentication: &Authentication,
    source: &str,
    headers: &HeaderMap,
    body: Bytes,
    received: Timestamp,
) -> Result<VerifiedDelivery, Refused> {
    shape(authentication, headers)?;
    let mut reason = MISSING;
    for all in authentication.alternatives.iter().filter(|all| !all.is_empty()) {
        match all.iter().map(|check| check.holds(headers, &body)).collect::<Result<Vec<_>, _>>() {
            Ok(keys) => return Ok(VerifiedDelivery::verified(source, body, received, keys.join("+"))),
            Err(why) if reason == MISSING => reason = why,
            Err(_) => {}
        }
    }
    Err(Refused::Failed(reason))
}

impl Check {
    fn header(&self) -> &HeaderName {
        match self {
            Check::Hmac { header, .. } => header,
            Check::Bearer { .. } => &AUTHORIZATION,
        }
    }

    /// The keys of this check.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        match self {
            Check::Hmac { keys, .. } | Check::Bearer { keys } => keys,
        }
    }

    /// Whether altering the body in transit breaks it.
    #[must_use]
    pub const fn protects_body(&self) -> bool {
        matches!(self, Check::Hmac { .. })
    }

    /// The id of the key that matched, or what the operator should know.
    fn holds(&self, headers: &HeaderMap, body: &[u8]) -> Result<&str, &'static str> {
        let value = headers.get(self.header()).ok_or(MISSING)?.as_bytes();
        match self {
            Check::Hmac { prefix, encoding, keys, .. } => {
                let tags: Vec<_> = signatures(value, prefix).filter_map(|text| encoding.decode(text, prefix)).collect();
                if tags.is_empty() {
                    return Err("no signature in the header has the configured prefix and encoding");
                }
                let signed = |key: &Key| {
                    tags.iter().any(|tag| key.tag_of(body).is_some_and(|mac| mac.verify_slice(tag).is_ok()))
                };
                keys.iter().find(|key| signed(key)).map(Key::id).ok_or("no signature fits: other secret or other bytes")
            }
            Check::Bearer { keys } => {
                let token = bearer_token(value).ok_or("the scheme is not Bearer, or the token is empty")?;
                keys.iter().find(|key| key.is_token(token)).map(Key::id).ok_or("the bearer token is another one")
            }
        }
    }
}

impl Encoding {
    fn decode(self, signature: &[u8], prefix: &str) -> Option<Vec<u8>> {
        let text = signature.strip_prefix(prefix.as_bytes())?;
        match self {
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::Base64 => BASE64.decode(text).ok(),
        }
        .filter(|tag| !tag.is_empty())
    }

    fn encode(self, tag: &[u8]) -> String {
        match self {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => BASE64.encode(tag),
        }
    }
}

/// The entries of a signature header: divided by blanks, and by commas unless the prefix has one of its own (`v1,`).
fn signatures<'v>(value: &'v [u8], prefix: &str) -> impl Iterator<Item = &'v [u8]> {
    let comma = !prefix.contains(',');
    value.split(move |b| matches!(b, b' ' | b'\t') || (comma && *b == b',')).filter(|entry| !entry.is_empty())
}

fn bearer_token(value: &[u8]) -> Option<&[u8]> {
    let blank = value.iter().position(|b| *b == b' ')?;
    let (scheme, token) = value.split_at(blank);
    let token = token.trim_ascii();
    (scheme.eq_ignore_ascii_case(b"bearer") && !token.is_empty()).then_some(token)
}

/// The header with which a sender satisfies this check: what `send` attaches. `None` if there is no key, or one
/// that no header can carry.
#[must_use]
pub fn sign(check: &Check, body: &[u8]) -> Option<(HeaderName, HeaderValue)> {
    let key = check.keys().first()?;
    let value = match check {
        Check::Hmac { prefix, encoding, .. } => {
            let tag = key.tag_of(body)?.finalize().into_bytes();
            HeaderValue::from_str(&format!("{prefix}{}", encoding.encode(&tag)))
        }
        Check::Bearer { .. } => HeaderValue::from_bytes(&[b"Bearer ", key.secret.expose_secret()].concat()),
    };
    let mut value = value.ok()?;
    value.set_sensitive(true);
    Some((check.header().clone(), value))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    const SECRET: &[u8] = b"a secret of 24 bytes, ok";
    const HEADER: HeaderName = HeaderName::from_static("x-signature-256");
    const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);

    fn hmac(prefix: &str, encoding: Encoding, secrets: &[&[u8]]) -> Check {
        let keys = secrets.iter().enumerate().map(|(n, s)| Key::new(format!("key{n}"), s).unwrap()).collect();
        Check::Hmac { header: HEADER, prefix: prefix.to_owned(), encoding, keys }
    }

    fn bearer(secret: &[u8]) -> Check {
        Check::Bearer { keys: vec![Key::new("token", secret).unwrap()] }
    }

    fn only(check: Check) -> Authentication {
        Authentication { alternatives: vec![vec![check]] }
    }

    fn headers(pairs: &[(&HeaderName, &[u8])]) -> HeaderMap {
        pairs.iter().map(|(n, v)| ((*n).clone(), HeaderValue::from_bytes(v).unwrap())).collect()
    }

    fn verify(auth: &Authentication, headers: &HeaderMap, body: &[u8]) -> Result<String, Refused> {
        authenticate(auth, "s", headers, Bytes::copy_from_slice(body), NOW).map(|d| d.credential().to_owned())
    }

    /// 202, 400 or 401.
    fn status(auth: &Authentication, headers: &HeaderMap, body: &[u8]) -> u16 {
        match verify(auth, headers, body) {
            Ok(_) => 202,
            Err(Refused::Malformed(_)) => 400,
            Err(Refused::Failed(_)) => 401,
        }
    }

    fn tag(secret: &[u8], body: &[u8]) -> String {
        let (_, value) = sign(&hmac("", Encoding::Hex, &[secret]), body).unwrap();
        value.to_str().unwrap().to_owned()
    }

    #[test]
    fn the_right_signature_is_accepted_and_no_damaged_spelling_of_it() {
        let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
        let body = br#"{"alertId":"3212"}"#;
        let tag = tag(SECRET, body);
        let base64 = BASE64.encode(hex::decode(&tag).unwrap());
        for (value, expected) in [
            (format!("sha256={tag}"), 202),
            (format!("sha256={}", tag.to_uppercase()), 202),
            (String::new(), 401),
            ("sha256=".to_owned(), 401),
            ("v1,".to_owned(), 401),
            ("none".to_owned(), 401),
            (tag.clone(), 401),
            (format!("sha1={tag}"), 401),
            (format!("SHA256={tag}"), 401),
            (format!("sha256=0x{tag}"), 401),
            (format!("sha256= {tag}"), 401),
            (format!("sha256={} {}", &tag[..32], &tag[32..]), 401),
            (format!("sha256={}", &tag[..62]), 401),
            (format!("sha256={}", &tag[..8]), 401),
            (format!("sha256={tag}00"), 401),
            (format!("sha256={base64}"), 401),
            (format!("sha256={}", "\u{ff11}".repeat(64)), 401),
        ] {
            assert_eq!(status(&auth, &headers(&[(&HEADER, value.as_bytes())]), body), expected, "{value}");
        }
        assert_eq!(status(&auth, &HeaderMap::new(), body), 401);
    }

    #[test]
    fn a_repeated_header_is_malformed_whichever_value_is_right() {
        let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
        let good = format!("sha256={}", tag(SECRET, b"{}"));
        for pair in [[good.as_bytes(), b"sha256=00"], [b"sha256=00", good.as_bytes()], [good.as_bytes(); 2]] {
            let headers = headers(&[(&HEADER, pair[0]), (&HEADER, pair[1])]);
            assert_eq!(verify(&auth, &headers, b"{}"), Err(Refused::Malformed("repeated-credential")));
            assert!(shape(&auth, &headers).is_err(), "known before the body is read");
        }
    }

    #[test]
    fn eight_signatures_are_tried_and_nine_refused() {
        let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
        let good = format!("sha256={}", tag(SECRET, b"{}"));
        for separator in [",", " ", ", "] {
            let list = |bad: usize| [vec!["sha256=00"; bad], vec![good.as_str()]].concat().join(separator);
            assert_eq!(status(&auth, &headers(&[(&HEADER, list(7).as_bytes())]), b"{}"), 202);
            assert_eq!(status(&auth, &headers(&[(&HEADER, list(8).as_bytes())]), b"{}"), 400);
            assert_eq!(status(&auth, &headers(&[(&HEADER, list(9_999).as_bytes())]), b"{}"), 400);
        }
    }

    #[test]
    fn base64_and_a_prefix_with_a_comma_of_its_own() {
        let check = hmac("v1,", Encoding::Base64, &[SECRET]);
        let (name, value) = sign(&check, b"{}").unwrap();
        let auth = only(check);
        let list = format!("v1,AAAA v1a,xx {}", value.to_str().unwrap());
        assert_eq!(status(&auth, &headers(&[(&name, list.as_bytes())]), b"{}"), 202);
        assert_eq!(status(&auth, &headers(&[(&name, b"v1,")]), b"{}"), 401);
        let unpadded = value.to_str().unwrap().trim_end_matches('=').to_owned();
        assert_eq!(status(&auth, &headers(&[(&name, unpadded.as_bytes())]), b"{}"), 401);
    }

    #[test]
    fn while_rotating_both_secrets_are_good_and_the_log_says_which() {
        let new: &[u8] = b"the new one, 24 bytes :)";
        let auth = only(hmac("", Encoding::Hex, &[new, SECRET]));
        for (secret, id) in [(new, "key0"), (SECRET, "key1")] {
            let headers = headers(&[(&HEADER, tag(secret, b"{}").as_bytes())]);
            assert_eq!(verify(&auth, &headers, b"{}").as_deref(), Ok(id));
        }
        let stranger = headers(&[(&HEADER, tag(b"another source's secret!", b"{}").as_bytes())]);
        assert_eq!(status(&auth, &stranger, b"{}"), 401);
    }

    #[test]
    fn a_bearer_token_is_compared_whole() {
        let auth = only(bearer(SECRET));
        for (value, expected) in [
            (&b"Bearer a secret of 24 bytes, ok"[..], 202),
            (b"bEARER  a secret of 24 bytes, ok", 202),
            (b"Bearer a secret of 24 bytes, o", 401),
            (b"Bearer a secret of 24 bytes, okk", 401),
            (b"Bearer ", 401),
            (b"Bearer", 401),
            (b"", 401),
            (b"Basic a secret of 24 bytes, ok", 401),
            (b"a secret of 24 bytes, ok", 401),
        ] {
            assert_eq!(status(&auth, &headers(&[(&AUTHORIZATION, value)]), b""), expected, "{value:?}");
        }
        let (name, value) = sign(&bearer(SECRET), b"").unwrap();
        assert_eq!(status(&auth, &headers(&[(&name, value.as_bytes())]), b""), 202);
        let twice = headers(&[(&name, value.as_bytes()), (&name, value.as_bytes())]);
        assert_eq!(status(&auth, &twice, b""), 400);
    }

    #[test]
    fn all_checks_of_one_alternative_must_hold() {
        let both = || vec![hmac("", Encoding::Hex, &[SECRET]), bearer(SECRET)];
        let (sign_name, signature) = sign(&both()[0], b"{}").unwrap();
        let (token_name, token) = sign(&both()[1], b"{}").unwrap();
        let signed = headers(&[(&sign_name, signature.as_bytes())]);
        let tokened = headers(&[(&token_name, token.as_bytes())]);
        let complete = headers(&[(&sign_name, signature.as_bytes()), (&token_name, token.as_bytes())]);
        let all = Authentication { alternatives: vec![both()] };
        assert_eq!([&signed, &tokened, &complete].map(|h| status(&all, h, b"{}")), [401, 401, 202]);
        let any = Authentication { alternatives: both().into_iter().map(|c| vec![c]).collect() };
        assert_eq!([&signed, &tokened, &complete].map(|h| status(&any, h, b"{}")), [202, 202, 202]);
        for nobody in [vec![], vec![vec![]]] {
            assert_eq!(status(&Authentication { alternatives: nobody }, &complete, b"{}"), 401);
        }
    }

    #[test]
    fn no_flipped_bit_of_signature_or_body_is_accepted() {
        let auth = only(hmac("sha256=", Encoding::Hex, &[SECRET]));
        let body: Vec<u8> = (0..200_u8).map(|n| b' ' + n % 90).collect();
        let good = format!("sha256={}", tag(SECRET, &body)).into_bytes();
        assert_eq!(status(&auth, &headers(&[(&HEADER, &good)]), &body), 202);
        let mut flips = 0;
        for bit in 0..body.len() * 8 {
            let mut altered = body.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(status(&auth, &headers(&[(&HEADER, &good)]), &altered), 202);
            flips += 1;
        }
        for bit in 0..good.len() * 8 {
            let mut altered = good.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let hex_case = altered[7..].eq_ignore_ascii_case(&good[7..]) && altered[..7] == good[..7];
            let Ok(value) = HeaderValue::from_bytes(&altered) else { continue };
            if !hex_case {
                assert_ne!(status(&auth, &[(HEADER, value)].into_iter().collect(), &body), 202);
                flips += 1;
            }
        }
        assert!(flips > 2_000, "{flips}");
    }

    #[test]
    fn secrets_that_protect_nothing_are_refused() {
        assert_eq!(Key::new("k", b"").err(), Some(BadKey::TooShort));
        assert_eq!(Key::new("k", b"fifteen bytes..").err(), Some(BadKey::TooShort));
        assert_eq!(Key::new("k", b"sixteen bytes...\0").err(), Some(BadKey::Nul));
        assert!(Key::new("k", b"sixteen bytes...").is_ok());
    }
}
