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

    /// The literal text of a string or a number.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) | Json::Number(text) => Some(text),
            _ => None,
        }
    }

    /// The value as JSON text without blanks, with every text and key passed through `text`. Numbers keep their literal
    /// text; one that `text` changes becomes a text.
    #[must_use]
    pub fn written_with(&self, text: &dyn Fn(&str) -> String) -> String {
        let mut out = String::new();
        self.write(&mut out, text);
        out
    }

    fn write(&self, out: &mut String, text: &dyn Fn(&str) -> String) {
        match self {
            Json::Null => out.push_str("null"),
            Json::Bool(true) => out.push_str("true"),
            Json::Bool(false) => out.push_str("false"),
            Json::Number(literal) => match text(literal) {
                same if same == *literal => out.push_str(literal),
                other => quote(out, &other),
            },
            Json::Text(own) => quote(out, &text(own)),
            Json::List(elements) => {
                out.push('[');
                for (n, element) in elements.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    element.write(out, text);
                }
                out.push(']');
            }
            Json::Object(members) => {
                out.push('{');
                for (n, (key, value)) in members.iter().enumerate() {
                    out.push_str(if n == 0 { "" } else { "," });
                    quote(out, &text(key));
                    out.push(':');
                    value.write(out, text);
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
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// An array index of RFC 6901: decimal, no leading zero.
fn index(key: &str) -> Option<usize> {
    let canonical = key == "0" || (!key.starts_with('0') && !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit()));
    canonical.then(|| key.parse().ok()).flatten()
}
