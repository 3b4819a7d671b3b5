//! One decision is made anew: what the directory has said is enough, or a question is opened, or its silence counts.

use super::event::WorkerEvent;
use super::pending::Pending;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{Admitted, JournalError, NewDecision};
use scanhook_core::directory::{LookupStep, NoAnswer, Resolution, resolve};
use scanhook_core::scan::{DecisionState, Reason};

impl TenantWorker {
    pub(super) fn decide_case(
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
            severity: None,
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
}
