//! The call ledger's rows: written with the intent, before the call leaves.

use super::counts::Counted;
use super::db::params;
use super::error::JournalError;
use super::keys::TenantId;
use super::tx::Tx;
use scanhook_core::quota::PastCall;
use scanhook_core::scan::ScanId;
use scanhook_core::time::Timestamp;

scanhook_core::codes! {
    /// A budget of the far side: each is counted by itself.
    pub enum Api {
        /// Entra's token endpoint; no published limit.
        Token = "token",
        Scan = "scan",
        /// The list of machine actions.
        List = "list",
        Get = "get",
        /// Calling a machine action off.
        Cancel = "cancel",
        /// A machine's record by its id.
        Machine = "machine",
        /// Machines by name or Entra device id.
        Machines = "machines",
        FindByIp = "find_by_ip",
        /// An alert, read or commented.
        Alert = "alert",
    }
}

/// How far back calls are looked at: an hour, and as long again for those whose answers came late.
pub(super) const BACK: core::time::Duration = core::time::Duration::from_secs(7200);

/// A call's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub i64);

impl Tx<'_> {
    /// Enters a call that may leave once this transaction is committed, and if it is urgent, when it was wanted.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn enter_call(
        &mut self,
        tenant: TenantId,
        api: Api,
        urgent: Option<Timestamp>,
        scan: Option<ScanId>,
        now: Timestamp,
    ) -> Result<CallId, JournalError> {
        let call = CallId(self.db.insert(
            "INSERT INTO call(tenant, api, urgent, wanted_at, sent_at, scan) VALUES (?, ?, ?, ?, ?, ?)",
            params![
                tenant.0,
                api.code(),
                urgent.is_some(),
                urgent.map(Timestamp::millis),
                now.millis(),
                scan.map(|s| s.0)
            ],
        )?);
        if api == Api::Scan {
            self.count(Counted::ScanCalls, Some(tenant), 1, now);
        }
        Ok(call)
    }

    /// Notes how a call ended: an HTTP status, or a word for what came instead.
    ///
    /// # Errors
    /// [`JournalError::Conflict`] when it had ended already.
    pub fn end_call(
        &mut self,
        call: CallId,
        answer: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        let changed = self
            .db
            .prepare_cached(
                "UPDATE call SET ended_at = ?, answer = ? WHERE id = ? AND ended_at IS NULL",
            )?
            .execute(params![now.millis(), answer, call.0])?;
        if changed == 1 {
            Ok(())
        } else {
            Err(JournalError::Conflict(
                "a call that has ended cannot end again",
            ))
        }
    }

    /// Calls whose answers nobody waits for any more end now: they may have been counted until this moment.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn abandon_calls(&mut self, tenant: TenantId, now: Timestamp) -> Result<(), JournalError> {
        self.db
            .prepare_cached("UPDATE call SET ended_at = ?, answer = 'abandoned' WHERE tenant = ? AND ended_at IS NULL")?
            .execute(params![now.millis(), tenant.0])?;
        Ok(())
    }

    /// The calls of one API that may still count, of every tenant that calls as the same app: one may have got another
    /// name. What is still under way for another of them is taken to end now.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn past_calls(
        &self,
        tenant: TenantId,
        api: Api,
        now: Timestamp,
    ) -> Result<Vec<PastCall>, JournalError> {
        let mut statement = self.db.prepare_cached(
            "SELECT sent_at, coalesce(ended_at, ?4) AS ended, CASE WHEN urgent THEN coalesce(wanted_at, sent_at) END,
                    coalesce(answer = '429', FALSE) FROM call
             WHERE tenant IN (SELECT ?1 UNION SELECT other.id FROM tenant other JOIN tenant mine
                                ON other.client_id = mine.client_id
                               AND coalesce(other.entra, other.tenant_id) = coalesce(mine.entra, mine.tenant_id)
                              WHERE mine.id = ?1)
               AND api = ?2 AND sent_at >= ?3 ORDER BY ended",
        )?;
        let values = params![tenant.0, api.code(), now.minus(BACK).millis(), now.millis()];
        let rows = statement.query_map(values, |row| {
            Ok(PastCall {
                sent: Timestamp::from_millis(row.get(0)?),
                ended: Timestamp::from_millis(row.get(1)?),
                urgent: row.get::<_, Option<i64>>(2)?.map(Timestamp::from_millis),
                refused: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
