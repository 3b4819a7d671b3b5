//! A scan as others see it, with its alerts, what it waits for, and what happened to it.

use uuid::Uuid;

use super::alert_receipt::came_to_nothing;
use super::db::{Connection, DbError, DbResult, OptionalExtension, Row};
use super::device_row::device_row;
use super::error::JournalError;
use super::keys::TenantId;
use super::pause_views;
use super::reader::Reader;
use super::rows::{all, time};
use super::waits;
use crate::api::{DeviceRow, EventView, ScanView};
use scanhook_core::person::By;
use scanhook_core::scan::{Outcome, ScanState};
use scanhook_core::scan_sentence::scan_sentence;
use scanhook_core::turn::Mover;

pub(super) const SCAN: &str = "SELECT s.id AS row, s.uuid, s.machine, s.kind, s.priority, s.rule, s.dry, s.state,
    s.outcome, s.detail, s.created_at, s.opens_at, s.sent_at, s.ended_at, s.tries, s.action, s.ours, s.cancel_by, s.cancel_why, t.name, m.name AS known
    FROM scan s JOIN tenant t ON t.id = s.tenant LEFT JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant";

pub(super) fn scan_view(row: &Row<'_>) -> DbResult<ScanView> {
    let maybe = |column: &str| {
        row.get::<_, Option<i64>>(column)
            .map(|millis| millis.map(time))
    };
    Ok(ScanView {
        id: row.get::<_, Uuid>("uuid")?.to_string(),
        tenant: row.get("name")?,
        machine: row.get("machine")?,
        device: DeviceRow::default(),
        name: row.get("known")?,
        kind: row.get("kind")?,
        priority: row.get("priority")?,
        rule: row.get("rule")?,
        dry_run: row.get("dry")?,
        state: row.get("state")?,
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
        created_at: time(row.get("created_at")?),
        opens_at: if row.get::<_, String>("state")? == "waiting" {
            maybe("opens_at")?
        } else {
            None
        },
        sent_at: maybe("sent_at")?,
        ended_at: maybe("ended_at")?,
        tries: row.get("tries")?,
        action: row.get("action")?,
        ours: row.get("ours")?,
        cools_until: None,
        mover: String::new(),
        why: String::new(),
        waits: Vec::new(),
        paused: None,
        cancel_refused: false,
        called_off: row
            .get::<_, Option<String>>("cancel_by")?
            .map(|who| {
                Ok::<_, DbError>(
                    By {
                        who,
                        words: row.get("cancel_why")?,
                    }
                    .to_string(),
                )
            })
            .transpose()?,
        alerts: Vec::new(),
        events: Vec::new(),
    })
}

/// What happened to a scan or a decision, each line with its time, oldest first.
pub(super) fn events(
    db: &Connection,
    of: &'static str,
    row: i64,
) -> Result<Vec<(i64, EventView)>, JournalError> {
    all(
        db,
        &format!("SELECT at, what, data, who FROM event WHERE {of} = ? ORDER BY id"),
        [row],
        |row| {
            let at = row.get(0)?;
            Ok((
                at,
                EventView {
                    at: time(at),
                    what: row.get(1)?,
                    detail: row.get(2)?,
                    who: row.get(3)?,
                },
            ))
        },
    )
}

impl Reader<'_> {
    /// One scan with what happened to it; `None` where there is none of this id.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn scan(&self, id: Uuid) -> Result<Option<ScanView>, JournalError> {
        let found = self
            .db
            .prepare_cached(&format!("{SCAN} WHERE s.uuid = ?"))?
            .query_row([id], |row| Ok((row.get::<_, i64>("row")?, scan_view(row)?)))
            .optional()?;
        let Some((row, scan)) = found else {
            return Ok(None);
        };
        let mut scan = self.with_alerts(row, scan)?;
        let mut lines = events(self.db, "scan", row)?;
        lines.extend(pause_views::history(self.db, row)?);
        lines.sort_by_key(|(at, _)| *at);
        scan.events = lines.into_iter().map(|(_, event)| event).collect();
        Ok(Some(scan))
    }

    pub(super) fn with_alerts(
        &self,
        row: i64,
        mut scan: ScanView,
    ) -> Result<ScanView, JournalError> {
        let sql = "SELECT DISTINCT a.alert_id FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                   WHERE d.scan = ? ORDER BY 1";
        scan.alerts = all(self.db, sql, [row], |row| row.get(0))?;
        scan.waits = waits::of_scan(self.db, row)?;
        if scan.called_off.is_some() && scan.state == "running" {
            let sql = "SELECT cancel_at IS NULL AND 'cancel_refused' IS NOT DISTINCT FROM
                         (SELECT what FROM event WHERE scan = s.id AND what LIKE 'cancel!_%' ESCAPE '!' ORDER BY id DESC LIMIT 1)
                       FROM scan s WHERE id = ?";
            scan.cancel_refused = self
                .db
                .prepare_cached(sql)?
                .query_row([row], |row| row.get(0))?;
        }
        // One that is to be sent again is kept back as well.
        let to_be_sent = scan.state == "waiting"
            || (scan.state == "unknown" && waits::is_to_be_sent_again(self.db, row)?);
        if to_be_sent && !scan.dry_run {
            scan.paused = pause_views::of_scan(self.db, row)?;
        }
        self.tell_standing(row, &mut scan)?;
        Ok(scan)
    }

    /// Fills in the machine, whose move it is, and how it stands in words.
    fn tell_standing(&self, row: i64, scan: &mut ScanView) -> Result<(), JournalError> {
        let tenant = TenantId(
            self.db
                .prepare_cached("SELECT tenant FROM scan WHERE id = ?")?
                .query_row([row], |row| row.get(0))?,
        );
        let said = (None, Some(scan.machine.as_str()));
        scan.device = device_row(self.db, tenant, said, scan.name.clone())?;
        let Some(state) = ScanState::of_code(&scan.state) else {
            return Ok(());
        };
        let failed = scan.outcome.as_deref().is_some_and(came_to_nothing);
        scan.mover = Mover::of_scan(state, failed, scan.paused.is_some())
            .code()
            .to_owned();
        let outcome = scan.outcome.as_deref().and_then(Outcome::of_code);
        scan.why = match scan.waits.first() {
            Some(wait) => wait.why.clone(),
            None => scan_sentence(state, outcome, scan.detail.as_deref()),
        };
        Ok(())
    }
}
