//! A scan that is unknown or running, as the worker finds it: by its row, by its action, or all of a tenant. What is
//! asked of them by time lies in `followed`, `due` and `old_scans`.

use super::db::{DbError, DbResult, OptionalExtension, Params, Row, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::scan_row::{IS_OPEN, ScanRow, damaged, scan_row};
use super::tx::Tx;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// The columns of `scan_row`, then those that an open scan has beside them.
pub(super) const OPEN: &str =
    "SELECT id, uuid, machine, dry, kind, priority, not_after, unanswered, unseen, tries, refusals, windows,
    action, ours, blocked_by IS NOT NULL AS busy, sent_at, coalesce(far_sent_at, sent_at) AS far_since, look_at, misses,
    overdue_at FROM scan";

/// Unknown scans that are to be sent again wait for no list any more, and are not given up for want of one, however long
/// a pause keeps them.
pub(super) const TO_BE_SENT_AGAIN: &str = "state = 'unknown' AND (misses >= 2 OR unseen)";

/// A scan that is unknown or running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenScan {
    pub scan: ScanRow,
    /// Running: the machine action's id. Unknown: none.
    pub action: Option<String>,
    /// False: the action is somebody else's.
    pub ours: bool,
    /// The far side said the machine is busy: the list will tell with what.
    pub busy: bool,
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

fn open_row(row: &Row<'_>) -> DbResult<Option<OpenScan>> {
    let Some(scan) = scan_row(row)? else {
        return Ok(None);
    };
    let time = |column: &str| {
        Ok::<_, DbError>(
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

impl Tx<'_> {
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
                   AND state <> 'sending' AND NOT ({TO_BE_SENT_AGAIN}) ORDER BY overdue_at, id LIMIT 1"
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

    pub(super) fn one_open(
        &self,
        sql: &str,
        values: impl Params,
    ) -> Result<Option<OpenScan>, JournalError> {
        let row = self
            .db
            .prepare_cached(sql)?
            .query_row(values, open_row)
            .optional()?;
        row.map(|row| row.ok_or_else(damaged)).transpose()
    }

    pub(super) fn all_open(
        &self,
        sql: &str,
        values: impl Params,
    ) -> Result<Vec<OpenScan>, JournalError> {
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map(values, open_row)?;
        rows.map(|row| row?.ok_or_else(damaged)).collect()
    }
}
