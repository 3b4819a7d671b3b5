//! One job's view of the transaction that it runs in. Everything that writes is a method of it, in the file of its
//! subject.

use std::collections::BTreeSet;

use super::counts::Counts;
use super::db::Connection;
use super::error::JournalError;
use super::ids::Ids;
use super::keys::TenantId;
use super::places::Places;
use scanhook_core::lease::TurnTime;
use scanhook_core::time::Timestamp;

/// One job's view of the transaction.
pub struct Tx<'c> {
    pub(super) db: &'c Connection,
    pub(super) tight: bool,
    pub(super) ids: &'c mut Ids,
    pub(super) touched: &'c mut BTreeSet<TenantId>,
    pub(super) counts: &'c mut Counts,
    pub(super) places: &'c mut Places,
    pub(super) time: TurnTime,
    /// How often the connection to the database was made anew.
    pub(super) session: u64,
}

impl Tx<'_> {
    /// The worker of this tenant is woken after COMMIT. Every method that changes a decision, scan or tenant calls this.
    pub(super) fn touch(&mut self, tenant: TenantId) {
        self.touched.insert(tenant);
    }

    /// The disk is full, and what is written now is written into the room that was kept for outcomes: nothing new is begun.
    #[must_use]
    pub const fn is_tight(&self) -> bool {
        self.tight
    }

    /// What follows asks what it asked the last time, for the tenant whose turn it is.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn ask_usual(&mut self, tenant: TenantId, now: Timestamp) -> Result<(), JournalError> {
        Ok(self.db.ask_usual(tenant.0, now.millis())?)
    }

    /// An id that nothing had before.
    pub fn new_uuid(&mut self, now: Timestamp) -> uuid::Uuid {
        self.ids.next(now)
    }
}
