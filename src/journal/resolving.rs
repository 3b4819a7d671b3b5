//! Decisions that wait for the directory, with what they are decided from, and those of them that cannot be decided
//! anew.

use core::time::Duration;

use super::alert_receipt::decision_told;
use super::counts::Counted;
use super::db::{OptionalExtension, params};
use super::directory::damaged;
use super::error::JournalError;
use super::keys::TenantId;
use super::packed::Body;
use super::rows::span;
use super::tx::Tx;
use crate::api::DecisionReceipt;
use scanhook_core::alert::Alert;
use scanhook_core::person::Said;
use scanhook_core::scan::{DecisionState, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::why::Why;

/// A decision that waits for the directory, with what it is decided from.
#[derive(Clone, Debug)]
pub struct Resolving {
    pub decision: i64,
    pub delivery: i64,
    /// The alert's place in the delivery.
    pub n: usize,
    /// The device as the alert names it.
    pub device: String,
    /// When it was made, or a person had it made again: what the directory said since then is good for it.
    pub at: Timestamp,
    /// How long it waits, of the time during which the directory may be asked.
    pub within: Duration,
    /// When that is over, by the time for which the directory could be asked; `None`: it has not begun to wait.
    pub late_at: Option<Duration>,
    /// Resolving; or held, because the directory was silent.
    pub from: DecisionState,
    pub source: String,
    /// When the delivery was received.
    pub received: Timestamp,
    /// From when its age counts: the receipt, or a person's word.
    pub since: Timestamp,
    pub said: Option<Said>,
    pub alert: Alert,
}

impl Tx<'_> {
    /// Resolving decisions that are to be looked at, oldest first: new ones, and those whose question was answered.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn resolving(&self, tenant: TenantId, most: usize) -> Result<Vec<Resolving>, JournalError> {
        let which = "d.state = 'resolving' AND d.asks IS NULL";
        self.to_be_decided(tenant, DecisionState::Resolving, which, most)
    }

    /// Decisions that are held because the directory was silent, and whose question was answered by now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn answered_while_held(
        &self,
        tenant: TenantId,
        most: usize,
    ) -> Result<Vec<Resolving>, JournalError> {
        let which = "d.state = 'held' AND d.asks IS NOT NULL AND d.asks = ''";
        self.to_be_decided(tenant, DecisionState::Held, which, most)
    }

    fn to_be_decided(
        &self,
        tenant: TenantId,
        from: DecisionState,
        which: &str,
        most: usize,
    ) -> Result<Vec<Resolving>, JournalError> {
        // Not as a value: SQLite prepares a statement anew for every limit that is bound to it.
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT d.id, d.delivery, d.n, d.device, coalesce(d.again_at, d.at), d.look_at, a.source, v.received_at,
                    coalesce(d.again_at, v.received_at), d.why, a.fields, d.late_at
             FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n JOIN delivery v ON v.id = d.delivery
             WHERE d.tenant = ? AND {which} ORDER BY d.id LIMIT {most}"
        ))?;
        let rows = statement.query_map([tenant.0], |row| {
            let resolving = Resolving {
                decision: row.get(0)?,
                delivery: row.get(1)?,
                n: usize::try_from(row.get::<_, i64>(2)?).unwrap_or(usize::MAX),
                device: row.get(3)?,
                at: Timestamp::from_millis(row.get(4)?),
                within: Timestamp::from_millis(row.get::<_, Option<i64>>(5)?.unwrap_or_default())
                    .since(Timestamp::from_millis(row.get(4)?)),
                late_at: row.get::<_, Option<i64>>(11)?.map(span),
                from,
                source: row.get(6)?,
                received: Timestamp::from_millis(row.get(7)?),
                since: Timestamp::from_millis(row.get(8)?),
                said: serde_json::from_str::<Why>(&row.get::<_, String>(9)?)
                    .unwrap_or_default()
                    .said,
                alert: Alert::default(),
            };
            Ok((resolving, row.get::<_, String>(10)?))
        })?;
        rows.map(|row| {
            let (resolving, fields) = row?;
            Ok(Resolving {
                alert: serde_json::from_str(&fields).map_err(|_| damaged())?,
                ..resolving
            })
        })
        .collect()
    }

    /// The raw body of a delivery; `None` once it is forgotten.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn body(&self, delivery: i64) -> Result<Option<Vec<u8>>, JournalError> {
        let sql = "SELECT body FROM delivery WHERE id = ?";
        let body: Option<Option<Body>> = self
            .db
            .prepare_cached(sql)?
            .query_row([delivery], |row| row.get(0))
            .optional()?;
        Ok(body.flatten().map(|body| body.0))
    }

    /// A resolving decision that cannot be decided anew is held.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it was not resolving.
    pub fn hold_resolving(
        &mut self,
        tenant: TenantId,
        decision: i64,
        reason: Reason,
        hold_for: Duration,
        now: Timestamp,
    ) -> Result<DecisionReceipt, JournalError> {
        let look_at = now.plus(hold_for);
        let why = Why {
            until: Some(look_at),
            ..Why::default()
        };
        let why = serde_json::to_string(&why)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE decision SET state = 'held', reason = ?, why = ?, look_at = ?, asks = NULL
                 WHERE id = ? AND state = 'resolving'",
            )?
            .execute(params![reason.code(), why, look_at.millis(), decision])?;
        self.touch(tenant);
        self.count(Counted::Held, Some(tenant), 1, now);
        if changed != 1 {
            return Err(JournalError::Conflict(
                "a decision that is not resolving is held",
            ));
        }
        let rule: Option<String> = self
            .db
            .prepare_cached("SELECT rule FROM decision WHERE id = ?")?
            .query_row([decision], |row| row.get(0))?;
        self.tell_held((tenant, decision), (reason, rule.as_deref()), false, now)?;
        decision_told(self.db, decision)
    }
}
