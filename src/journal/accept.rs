//! Intake's one transaction: delivery, alerts, decisions and scans, or none of it.

use std::collections::BTreeMap;

use super::acceptance::Acceptance;
use super::counts::Counted;
use super::db::{AskedAbout, KnownQuestion, OptionalExtension, Value, params};
use super::error::JournalError;
use super::keys::{PolicyId, TenantId};
use super::receipt::receipt;
use super::tx::Tx;
use crate::api::Receipt;
use scanhook_core::delivery::VerifiedDelivery;
use scanhook_core::time::Timestamp;

/// Alerts and decisions that a receipt is made of as they are stored; a longer one is read back from its rows.
const TOLD: usize = 64;

/// The delivery that has this key, and when it came.
pub(super) fn known_by_key(delivery: &VerifiedDelivery) -> KnownQuestion {
    let key = delivery.key().as_bytes().to_vec();
    KnownQuestion {
        sql: "SELECT id, received_at FROM delivery WHERE key = ?",
        values: vec![Value::Blob(key.clone())],
        about: AskedAbout::Delivery(key),
    }
}

impl Tx<'_> {
    /// The tenant's row, made when it is new.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tenant(&mut self, name: &str) -> Result<TenantId, JournalError> {
        let known = self
            .db
            .prepare_cached("SELECT id FROM tenant WHERE name = ?")?
            .query_row([name], |row| row.get(0))
            .optional()?;
        Ok(TenantId(match known {
            Some(id) => id,
            None => self
                .db
                .insert("INSERT INTO tenant(name) VALUES (?)", [name])?,
        }))
    }

    /// The policy's row, made when it is new.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn policy(
        &mut self,
        hash: &str,
        rules: &str,
        now: Timestamp,
    ) -> Result<PolicyId, JournalError> {
        let known: Option<i64> = self
            .db
            .prepare_cached("SELECT id FROM policy WHERE hash = ?")?
            .query_row([hash], |row| row.get(0))
            .optional()?;
        if let Some(id) = known {
            self.db
                .prepare_cached("UPDATE policy SET loaded_at = ? WHERE id = ?")?
                .execute(params![now.millis(), id])?;
            return Ok(PolicyId(id));
        }
        let sql = "INSERT INTO policy(hash, rules, loaded_at) VALUES (?, ?, ?)";
        let id = self.db.insert(sql, params![hash, rules, now.millis()])?;
        Ok(PolicyId(id))
    }

    /// Stores a delivery with all that follows from it, or recognises it.
    ///
    /// # Errors
    /// When the journal cannot be written; then nothing of it is stored.
    pub fn accept(
        &mut self,
        acceptance: &Acceptance,
        now: Timestamp,
    ) -> Result<Receipt, JournalError> {
        let delivery = &acceptance.delivery;
        let since = now.minus(acceptance.remember);
        let asked = known_by_key(delivery);
        let known: Option<(i64, i64)> = self
            .db
            .query_row(asked.sql, &asked, |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        match known {
            // Also one from the future, which came before the clock was set back: the same bytes are the same delivery.
            Some((id, received)) if received > since.millis() => return receipt(self.db, id, true),
            Some((id, _)) => {
                self.db
                    .prepare_cached("UPDATE delivery SET key = NULL WHERE id = ?")?
                    .execute([id])?;
            }
            None => {}
        }
        let uuid = self.new_uuid(now);
        let row = self.db.insert(
            "INSERT INTO delivery(uuid, key, source, received_at, body, credential) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                uuid,
                delivery.key().as_bytes().as_slice(),
                delivery.source(),
                delivery.received().millis(),
                acceptance.body,
                delivery.credential()
            ],
        )?;
        self.db.differs(&asked.about);
        self.count_alerts(acceptance, now);
        let mut alerts = Vec::with_capacity(acceptance.alerts.len());
        for (n, alert) in acceptance.alerts.iter().enumerate() {
            alerts.push(self.accept_alert(acceptance, row, n, alert, since, now)?);
        }
        if alerts
            .iter()
            .map(|alert| 1 + alert.decisions.len())
            .sum::<usize>()
            > TOLD
        {
            return receipt(self.db, row, false);
        }
        Ok(Receipt {
            delivery: uuid.to_string(),
            duplicate: false,
            alerts,
            truncated: None,
        })
    }

    /// The alerts of each tenant, and those of none.
    fn count_alerts(&mut self, acceptance: &Acceptance, now: Timestamp) {
        let mut of: BTreeMap<Option<TenantId>, usize> = BTreeMap::new();
        for alert in &acceptance.alerts {
            let tenant = alert.decided.as_ref().map(|decided| decided.tenant);
            *of.entry(tenant).or_default() += 1;
        }
        for (tenant, many) in of {
            self.count(Counted::Alerts, tenant, many, now);
        }
    }
}
