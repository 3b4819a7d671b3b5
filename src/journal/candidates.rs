//! From a pattern to the devices that it may mean, so that nothing has to be walked for one name.

use super::db::{Connection, params, params_from_iter};
use super::error::JournalError;
use super::rows::{all, placeholders};
use scanhook_core::alert::MachineId;
use scanhook_core::device_glob::DeviceGlob;

/// Devices that are looked up one by one; a pattern that may mean more is held against the rows instead.
const MOST: usize = 200;

/// Names that are held against a pattern to find them.
const LOOKED_AT: usize = 20_000;

/// The devices that a pattern may mean, as alerts call them; `None`: too many to look them up one by one.
pub(super) fn candidates(
    db: &Connection,
    glob: &DeviceGlob,
) -> Result<Option<Vec<String>>, JournalError> {
    let (beginning, whole) = glob.beginning();
    if whole {
        let devices = all(
            db,
            "SELECT device FROM known_as WHERE name = ?",
            [beginning],
            |row| row.get(0),
        )?;
        return Ok(Some(devices).filter(|devices| devices.len() <= MOST));
    }
    if beginning.is_empty() {
        return Ok(None);
    }
    let behind = format!("{beginning}\u{10ffff}");
    let mut statement =
        db.prepare_cached("SELECT name, device FROM known_as WHERE name >= ? AND name < ?")?;
    let mut rows = statement.query(params![beginning, behind])?;
    let (mut found, mut looked_at) = (std::collections::BTreeSet::new(), 0);
    while let Some(row) = rows.next()? {
        looked_at += 1;
        if glob.matches(&row.get::<_, String>(0)?) {
            found.insert(row.get::<_, String>(1)?);
        }
        if found.len() > MOST || looked_at > LOOKED_AT {
            return Ok(None);
        }
    }
    Ok(Some(found.into_iter().collect()))
}

/// The machines that decisions about these devices turned out to be about, and those that are called so themselves.
pub(super) fn machines(db: &Connection, devices: &[String]) -> Result<Vec<String>, JournalError> {
    let sql = format!(
        "SELECT DISTINCT machine FROM decision WHERE machine IS NOT NULL AND device IN ({})",
        placeholders(devices.len())
    );
    let mut machines: Vec<String> = all(db, &sql, params_from_iter(devices), |row| row.get(0))?;
    machines.extend(
        devices
            .iter()
            .filter(|device| MachineId::parse(device).is_some())
            .cloned(),
    );
    machines.sort();
    machines.dedup();
    Ok(machines)
}
