//! The errand of looking: one list serves every scan that is due. It ends running ones, finds the actions of unknown
//! ones, and after two complete lists without such an action its scan is sent again.
//!
//! A list reaches back to the oldest scan that is due, and no further. Scans older than a day are looked for every ten
//! minutes: each by its id while they are few (`by_id`), and by a list of their own where they are many.
//!
//! **Which scans a list is for.** `poll_list` asks for what was created since five minutes before the oldest *due* scan
//! was first sent, whoever asked for it; as far back as `follow_for` while a machine is busy with something that may
//! have begun long before our call. What the list holds of other scans is taken all the same. `reply::is_ours`
//! recognises ours by `ExternalId`, and where the far side does not echo it by the token at the end of the comment
//! together with the time.
//!
//! **When a list is complete.** `$top` is the most rows that one answer brings, so as many rows without a next page do
//! not end it: it goes on with `$skip`. Of a next page only the place in the list is taken; the host is our own. A 429
//! or a failure in the middle keeps the pages that were read; an answer that is too long is asked for in smaller parts
//! (`listing`). Answers are read before the transaction that takes them (`Call::hear`).
//!
//! **An unknown scan.** On the list: `adopt`. Not on a complete list: one miss. A list proves nothing if it was begun
//! before the scan became unknown or before its 30 seconds of settling were over, if it leads back to where it was, or
//! if it has a row that cannot be read and may be this scan's action (`OddRow::may_be`). After two misses (`MISSES`)
//! the call is believed not to have been executed, and `begin_sending` goes from *unknown* to *sending*: same uuid,
//! same kind, and `far_sent_at` still the time of the first try. A call that is refused then leaves its scan *unknown*,
//! so that no alert joins it.
//!
//! **A running scan.** If two lists in a row did not hold it, it is read by its id (`poll_get`). An early 404 means
//! *not yet*; a later one ends it as *lost*, if Defender's own code is in it. Past a day it is not due any more
//! (`look_at` is NULL) and is looked for with the other old ones, so that a machine that is offline for days stretches
//! nobody's list. Past `follow_for` it is marked (`overdue_at`) and looked at once more; it is *lost* if a complete
//! list or a read begun after that does not end it, or none could be had for another day (`give_up`). A pause of people
//! stops that.
//!
//! **Where reading is forbidden** twice in a row, `unfollowed` ends every open scan by the clock, and `on_unknown` says
//! what becomes of a lost call. One that is sent again is marked `unseen`: called off or too old it ends as *lost*,
//! because its first try may have been executed. The first complete list takes the mark away.
//!
//! What this cannot see: an action that was executed, is over, and is missing from the lists after two settle times.
//! Then the machine is scanned twice; docs/operations.md tells operators of it.

use core::time::Duration;

use super::call::Call;
use super::event::WorkerEvent;
use super::intent::{ended, tail};
use super::listing::{ListStep, Listing, Whom};
use super::lists::ListCall;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::list::{self, ActionPage, ListReply};
use crate::defender::reply::{ActionView, Sent};
use crate::defender::{Answer, request};
use crate::journal::{Api, JournalError, MACHINE_BUSY, MISSES, OpenScan, RequeueWait, ScanRow, Tx};
use scanhook_core::scan::{Outcome, ScanId};
use scanhook_core::time::Timestamp;

/// Scans that one transaction deals with after a list: others have work for the journal, too.
const STEP: u32 = 500;
/// Old scans that are read by their ids; more of them get a list of their own.
const FEW: u32 = 20;
/// Old scans are not looked for sooner than this after the last time, whoever becomes one meanwhile.
const OLD_LEAST: Duration = Duration::from_secs(60);
/// How long a scan past the give-up age waits for its last look where none can be had.
const LAST_LOOK: Duration = Duration::from_secs(86_400);
/// How often in a row an old scan is read by its id in vain before lists are asked again.
const READ_IN_VAIN: u32 = 6;

impl TenantWorker {
    /// Asks for the list, or its next page, when an open scan wants to be looked at.
    pub(super) fn poll_list(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.is_under_way(Api::List) || !self.gate.may_read() {
            return Ok(());
        }
        if self
            .lists
            .listing
            .as_ref()
            .is_some_and(|listing| listing.complete)
        {
            self.conclude(turn)?;
            if self.lists.listing.is_some() {
                turn.wake(now);
                return Ok(());
            }
        }
        self.poll_old(turn)?;
        if self.lists.listing.is_none() {
            self.lists.listing = self.next_list(turn)?;
        }
        let Some(listing) = &self.lists.listing else {
            return Ok(());
        };
        let asked = listing.page.clone();
        let free_at = self.free_at(Api::List, now);
        if free_at > now {
            turn.wake(free_at);
            return Ok(());
        }
        let Some((bearer, generation)) = self.gate.bearer(now) else {
            return Ok(());
        };
        let request = request::page(&self.account.endpoints, bearer, &asked);
        let endpoints = self.account.endpoints.clone();
        self.enter(
            turn,
            Call::List(Box::new(ListCall {
                generation,
                asked,
                endpoints,
                reply: None,
            })),
            request,
        )
    }

    /// The list that is wanted now, if one is.
    fn next_list(&mut self, turn: &mut Turn<'_, '_>) -> Result<Option<Listing>, JournalError> {
        let now = turn.now;
        let old = self.old(now);
        let begin = |lane: &mut TenantWorker, whom, since| {
            lane.lists.listed_at = now;
            Some(Listing::begin(
                whom,
                since,
                lane.lists.rows,
                &lane.account.endpoints,
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
    fn poll_old(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
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
        let few = some.len() <= FEW as usize && self.gets.are_allowed(&self.gate);
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
    fn old(&self, now: Timestamp) -> Timestamp {
        self.far(now).minus(self.pace.old)
    }

    /// Scans that reach the give-up age are looked at once more. That look is the last one (`conclude`, `by_id`); where
    /// none can be had for another day, they are lost without.
    pub(super) fn give_up(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        turn.tx
            .mark_overdue(self.id, now.minus(self.account.follow_for), now)?;
        while let Some(scan) = turn.tx.longest_overdue(self.id)? {
            let at = scan.overdue_at.unwrap_or(now).plus(LAST_LOOK);
            if at > now {
                turn.wake(at);
                break;
            }
            self.lost(turn, &scan)?;
        }
        if let Some(oldest) = turn.tx.oldest_open(self.id)? {
            turn.wake(
                oldest
                    .plus(self.account.follow_for)
                    .plus(Duration::from_millis(1)),
            );
        }
        Ok(())
    }

    /// Followed for long enough.
    pub(super) fn lost(
        &self,
        turn: &mut Turn<'_, '_>,
        scan: &OpenScan,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let detail = "no final status was seen in time; what the machine did is not known";
        turn.tx
            .finish(scan.scan.id, Outcome::Lost, Some(detail), now)?;
        turn.events.push(ended(
            turn.tx,
            &scan.scan,
            Outcome::Lost,
            now.since(scan.sent_at),
        )?);
        Ok(())
    }

    pub(super) fn list_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        call: ListCall,
        answer: &Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(mut listing) = self.lists.listing.take() else {
            return Err(JournalError::Conflict(
                "a page of a list that nobody asked for",
            ));
        };
        let generation = call.generation;
        let reply = call.reply.unwrap_or_else(|| {
            ListCall {
                reply: None,
                ..call
            }
            .read(answer)
        });
        let keeps = match reply {
            ListReply::Page(page) => {
                self.could_read();
                self.match_page(turn, &mut listing, &page)?;
                match listing.turn(&page) {
                    ListStep::More => true,
                    step => return self.ends(turn, listing, step),
                }
            }
            ListReply::TooLong => match listing.shorten(&self.account.endpoints) {
                Some(rows) => {
                    self.lists.rows = rows;
                    true
                }
                None => {
                    self.rest(now);
                    false
                }
            },
            ListReply::Unauthorized(refusal) => {
                self.unauthorized(turn, generation, &refusal);
                listing.failed()
            }
            ListReply::Forbidden(refusal) => {
                self.reading_forbidden(turn, &refusal);
                false
            }
            ListReply::Throttled(span) => {
                self.pause(turn, span)?;
                true
            }
            ListReply::Failed(_) => {
                self.rest(now);
                listing.failed()
            }
        };
        self.lists.listing = Some(listing).filter(|_| keeps);
        Ok(())
    }

    /// Ends and adopts what this page holds.
    fn match_page(
        &mut self,
        turn: &mut Turn<'_, '_>,
        listing: &mut Listing,
        page: &ActionPage,
    ) -> Result<(), JournalError> {
        for scan in turn.tx.unknown_scans(self.id)? {
            self.match_unknown(turn, listing, &scan, page)?;
        }
        for action in &page.actions {
            let Some(scan) = turn.tx.scan_of_action(self.id, &action.id)? else {
                continue;
            };
            listing.found.insert(scan.scan.id);
            if let Some(outcome) = action.status.outcome() {
                self.end(turn, &scan.scan, outcome, action, scan.sent_at)?;
            }
        }
        listing.odd += page.odd.len();
        listing.anybodys |= page.odd.iter().any(list::OddRow::is_anybodys);
        Ok(())
    }

    fn match_unknown(
        &mut self,
        turn: &mut Turn<'_, '_>,
        listing: &mut Listing,
        scan: &OpenScan,
        page: &ActionPage,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let tail = tail(&scan.scan);
        let sent = Sent {
            machine: &scan.scan.machine,
            // Whether or not calls carry it now, the one that was lost may have.
            external_id: Some(scan.scan.uuid),
            tail: &tail,
            // Every try of a scan carries the same id, and an earlier one may be what is found.
            since: scan.far_sent_at.minus(self.pace.skew),
        };
        if let Some(action) = page.ours(&sent) {
            listing.found.insert(scan.scan.id);
            turn.tx
                .event("adopted", self.id, Some(scan.scan.id), &action.id, now)?;
            return self.adopt(turn, &scan.scan, action, scan.sent_at);
        }
        if page.odd.iter().any(|row| row.may_be(&sent)) {
            listing.unclear.insert(scan.scan.id);
        }
        if let Some(newest) = page.open_of(&scan.scan.machine).filter(|_| scan.busy) {
            let kept = listing
                .foreign
                .entry(scan.scan.machine.clone())
                .or_insert_with(|| newest.clone());
            if kept.created < newest.created {
                *kept = newest.clone();
            }
        }
        Ok(())
    }

    /// The last page was read, or there is none to be had.
    fn ends(
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
    fn conclude(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
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

    /// A running scan that is not over: look again later, the older the later. That holds for those that were due;
    /// others keep their time, and the times of old ones lie on a grid, so that one list serves many.
    pub(super) fn look_on(
        &mut self,
        tx: &mut Tx<'_>,
        scan: &OpenScan,
        found: bool,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let age = self.far(now).since(scan.far_sent_at);
        let wait = (age / 8).clamp(self.pace.follow_first, self.pace.follow_most);
        let reads = self.gets.are_allowed(&self.gate);
        // Absence in a list is no proof of anything: what lists go on missing is read by its id.
        let misses = match scan.misses.saturating_add(1) {
            _ if found => 0,
            misses if reads => misses,
            misses => misses.min(MISSES - 1),
        };
        let old = age + wait > self.pace.old;
        if old && !(MISSES..=READ_IN_VAIN).contains(&misses) {
            self.lists
                .old_no_later_than(now.plus(self.pace.follow_most));
            return tx.look_again(scan.scan.id, misses % READ_IN_VAIN, None);
        }
        let look_at = if misses < MISSES {
            on_grid(now, wait, self.pace.follow_first)
        } else if misses == MISSES {
            now
        } else {
            let patience = self
                .pace
                .follow_first
                .saturating_mul(1 << (misses - MISSES).min(16));
            now.plus(patience.min(self.pace.follow_most))
        };
        tx.look_again(scan.scan.id, misses, Some(look_at))
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

/// The time of the next look, `wait` from now or a little sooner: a multiple of a span of up to half the wait, which
/// scans of about the same age share.
fn on_grid(now: Timestamp, wait: Duration, first: Duration) -> Timestamp {
    let mut grid = first.max(Duration::from_millis(1));
    if grid.saturating_mul(2) > wait {
        return now.plus(wait);
    }
    while grid.saturating_mul(4) <= wait {
        grid = grid.saturating_mul(2);
    }
    let at = now.plus(wait).millis();
    Timestamp::from_millis(at - at.rem_euclid(i64::try_from(grid.as_millis()).unwrap_or(1)))
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
