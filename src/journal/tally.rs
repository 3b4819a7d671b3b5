//! What is counted of decisions, scans and calls. `counts` adds it up and writes it.

use super::backfill::DAY;
use super::counts::{Counted, MINUTE};
use super::error::JournalError;
use super::keys::{PolicyId, TenantId};
use super::tx::Tx;
use scanhook_core::scan::{DecisionState, Outcome, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Guarded;

/// A decision as it is counted: for whom, by which policy and rule.
pub(super) struct Tallied<'t> {
    pub(super) tenant: TenantId,
    pub(super) policy: PolicyId,
    pub(super) rule: Option<&'t str>,
    /// It was counted when it was made first, and is made once more.
    pub(super) again: bool,
}

impl Tx<'_> {
    /// So many of these happened; to nobody's tenant where none is named.
    pub(super) fn count(
        &mut self,
        what: Counted,
        tenant: Option<TenantId>,
        many: usize,
        now: Timestamp,
    ) {
        let minute = (now.millis() / MINUTE * MINUTE, tenant.map_or(0, |of| of.0));
        let [alerts, calls, held] = self.counts.minutes.entry(minute).or_default();
        let counted = match what {
            Counted::Alerts => alerts,
            Counted::ScanCalls => calls,
            Counted::Held => held,
        };
        *counted += i64::try_from(many).unwrap_or(i64::MAX);
    }

    /// A decision is made, or made once more.
    pub(super) fn tally_decision(
        &mut self,
        of: &Tallied<'_>,
        (state, reason): (DecisionState, Reason),
        protections: &[Guarded],
        now: Timestamp,
    ) {
        if state == DecisionState::Held && !of.again {
            self.count(Counted::Held, Some(of.tenant), 1, now);
        }
        // What waits for the directory is counted once that has answered.
        if state == DecisionState::Resolving {
            return;
        }
        let again = if of.again { "again:" } else { "" };
        let what = format!("{again}{}:{}", state.code(), reason.code());
        self.tally(
            of.tenant,
            of.policy.0,
            of.rule.unwrap_or_default(),
            &what,
            now,
        );
        if of.again {
            return;
        }
        for hit in protections {
            let what = format!("guards:{}", hit.how.code());
            self.tally(of.tenant, of.policy.0, &hit.name, &what, now);
        }
    }

    /// A scan is over.
    pub(super) fn tally_end(
        &mut self,
        scan: ScanId,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let sql = "SELECT tenant, coalesce(rule, ''), coalesce((SELECT policy FROM decision WHERE scan = ?1 LIMIT 1), 0)
                   FROM scan WHERE id = ?1";
        let (tenant, rule, policy): (i64, String, i64) = self
            .db
            .prepare_cached(sql)?
            .query_row([scan.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let what = format!("ended:{}", outcome.code());
        self.tally(TenantId(tenant), policy, &rule, &what, now);
        Ok(())
    }

    fn tally(&mut self, tenant: TenantId, policy: i64, rule: &str, what: &str, now: Timestamp) {
        let day = now.millis() / DAY * DAY;
        let key = (day, tenant.0, policy, rule.to_owned(), what.to_owned());
        let all = self.counts.tallies.entry(key).or_default();
        *all = (all.0 + 1, all.1.max(now.millis()));
    }
}
