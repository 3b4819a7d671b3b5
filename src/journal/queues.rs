//! What waits of each tenant, as the watch for storms reads it every few seconds: only scans that stand in the queue, not
//! those that wait for a window, a pause or another scan of their machine.

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::numbers::{NowNumbers, TenantNumbers};
use super::reader::Reader;
use scanhook_core::storm;

/// Scans that are counted: no queue of so many leaves in time.
const MOST: u32 = 20_000;

impl Reader<'_> {
    /// What waits of these tenants.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn queues(&self, tenants: &[TenantId]) -> Result<NowNumbers, JournalError> {
        let mut numbers = NowNumbers::default();
        for tenant in tenants {
            let sql = "SELECT coalesce(sum(scans), 0) FROM scan_count WHERE state = 'waiting' AND tenant = ?";
            let mut waiting = self.number(sql, [tenant.0])?;
            // A few leave in time, whatever they wait for: then nothing has to be counted.
            if waiting > storm::FEW {
                let sql = "SELECT count(*) FROM (SELECT 1 FROM scan INDEXED BY scan_queue
                           WHERE tenant = ? AND state = 'waiting' AND not_before IS NULL LIMIT ?) AS found";
                waiting = self.number(sql, params![tenant.0, MOST])?;
            }
            let waits = TenantNumbers {
                waiting,
                awaiting: self.awaiting(*tenant)?,
            };
            numbers.tenants.insert(*tenant, waits);
        }
        Ok(numbers)
    }
}
