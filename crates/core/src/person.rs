//! The person behind a change, as they call themselves: shown, never trusted, and never a reason to allow anything.

use core::fmt;

use serde::{Deserialize, Serialize};

use super::plain::one_line;
use super::time::Timestamp;

/// Characters of a name, and of a reason.
const NAME: usize = 80;
const WORDS: usize = 300;

/// Who asks for a change, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// The name, on one line.
    pub who: String,
    /// The reason, on one line; `None`: none was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

impl By {
    /// A name and a reason as somebody wrote them, made fit to be shown. Without a name it is "somebody".
    #[must_use]
    pub fn new(who: &str, words: Option<&str>) -> By {
        let line = |text: &str, most| {
            Some(one_line(text.trim(), most)).filter(|line| !line.trim().is_empty())
        };
        By {
            who: line(who, NAME).unwrap_or_else(|| "somebody".to_owned()),
            words: words.and_then(|words| line(words, WORDS)),
        }
    }
}

impl fmt::Display for By {
    /// "anna", or "anna: false alarm".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.who)?;
        self.words
            .as_ref()
            .map_or(Ok(()), |words| write!(f, ": {words}"))
    }
}

codes! {
    /// What a person did to a decision.
    pub enum Did {
        /// Said yes to a held one.
        Approved = "approved",
        /// Said no to a held one.
        Denied = "denied",
        /// Had it decided once more.
        Retried = "retried",
    }
}

/// A person's word on a decision, as its record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What they did.
    pub did: Did,
    /// Who, and why.
    #[serde(flatten)]
    pub by: By,
    /// They said that it is to leave now, whatever the windows say.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub at_once: bool,
}

/// A person's yes to a decision that takes more than one, as its record keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who, and why.
    #[serde(flatten)]
    pub by: By,
    /// When.
    pub at: Timestamp,
}

/// How many people have to approve a decision, and who has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeopleNeeded {
    /// How many.
    pub needed: u8,
    /// The names of those who have, in order.
    pub given: Vec<String>,
}

impl PeopleNeeded {
    /// How many more have to.
    #[must_use]
    pub fn missing(&self) -> u8 {
        let given = u8::try_from(self.given.len()).unwrap_or(u8::MAX);
        self.needed.saturating_sub(given)
    }
}

/// "a person", "two people".
#[must_use]
pub fn people(number: u8) -> String {
    match number {
        0 | 1 => "a person".to_owned(),
        2 => "two people".to_owned(),
        more => format!("{more} people"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_stays_on_one_line_and_in_bounds() {
        let by = By::new(" anna\u{1b}[2J\n", Some(&"x".repeat(1000)));
        assert_eq!(by.who, "anna [2J");
        assert_eq!(
            by.words.as_ref().map(|words| words.chars().count()),
            Some(WORDS)
        );
        assert_eq!(
            By::new("\u{202e}", Some(" ")),
            By {
                who: "somebody".to_owned(),
                words: None
            }
        );
        assert_eq!(
            By::new("anna", Some("false alarm")).to_string(),
            "anna: false alarm"
        );
    }
}
