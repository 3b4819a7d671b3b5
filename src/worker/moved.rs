//! A tenant's name that was given to another Entra tenant while work of the one before is open: its machines, actions and
//! names mean nothing there, so nothing is called until that work is over, or the name is given back.

use uuid::Uuid;

use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::{JournalError, TenantId, Tx};

/// Whether this Entra tenant is another one than the work of the name belongs to.
pub(super) fn is_elsewhere(
    tx: &Tx<'_>,
    tenant: TenantId,
    entra: Option<Uuid>,
) -> Result<bool, JournalError> {
    let Some(entra) = entra else { return Ok(false) };
    Ok(tx.belongs_to(tenant)?.is_some_and(|before| before != entra) && tx.has_work(tenant)?)
}

impl TenantWorker {
    /// Whether the worker must not call, because what waits and runs is another Entra tenant's. Says so.
    pub(super) fn waits_for_the_old(
        &mut self,
        turn: &mut Turn<'_, '_>,
    ) -> Result<bool, JournalError> {
        let Some(entra) = self.moved_to else {
            return Ok(false);
        };
        if turn.tx.has_work(self.id)? && turn.tx.belongs_to(self.id)? != Some(entra) {
            let before = turn
                .tx
                .belongs_to(self.id)?
                .map_or_else(|| "another".to_owned(), |before| before.to_string());
            let why = format!(
                "this tenant's name was given to the Entra tenant {entra} while work of {before} is open: nothing is sent \
                 until it is over. Give the name back, or cancel its scans and deny what is held"
            );
            self.stop(turn, "tenant-moved", why);
            return Ok(true);
        }
        self.moved_to = None;
        self.stopped_no_more();
        turn.tx.now_belongs_to(self.id, entra)?;
        turn.tx
            .calls_as(self.id, &self.account.tenant_id, &self.account.client_id)?;
        Ok(false)
    }
}
