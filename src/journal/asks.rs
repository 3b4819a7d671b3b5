//! Which question a decision waits for (its `asks`), and until when. The questions themselves are one row each, however
//! many decisions wait.

use core::time::Duration;

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::rows::{millis, span};
use super::tx::Tx;
use scanhook_core::directory::Question;
use scanhook_core::scan::Priority;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// Decisions that have waited long enough are to be looked at, whatever they wait for: `asked` is for how long the
    /// directory could be asked so far.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn recall_late(&mut self, tenant: TenantId, asked: Duration) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE decision SET asks = NULL
                 WHERE tenant = ? AND state = 'resolving' AND late_at <= ? AND asks IS NOT NULL",
            )?
            .execute(params![tenant.0, millis(asked)])?;
        Ok(())
    }

    /// All decisions that wait are to be looked at: there is no use in waiting.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn recall_resolving(&mut self, tenant: TenantId) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE decision SET asks = NULL WHERE tenant = ? AND state = 'resolving' AND asks IS NOT NULL",
            )?
            .execute([tenant.0])?;
        Ok(())
    }

    /// When the next resolving decision has waited long enough, by the time for which the directory could be asked.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_late(&self, tenant: TenantId) -> Result<Option<Duration>, JournalError> {
        let next: Option<i64> = self
            .db
            .prepare_cached(
                "SELECT min(late_at) FROM decision WHERE tenant = ? AND state = 'resolving'",
            )?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(next.map(span))
    }

    /// A resolving decision waits for this question, until `late_at` of the time for which the directory can be asked.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when the decision was not resolving.
    pub fn wait_for(
        &mut self,
        tenant: TenantId,
        decision: i64,
        question: &Question,
        priority: Priority,
        late_at: Duration,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.open_question(tenant, question, priority, now)?;
        let changed = self
            .db
            .prepare_cached(
                "UPDATE decision SET asks = ?, priority = ?, late_at = ? WHERE id = ? AND state = 'resolving'",
            )?
            .execute(params![question.key(), priority.get(), millis(late_at), decision])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(JournalError::Conflict(
                "a decision that is not resolving cannot wait",
            ))
        }
    }

    /// A decision that is held because the directory was silent goes on waiting for this question; `None`: it does not any
    /// more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn wait_while_held(
        &mut self,
        tenant: TenantId,
        decision: i64,
        question: Option<(&Question, Priority)>,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if let Some((question, priority)) = question {
            self.open_question(tenant, question, priority, now)?;
        }
        self.db
            .prepare_cached("UPDATE decision SET asks = ? WHERE id = ? AND state = 'held'")?
            .execute(params![
                question.map(|(question, _)| question.key()),
                decision
            ])?;
        Ok(())
    }
}
