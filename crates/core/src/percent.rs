//! Percent-encoding: how texts stand in the addresses and forms that are sent.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but the unreserved characters of RFC 3986. The same bytes leave whatever a URL library would have tidied.
const TEXT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A text as a segment of a path, or a value of a query or a form: a space is `%20`.
#[must_use]
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, TEXT).to_string()
}

/// A query, or the body of a form, of these pairs.
#[must_use]
pub fn query<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let pairs = pairs
        .into_iter()
        .map(|(key, value)| format!("{}={}", encoded(key), encoded(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_text_has_a_meaning_in_an_address() {
        assert_eq!(encoded("a-b._~/?#ä"), "a-b._~%2F%3F%23%C3%A4");
        assert_eq!(query([("a b", "c&d"), ("e", "")]), "a%20b=c%26d&e=");
    }
}
