//! The processes that have this journal: each life of one has a row, by which the others know it.

use core::time::Duration;

use super::db::{DbResult, Row, params};
use super::error::JournalError;
use super::keys::ReplicaId;
use super::lease_row::{LeaseRow, ReplicaAbout, ReplicaRow};
use super::reader::Reader;
use super::rows::{all, millis};
use super::tx::Tx;
use scanhook_core::lease::LeaseTerms;
use scanhook_core::time::Timestamp;

/// How long the row of a process is kept that has not ended as it should.
const FORGOTTEN: Duration = Duration::from_secs(86_400);

impl Tx<'_> {
    /// A new life of a process. Its number is drawn: a count would be given again after a failover that loses the row, and
    /// two processes of one number take each other's leases.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn new_replica(&mut self, about: &ReplicaAbout) -> Result<ReplicaId, JournalError> {
        let (_, drawn) = self.ids.next(self.time.database).as_u64_pair();
        // Few digits, for people see them; it has a row of its own, or is refused.
        let replica = ReplicaId(i64::try_from(drawn & 0x7fff_ffff).unwrap_or(0));
        let sql = "INSERT INTO replica(id, name, version, policy, settings, started_at, seen_at)
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)";
        self.says(sql, replica, about)?;
        Ok(replica)
    }

    fn says(
        &mut self,
        sql: &str,
        replica: ReplicaId,
        about: &ReplicaAbout,
    ) -> Result<(), JournalError> {
        let now = self.time.database.millis();
        self.changed(
            sql,
            params![
                replica.0,
                about.name,
                about.version,
                about.policy,
                about.settings,
                now
            ],
        )?;
        Ok(())
    }

    /// No other process can have this journal, so whatever others held is free, and nobody waits for its end.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn is_alone(&mut self, replica: ReplicaId) -> Result<(), JournalError> {
        self.changed("DELETE FROM replica WHERE id <> ?", [replica.0])?;
        self.changed(
            "UPDATE lane SET until = 0 WHERE holder <> ? AND until > 0",
            [replica.0],
        )?;
        Ok(())
    }

    /// It lives, and says this of itself, also where its row is lost.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn replica_lives(
        &mut self,
        replica: ReplicaId,
        about: &ReplicaAbout,
    ) -> Result<(), JournalError> {
        self.says(
            "INSERT INTO replica(id, name, version, policy, settings, started_at, seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
             ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, policy = excluded.policy, settings = excluded.settings",
            replica,
            about,
        )
    }

    /// It ends as it should; rows of those that did not are kept for a while.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn replica_leaves(&mut self, replica: ReplicaId) -> Result<(), JournalError> {
        let long_ago = self.time.database.minus(FORGOTTEN).millis();
        self.changed(
            "DELETE FROM replica WHERE id = ? OR seen_at <= ?",
            [replica.0, long_ago],
        )?;
        Ok(())
    }
}

impl Reader<'_> {
    /// The replicas that live: whoever was not seen for as long as a lease lasts, counted from the newest sign of life of
    /// any, does not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn replicas(&self, terms: LeaseTerms) -> Result<Vec<ReplicaRow>, JournalError> {
        let sql = "SELECT id, name, version, policy, settings, started_at, seen_at FROM replica
                   WHERE seen_at > (SELECT max(seen_at) FROM replica) - ? AND seen_at > 0 ORDER BY id";
        all(self.db, sql, [millis(terms.lasts())], |row| {
            Ok(ReplicaRow {
                id: ReplicaId(row.get(0)?),
                about: ReplicaAbout {
                    name: row.get(1)?,
                    version: row.get(2)?,
                    policy: row.get(3)?,
                    settings: row.get(4)?,
                },
                started_at: Timestamp::from_millis(row.get(5)?),
                seen_at: Timestamp::from_millis(row.get(6)?),
            })
        })
    }

    /// Who holds which app, and what the worker there last said of itself.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn leases(&self) -> Result<Vec<LeaseRow>, JournalError> {
        let sql = "SELECT app, holder, until, board, fence FROM lane WHERE until > 0 ORDER BY app";
        all(self.db, sql, [], lease_row)
    }

    /// The same of one app; `None`: nobody ever had it.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn lease(&self, app: &str) -> Result<Option<LeaseRow>, JournalError> {
        let sql = "SELECT app, holder, until, board, fence FROM lane WHERE app = ?";
        Ok(all(self.db, sql, [app], lease_row)?.pop())
    }
}

fn lease_row(row: &Row<'_>) -> DbResult<LeaseRow> {
    Ok(LeaseRow {
        app: row.get(0)?,
        holder: row.get::<_, Option<i64>>(1)?.map(ReplicaId),
        until: row.get(2)?,
        board: row.get(3)?,
        fence: row.get(4)?,
    })
}
