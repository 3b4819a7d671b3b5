//! A list, made ready for one shape of field.

use core::net::IpAddr;
use std::collections::HashMap;

use super::glob::Glob;
use super::named::Shape;
use super::networks::Networks;
use super::text::{Folded, keys_of, label};
use super::truth::Truths;
use crate::time::Timestamp;

/// A list with more entries is not put into the index of rules: looking at it costs less.
const INDEXED: usize = 200;

/// A list, made ready for one shape of field.
#[derive(Debug)]
pub(super) struct Members {
    pub(super) name: String,
    pub(super) shape: Shape,
    pub(super) texts: HashMap<String, Option<Timestamp>>,
    /// The pattern, whether it is compared with the first label only, and its end.
    pub(super) globs: Vec<(Glob, bool, Option<Timestamp>)>,
    pub(super) networks: Option<Networks>,
}

impl Members {
    /// Whether a text is in it, at this time. Of what is no address nobody can say whether it lies in a network.
    pub(super) fn hold(&self, text: &str, at: Timestamp) -> Truths {
        if let Some(networks) = &self.networks {
            let address = text.trim().parse::<IpAddr>();
            return address.map_or(Truths::UNKNOWN, |address| {
                Truths::of(networks.hold(address, at))
            });
        }
        let lasts = |until: &Option<Timestamp>| until.is_none_or(|until| at < until);
        if keys_of(text, self.shape)
            .iter()
            .any(|key| self.texts.get(key).is_some_and(lasts))
        {
            return Truths::TRUE;
        }
        if self.globs.is_empty() {
            return Truths::FALSE;
        }
        let whole = Folded::new(text);
        let first = label(whole.as_str());
        let matches = |(glob, first_label, until): &(Glob, bool, Option<Timestamp>)| {
            glob.matches(if *first_label { first } else { whole.as_str() }) && lasts(until)
        };
        Truths::of(self.globs.iter().any(matches))
    }

    /// The keys of its entries; `None` where they are not all texts, or too many.
    pub(super) fn keys(&self) -> Option<Vec<String>> {
        let plain = self.globs.is_empty() && self.networks.is_none() && self.texts.len() <= INDEXED;
        plain.then(|| self.texts.keys().cloned().collect())
    }
}
