//! The errand of sending: intent and ledger entry first, then the call, then what its answer means.

use core::time::Duration;

use super::call::Call;
use super::event::WorkerEvent;
use super::intent::{Intent, created, ended, tail, urgent_since};
use super::paused::LOOKS;
use super::state::TenantWorker;
use super::turn::Turn;
use super::unfollowed::lost_unseen;
use crate::defender::reply::{self, ActionView, DefenderError, ScanReply, Sent};
use crate::defender::{Answer, request};
use crate::journal::{self, Api, Cited, JournalError, MISSES, RequeueWait, ScanRow, Tx};
use crate::policy::Policy;
use scanhook_core::comment::Citation;
use scanhook_core::scan::{Kind, Outcome};
use scanhook_core::time::Timestamp;
use scanhook_core::wait::FORBIDDEN;

/// Dry scans that end in one poll.
const DRY_STEP: usize = 64;

/// A machine that stays busy, or that Defender goes on forbidding, is tried again at growing distances, up to this.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);
/// A window that the policy in force does not know may come back with the next one: looked at so often.
const UNKNOWN_WINDOW: Duration = Duration::from_secs(300);

impl TenantWorker {
    /// Dry scans end at their turn. They need no token and no quota.
    pub(super) fn end_dry(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        for _ in 0..DRY_STEP {
            let Some(scan) = turn.tx.next_scan(self.id, true)? else {
                return Ok(());
            };
            turn.tx.finish(scan.id, Outcome::DryRun, None, now)?;
            turn.events
                .push(ended(turn.tx, &scan, Outcome::DryRun, Duration::ZERO)?);
        }
        turn.wake(now);
        Ok(())
    }

    /// Sends what may be sent: by priority, then age, inside both windows; nothing that a person holds back.
    pub(super) fn poll_scans(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        if !self.account.sends || self.pauses.whole {
            return Ok(());
        }
        let mut looks = LOOKS;
        while let Some((scan, again)) = self.next(turn.tx)? {
            if self.held_back(turn.tx, &scan)?
                || self.waits_for_window(turn, policy, &scan, again)?
            {
                looks -= 1;
                if looks == 0 {
                    // Others have work for the journal, too.
                    turn.wake(now);
                    return Ok(());
                }
                continue;
            }
            if turn.tx.too_old(self.id, &scan, now)? {
                drop_too_old(turn, &scan)?;
                continue;
            }
            let urgent = urgent_since(&scan, now).is_some();
            let free_at = if urgent {
                self.free_at(Api::Scan, now)
            } else {
                self.ordinary_at(now)
            };
            if free_at > now {
                turn.wake(free_at);
                self.has_spent(free_at, now);
                return Ok(());
            }
            if !self.send(turn, policy, scan)? {
                return Ok(());
            }
        }
        self.calm(Api::Scan);
        Ok(())
    }

    /// Sends a scan. False: there is no token.
    fn send(
        &mut self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        scan: ScanRow,
    ) -> Result<bool, JournalError> {
        let now = turn.now;
        let Some((bearer, generation)) = self.gate.bearer(now) else {
            return Ok(false);
        };
        let with_external_id = self.account.external_id && self.gate.with_external_id(scan.id);
        let cited = turn.tx.cited(scan.id)?;
        let comment = comment(policy, &self.account.name, &scan, &cited)?;
        let order = request::ScanOrder {
            machine: &scan.machine,
            kind: scan.kind,
            comment: &comment,
            external_id: with_external_id.then_some(scan.uuid),
        };
        let request = request::scan(&self.account.endpoints, bearer, &order);
        let far_sent_at = turn.tx.begin_sending(scan.id, self.far(now), now)?;
        let about = Box::new(turn.tx.about_scan(scan.id)?);
        turn.events.push(WorkerEvent::Sent {
            about,
            kind: scan.kind,
            waited: now.since(created(&scan)),
        });
        let intent = Intent {
            scan,
            with_external_id,
            generation,
            far_sent_at,
        };
        self.enter(turn, Call::Scan(intent), request)?;
        Ok(true)
    }

    /// The next scan to send: a waiting one, or (true) one whose first call is believed not to have been executed.
    fn next(&self, tx: &Tx<'_>) -> Result<Option<(ScanRow, bool)>, JournalError> {
        let again = tx.next_again(self.id)?;
        let waiting = tx.next_scan(self.id, false)?;
        Ok(match (again, waiting) {
            (Some(again), Some(waiting)) if waiting.priority > again.priority => {
                Some((waiting, false))
            }
            (Some(again), _) => Some((again, true)),
            (None, waiting) => waiting.map(|waiting| (waiting, false)),
        })
    }

    /// Whether a scan whose turn it is may not leave now, because its windows are closed. Then its turn comes when they
    /// open. One that is sent again is looked for once more first.
    fn waits_for_window(
        &self,
        turn: &mut Turn<'_, '_>,
        policy: &Policy,
        scan: &ScanRow,
        again: bool,
    ) -> Result<bool, JournalError> {
        let now = turn.now;
        let opens = policy.rules().opens(&scan.openings, now);
        if opens <= now {
            return Ok(false);
        }
        let opens = Some(opens).filter(|opens| *opens < Timestamp::NEVER);
        let then = now.plus(UNKNOWN_WINDOW);
        if again {
            turn.tx
                .look_again(scan.id, MISSES - 1, Some(opens.unwrap_or(then)))?;
        } else {
            turn.tx.wait_for_window(scan.id, opens, then)?;
        }
        turn.wake(opens.unwrap_or(then));
        Ok(true)
    }

    /// Scans that wait for something else than their turn are dropped when they are too old, and not only when their
    /// turn comes: a machine that stays busy for days must not hide that nothing will come of them.
    pub(super) fn drop_overdue(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        if self.pauses.whole {
            return Ok(());
        }
        for scan in turn.tx.overdue_behind(self.id, now)? {
            if turn.tx.held_back_by(&self.pauses.narrow, &scan)?.is_some() {
                continue;
            }
            let good_until = turn.tx.good_until(self.id, &scan, now)?;
            if good_until < now {
                drop_too_old(turn, &scan)?;
            } else {
                turn.tx.extend(scan.id, good_until)?;
            }
        }
        let at = turn.tx.next_overdue_behind(self.id, now)?;
        turn.wake(at);
        Ok(())
    }

    /// Scans whose turn it would be and that are too old, where nothing is sent.
    pub(super) fn drop_too_old(&mut self, turn: &mut Turn<'_, '_>) -> Result<(), JournalError> {
        let now = turn.now;
        while let Some((scan, _)) = self.next(turn.tx)? {
            let good_until = turn.tx.good_until(self.id, &scan, now)?;
            if good_until >= now {
                turn.wake(good_until.plus(Duration::from_millis(1)));
                return Ok(());
            }
            drop_too_old(turn, &scan)?;
        }
        Ok(())
    }

    /// How long a scan waits whose machine was busy or forbidden so often: twice as long each time.
    pub(super) fn put_off(&self, times: u32) -> Duration {
        self.pace
            .busy
            .saturating_mul(1 << times.min(8))
            .min(LONGEST_WAIT)
    }

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

    /// The action is ours: from here on it is followed, if it has not ended already.
    pub(super) fn adopt(
        &mut self,
        turn: &mut Turn<'_, '_>,
        scan: &ScanRow,
        action: &ActionView,
        sent_at: Timestamp,
    ) -> Result<(), JournalError> {
        let now = turn.now;
        turn.tx.to_running(
            scan.id,
            &action.id,
            true,
            None,
            now.plus(self.pace.follow_first),
        )?;
        if let Some(outcome) = action.status.outcome() {
            self.end(turn, scan, outcome, action, sent_at)?;
        }
        Ok(())
    }

    /// Somebody else's open action stands in the way: it covers ours, or ours waits for it to end. A kind that is
    /// not stated is not Full.
    pub(super) fn meet_foreign(
        &mut self,
        tx: &mut Tx<'_>,
        scan: &ScanRow,
        action: &ActionView,
        now: Timestamp,
    ) -> Result<&'static str, JournalError> {
        if tx.drop_if_called_off(scan.id, now)? {
            // Nothing of ours was begun, and theirs is not ours to call off.
            return Ok("called_off");
        }
        let open = action.status.outcome().is_none();
        if open && action.kind.unwrap_or(Kind::Quick) >= scan.kind {
            tx.to_running(
                scan.id,
                &action.id,
                false,
                action.created,
                now.plus(self.pace.follow_first),
            )?;
            tx.event("foreign", self.id, Some(scan.id), &action.id, now)?;
            return Ok("foreign");
        }
        let wait = match open && self.may_get() {
            true => RequeueWait::Action(&action.id, now.plus(self.pace.busy)),
            false => RequeueWait::Until(now.plus(self.put_off(scan.tries)), &action.id),
        };
        tx.to_waiting(scan.id, wait, now)?;
        tx.event("blocked", self.id, Some(scan.id), &action.id, now)?;
        Ok("blocked")
    }
}

/// Ends a scan that has waited for too long.
fn drop_too_old(turn: &mut Turn<'_, '_>, scan: &ScanRow) -> Result<(), JournalError> {
    let now = turn.now;
    let outcome = if lost_unseen(turn.tx, scan, now)? {
        Outcome::Lost
    } else {
        Outcome::TooOld
    };
    if outcome == Outcome::TooOld {
        turn.tx.drop_scan(scan.id, outcome, None, now)?;
    }
    turn.events
        .push(ended(turn.tx, scan, outcome, Duration::ZERO)?);
    Ok(())
}

/// The comment cites every alert of the scan; the other fields are those of the first one.
fn comment(
    policy: &Policy,
    tenant: &str,
    scan: &ScanRow,
    cited: &[Cited],
) -> Result<String, JournalError> {
    let Some(first) = cited.first() else {
        return Err(JournalError::Conflict("a scan that no decision points to"));
    };
    let more: Vec<&str> = cited[1..]
        .iter()
        .map(|cited| cited.alert.id.as_str())
        .collect();
    let device = first
        .alert
        .devices
        .iter()
        .find(|device| device.label() == first.device)
        .cloned()
        .unwrap_or_default();
    let citation = Citation {
        kind: scan.kind,
        first: &first.alert.id,
        more: &more,
        source: &first.source,
        rule: &first.rule,
        tenant,
        alert: &first.alert,
        device: &device,
        scan_tail: &tail(scan),
    };
    Ok(policy.comment(citation).as_str().to_owned())
}
