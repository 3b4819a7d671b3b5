//! What the lane asks about scans that are unknown or running. A poll and a list read as many rows as they have work
//! with, however many scans are open: each question here has an index of its own, whose condition it repeats word for
//! word, because SQLite uses a partial index only where it finds its condition again.

use rusqlite::{OptionalExtension, Row, params};

use super::error::JournalError;
use super::keys::TenantId;
use super::scan_row::{COLUMNS, IS_OPEN, ScanRow, damaged, scan_row};
use super::tx::Tx;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// A scan that is unknown or running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenScan {
    /// What it is.
    pub scan: ScanRow,
    /// Running: the machine action's id. Unknown: none.
    pub action: Option<String>,
    /// False: the action is somebody else's.
    pub ours: bool,
    /// The far side said the machine is busy: the list will tell with what.
    pub busy: bool,
    /// When the call left.
    pub sent_at: Timestamp,
    /// How far back its action may lie, by the far side's clock: when the call left first, or, where somebody else's
    /// action is followed, when that was created.
    pub far_sent_at: Timestamp,
    /// When to look for it again. None: a running one that is looked for with the other old ones, or an unknown one
    /// that is not looked for any more, because it will be sent again.
    pub look_at: Option<Timestamp>,
    /// Lists that did not hold it.
    pub misses: u32,
    /// When it was found to be past the give-up age: the next complete look is the last one.
    pub overdue_at: Option<Timestamp>,
}

/// What the next list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// How far back the oldest of the scans lies that are due, by the far side's clock.
    pub since: Timestamp,
    /// One of them met a machine that is busy with something that may have begun long before.
    pub busy: bool,
}

/// Complete lists without a scan before it is believed that its call was not executed, or that lists do not hold its
/// action. The indexes of schema 3 hold the same number.
pub const MISSES: u32 = 2;

/// The columns of `scan_row`, then those that an open scan has beside them.
const OPEN: &str =
    "SELECT id, uuid, machine, dry, kind, priority, not_after, unanswered, unseen, tries, refusals, windows,
    action, ours, blocked_by IS NOT NULL AS busy, sent_at, coalesce(far_sent_at, sent_at) AS far_since, look_at, misses,
    overdue_at FROM scan";

fn open_row(row: &Row<'_>) -> rusqlite::Result<Option<OpenScan>> {
    let Some(scan) = scan_row(row)? else {
        return Ok(None);
    };
    let time = |column: &str| {
        Ok::<_, rusqlite::Error>(
            row.get::<_, Option<i64>>(column)?
                .map(Timestamp::from_millis),
        )
    };
    Ok(Some(OpenScan {
        scan,
        action: row.get("action")?,
        ours: row.get("ours")?,
        busy: row.get("busy")?,
        sent_at: Timestamp::from_millis(row.get("sent_at")?),
        far_sent_at: Timestamp::from_millis(row.get("far_since")?),
        look_at: time("look_at")?,
        misses: row.get("misses")?,
        overdue_at: time("overdue_at")?,
    }))
}

/// Unknown scans that are to be sent again wait for no list any more, and are not given up for want of one, however long
/// a pause keeps them.
pub(super) const TO_BE_SENT_AGAIN: &str = "state = 'unknown' AND (misses >= 2 OR unseen)";
/// Which of the scans that are due a list can clear up. An old one that lists do not hold is read by its id.
const LISTED: &str = "state <> 'sending' AND NOT (state = 'running' AND misses >= 2 AND coalesce(far_sent_at, sent_at) < ?3)";

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
            "UPDATE scan SET misses = ?2, unseen = 0, look_at = ?3 WHERE id = ?1 AND state IN ('unknown', 'running')",
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
            "UPDATE scan SET unseen = 1, look_at = ?2 WHERE id = ?1 AND state = 'unknown'",
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
                            AND state <> 'sending' AND NOT ({TO_BE_SENT_AGAIN}) AND sent_at < ?2 ORDER BY sent_at LIMIT 64)"
        );
        self.db
            .prepare_cached(&sql)?
            .execute(params![tenant.0, before.millis(), now.millis()])?;
        Ok(())
    }

    /// When the oldest scan was sent that is not past the give-up age yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn oldest_open(&self, tenant: TenantId) -> Result<Option<Timestamp>, JournalError> {
        let sql = format!(
            "SELECT sent_at FROM scan WHERE tenant = ? AND {IS_OPEN} AND overdue_at IS NULL AND pause IS NULL
               AND state <> 'sending' AND NOT ({TO_BE_SENT_AGAIN}) ORDER BY sent_at LIMIT 1"
        );
        let oldest = self
            .db
            .prepare_cached(&sql)?
            .query_row([tenant.0], |row| row.get(0))
            .optional()?;
        Ok(oldest.map(Timestamp::from_millis))
    }

    /// The scan that has been past the give-up age for the longest time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn longest_overdue(&self, tenant: TenantId) -> Result<Option<OpenScan>, JournalError> {
        self.one_open(
            &format!(
                "{OPEN} WHERE tenant = ? AND {IS_OPEN} AND overdue_at IS NOT NULL AND pause IS NULL
                   AND state <> 'sending' AND NOT ({TO_BE_SENT_AGAIN}) ORDER BY overdue_at LIMIT 1"
            ),
            [tenant.0],
        )
    }

    /// Every unknown and running scan of a tenant.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn open_scans(&self, tenant: TenantId) -> Result<Vec<OpenScan>, JournalError> {
        let sql = format!(
            "{OPEN} WHERE tenant = ? AND {IS_OPEN} AND state <> 'sending' ORDER BY sent_at, id"
        );
        self.all_open(&sql, [tenant.0])
    }

    /// The unknown scans of a tenant.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unknown_scans(&self, tenant: TenantId) -> Result<Vec<OpenScan>, JournalError> {
        self.all_open(
            &format!("{OPEN} WHERE tenant = ? AND state = 'unknown' ORDER BY id"),
            [tenant.0],
        )
    }

    /// The running scan that follows this machine action.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn scan_of_action(
        &self,
        tenant: TenantId,
        action: &str,
    ) -> Result<Option<OpenScan>, JournalError> {
        self.one_open(
            &format!("{OPEN} WHERE tenant = ? AND action = ? AND state = 'running' LIMIT 1"),
            params![tenant.0, action],
        )
    }

    /// This scan, if it is unknown or running.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn open_scan(&self, scan: ScanId) -> Result<Option<OpenScan>, JournalError> {
        self.one_open(
            &format!("{OPEN} WHERE id = ? AND state IN ('unknown', 'running')"),
            [scan.0],
        )
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
            "{OPEN} WHERE tenant = ? AND state = 'running' AND misses >= 2 AND look_at <= ? ORDER BY look_at LIMIT 1"
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

    /// When the next scan wants to be looked for on a list. `old`: what lies before it is read by its id, once lists
    /// have missed it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_look(
        &self,
        tenant: TenantId,
        old: Timestamp,
    ) -> Result<Option<Timestamp>, JournalError> {
        let sql = format!(
            "SELECT look_at FROM scan WHERE tenant = ?1 AND {IS_OPEN} AND look_at > ?2 AND {LISTED} ORDER BY look_at LIMIT 1"
        );
        let values = params![tenant.0, i64::MIN, old.millis()];
        let look = self
            .db
            .prepare_cached(&sql)?
            .query_row(values, |row| row.get(0))
            .optional()?;
        Ok(look.map(Timestamp::from_millis))
    }

    /// What a list has to reach that serves every scan that is due. A list reaches no further back for those that are
    /// not: one machine that is offline for days stretches nobody's list.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn due_on_list(
        &self,
        tenant: TenantId,
        now: Timestamp,
        old: Timestamp,
    ) -> Result<Option<Due>, JournalError> {
        let sql = format!(
            "SELECT min(coalesce(far_sent_at, sent_at)), max(state = 'unknown' AND blocked_by IS NOT NULL)
             FROM scan WHERE tenant = ?1 AND {IS_OPEN} AND look_at <= ?2 AND {LISTED}"
        );
        let values = params![tenant.0, now.millis(), old.millis()];
        let (since, busy): (Option<i64>, Option<bool>) = self
            .db
            .prepare_cached(&sql)?
            .query_row(values, |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(since.map(|since| Due {
            since: Timestamp::from_millis(since),
            busy: busy == Some(true),
        }))
    }

    /// The scans that were due at this time, some at a time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn due_scans(
        &self,
        tenant: TenantId,
        at: Timestamp,
        old: Timestamp,
        most: u32,
    ) -> Result<Vec<OpenScan>, JournalError> {
        let sql = format!(
            "{OPEN} WHERE tenant = ?1 AND {IS_OPEN} AND look_at <= ?2 AND {LISTED} ORDER BY look_at LIMIT ?4"
        );
        self.all_open(&sql, params![tenant.0, at.millis(), old.millis(), most])
    }

    /// Running scans that are due and whose actions lie before `old` join those that are looked for by themselves, some
    /// at a time. Returns how many.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn set_aside(
        &mut self,
        tenant: TenantId,
        now: Timestamp,
        old: Timestamp,
        most: u32,
    ) -> Result<usize, JournalError> {
        let sql = format!(
            "UPDATE scan SET look_at = NULL WHERE id IN
               (SELECT id FROM scan WHERE tenant = ? AND {IS_OPEN} AND look_at <= ? AND state = 'running' AND misses < 2
                  AND coalesce(far_sent_at, sent_at) < ? ORDER BY look_at LIMIT ?)"
        );
        Ok(self.db.prepare_cached(&sql)?.execute(params![
            tenant.0,
            now.millis(),
            old.millis(),
            most
        ])?)
    }

    /// Old running scans that are looked for by themselves, after this one, some at a time.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn old_scans(
        &self,
        tenant: TenantId,
        after: ScanId,
        most: u32,
    ) -> Result<Vec<OpenScan>, JournalError> {
        let sql = format!(
            "{OPEN} WHERE tenant = ? AND {IS_OPEN} AND look_at IS NULL AND state = 'running' AND id > ? ORDER BY id LIMIT ?"
        );
        self.all_open(&sql, params![tenant.0, after.0, most])
    }

    /// How far back the oldest of them lies, by the far side's clock.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn oldest_of_old(&self, tenant: TenantId) -> Result<Option<Timestamp>, JournalError> {
        let sql = format!(
            "SELECT min(coalesce(far_sent_at, sent_at)) FROM scan
             WHERE tenant = ? AND {IS_OPEN} AND look_at IS NULL AND state = 'running'"
        );
        let oldest: Option<i64> = self
            .db
            .prepare_cached(&sql)?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(oldest.map(Timestamp::from_millis))
    }

    fn one_open(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Option<OpenScan>, JournalError> {
        let row = self
            .db
            .prepare_cached(sql)?
            .query_row(values, open_row)
            .optional()?;
        row.map(|row| row.ok_or_else(damaged)).transpose()
    }

    fn all_open(
        &self,
        sql: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<OpenScan>, JournalError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(values, open_row)?;
        rows.map(|row| row?.ok_or_else(damaged)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::journal::{Ids, Job, Store};

    /// What a lane asks at each poll and list.
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
            // Prepared once, as in a lane that runs.
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
