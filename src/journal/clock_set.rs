//! The clock was set: what waits for a span of time is moved along, and what waits for a time of day stays.

use super::calls::{Api, BACK};
use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::tx::Tx;
use scanhook_core::time::Timestamp;

/// Milliseconds within which a scan that has ended was begun: followed for a week, after it waited for a week.
const LATELY: i64 = 15 * 86_400_000;

/// The computer's clock was set, or the computer was restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSet {
    /// By so many milliseconds the wall clock is later than it would be had nobody set it, or had no time passed over
    /// the restart.
    pub by: i64,
    /// How long the computer was off is not known.
    pub restarted: bool,
}

impl Tx<'_> {
    /// Moves along what waits for a span of time: calls that count, looks at open scans, and waits for a machine that
    /// is busy. What waits for a time of day stays.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn clock_was_set(
        &mut self,
        tenant: TenantId,
        set: ClockSet,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let since = now.moved(-set.by).minus(BACK).millis();
        for api in Api::ALL {
            self.db
                .prepare_cached(
                    "UPDATE call SET sent_at = min(sent_at + ?1, ?2), ended_at = min(ended_at + ?1, ?2),
                            wanted_at = wanted_at + ?1
                     WHERE tenant = ?3 AND api = ?4 AND sent_at >= ?5",
                )?
                .execute(params![set.by, now.millis(), tenant.0, api.code(), since])?;
        }
        // When a scan was sent is history, and moves only if the clock that wrote it was wrong.
        let sent = if set.restarted { 0 } else { set.by };
        self.db
            .prepare_cached(
                "UPDATE scan SET look_at = look_at + ?1, sent_at = sent_at + ?2, cancel_at = cancel_at + ?1,
                        overdue_at = overdue_at + ?1
                 WHERE tenant = ?3 AND state IN ('sending', 'unknown', 'running')",
            )?
            .execute(params![set.by, sent, tenant.0])?;
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = not_before + ?1
                 WHERE tenant = ?2 AND state = 'waiting' AND not_before < ?3 AND blocked_by IS NOT NULL",
            )?
            .execute(params![set.by, tenant.0, Timestamp::NEVER.millis()])?;
        self.db
            .prepare_cached(
                "UPDATE scan SET look_at = look_at + ?1 WHERE tenant = ?2 AND state = 'waiting' AND look_at IS NOT NULL",
            )?
            .execute(params![set.by, tenant.0])?;
        if set.by < 0 {
            self.written_ahead(tenant, set.by, now)?;
        }
        Ok(())
    }

    /// What was written while the clock was ahead and lies in the future by now: it would cool, count or wait for as long
    /// as the clock was ahead.
    fn written_ahead(
        &mut self,
        tenant: TenantId,
        by: i64,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let (tenant, now) = (tenant.0, now.millis());
        // Few are that young: a scan ends within days of its beginning, or it began in the future as well.
        let lately = now.saturating_sub(LATELY);
        self.db
            .prepare_cached(
                "UPDATE scan SET ended_at = min(ended_at + ?1, ?3) WHERE tenant = ?2 AND created_at > ?4 AND ended_at > ?3",
            )?
            .execute(params![by, tenant, now, lately])?;
        self.db
            .prepare_cached(
                "UPDATE scan SET created_at = min(created_at + ?1, ?3), not_after = not_after + ?1
                 WHERE tenant = ?2 AND created_at > ?3",
            )?
            .execute(params![by, tenant, now])?;
        // The next opening of a window was looked up by the wrong clock: it is looked up again.
        self.db
            .prepare_cached(
                "UPDATE scan SET opens_at = NULL, not_before = NULL
                 WHERE tenant = ?1 AND state = 'waiting' AND not_before IS NOT NULL AND blocked_by IS NULL
                   AND pause IS NULL AND windows IS NOT NULL",
            )?
            .execute([tenant])?;
        self.db
            .prepare_cached(
                "UPDATE decision SET look_at = look_at + ?1 WHERE tenant = ?2 AND state = 'held' AND at > ?3",
            )?
            .execute(params![by, tenant, now])?;
        Ok(())
    }
}
