//! A pause as it stands in the journal: what it is for, how people see it, and which scans it concerns. Whatever else
//! is done with pauses reads them here.

use super::db::{Connection, DbResult, Row, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::means::means_scan;
use super::rows::time;
use crate::api::PauseView;
use scanhook_core::device_glob::DeviceGlob;

/// A pause's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PauseId(pub i64);

/// What a pause is for; what is `None` narrows nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PauseScope {
    pub tenant: Option<TenantId>,
    /// Scans that only decisions of this rule ask for.
    pub rule: Option<String>,
    /// Machines of which an alert, or their id, is matched.
    pub device: Option<DeviceGlob>,
}

/// A pause of a rule or of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Narrow {
    pub id: PauseId,
    pub(super) rule: Option<String>,
    pub(super) device: Option<DeviceGlob>,
}

/// The columns of a pause, with what they are read from; a condition follows.
pub(super) const PAUSE: &str = "SELECT p.id, p.tenant AS tenant_id, p.rule, p.device, p.at, p.who, p.reason, p.until, p.ended_at,
    p.ended_by, t.name AS tenant_name FROM pause p LEFT JOIN tenant t ON t.id = p.tenant";

pub(super) fn pause_view(row: &Row<'_>) -> DbResult<PauseView> {
    Ok(PauseView {
        tenant: row.get("tenant_name")?,
        rule: row.get("rule")?,
        device: row.get("device")?,
        at: time(row.get("at")?),
        by: row.get("who")?,
        reason: row.get("reason")?,
        until: row.get::<_, Option<i64>>("until")?.map(time),
        note: None,
    })
}

/// Whether a pause is for a scan: each part of it that says something must be true. A rule's pause keeps back what
/// only that rule asks for, for it must not silence another one; a device's pause keeps back every scan of a machine
/// that any alert names so.
pub(super) fn concerns(
    db: &Connection,
    pause: &Narrow,
    scan: i64,
    machine: &str,
) -> Result<bool, JournalError> {
    if let Some(rule) = &pause.rule {
        let others: bool = db
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM decision WHERE scan = ?1 AND rule IS DISTINCT FROM ?2)",
            )?
            .query_row(params![scan, rule], |row| row.get(0))?;
        if others {
            return Ok(false);
        }
    }
    pause
        .device
        .as_ref()
        .map_or(Ok(true), |glob| means_scan(db, glob, scan, machine))
}
