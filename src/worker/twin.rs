//! Two names for one app of one Entra tenant would each spend the whole of its quota and scan a machine twice. The settings
//! tell where both are written alike; that a domain and an id mean the same Entra tenant is known only from its token.
//! Then one of the two calls: the one that is written by its id, else the first by name.

use super::state::TenantWorker;
use super::turn::Turn;
use crate::journal::JournalError;

impl TenantWorker {
    /// Whether another name calls as the same app and goes first. Says so.
    pub(super) fn gives_way(&mut self, turn: &mut Turn<'_, '_>) -> Result<bool, JournalError> {
        let Some(first) = turn.tx.same_app(self.id, &self.account.gives_way_to)? else {
            return Ok(false);
        };
        let why = format!(
            "tenant `{first}` calls as the same app in the same Entra tenant: together they would spend twice its quota and \
             scan a machine twice. Name it once, and let both sources act for that one"
        );
        self.stop(turn, "same-app", why);
        Ok(true)
    }
}
