//! Links that alerts bring: which of them may be followed.

/// The host that a link leads to, if it may be followed: http and https alone, without a name and a password before the
/// host, which would show another host to whoever reads it.
pub(super) fn host(url: &str) -> Option<String> {
    let url: http::Uri = url.parse().ok()?;
    matches!(url.scheme_str(), Some("http" | "https")).then_some(())?;
    let authority = url.authority()?;
    let plain = !authority.as_str().contains('@') && authority.as_str().is_ascii();
    plain.then(|| authority.host().to_owned())
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
    }
}
