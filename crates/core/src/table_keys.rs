//! The keys of a TOML table, taken one by one, so that one wrong value hides no other. What nobody took is unknown, and is
//! told with the key that was probably meant. Both rules.toml and scanhook.toml are read so; what differs is whether the
//! table is borrowed, and what its reader makes of a value and says of a wrong one.

use core::ops::Range;
use std::borrow::Cow;
use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::suggestion::nearest;

/// The keys of one table with their values, and which of them were asked for.
#[derive(Clone)]
pub struct TableKeys<'t, V> {
    left: BTreeMap<Cow<'t, str>, (Range<usize>, V)>,
    asked: Vec<&'static str>,
}

/// A key that nobody asked for.
pub struct UnknownKey<'k> {
    /// As it is written.
    pub key: &'k str,
    /// Its bytes.
    pub span: Range<usize>,
    /// The key that was probably meant.
    pub meant: Option<&'static str>,
    /// All that were asked for, in the order in which they were.
    pub known: &'k [&'static str],
}

impl<'i> TableKeys<'i, Spanned<DeValue<'i>>> {
    /// The keys of a table that is taken apart.
    #[must_use]
    pub fn of(table: DeTable<'i>) -> Self {
        TableKeys::new(
            table
                .into_iter()
                .map(|(key, value)| (key.span(), key.into_inner(), value)),
        )
    }
}

impl<'v, 'i> TableKeys<'v, &'v Spanned<DeValue<'i>>> {
    /// The keys of a table that stays as it is.
    #[must_use]
    pub fn within(table: &'v DeTable<'i>) -> Self {
        TableKeys::new(
            table
                .iter()
                .map(|(key, value)| (key.span(), Cow::Borrowed(key.get_ref().as_ref()), value)),
        )
    }
}

impl<'t, V> TableKeys<'t, V> {
    fn new(entries: impl Iterator<Item = (Range<usize>, Cow<'t, str>, V)>) -> Self {
        TableKeys {
            left: entries
                .map(|(span, key, value)| (key, (span, value)))
                .collect(),
            asked: Vec::new(),
        }
    }

    /// The value of a key, where it is there. From now on the key is known.
    pub fn take(&mut self, key: &'static str) -> Option<V> {
        self.asked.push(key);
        self.remove(key).map(|(_, value)| value)
    }

    /// The same of a key that the table cannot have and that is answered otherwise than as unknown; with its bytes.
    pub fn remove(&mut self, key: &str) -> Option<(Range<usize>, V)> {
        self.left.remove(key)
    }

    /// The value of a key that may be taken later.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&V> {
        self.left.get(key).map(|(_, value)| value)
    }

    /// Names keys that the table may have, for what is told of unknown ones.
    pub fn offer(&mut self, keys: &[&'static str]) {
        self.asked.extend(keys);
    }

    /// Passes over keys that are read elsewhere.
    pub fn pass(&mut self, keys: &[&'static str]) {
        for key in keys {
            self.take(key);
        }
    }

    /// What is left, whatever it is called: for a table whose keys are names.
    pub fn rest(self) -> impl Iterator<Item = (Cow<'t, str>, Range<usize>, V)> {
        self.left
            .into_iter()
            .map(|(key, (span, value))| (key, span, value))
    }

    /// What is left once all keys that the table may have were asked for.
    pub fn unknown(&self) -> impl Iterator<Item = UnknownKey<'_>> {
        self.left.iter().map(|(key, (span, _))| UnknownKey {
            key,
            span: span.clone(),
            meant: nearest(key, self.asked.iter().copied()),
            known: &self.asked,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_nobody_asks_for_is_unknown_and_told_with_what_was_meant() {
        let text = "listen = 1\nlisen = 2\nother = 3\nzzz = 4\n";
        let tree = DeTable::parse(text).unwrap();
        let mut keys = TableKeys::within(tree.get_ref());
        assert!(keys.get("listen").is_some() && keys.take("listen").is_some());
        assert!(keys.take("listen").is_none() && keys.take("connections").is_none());
        keys.pass(&["other"]);
        let unknown: Vec<_> = keys
            .unknown()
            .map(|unknown| (unknown.key, &text[unknown.span], unknown.meant))
            .collect();
        let expected = [("lisen", "lisen", Some("listen")), ("zzz", "zzz", None)];
        assert_eq!(unknown, expected);
        let rest: Vec<_> = TableKeys::of(tree.into_inner())
            .rest()
            .map(|(key, _, _)| key)
            .collect();
        assert_eq!(rest, ["lisen", "listen", "other", "zzz"]);
    }
}
