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
    if text.bytes().all(|b| b >= b' ' && !matches!(b, b'"' | b'\\')) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// An array index of RFC 6901: decimal, no leading zero.
fn index(key: &str) -> Option<usize> {
    let canonical = key == "0" || (!key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| key.parse().ok()).flatten()
}
