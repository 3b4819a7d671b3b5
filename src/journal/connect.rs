//! The writer's connection: the checks of the file and the settings that make a COMMIT durable.

use std::path::Path;

use super::db::Connection;
use super::error::OpenError;
use super::file::open_private;
use super::moved::moved_to;
use super::reader::STATEMENTS;
use super::schema::{migrate, recognize};

pub(super) fn connect(path: &Path) -> Result<Connection, OpenError> {
    if !path.exists() {
        drop(open_private(path, true)?);
    }
    let db = rusqlite::Connection::open(path).map_err(OpenError::db)?;
    db.busy_timeout(core::time::Duration::from_millis(500))
        .map_err(OpenError::db)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    let db = Connection::from(db);
    // Before the first setting: write-ahead logging is written into the file, and this one may be somebody else's.
    recognize(&db)?;
    if let Some(place) = moved_to(&db).map_err(OpenError::db)? {
        return Err(OpenError::Moved {
            path: path.to_owned(),
            place,
        });
    }
    let wal: String = db
        .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
        .map_err(OpenError::db)?;
    // FULL and not NORMAL: with write-ahead logging NORMAL syncs at checkpoints alone, and a power cut would take back
    // what senders were told is kept. Killing the process shows no difference, because the pages survive that.
    db.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000;
         -- What is forgotten is overwritten, wherever it lay: also in the pages that a long body filled alone.
         PRAGMA secure_delete = ON;
         -- What a savepoint remembers of pages stays in memory: beyond 64 KiB it would be written to a file.
         PRAGMA temp_store = MEMORY;
         -- Eight MiB of pages: a batch touches hundreds, and its keys lie anywhere.
         PRAGMA cache_size = -8192",
    )
    .map_err(OpenError::db)?;
    let full: i64 = db
        .query_row("PRAGMA synchronous", [], |row| row.get(0))
        .map_err(OpenError::db)?;
    // SQLite reports no error where it cannot do what was asked: it answers with what holds instead.
    if wal != "wal" || full != 2 {
        return Err(OpenError::NotDurable);
    }
    migrate(&db)?;
    Ok(db)
}
