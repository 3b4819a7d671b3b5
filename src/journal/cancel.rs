//! Calling scans off. One that has not begun ends here. Of one that may have, the wish is written down, and whoever
//! calls for the tenant asks Defender once it is known to be ours; that survives restarts, because the wish is a column.
//!
//! The wish is `cancel_by`. What was not executed (`to_waiting`, two misses, a foreign action in its place) then ends
//! *dropped*, `cancelled`; what is `unseen` ends *lost*; what is found to be ours is cancelled by `worker::cancel`:
//! intent (`cancel_at` moves ahead) and ledger entry, COMMIT, call. The answer decides only whether to ask again: the
//! list tells what became of the action. No new alert joins an open scan with a wish.

use uuid::Uuid;

use super::db::{Connection, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::outcome::{Done, told, unknown};
use super::thing::{Thing, thing};
use super::tx::Tx;
use crate::api::ItemView;
use scanhook_core::person::By;
use scanhook_core::scan::{Outcome, ScanId};
use scanhook_core::time::Timestamp;

/// A scan as far as it matters for calling it off.
pub(super) struct ToCancel {
    id: ScanId,
    pub(super) tenant: TenantId,
    state: String,
    outcome: Option<String>,
    ours: bool,
    wished: bool,
}

impl ToCancel {
    pub(super) fn read(db: &Connection, row: i64) -> Result<ToCancel, JournalError> {
        let sql =
            "SELECT id, tenant, state, outcome, ours, cancel_by IS NOT NULL FROM scan WHERE id = ?";
        Ok(db.prepare_cached(sql)?.query_row([row], |row| {
            Ok(ToCancel {
                id: ScanId(row.get(0)?),
                tenant: TenantId(row.get(1)?),
                state: row.get(2)?,
                outcome: row.get(3)?,
                ours: row.get(4)?,
                wished: row.get(5)?,
            })
        })?)
    }

    /// What comes of calling it off. `may_call`: whether anything may be sent for its tenant.
    pub(super) fn comes_to(&self, may_call: bool) -> Done {
        let called_off = self.outcome.as_deref() == Some(Outcome::Cancelled.code());
        match self.state.as_str() {
            "waiting" => Done::Cancelled,
            "finished" | "dropped" if called_off => Done::Already,
            "finished" | "dropped" => Done::AlreadyOver,
            // Never somebody else's action.
            _ if !self.ours => Done::ForeignAction,
            _ if self.wished => Done::Already,
            _ if !may_call => Done::DryRun,
            _ => Done::Cancelling,
        }
    }
}

impl Tx<'_> {
    /// Calls each of these scans off. `may_call`: whether anything may be sent for a tenant.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn call_off(
        &mut self,
        ids: &[Uuid],
        by: &By,
        may_call: &dyn Fn(TenantId) -> bool,
        now: Timestamp,
    ) -> Result<Vec<ItemView>, JournalError> {
        let mut items = Vec::new();
        for id in ids {
            let Some(Thing::Scan(row)) = thing(self.db, *id)? else {
                items.push(unknown(*id));
                continue;
            };
            let found = ToCancel::read(self.db, row)?;
            let done = self.call_off_one(&found, by, may_call(found.tenant), now)?;
            items.push(told(self.db, Thing::Scan(row), done)?);
        }
        Ok(items)
    }

    fn call_off_one(
        &mut self,
        found: &ToCancel,
        by: &By,
        may_call: bool,
        now: Timestamp,
    ) -> Result<Done, JournalError> {
        let place = (found.tenant, Some(found.id), None);
        let done = found.comes_to(may_call);
        match done {
            Done::Cancelled => {
                self.drop_scan(found.id, Outcome::Cancelled, Some(&format!("by {by}")), now)?;
                self.person_did("cancelled", by, place, None, now)?;
            }
            Done::Cancelling => {
                self.db
                    .prepare_cached(
                        "UPDATE scan SET cancel_by = ?2, cancel_why = ?3, cancel_at = ?4
                         WHERE id = ?1 AND state IN ('sending', 'unknown', 'running') AND cancel_by IS NULL",
                    )?
                    .execute(params![found.id.0, by.who, by.words, now.millis()])?;
                self.touch(found.tenant);
                self.person_did("cancel_asked", by, place, None, now)?;
            }
            _ => {}
        }
        Ok(done)
    }
}
