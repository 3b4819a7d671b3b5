//! The end of holding: decisions that nobody has answered in time are dropped.

use rusqlite::params;

use super::error::JournalError;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::about::About;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

/// Decisions dropped at once that are told by name: more would keep senders waiting.
const MOST_NAMED: usize = 200;

impl Tx<'_> {
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
        self.db
            .prepare_cached(&format!(
                "INSERT INTO event(at, what, tenant, decision, data) SELECT ?2, 'expired', ?1, id, reason {DUE}"
            ))?
            .execute(params![tenant.0, now.millis()])?;
        let named = format!("SELECT id {DUE} ORDER BY id LIMIT {MOST_NAMED}");
        let named: Vec<i64> = all(self.db, &named, params![tenant.0, now.millis()], |row| {
            row.get(0)
        })?;
        let expired = self
            .db
            .prepare_cached(
                "UPDATE decision SET state = 'dropped', why = json_set(why, '$.held', reason), reason = 'expired',
                        look_at = NULL
                 WHERE tenant = ?1 AND state = 'held' AND look_at <= ?2",
            )?
            .execute(params![tenant.0, now.millis()])?;
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
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(look_at) FROM decision
                 WHERE tenant = ? AND state = 'held'",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok((
            expired,
            named,
            next.map_or(Timestamp::NEVER, Timestamp::from_millis),
        ))
    }
}
