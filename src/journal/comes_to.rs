//! What an order to cancel or to retry would come to, and which of the things it names it can be about. The order asks the
//! same before it changes anything, so its preview says what it will do.

use uuid::Uuid;

use super::cancel::ToCancel;
use super::db::{Connection, OptionalExtension};
use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::keys::TenantId;
use super::outcome::{Done, happened_to};
use super::reader::Reader;
use super::retryable::AGAIN;
use super::selector::Wants;
use super::thing::{Thing, thing};
use crate::api::ItemView;
use scanhook_core::scan::{DecisionState, Outcome, Reason};

impl Reader<'_> {
    /// Scans, each with what would come of calling it off. `may_call`: whether anything may be sent for a tenant.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn would_cancel(
        &self,
        ids: &[Uuid],
        may_call: &dyn Fn(TenantId) -> bool,
    ) -> Result<Vec<ItemView>, JournalError> {
        self.each_with(Wants::Open, ids, |thing| {
            let Thing::Scan(row) = thing else {
                return Ok(Done::UnknownId);
            };
            let found = ToCancel::read(self.db, row)?;
            Ok(found.comes_to(may_call(found.tenant)))
        })
    }

    /// Scans, decisions and deliveries, each with what would come of trying it again. `is_known`: whether a tenant is
    /// configured.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn would_retry(
        &self,
        ids: &[Uuid],
        is_known: &dyn Fn(TenantId) -> bool,
    ) -> Result<Vec<ItemView>, JournalError> {
        self.each_with(Wants::Failed, ids, |thing| {
            let (done, tenant) = match thing {
                Thing::Scan(row) => (retry_of_scan(self.db, row)?, Some(tenant_of(self.db, row)?)),
                Thing::Decision(row) => {
                    let decided = self.decided(row)?;
                    (retry_of_decision(self.db, &decided)?, Some(decided.tenant))
                }
                Thing::Delivery(row) => (retry_of_delivery(self.db, row)?, None),
            };
            let gone = tenant.is_some_and(|tenant| !is_known(tenant));
            Ok(match done {
                Done::Retried if gone => Done::NotConfigured,
                done => done,
            })
        })
    }

    fn each_with(
        &self,
        wants: Wants,
        ids: &[Uuid],
        would: impl Fn(Thing) -> Result<Done, JournalError>,
    ) -> Result<Vec<ItemView>, JournalError> {
        let mut items = self.items(wants, ids)?;
        for item in &mut items {
            let Ok(id) = item.id.parse::<Uuid>() else {
                continue;
            };
            if let Some(thing) = thing(self.db, id)? {
                item.will = Some(would(thing)?.code().to_owned());
            }
        }
        Ok(items)
    }
}

fn tenant_of(db: &Connection, scan: i64) -> Result<TenantId, JournalError> {
    let sql = "SELECT tenant FROM scan WHERE id = ?";
    let tenant = db
        .prepare_cached(sql)?
        .query_row([scan], |row| row.get(0))?;
    Ok(TenantId(tenant))
}

/// Trying a scan again.
pub(super) fn retry_of_scan(db: &Connection, scan: i64) -> Result<Done, JournalError> {
    let outcome: Option<String> = db
        .prepare_cached("SELECT outcome FROM scan WHERE id = ?")?
        .query_row([scan], |row| row.get(0))?;
    let outcome = outcome.as_deref().and_then(Outcome::of_code);
    if !outcome.is_some_and(|outcome| AGAIN.contains(&outcome)) {
        return Ok(Done::NotRetryable);
    }
    let exists = |sql: &str| -> Result<bool, JournalError> {
        let found = db
            .prepare_cached(sql)?
            .query_row([scan], |row| row.get(0))?;
        Ok(found)
    };
    // Its decisions point to the scan that answers now, once it was tried again.
    Ok(
        if exists("SELECT EXISTS (SELECT 1 FROM decision WHERE scan = ?)")? {
            Done::Retried
        } else if exists("SELECT EXISTS (SELECT 1 FROM event WHERE scan = ? AND what = 'retried')")?
        {
            Done::Already
        } else {
            Done::NotRetryable
        },
    )
}

/// Making a decision again.
pub(super) fn retry_of_decision(
    db: &Connection,
    decided: &HeldDecision,
) -> Result<Done, JournalError> {
    let done = match (decided.state, decided.scan) {
        // One whose source is configured again is decided by its rules, as it should have been.
        (DecisionState::Held, _) if decided.reason == Reason::SourceRemoved => Done::Retried,
        (DecisionState::Dropped, _) if decided.wanted.is_some() || decided.lost_its_source() => {
            Done::Retried
        }
        (DecisionState::Scan, Some(scan)) => retry_of_scan(db, scan.0)?,
        _ => Done::NotRetryable,
    };
    Ok(match done {
        Done::NotRetryable if happened_to(db, "retried", decided.id)? => Done::Already,
        done => done,
    })
}

/// Reading a delivery again. One of which no alert is parked was read again before, or there was never anything to retry.
pub(super) fn retry_of_delivery(db: &Connection, row: i64) -> Result<Done, JournalError> {
    let body: Option<bool> = db
        .prepare_cached(
            "SELECT body IS NOT NULL FROM delivery d WHERE id = ?
             AND EXISTS (SELECT 1 FROM alert WHERE delivery = d.id AND state = 'parked')",
        )?
        .query_row([row], |found| found.get(0))
        .optional()?;
    match body {
        Some(true) => return Ok(Done::Retried),
        Some(false) => return Ok(Done::BodyGone),
        None => {}
    }
    let before = "SELECT EXISTS (SELECT 1 FROM event e JOIN decision d ON d.id = e.decision
                  WHERE d.delivery = ? AND e.what = 'retried')";
    let before: bool = db
        .prepare_cached(before)?
        .query_row([row], |found| found.get(0))?;
    Ok(if before {
        Done::Already
    } else {
        Done::NotRetryable
    })
}
