//! The audit: what was ordered at the admin listener, by whom, and with what result. A row is written in the transaction of
//! the order, so there is none without its row. The chain of hashes is made by the one writer, so it has no gaps.

use std::collections::BTreeMap;

use super::db::{DbResult, OptionalExtension, Row, Value, params, params_from_iter};
use super::error::JournalError;
use super::reader::Reader;
use super::tx::Tx;
use scanhook_core::access::{AuditEntry, AuditLink};
use scanhook_core::time::Timestamp;

/// Ids that one row names; what is more is counted.
const AUDITED_IDS: usize = 100;

/// What a list of the audit is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub subject: Option<String>,
    /// A word that `what` has in it.
    pub what: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// The oldest first, as a chain is verified.
    pub oldest_first: bool,
    /// Rows behind this one, in that order.
    pub after: Option<i64>,
    pub limit: u16,
}

impl Tx<'_> {
    /// Appends a row. Its number, its time and its place in the chain are filled in here.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn audit(&mut self, mut entry: AuditEntry, now: Timestamp) -> Result<(), JournalError> {
        let last: Option<(i64, String)> = self
            .db
            .prepare_cached("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let (id, prev) = last.map_or((1, String::new()), |(id, hash)| (id + 1, hash));
        (entry.id, entry.at) = (id, now.millis());
        entry.ids.truncate(AUDITED_IDS);
        let hash = entry.hash(&prev);
        let text = serde_json::to_string(&entry)
            .map_err(|_| JournalError::Conflict("a record is not JSON"))?;
        self.db
            .prepare_cached(
                "INSERT INTO audit(id, at, subject, what, entry, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![id, entry.at, entry.subject, entry.what, text, prev, hash])?;
        Ok(())
    }

    /// Notes that a token was used now; true where it never was before.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn token_used(&mut self, hash: &str, now: Timestamp) -> Result<bool, JournalError> {
        let known: bool = self
            .db
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM token_use WHERE hash = ?)")?
            .query_row([hash], |row| row.get(0))?;
        self.db
            .prepare_cached("INSERT INTO token_use(hash, at) VALUES (?, ?) ON CONFLICT(hash) DO UPDATE SET at = excluded.at")?
            .execute(params![hash, now.millis()])?;
        Ok(!known)
    }
}

impl Reader<'_> {
    /// When each token was used last, by its hash, to the minute.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tokens_used(&self) -> Result<BTreeMap<String, Timestamp>, JournalError> {
        let mut statement = self.db.prepare_cached("SELECT hash, at FROM token_use")?;
        let rows = statement.query_map([], |row| {
            Ok((row.get(0)?, Timestamp::from_millis(row.get(1)?)))
        })?;
        rows.collect::<Result<_, _>>().map_err(JournalError::from)
    }

    /// Rows of the audit, newest first where nothing else is asked for.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditLink>, JournalError> {
        let (mut conditions, mut values) = (String::new(), Vec::<Value>::new());
        let mut by = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                conditions.push_str(condition);
                values.push(value);
            }
        };
        by(" AND subject = ?", filter.subject.clone().map(Value::from));
        by(
            " AND instr(what, ?) > 0",
            filter.what.clone().map(Value::from),
        );
        by(" AND at >= ?", filter.since.map(|at| at.millis().into()));
        by(" AND at <= ?", filter.until.map(|at| at.millis().into()));
        let (behind, order) = if filter.oldest_first {
            (" AND id > ?", "ASC")
        } else {
            (" AND id < ?", "DESC")
        };
        by(behind, filter.after.map(Value::from));
        let sql = format!(
            "SELECT entry, prev, hash FROM audit WHERE TRUE {conditions} ORDER BY id {order} LIMIT {}",
            filter.limit
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), link)?;
        rows.collect::<Result<Vec<_>, _>>()
            .map_err(JournalError::from)
    }

    /// The hash of the newest row; `None` while there is none.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn audit_head(&self) -> Result<Option<String>, JournalError> {
        Ok(self
            .db
            .prepare_cached("SELECT hash FROM audit ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| row.get(0))
            .optional()?)
    }
}

impl Reader<'_> {
    /// When the newest row was written.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn audit_head_at(&self) -> Result<Option<Timestamp>, JournalError> {
        Ok(self
            .db
            .prepare_cached("SELECT at FROM audit ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| row.get(0).map(Timestamp::from_millis))
            .optional()?)
    }
}

/// One row. An entry that cannot be read is shown as an empty one, whose hash then does not fit: that is what was asked.
fn link(row: &Row<'_>) -> DbResult<AuditLink> {
    let text: String = row.get(0)?;
    Ok(AuditLink {
        entry: serde_json::from_str(&text).unwrap_or_default(),
        prev: row.get(1)?,
        hash: row.get(2)?,
    })
}
