//! Which scans the next list is for, and how far back it has to reach. As in `followed`, each condition is that of an
//! index, word for word.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::open_scan::{OPEN, OpenScan};
use super::scan_row::IS_OPEN;
use super::tx::Tx;
use scanhook_core::time::Timestamp;

/// Which of the scans that are due a list can clear up. An old one that lists do not hold is read by its id.
const LISTED: &str = "state <> 'sending' AND NOT (state = 'running' AND misses >= 2 AND coalesce(far_sent_at, sent_at) < ?3)";

/// What the next list is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// How far back the oldest of the scans lies that are due, by the far side's clock.
    pub since: Timestamp,
    /// One of them met a machine that is busy with something that may have begun long before.
    pub busy: bool,
}

impl Tx<'_> {
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
            "SELECT min(coalesce(far_sent_at, sent_at)), max(CASE WHEN state = 'unknown' AND blocked_by IS NOT NULL THEN 1 ELSE 0 END)
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
            "{OPEN} WHERE tenant = ?1 AND {IS_OPEN} AND look_at <= ?2 AND {LISTED} ORDER BY look_at, id LIMIT ?4"
        );
        self.all_open(&sql, params![tenant.0, at.millis(), old.millis(), most])
    }
}
