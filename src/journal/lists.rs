//! Alerts, decisions and scans as lists, newest first, a page at a time.

use uuid::Uuid;

use super::alert_receipt::{DECISION, STANDING, decision_receipt, mover};
use super::db::{Row, params};
use super::error::JournalError;
use super::filter::Filter;
use super::keys::TenantId;
use super::list_rows::{LISTED_ALERT, LISTED_DECISION, alert_view, decision_view};
use super::means::{means_alert, means_scan};
use super::narrowed::Narrowed;
use super::page::{counted_alerts, counted_decisions, most, page};
use super::reader::Reader;
use super::rows::all;
use super::scan_view::{SCAN, events, scan_view};
use super::thing::{Thing, thing};
use super::waits;
use crate::api::{AlertView, DecisionReceipt, DecisionView, Page, ScanView};
use scanhook_core::alert::{Alert, AlertState};
use scanhook_core::turn::Mover;

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
        let sql = format!("{LISTED_ALERT} {narrow} ORDER BY a.delivery DESC, a.n DESC");
        let rows = self.gather(&sql, &narrow, most(filter), |row| {
            let (delivery, n): (i64, i64) = (row.get("row")?, row.get("n")?);
            let alert: Alert =
                serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
            if let Some(glob) = &filter.device
                && !means_alert(self.db, glob, (delivery, n), &alert)?
            {
                return Ok(None);
            }
            if !filter.means_title(alert.title.as_deref()) {
                return Ok(None);
            }
            let of = filter.tenants.as_deref();
            let view = self.with_decisions((delivery, n), alert_view(row, alert)?, of)?;
            Ok(Some(((delivery << PLACES) + n, view)))
        })?;
        let total = self.total(&narrow, counted_alerts(filter), filter)?;
        Ok(page(rows, most(filter), low.map(|low| low << PLACES)).counted(total))
    }

    /// One alert of a delivery; `None` where there is none, or none of the tenants and sources that the filter names.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn alert(
        &self,
        delivery: Uuid,
        n: u32,
        filter: &Filter,
    ) -> Result<Option<AlertView>, JournalError> {
        let Some(Thing::Delivery(delivery)) = thing(self.db, delivery)? else {
            return Ok(None);
        };
        let sql = format!("{LISTED_ALERT} WHERE a.delivery = ? AND a.n = ?");
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query(params![delivery, n])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let alert = serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
        let of = filter.tenants.as_deref();
        let view = self.with_decisions((delivery, n.into()), alert_view(&row, alert)?, of)?;
        let is_own = !view.receipt.decisions.is_empty()
            || (!self.is_decided(delivery, n)? && filter.sources.contains(&view.source));
        Ok(Some(view).filter(|_| of.is_none() || is_own))
    }

    /// Whether anything was decided about an alert, for whomever.
    fn is_decided(&self, delivery: i64, n: u32) -> Result<bool, JournalError> {
        let sql = "SELECT 1 FROM decision WHERE delivery = ? AND n = ?";
        Ok(self.db.prepare_cached(sql)?.exists(params![delivery, n])?)
    }

    /// The same with what was decided about its devices, and whose move it is. What was decided for other tenants than
    /// these is left out, and so are the devices that it is about.
    fn with_decisions(
        &self,
        (delivery, n): (i64, i64),
        mut view: AlertView,
        tenants: Option<&[TenantId]>,
    ) -> Result<AlertView, JournalError> {
        let sql = format!(
            "SELECT {DECISION}, {STANDING}, t.name AS tenant, d.tenant AS tenant_id FROM decision d JOIN tenant t ON t.id = d.tenant
             LEFT JOIN scan s ON s.id = d.scan WHERE d.delivery = ? AND d.n = ? ORDER BY d.id"
        );
        let rows = all(self.db, &sql, params![delivery, n], |row| {
            let whose = (mover(row)?, row.get::<_, String>("tenant")?);
            let is_seen = tenants.is_none_or(|tenants| {
                row.get("tenant_id")
                    .is_ok_and(|id| tenants.contains(&TenantId(id)))
            });
            Ok((row.get("row")?, is_seen, whose, decision_receipt(row)?))
        })?;
        let mut first: Option<Mover> = None;
        for (row, is_seen, (mover, tenant), one) in rows {
            if !is_seen {
                view.devices.retain(|device| device.label != one.device);
                continue;
            }
            view.tenant = Some(tenant);
            // Whoever comes first in the list of those who may move is told.
            if let Some(mover) = mover.filter(|mover| first.is_none_or(|first| *mover < first)) {
                first = Some(mover);
                view.why.clone_from(&one.why);
            }
            view.receipt.decisions.push(DecisionReceipt {
                waits: waits::of_decision(self.db, row)?,
                ..one
            });
        }
        let state = AlertState::of_code(&view.receipt.state);
        let mover = first.or(state.map(Mover::of_alert));
        view.mover = mover.map_or_else(String::new, |mover| mover.code().to_owned());
        if first.is_none() {
            let said = view
                .receipt
                .detail
                .as_ref()
                .or(view.receipt.reason.as_ref());
            view.why = said.cloned().unwrap_or_default();
        }
        Ok(view)
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
        let sql =
            format!("SELECT {DECISION}, {STANDING}, {LISTED_DECISION} {narrow} ORDER BY d.id DESC");
        let rows = self.gather(&sql, &narrow, most(filter), |row| {
            let view = self.decision_of(row, filter)?;
            view.map(|view| Ok::<_, JournalError>((row.get("row")?, view)))
                .transpose()
        })?;
        let total = self.total(&narrow, counted_decisions(filter), filter)?;
        Ok(page(rows, most(filter), low).counted(total))
    }

    fn decision_of(
        &self,
        row: &Row<'_>,
        filter: &Filter,
    ) -> Result<Option<DecisionView>, JournalError> {
        let alert: Alert =
            serde_json::from_str(&row.get::<_, String>("fields")?).unwrap_or_default();
        let mut view = decision_view(self.db, row, alert, filter)?;
        if let Some(view) = &mut view {
            let lines = events(self.db, "decision", row.get("row")?)?;
            view.events = lines.into_iter().map(|(_, event)| event).collect();
            view.waits = waits::of_decision(self.db, row.get("row")?)?;
        }
        Ok(view)
    }

    /// One decision; `None` where there is none of this id.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn decision(&self, id: Uuid) -> Result<Option<DecisionView>, JournalError> {
        let Some(row) = super::thing::decision(self.db, id)? else {
            return Ok(None);
        };
        let sql = format!("SELECT {DECISION}, {STANDING}, {LISTED_DECISION} WHERE d.id = ?");
        let mut statement = self.db.prepare_cached(&sql)?;
        let mut rows = statement.query([row])?;
        match rows.next()? {
            Some(row) => self.decision_of(&row, &Filter::default()),
            None => Ok(None),
        }
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
        let total = self.total(&narrow, "scan s", filter)?;
        Ok(page(rows, most(filter), low).counted(total))
    }
}
