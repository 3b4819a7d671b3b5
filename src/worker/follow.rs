//! Looks at scans that are open: one list serves every scan that is due. It ends running ones, finds the actions of unknown
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
//! What a complete list proves stands in `conclude`, what a page holds of our scans in `list_match`, when a running scan
//! is looked at again in `look_on`, and when it is not any more in `give_up`. A read by its id that answers 404 early
//! means *not yet*; a later one ends the scan as *lost*, if Defender's own code is in it.
//!
//! **Where reading is forbidden** twice in a row, `unfollowed` ends every open scan by the clock, and `on_unknown` says
//! what becomes of a lost call. One that is sent again is marked `unseen`: called off or too old it ends as *lost*,
//! because its first try may have been executed. The first complete list takes the mark away.

use super::call::Call;
use super::listing::ListStep;
use super::lists::ListCall;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::list::ListReply;
use crate::defender::{Answer, request};
use crate::journal::{Api, JournalError};

impl TenantWorker {
    /// Asks for the list, or its next page, when an open scan wants to be looked at.
    pub(super) fn poll_list(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.is_under_way(Api::List) || !self.backoff.may_read() {
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
        let Some((bearer, generation)) = self.backoff.bearer(now) else {
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
}
