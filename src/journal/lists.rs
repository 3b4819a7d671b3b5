//! Alerts, decisions and scans as lists, newest first, a page at a time.

use rusqlite::params;

use super::alert_receipt::{ALERT, DECISION, decision_receipt};
use super::error::JournalError;
use super::filter::Filter;
use super::list_rows::{alert_view, decision_view};
use super::means::{means_alert, means_scan};
use super::narrowed::Narrowed;
use super::page::{most, page};
use super::reader::Reader;
use super::rows::all;
use super::scan_view::{SCAN, events, scan_view};
use super::waits;
use crate::api::{AlertView, DecisionReceipt, DecisionView, Page, ScanView};
use scanhook_core::alert::Alert;

/// A page of alerts may end inside a delivery, which has at most 10,000: both numbers fit into one.
const PLACES: u32 = 14;

impl Reader<'_> {
    /// Alerts.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn alerts(&self, filter: &Filter) -> Result<Page<AlertView>, JournalError> {
        let mut narrow = Narrowed::alerts(self.db, filter)?;
        narrow.behind(PLACES, filter.after);
        let from = filter.after.map(|after| after >> PLACES);
        let low = self.bound(
            &mut narrow,
            ("delivery", "received_at", "a.delivery"),
            filter,
            from,
        )?;
        let sql = format!(
            "SELECT d.id AS row, d.uuid, d.received_at, a.n, a.source, {ALERT}, a.fields, d.credential
             FROM alert a JOIN delivery d ON d.id = a.delivery {narrow} ORDER BY a.delivery DESC, a.n DESC"
        );
        let rows = self.gather(&sql, &narrow, most(filter), |row| {
            let (delivery, n): (i64, i64) = (row.get("row")?, row.get("n")?);
            let alert: Alert =
                serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
            if let Some(glob) = &filter.device
                && !means_alert(self.db, glob, (delivery, n), &alert)?
            {
                return Ok(None);
            }
            let mut view = alert_view(row, alert)?;
            view.receipt.decisions = self.decisions_of(delivery, n)?;
            Ok(Some(((delivery << PLACES) + n, view)))
        })?;
        Ok(page(rows, most(filter), low.map(|low| low << PLACES)))
    }

    fn decisions_of(&self, delivery: i64, n: i64) -> Result<Vec<DecisionReceipt>, JournalError> {
        let sql = format!(
            "SELECT {DECISION} FROM decision d LEFT JOIN scan s ON s.id = d.scan
             WHERE d.delivery = ? AND d.n = ? ORDER BY d.id"
        );
        let rows = all(self.db, &sql, params![delivery, n], |row| {
            Ok((row.get("row")?, decision_receipt(row)?))
        })?;
        let told = |(row, one)| {
            Ok(DecisionReceipt {
                waits: waits::of_decision(self.db, row)?,
                ..one
            })
        };
        rows.into_iter().map(told).collect()
    }

    /// Decisions.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decisions(&self, filter: &Filter) -> Result<Page<DecisionView>, JournalError> {
        let mut narrow = Narrowed::decisions(self.db, filter)?;
        let low = self.bound(
            &mut narrow,
            ("decision", "at", "d.id"),
            filter,
            filter.after,
        )?;
        let sql = format!(
            "SELECT {DECISION}, d.machine, t.name AS tenant, a.source, a.alert_id, a.fields, p.hash, d.look_at, m.name
             FROM decision d JOIN tenant t ON t.id = d.tenant JOIN policy p ON p.id = d.policy
             JOIN alert a ON a.delivery = d.delivery AND a.n = d.n LEFT JOIN scan s ON s.id = d.scan
             LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant
             {narrow} ORDER BY d.id DESC"
        );
        let rows = self.gather(&sql, &narrow, most(filter), |row| {
            let alert: Alert =
                serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
            let mut view = decision_view(row, alert, filter)?;
            if let Some(view) = &mut view {
                let lines = events(self.db, "decision", row.get("row")?)?;
                view.events = lines.into_iter().map(|(_, event)| event).collect();
                view.decision.waits = waits::of_decision(self.db, row.get("row")?)?;
            }
            view.map(|view| Ok::<_, JournalError>((row.get("row")?, view)))
                .transpose()
        })?;
        Ok(page(rows, most(filter), low))
    }

    /// Scans.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn scans(&self, filter: &Filter) -> Result<Page<ScanView>, JournalError> {
        let mut narrow = Narrowed::scans(self.db, filter)?;
        let low = self.bound(
            &mut narrow,
            ("scan", "created_at", "s.id"),
            filter,
            filter.after,
        )?;
        let sql = format!("{SCAN} {narrow} ORDER BY s.id DESC");
        let rows = self.gather(&sql, &narrow, most(filter), |row| {
            let (id, machine): (i64, String) = (row.get("row")?, row.get("machine")?);
            if let Some(glob) = &filter.device
                && !means_scan(self.db, glob, id, &machine)?
            {
                return Ok(None);
            }
            Ok(Some((id, self.with_alerts(id, scan_view(row)?)?)))
        })?;
        Ok(page(rows, most(filter), low))
    }
}
