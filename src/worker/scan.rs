//! Sends scans: intent and ledger entry first, then the call. What its answer means stands in `scan_answer`.

use core::time::Duration;

use super::call::Call;
use super::event::WorkerEvent;
use super::intent::{Intent, created, tail, urgent_since};
use super::paused::LOOKS;
use super::state::TenantWorker;
use super::too_old::drop_too_old;
use super::turn::Turn;
use crate::defender::request;
use crate::journal::{Api, Cited, JournalError, MISSES, ScanRow, Tx};
use crate::policy::Policy;
use scanhook_core::comment::Citation;
use scanhook_core::time::Timestamp;

/// A window that the policy in force does not know may come back with the next one: looked at so often.
const UNKNOWN_WINDOW: Duration = Duration::from_secs(300);

impl TenantWorker {
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
            // The last part of the quota is kept for what is urgent.
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
        let Some((bearer, generation)) = self.backoff.bearer(now) else {
            return Ok(false);
        };
        let with_external_id = self.account.external_id && self.backoff.with_external_id(scan.id);
        let cited = turn.tx.cited(scan.id)?;
        let comment = comment(policy, &self.account.name, &scan, &cited)?;
        let order = request::ScanOrder {
            machine: &scan.machine,
            kind: scan.kind,
            comment: &comment,
            external_id: with_external_id.then_some(scan.uuid),
        };
        let request = request::scan(&self.account.endpoints, bearer, &order);
        let far_sent_at = turn
            .tx
            .begin_sending(scan.id, self.far_at_the_earliest(now), now)?;
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
    pub(super) fn next(&self, tx: &Tx<'_>) -> Result<Option<(ScanRow, bool)>, JournalError> {
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
