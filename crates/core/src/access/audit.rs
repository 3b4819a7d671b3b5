//! The chain of the audit: each row's hash covers the row and the hash of the one before.
//!
//! This proves that nothing in the middle was changed or removed. It does not prove anything against an owner who
//! rewrites the whole journal, nor that no rows were cut off at the end: for that a head has to be known from elsewhere.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What is recorded of one act. The order of the fields is that of the canonical form, which the hash is made of: none is
/// ever moved, and a new one goes to the end and is left out while it is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// The row's number.
    pub id: i64,
    /// When, in Unix milliseconds.
    pub at: i64,
    /// Who, as nobody else is.
    pub subject: String,
    /// Who, as shown.
    pub name: String,
    /// What proved it.
    pub how: String,
    /// For whom a program says that it acts.
    #[serde(rename = "for", default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// The address that the request came from.
    pub address: String,
    /// What was done: a verb.
    pub what: String,
    /// To what, in words.
    pub scope: String,
    /// Why, as they say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many things it was about.
    pub count: u64,
    /// The ids of the first of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
    /// What came of it: `done`, or the code of the refusal.
    pub result: String,
    /// The fingerprint of the policy in force.
    pub policy: String,
}

impl AuditEntry {
    /// The hash of this entry behind the one whose hash is given, in hexadecimal digits. The first row's `prev` is empty.
    #[must_use]
    pub fn hash(&self, prev: &str) -> String {
        // Only strings, numbers and lists of strings: this cannot fail, and a row without text could not pass for another.
        let canonical = serde_json::to_string(self).unwrap_or_default();
        hex::encode(
            Sha256::new()
                .chain_update(prev)
                .chain_update(canonical)
                .finalize(),
        )
    }
}

/// A row with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLink {
    /// The entry.
    pub entry: AuditEntry,
    /// The hash of the row before.
    pub prev: String,
    /// The hash of this row.
    pub hash: String,
}

/// Why a chain does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFault {
    /// The row's content and its hash differ.
    #[error("row {0} was changed: its content does not have the hash that it shows")]
    Changed(i64),
    /// The row does not follow the one before it.
    #[error("a row is missing before row {0}, or the rows are not in order")]
    Gap(i64),
    /// A known head is not among the hashes.
    #[error(
        "the known head is not in this chain: rows are missing at its end, or this is another journal"
    )]
    HeadUnknown,
}

/// Whether these rows are one unbroken chain, oldest first, that holds a head which is known from elsewhere. Where old rows
/// were forgotten, the first one's `prev` is the anchor.
///
/// # Errors
/// The first fault.
pub fn verify<'l>(
    links: impl IntoIterator<Item = &'l AuditLink>,
    head: Option<&str>,
) -> Result<usize, AuditFault> {
    let (mut before, mut count, mut known): (Option<String>, usize, bool) =
        (None, 0, head.is_none());
    for link in links {
        if before.as_ref().is_some_and(|before| *before != link.prev) {
            return Err(AuditFault::Gap(link.entry.id));
        }
        if link.entry.hash(&link.prev) != link.hash {
            return Err(AuditFault::Changed(link.entry.id));
        }
        known |= head == Some(link.hash.as_str()) || head == Some(link.prev.as_str());
        before = Some(link.hash.clone());
        count += 1;
    }
    if known {
        Ok(count)
    } else {
        Err(AuditFault::HeadUnknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(rows: i64) -> Vec<AuditLink> {
        let mut prev = String::new();
        (1..=rows)
            .map(|id| {
                let entry = AuditEntry {
                    id,
                    at: id * 1000,
                    what: "approve".to_owned(),
                    ..AuditEntry::default()
                };
                let hash = entry.hash(&prev);
                let link = AuditLink {
                    entry,
                    prev: prev.clone(),
                    hash: hash.clone(),
                };
                prev = hash;
                link
            })
            .collect()
    }

    #[test]
    fn an_unbroken_chain_holds_and_so_does_its_end() {
        let links = chain(4);
        assert_eq!(verify(&links, None), Ok(4));
        assert_eq!(verify(&links[2..], None), Ok(2));
        assert_eq!(verify(&links, Some(&links[1].hash)), Ok(4));
    }

    #[test]
    fn a_changed_row_a_removed_row_and_a_cut_tail_are_found() {
        let mut changed = chain(4);
        changed[1].entry.name = "anna".to_owned();
        assert_eq!(verify(&changed, None), Err(AuditFault::Changed(2)));
        let mut removed = chain(4);
        removed.remove(1);
        assert_eq!(verify(&removed, None), Err(AuditFault::Gap(3)));
        let whole = chain(4);
        assert_eq!(
            verify(&whole[..3], Some(&whole[3].hash)),
            Err(AuditFault::HeadUnknown)
        );
    }
}
