//! The address under which people see the pages, and the links of messages below it.

/// An address such as `https://scanhook.corp.example`, without a slash at its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl(String);

impl PublicUrl {
    /// Reads an address without user, query and fragment: https, or plain http.
    #[must_use]
    pub fn parse(text: &str) -> Option<PublicUrl> {
        let uri: http::Uri = text.parse().ok()?;
        let known = matches!(uri.scheme_str(), Some("https" | "http"));
        let plain = uri.query().is_none() && !text.contains(['#', '@']);
        let host = uri.host().is_some_and(|host| !host.is_empty());
        (known && plain && host).then(|| PublicUrl(text.trim_end_matches('/').to_owned()))
    }

    /// The address itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The address of a page, whose path begins with a slash.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_a_path_can_follow_is_taken() {
        let url = PublicUrl::parse("https://scanhook.corp.example/").unwrap();
        assert_eq!(url.page("/held"), "https://scanhook.corp.example/held");
        for bad in [
            "scanhook.example",
            "ftp://a",
            "https://u@a",
            "https://a/?x",
            "https://a#b",
            "",
        ] {
            assert_eq!(PublicUrl::parse(bad), None, "{bad}");
        }
    }
}
