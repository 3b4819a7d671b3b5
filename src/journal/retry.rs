//! Once more, because a person says so: scans that came to nothing, decisions that were dropped, and, in `read_again`,
//! alerts that could not be read. All of them come back through [`Tx::admit`], on the terms of today, limits included.

use uuid::Uuid;

use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::keys::TenantId;
use super::make_again::RetryOrder;
use super::outcome::{Done, OnTerms, happened_to, told, unknown};
use super::rows::all;
use super::scan_row::damaged;
use super::thing::{Thing, thing};
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::person::By;
use scanhook_core::scan::{DecisionState, Outcome, Reason, ScanId};
use scanhook_core::time::Timestamp;

/// How a scan may have ended to be tried again: whatever is no success, and no dry run.
pub(super) const AGAIN: &[Outcome] = &[
    Outcome::Failed,
    Outcome::Timeout,
    Outcome::Cancelled,
    Outcome::Lost,
    Outcome::TooOld,
    Outcome::NoSuchMachine,
    Outcome::Unsupported,
    Outcome::Refused,
];

impl Tx<'_> {
    /// Tries each of these scans and decisions again. The decisions of a scan are made once more together.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn retry(
        &mut self,
        ids: &[Uuid],
        by: &By,
        at_once: bool,
        terms: &OnTerms<'_>,
        now: Timestamp,
    ) -> Result<Vec<ItemView>, JournalError> {
        let order = RetryOrder {
            by,
            at_once,
            terms,
            now,
        };
        let mut items = Vec::new();
        for id in ids {
            let (thing, done) = match thing(self.db, *id)? {
                Some(Thing::Scan(row)) => (Thing::Scan(row), self.retry_scan(ScanId(row), &order)?),
                Some(Thing::Decision(row)) => {
                    (Thing::Decision(row), self.retry_decision(row, &order)?)
                }
                Some(Thing::Delivery(row)) => (Thing::Delivery(row), Done::NotRetryable),
                None => {
                    items.push(unknown(*id));
                    continue;
                }
            };
            items.push(told(self.db, thing, done)?);
        }
        Ok(items)
    }

    fn retry_scan(&mut self, scan: ScanId, order: &RetryOrder<'_>) -> Result<Done, JournalError> {
        let (by, now) = (order.by, order.now);
        let (tenant, outcome): (i64, Option<String>) = self
            .db
            .prepare_cached("SELECT tenant, outcome FROM scan WHERE id = ?")?
            .query_row([scan.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if !outcome
            .as_deref()
            .and_then(Outcome::of_code)
            .is_some_and(|outcome| AGAIN.contains(&outcome))
        {
            return Ok(Done::NotRetryable);
        }
        let sql = "SELECT * FROM decision WHERE scan = ? ORDER BY id";
        let decisions = all(self.db, sql, [scan.0], HeldDecision::read)?;
        if decisions.is_empty() {
            let sql = "SELECT EXISTS (SELECT 1 FROM event WHERE scan = ? AND what = 'retried')";
            let before: bool = self
                .db
                .prepare_cached(sql)?
                .query_row([scan.0], |row| row.get(0))?;
            return Ok(if before {
                Done::Already
            } else {
                Done::NotRetryable
            });
        }
        let mut answers = None;
        for decided in decisions {
            let decided = decided.ok_or_else(damaged)?;
            let Some(now_answers) = self.make_again(&decided, order)? else {
                return Ok(Done::NotConfigured);
            };
            answers = answers.or(now_answers);
        }
        let tenant = TenantId(tenant);
        let uuid = |tx: &Tx<'_>, scan: ScanId| -> Result<Uuid, JournalError> {
            let sql = "SELECT uuid FROM scan WHERE id = ?";
            Ok(tx
                .db
                .prepare_cached(sql)?
                .query_row([scan.0], |row| row.get(0))?)
        };
        let became = answers.map(|new| uuid(self, new)).transpose()?;
        let mut detail = became.map_or_else(|| "held".to_owned(), |new| format!("as scan {new}"));
        if order.at_once {
            detail += ", regardless of windows";
        }
        self.person_did(
            "retried",
            by,
            (tenant, Some(scan), None),
            Some(&detail),
            now,
        )?;
        if let Some(new) = answers {
            let detail = format!("of scan {}", uuid(self, scan)?);
            self.person_did("retry", by, (tenant, Some(new), None), Some(&detail), now)?;
        }
        Ok(Done::Retried)
    }

    fn retry_decision(&mut self, row: i64, order: &RetryOrder<'_>) -> Result<Done, JournalError> {
        let decided = self.decided(row)?;
        match (decided.state, decided.scan) {
            // One whose source is configured again is decided by its rules, as it should have been.
            (DecisionState::Held, _) if decided.reason == Reason::SourceRemoved => {
                let again = self.make_again(&decided, order)?;
                Ok(if again.is_some() {
                    Done::Retried
                } else {
                    Done::NotConfigured
                })
            }
            (DecisionState::Dropped, _)
                if decided.wanted.is_some() || decided.lost_its_source() =>
            {
                let again = self.make_again(&decided, order)?;
                Ok(if again.is_some() {
                    Done::Retried
                } else {
                    Done::NotConfigured
                })
            }
            (DecisionState::Scan, Some(scan)) => match self.retry_scan(scan, order)? {
                Done::NotRetryable if happened_to(self.db, "retried", row)? => Ok(Done::Already),
                done => Ok(done),
            },
            _ if happened_to(self.db, "retried", row)? => Ok(Done::Already),
            _ => Ok(Done::NotRetryable),
        }
    }
}
