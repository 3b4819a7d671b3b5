//! What each rule and protection came to, and the policies there were.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::summary::CountView;

/// What the rules came to within a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RulesView {
    /// Fingerprint of the policy in force.
    pub policy: String,
    /// Since when it is.
    pub policy_since: Option<String>,
    /// From here on everything is counted: the beginning of a day in UTC.
    pub since: String,
    /// The rules, in the order of the file; then those that it has no more.
    pub rules: Vec<RuleRow>,
    /// The protections likewise.
    pub protections: Vec<RuleRow>,
    /// What no rule matched.
    pub unmatched: UnmatchedView,
}

/// What a rule or a protection came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleRow {
    /// Its name.
    pub name: String,
    /// False: the policy in force does not have it.
    pub in_force: bool,
    /// How far it goes: dry_run, approve or enforce; of a protection what it allows at most.
    pub mode: Option<String>,
    /// quick, full or none; of a rule.
    pub scan: Option<String>,
    /// Decisions that it won; of a protection those that it was hit by.
    pub hits: u64,
    /// Scans that it began.
    pub scans: u64,
    /// Decisions that were held, by reason.
    pub held: BTreeMap<String, u64>,
    /// How its scans ended.
    pub outcomes: BTreeMap<String, u64>,
    /// Decisions in which a protection could not be judged.
    #[serde(default)]
    pub unknown: u64,
    /// How much of its limit is used now.
    pub limit: Option<RuleLimitView>,
    /// When it won or was hit last, as far as the journal goes back; null: never.
    pub last_hit: Option<String>,
}

/// How much of a limit is used now, by the tenant that has used most of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RuleLimitView {
    /// Scans that count.
    pub used: u32,
    /// Scans that are allowed.
    pub scans: u32,
    /// In this time.
    pub per: String,
    /// The tenant.
    pub tenant: Option<String>,
}

/// Alerts that no rule matched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UnmatchedView {
    /// Decisions that no rule won.
    pub decisions: u64,
    /// The most frequent titles among the newest 20,000 decisions.
    pub titles: Vec<CountView>,
}

/// A policy that was in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PolicyView {
    /// Its fingerprint.
    pub hash: String,
    /// When it was put in force last.
    pub loaded_at: String,
    /// It is in force now.
    pub in_force: bool,
    /// The whole of it; only of a single one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}
