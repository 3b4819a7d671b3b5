//! The errand of a far side that cannot be reached while nothing wants to call it: it is tried all the same, so that the
//! end of the outage shows. One row of the list of machine actions is asked for, and not looked at.

use super::call::Call;
use super::probe_call::Probe;
use super::reach::Reach;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::list::{self, ListReply};
use crate::defender::request::first_page;
use crate::defender::{Answer, request};
use crate::journal::{Api, JournalError};
use scanhook_core::obstacles::FarSide;

impl TenantWorker {
    /// Tries a Defender that cannot be reached, where this poll has sent it nothing else; in a dry run as well, which asks for
    /// machines all the same. Entra ID is asked for a token
    /// whether somebody needs one or not.
    pub(super) fn poll_probe(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        let asked = |api: &Api| Reach::side(*api) == FarSide::Defender;
        if !self.reach.is_silent(FarSide::Defender)
            || self.leaving.values().any(|(api, _)| asked(api))
            || self.free_at(Api::List, now) > now
        {
            return Ok(());
        }
        let Some((bearer, generation)) = self.backoff.bearer(now) else {
            return Ok(());
        };
        let endpoints = &self.account.endpoints;
        let asked = first_page(endpoints, self.far(now), 1);
        let request = request::page(endpoints, bearer, &asked);
        self.enter(turn, Call::Probe(Probe { generation, asked }), request)
    }

    pub(super) fn probe_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        probe: &Probe,
        answer: &Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Answer::Http(response) = answer else {
            self.rest(now);
            return Ok(());
        };
        match list::read(response, &probe.asked, &self.account.endpoints) {
            ListReply::Page(_) | ListReply::TooLong | ListReply::Forbidden(_) => self.reached(),
            ListReply::Unauthorized(refusal) => {
                self.unauthorized(turn, probe.generation, &refusal);
            }
            ListReply::Throttled(span) => self.pause(turn, span)?,
            ListReply::Failed(_) => self.rest(now),
        }
        Ok(())
    }
}
