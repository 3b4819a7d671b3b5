//! What people order, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::approval::ApprovalView;
use super::mirrored::PeopleNeededShape;
use scanhook_core::person::PeopleNeeded;

/// A pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PauseView {
    /// The tenant it is for; null: every tenant.
    pub tenant: Option<String>,
    /// The rule it is for; null: whatever the rule.
    pub rule: Option<String>,
    /// The devices it is for, as a pattern; null: all of them.
    pub device: Option<String>,
    /// When it began.
    pub at: String,
    /// Who set it, as they call themselves.
    pub by: String,
    /// Why.
    pub reason: Option<String>,
    /// When it ends by itself; null: when somebody resumes.
    pub until: Option<String>,
    /// What is to be known of it: its rule may have got another name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl PauseView {
    /// What it is for, in words.
    #[must_use]
    pub fn scope(&self) -> String {
        let parts = [
            ("tenant", &self.tenant),
            ("rule", &self.rule),
            ("device", &self.device),
        ];
        let parts = parts
            .into_iter()
            .filter_map(|(key, value)| value.as_ref().map(|value| format!("{key} `{value}`")));
        let parts = parts.collect::<Vec<_>>().join(", ");
        if parts.is_empty() {
            "everything".to_owned()
        } else {
            parts
        }
    }

    /// Notes where the policy in force has no rule of the name that it is for: nothing new is kept back by it then.
    pub fn compare<'r>(&mut self, mut rules: impl Iterator<Item = &'r str>) {
        let gone = self
            .rule
            .as_deref()
            .filter(|name| !rules.any(|rule| rule == *name));
        self.note = gone.map(|name| {
            format!(
                "the policy in force has no rule `{name}`: only scans that were wanted before are paused; if the rule has \
                 another name now, pause it by that"
            )
        });
    }

    /// Who, since when, until when and why, in words.
    #[must_use]
    pub fn story(&self) -> String {
        let until = self
            .until
            .as_ref()
            .map_or_else(String::new, |until| format!(", until {until}"));
        let reason = self
            .reason
            .as_ref()
            .map_or_else(String::new, |reason| format!(": {reason}"));
        let note = self
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!("; {note}"));
        format!("by {} since {}{until}{reason}{note}", self.by, self.at)
    }
}

/// The pauses that were set, changed or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PausesView {
    /// Those that were.
    pub items: Vec<PauseView>,
    /// Those in force now.
    pub in_force: Vec<PauseView>,
}

/// What an order does, or would do, to each thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderView {
    /// True: nothing was changed.
    pub preview: bool,
    /// How many decisions, scans and deliveries it is about in all; `items` tells of 1,000 at most.
    pub count: usize,
    /// How many machines these are, or devices whose machine is not known.
    #[serde(default)]
    pub machines: usize,
    /// The same number, where it is about held decisions.
    #[serde(default)]
    pub decisions: usize,
    /// How many `items` tells of.
    #[serde(default)]
    pub shown: usize,
    /// Of a preview: held decisions that take two people and that nobody has approved; another one has to approve them as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_person: Option<usize>,
    /// How many more people have to approve, after an approval that was not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<u8>,
    /// Says whether it is about the same things as another answer: an order passes it in `expect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Each of them.
    pub items: Vec<ItemView>,
    /// Where a selection goes on, as `after`, if this answer is not about all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A decision, a scan or a delivery, with what became of the order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemView {
    /// decision, scan or delivery; empty for an id of none.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Who acts.
    pub tenant: Option<String>,
    /// The device as the alert names it, or the machine.
    pub device: Option<String>,
    /// The machine, once known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The device's name, as the directory or else the alert says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The alert's headline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The alert's severity on the common scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// When a held decision is dropped, if nobody answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_ends: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// quick, full or none.
    pub scan: Option<String>,
    /// Its state.
    pub state: Option<String>,
    /// Its reason or outcome.
    pub reason: Option<String>,
    /// The scan that answers.
    pub scan_id: Option<String>,
    /// The alerts it is about.
    pub alerts: Vec<String>,
    /// The same in words.
    pub why: Option<String>,
    /// approved, approved_once, denied, cancelled, cancelling, retried, already; or the code of what stands in the way.
    pub result: Option<String>,
    /// How many people have to approve it, and who has; left out where one is enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PeopleNeededShape>)]
    pub people: Option<PeopleNeeded>,
    /// Who has approved it, where one person is not enough.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalView>,
    /// How many more people have to approve it, after an approval that was not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<u8>,
    /// Of a preview: what will become of it, or what stands in the way. Of an approval it is a code of docs/reasons.md; of
    /// what is cancelled or retried, the `result` that the order will have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub will: Option<String>,
    /// The machines the device may be, where the directory named some; the ids that begin so, where several do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

impl ItemView {
    /// What people call it.
    #[must_use]
    pub fn called(&self) -> &str {
        let names = [&self.name, &self.device].into_iter();
        let found = names.filter_map(|name| name.as_deref()).next();
        found.unwrap_or(&self.id)
    }
}
