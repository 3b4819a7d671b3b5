//! A JSON value as the sender wrote it: numbers keep their literal text, so no id loses a digit.

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
    /// An object in document order; keys are distinct.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// The member of an object, or the element of an array whose index is the decimal `key` (RFC 6901).
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Json<'a>> {
        match self {
            Json::Object(members) => members.iter().find(|(k, _)| k == key).map(|(_, v)| v),
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
            Json::List(elements) => Json::List(elements.into_iter().map(Json::into_owned).collect()),
            Json::Object(members) => Json::Object(
                members.into_iter().map(|(key, value)| (key.into_owned().into(), value.into_owned())).collect(),
            ),
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

/// An array index of RFC 6901: decimal, no leading zero.
fn index(key: &str) -> Option<usize> {
    let canonical = key == "0" || (!key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| key.parse().ok()).flatten()
}
