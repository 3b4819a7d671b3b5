//! A scan call that was not executed, or of which nobody knows: what its scan is from then on. A 403 may be one
//! machine's own.

use super::intent::Intent;
use super::state::TenantWorker;
use super::turn::Turn;
use crate::defender::reply::DefenderError;
use crate::journal::{self, JournalError, MISSES, RequeueWait, ScanRow, Tx};
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;
use scanhook_core::wait::FORBIDDEN;

impl TenantWorker {
    /// The call was refused before it could take effect: its turn comes again. One that was sent before stays what it
    /// was, so that nothing joins it and makes it of another kind than its first try.
    pub(super) fn not_executed(
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
    pub(super) fn forbidden(
        &mut self,
        turn: &mut Turn<'_, '_>,
        intent: &Intent,
        refusal: &DefenderError,
    ) -> Result<&'static str, JournalError> {
        let now = turn.now;
        let scan = &intent.scan;
        if !refusal.is("Forbidden")
            || !self
                .backoff
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
        if scan.refusals + 1 >= FORBIDDEN && self.backoff.has_carried(intent.generation) {
            let why = self.words_of(refusal);
            turn.tx
                .drop_scan(scan.id, Outcome::Refused, Some(&why), now)?;
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

    /// What a 403 of one machine means for whoever reads it. A person reaches the devices of their groups alone.
    fn words_of(&self, refusal: &DefenderError) -> String {
        let credential = self.account.credential.as_ref().ok();
        match credential.and_then(|credential| credential.user()) {
            Some(_) => format!(
                "{refusal}; the device may be outside of the device groups of the person who signed in"
            ),
            None => refusal.to_string(),
        }
    }

    pub(super) fn unknown(
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
