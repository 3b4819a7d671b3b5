//! The lease under which a worker calls, where other processes have the same journal. It is held by the first statement of
//! each transaction of the worker; without it the transaction fails, and the worker is dropped with its calls, as one whose
//! COMMIT has failed. So no call is entered, and no answer recorded, but by who has the lease.

use super::state::TenantWorker;
use crate::journal::{JournalError, Lease, Tx};
use scanhook_core::time::Timestamp;

/// Milliseconds by which this computer's clock and the database's may differ before somebody should look.
const OFF: u64 = 2_000;

impl TenantWorker {
    /// Holds the lease for as long again, before anything else is written.
    pub(super) fn hold(&mut self, tx: &mut Tx<'_>, wall: Timestamp) -> Result<(), JournalError> {
        if self.lease.is_none() {
            return Ok(());
        }
        self.ahead_of_database = tx.ahead_of_database();
        let board = serde_json::to_string(&self.view(wall))
            .map_err(|_| JournalError::Conflict("a lane's view is not JSON"))?;
        match &mut self.lease {
            Some(lease) => tx.hold_lease(lease, &board),
            None => Ok(()),
        }
    }

    /// Lets the lease go, so that another may call at once.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn free(self, tx: &mut Tx<'_>) -> Result<(), JournalError> {
        match &self.lease {
            Some(lease) => tx.free_lease(lease),
            None => Ok(()),
        }
    }

    /// The lease under which it calls.
    #[must_use]
    pub const fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// It has a lease and no use for it: what has stopped it may be right where another process runs.
    #[must_use]
    pub fn gives_up(&self) -> bool {
        self.lease.is_some() && self.backoff.stopped.is_some() && self.leaving.is_empty()
    }

    /// What the operator should know where this computer's clock and the database's are too far apart.
    pub(super) fn note_of_database(&self) -> Option<String> {
        let ahead = self.ahead_of_database;
        let (seconds, way) = match ahead > 0 {
            true => (ahead / 1000, "ahead of"),
            false => (ahead / -1000, "behind"),
        };
        (ahead.unsigned_abs() > OFF).then(|| {
            format!(
                "this machine's clock is {seconds} s {way} the database's: 5 s apart it takes no tenant over; set it"
            )
        })
    }
}
