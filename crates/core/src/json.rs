//! A JSON value as the sender wrote it: numbers keep their literal text, so no id loses a digit, and an object keeps a
//! key that stands in it twice, so that whoever reads that key can see that two readers could see two values.

use core::cmp::Ordering;
use core::ops::Deref;
use std::borrow::Cow;

/// A strict JSON value; `strict_json` is the only reader that makes one from bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number's literal text.
    Number(Cow<'a, str>),
    /// A string, unescaped.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Json<'a>>),
    /// An object.
    Object(Object<'a>),
}

/// A key with its value.
pub type Member<'a> = (Cow<'a, str>, Json<'a>);

/// The members of an object in document order. The same key may occur more than once; the first one is found.
#[derive(Clone, Debug, Default)]
pub struct Object<'a> {
    members: Vec<Member<'a>>,
    /// The places of the members, sorted by key; only where there are many. A look-up is then never a walk through a
    /// body that somebody made of nothing but keys.
    order: Option<Box<MemberOrder>>,
}

#[derive(Clone, Debug)]
struct MemberOrder(Vec<u32>);

/// Objects with more members than this are looked up by their order.
const FEW: usize = 16;

/// Keys that differ only in the case of ASCII letters stand together, and equal keys in document order.
fn compare(a: &str, b: &str) -> Ordering {
    let lower = |byte: u8| byte.to_ascii_lowercase();
    a.bytes()
        .map(lower)
        .cmp(b.bytes().map(lower))
        .then_with(|| a.cmp(b))
}

/// The first eight bytes in lower case, in the order of [`compare`] wherever they differ.
fn beginning(key: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes
        .iter_mut()
        .zip(key.bytes())
        .for_each(|(to, from)| *to = from.to_ascii_lowercase());
    u64::from_be_bytes(bytes)
}

impl<'a> From<Vec<Member<'a>>> for Object<'a> {
    fn from(members: Vec<Member<'a>>) -> Object<'a> {
        let order = (members.len() > FEW).then(|| {
            // Most keys are told apart by how they begin, which is compared as one number.
            let places = members
                .iter()
                .zip(0_u32..)
                .map(|((key, _), place)| (beginning(key), place));
            let mut places: Vec<(u64, u32)> = places.collect();
            let key = |place: u32| {
                members
                    .get(place as usize)
                    .map_or("", |(key, _)| key.as_ref())
            };
            places.sort_unstable_by(|a, b| match a.0.cmp(&b.0) {
                Ordering::Equal => compare(key(a.1), key(b.1)).then(a.1.cmp(&b.1)),
                unequal => unequal,
            });
            Box::new(MemberOrder(
                places.into_iter().map(|(_, place)| place).collect(),
            ))
        });
        Object { members, order }
    }
}

impl<'a> Deref for Object<'a> {
    type Target = [Member<'a>];

    fn deref(&self) -> &[Member<'a>] {
        &self.members
    }
}

impl<'o, 'a> IntoIterator for &'o Object<'a> {
    type Item = &'o Member<'a>;
    type IntoIter = core::slice::Iter<'o, Member<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.iter()
    }
}

impl<'a> IntoIterator for Object<'a> {
    type Item = Member<'a>;
    type IntoIter = std::vec::IntoIter<Member<'a>>;

    fn into_iter(self) -> Self::IntoIter {
        self.members.into_iter()
    }
}

impl PartialEq for Object<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.members == other.members
    }
}

impl Eq for Object<'_> {}

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

    /// The value of a key, which is put there as `null` where it is missing.
    pub fn or_null(&mut self, key: &str) -> &mut Json<'a> {
        let place = self
            .members
            .iter()
            .position(|(known, _)| known == key)
            .unwrap_or_else(|| {
                self.order = None;
                self.members.push((key.to_owned().into(), Json::Null));
                self.members.len() - 1
            });
        &mut self.members[place].1
    }

    /// Every value, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Json<'a>> {
        self.members.iter_mut().map(|(_, value)| value)
    }
}

/// Two readers could see two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt<'k> {
    /// The key occurs more than once in the same object.
    Twice(&'k str),
    /// The object also holds the key in another letter case.
    TwoCases(&'k str),
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

    /// The same value with texts of its own, for one that outlives the body it was read from.
    #[must_use]
    pub fn into_owned(self) -> Json<'static> {
        match self {
            Json::Null => Json::Null,
            Json::Bool(value) => Json::Bool(value),
            Json::Number(literal) => Json::Number(literal.into_owned().into()),
            Json::Text(text) => Json::Text(text.into_owned().into()),
            Json::List(elements) => {
                Json::List(elements.into_iter().map(Json::into_owned).collect())
            }
            Json::Object(Object { members, order }) => {
                let members = members
                    .into_iter()
                    .map(|(key, value)| (key.into_owned().into(), value.into_owned()));
                Json::Object(Object {
                    members: members.collect(),
                    order,
                })
            }
        }
    }

    /// The only element of a list of one; any other value itself.
    #[must_use]
    pub fn alone(&self) -> &Json<'a> {
        match self {
            Json::List(elements) if elements.len() == 1 => elements.first().unwrap_or(self),
            other => other,
        }
    }

    /// The literal text of a string or a number.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) | Json::Number(text) => Some(text),
            _ => None,
        }
    }

    /// Whether this holds for any text, number or key in it.
    #[must_use]
    pub fn any_text(&self, holds: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Json::Null | Json::Bool(_) => false,
            Json::Number(text) | Json::Text(text) => holds(text),
            Json::List(elements) => elements.iter().any(|element| element.any_text(holds)),
            Json::Object(members) => members
                .iter()
                .any(|(key, value)| holds(key) || value.any_text(holds)),
        }
    }

    /// The value as JSON text without blanks. `instead` may put another text in the place of a text, a key or a number's
    /// literal; all else stays as it was written, numbers to the digit.
    #[must_use]
    pub fn written_with(&self, instead: &dyn Fn(&str) -> Option<String>) -> String {
        let mut out = String::new();
        self.write(&mut out, instead);
        out
    }

    fn write(&self, out: &mut String, instead: &dyn Fn(&str) -> Option<String>) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Number(literal) => match instead(literal) {
                None => out.push_str(literal),
                Some(other) => quote(out, &other),
            },
            Json::Text(text) => quote(out, instead(text).as_deref().unwrap_or(text)),
            Json::List(elements) => {
                out.push('[');
                for (n, element) in elements.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    element.write(out, instead);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (n, (key, value)) in members.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    quote(out, instead(key).as_deref().unwrap_or(key));
                    out.push(':');
                    value.write(out, instead);
                }
                out.push('}');
            }
        }
    }

    /// Real senders say "nothing" in five ways: absent, `null`, `""`, `[]` and `{}`. These are the last four.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        match self {
            Json::Null => true,
            Json::Text(text) => text.is_empty(),
            Json::List(elements) => elements.is_empty(),
            Json::Object(members) => members.is_empty(),
            Json::Bool(_) | Json::Number(_) => false,
        }
    }
}

/// A text as JSON writes it.
fn quote(out: &mut String, text: &str) {
    if text
        .bytes()
        .all(|b| b >= b' ' && !matches!(b, b'"' | b'\\'))
    {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// An array index of RFC 6901: decimal, no leading zero.
fn index(key: &str) -> Option<usize> {
    let canonical = key == "0"
        || (!key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| key.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(keys: &[String]) -> Object<'static> {
        let member =
            |(n, key): (usize, &String)| (key.clone().into(), Json::Number(n.to_string().into()));
        keys.iter()
            .enumerate()
            .map(member)
            .collect::<Vec<_>>()
            .into()
    }

    #[test]
    fn many_members_are_found_as_few_are() {
        for more in [0, 100] {
            let mut keys: Vec<String> = [
                "b", "a", "deviceId", "A", "twice", "x", "twice", "Thrice", "thrice", "thrice",
            ]
            .map(str::to_owned)
            .to_vec();
            keys.extend((0..more).map(|n| format!("k{n}")));
            let object = object(&keys);
            let number = |key| object.get(key).and_then(Json::text);
            assert_eq!(
                ["b", "deviceId", "twice", "no"].map(number),
                [Some("0"), Some("2"), Some("4"), None]
            );
            let doubts = [
                "b", "deviceId", "DEVICEID", "no", "a", "A", "twice", "thrice", "Thrice",
            ]
            .map(|k| object.doubt(k));
            assert_eq!(
                doubts,
                [
                    None,
                    None,
                    None,
                    None,
                    Some(Doubt::TwoCases("a")),
                    Some(Doubt::TwoCases("A")),
                    Some(Doubt::Twice("twice")),
                    Some(Doubt::Twice("thrice")),
                    Some(Doubt::TwoCases("Thrice")),
                ],
                "{more}"
            );
            assert!(matches!(object.twice(), Some("twice" | "thrice")));
        }
        assert_eq!(object(&["a".to_owned(), "A".to_owned()]).twice(), None);
    }

    #[test]
    fn a_member_that_is_added_is_found() {
        for count in [1, 40] {
            let keys: Vec<String> = (0..count).map(|n| format!("k{n}")).collect();
            let mut object = object(&keys);
            *object.or_null("new") = Json::Bool(true);
            *object.or_null("k0") = Json::Bool(false);
            assert_eq!(
                (object.get("new"), object.get("k0")),
                (Some(&Json::Bool(true)), Some(&Json::Bool(false)))
            );
            assert_eq!(object.len(), count + 1);
        }
    }
}
