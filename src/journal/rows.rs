//! Rows as values.

use core::time::Duration;

use super::db::{Connection, DbResult, Params, Row, Value};
use super::error::JournalError;
use scanhook_core::time::Timestamp;

pub(super) fn time(millis: i64) -> String {
    Timestamp::from_millis(millis).to_string()
}

pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    values: impl Params,
    each: impl FnMut(&Row<'_>) -> DbResult<T>,
) -> Result<Vec<T>, JournalError> {
    let mut statement = db.prepare_cached(sql)?;
    Ok(statement
        .query_map(values, each)?
        .collect::<Result<_, _>>()?)
}

/// A span as its milliseconds stand in a row.
pub(super) fn span(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}

/// The milliseconds of a span, as a row holds them.
pub(super) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// So many rows as a text limits them to.
pub(super) fn at_most(rows: usize) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// So many question marks; for none what nothing is among, because not every database takes an empty list.
pub(super) fn placeholders(count: usize) -> String {
    if count == 0 {
        return "NULL".to_owned();
    }
    vec!["?"; count].join(", ")
}

/// Texts as values of a statement.
pub(super) fn texts(texts: Vec<String>) -> impl Iterator<Item = Value> {
    texts.into_iter().map(Value::from)
}
