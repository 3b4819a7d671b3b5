//! Whether a pattern means a device, an alert or a scan: by anything that alerts, machines and the directory call it.

use super::db::{Connection, OptionalExtension, params};
use super::error::JournalError;
use super::rows::all;
use scanhook_core::alert::Alert;
use scanhook_core::device_glob::DeviceGlob;

/// A device of an alert as it is known: its label, the machine that it is, and what the directory calls that.
#[derive(Clone, Copy)]
pub(super) struct DeviceNames<'k> {
    pub(super) label: &'k str,
    pub(super) machine: Option<&'k str>,
    pub(super) name: Option<&'k str>,
}

/// Whether a pattern means the device of an alert: by anything that the alert says of it, by its machine's id, or by the
/// machine's name.
pub(super) fn means(glob: &DeviceGlob, known: DeviceNames<'_>, alert: &Alert) -> bool {
    let device = alert
        .devices
        .iter()
        .find(|device| device.label() == known.label);
    let said = device.into_iter().flat_map(|device| device.names());
    said.chain([known.label])
        .chain(known.machine)
        .chain(known.name)
        .any(|name| glob.matches(name))
}

/// Whether a pattern means one of the devices of an alert, whatever became of it.
pub(super) fn means_alert(
    db: &Connection,
    glob: &DeviceGlob,
    (delivery, n): (i64, i64),
    alert: &Alert,
) -> Result<bool, JournalError> {
    if alert
        .devices
        .iter()
        .flat_map(|device| device.names())
        .any(|name| glob.matches(name))
    {
        return Ok(true);
    }
    for machine in alert
        .devices
        .iter()
        .filter_map(|device| device.machine.as_ref())
    {
        let names = all(
            db,
            "SELECT name FROM machine WHERE id = ?",
            [machine.as_str()],
            |row| row.get::<_, String>(0),
        )?;
        if names.iter().any(|name| glob.matches(name)) {
            return Ok(true);
        }
    }
    let sql = "SELECT d.machine, m.name FROM decision d LEFT JOIN machine m ON m.id = d.machine AND m.tenant = d.tenant
               WHERE d.delivery = ? AND d.n = ?";
    let known = all(db, sql, params![delivery, n], |row| {
        Ok((
            row.get::<_, Option<String>>(0)?,
            row.get::<_, Option<String>>(1)?,
        ))
    })?;
    Ok(known.iter().any(|(machine, name)| {
        [machine, name]
            .into_iter()
            .flatten()
            .any(|name| glob.matches(name))
    }))
}

/// Whether a pattern means the machine of a scan: by its id, by its name, or by any name or address that an alert has for
/// it.
pub(super) fn means_scan(
    db: &Connection,
    glob: &DeviceGlob,
    scan: i64,
    machine: &str,
) -> Result<bool, JournalError> {
    if glob.matches(machine) {
        return Ok(true);
    }
    let sql = "SELECT m.name FROM scan s JOIN machine m ON m.id = s.machine AND m.tenant = s.tenant WHERE s.id = ?";
    let name = db
        .prepare_cached(sql)?
        .query_row([scan], |row| row.get::<_, String>(0))
        .optional()?;
    if name.is_some_and(|name| glob.matches(&name)) {
        return Ok(true);
    }
    let labels: Vec<String> = all(
        db,
        "SELECT DISTINCT device FROM decision WHERE scan = ?",
        [scan],
        |row| row.get(0),
    )?;
    if labels.iter().any(|label| glob.matches(label)) {
        return Ok(true);
    }
    let mut statement = db.prepare_cached(
        "SELECT d.device, a.fields FROM decision d JOIN alert a ON a.delivery = d.delivery AND a.n = d.n
         WHERE d.scan = ?",
    )?;
    let mut rows = statement.query([scan])?;
    while let Some(row) = rows.next()? {
        let label: String = row.get(0)?;
        let alert: Alert = serde_json::from_str(&row.get::<_, String>(1)?).unwrap_or_default();
        if means(
            glob,
            DeviceNames {
                label: &label,
                machine: None,
                name: None,
            },
            &alert,
        ) {
            return Ok(true);
        }
    }
    Ok(false)
}
