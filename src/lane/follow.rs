//! The errand of looking: one list serves all open scans. It ends running ones, finds the actions of unknown ones,
//! and after two complete lists without such an action its scan is sent again.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use super::scan::{ended, tail};
use super::{Call, Happened, Lane, MISSES, Todo};
use crate::defender::reply::{self, ActionReply, ActionView, ListReply, Sent};
use crate::defender::request::NextPage;
use crate::defender::{Answer, request};
use crate::domain::alert::MachineId;
use crate::domain::scan::{Outcome, ScanId};
use crate::domain::time::Timestamp;
use crate::journal::{Api, JournalError, MACHINE_BUSY, OpenScan, ScanRow, Tx, Wait};

/// Pages of one list; more are an error of the far side.
const PAGES: u32 = 50;

/// A list under way, page by page.
pub(super) struct Listing {
    /// When its first page was asked for: what was sent later need not be in it.
    begun: Timestamp,
    /// By the far side's clock.
    since: Timestamp,
    next: Option<NextPage>,
    pages: u32,
    /// Scans whose action was on an earlier page.
    found: BTreeSet<ScanId>,
    /// Somebody else's open action per machine that is busy, the newest.
    foreign: BTreeMap<MachineId, ActionView>,
}

impl Listing {
    /// The wall clock was set by so many milliseconds.
    pub(super) fn moved(&mut self, by: i64) {
        self.begun = self.begun.moved(by);
    }
}

impl Lane {
    /// Asks for the list, or its next page, when an open scan wants to be looked at.
    pub(super) fn poll_list(&mut self, tx: &mut Tx<'_>, todo: &mut Todo, now: Timestamp) -> Result<(), JournalError> {
        if self.is_under_way(Api::List) || !self.gate.may_read() {
            return Ok(());
        }
        if self.listing.is_none() {
            let Some((look_at, oldest)) = tx.next_look(self.id, MISSES)? else { return Ok(()) };
            // Many open scans of different ages share a list; none of them is worth one of its own.
            let look_at = look_at.max(self.listed_at.plus(self.pace.follow_first));
            if look_at > now {
                todo.wake(look_at);
                return Ok(());
            }
            self.listed_at = now;
            self.listing = Some(Listing {
                begun: now,
                // What keeps a machine busy may have begun long before our call.
                since: if tx.any_busy(self.id)? {
                    self.far(now).minus(self.account.follow_for)
                } else {
                    oldest.minus(self.pace.skew)
                },
                next: None,
                pages: 0,
                found: BTreeSet::new(),
                foreign: BTreeMap::new(),
            });
        }
        let free_at = self.free_at(Api::List, now);
        if free_at > now {
            todo.wake(free_at);
            return Ok(());
        }
        let Some((bearer, generation)) = self.gate.bearer(now) else { return Ok(()) };
        let Some(listing) = &self.listing else { return Ok(()) };
        let query = request::ListQuery { since: listing.since, next: listing.next.clone() };
        let request = request::list(&self.account.endpoints, bearer, &query);
        self.enter(tx, todo, Call::List(generation), request, now)
    }

    /// Scans that no list has ended within the give-up age are lost, whether or not a list can be had at all.
    pub(super) fn give_up(&mut self, tx: &mut Tx<'_>, todo: &mut Todo, now: Timestamp) -> Result<(), JournalError> {
        for scan in tx.sent_before(self.id, now.minus(self.account.follow_for))? {
            let detail = "no final status was seen in time; what the machine did is not known";
            tx.finish(scan.id, Outcome::Lost, Some(detail), now)?;
            todo.happened.push(ended(&scan, Outcome::Lost, self.account.follow_for));
        }
        if let Some(oldest) = tx.oldest_open(self.id)? {
            todo.wake(oldest.plus(self.account.follow_for).plus(Duration::from_millis(1)));
        }
        Ok(())
    }

    pub(super) fn list_answer(
        &mut self,
        tx: &mut Tx<'_>,
        generation: u64,
        answer: Answer,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        let Some(mut listing) = self.listing.take() else {
            return Err(JournalError::Conflict("a page of a list that nobody asked for"));
        };
        let reply = match &answer {
            Answer::Http(response) => reply::list(response, &self.account.endpoints),
            Answer::NotSent(_) | Answer::Unknown(_) => ListReply::Failed("not-answered"),
        };
        match reply {
            ListReply::Page { actions, unreadable, next, foreign_next } => {
                self.could_read();
                listing.pages += 1;
                let open = tx.open_scans(self.id)?;
                self.match_page(tx, &mut listing, &open, &actions, now, happened)?;
                if foreign_next || unreadable > 0 || (next.is_some() && listing.pages >= PAGES) {
                    // What other pages hold is not known, so nothing may be concluded from their absence.
                    happened.push(Happened::Alarm { code: "list-incomplete" });
                    return self.look_later(tx, &listing, now);
                }
                listing.next = next;
                if listing.next.is_some() {
                    self.listing = Some(listing);
                    return Ok(());
                }
                self.conclude(tx, &listing, now, happened)
            }
            ListReply::Unauthorized(refusal) => {
                self.unauthorized(generation, &refusal, now, happened);
                Ok(())
            }
            ListReply::Forbidden(refusal) => {
                self.reading_forbidden(&refusal, happened);
                Ok(())
            }
            ListReply::Throttled(span) => self.pause(tx, span, now, happened),
            ListReply::Failed(_) => {
                self.rest(now);
                Ok(())
            }
        }
    }

    /// Ends and adopts what this page holds.
    fn match_page(
        &mut self,
        tx: &mut Tx<'_>,
        listing: &mut Listing,
        open: &[OpenScan],
        actions: &[ActionView],
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        let by_id: BTreeMap<&str, &ActionView> = actions.iter().map(|action| (action.id.as_str(), action)).collect();
        for scan in open {
            let running = scan.action.as_ref().and_then(|id| by_id.get(id.as_str()));
            if let Some(action) = running {
                listing.found.insert(scan.scan.id);
                if let Some(outcome) = action.status.outcome() {
                    self.end(tx, &scan.scan, outcome, action, scan.sent_at, now, happened)?;
                }
            } else if scan.action.is_none() && !listing.found.contains(&scan.scan.id) {
                self.match_unknown(tx, listing, scan, actions, now, happened)?;
            }
        }
        Ok(())
    }

    fn match_unknown(
        &mut self,
        tx: &mut Tx<'_>,
        listing: &mut Listing,
        scan: &OpenScan,
        actions: &[ActionView],
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        let tail = tail(&scan.scan);
        let sent = Sent {
            machine: &scan.scan.machine,
            // Whether or not calls carry it now, the one that was lost may have.
            external_id: Some(scan.scan.uuid),
            tail: &tail,
            // Every try of a scan carries the same id, and an earlier one may be what is found.
            since: listing.since,
        };
        if let Some(action) = actions.iter().find(|action| reply::is_ours(action, &sent)) {
            listing.found.insert(scan.scan.id);
            tx.event("adopted", self.id, Some(scan.scan.id), &action.id, now)?;
            return self.adopt(tx, &scan.scan, action, scan.sent_at, now, happened);
        }
        if scan.busy {
            let others = actions.iter().filter(|a| {
                a.machine.as_ref() == Some(&scan.scan.machine) && a.is_scan() && a.status.outcome().is_none()
            });
            if let Some(newest) = others.max_by_key(|action| action.created) {
                let kept = listing.foreign.entry(scan.scan.machine.clone()).or_insert_with(|| newest.clone());
                if kept.created < newest.created {
                    *kept = newest.clone();
                }
            }
        }
        Ok(())
    }

    /// All pages are read: what was not found is missing from a complete list.
    fn conclude(
        &mut self,
        tx: &mut Tx<'_>,
        listing: &Listing,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        for scan in tx.open_scans(self.id)? {
            let id = scan.scan.id;
            if scan.action.is_some() {
                self.look_on(tx, &scan, listing.found.contains(&id), now)?;
            } else if scan.look_at > listing.begun {
                // It became unknown after this list was begun, or its settle time is not over.
            } else if !scan.busy {
                tx.look_again(id, scan.misses + 1, now.plus(self.pace.settle))?;
            } else if let Some(action) = listing.foreign.get(&scan.scan.machine) {
                let what = self.meet_foreign(tx, &scan.scan, action, now)?;
                happened.push(Happened::Answered { scan: scan.scan.uuid, kind: scan.scan.kind, what });
            } else if scan.misses == 0 {
                tx.look_again(id, 1, now.plus(self.pace.settle))?;
            } else {
                // Whatever kept the machine busy is over or not listed: the refused call was not executed, so it
                // may be tried again.
                let until = now.plus(self.put_off(scan.scan.tries.saturating_sub(1)));
                tx.to_waiting(id, Wait::Until(until, MACHINE_BUSY), now)?;
            }
        }
        Ok(())
    }

    /// A running scan that is not over: look again later, the older the later. That holds for each
    /// scan, whichever of them asked for this list: otherwise each would ask for lists of its own, and fifty of them
    /// spend the hour's budget.
    pub(super) fn look_on(
        &self,
        tx: &mut Tx<'_>,
        scan: &OpenScan,
        found: bool,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let age = now.since(scan.sent_at);
        let wait = (age / 8).clamp(self.pace.follow_first, self.pace.follow_most);
        // Absence in a list is no proof of anything: what lists go on missing is read by its id.
        let misses = if found { 0 } else { scan.misses.saturating_add(1) };
        tx.look_again(scan.scan.id, misses, now.plus(wait))
    }

    /// A list of which nobody knows what it left out. What it held is known; an unknown scan learns nothing from it.
    fn look_later(&self, tx: &mut Tx<'_>, listing: &Listing, now: Timestamp) -> Result<(), JournalError> {
        for scan in tx.open_scans(self.id)? {
            if scan.action.is_some() {
                self.look_on(tx, &scan, listing.found.contains(&scan.scan.id), now)?;
            } else if scan.look_at <= now {
                tx.look_again(scan.scan.id, scan.misses, now.plus(self.pace.follow_most))?;
            }
        }
        Ok(())
    }

    /// Reads the one running scan by its id that lists have missed, when it is due.
    pub(super) fn poll_get(&mut self, tx: &mut Tx<'_>, todo: &mut Todo, now: Timestamp) -> Result<(), JournalError> {
        if self.is_under_way(Api::Get) || !self.gate.may_read() {
            return Ok(());
        }
        let Some(scan) = tx.missed(self.id, MISSES)? else { return Ok(()) };
        let free_at = self.free_at(Api::Get, now);
        if free_at > now {
            todo.wake(free_at);
            return Ok(());
        }
        let Some((bearer, generation)) = self.gate.bearer(now) else { return Ok(()) };
        let request = request::action(&self.account.endpoints, bearer, scan.action.as_deref().unwrap_or_default());
        self.enter(tx, todo, Call::Get(Box::new(scan), generation), request, now)
    }

    pub(super) fn get_answer(
        &mut self,
        tx: &mut Tx<'_>,
        scan: &OpenScan,
        generation: u64,
        answer: Answer,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        // A list may have ended it meanwhile.
        let still = tx.open_scan(scan.scan.id)?;
        let reply = match &answer {
            Answer::Http(response) => reply::action(response),
            Answer::NotSent(_) | Answer::Unknown(_) => ActionReply::Failed("not-answered"),
        };
        match (reply, still) {
            (ActionReply::Action(action), Some(scan)) => {
                self.authorized();
                match action.status.outcome() {
                    Some(outcome) => self.end(tx, &scan.scan, outcome, &action, scan.sent_at, now, happened)?,
                    None => self.look_on(tx, &scan, true, now)?,
                }
            }
            // A new action may answer 404 for its first seconds.
            (ActionReply::Gone, Some(scan)) if now.since(scan.sent_at) <= self.pace.settle => {
                self.authorized();
                self.look_on(tx, &scan, true, now)?;
            }
            (ActionReply::Gone, Some(scan)) => {
                self.authorized();
                happened.push(Happened::Alarm { code: "action-gone" });
                let detail = "Defender no longer knows the machine action; what the machine did is not known";
                tx.finish(scan.scan.id, Outcome::Lost, Some(detail), now)?;
                happened.push(ended(&scan.scan, Outcome::Lost, now.since(scan.sent_at)));
            }
            (ActionReply::Unauthorized(refusal), _) => self.unauthorized(generation, &refusal, now, happened),
            (ActionReply::Forbidden(refusal), _) => self.reading_forbidden(&refusal, happened),
            (ActionReply::Throttled(span), _) => self.pause(tx, span, now, happened)?,
            (ActionReply::Failed(_), _) => self.rest(now),
            (ActionReply::Action(_) | ActionReply::Gone, None) => self.authorized(),
        }
        Ok(())
    }

    /// The action has a final status.
    #[allow(clippy::too_many_arguments, reason = "what ended, how, and when, with where to tell it")]
    pub(super) fn end(
        &mut self,
        tx: &mut Tx<'_>,
        scan: &ScanRow,
        outcome: Outcome,
        action: &ActionView,
        sent_at: Timestamp,
        now: Timestamp,
        happened: &mut Vec<Happened>,
    ) -> Result<(), JournalError> {
        tx.finish(scan.id, outcome, detail(outcome, action).as_deref(), now)?;
        let took: Duration = now.since(sent_at);
        happened.push(ended(scan, outcome, took));
        Ok(())
    }
}

/// What the record says beyond the outcome. `errorHResult` is shown, not interpreted: its values are not documented.
fn detail(outcome: Outcome, action: &ActionView) -> Option<String> {
    match outcome {
        Outcome::Failed => Some(format!("errorHResult {} (0x{:08x})", action.hresult, action.hresult & 0xffff_ffff)),
        Outcome::Cancelled => Some(format!(
            "by {}: {}",
            action.cancellation_requestor.as_deref().unwrap_or("somebody unnamed"),
            action.cancellation_comment.as_deref().unwrap_or("no comment")
        )),
        _ => None,
    }
}
