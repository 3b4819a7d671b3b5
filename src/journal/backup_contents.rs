//! What a copy of a journal holds, once it is known to hold together.

use std::path::Path;

use super::backup_error::BackupError;
use super::db::{Connection, OptionalExtension};
use super::schema::recognize;
use scanhook_core::time::Timestamp;

/// A copy that was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupContents {
    pub schema: i64,
    pub deliveries: u64,
    pub alerts: u64,
    pub decisions: u64,
    pub scans: u64,
    /// When its newest delivery was received.
    pub newest: Option<Timestamp>,
    pub bytes: u64,
    /// It is of `serve --simulate`.
    pub is_simulated: bool,
}

/// Reads the whole copy: its pages, its indexes and what its rows refer to.
pub(super) fn checked(path: &Path, named: &Path) -> Result<BackupContents, BackupError> {
    let db = rusqlite::Connection::open(path).map_err(BackupError::sqlite(named))?;
    let db = Connection::from(db);
    let schema = recognize(&db).map_err(BackupError::open(named))?;
    let damaged = |found: String| BackupError::Damaged {
        path: named.to_owned(),
        found,
    };
    let sound: String = db
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| damaged(error.to_string()))?;
    if sound != "ok" {
        return Err(damaged(sound));
    }
    let alone: Option<String> = db
        .query_row("PRAGMA foreign_key_check", [], |row| row.get(0))
        .optional()
        .map_err(BackupError::sqlite(named))?;
    if let Some(table) = alone {
        return Err(damaged(format!(
            "a row of the table `{table}` refers to one that is not there"
        )));
    }
    let rows = |table: &str| {
        let count = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| {
            row.get::<_, i64>(0)
        });
        count
            .map(|count| u64::try_from(count).unwrap_or(0))
            .map_err(BackupError::sqlite(named))
    };
    let newest: Option<i64> = db
        .query_row("SELECT max(received_at) FROM delivery", [], |row| {
            row.get(0)
        })
        .map_err(BackupError::sqlite(named))?;
    Ok(BackupContents {
        schema,
        deliveries: rows("delivery")?,
        alerts: rows("alert")?,
        decisions: rows("decision")?,
        scans: rows("scan")?,
        newest: newest.map(Timestamp::from_millis),
        bytes: std::fs::metadata(path)
            .map_err(BackupError::file(path))?
            .len(),
        is_simulated: is_simulated(&db, named)?,
    })
}

fn is_simulated(db: &Connection, named: &Path) -> Result<bool, BackupError> {
    if !has_table(db, "about").map_err(BackupError::sqlite(named))? {
        return Ok(false);
    }
    let known: Option<bool> = db
        .query_row("SELECT simulated FROM about", [], |row| row.get(0))
        .optional()
        .map_err(BackupError::sqlite(named))?;
    Ok(known.unwrap_or(false))
}

/// Whether its schema has this table; those of earlier versions lack some.
pub(super) fn has_table(db: &Connection, name: &str) -> super::db::DbResult<bool> {
    db.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?)",
        [name],
        |row| row.get(0),
    )
}
