//! Once more, because a person says so: scans that came to nothing, decisions that were dropped, and, in `read_again`,
//! alerts that could not be read. All of them come back through [`Tx::admit`], on the terms of today, limits included.

use uuid::Uuid;

use super::comes_to::{retry_of_decision, retry_of_scan};
use super::error::JournalError;
use super::held_decision::{DECIDED, HeldDecision};
use super::make_again::RetryOrder;
use super::outcome::{Done, OnTerms, told, unknown};
use super::rows::all;
use super::scan_row::damaged;
use super::thing::{Thing, thing};
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::person::By;
use scanhook_core::scan::{DecisionState, ScanId};
use scanhook_core::time::Timestamp;

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
        let done = retry_of_scan(self.db, scan.0)?;
        if done != Done::Retried {
            return Ok(done);
        }
        let sql = format!("SELECT {DECIDED} FROM decision d WHERE d.scan = ? ORDER BY d.id");
        let decisions = all(self.db, &sql, [scan.0], HeldDecision::read)?;
        let (mut answers, mut tenant) = (None, None);
        for decided in decisions {
            let decided = decided.ok_or_else(damaged)?;
            tenant = Some(decided.tenant);
            let Some(now_answers) = self.make_again(&decided, order)? else {
                return Ok(Done::NotConfigured);
            };
            answers = answers.or(now_answers);
        }
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
        let done = retry_of_decision(self.db, &decided)?;
        match (done, decided.state, decided.scan) {
            (Done::Retried, DecisionState::Scan, Some(scan)) => self.retry_scan(scan, order),
            (Done::Retried, ..) => {
                let again = self.make_again(&decided, order)?;
                Ok(again.map_or(Done::NotConfigured, |_| Done::Retried))
            }
            (done, ..) => Ok(done),
        }
    }
}
