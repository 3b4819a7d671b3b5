//! Everything in every table as text.

use rusqlite::types::ValueRef;

use super::db::Connection;
use super::error::JournalError;

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
        let mut statement = db.prepare_cached(&format!("SELECT * FROM {table} ORDER BY 1, 2"))?;
        let columns = statement.column_count();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            text.push_str(table);
            for column in 0..columns {
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
