//! A scan's row, as a worker reads it. It stands apart from the changes of state, which all read it.

use uuid::Uuid;

use super::db::{DbResult, Row};
use super::error::JournalError;
use scanhook_core::alert::MachineId;
use scanhook_core::scan::{Kind, Priority, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Openings;

/// A scan that waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScanRow {
    pub id: ScanId,
    /// Its id outside, and its `ExternalId` on every try.
    pub uuid: Uuid,
    pub machine: MachineId,
    /// Decided, shown, never sent.
    pub dry: bool,
    pub kind: Kind,
    /// Its place in the queue.
    pub priority: Priority,
    /// Not sent after this.
    pub not_after: Timestamp,
    /// Sent before, with an answer that was lost: the first try may turn up yet, and is of this kind.
    pub unanswered: bool,
    /// To be sent again, though no list could tell what became of an earlier try.
    pub unseen: bool,
    /// How often its call left.
    pub tries: u32,
    /// How often Defender has forbidden a scan of this machine alone.
    pub refusals: u32,
    pub openings: Openings,
}

pub(super) const COLUMNS: &str = "id, uuid, machine, dry, kind, priority, not_after, unanswered, unseen, tries, refusals, windows";

/// The condition of the index over open scans. Queries repeat it word for word: SQLite uses a partial index only where
/// it finds its condition again, and would otherwise read every scan there ever was.
pub(super) const IS_OPEN: &str = "state IN ('sending', 'unknown', 'running')";

pub(super) fn scan_row(row: &Row<'_>) -> DbResult<Option<ScanRow>> {
    let (machine, kind, priority): (String, String, u8) = (row.get(2)?, row.get(4)?, row.get(5)?);
    let parsed = (
        MachineId::parse(&machine),
        Kind::of_code(&kind),
        Priority::new(priority),
    );
    let (Some(machine), Some(kind), Some(priority)) = parsed else {
        return Ok(None);
    };
    Ok(Some(ScanRow {
        id: ScanId(row.get(0)?),
        uuid: row.get(1)?,
        machine,
        dry: row.get(3)?,
        kind,
        priority,
        not_after: Timestamp::from_millis(row.get(6)?),
        unanswered: row.get(7)?,
        unseen: row.get(8)?,
        tries: row.get(9)?,
        refusals: row.get(10)?,
        openings: openings(row.get::<_, Option<String>>(11)?.as_deref()),
    }))
}

/// When a scan may leave, as its row says it. One that cannot be read names no window that is ever open.
pub(super) fn openings(text: Option<&str>) -> Openings {
    text.map_or_else(Openings::always, |text| {
        serde_json::from_str(text).unwrap_or_else(|_| Openings::never())
    })
}

/// As it stands in the row.
pub(super) fn windows(openings: &Openings) -> Option<String> {
    (!openings.is_always()).then(|| serde_json::to_string(openings).unwrap_or_default())
}

pub(super) fn damaged() -> JournalError {
    JournalError::Conflict("a scan's row holds a value this version cannot read")
}
