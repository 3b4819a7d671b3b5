//! Whose work a tenant's name stands for: the Entra tenant and the app that it calls as.

use uuid::Uuid;

use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::tx::Tx;

impl Tx<'_> {
    /// The Entra tenant that the work of this name belongs to, where its id is known: by a token, or by the settings.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn belongs_to(&self, tenant: TenantId) -> Result<Option<Uuid>, JournalError> {
        let sql = "SELECT coalesce(entra, tenant_id) FROM tenant WHERE id = ?";
        let known: Option<String> = self
            .db
            .prepare_cached(sql)?
            .query_row([tenant.0], |row| row.get(0))?;
        Ok(known.and_then(|id| id.parse().ok()))
    }

    /// Notes the Entra tenant that the work of this name belongs to from now on. What another one's directory said is
    /// forgotten.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn now_belongs_to(&mut self, tenant: TenantId, entra: Uuid) -> Result<(), JournalError> {
        let before = self.belongs_to(tenant)?;
        if before.is_some_and(|before| before != entra) {
            self.db
                .prepare_cached("DELETE FROM device WHERE tenant = ?")?
                .execute([tenant.0])?;
        }
        self.db
            .prepare_cached(
                "UPDATE tenant SET entra = ? WHERE id = ? AND entra IS DISTINCT FROM ?1",
            )?
            .execute(params![entra.to_string(), tenant.0])?;
        Ok(())
    }

    /// The first of these names that calls as the same app in the same Entra tenant, as far as tokens and settings tell.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn same_app(
        &self,
        tenant: TenantId,
        names: &[String],
    ) -> Result<Option<String>, JournalError> {
        let sql = "SELECT 1 FROM tenant other JOIN tenant mine
                     ON other.client_id = mine.client_id
                    AND coalesce(other.entra, other.tenant_id) = coalesce(mine.entra, mine.tenant_id)
                   WHERE mine.id = ? AND other.name = ?";
        for name in names {
            if self
                .db
                .prepare_cached(sql)?
                .exists(params![tenant.0, name])?
            {
                return Ok(Some(name.clone()));
            }
        }
        Ok(None)
    }

    /// Whether anything of this tenant is not over: scans, and decisions that wait or are held.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn has_work(&self, tenant: TenantId) -> Result<bool, JournalError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM scan WHERE tenant = ?1 AND state = 'waiting' AND NOT dry)
                       OR EXISTS (SELECT 1 FROM scan WHERE tenant = ?1 AND state IN ('sending', 'unknown', 'running'))
                       OR EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND state = 'held')
                       OR EXISTS (SELECT 1 FROM decision WHERE tenant = ?1 AND state = 'resolving')";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([tenant.0], |row| row.get(0))?)
    }

    /// Notes as which app a tenant calls: Entra's tenant and the app registration.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn calls_as(
        &mut self,
        tenant: TenantId,
        tenant_id: &str,
        client_id: &str,
    ) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE tenant SET tenant_id = ?, client_id = ? WHERE id = ?")?
            .execute(params![
                tenant_id.to_ascii_lowercase(),
                client_id.to_ascii_lowercase(),
                tenant.0
            ])?;
        Ok(())
    }
}
