//! What the worker asks about scans that are unknown or running. A poll and a list read as many rows as they have work
//! with, however many scans are open: each question here has an index of its own, whose condition it repeats word for
//! word, because SQLite uses a partial index only where it finds its condition again.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::open_scan::{OPEN, OpenScan, TO_BE_SENT_AGAIN};
use super::scan_row::{COLUMNS, IS_OPEN, ScanRow, damaged, scan_row};
use super::tx::Tx;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// Complete lists without a scan before it is believed that its call was not executed, or that lists do not hold its
/// action. The indexes of schema 3 hold the same number.
pub const MISSES: u32 = 2;

impl Tx<'_> {
    /// The unknown scan that complete lists have missed so often that it is sent again, with the same `ExternalId`.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_again(&self, tenant: TenantId) -> Result<Option<ScanRow>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM scan WHERE tenant = ? AND {TO_BE_SENT_AGAIN}
               AND pause IS NULL AND cancel_by IS NULL
             ORDER BY priority DESC, id LIMIT 1"
        );
        let row = self
            .db
            .prepare_cached(&sql)?
            .query_row([tenant.0], scan_row)
            .optional()?;
        row.map(|row| row.ok_or_else(damaged)).transpose()
    }

    /// Still unknown or running; when to look again, and how many complete lists did not hold it.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan is neither.
    pub fn look_again(
        &mut self,
        scan: ScanId,
        misses: u32,
        look_at: Option<Timestamp>,
    ) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET misses = ?2, unseen = FALSE, look_at = ?3 WHERE id = ?1 AND state IN ('unknown', 'running')",
            scan,
            params![scan.0, misses, look_at.map(Timestamp::millis)],
        )
    }

    /// Still unknown, and to be sent again although no list could be read.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan is not unknown.
    pub fn again_unseen(&mut self, scan: ScanId, now: Timestamp) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET unseen = TRUE, look_at = ?2 WHERE id = ?1 AND state = 'unknown'",
            scan,
            params![scan.0, now.millis()],
        )
    }

    /// Marks scans whose call left before this as past the give-up age, some at a time, and has them looked at once
    /// more. One that a person's pause holds back is not followed less patiently for that, and one that is to be sent again
    /// waits for no look.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn mark_overdue(
        &mut self,
        tenant: TenantId,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let sql = format!(
            "UPDATE scan SET overdue_at = ?3, look_at = CASE state WHEN 'running' THEN ?3 ELSE look_at END
             WHERE id IN (SELECT id FROM scan WHERE tenant = ?1 AND {IS_OPEN} AND overdue_at IS NULL AND pause IS NULL
                            AND state <> 'sending' AND NOT ({TO_BE_SENT_AGAIN}) AND sent_at < ?2 ORDER BY sent_at, id LIMIT 64)"
        );
        self.db
            .prepare_cached(&sql)?
            .execute(params![tenant.0, before.millis(), now.millis()])?;
        Ok(())
    }

    /// The running scan that lists have missed and whose time has come to be read by its id.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn missed(
        &self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Option<OpenScan>, JournalError> {
        let sql = format!(
            "{OPEN} WHERE tenant = ? AND state = 'running' AND misses >= 2 AND look_at <= ? ORDER BY look_at, id LIMIT 1"
        );
        self.one_open(&sql, params![tenant.0, now.millis()])
    }

    /// When the next running scan that lists have missed is read by its id.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_missed(&self, tenant: TenantId) -> Result<Timestamp, JournalError> {
        let sql =
            "SELECT look_at FROM scan WHERE tenant = ? AND state = 'running' AND misses >= 2 AND look_at IS NOT NULL
                   ORDER BY look_at LIMIT 1";
        let next = self
            .db
            .prepare_cached(sql)?
            .query_row([tenant.0], |row| row.get(0))
            .optional()?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::journal::{Ids, Job, Store};

    /// What a worker asks at each poll and list.
    fn questions(tx: &mut Tx<'_>) -> Result<(), JournalError> {
        let (tenant, now) = (TenantId(1), Timestamp::from_millis(5_000));
        tx.expire_held(tenant, now)?;
        tx.release_due(tenant, now)?;
        tx.next_scan(tenant, true)?;
        tx.next_scan(tenant, false)?;
        tx.next_again(tenant)?;
        tx.mark_overdue(tenant, now, now)?;
        tx.oldest_open(tenant)?;
        tx.longest_overdue(tenant)?;
        tx.unknown_scans(tenant)?;
        tx.next_look(tenant, now)?;
        tx.due_on_list(tenant, now, now)?;
        tx.due_scans(tenant, now, now, 10)?;
        tx.set_aside(tenant, now, now, 10)?;
        tx.old_scans(tenant, ScanId(0), 10)?;
        tx.oldest_of_old(tenant)?;
        tx.missed(tenant, now)?;
        tx.next_missed(tenant)?;
        tx.scan_of_action(tenant, "a")?;
        tx.sending_is_unknown(tenant, now)
    }

    /// Steps of SQLite's machine for these questions beside so many scans that are over.
    fn steps(over: u32) -> u64 {
        let mut store = Store::memory(Ids::seeded(1)).unwrap();
        let fill = move |tx: &mut Tx<'_>| {
            tx.tenant("default")?;
            tx.db.execute_batch(
                "INSERT INTO policy(id, hash, rules, loaded_at) VALUES (1, '', '', 0);
                 INSERT INTO delivery(id, uuid, source, received_at) VALUES (1, x'', '', 0)",
            )?;
            for n in 1..=over {
                tx.db.execute(
                    "INSERT INTO scan(id, uuid, tenant, machine, dry, kind, priority, state, created_at, not_after, ended_at,
                                      outcome)
                     VALUES (?1, CAST(?1 AS BLOB), 1, '', 0, 'quick', 50, 'finished', 0, 0, 0, 'succeeded')",
                    [n],
                )?;
                tx.db.execute(
                    "INSERT INTO decision(delivery, n, tenant, device, at, state, reason, scan, policy, why)
                     VALUES (1, ?1, 1, '', 0, 'scan', 'new', ?1, 1, '{}')",
                    [n],
                )?;
            }
            // Prepared once, as in a worker that runs.
            questions(tx)
        };
        let count = Arc::new(AtomicU64::new(0));
        let counter = count.clone();
        let ask = move |tx: &mut Tx<'_>| {
            let handler = move || {
                counter.fetch_add(1, Ordering::Relaxed);
                false
            };
            tx.db.progress_handler(1, Some(handler))?;
            questions(tx)?;
            Ok(tx.db.progress_handler(0, None::<fn() -> bool>)?)
        };
        store.commit(vec![Job::new(0, fill, |done| done.unwrap())]);
        store.commit(vec![Job::new(0, ask, |done| done.unwrap())]);
        count.load(Ordering::Relaxed)
    }

    #[test]
    fn what_is_over_costs_a_poll_nothing() {
        let (few, many) = (steps(1), steps(1_000));
        assert!(
            few > 50 && many < few * 2,
            "{few} steps beside one scan that is over, {many} beside a thousand"
        );
    }
}
