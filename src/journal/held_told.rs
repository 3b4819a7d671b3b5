//! A decision is held: who has to know is told, and a limit that holds it is told as well. The group stands in `lasting`
//! while any of it is held, so that a receiver that opens an incident for it hears of its end.

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::occasion::Occasion;
use super::rows::all;
use super::tx::Tx;
use scanhook_core::message::MessageType;
use scanhook_core::scan::Reason;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// A decision came to be held. `of_rule`: it is the rule's own limit that is spent.
    pub(super) fn tell_held(
        &mut self,
        (tenant, decision): (TenantId, i64),
        (reason, rule): (Reason, Option<&str>),
        of_rule: bool,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let key = key(reason.code(), rule);
        let held = Occasion::new(MessageType::DecisionHeld, tenant, &key).of_decision(decision);
        self.tell(&held, now)?;
        self.db.later(
            "INSERT INTO lasting(what, tenant, key, since, said) VALUES (?, ?, ?, ?, '{}') ON CONFLICT DO NOTHING",
            params![
                MessageType::DecisionHeld.code(),
                tenant.0,
                key,
                now.millis()
            ],
        )?;
        if reason == Reason::Limit {
            let rule = rule.filter(|_| of_rule).unwrap_or_default();
            let spent =
                Occasion::new(MessageType::LimitReached, tenant, rule).of_decision(decision);
            self.tell(&spent, now)?;
        }
        Ok(())
    }

    /// Tells of each group of which nothing is held any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn tell_ended_holds(&mut self, now: Timestamp) -> Result<(), JournalError> {
        let what = MessageType::DecisionHeld;
        let groups = "SELECT tenant, key FROM lasting WHERE what = ?";
        let groups = all(self.db, groups, [what.code()], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
        })?;
        for (tenant, key) in groups {
            let (reason, rule) = key.split_once('/').unwrap_or((&key, ""));
            let sql = "SELECT EXISTS (SELECT 1 FROM decision INDEXED BY decision_held_group
                       WHERE tenant = ? AND reason = ? AND coalesce(rule, '') = ? AND state = 'held')";
            let some: bool = self
                .db
                .prepare_cached(sql)?
                .query_row(params![tenant, reason, rule], |row| row.get(0))?;
            if !some {
                let over = Occasion::new(what, TenantId(tenant), &key).resolved();
                self.ends(what, &over, now)?;
            }
        }
        Ok(())
    }
}

/// The group of a held decision within its tenant.
fn key(reason: &str, rule: Option<&str>) -> String {
    format!("{reason}/{}", rule.unwrap_or_default())
}
