//! Which messages this process sends, where other processes have the same journal. What belongs to no tenant's worker is
//! sent by who has the lease of messages; what goes back to where alerts came from, by who calls for its tenant, because it
//! leaves with the token that the worker there lends.

use std::collections::{BTreeMap, BTreeSet};

use crate::journal::{JournalError, Lease, MESSAGES, Seat, Tx};
use crate::settings::Receiver;
use crate::worker::Loans;
use scanhook_core::time::Timestamp;

/// What stands for an app: a tenant and an app registration never look like it.
const APP: &str = "messages";

/// The part of the messages that one process sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessagePart {
    /// It tells what becomes worth telling by the passing of time, and sends to whoever is told of everything.
    pub(super) house: bool,
    /// The receivers that it serves; `None`: all.
    pub(super) receivers: Option<BTreeSet<String>>,
}

impl MessagePart {
    /// All of them: no other process has the journal.
    #[must_use]
    pub fn whole() -> MessagePart {
        MessagePart {
            house: true,
            receivers: None,
        }
    }

    pub(super) fn holds(&self, receiver: &str) -> bool {
        let names = self.receivers.as_ref();
        names.is_none_or(|names| names.contains(receiver))
    }
}

/// The leases by which a process knows its part.
pub(super) struct MessageDesk {
    seat: Option<Seat>,
    lease: Option<Lease>,
    /// The fences of workers whose messages were looked at.
    fences: BTreeMap<String, i64>,
}

impl MessageDesk {
    pub(super) const fn new(seat: Option<Seat>) -> MessageDesk {
        MessageDesk {
            seat,
            lease: None,
            fences: BTreeMap::new(),
        }
    }

    /// The part that is this process's in this transaction.
    ///
    /// # Errors
    /// [`JournalError::Deposed`] where what is remembered is out of date, because another had the same part in between.
    pub(super) fn part(
        &mut self,
        tx: &mut Tx<'_>,
        receivers: &[Receiver],
        loans: &Loans,
        wall: Timestamp,
    ) -> Result<MessagePart, JournalError> {
        let Some(seat) = self.seat else {
            return Ok(MessagePart::whole());
        };
        match &mut self.lease {
            Some(lease) => tx.hold_lease(lease, "")?,
            None => {
                self.lease = match tx.take_lease(APP, MESSAGES, seat, wall) {
                    Err(JournalError::ClockOff(_)) => None,
                    taken => taken?,
                };
            }
        }
        let house = self.lease.is_some();
        let mut names = BTreeSet::new();
        for receiver in receivers {
            let serves = match receiver.channel.write_back() {
                Some(back) => self.calls_for(tx, &back.tenant, loans)?,
                None => house,
            };
            if serves {
                names.insert(receiver.name.clone());
            }
        }
        Ok(MessagePart {
            house,
            receivers: Some(names),
        })
    }

    /// Whether the worker of this tenant is here, and has its lease.
    fn calls_for(
        &mut self,
        tx: &Tx<'_>,
        tenant: &str,
        loans: &Loans,
    ) -> Result<bool, JournalError> {
        let loan = loans.get(tenant);
        let Some(lease) = loan.and_then(|loan| loan.lease.as_ref()) else {
            return Ok(false);
        };
        let before = self.fences.insert(tenant.to_owned(), lease.fence());
        if before.is_some_and(|before| before != lease.fence()) {
            return Err(JournalError::Deposed);
        }
        tx.has_lease(lease)
    }

    /// Lets the lease of messages go.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub(super) fn free(&self, tx: &mut Tx<'_>) -> Result<(), JournalError> {
        match &self.lease {
            Some(lease) => tx.free_lease(lease),
            None => Ok(()),
        }
    }
}
