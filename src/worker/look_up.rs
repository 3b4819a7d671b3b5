//! Asking the directory: the most urgent open question whose API has quota leaves first, and a question that was begun
//! goes on with its next page.

use super::call::Call;
use super::looks::{Lookup, Pages};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::directory::{self};
use crate::journal::{Api, JournalError, LONGEST_WAIT, OpenQuestion};
use scanhook_core::scan::Priority;

impl TenantWorker {
    /// Asks what decisions wait for: the most urgent first, each API inside its own budget.
    pub(super) fn poll_looks(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.silence().is_some() {
            return Ok(());
        }
        loop {
            let Some(asked) = self.next_look(turn)? else {
                return Ok(());
            };
            let Some((bearer, generation)) = self.backoff.bearer(now) else {
                return Ok(());
            };
            let question = asked.question.clone();
            let next = self
                .looks
                .open
                .get(&question)
                .and_then(|pages| pages.next.as_ref());
            let request = directory::look(&self.account.endpoints, bearer, &question, next);
            let look = Lookup {
                question: question.clone(),
                generation,
                asked_before: turn.tx.last_asked(self.id, &question)?,
                urgent: asked.priority >= Priority::URGENT,
            };
            turn.tx.asking(self.id, &question, now)?;
            let fresh = Pages {
                asked,
                rows: Vec::new(),
                next: None,
                read: 0,
                leaving: false,
            };
            self.looks.open.entry(question).or_insert(fresh).leaving = true;
            self.enter(turn, Call::Look(look), request)?;
        }
    }

    /// The most urgent question that may be asked now: one that was begun goes on with its next page.
    fn next_look(&self, turn: &mut Turn<'_, '_>) -> Result<Option<OpenQuestion>, JournalError> {
        let now = turn.now;
        let mut best: Option<OpenQuestion> = None;
        for api in [Api::Machine, Api::Machines, Api::FindByIp] {
            let begun = self
                .looks
                .open
                .values()
                .filter(|pages| Api::of(&pages.asked.question) == api);
            let paused = begun
                .filter(|pages| !pages.leaving)
                .map(|pages| pages.asked.clone())
                .next();
            let next = match paused {
                Some(asked) => Some(asked),
                None => turn
                    .tx
                    .open_questions(self.id, api, self.looks.open.len() + 1, now)?
                    .into_iter()
                    .find(|asked| !self.looks.open.contains_key(&asked.question)),
            };
            let at = turn.tx.next_question(self.id, api, now)?;
            turn.wake(at);
            let Some(next) = next else { continue };
            let rest = self.looks.rests.get(&api).map(|rest| rest.until);
            let rest = rest
                .filter(|until| until.since(now) <= LONGEST_WAIT)
                .unwrap_or(now);
            let free_at = self.free_at(api, now).max(rest);
            if free_at > now {
                turn.wake(free_at);
            } else if best
                .as_ref()
                .is_none_or(|best| best.priority < next.priority)
            {
                best = Some(next);
            }
        }
        Ok(best)
    }
}
