//! The tenant's directory as far as it was asked: what it said, and what is forgotten of it. What is still to be asked
//! stands in `questions`, the decisions that wait in `resolving`, and what each waits for in `asks`.

use super::db::{OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::names;
use super::tx::Tx;
use scanhook_core::alert::MachineId;
use scanhook_core::directory::{Question, Records};
use scanhook_core::time::Timestamp;

pub(super) fn damaged() -> JournalError {
    JournalError::Conflict("a row of the directory holds a value this version cannot read")
}

impl Tx<'_> {
    /// What the directory said to a question, and when; `None` where it was not asked, or has not answered yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn said(
        &self,
        tenant: TenantId,
        question: &Question,
    ) -> Result<Option<(Timestamp, Records)>, JournalError> {
        let row: Option<(i64, String)> = self
            .db
            .prepare_cached(
                "SELECT at, facts FROM device WHERE tenant = ? AND asked = ? AND at IS NOT NULL",
            )?
            .query_row(params![tenant.0, question.key()], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        // What cannot be read is asked for again.
        Ok(row.and_then(|(at, facts)| {
            Some((
                Timestamp::from_millis(at),
                serde_json::from_str(&facts).ok()?,
            ))
        }))
    }

    /// The directory has answered: every decision that waits for this is to be looked at.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn answered(
        &mut self,
        tenant: TenantId,
        question: &Question,
        found: &Records,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let key = question.key();
        let facts = serde_json::to_string(found)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        self.db
            .prepare_cached(
                "UPDATE device SET at = ?, machine = ?, facts = ? WHERE tenant = ? AND asked = ?",
            )?
            .execute(params![
                now.millis(),
                found.machine().map(MachineId::as_str),
                facts,
                tenant.0,
                key
            ])?;
        self.db
            .prepare_cached("UPDATE decision SET asks = NULL WHERE tenant = ? AND state = 'resolving' AND asks = ?")?
            .execute(params![tenant.0, key])?;
        self.db
            .prepare_cached(
                "UPDATE decision SET asks = '' WHERE tenant = ? AND state = 'held' AND asks IS NOT NULL AND asks = ?",
            )?
            .execute(params![tenant.0, key])?;
        names::directory_names(self.db, tenant, found, now)?;
        self.touch(tenant);
        Ok(())
    }

    /// Forgets every answer that led to this machine, which Defender has said it does not know.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn forget_machine(
        &mut self,
        tenant: TenantId,
        machine: &MachineId,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("DELETE FROM device WHERE tenant = ? AND machine = ?")?
            .execute(params![tenant.0, machine.as_str()])?;
        Ok(())
    }
}
