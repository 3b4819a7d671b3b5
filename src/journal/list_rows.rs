//! One row of a list of alerts or of decisions, made of the columns that the list reads.

use uuid::Uuid;

use super::alert_receipt::{alert_receipt, decision_receipt, mover};
use super::db::{Connection, Row};
use super::device_row::{device_row, said_of};
use super::error::JournalError;
use super::filter::Filter;
use super::keys::TenantId;
use super::means::{DeviceNames, means};
use super::rows::time;
use crate::api::{AlertView, ApprovalView, DecisionView};
use scanhook_core::alert::Alert;
use scanhook_core::scan::{DecisionState, Reason};
use scanhook_core::turn::whose_move;
use scanhook_core::why::Why;

/// The columns of an alert in a list, with what they are read from.
pub(super) const LISTED_ALERT: &str = "SELECT d.id AS row, d.uuid, d.received_at, a.n, a.source, a.alert_id, a.state,
    a.reason, a.detail, CASE WHEN instr(a.fields, '\"notes\":[') > 0 THEN a.fields ->> '$.notes' END AS notes, a.fields,
    d.credential FROM alert a JOIN delivery d ON d.id = a.delivery";

pub(super) fn alert_view(row: &Row<'_>, alert: Alert) -> Result<AlertView, JournalError> {
    Ok(AlertView {
        delivery: row.get::<_, Uuid>("uuid")?.to_string(),
        n: row.get("n")?,
        received_at: time(row.get("received_at")?),
        source: row.get("source")?,
        title: alert.title,
        severity: alert.severity.map(|severity| severity.code().to_owned()),
        devices: alert.devices.into_iter().map(Into::into).collect(),
        credential: row
            .get::<_, Option<String>>("credential")?
            .filter(|names| !names.is_empty()),
        url: alert.url,
        references: alert.references,
        id_derived: alert.id_derived,
        id_shared: alert.id_shared,
        tenant: None,
        mover: String::new(),
        why: String::new(),
        receipt: alert_receipt(row)?,
    })
}

/// The columns of a decision in a list, with what they are read from; a condition and an order follow.
pub(super) const LISTED_DECISION: &str = "d.machine, t.name AS tenant, d.tenant AS tenant_id, a.source, a.alert_id, a.fields,
    p.hash, d.look_at, m.name, v.uuid AS delivery, d.n
    FROM decision d JOIN tenant t ON t.id = d.tenant JOIN policy p ON p.id = d.policy
    JOIN alert a ON a.delivery = d.delivery AND a.n = d.n JOIN delivery v ON v.id = d.delivery
    LEFT JOIN scan s ON s.id = d.scan LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant";

/// The decision, if it is about the device and the title that were asked for.
pub(super) fn decision_view(
    db: &Connection,
    row: &Row<'_>,
    alert: Alert,
    filter: &Filter,
) -> Result<Option<DecisionView>, JournalError> {
    let (machine, known): (Option<String>, Option<String>) =
        (row.get("machine")?, row.get("name")?);
    let decision = decision_receipt(row)?;
    let device = DeviceNames {
        label: &decision.device,
        machine: machine.as_deref(),
        name: known.as_deref(),
    };
    let meant = filter
        .device
        .as_ref()
        .is_none_or(|glob| means(glob, device, &alert));
    if !meant || !filter.means_title(alert.title.as_deref()) {
        return Ok(None);
    }
    let said = said_of(&alert, &decision.device).and_then(|one| one.name.clone());
    let (state, reason) = (
        DecisionState::of_code(&decision.state),
        Reason::of_code(&decision.reason),
    );
    let tenant = TenantId(row.get("tenant_id")?);
    let (label, name) = (decision.device.as_str(), known.or(said));
    let device = device_row(db, tenant, (Some(label), machine.as_deref()), name.clone())?;
    let ends_at = row.get::<_, Option<i64>>("look_at")?.map(time);
    let held = state == Some(DecisionState::Held);
    let why: Why = serde_json::from_str(&row.get::<_, String>("why")?).unwrap_or_default();
    let (people, approvals) = (why.people(), ApprovalView::each(&why.approvals));
    Ok(Some(DecisionView {
        id: decision.id,
        at: time(row.get("at")?),
        tenant: row.get("tenant")?,
        source: row.get("source")?,
        alert: row.get("alert_id")?,
        delivery: row.get::<_, Uuid>("delivery")?.to_string(),
        n: row.get("n")?,
        title: alert.title,
        severity: alert.severity.map(|severity| severity.code().to_owned()),
        url: alert.url,
        device,
        name,
        rule: decision.rule,
        scan: decision.scan,
        state: decision.state,
        reason: decision.reason,
        why: decision.why,
        scan_id: decision.scan_id,
        waits: decision.waits,
        hold_ends: ends_at.clone().filter(|_| held),
        ends_at,
        mover: mover(row)?.map_or_else(String::new, |mover| mover.code().to_owned()),
        whose_move: state
            .zip(reason)
            .map(|(state, reason)| whose_move(state, reason).to_owned())
            .unwrap_or_default(),
        machine,
        people,
        approvals,
        policy: row.get("hash")?,
        events: Vec::new(),
    }))
}
