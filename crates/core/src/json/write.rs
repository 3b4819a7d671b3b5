//! Writes a value as JSON text, as it was read where nothing else is wanted.

use super::value::Json;

impl<'a> Json<'a> {
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
