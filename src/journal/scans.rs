//! What a worker does to scans. Every change names the state it expects; a row in another state is an error.
//!
//! ```text
//!              ┌───────── not sent, 429, 401, 403, blocked by a weaker foreign scan ─────────┐
//!              ▼                                                                             │
//!  begin ─► waiting ─ begin_sending ─► sending ─┬─ our action ──────► running ─► finished    │
//!              │                         ▲      ├─ a covering one ──► running (ours = 0)     │
//!              │                         │      ├─ no clear answer ─► unknown ─ on the list ─► running
//!              │                         └─ two misses ───────────────── unknown             │
//!              └─ too old, off ─► dropped       └────────────────────────────────────────────┘
//! ```
//!
//! * *waiting*: in the queue while `not_before` is NULL. With a `not_before` it lies outside the queue's index and
//!   costs nothing until `release_due` brings it back. With windows it waits for the next opening; they are looked up
//!   in the policy in force when its turn comes (`Rules::opens`), and joining takes the earlier opening. One that waits
//!   for a foreign action names it in `blocked_by`, and `worker::blocked` reads that action. A Full wanted while a
//!   Quick of the machine is open waits with `not_before` = never until `end` of that Quick releases it.
//! * *sending*: the intent. It exists between the COMMIT of a poll and the COMMIT of the answer.
//! * *unknown*: the call may have been executed: a timeout, a broken connection, a 5xx, a success that cannot be read,
//!   a restart. Or Defender said that the machine is busy, and the list will tell with what.
//! * *running*: has the id of a machine action, ours or (`ours` = 0) a foreign one that is as strong.
//! * A scan whose call was not executed goes back to *waiting* (`requeue`), and one that is over ends (`scan_end`).

use super::db::{Params, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::requeue::MACHINE_BUSY;
use super::scan_row::IS_OPEN;
use super::tx::Tx;
use scanhook_core::message::MessageType;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// The intent: from here on the call may leave. A scan whose earlier call may have been carried out keeps the time of
    /// its first try by the far side's clock, for that is how far back its action may lie. Returns it; it is `far`, if this
    /// is the first try.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan was neither waiting nor unknown, or its machine has another open scan.
    pub fn begin_sending(
        &mut self,
        scan: ScanId,
        far: Timestamp,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        self.change(
            "UPDATE scan SET state = 'sending',
                    sent_at = ?2, far_sent_at = CASE WHEN state = 'waiting' AND NOT unanswered THEN ?3
                                                     ELSE coalesce(far_sent_at, sent_at, ?3) END,
                    tries = tries + 1, misses = 0, unseen = FALSE, look_at = NULL, blocked_by = NULL, overdue_at = NULL
             WHERE id = ?1 AND state IN ('waiting', 'unknown')",
            scan,
            params![scan.0, now.millis(), far.millis()],
        )?;
        let sql = "SELECT far_sent_at FROM scan WHERE id = ?";
        let first = self
            .db
            .prepare_cached(sql)?
            .query_row([scan.0], |row| row.get(0))?;
        let sent = Occasion::new(MessageType::ScanSent, self.tenant_of(scan)?, "").of_scan(scan);
        self.tell(&sent, now)?;
        Ok(Timestamp::from_millis(first))
    }

    pub(super) fn tenant_of(&self, scan: ScanId) -> Result<TenantId, JournalError> {
        Ok(self
            .db
            .prepare_cached("SELECT tenant FROM scan WHERE id = ?")?
            .query_row([scan.0], |row| Ok(TenantId(row.get(0)?)))?)
    }

    /// What was being sent when the worker was lost may or may not have been executed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn sending_is_unknown(
        &mut self,
        tenant: TenantId,
        look_at: Timestamp,
    ) -> Result<(), JournalError> {
        let sql = format!(
            "UPDATE scan SET state = 'unknown', unanswered = TRUE, look_at = ?
             WHERE tenant = ? AND {IS_OPEN} AND state = 'sending'"
        );
        self.db
            .prepare_cached(&sql)?
            .execute(params![look_at.millis(), tenant.0])?;
        Ok(())
    }

    /// The answer was lost, unreadable, or says that the machine is busy: the list will tell.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan was not being sent.
    pub fn to_unknown(
        &mut self,
        scan: ScanId,
        busy: bool,
        detail: &str,
        look_at: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET state = 'unknown', look_at = ?2, detail = ?3, blocked_by = ?4,
                    unanswered = (unanswered OR ?5)
             WHERE id = ?1 AND state = 'sending'",
            scan,
            params![
                scan.0,
                look_at.millis(),
                detail,
                busy.then_some(MACHINE_BUSY),
                !busy
            ],
        )
    }

    /// Defender has it: this action, ours or somebody else's that covers it. It is looked for from when it `began`, by the
    /// far side's clock, and somebody else's no later than from our call; how long it is followed counts from our call.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan was neither being sent nor unknown.
    pub fn to_running(
        &mut self,
        scan: ScanId,
        action: &str,
        ours: bool,
        began: Option<Timestamp>,
        look_at: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET state = 'running', action = ?2, ours = ?3, look_at = ?4, detail = NULL, blocked_by = NULL,
                    far_sent_at = CASE WHEN ?3 THEN coalesce(?5, far_sent_at, sent_at)
                                       ELSE min(coalesce(far_sent_at, sent_at), coalesce(?5, far_sent_at, sent_at)) END
             WHERE id = ?1 AND state IN ('sending', 'unknown')",
            scan,
            params![scan.0, action, ours, look_at.millis(), began.map(Timestamp::millis)],
        )?;
        if !ours {
            self.db
                .prepare_cached("UPDATE decision SET reason = 'foreign' WHERE scan = ?")?
                .execute([scan.0])?;
        }
        Ok(())
    }

    /// Notes something that happened to a scan after it was accepted, for whoever asks why.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn event(
        &mut self,
        what: &str,
        tenant: TenantId,
        scan: Option<ScanId>,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "INSERT INTO event(at, what, tenant, scan, data) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![
                now.millis(),
                what,
                tenant.0,
                scan.map(|s| s.0),
                detail
            ])?;
        Ok(())
    }

    pub(super) fn change(
        &mut self,
        sql: &str,
        scan: ScanId,
        values: impl Params,
    ) -> Result<(), JournalError> {
        if self.db.prepare_cached(sql)?.execute(values)? != 1 {
            return Err(JournalError::Conflict(
                "a scan was not in the state its change expects",
            ));
        }
        let tenant = self.tenant_of(scan)?;
        self.touch(tenant);
        Ok(())
    }
}
