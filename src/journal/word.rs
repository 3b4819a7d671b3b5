//! What a person says to held decisions, and to which.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::approvals::Consent;
use super::held_decision::HeldDecision;
use scanhook_core::access::Approver;
use scanhook_core::alert::MachineId;
use scanhook_core::person::By;

/// What a person says to held decisions.
#[derive(Clone, Debug)]
pub enum Word {
    Approve {
        /// Where the alert does not say which machine it is, this one.
        machine: Option<MachineId>,
        /// Now, whatever the windows say.
        at_once: bool,
        /// Who says so, as far as it tells them from others.
        approver: Approver,
    },
    Deny,
}

/// Which held decisions are answered.
#[derive(Clone, Copy)]
pub struct HeldIds<'i> {
    pub ids: &'i [Uuid],
    /// Nothing but these rows, whatever else is held together with them: what a person has seen.
    pub only: Option<&'i BTreeSet<i64>>,
}

impl Word {
    /// The approval that it is of this decision, if it is one.
    pub(super) fn consent<'w>(
        &'w self,
        decided: &'w HeldDecision,
        by: &'w By,
    ) -> Option<Consent<'w>> {
        let Word::Approve {
            machine,
            at_once,
            approver,
        } = self
        else {
            return None;
        };
        Some(Consent {
            approver,
            by,
            machine: decided.machine.as_ref().or(machine.as_ref()),
            at_once: *at_once,
        })
    }
}
