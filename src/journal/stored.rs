//! Deliveries, alerts and decisions as an archive holds them: alerts as they were read, and what was decided.

use super::db::Row;
use super::error::JournalError;
use scanhook_core::alert::{Alert, AlertReason, AlertState, MachineId};
use scanhook_core::person::Did;
use scanhook_core::scan::{DecisionState, Kind, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// A delivery with what became of it.
#[derive(Clone, Debug, Default)]
pub struct StoredDelivery {
    pub at: Timestamp,
    /// The source it came from.
    pub source: String,
    /// Where it can be found again: its id, or a file and line.
    pub place: String,
    /// Its body, if it was asked for and is not past retention.
    pub body: Option<Vec<u8>>,
    pub alerts: Vec<StoredAlert>,
    /// Rows of it that cannot be read.
    pub damaged: usize,
}

/// An alert as it was read.
#[derive(Clone, Debug)]
pub struct StoredAlert {
    pub state: AlertState,
    /// Why it is parked or ignored.
    pub reason: Option<AlertReason>,
    pub alert: Alert,
    /// What was decided, at most one for each device.
    pub decisions: Vec<StoredDecision>,
}

/// What was decided of one device.
#[derive(Clone, Debug)]
pub struct StoredDecision {
    /// As the alert names it.
    pub device: String,
    /// The machine, as the alert or the directory says.
    pub machine: Option<MachineId>,
    pub tenant: String,
    pub rule: Option<String>,
    /// The scan that was wanted.
    pub kind: Option<Kind>,
    pub state: DecisionState,
    pub reason: Reason,
    /// What it was held for, where it is not any more.
    pub held: Option<Reason>,
    /// A person said yes to it.
    pub approved: bool,
}

pub(super) fn alert(row: &Row<'_>) -> Result<Option<StoredAlert>, JournalError> {
    let (state, reason, fields): (String, Option<String>, String) =
        (row.get(1)?, row.get(2)?, row.get(3)?);
    let (Some(state), Ok(alert)) = (AlertState::of_code(&state), serde_json::from_str(&fields))
    else {
        return Ok(None);
    };
    let reason = reason.as_deref().and_then(AlertReason::of_code);
    Ok(Some(StoredAlert {
        state,
        reason,
        alert,
        decisions: Vec::new(),
    }))
}

pub(super) fn decision(row: &Row<'_>) -> Result<Option<StoredDecision>, JournalError> {
    let (machine, kind): (Option<String>, Option<String>) = (row.get(2)?, row.get(5)?);
    let (state, reason, why): (String, String, String) = (row.get(6)?, row.get(7)?, row.get(8)?);
    let (Some(state), Some(reason)) = (DecisionState::of_code(&state), Reason::of_code(&reason))
    else {
        return Ok(None);
    };
    let why: Why = serde_json::from_str(&why).unwrap_or_default();
    Ok(Some(StoredDecision {
        device: row.get(1)?,
        machine: machine.as_deref().and_then(MachineId::parse),
        tenant: row.get(3)?,
        rule: row.get(4)?,
        kind: kind.as_deref().and_then(Kind::of_code),
        state,
        reason,
        held: why.held,
        approved: why.said.is_some_and(|said| said.did == Did::Approved),
    }))
}
