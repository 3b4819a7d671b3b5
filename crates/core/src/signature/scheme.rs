//! A signature over the request: HMAC by a template. Which bytes, which headers, which encoding: all of it is
//! configuration, nothing is taken from the request. The raw bytes are verified and whole tags compared, in
//! constant time.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::header::{HeaderMap, HeaderName};
use sha1::Sha1;
use sha2::{Sha256, Sha512};

use super::key::{Key, KeyEncoding, from_base64};
use super::stamp::{SignedTime, StampPlace};
use super::template::{SignedPart, SignedTemplate};
use super::{Failure, MISSING, Malformed};
use crate::time::Timestamp;

/// More signatures in one header than this are refused untried.
pub const MOST_SIGNATURES: usize = 8;

/// A longer id is none.
const LONGEST_ID: usize = 128;

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

/// What held: the key, counted from the one that signs, and the id of the delivery.
pub(super) struct Signed<'r> {
    pub(super) key: usize,
    pub(super) id: Option<&'r str>,
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

    /// What no honest sender writes, whatever the body is.
    pub(super) fn shape(&self, headers: &HeaderMap) -> Result<(), Malformed> {
        if let Some(value) = headers.get(&self.header)
            && self
                .signatures(value.as_bytes())
                .nth(MOST_SIGNATURES)
                .is_some()
        {
            return Err(Malformed::TooManySignatures);
        }
        let id = self
            .id_header
            .as_ref()
            .and_then(|name| headers.get(name))
            .map(|id| id.as_bytes());
        // Such a character could move the bounds of what was signed.
        let fits = |id: &[u8]| {
            id.len() <= LONGEST_ID
                && id
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
        };
        if id.is_some_and(|id| !fits(id)) {
            Err(Malformed::Id)
        } else {
            Ok(())
        }
    }

    /// Whether this sender signed these bytes, lately.
    pub(super) fn holds<'r>(
        &self,
        headers: &'r HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Signed<'r>, Failure> {
        let value = headers.get(&self.header).ok_or(MISSING)?.as_bytes();
        let tags: Vec<_> = self
            .signatures(value)
            .filter_map(|entry| self.tag(entry))
            .collect();
        if tags.is_empty() {
            return Err(Failure::of(
                "no signature in the header has the configured prefix and encoding",
            ));
        }
        let time = self
            .stamp
            .as_ref()
            .map(|stamp| self.time(stamp, headers, value))
            .transpose()?;
        let id = self
            .id_header
            .as_ref()
            .map(|name| id(headers, name))
            .transpose()?;
        let fits = |key: &Key| {
            let mac = self.mac(key, body, time, id);
            mac.is_some_and(|mac| tags.iter().any(|tag| mac.fits(tag)))
        };
        let key = self.keys.iter().position(fits);
        let key = key.ok_or(Failure::of(
            "no signature fits: other secret or other bytes",
        ))?;
        if let (Some(stamp), Some(time)) = (&self.stamp, time) {
            stamp.check(time, now).map_err(|why| Failure {
                check: why.check,
                ahead: why.ahead,
            })?;
        }
        Ok(Signed { key, id })
    }

    fn time<'r>(
        &self,
        stamp: &SignedTime,
        headers: &'r HeaderMap,
        value: &'r [u8],
    ) -> Result<&'r [u8], Failure> {
        match &stamp.place {
            StampPlace::Header(name) => headers
                .get(name)
                .map(|text| text.as_bytes())
                .ok_or(Failure::of("the timestamp's header is missing")),
            StampPlace::Entry(prefix) => {
                let mut times = self
                    .entries(value)
                    .filter_map(|entry| behind(prefix, entry));
                match (times.next(), times.next()) {
                    (Some(time), None) => Ok(time),
                    (None, _) => Err(Failure::of("the signature header holds no timestamp")),
                    (Some(_), Some(_)) => {
                        Err(Failure::of("the signature header holds several timestamps"))
                    }
                }
            }
        }
    }

    /// What stands before the timestamp in the header of the signatures, if it is there.
    fn time_prefix(&self) -> Option<&str> {
        self.stamp.as_ref().and_then(|stamp| match &stamp.place {
            StampPlace::Entry(prefix) => Some(prefix.as_str()),
            StampPlace::Header(_) => None,
        })
    }

    /// The entries of the header, without empty ones.
    fn entries<'s, 'v>(&'s self, value: &'v [u8]) -> impl Iterator<Item = &'v [u8]> + use<'s, 'v> {
        let mut rest = value;
        core::iter::from_fn(move || {
            loop {
                let before = rest
                    .iter()
                    .take_while(|byte| self.divides(**byte) || byte.is_ascii_whitespace())
                    .count();
                rest = &rest[before..];
                if rest.is_empty() {
                    return None;
                }
                let end = self.entry_end(rest);
                let (entry, after) = rest.split_at(end);
                rest = after;
                if !entry.trim_ascii().is_empty() {
                    return Some(entry.trim_ascii());
                }
            }
        })
    }

    /// Where the entry ends with which this text begins. Blanks between a prefix and what belongs to it divide nothing.
    fn entry_end(&self, text: &[u8]) -> usize {
        let heads = [Some(self.prefix.as_str()), self.time_prefix()];
        let heads = heads
            .into_iter()
            .flatten()
            .map(|head| head.trim().as_bytes())
            .filter(|head| !head.is_empty());
        let begins = |text: &[u8]| {
            heads
                .clone()
                .find(|head| text.starts_with(head))
                .map(<[u8]>::len)
        };
        let mut from = begins(text).unwrap_or(0);
        if from > 0 {
            let blanks = text[from..]
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t'))
                .count();
            // Another entry follows: this one is a prefix and nothing else.
            if begins(&text[from + blanks..]).is_none() {
                from += blanks;
            }
        }
        let end = text[from..].iter().position(|byte| self.divides(*byte));
        end.map_or(text.len(), |end| from + end)
    }

    fn divides(&self, byte: u8) -> bool {
        match self.separator {
            Separator::Usual => {
                matches!(byte, b' ' | b'\t') || (byte == b',' && !self.prefix.contains(','))
            }
            Separator::Only(only) => byte == only,
            Separator::Nothing => false,
        }
    }

    /// The entries that are no timestamp.
    fn signatures<'v>(&'v self, value: &'v [u8]) -> impl Iterator<Item = &'v [u8]> {
        self.entries(value).filter(|entry| {
            self.time_prefix()
                .is_none_or(|time| behind(time, entry).is_none())
        })
    }

    fn tag(&self, entry: &[u8]) -> Option<Vec<u8>> {
        let text = behind(&self.prefix, entry)?;
        let tag = match self.encoding {
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::Base64 => from_base64(text),
        };
        tag.filter(|tag| !tag.is_empty())
    }

    /// The header's value for these bytes; `None` without a key.
    pub(super) fn sign(&self, body: &[u8], time: &str, id: &str) -> Option<String> {
        let tag = self
            .mac(self.keys.first()?, body, Some(time.as_bytes()), Some(id))?
            .tag();
        let tag = match self.encoding {
            Encoding::Hex => hex::encode(tag),
            Encoding::Base64 => BASE64.encode(tag),
        };
        let signature = format!("{}{tag}", self.prefix);
        Some(match self.stamp.as_ref().map(|stamp| &stamp.place) {
            Some(StampPlace::Entry(prefix)) => format!("{prefix}{time}{}{signature}", self.joint()),
            _ => signature,
        })
    }

    /// What stands between a timestamp and a signature in one header.
    #[must_use]
    pub fn joint(&self) -> char {
        match self.separator {
            Separator::Only(separator) => char::from(separator),
            Separator::Usual | Separator::Nothing => ' ',
        }
    }

    fn mac(&self, key: &Key, body: &[u8], time: Option<&[u8]>, id: Option<&str>) -> Option<Tagger> {
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

/// What stands behind a prefix; blanks around either do not count.
fn behind<'v>(prefix: &str, entry: &'v [u8]) -> Option<&'v [u8]> {
    entry
        .strip_prefix(prefix.trim().as_bytes())
        .map(<[u8]>::trim_ascii)
}

/// The id; its alphabet was checked by [`Scheme::shape`].
fn id<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<&'r str, Failure> {
    let id = headers
        .get(name)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    id.ok_or(Failure::of("the id's header is missing or empty"))
}

/// An HMAC under way.
enum Tagger {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha512(Hmac<Sha512>),
}

impl Tagger {
    fn new(algorithm: Algorithm, key: &Key) -> Option<Tagger> {
        let key = key.expose();
        Some(match algorithm {
            Algorithm::Sha1 => Tagger::Sha1(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha256 => Tagger::Sha256(Hmac::new_from_slice(key).ok()?),
            Algorithm::Sha512 => Tagger::Sha512(Hmac::new_from_slice(key).ok()?),
        })
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Tagger::Sha1(mac) => mac.update(bytes),
            Tagger::Sha256(mac) => mac.update(bytes),
            Tagger::Sha512(mac) => mac.update(bytes),
        }
    }

    /// Compares the whole tag, in constant time.
    fn fits(&self, tag: &[u8]) -> bool {
        match self {
            Tagger::Sha1(mac) => mac.clone().verify_slice(tag).is_ok(),
            Tagger::Sha256(mac) => mac.clone().verify_slice(tag).is_ok(),
            Tagger::Sha512(mac) => mac.clone().verify_slice(tag).is_ok(),
        }
    }

    fn tag(self) -> Vec<u8> {
        match self {
            Tagger::Sha1(mac) => mac.finalize().into_bytes().to_vec(),
            Tagger::Sha256(mac) => mac.finalize().into_bytes().to_vec(),
            Tagger::Sha512(mac) => mac.finalize().into_bytes().to_vec(),
        }
    }
}
