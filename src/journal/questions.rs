//! Questions to the directory that are still to be asked: opened once for all who wait, asked by urgency, each from the
//! budget of its API, and asked again where no answer came.

use core::time::Duration;

use super::calls::Api;
use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::tx::Tx;
use scanhook_core::directory::Question;
use scanhook_core::scan::Priority;
use scanhook_core::time::Timestamp;

/// No question is left alone for longer than this, also when the clock was set back in between.
pub const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A question that is still to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenQuestion {
    pub question: Question,
    /// Of the most urgent decision that waits for it.
    pub priority: Priority,
    pub tries: u32,
}

impl Api {
    /// The budget a question is asked from.
    #[must_use]
    pub const fn of(question: &Question) -> Api {
        match question {
            Question::Machine(_) => Api::Machine,
            Question::Name(_) | Question::Label(_) | Question::Entra(_) => Api::Machines,
            Question::Address(..) => Api::FindByIp,
        }
    }
}

impl Tx<'_> {
    /// The question is open from now on, if it is not already.
    pub(super) fn open_question(
        &mut self,
        tenant: TenantId,
        question: &Question,
        priority: Priority,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let key = question.key();
        // One that was answered too long ago is open again.
        self.db
            .prepare_cached(
                "INSERT INTO device(tenant, asked, api, priority, since, due) VALUES (?1, ?2, ?3, ?4, ?5, ?5)
                 ON CONFLICT(tenant, asked) DO UPDATE SET
                   priority = CASE WHEN device.at IS NULL THEN max(device.priority, ?4) ELSE ?4 END,
                   since = CASE WHEN device.at IS NULL THEN device.since ELSE ?5 END,
                   due = CASE WHEN device.at IS NULL THEN device.due ELSE ?5 END,
                   tries = CASE WHEN device.at IS NULL THEN device.tries ELSE 0 END,
                   asked_at = CASE WHEN device.at IS NULL THEN device.asked_at END,
                   at = NULL, machine = NULL, facts = NULL",
            )?
            .execute(params![tenant.0, key, Api::of(question).code(), priority.get(), now.millis()])?;
        Ok(())
    }

    /// The question leaves.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn asking(
        &mut self,
        tenant: TenantId,
        question: &Question,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE device SET asked_at = ? WHERE tenant = ? AND asked = ?")?
            .execute(params![now.millis(), tenant.0, question.key()])?;
        Ok(())
    }

    /// When the question last left, if it has since it is open.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn last_asked(
        &self,
        tenant: TenantId,
        question: &Question,
    ) -> Result<Option<Timestamp>, JournalError> {
        let sql = "SELECT asked_at FROM device WHERE tenant = ? AND asked = ?";
        let at = self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, question.key()], |row| {
                row.get::<_, Option<i64>>(0)
            })
            .optional()?;
        Ok(at.flatten().map(Timestamp::from_millis))
    }

    /// No byte of the question has left: it was last asked when it had been before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn not_asked(
        &mut self,
        tenant: TenantId,
        question: &Question,
        before: Option<Timestamp>,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE device SET asked_at = ? WHERE tenant = ? AND asked = ?")?
            .execute(params![
                before.map(Timestamp::millis),
                tenant.0,
                question.key()
            ])?;
        Ok(())
    }

    /// Whether the question was to leave since it is open, and could not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn was_tried(&self, tenant: TenantId, question: &Question) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE tenant = ? AND asked = ? AND asked_at IS NULL AND tries > 0)";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, question.key()], |row| row.get(0))?)
    }

    /// Whether the question has left since it is open.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn was_asked(&self, tenant: TenantId, question: &Question) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM device WHERE tenant = ? AND asked = ? AND asked_at IS NOT NULL)";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, question.key()], |row| row.get(0))?)
    }

    /// A question that got no answer is asked again, but not before this.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn ask_again(
        &mut self,
        tenant: TenantId,
        question: &Question,
        due: Timestamp,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached(
                "UPDATE device SET due = ?, tries = tries + 1 WHERE tenant = ? AND asked = ? AND at IS NULL",
            )?
            .execute(params![due.millis(), tenant.0, question.key()])?;
        Ok(())
    }
}
