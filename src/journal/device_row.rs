//! A device as rows show it, with what the directory said of its machine last.

use super::db::{Connection, OptionalExtension, params};
use super::error::JournalError;
use super::keys::TenantId;
use crate::api::DeviceRow;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::directory::{Record, Records};
use scanhook_core::time::Timestamp;

/// What the directory said of a machine last, and when; it is asked for a day at most.
pub(super) fn recorded(
    db: &Connection,
    tenant: TenantId,
    machine: &str,
) -> Result<Option<(Record, Timestamp)>, JournalError> {
    let sql = "SELECT facts, at FROM device WHERE tenant = ? AND machine = ? AND at IS NOT NULL
               ORDER BY at DESC, asked LIMIT 1";
    let found: Option<(Option<String>, i64)> = db
        .prepare_cached(sql)?
        .query_row(params![tenant.0, machine], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(found.and_then(|(facts, at)| {
        let found: Records = serde_json::from_str(&facts?).ok()?;
        let mut records = found.records.into_iter();
        let record = records.find(|record| record.id.as_str() == machine)?;
        Some((record, Timestamp::from_millis(at)))
    }))
}

/// The name of a machine as it is known.
pub(super) fn machine_name(
    db: &Connection,
    tenant: TenantId,
    machine: &str,
) -> Result<Option<String>, JournalError> {
    let sql = "SELECT name FROM machine WHERE id = ? AND tenant = ?";
    Ok(db
        .prepare_cached(sql)?
        .query_row(params![machine, tenant.0], |row| row.get(0))
        .optional()?)
}

/// The device as its row shows it. `name` is what it is called, as far as that is known.
pub(super) fn device_row(
    db: &Connection,
    tenant: TenantId,
    (said, machine): (Option<&str>, Option<&str>),
    name: Option<String>,
) -> Result<DeviceRow, JournalError> {
    let mut view = DeviceRow {
        said: said.map(str::to_owned),
        name,
        machine: machine.map(str::to_owned),
        ..DeviceRow::default()
    };
    let record = match machine {
        Some(machine) => recorded(db, tenant, machine)?,
        None => None,
    };
    if let Some((record, _)) = record {
        view.os = record.os;
        view.tags = record.tags.unwrap_or_default();
        view.health = record.health;
        view.seen_at = record.last_seen.map(|seen| seen.to_string());
    }
    Ok(view)
}

/// The device of an alert that decisions call so.
pub(super) fn said_of<'a>(alert: &'a Alert, label: &str) -> Option<&'a Device> {
    alert.devices.iter().find(|device| device.label() == label)
}
