//! The errand of resolving: which machine is it, and what is it? One look-up serves every decision that waits for the
//! same answer; when it has come, or will not come, they are decided anew by the policy of that moment.
//!
//! 1. `Policy::decide` finds that a scan is wanted and the machine, or a fact that a rule needs, not known:
//!    `Asks::Resolve`. The decision is stored as *resolving*, to be decided by the end of `resolve_within` at the
//!    latest.
//! 2. `decide_resolving` takes resolving decisions whose `asks` is NULL. `directory::resolve` says which question comes
//!    next; `Tx::wait_for` opens it, or finds it open, and writes it into `asks`. However many decisions wait, a
//!    question is one row.
//! 3. `poll_looks` takes the most urgent open question whose API has quota. The answer, all its pages, is stored by
//!    `Tx::answered`, which sets `asks` of all who waited back to NULL; the next poll goes on with them.
//! 4. Once `resolve` has all it needs, the policy of that moment decides the stored alert with the record's facts, and
//!    `Tx::admit` writes into the decision's row: it keeps its time and its id.
//!
//! * Nobody or several: decided with facts unknown; a wanted scan is held, with the candidates in `why`. A machine that
//!   cannot be scanned: a wanted scan is dropped.
//! * An error or no answer: the question is due again 1 to 60 seconds later and its API rests; scans do not. A 403, or
//!   a token without a role that reads: nobody waits, all are decided as if the directory were silent.
//! * The end of `resolve_within`: `Tx::recall_late` sets `asks` back to NULL, and what is not known then is silence. An
//!   id is scanned if the rules say so; a name is held, and decided anew when its question, which stays open, is
//!   answered. The time is counted by a clock that stands while nobody may ask (`AskingTime`).
//! * The source is gone from scanhook.toml: held, `source_removed`. After a crash a look-up under way is made again.
//!
//! An answer is good for decisions of the next 10 minutes (2, where it is nobody or several) and for those that were
//! there before it. A 404 to a scan with Defender's code deletes what led to that machine; any other 404 comes from a
//! gateway, so the scan is *unknown* and the question failed.

use core::time::Duration;

use super::call::Call;
use super::event::WorkerEvent;
use super::looks::{Lookup, Pages, wait};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::directory::{self, LookReply};
use crate::defender::reply::DefenderError;
use crate::in_force::SourceBinding;
use crate::journal::{
    Admitted, Again, Api, JournalError, LONGEST_WAIT, NewDecision, OpenQuestion, PolicyId,
    Resolving, Tx,
};
use crate::policy::{Policy, PolicyQuestion as Asked, Terms};
use scanhook_core::alert::Device;
use scanhook_core::directory::{LookupStep, NoAnswer, Question, Records, Resolution, resolve};
use scanhook_core::json::Json;
use scanhook_core::obstacles::FarSide;
use scanhook_core::rules::{Facts, Memo};
use scanhook_core::scan::{DecisionState, Priority, Reason};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Openings, Verdict};

/// A look-up that is refused with a 429 was a try, and counts for as long as one that nobody answers: otherwise a directory
/// that refuses each of them would be waited for without an end.
const REFUSED: Duration = Duration::from_secs(30);
/// Decisions that are looked at in one poll.
const STEP: usize = 128;
/// Pages of one answer; more are an error of the far side.
const PAGES: u32 = 10;

/// A decision with all that it is decided from.
struct Pending<'a> {
    policy: &'a Policy,
    id: PolicyId,
    row: &'a Resolving,
    desk: &'a SourceBinding,
    tenant: &'a str,
    terms: Terms,
    device: Device,
    body: Option<&'a Json<'a>>,
    memo: &'a Memo,
}

impl Pending<'_> {
    fn verdict(&self, facts: Facts) -> Verdict {
        let (source, terms, alert) = (&self.desk.source, self.terms, &self.row.alert);
        self.policy.decide(Asked {
            source,
            tenant: self.tenant,
            terms,
            alert,
            device: &self.device,
            facts,
            body: self.body,
            at: self.row.received,
            memo: Some(self.memo),
        })
    }

    /// The verdict by what the directory says, and why no scan can begin, if none can.
    fn verdict_by(&self, resolution: &Resolution, now: Timestamp) -> (Verdict, Option<Reason>) {
        let mut verdict = self.verdict(resolution.facts());
        let mut barred = resolution.barred(&self.device);
        if let Asks::Scan(wanted) = &mut verdict.asks {
            if self.row.said.as_ref().is_some_and(|said| said.at_once) {
                (wanted.start, wanted.openings) = (None, Openings::always());
            }
            // Its age counts from the receipt, or from a retry, not from the directory's answer.
            let age = now.since(self.row.since);
            barred = barred.or((age >= wanted.max_age).then_some(Reason::TooOld));
            wanted.max_age = wanted.max_age.saturating_sub(age);
        }
        (verdict, barred)
    }

    /// The decision as one that is made once more.
    fn again(&self) -> Again {
        Again {
            decision: self.row.decision,
            from: self.row.from,
            said: self.row.said.clone(),
            counted: true,
            renewed: false,
        }
    }

    /// How urgent it would be if the directory had nothing to say.
    fn priority(&self) -> Priority {
        match self.verdict(Facts::Silent).asks {
            Asks::Hold(_, wanted) | Asks::Scan(wanted) => wanted.priority,
            Asks::Nothing(_) | Asks::Resolve(_) => Priority::of_severity(self.row.alert.severity),
        }
    }
}

impl TenantWorker {
    /// Why there is no use in asking, if there is none.
    fn silence(&self) -> Option<NoAnswer> {
        if self.moved_to.is_some() {
            return Some(NoAnswer::Moved);
        }
        if !self.gate.reads() {
            return Some(NoAnswer::NoRole);
        }
        self.looks
            .forbidden
            .filter(|generation| *generation == self.gate.generation())
            .map(|_| NoAnswer::Forbidden)
    }

    /// Decides what can be decided, and notes what the others wait for.
    pub(super) fn decide_resolving(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        id: PolicyId,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let silence = self.silence();
        if silence.is_some() {
            turn.tx.recall_resolving(self.id)?;
        }
        let may_ask = self.gate.closed_until(now) <= now && self.gate.bearer(now).is_some();
        self.looks.time.goes_on(may_ask, now);
        turn.tx.recall_late(self.id, self.looks.time.at(now))?;
        let mut more = false;
        for rows in [
            turn.tx.resolving(self.id, STEP)?,
            turn.tx.answered_while_held(self.id, STEP)?,
        ] {
            more |= rows.len() == STEP;
            for of_one in rows.chunk_by(|a, b| a.delivery == b.delivery) {
                self.decide_delivery(turn, policy, id, of_one, silence)?;
            }
        }
        let late = turn.tx.next_late(self.id)?;
        let late = late.map_or(Timestamp::NEVER, |late| self.looks.time.when(late, now));
        turn.wake(if more { now } else { late });
        Ok(())
    }

    /// Resolving decisions of one delivery, whose body is read once.
    #[allow(
        clippy::too_many_arguments,
        reason = "what is decided, by what, and where to tell it"
    )]
    fn decide_delivery(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        id: PolicyId,
        rows: &[Resolving],
        silence: Option<NoAnswer>,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(first) = rows.first() else {
            return Ok(());
        };
        let (desks, account) = (self.desks.clone(), self.account.clone());
        // A source acts for this tenant if one of its own is the lane's.
        let acting = desks.get(&first.source).and_then(|desk| {
            let acts_for = desk
                .tenants
                .values()
                .find(|acts_for| acts_for.tenant == self.id)?;
            Some((desk, acts_for.terms))
        });
        let body = turn.tx.body(first.delivery)?;
        let body = body
            .as_deref()
            .and_then(|body| strict_json::read(body).ok());
        let memo = Memo::default();
        for row in rows {
            memo.next_alert();
            let Some((desk, terms)) = acting else {
                if row.from == DecisionState::Held {
                    turn.tx.wait_while_held(self.id, row.decision, None, now)?;
                    continue;
                }
                let reason = Reason::SourceRemoved;
                let told = turn.tx.hold_resolving(
                    self.id,
                    row.decision,
                    reason,
                    policy.rules().hold_for(),
                    now,
                )?;
                let (state, about) = (
                    DecisionState::Held,
                    Box::new(turn.tx.about_decision(row.decision)?),
                );
                turn.events.push(WorkerEvent::Decided {
                    about,
                    state,
                    reason,
                    why: told.why,
                    answered: false,
                });
                continue;
            };
            let device = row
                .alert
                .devices
                .iter()
                .find(|device| device.label() == row.device);
            let device = device.cloned().unwrap_or_default();
            let tenant = &account.name;
            let case = Pending {
                policy,
                id,
                row,
                desk,
                tenant,
                terms,
                device,
                body: body.as_ref(),
                memo: &memo,
            };
            self.decide_case(turn, &case, silence)?;
        }
        Ok(())
    }

    fn decide_case(
        &mut self,
        turn: &mut Turn<'_, '_>,
        case: &Pending<'_>,
        silence: Option<NoAnswer>,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let row = case.row;
        let mut silent = None;
        let step = resolve(&case.device, row.received, now, &mut |question| {
            self.said_lately(turn.tx, row, question, now)
        })?;
        let resolution = match step {
            // What was held for the directory's silence learns nothing from a refusal.
            LookupStep::Done(Resolution::Silent(_)) if row.from == DecisionState::Held => {
                return turn.tx.wait_while_held(self.id, row.decision, None, now);
            }
            LookupStep::Done(resolution) => resolution,
            LookupStep::Ask(question) if row.from == DecisionState::Held => {
                let open = Some((&question, case.priority()));
                return turn.tx.wait_while_held(self.id, row.decision, open, now);
            }
            LookupStep::Ask(question) => {
                match self.silent_on(turn.tx, row, &question, silence, now)? {
                    Some(silence) => {
                        silent = Some(question);
                        Resolution::Silent(silence)
                    }
                    None => {
                        let late_at = row.late_at.unwrap_or(self.looks.time.at(now) + row.within);
                        return turn.tx.wait_for(
                            self.id,
                            row.decision,
                            &question,
                            case.priority(),
                            late_at,
                            now,
                        );
                    }
                }
            }
        };
        let answered = !matches!(resolution, Resolution::Silent(_));
        let (verdict, barred) = case.verdict_by(&resolution, now);
        let new = NewDecision {
            delivery: row.delivery,
            n: row.n,
            tenant: self.id,
            device: &row.device,
            machine: resolution.machine(&case.device),
            policy: case.id,
            again: Some(case.again()),
            barred,
            looked: Some(resolution.looked(&case.device)),
        };
        let (Admitted { state, reason, .. }, told) = turn.tx.admit_told(&new, &verdict, now)?;
        if let Some(question) = silent
            && state == DecisionState::Held
            && matches!(reason, Reason::UnresolvedDevice | Reason::Undecided)
        {
            // It is held for want of an answer: should one come after all, it is decided by that.
            let open = Some((&question, case.priority()));
            turn.tx.wait_while_held(self.id, row.decision, open, now)?;
        }
        turn.events.push(WorkerEvent::Decided {
            about: Box::new(turn.tx.about_decision(row.decision)?),
            state,
            reason,
            why: told.why,
            answered,
        });
        Ok(())
    }

    /// What the directory has said already, if that is still good for this decision.
    fn said_lately(
        &self,
        tx: &Tx<'_>,
        row: &Resolving,
        question: &Question,
        now: Timestamp,
    ) -> Result<Option<Records>, JournalError> {
        let said = tx.said(self.id, question)?;
        // What was said after the decision was made is good for it however long the next question takes. What
        // was said in the future was said before the clock was set back, nobody knows how long ago.
        // A person who says *once more* wants it asked once more.
        let kept =
            |at: Timestamp, found: &Records| row.said.is_none() && now < at.plus(self.kept(found));
        let fresh = |at: Timestamp, found: &Records| at <= now && (at >= row.at || kept(at, found));
        Ok(said
            .filter(|(at, found)| fresh(*at, found))
            .map(|(_, found)| found))
    }

    /// Why a question is not waited for any longer, if it is not.
    fn silent_on(
        &self,
        tx: &Tx<'_>,
        row: &Resolving,
        question: &Question,
        silence: Option<NoAnswer>,
        now: Timestamp,
    ) -> Result<Option<NoAnswer>, JournalError> {
        let late = row
            .late_at
            .is_some_and(|late_at| late_at <= self.looks.time.at(now));
        Ok(match silence {
            None if late && self.reach.is_silent(FarSide::Defender) => Some(NoAnswer::Unreachable),
            None if late && tx.was_asked(self.id, question)? => Some(NoAnswer::Late),
            None => late.then_some(NoAnswer::Queued),
            Some(silence) => Some(silence),
        })
    }

    /// How long an answer is good for decisions that come after it.
    fn kept(&self, found: &Records) -> Duration {
        if found.machine().is_some() {
            self.pace.known_for
        } else {
            self.pace.unknown_for
        }
    }

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
            let Some((bearer, generation)) = self.gate.bearer(now) else {
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

    /// What an answer says to a question.
    fn look_reply(&mut self, look: &Lookup, answer: &Answer, now: Timestamp) -> LookReply {
        match answer {
            Answer::Http(response) => {
                directory::read(response, &look.question, &self.account.endpoints)
            }
            Answer::NotSent(_) => {
                self.rest(now);
                LookReply::Failed("not-answered")
            }
            Answer::Unknown(_) => LookReply::Failed("not-answered"),
        }
    }

    pub(super) fn look_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        look: Lookup,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let Some(mut pages) = self.looks.open.remove(&look.question) else {
            return Err(JournalError::Conflict(
                "an answer to a question that nobody asked",
            ));
        };
        pages.leaving = false;
        match self.look_reply(&look, &answer, now) {
            LookReply::Page {
                rows,
                unreadable,
                next,
                foreign_next,
            } => {
                self.authorized();
                pages.rows.extend(rows);
                pages.read += 1;
                let found = Records::of(pages.rows.clone());
                if unreadable > 0
                    || (!found.more && (foreign_next || (next.is_some() && pages.read >= PAGES)))
                {
                    // What cannot be read may be a second machine of the same name.
                    turn.events.push(WorkerEvent::Alarm {
                        code: "look-incomplete",
                        about: None,
                    });
                    return self.look_failed(turn.tx, &pages.asked, now);
                }
                pages.next = next.filter(|_| !found.more);
                if pages.next.is_some() {
                    self.looks.open.insert(look.question, pages);
                    return Ok(());
                }
                self.look_done(turn.tx, &look, &found, now)
            }
            // Where there was a first page, a later one that is not there proves nothing.
            LookReply::Nobody if pages.read > 0 => self.look_failed(turn.tx, &pages.asked, now),
            LookReply::Nobody => {
                self.authorized();
                self.look_done(turn.tx, &look, &Records::default(), now)
            }
            LookReply::Refused(_) => {
                self.authorized();
                turn.events.push(WorkerEvent::Alarm {
                    code: "look-refused",
                    about: None,
                });
                self.look_done(turn.tx, &look, &Records::refused(), now)
            }
            LookReply::Unauthorized(refusal) => {
                self.unauthorized(turn, look.generation, &refusal);
                Ok(())
            }
            LookReply::Forbidden(refusal) => {
                self.looks_forbidden(turn, look.generation, &refusal);
                Ok(())
            }
            LookReply::Throttled(span) => {
                self.looks.time.passed += REFUSED;
                self.pause(turn, span)
            }
            LookReply::Failed(_) => self.look_failed(turn.tx, &pages.asked, now),
        }
    }

    fn look_done(
        &mut self,
        tx: &mut Tx<'_>,
        look: &Lookup,
        found: &Records,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.looks.rests.remove(&look.api());
        tx.answered(self.id, &look.question, found, now)
    }

    /// Only this API rests: one that fails must not keep scans from being sent.
    fn look_failed(
        &mut self,
        tx: &mut Tx<'_>,
        asked: &OpenQuestion,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let rest = self
            .looks
            .rests
            .entry(Api::of(&asked.question))
            .or_default();
        // Two that were under way together fail together, and count once.
        if rest.until <= now {
            rest.until = now.plus(wait(rest.failures));
            rest.failures = rest.failures.saturating_add(1);
        }
        tx.ask_again(self.id, &asked.question, now.plus(wait(asked.tries)))
    }

    /// Scans do not need the directory: only look-ups stop, until there is another token.
    fn looks_forbidden(
        &mut self,
        turn: &mut Turn<'_, '_>,
        generation: u64,
        refusal: &DefenderError,
    ) {
        if self.looks.forbidden != Some(generation) {
            turn.events.push(WorkerEvent::Alarm {
                code: "look-forbidden",
                about: None,
            });
            self.gate.note(format!(
                "Defender forbids reading machines ({refusal}), so devices without a machine id are held: grant Machine.Read.All"
            ));
        }
        self.looks.forbidden = Some(generation);
    }
}
