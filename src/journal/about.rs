//! What lines of the log about a decision or a scan name, read from the rows.

use uuid::Uuid;

use super::db::{DbResult, Row, params};
use super::error::JournalError;
use super::ids::decision_uuid;
use super::tx::Tx;
use scanhook_core::about::{About, NAMED};
use scanhook_core::alert::Alert;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// A scan with the decisions that it answers.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn about_scan(&self, scan: ScanId) -> Result<About, JournalError> {
        let sql = "SELECT s.uuid, s.machine, s.rule, t.name AS tenant_name, m.name AS known
                   FROM scan s JOIN tenant t ON t.id = s.tenant
                   LEFT JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant WHERE s.id = ?";
        let mut about = self.db.prepare_cached(sql)?.query_row([scan.0], |row| {
            Ok(About {
                tenant: row.get("tenant_name")?,
                name: row.get("known")?,
                machine: row.get("machine")?,
                scan: Some(row.get::<_, Uuid>("uuid")?.to_string()),
                rule: row.get("rule")?,
                ..About::default()
            })
        })?;
        let sql = "SELECT d.id, d.at, d.device, a.source, a.alert_id
                   FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                   WHERE d.scan = ? ORDER BY d.id LIMIT ?";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query(params![scan.0, NAMED + 1])?;
        while let Some(row) = rows.next()? {
            if about.decisions.len() >= NAMED as usize {
                about.more_decisions = Some(self.decisions_of(scan)?.saturating_sub(NAMED));
                break;
            }
            about.decision(
                id(&row)?,
                row.get("source")?,
                row.get("alert_id")?,
                row.get("device")?,
            );
        }
        Ok(about)
    }

    fn decisions_of(&self, scan: ScanId) -> Result<u32, JournalError> {
        let sql = "SELECT count(*) FROM decision WHERE scan = ?";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([scan.0], |row| row.get(0))?)
    }

    /// One decision, by its row, with the scan that answers it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn about_decision(&self, decision: i64) -> Result<About, JournalError> {
        let sql = "SELECT d.id, d.at, d.device, d.machine, d.rule, a.source, a.alert_id, a.fields, t.name AS tenant_name,
                          s.uuid AS scan, m.name AS known
                   FROM decision d JOIN tenant t ON t.id = d.tenant
                   LEFT JOIN alert a ON a.delivery = d.delivery AND a.n = d.n LEFT JOIN scan s ON s.id = d.scan LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant
                   WHERE d.id = ?";
        let read = |row: &Row<'_>| {
            let device: String = row.get("device")?;
            let fields: Option<String> = row.get("fields")?;
            let alert: Alert = fields
                .and_then(|fields| serde_json::from_str(&fields).ok())
                .unwrap_or_default();
            let said = alert
                .devices
                .into_iter()
                .find(|one| one.label() == device)
                .and_then(|one| one.name);
            let mut about = About {
                tenant: row.get("tenant_name")?,
                name: row.get::<_, Option<String>>("known")?.or(said),
                machine: row.get("machine")?,
                scan: row
                    .get::<_, Option<Uuid>>("scan")?
                    .map(|uuid| uuid.to_string()),
                rule: row.get("rule")?,
                ..About::default()
            };
            let (source, alert): (Option<String>, Option<String>) =
                (row.get("source")?, row.get("alert_id")?);
            about.decision(
                id(row)?,
                source.unwrap_or_default(),
                alert.unwrap_or_default(),
                device,
            );
            Ok(about)
        };
        Ok(self.db.prepare_cached(sql)?.query_row([decision], read)?)
    }
}

fn id(row: &Row<'_>) -> DbResult<String> {
    Ok(decision_uuid(Timestamp::from_millis(row.get("at")?), row.get("id")?).to_string())
}
