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
//! * A scan whose call was not executed goes back to *waiting* (`to_waiting`). If another one of its machine waits by
//!   then, which is always a stronger one, the decisions move there and it ends *dropped*, `merged`. Not so one that
//!   may have been carried out (`unanswered`): it waits by itself, and the stronger one behind it.

use rusqlite::{OptionalExtension, Row, params};
use uuid::Uuid;

use super::error::JournalError;
use super::keys::TenantId;
use super::store::Tx;
use scanhook_core::alert::{Alert, MachineId};
use scanhook_core::obstacles::Obstacles;
use scanhook_core::rank::Rank;
use scanhook_core::scan::{Kind, Outcome, Priority, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Openings;

/// A scan that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    /// Its row.
    pub id: ScanId,
    /// Its id outside, and its `ExternalId` on every try.
    pub uuid: Uuid,
    /// The machine.
    pub machine: MachineId,
    /// Decided, shown, never sent.
    pub dry: bool,
    /// Quick or Full.
    pub kind: Kind,
    /// Its place in the queue.
    pub priority: Priority,
    /// Not sent after this.
    pub not_after: Timestamp,
    /// Sent before, with an answer that was lost: the first try may turn up yet, and is of this kind.
    pub unanswered: bool,
    /// To be sent again, though no list could tell what became of an earlier try.
    pub unseen: bool,
    /// How often its call left.
    pub tries: u32,
    /// How often Defender has forbidden a scan of this machine alone.
    pub refusals: u32,
    /// When it may leave.
    pub openings: Openings,
}

/// What a scan that goes back to the queue waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequeueWait<'w> {
    /// Its turn.
    Turn,
    /// This time, for this reason; then it is behind those that wait already.
    Until(Timestamp, &'w str),
    /// The end of somebody else's action, which is looked at at this time; then as above.
    Action(&'w str, Timestamp),
}

/// One alert a scan's comment cites.
#[derive(Clone, Debug)]
pub struct Cited {
    /// The source's name.
    pub source: String,
    /// The rule that asked.
    pub rule: String,
    /// The device as the alert names it.
    pub device: String,
    /// The alert.
    pub alert: Alert,
}

pub(super) const COLUMNS: &str = "id, uuid, machine, dry, kind, priority, not_after, unanswered, unseen, tries, refusals, windows";
/// Why a scan waits whose machine is busy with nobody knows what.
pub const MACHINE_BUSY: &str = "machine busy";
/// Why a scan waits whose machine Defender forbids.
pub const FORBIDDEN: &str = "forbidden";
/// The condition of the index over open scans. Queries repeat it word for word: SQLite uses a partial index only where
/// it finds its condition again, and would otherwise read every scan there ever was.
pub(super) const IS_OPEN: &str = "state IN ('sending', 'unknown', 'running')";

pub(super) fn scan_row(row: &Row<'_>) -> rusqlite::Result<Option<ScanRow>> {
    let (machine, kind, priority): (String, String, u8) = (row.get(2)?, row.get(4)?, row.get(5)?);
    let parsed = (
        MachineId::parse(&machine),
        Kind::of_code(&kind),
        Priority::new(priority),
    );
    let (Some(machine), Some(kind), Some(priority)) = parsed else {
        return Ok(None);
    };
    Ok(Some(ScanRow {
        id: ScanId(row.get(0)?),
        uuid: row.get(1)?,
        machine,
        dry: row.get(3)?,
        kind,
        priority,
        not_after: Timestamp::from_millis(row.get(6)?),
        unanswered: row.get(7)?,
        unseen: row.get(8)?,
        tries: row.get(9)?,
        refusals: row.get(10)?,
        openings: openings(row.get::<_, Option<String>>(11)?.as_deref()),
    }))
}

/// When a scan may leave, as its row says it. One that cannot be read names no window that is ever open.
pub(super) fn openings(text: Option<&str>) -> Openings {
    text.map_or_else(Openings::always, |text| {
        serde_json::from_str(text).unwrap_or_else(|_| Openings::never())
    })
}

/// As it stands in the row.
pub(super) fn windows(openings: &Openings) -> Option<String> {
    (!openings.is_always()).then(|| serde_json::to_string(openings).unwrap_or_default())
}

pub(super) fn damaged() -> JournalError {
    JournalError::Conflict("a scan's row holds a value this version cannot read")
}

impl Tx<'_> {
    /// Waiting scans whose time has come join the queue. Returns when the next one's time comes.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn release_due(
        &mut self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = NULL, blocked_by = NULL, look_at = NULL
                 WHERE tenant = ? AND state = 'waiting' AND not_before <= ?",
            )?
            .execute(params![tenant.0, now.millis()])?;
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(not_before) FROM scan
                 WHERE tenant = ? AND state = 'waiting' AND not_before IS NOT NULL",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }

    /// The scan, dry or not, whose turn it is: highest priority, then oldest.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_scan(&self, tenant: TenantId, dry: bool) -> Result<Option<ScanRow>, JournalError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM scan WHERE tenant = ? AND dry = ? AND state = 'waiting' AND not_before IS NULL
             ORDER BY {} LIMIT 1",
            Rank::ORDER_BY
        );
        let row = self
            .db
            .prepare_cached(&sql)?
            .query_row(params![tenant.0, dry], scan_row)
            .optional()?;
        row.map(|row| row.ok_or_else(damaged)).transpose()
    }

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
                    tries = tries + 1, misses = 0, unseen = 0, look_at = NULL, blocked_by = NULL, overdue_at = NULL
             WHERE id = ?1 AND state IN ('waiting', 'unknown')",
            scan,
            params![scan.0, now.millis(), far.millis()],
        )?;
        let sql = "SELECT far_sent_at FROM scan WHERE id = ?";
        let first = self
            .db
            .prepare_cached(sql)?
            .query_row([scan.0], |row| row.get(0))?;
        Ok(Timestamp::from_millis(first))
    }

    /// What was being sent when the lane was lost may or may not have been executed.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn sending_is_unknown(
        &mut self,
        tenant: TenantId,
        look_at: Timestamp,
    ) -> Result<(), JournalError> {
        let sql = format!(
            "UPDATE scan SET state = 'unknown', unanswered = 1, look_at = ?
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
                    unanswered = max(unanswered, ?5)
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

    /// Defender has it: this action, ours or somebody else's that covers it. One that `began` before our call, by the
    /// far side's clock, is looked for from there on; how long it is followed counts from our call.
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
                    far_sent_at = min(coalesce(far_sent_at, sent_at), coalesce(?5, far_sent_at, sent_at))
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

    /// The call was not executed: the scan goes back to the queue. If another one of its machine waits by now, which
    /// is always a stronger one, the decisions move there and this one ends as merged; but not if an earlier try may
    /// have been executed. One that a person has called off meanwhile ends here.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the scan was neither being sent nor unknown.
    pub fn to_waiting(
        &mut self,
        scan: ScanId,
        wait: RequeueWait<'_>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if self.drop_if_called_off(scan, now)? {
            return Ok(());
        }
        let other: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT w.id FROM scan s JOIN scan w ON w.tenant = s.tenant AND w.machine = s.machine AND w.dry = s.dry
                 WHERE s.id = ? AND s.unanswered = 0 AND w.state = 'waiting' AND w.unanswered = 0",
            )?
            .query_row([scan.0], |row| row.get(0))
            .optional()?;
        match other {
            None => self.change(
                "UPDATE scan SET state = 'waiting', look_at = NULL, detail = NULL, not_before = NULL, blocked_by = NULL
                 WHERE id = ?1 AND state IN ('sending', 'unknown')",
                scan,
                [scan.0],
            )?,
            Some(other) => self.merge_into(ScanId(other), scan, now)?,
        }
        self.wait(other.map_or(scan, ScanId), wait)
    }

    /// The decisions of a scan move to a stronger one that waits, and take along what they allow.
    fn merge_into(
        &mut self,
        other: ScanId,
        scan: ScanId,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE decision SET scan = ?, reason = 'merged' WHERE scan = ?")?
            .execute([other.0, scan.0])?;
        let both: (Option<String>, Option<String>) = self
            .db
            .prepare_cached(
                "SELECT windows, (SELECT windows FROM scan WHERE id = ?2) FROM scan WHERE id = ?1",
            )?
            .query_row([other.0, scan.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let either = openings(both.0.as_deref()).or(openings(both.1.as_deref()));
        self.db
            .prepare_cached(
                "UPDATE scan SET priority = max(priority, (SELECT priority FROM scan WHERE id = ?2)),
                                 not_after = max(not_after, (SELECT not_after FROM scan WHERE id = ?2)),
                                 max_age = max(coalesce(max_age, not_after - created_at),
                                               (SELECT coalesce(max_age, not_after - created_at) FROM scan WHERE id = ?2)),
                                 windows = ?3,
                                 -- What was being sent had no window to wait for any more, and joining takes the earlier start.
                                 opens_at = NULL,
                                 not_before = CASE WHEN blocked_by IS NULL THEN NULL ELSE not_before END
                 WHERE id = ?1",
            )?
            .execute(params![other.0, scan.0, windows(&either)])?;
        self.reconsider_pause(other)?;
        self.end(scan, "dropped", Outcome::Merged, None, now)
    }

    /// What a waiting scan whose turn would be now waits for.
    fn wait(&mut self, scan: ScanId, wait: RequeueWait<'_>) -> Result<(), JournalError> {
        let (not_before, why, look_at) = match wait {
            RequeueWait::Turn => return Ok(()),
            RequeueWait::Until(at, why) => (at, why, None),
            RequeueWait::Action(action, look_at) => (Timestamp::NEVER, action, Some(look_at)),
        };
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = ?2, blocked_by = ?3, look_at = ?4, turn = (SELECT max(id) FROM scan)
                 WHERE id = ?1 AND state = 'waiting' AND blocked_by IS NULL",
            )?
            .execute(params![scan.0, not_before.millis(), why, look_at.map(Timestamp::millis)])?;
        Ok(())
    }

    /// The scan is over.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was over already.
    pub fn finish(
        &mut self,
        scan: ScanId,
        outcome: Outcome,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.end(scan, "finished", outcome, detail, now)
    }

    /// The scan ends before it began.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was over already.
    pub fn drop_scan(
        &mut self,
        scan: ScanId,
        outcome: Outcome,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.end(scan, "dropped", outcome, detail, now)
    }

    /// Whatever waited for this scan to end may go.
    fn end(
        &mut self,
        scan: ScanId,
        state: &str,
        outcome: Outcome,
        detail: Option<&str>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.change(
            "UPDATE scan SET state = ?2, outcome = ?3, detail = ?4, ended_at = ?5, look_at = NULL
             WHERE id = ?1 AND state NOT IN ('finished', 'dropped')",
            scan,
            params![scan.0, state, outcome.code(), detail, now.millis()],
        )?;
        self.db
            .prepare_cached(
                "UPDATE scan SET not_before = opens_at, blocked_by = NULL, look_at = NULL
                 WHERE (tenant, machine) = (SELECT tenant, machine FROM scan WHERE id = ?1)
                   AND state = 'waiting' AND blocked_by = CAST(?1 AS TEXT)",
            )?
            .execute([scan.0])?;
        Ok(())
    }

    /// The alerts a scan's comment cites, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn cited(&self, scan: ScanId) -> Result<Vec<Cited>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT a.source, coalesce(d.rule, ''), d.device, a.fields
             FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n WHERE d.scan = ? ORDER BY d.id",
        )?;
        let rows = statement.query_map([scan.0], |row| {
            Ok((
                row.get(0)?,
                row.get(1)?,
                row.get(2)?,
                row.get::<_, String>(3)?,
            ))
        })?;
        let mut cited = Vec::new();
        for row in rows {
            let (source, rule, device, fields) = row?;
            let alert = serde_json::from_str(&fields).map_err(|_| damaged())?;
            cited.push(Cited {
                source,
                rule,
                device,
                alert,
            });
        }
        Ok(cited)
    }

    /// What a lane must not forget: of all tenants that call as the same app, what the one knew that sent the last scan.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn memory(&self, tenant: TenantId) -> Result<String, JournalError> {
        let sql = "SELECT t.memory FROM tenant t JOIN tenant mine ON t.id = mine.id
                     OR (t.tenant_id, t.client_id) = (mine.tenant_id, mine.client_id)
                   WHERE mine.id = ?
                   ORDER BY coalesce((SELECT max(sent_at) FROM call WHERE tenant = t.id AND api = 'scan'), 0) DESC,
                            t.id = mine.id DESC LIMIT 1";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([tenant.0], |row| row.get(0))?)
    }

    /// Writes down what keeps a lane from sending.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn hindered_by(
        &mut self,
        tenant: TenantId,
        obstacles: &Obstacles,
    ) -> Result<(), JournalError> {
        let text = serde_json::to_string(obstacles)
            .map_err(|_| JournalError::Conflict("obstacles are not JSON"))?;
        self.db
            .prepare_cached("UPDATE tenant SET obstacles = ? WHERE id = ?")?
            .execute(params![text, tenant.0])?;
        Ok(())
    }

    /// Stores what a lane must not forget.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn remember(&mut self, tenant: TenantId, memory: &str) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE tenant SET memory = ? WHERE id = ?")?
            .execute(params![memory, tenant.0])?;
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
        values: impl rusqlite::Params,
    ) -> Result<(), JournalError> {
        if self.db.prepare_cached(sql)?.execute(values)? != 1 {
            return Err(JournalError::Conflict(
                "a scan was not in the state its change expects",
            ));
        }
        let tenant = self
            .db
            .prepare_cached("SELECT tenant FROM scan WHERE id = ?")?
            .query_row([scan.0], |row| Ok(TenantId(row.get(0)?)))?;
        self.touch(tenant);
        Ok(())
    }
}
