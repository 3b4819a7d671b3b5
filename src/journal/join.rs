//! A scan that exists answers for one alert more: it is made as strong, as urgent and as lasting as the alert needs.

use super::begin::not_after;
use super::db::{AskedAbout, params};
use super::error::JournalError;
use super::rows::millis;
use super::scan_row::{openings, windows};
use super::tx::Tx;
use scanhook_core::plan::Waiting;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Wanted;

impl Tx<'_> {
    /// Makes of a waiting scan what it is with the alert that joins it. `earlier`: when it was to begin.
    pub(super) fn join(
        &mut self,
        joined: &Waiting,
        earlier: Option<Timestamp>,
        wanted: &Wanted,
        of_machine: &AskedAbout,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db.differs(of_machine);
        if joined.start != earlier {
            // What waits for a window covers fewer alerts, whatever their finding.
            self.db.all_differs();
        }
        self.db.later(
                "UPDATE scan SET kind = ?2, priority = ?3, not_after = max(not_after, ?4), opens_at = ?5,
                        not_before = CASE WHEN blocked_by IS NULL THEN ?5 ELSE not_before END,
                        max_age = max(coalesce(max_age, not_after - created_at), ?6), windows = ?7
                 WHERE id = ?1 AND state = 'waiting'",
            params![
                joined.scan.0,
                joined.kind.code(),
                joined.priority.get(),
                not_after(wanted, joined.start, now).millis(),
                joined.start.map(Timestamp::millis),
                millis(wanted.max_age),
                windows(&joined.openings),
            ],
        )?;
        self.reconsider_pause(joined.scan)
    }

    /// Lets a scan that answers for this alert too live as long, and be as urgent, as the alert needs.
    pub(super) fn rely_on(
        &mut self,
        scan: ScanId,
        wanted: &Wanted,
        of_machine: &AskedAbout,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        // Should it have to be sent again, this alert is as young and as urgent a reason as any.
        let earlier: Option<String> = self
            .db
            .prepare_cached("SELECT windows FROM scan WHERE id = ?")?
            .query_row([scan.0], |row| row.get(0))?;
        let either = openings(earlier.as_deref()).or(wanted.openings.clone());
        self.db.differs(of_machine);
        self.db.later(
            "UPDATE scan SET not_after = max(not_after, ?2), priority = max(priority, ?3),
                        max_age = max(coalesce(max_age, not_after - created_at), ?4), windows = ?5
                 WHERE id = ?1 AND state IN ('sending', 'unknown', 'running', 'waiting')",
            params![
                scan.0,
                not_after(wanted, None, now).millis(),
                wanted.priority.get(),
                millis(wanted.max_age),
                windows(&either),
            ],
        )?;
        self.reconsider_pause(scan)
    }
}
