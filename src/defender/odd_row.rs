//! A row of the list that cannot be read, and whose it may be all the same.

use serde_json::Value;
use uuid::Uuid;

use super::ours::SentScan;

/// A row that is no machine action as it should be, as far as it tells whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OddRow {
    external_id: Option<String>,
    comment: Option<String>,
    machine: Option<String>,
}

impl OddRow {
    pub(super) fn read(bytes: &[u8]) -> OddRow {
        let value: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let text = |key: &str| {
            value
                .get(key)
                .and_then(Value::as_str)
                .map(|text| text.trim().to_ascii_lowercase())
                .filter(|t| !t.is_empty())
        };
        OddRow {
            external_id: text("externalId"),
            comment: text("requestorComment"),
            machine: text("machineId"),
        }
    }

    /// Whether nothing in it tells whose it is: then it may be anybody's.
    #[must_use]
    pub fn is_anybodys(&self) -> bool {
        self.external_id.is_none() && self.comment.is_none() && self.machine.is_none()
    }

    /// Whether this may be the action of what was sent.
    #[must_use]
    pub fn may_be(&self, sent: &SentScan<'_>) -> bool {
        if let Some(id) = &self.external_id {
            // An id that is no uuid is somebody else's.
            return sent
                .external_id
                .is_some_and(|ours| id.parse::<Uuid>().is_ok_and(|theirs| theirs == ours));
        }
        match (&self.comment, &self.machine) {
            (Some(comment), _) => comment.contains(sent.tail),
            (None, Some(machine)) => *machine == sent.machine.to_string(),
            (None, None) => true,
        }
    }
}
