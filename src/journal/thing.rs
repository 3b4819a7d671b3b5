//! What an id stands for: a scan, a decision or a delivery.

use uuid::Uuid;

use super::db::{Connection, OptionalExtension, params};
use super::error::JournalError;
use super::ids::{decision_row, decision_uuid};
use scanhook_core::time::Timestamp;

/// What an id stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Thing {
    Decision(i64),
    Scan(i64),
    Delivery(i64),
}

/// What an id stands for.
pub(super) fn thing(db: &Connection, id: Uuid) -> Result<Option<Thing>, JournalError> {
    let scan: Option<i64> = db
        .prepare_cached("SELECT id FROM scan WHERE uuid = ?")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if let Some(row) = scan {
        return Ok(Some(Thing::Scan(row)));
    }
    if let Some(row) = decision(db, id)? {
        return Ok(Some(Thing::Decision(row)));
    }
    // A delivery's id holds the time it was accepted, which has an index where the id has none.
    let (high, _) = id.as_u64_pair();
    let at = i64::try_from(high >> 16).unwrap_or(i64::MAX);
    let about = (at.saturating_sub(60_000), at.saturating_add(60_000));
    let delivery: Option<i64> = db
        .prepare_cached("SELECT id FROM delivery WHERE received_at BETWEEN ? AND ? AND uuid = ?")?
        .query_row(params![about.0, about.1, id], |row| row.get(0))
        .optional()?;
    Ok(delivery.map(Thing::Delivery))
}

/// The decision of this id: it holds its row and its time, and both must agree.
pub(super) fn decision(db: &Connection, id: Uuid) -> Result<Option<i64>, JournalError> {
    let row = decision_row(id);
    let at: Option<i64> = db
        .prepare_cached("SELECT at FROM decision WHERE id = ?")?
        .query_row([row], |found| found.get(0))
        .optional()?;
    Ok(at
        .filter(|at| decision_uuid(Timestamp::from_millis(*at), row) == id)
        .map(|_| row))
}
