//! A scan ends with the final status of its action, wherever that was seen: in the answer to the call, on a list, or in
//! a read by its id.

use core::time::Duration;

use super::intent::ended;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::reply::ActionView;
use crate::journal::{JournalError, ScanRow};
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    /// The action has a final status.
    #[allow(
        clippy::too_many_arguments,
        reason = "what ended, how, and when, with where to tell it"
    )]
    pub(super) fn end(
        &mut self,
        turn: &mut Turn<'_, '_>,
        scan: &ScanRow,
        outcome: Outcome,
        action: &ActionView,
        sent_at: Timestamp,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        turn.tx
            .finish(scan.id, outcome, detail(outcome, action).as_deref(), now)?;
        let took: Duration = now.since(sent_at);
        turn.events.push(ended(turn.tx, scan, outcome, took)?);
        Ok(())
    }
}

/// What the record says beyond the outcome. `errorHResult` is shown, not interpreted: its values are not documented.
fn detail(outcome: Outcome, action: &ActionView) -> Option<String> {
    match outcome {
        Outcome::Failed => Some(format!(
            "errorHResult {} (0x{:08x})",
            action.hresult,
            action.hresult & 0xffff_ffff
        )),
        Outcome::Cancelled => Some(format!(
            "by {}: {}",
            action
                .cancellation_requestor
                .as_deref()
                .unwrap_or("somebody unnamed"),
            action
                .cancellation_comment
                .as_deref()
                .unwrap_or("no comment")
        )),
        _ => None,
    }
}
