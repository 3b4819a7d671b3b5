//! The entries of a header that carries signatures, and perhaps the time: where each begins and ends.

use super::scheme::{Scheme, Separator};
use super::stamp::StampPlace;

impl Scheme {
    /// The entries of the header, without empty ones.
    pub(super) fn entries<'s, 'v>(
        &'s self,
        value: &'v [u8],
    ) -> impl Iterator<Item = &'v [u8]> + use<'s, 'v> {
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
    pub(super) fn signatures<'v>(&'v self, value: &'v [u8]) -> impl Iterator<Item = &'v [u8]> {
        self.entries(value).filter(|entry| {
            self.time_prefix()
                .is_none_or(|time| behind(time, entry).is_none())
        })
    }

    /// What stands before the timestamp in the header of the signatures, if it is there.
    fn time_prefix(&self) -> Option<&str> {
        self.stamp.as_ref().and_then(|stamp| match &stamp.place {
            StampPlace::Entry(prefix) => Some(prefix.as_str()),
            StampPlace::Header(_) => None,
        })
    }
}

/// What stands behind a prefix; blanks around either do not count.
pub(super) fn behind<'v>(prefix: &str, entry: &'v [u8]) -> Option<&'v [u8]> {
    entry
        .strip_prefix(prefix.trim().as_bytes())
        .map(<[u8]>::trim_ascii)
}
