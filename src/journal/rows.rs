//! Rows as values.

use rusqlite::{Connection, Params, Row};

use super::error::JournalError;
use scanhook_core::time::Timestamp;

pub(super) fn time(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    each: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, JournalError> {
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement
        .query_map(values, each)?
        .collect::<Result<_, _>>()?)
}
