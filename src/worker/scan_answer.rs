//! What the answer to a scan call makes of its scan. The sending is in `scan`; here a call has left, and the question
//! is whether it was executed.

use super::event::WorkerEvent;
use super::intent::{Intent, tail};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::reply::{self, DefenderError, ScanReply, Sent};
use crate::journal::{self, JournalError, MISSES, RequeueWait, ScanRow, Tx};
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;
use scanhook_core::wait::FORBIDDEN;

impl TenantWorker {
    pub(super) fn scan_answer(
        &mut self,
        turn: &mut Turn<'_, '_>,
        intent: &Intent,
        answer: Answer,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        let scan = &intent.scan;
        let what = match answer {
            Answer::NotSent(_) => {
                self.rest(now);
                self.not_executed(turn.tx, intent, now)?;
                "not_sent"
            }
            Answer::Unknown(code) => {
                self.rest(now);
                self.unknown(turn.tx, scan, &code, now)?;
                "unknown"
            }
            Answer::Http(response) => {
                let tail = tail(scan);
                let sent = Sent {
                    machine: &scan.machine,
                    external_id: intent.with_external_id.then_some(scan.uuid),
                    tail: &tail,
                    since: intent.far_sent_at.minus(self.pace.skew),
                };
                let reply = reply::scan(&response, &sent);
                self.scan_reply(turn, intent, reply)?
            }
        };
        turn.events.push(WorkerEvent::Answered {
            about: Box::new(turn.tx.about_scan(scan.id)?),
            kind: scan.kind,
            what,
        });
        Ok(())
    }

    fn scan_reply(
        &mut self,
        turn: &mut Turn<'_, '_>,
        intent: &Intent,
        reply: ScanReply,
    ) -> Result<&'static str, JournalError> {
        let now = turn.now;
        let scan = &intent.scan;
        let end = |tx: &mut Tx<'_>, outcome, refusal: &DefenderError| {
            tx.drop_scan(scan.id, outcome, Some(&refusal.to_string()), now)
        };
        match reply {
            ScanReply::Ours(action) => {
                self.carried(intent.generation);
                if !intent.with_external_id {
                    self.gate.took_without_external_id(scan.id);
                }
                self.adopt(turn, scan, &action, now)?;
                return Ok("running");
            }
            ScanReply::Foreign(action) => {
                self.carried(intent.generation);
                return self.meet_foreign(turn.tx, scan, &action, now);
            }
            ScanReply::Busy => {
                self.carried(intent.generation);
                turn.tx
                    .to_unknown(scan.id, true, "the machine is busy with another scan", now)?;
                turn.tx.event(
                    "busy",
                    self.id,
                    Some(scan.id),
                    "a scan of this machine was open at Defender",
                    now,
                )?;
                return Ok("busy");
            }
            ScanReply::ExternalIdRefused => {
                self.gate.try_without_external_id(scan.id);
                self.not_executed(turn.tx, intent, now)?;
                return Ok("external_id_refused");
            }
            ScanReply::Throttled(span) => {
                self.not_executed(turn.tx, intent, now)?;
                self.pause(turn, span)?;
                return Ok("throttled");
            }
            ScanReply::Unauthorized(refusal) => {
                self.not_executed(turn.tx, intent, now)?;
                self.unauthorized(turn, intent.generation, &refusal);
                return Ok("unauthorized");
            }
            ScanReply::Forbidden(refusal) => {
                return self.forbidden(turn, intent, &refusal);
            }
            ScanReply::Unknown { code, alarm } => {
                if alarm {
                    turn.events.push(WorkerEvent::Alarm {
                        code,
                        about: Some(Box::new(turn.tx.about_scan(scan.id)?)),
                    });
                }
                self.rest(now);
                self.unknown(turn.tx, scan, code, now)?;
                return Ok("unknown");
            }
            ScanReply::NoSuchMachine(refusal) => {
                turn.tx.forget_machine(self.id, &scan.machine)?;
                end(turn.tx, Outcome::NoSuchMachine, &refusal)?;
            }
            ScanReply::Unsupported(refusal) => end(turn.tx, Outcome::Unsupported, &refusal)?,
            ScanReply::Refused(refusal) => end(turn.tx, Outcome::Refused, &refusal)?,
        }
        self.authorized();
        Ok("refused")
    }

    /// The call was refused before it could take effect: its turn comes again. One that was sent before stays what it
    /// was, so that nothing joins it and makes it of another kind than its first try.
    fn not_executed(
        &self,
        tx: &mut Tx<'_>,
        intent: &Intent,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if intent.scan.unanswered {
            tx.to_unknown(
                intent.scan.id,
                false,
                "the second try was not executed",
                now,
            )?;
            // As it was before this try: either lists did not hold it, or none could be read.
            if intent.scan.unseen {
                return tx.again_unseen(intent.scan.id, now);
            }
            return tx.look_again(intent.scan.id, MISSES, None);
        }
        tx.to_waiting(intent.scan.id, RequeueWait::Turn, now)
    }

    /// A 403. Where the token is good for other machines, it is this one's own: its scan is put off, and dropped once it
    /// was forbidden often enough while others were carried. Otherwise the tenant stops until somebody mends it.
    fn forbidden(
        &mut self,
        turn: &mut Turn<'_, '_>,
        intent: &Intent,
        refusal: &DefenderError,
    ) -> Result<&'static str, JournalError> {
        let now = turn.now;
        let scan = &intent.scan;
        if !refusal.is("Forbidden")
            || !self
                .gate
                .is_about_one_machine(intent.generation, &scan.machine)
        {
            self.not_executed(turn.tx, intent, now)?;
            self.stop(
                turn,
                "forbidden",
                format!("Defender forbids the scan call: {refusal}"),
            );
            return Ok("forbidden");
        }
        self.reached();
        turn.tx.event(
            "forbidden",
            self.id,
            Some(scan.id),
            &refusal.to_string(),
            now,
        )?;
        if scan.refusals + 1 >= FORBIDDEN && self.gate.has_carried(intent.generation) {
            turn.tx
                .drop_scan(scan.id, Outcome::Refused, Some(&refusal.to_string()), now)?;
            return Ok("refused");
        }
        turn.tx.count_refusal(scan.id)?;
        turn.tx.to_waiting(
            scan.id,
            RequeueWait::Until(now.plus(self.put_off(scan.refusals)), journal::FORBIDDEN),
            now,
        )?;
        Ok("forbidden")
    }

    fn unknown(
        &self,
        tx: &mut Tx<'_>,
        scan: &ScanRow,
        code: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        tx.to_unknown(scan.id, false, code, now.plus(self.pace.settle))?;
        tx.event("unknown", self.id, Some(scan.id), code, now)
    }
}
