//! A pattern over devices, as people write it on a command line: `lt-042`, `dc-*`, `*.lab.example`, `10.20.*`, a machine
//! id. The glob is the one of the rules.

use core::fmt;
use core::net::IpAddr;

use super::rules::glob::Glob;
use super::rules::text::Folded;

/// Characters of a pattern.
const LONGEST: usize = 200;

/// `*`, `?`, `[a-z]` and `\`, ignoring case in every script; matched in time linear in the name.
#[derive(Clone, Debug)]
pub struct DeviceGlob {
    text: String,
    glob: Glob,
    /// A pattern without a dot is compared with the first label of a name, as in the rules.
    first_label: bool,
}

/// The text is empty, too long, or not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a device pattern has 1 to 200 characters: text, `*`, `?`, `[a-z]`")]
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
        let glob = Glob::parse(text).map_err(|_| BadGlob)?;
        Ok(DeviceGlob {
            text: text.to_owned(),
            glob,
            first_label: !text.contains('.'),
        })
    }

    /// Whether it means this device: a name, an address, an id.
    #[must_use]
    pub fn matches(&self, device: &str) -> bool {
        let label = device
            .split('.')
            .next()
            .filter(|_| self.first_label && device.parse::<IpAddr>().is_err());
        self.glob
            .matches(Folded::new(label.unwrap_or(device)).as_str())
    }

    /// What every text that it matches begins with, in lower case, and whether that is the whole text.
    #[must_use]
    pub fn beginning(&self) -> (String, bool) {
        self.glob.beginning()
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// A name of a device in lower case, as it is compared.
#[must_use]
pub fn folded(name: &str) -> String {
    Folded::new(name).as_str().to_owned()
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
            ("10.20.*", "10.20.0.9", true),
            ("10", "10.20.0.9", false),
            ("1e5b*", "1e5bc9d7e413ddd7902c2932e418702b84d0cc07", true),
            ("*", "a/b", true),
            ("BÜRO-*", "büro-1", true),
            ("b?ro-1", "BÜRO-1.corp.example", true),
            ("b[ü]ro-1", "BÜRO-1", true),
        ] {
            assert_eq!(
                DeviceGlob::parse(pattern).unwrap().matches(device),
                means,
                "{pattern} {device}"
            );
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for text in [
            "",
            "[",
            "{a",
            "{dc,sql}-*",
            "a\nb",
            &"a".repeat(LONGEST + 1),
        ] {
            assert_eq!(DeviceGlob::parse(text), Err(BadGlob), "{text}");
        }
    }

    #[test]
    fn a_pattern_says_what_the_names_it_means_begin_with() {
        for (pattern, beginning, whole) in [
            ("DC-*", "dc-", false),
            ("Büro-1", "büro-1", true),
            ("*", "", false),
            ("a?c", "a", false),
            ("a\\*", "a*", true),
        ] {
            assert_eq!(
                DeviceGlob::parse(pattern).unwrap().beginning(),
                (beginning.to_owned(), whole),
                "{pattern}"
            );
        }
    }

    #[test]
    fn a_hostile_pattern_on_a_long_name_comes_to_an_end() {
        let glob = DeviceGlob::parse(&"*a".repeat(100)).unwrap();
        assert!(!glob.matches(&"a".repeat(99)));
        assert!(!glob.matches(&format!("{}b", "a".repeat(100_000))));
    }
}
