//! A record as it is kept with a decision, with something written into it. What another version wrote stays.

use serde_json::{Map, Value};

/// The record with this in it; `None`: it cannot be read.
pub(super) fn recorded(record: &str, key: &str, value: Value) -> Option<String> {
    let mut record: Map<String, Value> = serde_json::from_str(record).ok()?;
    record.insert(key.to_owned(), value);
    serde_json::to_string(&record).ok()
}
