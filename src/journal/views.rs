//! What others see of the journal: receipts, single things, counts.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Row};
use uuid::Uuid;

use super::error::JournalError;
use super::ids::decision_uuid;
use super::keys::TenantId;
use super::packed::Body;
use super::pause_views;
use super::reader::Reader;
use super::rows::{all, time};
use super::waits;
use crate::api::{
    AlertReceipt, DecisionReceipt, EventView, PauseView, ScanView, SourceView, TenantView,
    UnreadView,
};
use scanhook_core::person::By;
use scanhook_core::scan::{Kind, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// Parked alerts that are counted.
const PARKED: u32 = 10_000;
/// The states that `alert_listed` and `decision_listed` are of.
pub(super) const LISTED_ALERTS: &str = "'parked', 'ignored', 'duplicate'";
pub(super) const LISTED_DECISIONS: &str = "'resolving', 'held', 'dropped'";

pub(super) const ALERT: &str = "a.alert_id, a.state, a.reason, a.detail,
    CASE WHEN instr(a.fields, '\"notes\":[') THEN a.fields ->> '$.notes' END AS notes";

pub(super) fn alert_receipt(row: &Row<'_>) -> rusqlite::Result<AlertReceipt> {
    let notes: Option<String> = row.get("notes")?;
    Ok(AlertReceipt {
        id: row.get("alert_id")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        notes: notes
            .and_then(|notes| serde_json::from_str(&notes).ok())
            .unwrap_or_default(),
        decisions: Vec::new(),
    })
}

pub(super) const DECISION: &str =
    "d.id AS row, d.at, d.device, d.rule, d.kind, d.state, d.reason, d.why, s.uuid AS scan_uuid";

pub(super) fn decision_receipt(row: &Row<'_>) -> rusqlite::Result<DecisionReceipt> {
    let (kind, reason): (Option<String>, String) = (row.get("kind")?, row.get("reason")?);
    let (rule, device): (Option<String>, String) = (row.get("rule")?, row.get("device")?);
    let why: Why = serde_json::from_str(&row.get::<_, String>("why")?).unwrap_or_default();
    let kind = kind.as_deref().and_then(Kind::of_code);
    Ok(DecisionReceipt {
        id: decision_uuid(Timestamp::from_millis(row.get("at")?), row.get("row")?).to_string(),
        why: Reason::of_code(&reason).map_or_else(String::new, |reason| {
            why.sentence(reason, rule.as_deref(), kind, &device)
        }),
        device,
        rule,
        scan: kind.map_or("none", Kind::code).to_owned(),
        state: row.get("state")?,
        reason,
        scan_id: row
            .get::<_, Option<Uuid>>("scan_uuid")?
            .map(|uuid| uuid.to_string()),
        waits: Vec::new(),
    })
}

/// One decision as others see it.
pub(super) fn decision_told(
    db: &Connection,
    decision: i64,
) -> Result<DecisionReceipt, JournalError> {
    let sql = format!(
        "SELECT {DECISION} FROM decision d LEFT JOIN scan s ON s.id = d.scan WHERE d.id = ?"
    );
    let one = db
        .prepare_cached(&sql)?
        .query_row([decision], decision_receipt)?;
    Ok(DecisionReceipt {
        waits: waits::of_decision(db, decision)?,
        ..one
    })
}

/// The bodies of the latest deliveries of the journal at `path`, newest first, at most `most`; none where no journal
/// is. It is only read, and may be in use.
///
/// # Errors
/// When the journal cannot be read.
pub fn latest_bodies(path: &Path, most: u16) -> Result<Vec<Vec<u8>>, JournalError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let db = super::reader::open(path).map_err(|error| JournalError::Broken(error.to_string()))?;
    let sql = "SELECT body FROM delivery WHERE body IS NOT NULL ORDER BY id DESC LIMIT ?";
    let mut statement = db.prepare(sql)?;
    let bodies = statement.query_map([most], |row| Ok(row.get::<_, Body>(0)?.0))?;
    Ok(bodies.collect::<Result<_, _>>()?)
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

    /// The pauses in force, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pauses(&self) -> Result<Vec<PauseView>, JournalError> {
        pause_views::in_force(self.db)
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
            let sql = "SELECT cancel_at IS NULL AND 'cancel_refused' IS
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
        Ok(scan)
    }

    /// Parked alerts, as far as they are counted, and when the last of them came.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn parked(&self) -> Result<(u32, Option<Timestamp>), JournalError> {
        let which = format!("state = 'parked' AND state IN ({LISTED_ALERTS})");
        let sql =
            format!("SELECT count(*) FROM (SELECT 1 FROM alert WHERE {which} LIMIT {PARKED})");
        let count = self
            .db
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))?;
        let sql = format!(
            "SELECT d.received_at FROM alert a JOIN delivery d ON d.id = a.delivery
             WHERE a.{which} ORDER BY a.delivery DESC LIMIT 1",
            which = which.replace(" AND state", " AND a.state")
        );
        let last: Option<i64> = self
            .db
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok((count, last.map(Timestamp::from_millis)))
    }

    /// Decisions and scans that are not final yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unsettled(&self) -> Result<u32, JournalError> {
        let sql = "SELECT (SELECT coalesce(sum(scans), 0) FROM scan_count WHERE state NOT IN ('finished', 'dropped'))
                        + (SELECT count(*) FROM decision WHERE state = 'resolving')
                        + (SELECT count(*) FROM decision WHERE state = 'held')";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }

    /// Counts and ages of one tenant; its lane and its quota are filled in by whoever knows them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tenant(&self, tenant: TenantId, name: &str) -> Result<TenantView, JournalError> {
        let mut view = TenantView {
            name: name.to_owned(),
            ..TenantView::default()
        };
        let counts = "SELECT state, scans FROM scan_count WHERE tenant = ? AND scans > 0";
        view.scans = all(self.db, counts, [tenant.0], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?
        .into_iter()
        .collect();
        let oldest = "SELECT min(created_at) FROM scan WHERE tenant = ? AND state = 'waiting'";
        let oldest = self
            .db
            .prepare_cached(oldest)?
            .query_row([tenant.0], |row| row.get::<_, Option<i64>>(0))?;
        view.waiting_since = oldest.map(time);
        let held = "SELECT count(*), min(at) FROM decision WHERE tenant = ? AND state = 'held'";
        let (count, since): (u32, Option<i64>) = self
            .db
            .prepare_cached(held)?
            .query_row([tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        view.held = count;
        view.held_since = since.map(time);
        let resolving = "SELECT count(*) FROM decision WHERE tenant = ? AND state = 'resolving'";
        view.resolving = self
            .db
            .prepare_cached(resolving)?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(view)
    }

    /// Tenants that the configuration no longer names and that still have work: nobody sends, follows or ends it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn orphans(&self, known: &[TenantId]) -> Result<Vec<TenantView>, JournalError> {
        let sql = "SELECT id, name FROM tenant t WHERE
                     EXISTS (SELECT 1 FROM scan WHERE tenant = t.id AND state = 'waiting')
                  OR EXISTS (SELECT 1 FROM scan WHERE tenant = t.id AND state IN ('sending', 'unknown', 'running'))
                  OR EXISTS (SELECT 1 FROM decision WHERE tenant = t.id AND state = 'resolving')
                  OR EXISTS (SELECT 1 FROM decision WHERE tenant = t.id AND state = 'held')
                   ORDER BY id";
        let rows: Vec<(i64, String)> = all(self.db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let orphans = rows
            .into_iter()
            .filter(|(id, _)| !known.contains(&TenantId(*id)));
        orphans
            .map(|(id, name)| {
                let mut view = self.tenant(TenantId(id), &name)?;
                let why = "the configuration no longer names this tenant; name it again, and its work goes on";
                view.lane.stopped = Some(why.to_owned());
                Ok(view)
            })
            .collect()
    }

    /// Deliveries of one source.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn source(&self, name: &str) -> Result<SourceView, JournalError> {
        let sql = "SELECT deliveries, heard_at FROM source WHERE name = ?";
        let heard: Option<(u32, i64)> = self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (deliveries, last) = heard.unzip();
        let (deliveries, last_delivery_at) = (deliveries.unwrap_or_default(), last.map(time));
        Ok(SourceView {
            name: name.to_owned(),
            deliveries,
            last_delivery_at,
            ..SourceView::default()
        })
    }

    /// The last bodies of a source that could not be read, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unread(&self, source: &str) -> Result<Vec<UnreadView>, JournalError> {
        super::refused::of_source(self.db, source)
    }

    /// When a source last delivered something new.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_heard(&self, name: &str) -> Result<Option<Timestamp>, JournalError> {
        let sql = "SELECT heard_at FROM source WHERE name = ?";
        let last: Option<i64> = self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| row.get(0))
            .optional()?;
        Ok(last.map(Timestamp::from_millis))
    }
}

pub(super) const SCAN: &str = "SELECT s.id AS row, s.*, t.name, m.name AS known
    FROM scan s JOIN tenant t ON t.id = s.tenant LEFT JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant";

pub(super) fn scan_view(row: &Row<'_>) -> rusqlite::Result<ScanView> {
    let maybe = |column: &str| {
        row.get::<_, Option<i64>>(column)
            .map(|millis| millis.map(time))
    };
    Ok(ScanView {
        id: row.get::<_, Uuid>("uuid")?.to_string(),
        tenant: row.get("name")?,
        machine: row.get("machine")?,
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
        waits: Vec::new(),
        paused: None,
        cancel_refused: false,
        called_off: row
            .get::<_, Option<String>>("cancel_by")?
            .map(|who| {
                Ok::<_, rusqlite::Error>(
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
