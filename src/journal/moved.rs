//! The mark of a file whose journal was copied into a database: it is only read from then on. It stands in the file itself,
//! so that it goes wherever the file goes.

use super::db::{Connection, DbResult, params};
use scanhook_core::time::Timestamp;

/// Where the journal of this file was moved to, if it was.
pub(super) fn moved_to(db: &Connection) -> DbResult<Option<String>> {
    let there =
        "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'moved')";
    if !db.query_row(there, [], |row| row.get::<_, bool>(0))? {
        return Ok(None);
    }
    db.query_row("SELECT place FROM moved", [], |row| row.get(0))
        .map(Some)
}

/// Notes where it was moved to.
pub(super) fn mark_moved(db: &Connection, place: &str, now: Timestamp) -> DbResult<()> {
    db.execute_batch("CREATE TABLE moved (place TEXT NOT NULL, at INTEGER NOT NULL) STRICT")?;
    let sql = "INSERT INTO moved(place, at) VALUES (?, ?)";
    db.execute(sql, params![place, now.millis()])?;
    Ok(())
}
