//! An alert and a decision as receipts and lists tell them: the columns that are read, and what is made of them.

use uuid::Uuid;

use super::db::{Connection, DbResult, Row};
use super::error::JournalError;
use super::ids::decision_uuid;
use super::retryable::AGAIN;
use super::waits;
use crate::api::{AlertReceipt, DecisionReceipt};
use scanhook_core::scan::{DecisionState, Kind, Reason, ScanState};
use scanhook_core::time::Timestamp;
use scanhook_core::turn::Mover;
use scanhook_core::why::Why;

/// The columns of an alert `a` that [`alert_receipt`] reads.
pub(super) const ALERT: &str = "a.alert_id, a.state, a.reason, a.detail,
    CASE WHEN instr(a.fields, '\"notes\":[') > 0 THEN a.fields ->> '$.notes' END AS notes";

pub(super) fn alert_receipt(row: &Row<'_>) -> DbResult<AlertReceipt> {
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

/// The columns of a decision `d` and its scan `s` that [`decision_receipt`] reads.
pub(super) const DECISION: &str =
    "d.id AS row, d.at, d.device, d.rule, d.kind, d.state, d.reason, d.why, s.uuid AS scan_uuid";

/// The columns of a decision's scan `s` that [`mover`] reads beside them.
pub(super) const STANDING: &str =
    "s.state AS scan_state, s.outcome AS scan_outcome, s.pause IS NOT NULL AS scan_paused";

pub(super) fn decision_receipt(row: &Row<'_>) -> DbResult<DecisionReceipt> {
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

/// Who could change what becomes of a decision with these columns; of one that a scan answers, what becomes of that.
pub(super) fn mover(row: &Row<'_>) -> DbResult<Option<Mover>> {
    let (state, reason): (String, String) = (row.get("state")?, row.get("reason")?);
    let decided = DecisionState::of_code(&state).zip(Reason::of_code(&reason));
    let scan: Option<String> = row.get("scan_state")?;
    let outcome: Option<String> = row.get("scan_outcome")?;
    Ok(
        match (decided, scan.as_deref().and_then(ScanState::of_code)) {
            (Some((DecisionState::Scan, _)), Some(scan)) => {
                let failed = outcome.as_deref().is_some_and(came_to_nothing);
                Some(Mover::of_scan(scan, failed, row.get("scan_paused")?))
            }
            (Some((state, reason)), _) => Some(Mover::of(state, reason)),
            _ => None,
        },
    )
}

/// Whether a scan with this outcome can be tried again.
pub(super) fn came_to_nothing(outcome: &str) -> bool {
    AGAIN.iter().any(|one| one.code() == outcome)
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
