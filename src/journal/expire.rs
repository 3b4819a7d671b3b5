//! The end of holding: decisions that nobody has answered in time are dropped.

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::recorded::recorded;
use super::rows::all;
use super::scan_row::damaged;
use super::tx::Tx;
use scanhook_core::about::About;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

/// Decisions dropped at once that are told by name: more would keep senders waiting.
const MOST_NAMED: usize = 200;

impl Tx<'_> {
    /// A held decision is dropped; its record keeps for what it was held.
    fn expire(&mut self, decision: i64) -> Result<(), JournalError> {
        let sql = "SELECT why, reason FROM decision WHERE id = ?";
        let (why, reason): (String, String) = self
            .db
            .prepare_cached(sql)?
            .query_row([decision], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let why = recorded(&why, "held", reason.into()).ok_or_else(damaged)?;
        self.db
            .prepare_cached(
                "UPDATE decision SET state = 'dropped', why = ?, reason = 'expired', look_at = NULL WHERE id = ?",
            )?
            .execute(params![why, decision])?;
        Ok(())
    }

    /// Decisions that were held for too long are dropped. Returns how many, the first of them by name, and when the next
    /// one is.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn expire_held(
        &mut self,
        tenant: TenantId,
        now: Timestamp,
    ) -> Result<(usize, Vec<About>, Timestamp), JournalError> {
        const DUE: &str = "FROM decision WHERE tenant = ?1 AND state = 'held' AND look_at <= ?2";
        let next = self.next_expiry(tenant)?;
        if next > now {
            return Ok((0, Vec::new(), next));
        }
        self.db
            .prepare_cached(&format!(
                "INSERT INTO event(at, what, tenant, decision, data) SELECT ?2, 'expired', ?1, id, reason {DUE}
                 ORDER BY look_at, at, id"
            ))?
            .execute(params![tenant.0, now.millis()])?;
        let due = format!("SELECT id {DUE} ORDER BY id");
        let mut named: Vec<i64> = all(self.db, &due, params![tenant.0, now.millis()], |row| {
            row.get(0)
        })?;
        let expired = named.len();
        for decision in &named {
            self.expire(*decision)?;
        }
        named.truncate(MOST_NAMED);
        if let Some(first) = named.first() {
            let occasion = Occasion::new(MessageType::DecisionExpired, tenant, "")
                .of_decision(*first)
                .counting(expired);
            self.tell(&occasion, now)?;
        }
        let named = named
            .into_iter()
            .map(|row| self.about_decision(row))
            .collect::<Result<_, _>>()?;
        Ok((expired, named, self.next_expiry(tenant)?))
    }

    fn next_expiry(&self, tenant: TenantId) -> Result<Timestamp, JournalError> {
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(look_at) FROM decision
                 WHERE tenant = ? AND state = 'held'",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }
}
