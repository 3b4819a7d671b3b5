//! A pattern over devices, as people write it on a command line: `dc-*`, `*.lab.example`, `10.20.*`, a machine id.

use core::fmt;
use core::net::IpAddr;

use globset::{GlobBuilder, GlobMatcher};

/// Characters of a pattern.
const LONGEST: usize = 200;

/// `*`, `?`, `[a-z]` and `{a,b}`, ignoring case; matched in time linear in the name.
#[derive(Clone, Debug)]
pub struct DeviceGlob {
    text: String,
    matcher: GlobMatcher,
    /// A pattern without a dot is compared with the first label of a name, as in the rules.
    first_label: bool,
}

/// The text is empty, too long, or no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a device pattern has 1 to 200 characters: text, `*`, `?`, `[a-z]`, `{{a,b}}`")]
pub struct BadGlob;

impl DeviceGlob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`BadGlob`].
    pub fn parse(text: &str) -> Result<DeviceGlob, BadGlob> {
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(BadGlob);
        }
        // Names of devices are no paths: nothing in them is a separator.
        let glob = GlobBuilder::new(text).case_insensitive(true).literal_separator(false).build();
        let matcher = glob.map_err(|_| BadGlob)?.compile_matcher();
        Ok(DeviceGlob { text: text.to_owned(), matcher, first_label: !text.contains('.') })
    }

    /// Whether it means this device: a name, an address, an id.
    #[must_use]
    pub fn matches(&self, device: &str) -> bool {
        let label = device.split('.').next().filter(|_| self.first_label && device.parse::<IpAddr>().is_err());
        self.matcher.is_match(label.unwrap_or(device))
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl PartialEq for DeviceGlob {
    fn eq(&self, other: &DeviceGlob) -> bool {
        self.text == other.text
    }
}

impl Eq for DeviceGlob {}

impl fmt::Display for DeviceGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_pattern_without_a_dot_means_the_first_label_and_one_with_a_dot_the_whole_name() {
        for (pattern, device, means) in [
            ("dc-*", "DC-01.corp.example", true),
            ("dc-*", "web-01.dc-lab.example", false),
            ("dc-01", "dc-01", true),
            ("dc-01", "dc-011", false),
            ("*.lab.example", "x.y.LAB.example", true),
            ("*.lab.example", "lab.example", false),
            ("dc-0?", "dc-01", true),
            ("dc-0[1-3]", "dc-04", false),
            ("{dc,sql}-*", "sql-7", true),
            ("10.20.*", "10.20.0.9", true),
            ("10", "10.20.0.9", false),
            ("1e5b*", "1e5bc9d7e413ddd7902c2932e418702b84d0cc07", true),
            ("*", "a/b", true),
        ] {
            assert_eq!(DeviceGlob::parse(pattern).unwrap().matches(device), means, "{pattern} {device}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in ["", "[", "{a", "a\nb", &"a".repeat(LONGEST + 1)] {
            assert_eq!(DeviceGlob::parse(text), Err(BadGlob), "{text}");
        }
    }

    #[test]
    fn a_hostile_pattern_on_a_long_name_comes_to_an_end() {
        let glob = DeviceGlob::parse(&"*a".repeat(100)).unwrap();
        assert!(!glob.matches(&"a".repeat(99)));
        assert!(!glob.matches(&format!("{}b", "a".repeat(100_000))));
    }
}
