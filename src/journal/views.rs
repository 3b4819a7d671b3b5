//! What others see of the journal: receipts, lists, counts.

use std::path::Path;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, OptionalExtension, Params, Row, params, params_from_iter};
use uuid::Uuid;

use super::Reader;
use super::error::JournalError;
use super::ids::decision_uuid;
use super::kept::Body;
use super::pauses;
use super::store::TenantId;
use super::waits;
use crate::api::{
    AlertReceipt, AlertView, DecisionReceipt, DecisionView, EventView, Page, PauseView, ScanView, SourceView,
    TenantView, UnreadView,
};
use crate::domain::alert::Alert;
use crate::domain::person::By;
use crate::domain::scan::{Kind, Reason};
use crate::domain::time::Timestamp;
use crate::domain::why::Why;

/// Rows of a page.
const PAGE: u16 = 100;
/// Rows that are looked at for a page where no index tells which fit: it then goes on behind them.
const WINDOW: i64 = 20_000;
/// Parked alerts that are counted.
const PARKED: u32 = 10_000;
/// A page of alerts may end inside a delivery, which has at most 10,000: both numbers fit into one.
const PLACES: u32 = 14;

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

/// The conditions of a list: those that were asked for and no others, so that SQLite chooses the index that fits.
#[derive(Default)]
struct Narrow {
    conditions: Vec<String>,
    values: Vec<Value>,
}

impl Narrow {
    /// A condition whose question marks all stand for this value, if there is one.
    fn by(&mut self, condition: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.values.push(value.into());
            self.conditions.push(condition.replace('?', &format!("?{}", self.values.len())));
        }
    }

    /// Narrows to a state. Returns whether there is an index of such rows in the order of the list: those of the states
    /// `listed` have one, which is found by the very text of its condition.
    fn state(&mut self, table: &str, state: &Option<String>, listed: &str) -> bool {
        self.by(&format!("{table}.state = ?"), state.clone());
        let is_listed = state.as_ref().is_some_and(|state| listed.contains(&format!("'{state}'")));
        if is_listed {
            self.conditions.push(format!("{table}.state IN ({listed})"));
        }
        is_listed
    }
}

impl core::fmt::Display for Narrow {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        for (n, condition) in self.conditions.iter().enumerate() {
            write!(f, "{} {condition} ", if n == 0 { "WHERE" } else { "AND" })?;
        }
        Ok(())
    }
}

/// The states that `alert_listed`, `decision_listed` and `scan_listed` are of.
pub(super) const LISTED_ALERTS: &str = "'parked', 'ignored', 'duplicate'";
pub(super) const LISTED_DECISIONS: &str = "'resolving', 'held', 'dropped'";
const LISTED_SCANS: &str = "'waiting', 'sending', 'unknown', 'running', 'dropped'";

pub(super) fn time(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

pub(super) const ALERT: &str = "a.alert_id, a.state, a.reason, a.detail,
    CASE WHEN instr(a.fields, '\"notes\":[') THEN a.fields ->> '$.notes' END AS notes";

pub(super) fn alert_receipt(row: &Row<'_>) -> rusqlite::Result<AlertReceipt> {
    let notes: Option<String> = row.get("notes")?;
    Ok(AlertReceipt {
        id: row.get("alert_id")?,
        state: row.get("state")?,
        reason: row.get("reason")?,
        detail: row.get("detail")?,
        notes: notes.and_then(|notes| serde_json::from_str(&notes).ok()).unwrap_or_default(),
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
    let rows = all(db, &sql, params![delivery, n], |row| Ok((row.get("row")?, decision_receipt(row)?)))?;
    let told = |(row, one)| Ok(DecisionReceipt { waits: waits::of_decision(db, row)?, ..one });
    rows.into_iter().map(told).collect()
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
        waits: Vec::new(),
    })
}

/// One decision as others see it.
pub(super) fn decision_told(db: &Connection, decision: i64) -> Result<DecisionReceipt, JournalError> {
    let sql = format!("SELECT {DECISION} FROM decision d LEFT JOIN scan s ON s.id = d.scan WHERE d.id = ?");
    let one = db.prepare_cached(&sql)?.query_row([decision], decision_receipt)?;
    Ok(DecisionReceipt { waits: waits::of_decision(db, decision)?, ..one })
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

/// Splits off the page's continuation: one row more than a page was asked for. A page that is not full goes on below
/// the rows that were looked at (`low`), if there are any.
fn page<T>(mut rows: Vec<(i64, T)>, low: Option<i64>) -> Page<T> {
    let more = rows.len() > usize::from(PAGE);
    rows.truncate(usize::from(PAGE));
    let next = if more { rows.last().map(|(id, _)| *id) } else { low };
    let next = next.map(|id| id.to_string());
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
    let bodies = statement.query_map([most], |row| Ok(row.get::<_, Body>(0)?.0))?;
    Ok(bodies.collect::<Result<_, _>>()?)
}

impl Reader<'_> {
    /// The lowest row of a page that goes down from `after`, or from the newest row; `None`: all are looked at.
    fn window(&self, table: &str, after: Option<i64>) -> Result<Option<i64>, JournalError> {
        let ends =
            format!("SELECT coalesce((SELECT min(id) FROM {table}), 0), coalesce((SELECT max(id) FROM {table}), 0)");
        let (oldest, newest): (i64, i64) =
            self.db.prepare_cached(&ends)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let low = after.unwrap_or(newest) - WINDOW;
        Ok(Some(low).filter(|low| *low > oldest))
    }

    /// Alerts, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn alerts(&self, filter: &Filter) -> Result<Page<AlertView>, JournalError> {
        let mut narrow = Narrow::default();
        narrow.by("a.source = ?", filter.source.clone());
        narrow.by("a.alert_id = ?", filter.id.clone());
        narrow.by("a.delivery <= ?", filter.after.map(|after| after >> PLACES));
        narrow.by(&format!("(a.delivery << {PLACES}) + a.n < ?"), filter.after);
        let listed = narrow.state("a", &filter.state, LISTED_ALERTS);
        let from = filter.after.map(|after| after >> PLACES);
        let low = if filter.id.is_some() || listed { None } else { self.window("delivery", from)? };
        narrow.by("a.delivery >= ?", low);
        let sql = format!(
            "SELECT d.id AS row, d.uuid, d.received_at, a.n, a.source, {ALERT},
                    a.fields, d.credential
             FROM alert a JOIN delivery d ON d.id = a.delivery {narrow} ORDER BY a.delivery DESC, a.n DESC LIMIT {most}",
            most = PAGE + 1
        );
        let rows = all(self.db, &sql, params_from_iter(&narrow.values), |row| {
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
            views.push(((delivery << PLACES) + n, view));
        }
        Ok(page(views, low.map(|low| low << PLACES)))
    }

    /// Decisions, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decisions(&self, filter: &Filter) -> Result<Page<DecisionView>, JournalError> {
        let mut narrow = Narrow::default();
        let listed = narrow.state("d", &filter.state, LISTED_DECISIONS);
        narrow.by("? IN (d.device, d.machine)", filter.device.clone());
        narrow.by("d.tenant = (SELECT id FROM tenant WHERE name = ?)", filter.tenant.clone());
        narrow.by("d.id < ?", filter.after);
        let low = if listed { None } else { self.window("decision", filter.after)? };
        narrow.by("d.id >= ?", low);
        let sql = format!(
            "SELECT {DECISION}, d.machine, t.name AS tenant, a.source, a.alert_id, p.hash
             FROM decision d JOIN tenant t ON t.id = d.tenant JOIN policy p ON p.id = d.policy
             JOIN alert a ON a.delivery = d.delivery AND a.n = d.n LEFT JOIN scan s ON s.id = d.scan
             {narrow} ORDER BY d.id DESC LIMIT {most}",
            most = PAGE + 1
        );
        let rows = all(self.db, &sql, params_from_iter(&narrow.values), |row| {
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
            view.decision.waits = waits::of_decision(self.db, row)?;
            page_rows.push((row, view));
        }
        Ok(page(page_rows, low))
    }

    /// Scans, newest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn scans(&self, filter: &Filter) -> Result<Page<ScanView>, JournalError> {
        let mut narrow = Narrow::default();
        let listed = narrow.state("s", &filter.state, LISTED_SCANS);
        narrow.by("s.tenant = (SELECT id FROM tenant WHERE name = ?)", filter.tenant.clone());
        narrow.by("s.id < ?", filter.after);
        let of_device = "(s.machine = ? OR EXISTS (SELECT 1 FROM decision d WHERE d.scan = s.id AND d.device = ?))";
        narrow.by(of_device, filter.device.clone());
        let of_alert = "s.id IN (SELECT d.scan FROM alert a JOIN decision d ON d.delivery = a.delivery AND d.n = a.n
                                 WHERE a.alert_id = ?)";
        narrow.by(of_alert, filter.alert.clone());
        let low = if filter.alert.is_some() || listed { None } else { self.window("scan", filter.after)? };
        narrow.by("s.id >= ?", low);
        let sql = format!("{SCAN} {narrow} ORDER BY s.id DESC LIMIT {most}", most = PAGE + 1);
        let values = params_from_iter(&narrow.values);
        let rows = all(self.db, &sql, values, |row| Ok((row.get("row")?, scan_view(row)?)))?;
        let rows = rows.into_iter().map(|(row, scan)| Ok((row, self.with_alerts(row, scan)?)));
        Ok(page(rows.collect::<Result<_, JournalError>>()?, low))
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
        scan.waits = waits::of_scan(self.db, row)?;
        if scan.called_off.is_some() && scan.state == "running" {
            let sql = "SELECT cancel_at IS NULL AND 'cancel_refused' IS
                         (SELECT what FROM event WHERE scan = s.id AND what LIKE 'cancel!_%' ESCAPE '!' ORDER BY id DESC LIMIT 1)
                       FROM scan s WHERE id = ?";
            scan.cancel_refused = self.db.prepare_cached(sql)?.query_row([row], |row| row.get(0))?;
        }
        // One that is to be sent again is kept back as well.
        let to_be_sent =
            scan.state == "waiting" || (scan.state == "unknown" && waits::is_to_be_sent_again(self.db, row)?);
        if to_be_sent && !scan.dry_run {
            scan.paused = pauses::of_scan(self.db, row)?;
        }
        Ok(scan)
    }

    /// Parked alerts, as far as they are counted, and when the last of them came.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn parked(&self) -> Result<(u32, Option<Timestamp>), JournalError> {
        let which = format!("state = 'parked' AND state IN ({LISTED_ALERTS})");
        let sql = format!("SELECT count(*) FROM (SELECT 1 FROM alert WHERE {which} LIMIT {PARKED})");
        let count = self.db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
        let sql = format!(
            "SELECT d.received_at FROM alert a JOIN delivery d ON d.id = a.delivery
             WHERE a.{which} ORDER BY a.delivery DESC LIMIT 1",
            which = which.replace(" AND state", " AND a.state")
        );
        let last: Option<i64> = self.db.prepare_cached(&sql)?.query_row([], |row| row.get(0)).optional()?;
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
        Ok(self.db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
    }

    /// Counts and ages of one tenant; its lane and its quota are filled in by whoever knows them.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tenant(&self, tenant: TenantId, name: &str) -> Result<TenantView, JournalError> {
        let mut view = TenantView { name: name.to_owned(), ..TenantView::default() };
        let counts = "SELECT state, scans FROM scan_count WHERE tenant = ? AND scans > 0";
        view.scans = all(self.db, counts, [tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))?.into_iter().collect();
        let oldest = "SELECT min(created_at) FROM scan WHERE tenant = ? AND state = 'waiting'";
        let oldest = self.db.prepare_cached(oldest)?.query_row([tenant.0], |row| row.get::<_, Option<i64>>(0))?;
        view.waiting_since = oldest.map(time);
        let held = "SELECT count(*), min(at) FROM decision WHERE tenant = ? AND state = 'held'";
        let (count, since): (u32, Option<i64>) =
            self.db.prepare_cached(held)?.query_row([tenant.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        view.held = count;
        view.held_since = since.map(time);
        let resolving = "SELECT count(*) FROM decision WHERE tenant = ? AND state = 'resolving'";
        view.resolving = self.db.prepare_cached(resolving)?.query_row([tenant.0], |row| row.get(0))?;
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
        let sql = "SELECT deliveries, heard_at FROM source WHERE name = ?";
        let heard: Option<(u32, i64)> =
            self.db.prepare_cached(sql)?.query_row([name], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let (deliveries, last) = heard.unzip();
        let (deliveries, last_delivery_at) = (deliveries.unwrap_or_default(), last.map(time));
        Ok(SourceView { name: name.to_owned(), deliveries, last_delivery_at, ..SourceView::default() })
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
        let last: Option<i64> = self.db.prepare_cached(sql)?.query_row([name], |row| row.get(0)).optional()?;
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
        waits: Vec::new(),
        paused: None,
        cancel_refused: false,
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
    for table in [
        "tenant",
        "policy",
        "delivery",
        "alert",
        "decision",
        "scan",
        "call",
        "event",
        "pause",
        "device",
        "refused",
        "source",
        "scan_count",
        "finding",
        "sweep",
    ] {
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
