//! What a decision keeps of its making. The journal stores it, and everything that is said of a decision is said from
//! it.

use serde::{Deserialize, Serialize};

use crate::directory::Looked;
use crate::person::{Approval, PeopleNeeded, Said};
use crate::scan::{Kind, Mode, Reason};
use crate::time::Timestamp;
use crate::verdict::{Guarded, Seen, needed};

/// What a decision keeps of its making; the journal stores it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    /// The values the winning rule's conditions saw, or those that stayed unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// The protections that were hit or could not be judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<Guarded>,
    /// The strictest of process, tenant and rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Scans begun within the limit's window and what the limit allows, where it was spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<(u32, u32)>,
    /// When the scan ended whose cool-down answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooled_by: Option<Timestamp>,
    /// The span of that limit, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_per: Option<u64>,
    /// It is the tenant's limit, and not the rule's.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub limit_of_tenant: bool,
    /// Not sent before this: a window of the rule or of a protection opens then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// The windows in which it may leave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// The scan of the machine that must end first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<(String, Kind)>,
    /// Until when a person can decide, or the directory is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What it was held for, once it is not held any more without having been approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Reason>,
    /// Who has approved it, in order, where one person is not enough.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<Approval>,
    /// The last word of a person on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// What the tenant's directory said, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Looked>,
}

impl Why {
    /// How many people have to approve it, and who has; `None` where one is enough.
    #[must_use]
    pub fn people(&self) -> Option<PeopleNeeded> {
        let needed = needed(&self.protections);
        let names = self.approvals.iter().map(|one| one.by.who.clone());
        (needed > 1).then(|| PeopleNeeded {
            needed,
            given: names.collect(),
        })
    }
}
