//! What is held, in groups that a person answers at once.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decision::DecisionView;
use super::device_row::DeviceRow;
use super::mirrored::PeopleNeededShape;
use scanhook_core::person::PeopleNeeded;

/// What is held, in groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldView {
    /// machine, rule or alert: what the decisions of a group have in common.
    pub group: String,
    /// Held decisions in all groups.
    pub decisions: usize,
    /// Machines, or devices whose machine is not known.
    pub machines: usize,
    /// Groups.
    pub total: usize,
    /// The most severe first.
    pub items: Vec<HeldGroupView>,
    /// Pass it as `after` for the next page; null at the end.
    pub next: Option<String>,
}

/// Held decisions that have something in common. What differs among them is null.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldGroupView {
    /// Its name in an order, as `group`.
    pub key: String,
    /// Who acts.
    pub tenant: Option<String>,
    /// The rule.
    pub rule: Option<String>,
    /// held, for all of them.
    pub state: String,
    /// What they are held for.
    pub reason: Option<String>,
    /// Why, in words: of the newest.
    pub why: String,
    /// Whose move it is, as one word.
    #[serde(rename = "move")]
    pub mover: String,
    /// The same in words.
    pub whose_move: String,
    /// quick, full or none.
    pub kind: Option<String>,
    /// The highest severity among them.
    pub severity: Option<String>,
    /// The headline of the alert.
    pub title: Option<String>,
    /// The source.
    pub source: Option<String>,
    /// Machines, or devices whose machine is not known.
    pub machines: usize,
    /// Held decisions.
    pub decisions: usize,
    /// Those and the decisions of other groups that are answered with them: of the same device, for the same reason.
    pub together: usize,
    /// Decisions of which a person has to say which machine it is.
    pub machine_needed: usize,
    /// How many people have to approve, and who has approved any of them; left out where one is enough for each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<PeopleNeededShape>)]
    pub people: Option<PeopleNeeded>,
    /// Decisions that one person has approved and another one has to.
    #[serde(default)]
    pub approved_once: usize,
    /// The device, where it is one.
    pub device: Option<DeviceRow>,
    /// The first devices by name.
    pub names: Vec<String>,
    /// When the oldest was decided.
    pub oldest: String,
    /// When the first of them is dropped, if nobody answers.
    pub first_ends_at: Option<String>,
    /// Says whether the group is still the same: an order passes it in `expect`.
    pub digest: String,
}

/// A group of what is held, device by device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldMembersView {
    /// The group.
    pub group: HeldGroupView,
    /// Its devices, the latest decision first.
    pub items: Vec<HeldMemberView>,
    /// Pass it as `after` for the next page; null at the end.
    pub next: Option<String>,
}

/// A device of which decisions are held for one reason. They are answered at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HeldMemberView {
    /// The latest of them.
    #[serde(flatten)]
    pub decision: DecisionView,
    /// How many they are.
    pub together: usize,
    /// The machines that the device may be, where the directory named some.
    pub candidates: Vec<DeviceRow>,
    /// When a full scan of the machine succeeded last, as far as the journal goes back.
    pub last_full_at: Option<String>,
}
