//! Once more, because a person says so: scans that came to nothing, decisions that were dropped, and, in `read_again`,
//! alerts that could not be read. All of them come back through [`Tx::admit`], on the terms of today, limits included.

use core::time::Duration;

use uuid::Uuid;

use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::keys::TenantId;
use super::new_decision::Again;
use super::outcome::{Done, OnTerms, happened_to, told, unknown};
use super::rows::all;
use super::scan_row::damaged;
use super::thing::{Thing, thing};
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::person::{By, Did, Said};
use scanhook_core::scan::{DecisionState, Kind, Outcome, Priority, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict};

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

/// What a person orders.
#[derive(Clone, Copy)]
struct RetryOrder<'o> {
    by: &'o By,
    /// Now, whatever the windows say.
    at_once: bool,
    terms: &'o OnTerms<'o>,
    now: Timestamp,
}

/// How long the directory may take for a decision that is made once more.
const RESOLVE_WITHIN: Duration = Duration::from_secs(300);

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

    /// One decision, made once more. What it was held for before it was dropped holds it again: a retry is no approval.
    /// `None`: its tenant is not configured any more; otherwise the scan that answers now, if one does.
    fn make_again(
        &mut self,
        decided: &HeldDecision,
        order: &RetryOrder<'_>,
    ) -> Result<Option<Option<ScanId>>, JournalError> {
        let RetryOrder {
            by,
            at_once,
            terms,
            now,
        } = *order;
        let why = decided.why();
        let wanted = if decided.lost_its_source() {
            // No rule was asked yet, so nothing says what it wants; only whether its tenant is still there is asked here.
            let any = Some((Kind::Quick, Priority::of_severity(None)));
            decided.wanting(any).on_terms(&why, terms, at_once, now)
        } else {
            decided.on_terms(&why, terms, at_once, now)
        };
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        let asks = match (why.held, decided.reason) {
            _ if decided.lost_its_source() => Asks::Resolve(RESOLVE_WITHIN),
            // The directory spoke against it: it is asked again what it says now, and nothing older is believed.
            (
                None,
                Reason::NoSuchMachine | Reason::Unsupported | Reason::Excluded | Reason::TooOld,
            ) => Asks::Resolve(RESOLVE_WITHIN),
            // A record of schema 1 does not say what it was held for.
            (None, Reason::Expired) => Asks::Hold(Reason::Approval, wanted),
            // These come back by themselves where they still stand.
            (None | Some(Reason::Approval | Reason::Limit | Reason::UnresolvedDevice), _) => {
                Asks::Scan(wanted)
            }
            (Some(reason), _) => Asks::Hold(reason, wanted),
        };
        let verdict = Verdict {
            rule: decided.rule.clone(),
            asks,
            seen: why.seen,
            protections: why.protections,
        };
        let said = Said {
            did: Did::Retried,
            by: by.clone(),
            at_once,
        };
        let again = Again {
            decision: decided.id,
            from: decided.state,
            said: Some(said),
            counted: true,
            renewed: true,
        };
        let scan = self
            .admit(
                &decided.anew(decided.machine.as_ref(), again),
                &verdict,
                now,
            )?
            .scan;
        let detail = at_once.then_some("regardless of windows");
        self.person_did(
            "retried",
            by,
            (decided.tenant, None, Some(decided.id)),
            detail,
            now,
        )?;
        Ok(Some(scan))
    }
}
