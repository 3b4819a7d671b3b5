//! Which questions to the directory are asked now: those that are due, the most urgent first. One that nobody waits for
//! any more is forgotten.

use super::calls::Api;
use super::db::params;
use super::directory::damaged;
use super::error::JournalError;
use super::keys::TenantId;
use super::questions::{LONGEST_WAIT, OpenQuestion};
use super::tx::Tx;
use scanhook_core::directory::Question;
use scanhook_core::scan::Priority;
use scanhook_core::time::Timestamp;

impl Tx<'_> {
    /// The open questions of one API that are due, the most urgent first. One that nobody waits for any more is
    /// forgotten.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn open_questions(
        &mut self,
        tenant: TenantId,
        api: Api,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<OpenQuestion>, JournalError> {
        loop {
            let rows = self.due_questions(tenant, api, most, now)?;
            let before = rows.len();
            let mut wanted = Vec::new();
            for (key, question) in rows {
                if self.is_waited_for(tenant, &key)? {
                    wanted.push(question);
                } else {
                    let sql = "DELETE FROM device WHERE tenant = ? AND asked = ? AND at IS NULL";
                    self.db
                        .prepare_cached(sql)?
                        .execute(params![tenant.0, key])?;
                }
            }
            if wanted.len() == before {
                return Ok(wanted);
            }
        }
    }

    fn due_questions(
        &self,
        tenant: TenantId,
        api: Api,
        most: usize,
        now: Timestamp,
    ) -> Result<Vec<(String, OpenQuestion)>, JournalError> {
        // `+due`: by the index of the queue, in its order, and not by that of what is due later.
        let mut statement = self.db.prepare_cached(&format!(
            "SELECT asked, priority, tries FROM device WHERE tenant = ? AND api = ? AND at IS NULL
               AND +due NOT BETWEEN ? + 1 AND ? ORDER BY priority DESC, since, asked LIMIT {most}"
        ))?;
        let latest = now.plus(LONGEST_WAIT);
        let rows = statement.query_map(
            params![tenant.0, api.code(), now.millis(), latest.millis()],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, u8>(1)?, row.get(2)?)),
        )?;
        rows.map(|row| {
            let (key, priority, tries) = row?;
            let question = Question::of_key(&key).ok_or_else(damaged)?;
            let priority = Priority::new(priority).ok_or_else(damaged)?;
            Ok((
                key,
                OpenQuestion {
                    question,
                    priority,
                    tries,
                },
            ))
        })
        .collect()
    }

    fn is_waited_for(&self, tenant: TenantId, key: &str) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND state = 'resolving' AND asks = ?2)
                   OR EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND state = 'held' AND asks IS NOT NULL AND asks = ?2)";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row(params![tenant.0, key], |row| row.get(0))?)
    }

    /// When the next open question of one API that is not due yet will be.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn next_question(
        &self,
        tenant: TenantId,
        api: Api,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        let next: Option<i64> = self
            .db
            .prepare_cached("SELECT min(due) FROM device WHERE tenant = ? AND api = ? AND at IS NULL AND due > ?")?
            .query_row(params![tenant.0, api.code(), now.millis()], |row| row.get(0))?;
        Ok(next.map_or(Timestamp::NEVER, Timestamp::from_millis))
    }
}
