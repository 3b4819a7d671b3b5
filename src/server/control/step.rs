//! One transaction of an order: what the journal is told to do to a few things, and on what terms a scan begins that a
//! person asks for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use uuid::Uuid;

use super::verb::OrderVerb;
use crate::api::ItemView;
use crate::journal::{HeldIds, JournalError, TenantId, Tx, Word};
use crate::policy::{Ceiling, Policy, Terms};
use scanhook_core::access::Approver;
use scanhook_core::person::By;
use scanhook_core::scan::Mode;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Wanted};

/// What a scan that a person asks for is begun on.
pub(super) struct OrderContext {
    pub(super) at_once: bool,
    /// Who gives the order, as far as it tells them from others.
    pub(super) approver: Approver,
    /// The held decisions that are answered, where an order says what it expects; otherwise all that are held together.
    pub(super) only: Option<BTreeSet<i64>>,
    pub(super) policy: Arc<Policy>,
    pub(super) terms: BTreeMap<TenantId, Terms>,
}

impl OrderContext {
    pub(super) fn wanted(&self, tenant: TenantId, asked: AskedFor<'_>) -> Option<Wanted> {
        Some(self.policy.wanted(*self.terms.get(&tenant)?, asked))
    }

    /// Whether anything may be sent for this tenant.
    pub(super) fn may_call(&self, tenant: TenantId) -> bool {
        self.terms
            .get(&tenant)
            .is_some_and(|terms| terms.ceiling != Ceiling::AtMost(Mode::DryRun))
    }
}

pub(super) fn step_of(
    tx: &mut Tx<'_>,
    verb: OrderVerb,
    ids: &[Uuid],
    machine: Option<scanhook_core::alert::MachineId>,
    by: &By,
    now: &OrderContext,
    at: Timestamp,
) -> Result<Vec<ItemView>, JournalError> {
    let terms = |tenant: TenantId, asked: AskedFor<'_>| now.wanted(tenant, asked);
    let at_once = now.at_once;
    let which = HeldIds {
        ids,
        only: now.only.as_ref(),
    };
    match verb {
        OrderVerb::Approve => {
            let approver = now.approver.clone();
            let word = Word::Approve {
                machine,
                at_once,
                approver,
            };
            tx.answer_held(which, &word, by, &terms, at)
        }
        OrderVerb::Deny => tx.answer_held(which, &Word::Deny, by, &terms, at),
        OrderVerb::Cancel => tx.call_off(ids, by, &|tenant| now.may_call(tenant), at),
        OrderVerb::Retry => tx.retry(ids, by, at_once, &terms, at),
    }
}
