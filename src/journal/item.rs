//! One thing as the list of an order shows it: a decision, a scan or a delivery, as it stands now.

use uuid::Uuid;

use super::db::{Connection, Row};
use super::error::JournalError;
use super::ids::decision_uuid;
use super::rows::{all, time};
use super::thing::Thing;
use crate::api::{ApprovalView, ItemView};
use scanhook_core::alert::Alert;
use scanhook_core::scan::{DecisionState, Kind, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// Makes an item's view: `None` for an id that stands for nothing.
pub(super) fn item(db: &Connection, thing: Thing) -> Result<ItemView, JournalError> {
    match thing {
        Thing::Decision(row) => decision_item(db, row),
        Thing::Scan(row) => scan_item(db, row),
        Thing::Delivery(row) => delivery_item(db, row),
    }
}

fn decision_item(db: &Connection, row: i64) -> Result<ItemView, JournalError> {
    let sql = "SELECT d.device, d.machine, d.state, d.reason, d.rule, d.kind, d.why, d.at, d.look_at, t.name AS tenant_name, a.alert_id, a.fields, s.uuid AS scan_uuid, m.name AS known
               FROM decision d JOIN tenant t ON t.id = d.tenant JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
               LEFT JOIN scan s ON s.id = d.scan LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant
               WHERE d.id = ?";
    let read = |found: &Row<'_>| {
        let (reason, device): (String, String) = (found.get("reason")?, found.get("device")?);
        let (rule, kind): (Option<String>, Option<String>) =
            (found.get("rule")?, found.get("kind")?);
        let why: Why = serde_json::from_str(&found.get::<_, String>("why")?).unwrap_or_default();
        let kind = kind.as_deref().and_then(Kind::of_code);
        let sentence = Reason::of_code(&reason)
            .map(|reason| why.sentence(reason, rule.as_deref(), kind, &device));
        let (people, approvals) = (why.people(), ApprovalView::each(&why.approvals));
        let alert: Alert =
            serde_json::from_str(&found.get::<_, String>("fields")?).unwrap_or_default();
        let said = alert
            .devices
            .iter()
            .find(|one| one.label() == device)
            .and_then(|one| one.name.clone());
        let state: String = found.get("state")?;
        let held = state == DecisionState::Held.code();
        Ok(ItemView {
            kind: "decision".to_owned(),
            id: decision_uuid(Timestamp::from_millis(found.get("at")?), row).to_string(),
            tenant: found.get("tenant_name")?,
            device: Some(device),
            machine: found.get("machine")?,
            name: found.get::<_, Option<String>>("known")?.or(said),
            title: alert.title,
            severity: alert.severity.map(|severity| severity.code().to_owned()),
            hold_ends: if held {
                found.get::<_, Option<i64>>("look_at")?.map(time)
            } else {
                None
            },
            rule,
            scan: Some(kind.map_or("none", Kind::code).to_owned()),
            state: Some(state),
            reason: Some(reason),
            scan_id: found
                .get::<_, Option<Uuid>>("scan_uuid")?
                .map(|uuid| uuid.to_string()),
            alerts: vec![found.get("alert_id")?],
            why: sentence,
            people,
            approvals,
            ..ItemView::default()
        })
    };
    Ok(db.prepare_cached(sql)?.query_row([row], read)?)
}

fn scan_item(db: &Connection, row: i64) -> Result<ItemView, JournalError> {
    let sql = "SELECT s.uuid, s.machine, s.rule, s.kind, s.state, s.outcome, s.detail, t.name AS tenant_name, m.name AS known FROM scan s JOIN tenant t ON t.id = s.tenant
               LEFT JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant WHERE s.id = ?";
    let mut view = db.prepare_cached(sql)?.query_row([row], |found| {
        let id = found.get::<_, Uuid>("uuid")?.to_string();
        Ok(ItemView {
            kind: "scan".to_owned(),
            id: id.clone(),
            tenant: found.get("tenant_name")?,
            device: found.get("machine")?,
            machine: found.get("machine")?,
            name: found.get("known")?,
            rule: found.get("rule")?,
            scan: found.get("kind")?,
            state: found.get("state")?,
            reason: found.get("outcome")?,
            scan_id: Some(id),
            why: found.get("detail")?,
            ..ItemView::default()
        })
    })?;
    let alerts = "SELECT DISTINCT a.alert_id FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
                  WHERE d.scan = ? ORDER BY 1 LIMIT 20";
    view.alerts = all(db, alerts, [row], |found| found.get(0))?;
    Ok(view)
}

fn delivery_item(db: &Connection, row: i64) -> Result<ItemView, JournalError> {
    let uuid: Uuid = db
        .prepare_cached("SELECT uuid FROM delivery WHERE id = ?")?
        .query_row([row], |found| found.get(0))?;
    let sql = "SELECT alert_id, state, reason, detail FROM alert WHERE delivery = ? ORDER BY state <> 'parked', n LIMIT 20";
    let alerts = all(db, sql, [row], |found| {
        Ok((
            found.get::<_, String>(0)?,
            found.get(1)?,
            found.get(2)?,
            found.get::<_, Option<String>>(3)?,
        ))
    })?;
    let first = alerts.first().cloned();
    let (state, reason, why) = first.map_or((None, None, None), |(_, state, reason, detail)| {
        (Some(state), reason, detail)
    });
    let alerts = alerts.into_iter().map(|(id, ..)| id).collect();
    let id = uuid.to_string();
    Ok(ItemView {
        kind: "delivery".to_owned(),
        id,
        state,
        reason,
        why,
        alerts,
        ..ItemView::default()
    })
}
