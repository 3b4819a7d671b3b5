//! The value and the object. They hold each other, and so stand in one file; what is asked of them stands in others.

use core::cmp::Ordering;
use core::ops::Deref;
use std::borrow::Cow;

use super::order::{FEW, MemberOrder, beginning, compare};

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
    pub(super) members: Vec<Member<'a>>,
    /// The places of the members, sorted by key; only where there are many. A look-up is then never a walk through a
    /// body that somebody made of nothing but keys.
    pub(super) order: Option<Box<MemberOrder>>,
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

impl<'a> Json<'a> {
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
}
