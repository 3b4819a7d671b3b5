//! A scan call on its way, and what is said of a scan.

use core::time::Duration;

use super::event::WorkerEvent;
use crate::journal::{JournalError, ScanRow, Tx};
use scanhook_core::scan::{Outcome, Priority};
use scanhook_core::time::Timestamp;

/// A scan on its way, with what its answer is read against.
#[derive(Clone, Debug)]
pub struct Intent {
    pub(super) scan: ScanRow,
    pub(super) with_external_id: bool,
    pub(super) generation: u64,
    /// When it was sent first, by the far side's clock: an action of an earlier try is ours as well.
    pub(super) far_sent_at: Timestamp,
}

/// The end of our comments: the last 12 digits of the scan's id.
pub(super) fn tail(scan: &ScanRow) -> String {
    let hex = scan.uuid.simple().to_string();
    hex[hex.len() - 12..].to_owned()
}

pub(super) fn ended(
    tx: &Tx<'_>,
    scan: &ScanRow,
    outcome: Outcome,
    took: Duration,
) -> Result<WorkerEvent, JournalError> {
    Ok(WorkerEvent::Ended {
        about: Box::new(tx.about_scan(scan.id)?),
        kind: scan.kind,
        outcome,
        took,
    })
}

/// When an urgent scan was wanted; none: it is not urgent.
pub(super) fn urgent_since(scan: &ScanRow, now: Timestamp) -> Option<Timestamp> {
    (scan.priority >= Priority::URGENT).then(|| created(scan).min(now))
}

/// The instant inside a uuid v7: when the scan was decided.
pub(super) fn created(scan: &ScanRow) -> Timestamp {
    let (high, _) = scan.uuid.as_u64_pair();
    Timestamp::from_millis(i64::try_from(high >> 16).unwrap_or(0))
}
