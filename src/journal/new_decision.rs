//! What a decision is made from, and what became of it: the words between those who decide and the journal.

use super::keys::PolicyId;
use super::keys::TenantId;
use scanhook_core::alert::{MachineId, Severity};
use scanhook_core::directory::Looked;
use scanhook_core::person::{Approval, Said};
use scanhook_core::scan::{DecisionState, Reason, ScanId};

/// A decision that is about to be made.
#[derive(Clone, Debug)]
pub struct NewDecision<'a> {
    pub delivery: i64,
    /// The alert's place in the delivery.
    pub n: usize,
    pub tenant: TenantId,
    /// The device as the alert names it.
    pub device: &'a str,
    /// The machine, if the alert says which.
    pub machine: Option<&'a MachineId>,
    pub policy: PolicyId,
    /// Of the alert; a decision that is made once more keeps what it has.
    pub severity: Option<Severity>,
    /// The decision that is made once more; `None`: a new one.
    pub again: Option<Again>,
    /// Why no scan of this device can begin, whatever the verdict asks for.
    pub barred: Option<Reason>,
    /// What the tenant's directory said.
    pub looked: Option<Looked>,
}

/// A decision that exists and is made once more: the directory has answered, or a person says so.
#[derive(Clone, Debug)]
pub struct Again {
    pub decision: i64,
    pub from: DecisionState,
    pub said: Option<Said>,
    /// Who has approved it, where that took more than one person.
    pub approvals: Vec<Approval>,
    /// Whether a scan that it begins counts against limits.
    pub counted: bool,
    /// A person has begun it once more: its age counts from now.
    pub renewed: bool,
}

/// What became of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Admitted {
    pub decision: i64,
    pub state: DecisionState,
    pub reason: Reason,
    pub scan: Option<ScanId>,
}
