//! Which messages this process sends, where other processes have the same journal. What belongs to no tenant's worker is
//! sent by who has the lease of messages; what goes back to where alerts came from, by who calls for its tenant, because it
//! leaves with the token that the worker there lends.

use std::collections::BTreeMap;

use crate::journal::{JournalError, Lease, MESSAGES, MESSAGES_APP, Seat, Tx};
use crate::settings::Receiver;
use crate::worker::Loans;
use scanhook_core::lease::Trust;

/// The part of the messages that one process sends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessagePart {
    /// It tells what becomes worth telling by the passing of time, and sends to whoever is told of everything.
    pub(super) house: bool,
    /// The receivers that it serves, each with the trust in the lease under which it is written to Defender; `None`: all.
    pub(super) receivers: Option<BTreeMap<String, Option<Trust>>>,
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
        names.is_none_or(|names| names.contains_key(receiver))
    }

    /// Until when what goes to this receiver may leave, where that is not for ever.
    pub(super) fn trust(&self, receiver: &str) -> Option<Trust> {
        *self.receivers.as_ref()?.get(receiver)?
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
    ) -> Result<MessagePart, JournalError> {
        let Some(seat) = self.seat else {
            return Ok(MessagePart::whole());
        };
        match &mut self.lease {
            Some(lease) => tx.hold_lease(lease, "")?,
            None => {
                self.lease = match tx.take_lease(MESSAGES_APP, MESSAGES, seat) {
                    Err(JournalError::ClockOff(_)) => None,
                    taken => taken?,
                };
            }
        }
        let house = self.lease.is_some();
        let mut names = BTreeMap::new();
        for receiver in receivers {
            let trust = match receiver.channel.write_back() {
                Some(back) => self.trust_of(tx, &back.tenant, loans)?.map(Some),
                None => house.then_some(None),
            };
            if let Some(trust) = trust {
                names.insert(receiver.name.clone(), trust);
            }
        }
        Ok(MessagePart {
            house,
            receivers: Some(names),
        })
    }

    /// The trust in the lease of this tenant's worker, where that is here and has it.
    fn trust_of(
        &mut self,
        tx: &Tx<'_>,
        tenant: &str,
        loans: &Loans,
    ) -> Result<Option<Trust>, JournalError> {
        let loan = loans.get(tenant);
        let Some(lease) = loan.and_then(|loan| loan.lease.as_ref()) else {
            return Ok(None);
        };
        let before = self.fences.insert(tenant.to_owned(), lease.fence());
        if before.is_some_and(|before| before != lease.fence()) {
            return Err(JournalError::Deposed);
        }
        tx.trust_in(lease)
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
