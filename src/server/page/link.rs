//! Links: which of those that alerts bring may be followed, and how texts stand in our own.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a part of a path or a value of a query.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// The host that a link leads to, if it may be followed: http and https alone, without a name and a password before the
/// host, which would show another host to whoever reads it.
pub(super) fn host(url: &str) -> Option<String> {
    let url: http::Uri = url.parse().ok()?;
    matches!(url.scheme_str(), Some("http" | "https")).then_some(())?;
    let authority = url.authority()?;
    let plain = !authority.as_str().contains('@') && authority.as_str().is_ascii();
    plain.then(|| authority.host().to_owned())
}

/// A text as a part of a path or a value of a query.
pub(super) fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// A query of these pairs.
pub(super) fn query<'p>(pairs: impl IntoIterator<Item = (&'p str, &'p str)>) -> String {
    let pairs = pairs
        .into_iter()
        .map(|(key, value)| format!("{}={}", part(key), part(value)));
    pairs.collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_http_leads_elsewhere_and_shows_where() {
        for (url, expected) in [
            ("https://siem.example/a?b=c#d", Some("siem.example")),
            ("http://siem.example:8080/", Some("siem.example")),
            ("javascript:alert(1)", None),
            ("JavaScript://x/%0aalert(1)", None),
            ("data:text/html,x", None),
            ("//siem.example/", None),
            ("https://portal.example@evil.example/", None),
            ("https:/siem.example", None),
            (" https://siem.example", None),
            ("https://siem.example/\n", None),
            ("", None),
        ] {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        }
        assert_eq!(query([("a b", "c&d")]), "a%20b=c%26d");
    }
}
