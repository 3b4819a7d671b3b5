//! Which list is wanted now: one for the scans that are due, or one for the old ones where they are many.

use core::time::Duration;

use super::conclude::STEP;
use super::listing::{Listing, Whom};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::JournalError;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

/// Old scans that are read by their ids; more of them get a list of their own.
const FEW: u32 = 20;

/// Old scans are not looked for sooner than this after the last time, whoever becomes one meanwhile.
const OLD_LEAST: Duration = Duration::from_secs(60);

impl TenantWorker {
    /// The list that is wanted now, if one is.
    pub(super) fn next_list(
        &mut self,
        turn: &mut Turn<'_, '_>,
    ) -> Result<Option<Listing>, JournalError> {
        let now = turn.now;
        let old = self.old(now);
        let begin = |worker: &mut TenantWorker, whom, since| {
            worker.lists.listed_at = now;
            Some(Listing::begin(
                whom,
                since,
                worker.lists.rows,
                &worker.account.endpoints,
                now,
            ))
        };
        if let Some(look_at) = turn.tx.next_look(self.id, old)? {
            // Many open scans of different ages share a list; none of them is worth one of its own.
            let look_at = look_at.max(self.lists.listed_at.plus(self.pace.follow_first));
            if look_at > now {
                turn.wake(look_at);
            } else {
                let aside = turn.tx.set_aside(self.id, now, old, STEP)?;
                if aside > 0 {
                    self.lists
                        .old_no_later_than(now.max(self.lists.old_begun.plus(OLD_LEAST)));
                    turn.wake(now);
                } else if let Some(due) = turn.tx.due_on_list(self.id, now, old)? {
                    // What keeps a machine busy may have begun long before our call.
                    let busy = if due.busy {
                        self.far(now).minus(self.account.follow_for)
                    } else {
                        Timestamp::NEVER
                    };
                    return Ok(begin(
                        self,
                        Whom::Due,
                        due.since.minus(self.pace.skew).min(busy),
                    ));
                }
            }
        }
        if !self.lists.old_list {
            return Ok(None);
        }
        self.lists.old_list = false;
        let oldest = turn.tx.oldest_of_old(self.id)?;
        Ok(oldest
            .and_then(|oldest| begin(self, Whom::Old(ScanId(0)), oldest.minus(self.pace.skew))))
    }

    /// Every ten minutes the old ones are looked for.
    pub(super) fn poll_old(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(at) = self.lists.old_at else {
            return Ok(());
        };
        if at > now {
            turn.wake(at);
            return Ok(());
        }
        let some = turn.tx.old_scans(self.id, ScanId(0), FEW + 1)?;
        self.lists.old_begun = now;
        self.lists.old_at = (!some.is_empty()).then(|| now.plus(self.pace.follow_most));
        let few = some.len() <= FEW as usize && self.gets.are_allowed(&self.backoff);
        self.lists.old_list = !few && !some.is_empty();
        self.lists.by_id = if few {
            some.iter().map(|scan| scan.scan.id).collect()
        } else {
            Vec::new()
        };
        if !self.lists.by_id.is_empty() {
            turn.wake(now);
        }
        Ok(())
    }

    /// Actions from before this are old, by the far side's clock.
    pub(super) fn old(&self, now: Timestamp) -> Timestamp {
        self.far(now).minus(self.pace.old)
    }
}
