//! What others see of the journal as a whole: what is parked, not settled or paused, and the latest bodies. Single things
//! are told in `alert_receipt`, `scan_view`, `tenant_view` and `source_view`.

use std::path::Path;

use super::db::OptionalExtension;
use super::error::JournalError;
use super::packed::Body;
use super::pause_views;
use super::reader::Reader;
use crate::api::PauseView;
use scanhook_core::time::Timestamp;

/// Parked alerts that are counted.
const PARKED: u32 = 10_000;
/// The states that `alert_listed` and `decision_listed` are of.
pub(super) const LISTED_ALERTS: &str = "'parked', 'ignored', 'duplicate'";
pub(super) const LISTED_DECISIONS: &str = "'resolving', 'held', 'dropped'";

/// The bodies of the latest deliveries of the journal at `path`, newest first, at most `most`; none where no journal
/// is. It is only read, and may be in use.
///
/// # Errors
/// When the journal cannot be read.
pub fn latest_bodies(path: &Path, most: u16) -> Result<Vec<Vec<u8>>, JournalError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let db = super::reader::open(path).map_err(|error| JournalError::Broken(error.to_string()))?;
    let sql = "SELECT body FROM delivery WHERE body IS NOT NULL ORDER BY id DESC LIMIT ?";
    let mut statement = db.prepare_cached(sql)?;
    let bodies = statement.query_map([most], |row| Ok(row.get::<_, Body>(0)?.0))?;
    Ok(bodies.collect::<Result<_, _>>()?)
}

impl Reader<'_> {
    /// The pauses in force, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn pauses(&self) -> Result<Vec<PauseView>, JournalError> {
        pause_views::in_force(self.db)
    }

    /// Parked alerts, as far as they are counted, and when the last of them came.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn parked(&self) -> Result<(u32, Option<Timestamp>), JournalError> {
        let which = format!("state = 'parked' AND state IN ({LISTED_ALERTS})");
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM alert WHERE {which} LIMIT {PARKED}) AS found"
        );
        let count = self
            .db
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))?;
        let sql = format!(
            "SELECT d.received_at FROM alert a JOIN delivery d ON d.id = a.delivery
             WHERE a.{which} ORDER BY a.delivery DESC LIMIT 1",
            which = which.replace(" AND state", " AND a.state")
        );
        let last: Option<i64> = self
            .db
            .prepare_cached(&sql)?
            .query_row([], |row| row.get(0))
            .optional()?;
        Ok((count, last.map(Timestamp::from_millis)))
    }

    /// Decisions and scans that are not final yet.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn unsettled(&self) -> Result<u32, JournalError> {
        let sql = "SELECT (SELECT coalesce(sum(scans), 0) FROM scan_count WHERE state NOT IN ('finished', 'dropped'))
                        + (SELECT count(*) FROM decision WHERE state = 'resolving')
                        + (SELECT count(*) FROM decision WHERE state = 'held')";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([], |row| row.get(0))?)
    }
}
