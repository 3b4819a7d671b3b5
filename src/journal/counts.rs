//! What happens is counted in the transaction in which it happens: by the minute for the picture of the last hour, by the
//! day for what each rule and protection came to. Jobs only add up; a row of each is written before COMMIT, once for all
//! jobs of a transaction, so that an alert costs next to nothing more.

use std::collections::BTreeMap;

use super::db::{Connection, params};
use super::error::JournalError;

/// Milliseconds of a minute.
pub(super) const MINUTE: i64 = 60_000;

/// What is counted by the minute.
#[derive(Clone, Copy)]
pub(super) enum Counted {
    Alerts,
    ScanCalls,
    Held,
}

/// The day, the tenant, the policy, the rule, and what it came to.
type TallyKey = (i64, i64, i64, String, String);

/// What a job, or all jobs of a transaction, add up.
#[derive(Default)]
pub(super) struct Counts {
    /// Alerts, scan calls and held decisions by minute and tenant.
    pub(super) minutes: BTreeMap<(i64, i64), [i64; 3]>,
    /// How often, and when last.
    pub(super) tallies: BTreeMap<TallyKey, (i64, i64)>,
}

impl Counts {
    /// Takes in what a job has added up.
    pub(super) fn append(&mut self, job: Counts) {
        for (minute, counted) in job.minutes {
            let all = self.minutes.entry(minute).or_default();
            all.iter_mut()
                .zip(counted)
                .for_each(|(all, one)| *all += one);
        }
        for (key, (n, at)) in job.tallies {
            let all = self.tallies.entry(key).or_default();
            *all = (all.0 + n, all.1.max(at));
        }
    }

    /// Writes a row of each.
    pub(super) fn write(&self, db: &Connection) -> Result<(), JournalError> {
        let minute = "INSERT INTO minute(at, tenant, alerts, scan_calls, held) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT(at, tenant) DO UPDATE SET alerts = minute.alerts + ?3, scan_calls = minute.scan_calls + ?4, held = minute.held + ?5";
        for ((at, tenant), [alerts, calls, held]) in &self.minutes {
            db.prepare_cached(minute)?
                .execute(params![at, tenant, alerts, calls, held])?;
        }
        let tally = "INSERT INTO tally(day, tenant, policy, rule, what, n, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT(day, tenant, policy, rule, what) DO UPDATE SET n = tally.n + ?6, at = max(tally.at, ?7)";
        for ((day, tenant, policy, rule, what), (n, at)) in &self.tallies {
            db.prepare_cached(tally)?
                .execute(params![day, tenant, policy, rule, what, n, at])?;
        }
        Ok(())
    }
}
