//! Scans of an app that may not read machine actions: it never learns how they end. Each gets an end all the same, so
//! that its machine can be scanned again, and the record says what is not known.

use core::time::Duration;

use super::intent::ended;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, MACHINE_BUSY, OpenScan, RequeueWait, ScanRow, Tx};
use scanhook_core::scan::{Kind, OnUnknown, Outcome};
use scanhook_core::time::Timestamp;

/// How long a scan that cannot be followed is taken to occupy its machine: the default cool-down of its kind.
const fn occupies(kind: Kind) -> Duration {
    match kind {
        Kind::Quick => Duration::from_secs(3600),
        Kind::Full => Duration::from_secs(6 * 3600),
    }
}

const NOT_FOLLOWED: &str = "sent, and not followed: the app may not read machine actions";
const NOT_KNOWN: &str = "the answer to the call was lost and the app may not read machine actions; whether the machine is scanned is not known";
const COVERED: &str = "the answer to the first call was lost and the machine was busy at the second: most likely with this scan";

impl TenantWorker {
    /// Ends, sends again or puts off what a list would have cleared up, once its time has come.
    pub(super) fn settle_unfollowed(
        &mut self,
        turn: &mut Turn<'_, '_>,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        if self.backoff.may_read() {
            return Ok(());
        }
        for scan in turn.tx.open_scans(self.id)? {
            let over = scan.sent_at.plus(occupies(scan.scan.kind));
            let due = if scan.action.is_some() {
                over
            } else {
                scan.look_at.unwrap_or(now)
            };
            if due > now {
                turn.wake(due);
            } else {
                self.settle(turn, &scan)?;
            }
        }
        Ok(())
    }

    fn settle(&self, turn: &mut Turn<'_, '_>, scan: &OpenScan) -> Result<(), JournalError> {
        let now = turn.now;
        let lost = |turn: &mut Turn<'_, '_>, why| {
            turn.events.push(ended(
                turn.tx,
                &scan.scan,
                Outcome::Lost,
                now.since(scan.sent_at),
            )?);
            turn.tx.finish(scan.scan.id, Outcome::Lost, Some(why), now)
        };
        if scan.action.is_some() {
            return lost(turn, NOT_FOLLOWED);
        }
        if !scan.busy {
            return match self.account.on_unknown {
                OnUnknown::Leave => lost(turn, NOT_KNOWN),
                OnUnknown::Repost if !scan.scan.unseen => turn.tx.again_unseen(scan.scan.id, now),
                OnUnknown::Repost => Ok(()),
            };
        }
        if scan.scan.unanswered {
            return lost(turn, COVERED);
        }
        turn.tx.to_waiting(
            scan.scan.id,
            RequeueWait::Until(now.plus(self.put_off(scan.scan.tries)), MACHINE_BUSY),
            now,
        )
    }
}

/// Ends a scan that is not sent again, if it was sent before and no list could tell what became of that.
pub(super) fn lost_unseen(
    tx: &mut Tx<'_>,
    scan: &ScanRow,
    now: Timestamp,
) -> Result<bool, JournalError> {
    if scan.unseen {
        tx.finish(scan.id, Outcome::Lost, Some(NOT_KNOWN), now)?;
    }
    Ok(scan.unseen)
}
