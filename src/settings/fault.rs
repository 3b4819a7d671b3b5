//! What is wrong with the settings, and where.

use core::fmt;
use std::path::PathBuf;

/// Something in the settings that cannot work. Holds no value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsFault {
    /// One of [`SettingsFault::CODES`].
    pub code: &'static str,
    /// The key, such as `tenants.default.client_id`; empty for the file as a whole.
    pub key: String,
    /// The included file that it stands in; `None`: scanhook.toml, or no file.
    pub file: Option<PathBuf>,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong, and what to do.
    pub message: String,
}

impl SettingsFault {
    /// Every code with its meaning.
    pub const CODES: &'static [(&'static str, &'static str)] = &[
        ("unreadable", "the file cannot be read"),
        ("syntax", "the file is not TOML"),
        ("unknown-key", "a key that means nothing here"),
        (
            "unknown-variable",
            "an environment variable that names no key",
        ),
        ("missing-key", "a key that must be there is not"),
        ("wrong-type", "a value of another type than the key takes"),
        ("bad-value", "a value the key cannot have"),
        (
            "bad-secret",
            "a secret that is not there, not safe where it lies, or protects nothing",
        ),
        (
            "bad-certificate",
            "a certificate, its key or a file of authorities that is not there or cannot be used",
        ),
        (
            "no-second-person",
            "a protection asks for two people, and nobody is given access",
        ),
        ("not-yet", "a key of a later version"),
    ];
}

impl fmt::Display for SettingsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some(line), Some(column)) = (self.line, self.column) {
            write!(f, "{line}:{column}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        write!(f, "{} [{}]", self.message, self.code)
    }
}
