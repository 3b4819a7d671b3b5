//! Everything in every table as text.

use rusqlite::types::ValueRef;

use super::db::Connection;
use super::error::JournalError;
use super::rows::all;

/// Every table as text, in a fixed order.
pub(super) fn dump(db: &Connection) -> Result<String, JournalError> {
    let mut text = String::new();
    for table in [
        "tenant",
        "policy",
        "delivery",
        "alert",
        "decision",
        "scan",
        "call",
        "event",
        "pause",
        "device",
        "refused",
        "source",
        "scan_count",
        "finding",
        "sweep",
        "mention",
        "known_as",
        "machine",
    ] {
        let columns = columns(db, table)?;
        let listed = columns.join(", ");
        let mut statement =
            db.prepare_cached(&format!("SELECT {listed} FROM {table} ORDER BY 1, 2"))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            text.push_str(table);
            for column in 0..columns.len() {
                text.push('|');
                match row.get_ref(column)? {
                    ValueRef::Null => {}
                    ValueRef::Integer(number) => text.push_str(&number.to_string()),
                    ValueRef::Real(number) => text.push_str(&number.to_string()),
                    ValueRef::Text(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                    ValueRef::Blob(bytes) => text.push_str(&hex::encode(bytes)),
                }
            }
            text.push('\n');
        }
    }
    Ok(text)
}

/// The columns of a table as they stand in it, whatever they were added by.
fn columns(db: &Connection, table: &str) -> Result<Vec<String>, JournalError> {
    let sql = match db.sqlite() {
        Some(_) => "SELECT name FROM pragma_table_info(?) ORDER BY cid",
        None => {
            "SELECT CAST(attname AS TEXT) FROM pg_attribute
             WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        }
    };
    all(db, sql, [table], |row| row.get(0))
}
