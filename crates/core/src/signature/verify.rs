//! Whether a request holds what a scheme asks of it: its shape first, then the signature, then the time.

use http::header::{HeaderMap, HeaderName};

use super::entry::behind;
use super::key::{Key, from_base64};
use super::refused::{Failure, MISSING, Malformed};
use super::scheme::{Encoding, Scheme};
use super::stamp::{SignedTime, StampPlace};
use crate::time::Timestamp;

/// More signatures in one header than this are refused untried.
pub const MOST_SIGNATURES: usize = 8;

/// A longer id is none.
const LONGEST_ID: usize = 128;

/// What held: the key, counted from the one that signs, and the id of the delivery.
pub(super) struct Signed<'r> {
    pub(super) key: usize,
    pub(super) id: Option<&'r str>,
}

impl Scheme {
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

    fn tag(&self, entry: &[u8]) -> Option<Vec<u8>> {
        let text = behind(&self.prefix, entry)?;
        let tag = match self.encoding {
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::Base64 => from_base64(text),
        };
        tag.filter(|tag| !tag.is_empty())
    }
}

/// The id; its alphabet was checked by [`Scheme::shape`].
fn id<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<&'r str, Failure> {
    let id = headers
        .get(name)
        .and_then(|id| id.to_str().ok())
        .filter(|id| !id.is_empty());
    id.ok_or(Failure::of("the id's header is missing or empty"))
}
