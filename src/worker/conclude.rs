//! What a list of actions proves once all its pages are read, and what it does not prove where something was left out.
//! Apart from the asking for it, because here it is decided what is sent again.
//!
//! **An unknown scan.** On the list: `adopt`. Not on a complete list: one miss. A list proves nothing if it was begun
//! before the scan became unknown or before its 30 seconds of settling were over, if it leads back to where it was, or
//! if it has a row that cannot be read and may be this scan's action (`OddRow::may_be`). After two misses (`MISSES`)
//! the call is believed not to have been executed, and `begin_sending` goes from *unknown* to *sending*: same uuid,
//! same kind, and `far_sent_at` still the time of the first try. A call that is refused then leaves its scan *unknown*,
//! so that no alert joins it.
//!
//! What this cannot see: an action that was executed, is over, and is missing from the lists after two settle times.
//! Then the machine is scanned twice; docs/operations.md tells operators of it.

use super::event::WorkerEvent;
use super::listing::{ListStep, Listing, Whom};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, MACHINE_BUSY, MISSES, OpenScan, RequeueWait, Tx};
use scanhook_core::time::Timestamp;

/// Scans that one transaction deals with after a list: others have work for the journal, too.
pub(super) const STEP: u32 = 500;

impl TenantWorker {
    /// The last page was read, or there is none to be had.
    pub(super) fn ends(
        &mut self,
        turn: &mut Turn<'_, '_>,
        mut listing: Listing,
        step: ListStep,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        self.lists.note = noted(&listing, step);
        if step == ListStep::Incomplete || listing.anybodys || !listing.unclear.is_empty() {
            // What was left out is not known, so nothing may be concluded from its absence.
            turn.events.push(WorkerEvent::Alarm {
                code: "list-incomplete",
                about: None,
            });
        }
        if step == ListStep::Incomplete {
            return self.look_later(turn.tx, &listing, now);
        }
        listing.complete = true;
        self.lists.listing = Some(listing);
        self.conclude(turn)
    }

    /// All pages are read: what was not found is missing from a complete list. Some at a time.
    pub(super) fn conclude(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(mut listing) = self.lists.listing.take() else {
            return Ok(());
        };
        let scans = match listing.whom {
            Whom::Due => turn
                .tx
                .due_scans(self.id, listing.begun, self.old(now), STEP)?,
            Whom::Old(after) => turn.tx.old_scans(self.id, after, STEP)?,
        };
        for scan in &scans {
            self.conclude_one(turn, &listing, scan)?;
            if let Whom::Old(after) = &mut listing.whom {
                *after = scan.scan.id;
            }
        }
        if scans.len() == STEP as usize {
            self.lists.listing = Some(listing);
        }
        Ok(())
    }

    /// What a complete list means for one scan that it was asked for.
    fn conclude_one(
        &mut self,
        turn: &mut Turn<'_, '_>,
        listing: &Listing,
        scan: &OpenScan,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let (id, found) = (scan.scan.id, listing.found.contains(&scan.scan.id));
        let unclear = listing.anybodys || listing.unclear.contains(&id);
        if scan.far_sent_at < listing.since {
            // It became one of these while the list was read, which does not reach back to it.
            return if scan.look_at.is_some() {
                self.look_once_more(turn.tx, scan, now)
            } else {
                Ok(())
            };
        }
        // It was past its time before this list was begun, so this was the last look that it gets.
        if scan.overdue_at.is_some_and(|at| at <= listing.begun) && !unclear {
            return self.lost(turn, scan);
        }
        if scan.action.is_some() {
            // Of the old ones nothing is written but what has changed.
            let same = scan.look_at.is_none() && found && scan.misses == 0;
            return if same {
                Ok(())
            } else {
                self.look_on(turn.tx, scan, found, now)
            };
        }
        if unclear {
            return turn
                .tx
                .look_again(id, scan.misses, Some(now.plus(self.pace.follow_most)));
        }
        let again = Some(now.plus(self.pace.settle));
        if !scan.busy {
            let misses = scan.misses + 1;
            // What is sent again is not looked for any more.
            return turn
                .tx
                .look_again(id, misses, again.filter(|_| misses < MISSES));
        }
        if let Some(action) = listing.foreign.get(&scan.scan.machine) {
            let what = self.meet_foreign(turn.tx, &scan.scan, action, now)?;
            turn.events.push(WorkerEvent::Answered {
                about: Box::new(turn.tx.about_scan(id)?),
                kind: scan.scan.kind,
                what,
            });
        } else if scan.misses == 0 {
            turn.tx.look_again(id, 1, again)?;
        } else {
            // Whatever kept the machine busy is over or not listed: the refused call was not executed, so it may be
            // tried again.
            let until = now.plus(self.put_off(scan.scan.tries.saturating_sub(1)));
            turn.tx
                .to_waiting(id, RequeueWait::Until(until, MACHINE_BUSY), now)?;
        }
        Ok(())
    }

    fn look_once_more(
        &self,
        tx: &mut Tx<'_>,
        scan: &OpenScan,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        tx.look_again(
            scan.scan.id,
            scan.misses,
            Some(now.plus(self.pace.follow_first)),
        )
    }

    /// A list of which nobody knows what it left out. What it held is known; an unknown scan learns nothing from it.
    fn look_later(
        &mut self,
        tx: &mut Tx<'_>,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if listing.whom != Whom::Due {
            return Ok(());
        }
        for scan in tx.due_scans(self.id, listing.begun, self.old(now), STEP)? {
            if scan.action.is_some() {
                self.look_on(tx, &scan, listing.found.contains(&scan.scan.id), now)?;
            } else {
                tx.look_again(
                    scan.scan.id,
                    scan.misses,
                    Some(now.plus(self.pace.follow_most)),
                )?;
            }
        }
        Ok(())
    }
}

/// What people are told of a list that is not as it should be.
fn noted(listing: &Listing, step: ListStep) -> Option<String> {
    if step == ListStep::Incomplete {
        return Some(
            "the list of machine actions cannot be read to its end: scans whose call was lost wait until it can"
                .to_owned(),
        );
    }
    let whose = if listing.anybodys {
        "nothing tells whose they are, so scans whose call was lost wait until that is over"
    } else {
        "they hold up only scans that they may belong to"
    };
    (listing.odd > 0).then(|| {
        format!(
            "rows of the list of machine actions that cannot be read: {}; {whose}",
            listing.odd
        )
    })
}
