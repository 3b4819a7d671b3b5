//! What a worker must not forget over a restart, and what keeps it from sending, for whoever asks. A tenant's row, not a
//! scan's.

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::tx::Tx;
use scanhook_core::obstacles::Obstacles;

impl Tx<'_> {
    /// What a worker must not forget: of all tenants that call as the same app, what the one knew that sent the last scan.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn memory(&self, tenant: TenantId) -> Result<String, JournalError> {
        let sql = "SELECT t.memory FROM tenant t JOIN tenant mine ON t.id = mine.id
                     OR (t.tenant_id, t.client_id) = (mine.tenant_id, mine.client_id)
                   WHERE mine.id = ?
                   ORDER BY coalesce((SELECT max(sent_at) FROM call WHERE tenant = t.id AND api = 'scan'), 0) DESC,
                            t.id = mine.id DESC LIMIT 1";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([tenant.0], |row| row.get(0))?)
    }

    /// Writes down what keeps a worker from sending.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn hindered_by(
        &mut self,
        tenant: TenantId,
        obstacles: &Obstacles,
    ) -> Result<(), JournalError> {
        let text = serde_json::to_string(obstacles)
            .map_err(|_| JournalError::Conflict("obstacles are not JSON"))?;
        self.db
            .prepare_cached("UPDATE tenant SET obstacles = ? WHERE id = ?")?
            .execute(params![text, tenant.0])?;
        Ok(())
    }

    /// Stores what a worker must not forget.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn remember(&mut self, tenant: TenantId, memory: &str) -> Result<(), JournalError> {
        let sql = "UPDATE tenant SET memory = ? WHERE id = ?";
        Ok(self.db.later(sql, params![memory, tenant.0])?)
    }
}
