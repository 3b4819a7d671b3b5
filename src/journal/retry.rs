//! Once more, because a person says so: scans that came to nothing, decisions that were dropped, and alerts that could
//! not be read. All of them come back through [`Tx::admit`], on the terms of today, limits included.

use core::time::Duration;

use rusqlite::params;
use uuid::Uuid;

use super::accept::Acceptance;
use super::error::JournalError;
use super::held::HeldDecision;
use super::keys::TenantId;
use super::new_decision::Again;
use super::outcome::{Done, OnTerms, Thing, happened_to, thing, told, unknown};
use super::packed::Body;
use super::reader::Reader;
use super::rows::all;
use super::scan_row::damaged;
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::alert::Alert;
use scanhook_core::delivery::VerifiedDelivery;
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

/// A delivery that is to be read again.
pub struct Recalled {
    /// Its row.
    pub row: i64,
    /// The source it came from.
    pub source: String,
    /// The request as it was authenticated; `None`: its body is past retention.
    pub delivery: Option<VerifiedDelivery>,
}

/// What stands behind the ids of an order.
#[derive(Default)]
pub struct Sorted {
    /// Scans, decisions, and ids of nothing.
    pub others: Vec<Uuid>,
    /// Deliveries.
    pub deliveries: Vec<i64>,
}

impl Reader<'_> {
    /// Tells deliveries from the other ids.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn sort_out(&self, ids: &[Uuid]) -> Result<Sorted, JournalError> {
        let mut sorted = Sorted::default();
        for id in ids {
            match thing(self.db, *id)? {
                Some(Thing::Delivery(row)) => sorted.deliveries.push(row),
                _ => sorted.others.push(*id),
            }
        }
        Ok(sorted)
    }

    /// A delivery with its body.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn recall(&self, row: i64) -> Result<Recalled, JournalError> {
        let sql = "SELECT source, received_at, body FROM delivery WHERE id = ?";
        Ok(self.db.prepare_cached(sql)?.query_row([row], |found| {
            let source: String = found.get(0)?;
            let received = Timestamp::from_millis(found.get(1)?);
            let body: Option<Body> = found.get(2)?;
            let delivery =
                body.map(|body| VerifiedDelivery::recalled(&source, body.0.into(), received));
            Ok(Recalled {
                row,
                source,
                delivery,
            })
        })?)
    }

    /// A delivery that is not read again, with what stands in the way.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn not_read_again(&self, row: i64, why: Done) -> Result<ItemView, JournalError> {
        told(self.db, Thing::Delivery(row), why)
    }
}

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

    /// The answer for a delivery of which no alert is parked: a retry that came before has done it, or there was never
    /// anything to retry.
    fn nothing_parked(&self, row: i64) -> Result<ItemView, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM event e JOIN decision d ON d.id = e.decision
                   WHERE d.delivery = ? AND e.what = 'retried')";
        let before: bool = self
            .db
            .prepare_cached(sql)?
            .query_row([row], |found| found.get(0))?;
        let done = if before {
            Done::Already
        } else {
            Done::NotRetryable
        };
        told(self.db, Thing::Delivery(row), done)
    }

    /// Takes in what a delivery reads as now. Only alerts that were parked are replaced: where as many are read as
    /// before, those at their places; otherwise all that have not the id of one that stays.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn read_again(
        &mut self,
        row: i64,
        acceptance: &Acceptance,
        by: &By,
        now: Timestamp,
    ) -> Result<ItemView, JournalError> {
        let stored = all(
            self.db,
            "SELECT n, alert_id, state, fields FROM alert WHERE delivery = ? ORDER BY n",
            [row],
            |found| {
                let n = usize::try_from(found.get::<_, i64>(0)?).unwrap_or(usize::MAX);
                let alert = serde_json::from_str(&found.get::<_, String>(3)?)
                    .unwrap_or_else(|_| Alert::default());
                let id = known_by(&found.get::<_, String>(1)?, alert.id_derived);
                Ok((n, id, found.get::<_, String>(2)? == "parked"))
            },
        )?;
        if !stored.iter().any(|(_, _, parked)| *parked) {
            return self.nothing_parked(row);
        }
        self.db
            .prepare_cached("DELETE FROM alert WHERE delivery = ? AND state = 'parked'")?
            .execute([row])?;
        let same = stored.len() == acceptance.alerts.len();
        let kept: Vec<&str> = stored
            .iter()
            .filter(|(.., parked)| !parked)
            .map(|(_, id, _)| id.as_str())
            .collect();
        let mut free = stored
            .iter()
            .map(|(n, ..)| *n)
            .max()
            .map_or(0, |most| most + 1);
        let mut places = stored
            .iter()
            .filter(|(.., parked)| *parked)
            .map(|(n, ..)| *n);
        let since = now.minus(acceptance.remember);
        for (n, alert) in acceptance.alerts.iter().enumerate() {
            let place = if same {
                stored
                    .get(n)
                    .filter(|(.., parked)| *parked)
                    .map(|(n, ..)| *n)
            } else if kept
                .contains(&known_by(&alert.item.alert().id, alert.item.alert().id_derived).as_str())
            {
                None
            } else {
                places.next().or_else(|| {
                    free += 1;
                    Some(free - 1)
                })
            };
            if let Some(place) = place {
                self.accept_alert(acceptance, row, place, alert, since, now)?;
            }
        }
        let made = "SELECT id, tenant FROM decision WHERE delivery = ? AND at = ?";
        let made: Vec<(i64, TenantId)> = all(self.db, made, params![row, now.millis()], |found| {
            Ok((found.get(0)?, TenantId(found.get(1)?)))
        })?;
        for (decision, tenant) in &made {
            self.person_did("retried", by, (*tenant, None, Some(*decision)), None, now)?;
        }
        if made.is_empty() {
            self.person_did("retried", by, (None, None, None), Some("a delivery"), now)?;
        }
        told(self.db, Thing::Delivery(row), Done::Retried)
    }
}

/// What tells an alert from the others of its delivery. Of an id that was derived that is the number behind the hash:
/// earlier versions took another hash.
fn known_by(id: &str, derived: bool) -> String {
    let number = id.split_once('.').map_or("", |(_, number)| number);
    if derived {
        format!("derived.{number}")
    } else {
        id.to_owned()
    }
}
