//! What others see of the journal: receipts, lists, counts.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Params, Row, params};
use uuid::Uuid;

use super::Reader;
use super::error::JournalError;
use super::ids::decision_uuid;
use super::pauses;
use super::store::TenantId;
use crate::api::{
    AlertReceipt, AlertView, DecisionReceipt, DecisionView, EventView, Page, PauseView, Receipt, ScanView, SourceView,
    TenantView,
};
use crate::domain::alert::Alert;
use crate::domain::person::By;
use crate::domain::scan::{Kind, Reason};
use crate::domain::time::Timestamp;
use crate::domain::why::Why;

/// Rows of a page.
const PAGE: u16 = 100;

/// What a list is narrowed to; empty fields narrow nothing.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// The source's name.
    pub source: Option<String>,
    /// The alert's id.
    pub id: Option<String>,
    /// A state.
    pub state: Option<String>,
    /// A device's name or machine id.
    pub device: Option<String>,
    /// An alert's id, for scans.
    pub alert: Option<String>,
    /// The tenant's name.
    pub tenant: Option<String>,
    /// Continue behind this.
    pub after: Option<i64>,
}

pub(super) fn time(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

/// The receipt of a delivery, from its rows: the first answer and every repeat are made the same way.
pub(super) fn receipt(db: &Connection, delivery: i64, duplicate: bool) -> Result<Receipt, JournalError> {
    let uuid: Uuid =
        db.prepare_cached("SELECT uuid FROM delivery WHERE id = ?")?.query_row([delivery], |row| row.get(0))?;
    let mut statement =
        db.prepare_cached("SELECT n, alert_id, state, reason, detail FROM alert WHERE delivery = ? ORDER BY n")?;
    let alerts = statement.query_map([delivery], |row| Ok((row.get(0)?, alert_receipt(row)?)))?;
    let mut receipt = Receipt { delivery: uuid.to_string(), duplicate, alerts: Vec::new() };
    for alert in alerts {
        let (n, mut alert) = alert?;
        alert.decisions = decisions_of(db, delivery, n)?;
        receipt.alerts.push(alert);
    }
    Ok(receipt)
}

pub(super) fn alert_receipt(row: &Row<'_>) -> rusqlite::Result<AlertReceipt> {
    Ok(AlertReceipt {
        id: row.get("alert_id")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        decisions: Vec::new(),
    })
}

pub(super) const DECISION: &str =
    "d.id AS row, d.at, d.device, d.rule, d.kind, d.state, d.reason, d.why, s.uuid AS scan_uuid";

fn decisions_of(db: &Connection, delivery: i64, n: i64) -> Result<Vec<DecisionReceipt>, JournalError> {
    let sql = format!(
        "SELECT {DECISION} FROM decision d LEFT JOIN scan s ON s.id = d.scan
         WHERE d.delivery = ? AND d.n = ? ORDER BY d.id"
    );
    all(db, &sql, params![delivery, n], decision_receipt)
}

pub(super) fn decision_receipt(row: &Row<'_>) -> rusqlite::Result<DecisionReceipt> {
    let (kind, reason): (Option<String>, String) = (row.get("kind")?, row.get("reason")?);
    let (rule, device): (Option<String>, String) = (row.get("rule")?, row.get("device")?);
    let why: Why = serde_json::from_str(&row.get::<_, String>("why")?).unwrap_or_default();
    let kind = kind.as_deref().and_then(Kind::of_code);
    Ok(DecisionReceipt {
        id: decision_uuid(Timestamp::from_millis(row.get("at")?), row.get("row")?).to_string(),
        why: Reason::of_code(&reason)
            .map_or_else(String::new, |reason| why.sentence(reason, rule.as_deref(), kind, &device)),
        device,
        rule,
        scan: kind.map_or("none", Kind::code).to_owned(),
        state: row.get("state")?,
        reason,
        scan_id: row.get::<_, Option<Uuid>>("scan_uuid")?.map(|uuid| uuid.to_string()),
    })
}

pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    each: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, JournalError> {
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement.query_map(values, each)?.collect::<Result<_, _>>()?)
}

/// Splits off the page's continuation: one row more than a page was asked for.
fn page<T>(mut rows: Vec<(i64, T)>) -> Page<T> {
    let more = rows.len() > usize::from(PAGE);
    rows.truncate(usize::from(PAGE));
    let next = rows.last().filter(|_| more).map(|(id, _)| id.to_string());
    Page { items: rows.into_iter().map(|(_, item)| item).collect(), next }
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
    let db = super::store::reader(path).map_err(|error| JournalError::Broken(error.to_string()))?;
    let sql = "SELECT body FROM delivery WHERE body IS NOT NULL ORDER BY id DESC LIMIT ?";
    let mut statement = db.prepare(sql)?;
    let bodies = statement.query_map([most], |row| row.get(0))?;
    Ok(bodies.collect::<Result<_, _>>()?)
}

impl Reader<'_> {
    /// Alerts, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn alerts(&self, filter: &Filter) -> Result<Page<AlertView>, JournalError> {
        let sql = "SELECT d.id AS row, d.uuid, d.received_at, a.n, a.source, a.alert_id, a.state, a.reason, a.detail,
                          a.fields, d.credential
             FROM delivery d JOIN alert a ON a.delivery = d.id
             WHERE (?1 IS NULL OR a.source = ?1) AND (?2 IS NULL OR a.alert_id = ?2) AND (?3 IS NULL OR a.state = ?3)
               AND (?4 IS NULL OR (d.id <= ?4 >> 14 AND (d.id << 14) + a.n < ?4))
             ORDER BY d.id DESC, a.n DESC LIMIT ?5";
        let values = params![filter.source, filter.id, filter.state, filter.after, PAGE + 1];
        let rows = all(self.db, sql, values, |row| {
            let alert: Alert = serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
            let view = AlertView {
                delivery: row.get::<_, Uuid>("uuid")?.to_string(),
                received_at: time(row.get("received_at")?),
                source: row.get("source")?,
                title: alert.title,
                severity: alert.severity.map(|severity| severity.code().to_owned()),
                credential: row.get::<_, Option<String>>("credential")?.filter(|names| !names.is_empty()),
                url: alert.url,
                references: alert.references,
                id_derived: alert.id_derived,
                id_shared: alert.id_shared,
                receipt: alert_receipt(row)?,
            };
            Ok((row.get::<_, i64>("row")?, row.get::<_, i64>("n")?, view))
        })?;
        let mut views = Vec::new();
        for (delivery, n, mut view) in rows {
            view.receipt.decisions = decisions_of(self.db, delivery, n)?;
            // A page may end inside a delivery, which has at most 10,000 alerts: both numbers fit into one.
            views.push(((delivery << 14) + n, view));
        }
        Ok(page(views))
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decisions(&self, filter: &Filter) -> Result<Page<DecisionView>, JournalError> {
        let sql = format!(
            "SELECT {DECISION}, d.machine, t.name AS tenant, a.source, a.alert_id, p.hash
             FROM decision d JOIN tenant t ON t.id = d.tenant JOIN policy p ON p.id = d.policy
             JOIN alert a ON a.delivery = d.delivery AND a.n = d.n LEFT JOIN scan s ON s.id = d.scan
             WHERE (?1 IS NULL OR d.state = ?1) AND (?2 IS NULL OR d.device = ?2 OR d.machine = ?2)
               AND (?3 IS NULL OR t.name = ?3) AND (?4 IS NULL OR d.id < ?4)
             ORDER BY d.id DESC LIMIT ?5"
        );
        let values = params![filter.state, filter.device, filter.tenant, filter.after, PAGE + 1];
        let rows = all(self.db, &sql, values, |row| {
            let view = DecisionView {
                at: time(row.get("at")?),
                tenant: row.get("tenant")?,
                source: row.get("source")?,
                alert: row.get("alert_id")?,
                machine: row.get("machine")?,
                policy: row.get("hash")?,
                decision: decision_receipt(row)?,
                events: Vec::new(),
            };
            Ok((row.get::<_, i64>("row")?, view))
        })?;
        let mut page_rows = Vec::new();
        for (row, mut view) in rows {
            view.events = events(self.db, "decision", row)?.into_iter().map(|(_, event)| event).collect();
            page_rows.push((row, view));
        }
        Ok(page(page_rows))
    }

    /// Scans, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn scans(&self, filter: &Filter) -> Result<Page<ScanView>, JournalError> {
        let sql = format!(
            "{SCAN} WHERE (?1 IS NULL OR s.state = ?1) AND (?3 IS NULL OR t.name = ?3) AND (?4 IS NULL OR s.id < ?4)
               AND (?2 IS NULL OR s.machine = ?2 OR EXISTS
                    (SELECT 1 FROM decision d WHERE d.scan = s.id AND d.device = ?2))
               AND (?5 IS NULL OR EXISTS
                    (SELECT 1 FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                     WHERE d.scan = s.id AND a.alert_id = ?5))
             ORDER BY s.id DESC LIMIT ?6"
        );
        let values = params![filter.state, filter.device, filter.tenant, filter.after, filter.alert, PAGE + 1];
        let rows = all(self.db, &sql, values, |row| Ok((row.get("row")?, scan_view(row)?)))?;
        let rows = rows.into_iter().map(|(row, scan)| Ok((row, self.with_alerts(row, scan)?)));
        Ok(page(rows.collect::<Result<_, JournalError>>()?))
    }

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
        let Some((row, scan)) = found else { return Ok(None) };
        let mut scan = self.with_alerts(row, scan)?;
        let mut lines = events(self.db, "scan", row)?;
        lines.extend(pauses::history(self.db, row)?);
        lines.sort_by_key(|(at, _)| *at);
        scan.events = lines.into_iter().map(|(_, event)| event).collect();
        Ok(Some(scan))
    }

    /// The pauses in force, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pauses(&self) -> Result<Vec<PauseView>, JournalError> {
        pauses::in_force(self.db)
    }

    fn with_alerts(&self, row: i64, mut scan: ScanView) -> Result<ScanView, JournalError> {
        let sql = "SELECT DISTINCT a.alert_id FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                   WHERE d.scan = ? ORDER BY 1";
        scan.alerts = all(self.db, sql, [row], |row| row.get(0))?;
        // One that is to be sent again is kept back as well.
        let to_be_sent = scan.state == "waiting" || (scan.state == "unknown" && self.is_to_be_sent_again(row)?);
        if to_be_sent && !scan.dry_run {
            scan.paused = pauses::of_scan(self.db, row)?;
        }
        Ok(scan)
    }

    fn is_to_be_sent_again(&self, scan: i64) -> Result<bool, JournalError> {
        let sql = format!("SELECT EXISTS (SELECT 1 FROM scan WHERE id = ? AND {})", super::scans::TO_BE_SENT_AGAIN);
        Ok(self.db.prepare_cached(&sql)?.query_row([scan], |row| row.get(0))?)
    }

    /// Decisions and scans that are not final yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unsettled(&self) -> Result<u32, JournalError> {
        let sql = "SELECT (SELECT count(*) FROM scan WHERE state NOT IN ('finished', 'dropped'))
                        + (SELECT count(*) FROM decision WHERE state IN ('resolving', 'held'))";
        Ok(self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Counts and ages of one tenant; its lane and its quota are filled in by whoever knows them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tenant(&self, tenant: TenantId, name: &str) -> Result<TenantView, JournalError> {
        let mut view = TenantView { name: name.to_owned(), ..TenantView::default() };
        let counts = "SELECT state, count(*) FROM scan WHERE tenant = ? GROUP BY state";
        view.scans = all(self.db, counts, [tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect();
        let oldest = "SELECT min(created_at) FROM scan WHERE tenant = ? AND state = 'waiting'";
        view.waiting_since = self.db.query_row(oldest, [tenant.0], |row| row.get::<_, Option<i64>>(0))?.map(time);
        let held = "SELECT count(*), min(at) FROM decision WHERE tenant = ? AND state = 'held'";
        let (count, since): (u32, Option<i64>) =
            self.db.query_row(held, [tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        view.held = count;
        view.held_since = since.map(time);
        let resolving = "SELECT count(*) FROM decision WHERE tenant = ? AND state = 'resolving'";
        view.resolving = self.db.query_row(resolving, [tenant.0], |row| row.get(0))?;
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
                  OR EXISTS (SELECT 1 FROM decision WHERE tenant = t.id AND state IN ('resolving', 'held'))
                   ORDER BY id";
        let rows: Vec<(i64, String)> = all(self.db, sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let orphans = rows.into_iter().filter(|(id, _)| !known.contains(&TenantId(*id)));
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
        let sql = "SELECT count(*), max(received_at) FROM delivery WHERE source = ?";
        let (deliveries, last): (u32, Option<i64>) =
            self.db.query_row(sql, [name], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let last_delivery_at = last.map(time);
        Ok(SourceView { name: name.to_owned(), deliveries, last_delivery_at, ..SourceView::default() })
    }

    /// When a source last delivered something new.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_heard(&self, name: &str) -> Result<Option<Timestamp>, JournalError> {
        let sql = "SELECT received_at FROM delivery WHERE source = ? ORDER BY received_at DESC, id DESC LIMIT 1";
        let last: Option<i64> = self.db.query_row(sql, [name], |row| row.get(0)).optional()?;
        Ok(last.map(Timestamp::from_millis))
    }
}

const SCAN: &str = "SELECT s.id AS row, s.*, t.name FROM scan s JOIN tenant t ON t.id = s.tenant";

fn scan_view(row: &Row<'_>) -> rusqlite::Result<ScanView> {
    let maybe = |column: &str| row.get::<_, Option<i64>>(column).map(|millis| millis.map(time));
    Ok(ScanView {
        id: row.get::<_, Uuid>("uuid")?.to_string(),
        tenant: row.get("name")?,
        machine: row.get("machine")?,
        kind: row.get("kind")?,
        priority: row.get("priority")?,
        rule: row.get("rule")?,
        dry_run: row.get("dry")?,
        state: row.get("state")?,
        outcome: row.get("outcome")?,
        detail: row.get("detail")?,
        created_at: time(row.get("created_at")?),
        opens_at: if row.get::<_, String>("state")? == "waiting" { maybe("opens_at")? } else { None },
        sent_at: maybe("sent_at")?,
        ended_at: maybe("ended_at")?,
        tries: row.get("tries")?,
        action: row.get("action")?,
        ours: row.get("ours")?,
        paused: None,
        called_off: row
            .get::<_, Option<String>>("cancel_by")?
            .map(|who| Ok::<_, rusqlite::Error>(By { who, words: row.get("cancel_why")? }.to_string()))
            .transpose()?,
        alerts: Vec::new(),
        events: Vec::new(),
    })
}

/// What happened to a scan or a decision, each line with its time, oldest first.
fn events(db: &Connection, of: &'static str, row: i64) -> Result<Vec<(i64, EventView)>, JournalError> {
    all(db, &format!("SELECT at, what, data, who FROM event WHERE {of} = ? ORDER BY id"), [row], |row| {
        let at = row.get(0)?;
        Ok((at, EventView { at: time(at), what: row.get(1)?, detail: row.get(2)?, who: row.get(3)? }))
    })
}

/// Every table as text, in a fixed order.
pub(super) fn dump(db: &Connection) -> Result<String, JournalError> {
    let mut text = String::new();
    for table in ["tenant", "policy", "delivery", "alert", "decision", "scan", "call", "event", "pause", "device"] {
        let mut statement = db.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            text.push_str(table);
            for column in 0..columns {
                text.push('|');
                match row.get_ref(column)? {
                    ValueRef::Null => {}
                    ValueRef::Integer(number) => text.push_str(&number.to_string()),
                    ValueRef::Real(number) => text.push_str(&number.to_string()),
                    ValueRef::Text(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                    ValueRef::Blob(bytes) => text.push_str(&hex::encode(bytes)),
                }
            }
            text.push('\n');
        }
    }
    Ok(text)
}
