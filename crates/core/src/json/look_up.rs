//! Finds the value of a key, and says where two readers could see two values.

use super::order::compare;
use super::value::{Json, Object};

/// Two readers could see two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt<'k> {
    /// The key occurs more than once in the same object.
    Twice(&'k str),
    /// The object also holds the key in another letter case.
    TwoCases(&'k str),
}

impl<'a> Object<'a> {
    /// The value of a key; the first one, where the key occurs more than once.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        let Some(order) = &self.order else {
            return self
                .members
                .iter()
                .find(|(known, _)| known == key)
                .map(|(_, value)| value);
        };
        let place = order
            .0
            .partition_point(|place| compare(self.key(*place), key).is_lt());
        let (known, value) = self.members.get(*order.0.get(place)? as usize)?;
        (known == key).then_some(value)
    }

    fn key(&self, place: u32) -> &str {
        self.members
            .get(place as usize)
            .map_or("", |(key, _)| key.as_ref())
    }

    /// Whether a key is there that the same object holds once more, or also in another letter case.
    #[must_use]
    pub fn doubt<'k>(&self, key: &'k str) -> Option<Doubt<'k>> {
        let (mut exact, mut other) = (0, false);
        let mut count = |known: &str| {
            exact += usize::from(known == key);
            other |= known != key;
        };
        match &self.order {
            None => {
                let alike = self
                    .members
                    .iter()
                    .filter(|(known, _)| known.eq_ignore_ascii_case(key));
                alike.for_each(|(known, _)| count(known));
            }
            Some(order) => {
                // Those in another case stand before and behind those that are the same: one of each is enough.
                let from = order
                    .0
                    .partition_point(|place| compare(self.key(*place), key).is_lt());
                let near = from.saturating_sub(1)..(from + 2).min(order.0.len());
                let alike = order
                    .0
                    .get(near)
                    .unwrap_or_default()
                    .iter()
                    .map(|place| self.key(*place));
                alike
                    .filter(|known| known.eq_ignore_ascii_case(key))
                    .for_each(&mut count);
            }
        }
        match (exact, other) {
            (0, _) | (1, false) => None,
            (1, true) => Some(Doubt::TwoCases(key)),
            _ => Some(Doubt::Twice(key)),
        }
    }

    /// A key that occurs more than once.
    #[must_use]
    pub fn twice(&self) -> Option<&str> {
        if let Some(order) = &self.order {
            let pairs = order.0.iter().zip(order.0.iter().skip(1));
            return pairs
                .map(|(a, b)| (self.key(*a), self.key(*b)))
                .find(|(a, b)| a == b)
                .map(|(key, _)| key);
        }
        let keys = || self.members.iter().map(|(key, _)| key.as_ref());
        keys()
            .enumerate()
            .find(|(n, key)| keys().take(*n).any(|earlier| earlier == *key))
            .map(|(_, key)| key)
    }
}

impl<'a> Json<'a> {
    /// The member of an object, or the element of an array whose index is the decimal `key` (RFC 6901).
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members.get(key),
            Json::List(elements) => index(key).and_then(|i| elements.get(i)),
            _ => None,
        }
    }
}

/// An array index of RFC 6901: decimal, no leading zero.
fn index(key: &str) -> Option<usize> {
    let canonical = key == "0"
        || (!key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| key.parse().ok()).flatten()
}
