//! Intake's one transaction: delivery, alerts, decisions and scans, or none of it.

use core::time::Duration;
use std::collections::BTreeSet;

use rusqlite::{OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::decisions::NewDecision;
use super::error::JournalError;
use super::store::{TenantId, Tx};
use super::views;
use crate::api::Receipt;
use crate::domain::alert::{Alert, AlertReason, AlertState};
use crate::domain::delivery::VerifiedDelivery;
use crate::domain::mapping::Item;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Verdict;

/// A policy's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyId(pub i64);

/// A delivery that was read and decided, ready to be stored.
pub struct Acceptance {
    /// The authenticated request.
    pub delivery: VerifiedDelivery,
    /// How long the source's deliveries and alerts count as the same.
    pub remember: Duration,
    /// The policy that decided.
    pub policy: PolicyId,
    /// Its alerts.
    pub alerts: Vec<AcceptedAlert>,
    /// How many more the sender says it left out; not stored.
    pub left_out: Option<u64>,
}

/// One alert of a delivery.
pub struct AcceptedAlert {
    /// What was read.
    pub item: Item,
    /// What was decided about it; `None` for what cannot be.
    pub decided: Option<Decided>,
}

/// What was decided about an alert.
pub struct Decided {
    /// Who acts on it.
    pub tenant: TenantId,
    /// One per device.
    pub verdicts: Vec<Verdict>,
}

impl Tx<'_> {
    /// The tenant's row, made when it is new.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tenant(&mut self, name: &str) -> Result<TenantId, JournalError> {
        self.db.prepare_cached("INSERT OR IGNORE INTO tenant(name) VALUES (?)")?.execute([name])?;
        let id = self.db.prepare_cached("SELECT id FROM tenant WHERE name = ?")?.query_row([name], |row| row.get(0))?;
        Ok(TenantId(id))
    }

    /// The policy's row, made when it is new.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn policy(&mut self, hash: &str, rules: &str, now: Timestamp) -> Result<PolicyId, JournalError> {
        self.db
            .prepare_cached(
                "INSERT INTO policy(hash, rules, loaded_at) VALUES (?, ?, ?)
                 ON CONFLICT(hash) DO UPDATE SET loaded_at = excluded.loaded_at",
            )?
            .execute(params![hash, rules, now.millis()])?;
        let id = self.db.prepare_cached("SELECT id FROM policy WHERE hash = ?")?.query_row([hash], |row| row.get(0))?;
        Ok(PolicyId(id))
    }

    /// Stores a delivery with all that follows from it, or recognises it.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing of it is stored.
    pub fn accept(&mut self, acceptance: &Acceptance, now: Timestamp) -> Result<Receipt, JournalError> {
        let delivery = &acceptance.delivery;
        let since = now.minus(acceptance.remember);
        let known: Option<(i64, i64)> = self
            .db
            .prepare_cached("SELECT id, received_at FROM delivery WHERE key = ?")?
            .query_row([delivery.key().as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match known {
            Some((id, received)) if received > since.millis() => return views::receipt(self.db, id, true),
            Some((id, _)) => {
                self.db.prepare_cached("UPDATE delivery SET key = NULL WHERE id = ?")?.execute([id])?;
            }
            None => {}
        }
        let uuid = self.new_uuid(now);
        self.db
            .prepare_cached(
                "INSERT INTO delivery(uuid, key, source, received_at, body, credential) VALUES (?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                uuid,
                delivery.key().as_bytes().as_slice(),
                delivery.source(),
                delivery.received().millis(),
                delivery.body().as_ref(),
                delivery.credential()
            ])?;
        let row = self.db.last_insert_rowid();
        for (n, alert) in acceptance.alerts.iter().enumerate() {
            self.accept_alert(acceptance, row, n, alert, since, now)?;
        }
        views::receipt(self.db, row, false)
    }

    pub(super) fn accept_alert(
        &mut self,
        acceptance: &Acceptance,
        delivery: i64,
        n: usize,
        accepted: &AcceptedAlert,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let source = acceptance.delivery.source();
        let (alert, state, reason, detail) = match &accepted.item {
            Item::Parked { reason, alert, detail } => (alert, AlertState::Parked, Some(*reason), Some(detail.as_str())),
            Item::Ignored { alert, detail } => {
                (alert, AlertState::Ignored, Some(AlertReason::Guard), Some(detail.as_str()))
            }
            Item::Alert(alert) if self.is_repeat(source, alert, since)? => {
                (alert, AlertState::Duplicate, Some(AlertReason::Repeated), None)
            }
            Item::Alert(_) if accepted.decided.is_none() => {
                return Err(JournalError::Conflict("an alert that nobody acts on"));
            }
            Item::Alert(alert) => (alert, AlertState::Decided, None, None),
        };
        let key = (state == AlertState::Decided).then(|| key(source, alert));
        if let Some(key) = &key {
            // Only one older than `remember` can still hold it: a younger one would have made this a repeat.
            self.db.prepare_cached("UPDATE alert SET key = NULL WHERE key = ?")?.execute([key.as_slice()])?;
        }
        let fields = serde_json::to_string(alert).map_err(|_| JournalError::Conflict("an alert is no JSON"))?;
        self.db
            .prepare_cached(
                "INSERT INTO alert(delivery, n, source, alert_id, key, state, reason, detail, fields)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![
                delivery,
                i64::try_from(n).unwrap_or(i64::MAX),
                source,
                alert.id,
                key.as_ref().map(|key| key.as_slice()),
                state.code(),
                reason.map(AlertReason::code),
                detail,
                fields
            ])?;
        if let Some(Decided { tenant, verdicts }) = accepted.decided.as_ref().filter(|_| state == AlertState::Decided) {
            for (device, verdict) in alert.devices.iter().zip(verdicts) {
                let new = NewDecision {
                    delivery,
                    n,
                    tenant: *tenant,
                    device: device.label(),
                    machine: device.machine.as_ref(),
                    policy: acceptance.policy,
                    again: None,
                    barred: None,
                    looked: None,
                };
                self.admit(&new, verdict, now)?;
            }
        }
        Ok(())
    }

    /// Whether each of its devices was named, within `remember`, by an alert of the same sameness that was at least as
    /// bad. One that is worse for a single device is no repeat: what was low there must not silence what is high now.
    fn is_repeat(&self, source: &str, alert: &Alert, since: Timestamp) -> Result<bool, JournalError> {
        let (mut low, mut high) = ([0x00; 24], [0xff; 24]);
        let sameness = sameness(source, alert);
        low[..16].copy_from_slice(&sameness);
        high[..16].copy_from_slice(&sameness);
        let mut statement = self.db.prepare_cached(
            "SELECT a.fields FROM alert a JOIN delivery d ON d.id = a.delivery
             WHERE a.key BETWEEN ? AND ? AND d.received_at > ?",
        )?;
        let mut rows = statement.query(params![low.as_slice(), high.as_slice(), since.millis()])?;
        let mut known = BTreeSet::new();
        while let Some(row) = rows.next()? {
            let earlier: Alert = serde_json::from_str(&row.get::<_, String>(0)?)
                .map_err(|_| JournalError::Conflict("an alert's row cannot be read"))?;
            if earlier.severity >= alert.severity {
                known.extend(earlier.devices.iter().map(|device| device.label().to_owned()));
            }
        }
        Ok(alert.devices.iter().all(|device| known.contains(device.label())))
    }
}

/// 16 bytes that say "the same finding of the same source".
fn sameness(source: &str, alert: &Alert) -> [u8; 16] {
    first(&[source.as_bytes(), alert.dedupe.as_bytes()])
}

/// The alert's key: sameness, then how bad it is and whom it concerns.
fn key(source: &str, alert: &Alert) -> [u8; 24] {
    let mut devices: Vec<&[u8]> = alert.devices.iter().map(|device| device.label().as_bytes()).collect();
    devices.sort_unstable();
    devices.insert(0, alert.severity.map_or("", |severity| severity.code()).as_bytes());
    let mut key = [0; 24];
    key[..16].copy_from_slice(&sameness(source, alert));
    key[16..].copy_from_slice(&first::<8>(&devices));
    key
}

/// The first bytes of SHA-256 over the parts, each preceded by its length so that no two lists read alike.
fn first<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; N];
    bytes.copy_from_slice(&hash.finalize()[..N]);
    bytes
}
