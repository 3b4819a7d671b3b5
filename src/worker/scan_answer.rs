//! What the answer to a scan call makes of its scan. The sending is in `scan`; here a call has left, and the question
//! is whether it was executed.

use super::event::WorkerEvent;
use super::intent::{Intent, tail};
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::Answer;
use crate::defender::reply::{self, DefenderError, ScanReply, SentScan};
use crate::journal::{JournalError, Tx};
use scanhook_core::scan::Outcome;

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
                let sent = SentScan {
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
                    self.backoff.took_without_external_id(scan.id);
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
                self.backoff.try_without_external_id(scan.id);
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
}
