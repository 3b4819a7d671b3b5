//! How a person names what is held in one word: a group has a key, which is the same as long as something of the group is
//! held, whoever asks and whatever came in between.

use sha2::{Digest, Sha256};

use super::held_decision::HeldDecision;

/// Bytes of a hash that keys and digests show.
const SHOWN: usize = 8;

scanhook_core::codes! {
    /// What the decisions of a group have in common.
    pub enum GroupBy {
        /// The machine, or the device where its machine is not known.
        Machine = "machine",
        /// The rule, and what they are held for.
        Rule = "rule",
        /// Besides these the source and the title of the alert.
        Alert = "alert",
    }
}

/// The name of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    pub(super) by: GroupBy,
    hash: String,
}

impl GroupKey {
    /// Reads the key of a group.
    #[must_use]
    pub fn parse(text: &str) -> Option<GroupKey> {
        let (by, hash) = text.split_once('-')?;
        let by = GroupBy::of_code(by)?;
        let is_hash = hash.len() == 2 * SHOWN && hash.bytes().all(|b| b.is_ascii_hexdigit());
        is_hash.then(|| GroupKey {
            by,
            hash: hash.to_ascii_lowercase(),
        })
    }

    pub(super) fn of(
        by: GroupBy,
        decided: &HeldDecision,
        source: &str,
        title: Option<&str>,
    ) -> GroupKey {
        let (rule, reason) = (
            decided.rule.as_deref().unwrap_or_default(),
            decided.reason.code(),
        );
        let tenant = decided.tenant.0.to_string();
        let parts = match by {
            GroupBy::Machine => vec![tenant.as_str(), decided.about()],
            GroupBy::Rule => vec![rule, reason],
            GroupBy::Alert => vec![rule, reason, source, title.unwrap_or_default()],
        };
        GroupKey {
            by,
            hash: fingerprint(parts),
        }
    }
}

impl core::fmt::Display for GroupKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}-{}", self.by, self.hash)
    }
}

/// A short hash of texts, each told from the next by its length.
pub(super) fn fingerprint<'t>(parts: impl IntoIterator<Item = &'t str>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize()
        .iter()
        .take(SHOWN)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_nothing_else_is_one() {
        for text in ["machine-0123456789abcdef", "alert-0123456789ABCDEF"] {
            let key = GroupKey::parse(text).unwrap();
            assert_eq!(key.to_string(), text.to_ascii_lowercase());
        }
        for text in [
            "",
            "machine",
            "machine-",
            "device-0123456789abcdef",
            "rule-0123456789abcde",
            "rule-0123456789abcdeg",
        ] {
            assert_eq!(GroupKey::parse(text), None, "{text}");
        }
    }

    #[test]
    fn parts_are_told_apart() {
        assert_ne!(fingerprint(["ab", "c"]), fingerprint(["a", "bc"]));
    }
}
