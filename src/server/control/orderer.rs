//! Who gives an order, as the journal notes it, and the audit row that stands in the same transaction: no row, no order.

use scanhook_core::access::{Approver, SignedInBy};
use scanhook_core::person::By;
use scanhook_core::time::Timestamp;

use crate::api::ItemView;
use crate::journal::{Done, JournalError, Tx};
use crate::server::access::AskedBy;
use crate::server::order::OrderBody;
use crate::server::refusal::{CommandError, HttpError};

/// Who gives an order.
#[derive(Clone)]
pub(super) struct Orderer {
    asked: AskedBy,
    pub(super) by: By,
    /// For whom a program says that it acts.
    on_behalf_of: Option<String>,
    /// The fingerprint of the policy in force.
    policy: String,
}

/// What an order did, as the audit tells it.
#[derive(Default)]
pub(super) struct Act {
    pub(super) what: &'static str,
    pub(super) scope: String,
    pub(super) count: usize,
    pub(super) ids: Vec<String>,
    pub(super) result: String,
}

impl Act {
    /// What became of these.
    pub(super) fn on(what: &'static str, items: &[ItemView]) -> Act {
        let mut results: Vec<(&str, usize)> = Vec::new();
        for result in items.iter().filter_map(|item| item.result.as_deref()) {
            match results.iter_mut().find(|(known, _)| *known == result) {
                Some((_, count)) => *count += 1,
                None => results.push((result, 1)),
            }
        }
        let result = match results.as_slice() {
            [(one, _)] => (*one).to_owned(),
            several => several
                .iter()
                .map(|(result, count)| format!("{result} {count}"))
                .collect::<Vec<_>>()
                .join(", "),
        };
        let mut tenants: Vec<&str> = items
            .iter()
            .filter_map(|item| item.tenant.as_deref())
            .collect();
        tenants.sort_unstable();
        tenants.dedup();
        Act {
            what,
            scope: tenants.join(", "),
            count: items.len(),
            ids: items.iter().map(|item| item.id.clone()).collect(),
            result,
        }
    }
}

impl Orderer {
    /// Who it is, with what the order says of its reason. A name in the order counts where nothing better is known, and from
    /// programs that may act for others; from everybody else it is refused, so that nobody is somebody because a field says so.
    pub(super) fn of(
        asked: &AskedBy,
        members: &OrderBody<'_>,
        policy: &str,
    ) -> Result<Orderer, HttpError> {
        let (named, reason) = (members.named()?, members.reason()?);
        let caller = &asked.caller;
        if named.is_some() && !caller.for_others {
            return Err(CommandError::UnknownKey("by".to_owned()).into());
        }
        let (by, on_behalf_of) = match (&caller.how, named) {
            (SignedInBy::Loopback, named) if caller.for_others => {
                (By::new(named.unwrap_or_default(), reason), named)
            }
            (_, Some(named)) => {
                let other = By::new(named, None).who;
                let who = format!("{}, for {other} (as it says)", caller.name);
                (By::new(&who, reason), Some(named))
            }
            (_, None) => (By::new(&caller.name, reason), None),
        };
        Ok(Orderer {
            asked: asked.clone(),
            by,
            on_behalf_of: on_behalf_of.map(|named| By::new(named, None).who),
            policy: policy.to_owned(),
        })
    }

    /// Who it is, where one person is not enough.
    pub(super) fn approver(&self) -> Approver {
        Approver::of(&self.asked.caller, self.on_behalf_of.as_deref())
    }

    /// Writes the row of an act.
    pub(super) fn audit(
        &self,
        tx: &mut Tx<'_>,
        act: Act,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let mut entry = self.asked.entry(act.what, &self.policy);
        entry.on_behalf_of = self.on_behalf_of.clone();
        entry.reason = self.by.words.clone();
        entry.scope = act.scope;
        entry.count = act.count as u64;
        entry.ids = act.ids;
        entry.result = act.result;
        tx.audit(entry, now)
    }

    /// The transaction that holds the row was committed.
    pub(super) fn is_audited(&self) {
        self.asked.is_audited();
    }
}

/// The word for what went through.
pub(super) const DONE: &str = "done";

/// Whether an item's result is one of those that an order wants.
pub(super) fn objection(items: &[ItemView]) -> Option<CommandError> {
    items.iter().find_map(|item| {
        let done = item
            .result
            .as_deref()
            .and_then(Done::of_code)
            .filter(|done| !done.is_done())?;
        Some(CommandError::NotDone(done, Box::new(item.clone())))
    })
}
