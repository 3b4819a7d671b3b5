//! The call ledger's rows: written with the intent, before the call leaves.

use rusqlite::params;

use super::error::JournalError;
use super::store::{TenantId, Tx};
use crate::domain::quota::Ledger;
use crate::domain::scan::ScanId;
use crate::domain::time::Timestamp;

crate::domain::codes! {
    /// A budget of the far side: each is counted by itself.
    pub enum Api {
        /// Entra's token endpoint; no published limit.
        Token = "token",
        /// runAntiVirusScan.
        Scan = "scan",
        /// The list of machine actions.
        List = "list",
        /// A machine's record by its id.
        Machine = "machine",
        /// Machines by name or Entra device id.
        Machines = "machines",
        /// Machines by address.
        FindByIp = "find_by_ip",
    }
}

/// A call's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub i64);

impl Tx<'_> {
    /// Enters a call that may leave once this transaction is committed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn enter_call(
        &mut self,
        tenant: TenantId,
        api: Api,
        urgent: bool,
        scan: Option<ScanId>,
        now: Timestamp,
    ) -> Result<CallId, JournalError> {
        self.db
            .prepare_cached("INSERT INTO call(tenant, api, urgent, sent_at, scan) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![tenant.0, api.code(), urgent, now.millis(), scan.map(|s| s.0)])?;
        Ok(CallId(self.db.last_insert_rowid()))
    }

    /// Notes how a call ended: an HTTP status, or a word for what came instead.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it had ended already.
    pub fn end_call(&mut self, call: CallId, answer: &str, now: Timestamp) -> Result<(), JournalError> {
        let changed = self
            .db
            .prepare_cached("UPDATE call SET ended_at = ?, answer = ? WHERE id = ? AND ended_at IS NULL")?
            .execute(params![now.millis(), answer, call.0])?;
        if changed == 1 { Ok(()) } else { Err(JournalError::Conflict("a call that has ended cannot end again")) }
    }

    /// Calls whose answers nobody waits for any more end now: they may have been counted until this moment.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn abandon_calls(&mut self, tenant: TenantId, now: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE call SET ended_at = ?, answer = 'abandoned' WHERE tenant = ? AND ended_at IS NULL")?
            .execute(params![now.millis(), tenant.0])?;
        Ok(())
    }

    /// The ledger of one API, from the calls of the last hour.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn ledger(&self, tenant: TenantId, api: Api, now: Timestamp) -> Result<Ledger, JournalError> {
        let mut ledger = Ledger::default();
        // An hour, and as long again for calls whose answers came late.
        let since = now.minus(core::time::Duration::from_secs(7200)).millis();
        let mut rows = self.db.prepare_cached(
            "SELECT ended_at FROM call WHERE tenant = ? AND api = ? AND sent_at >= ? AND ended_at IS NOT NULL",
        )?;
        let mut rows = rows.query(params![tenant.0, api.code(), since])?;
        while let Some(row) = rows.next()? {
            ledger.recall(Timestamp::from_millis(row.get(0)?));
        }
        Ok(ledger)
    }
}
