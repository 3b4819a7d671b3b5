//! One row of a list of alerts or of decisions, made of the columns that the list reads.

use rusqlite::Row;
use uuid::Uuid;

use super::alert_receipt::{alert_receipt, decision_receipt};
use super::error::JournalError;
use super::filter::Filter;
use super::means::{DeviceNames, means};
use super::rows::time;
use crate::api::{AlertView, DecisionView};
use scanhook_core::alert::Alert;
use scanhook_core::scan::{DecisionState, Reason};
use scanhook_core::turn::whose_move;

pub(super) fn alert_view(row: &Row<'_>, alert: Alert) -> Result<AlertView, JournalError> {
    Ok(AlertView {
        delivery: row.get::<_, Uuid>("uuid")?.to_string(),
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
        receipt: alert_receipt(row)?,
    })
}

/// The decision, if it is about the device that was asked for.
pub(super) fn decision_view(
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
    if filter
        .device
        .as_ref()
        .is_some_and(|glob| !means(glob, device, &alert))
    {
        return Ok(None);
    }
    let said = alert
        .devices
        .iter()
        .find(|device| device.label() == decision.device)
        .and_then(|one| one.name.clone());
    let (state, reason) = (
        DecisionState::of_code(&decision.state),
        Reason::of_code(&decision.reason),
    );
    let held = state == Some(DecisionState::Held);
    Ok(Some(DecisionView {
        at: time(row.get("at")?),
        tenant: row.get("tenant")?,
        source: row.get("source")?,
        alert: row.get("alert_id")?,
        title: alert.title,
        severity: alert.severity.map(|severity| severity.code().to_owned()),
        url: alert.url,
        name: known.or(said),
        hold_ends: if held {
            row.get::<_, Option<i64>>("look_at")?.map(time)
        } else {
            None
        },
        whose_move: state
            .zip(reason)
            .map(|(state, reason)| whose_move(state, reason).to_owned())
            .unwrap_or_default(),
        machine,
        policy: row.get("hash")?,
        decision,
        events: Vec::new(),
    }))
}
