//! What devices are called: by every alert that names them, and by the directory. `known_as` leads from a name to the
//! devices that may be meant, so that nothing has to be walked for one; the alert and the directory then say which are.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use super::error::JournalError;
use super::keys::TenantId;
use super::rows::all;
use scanhook_core::alert::{Alert, MachineId};
use scanhook_core::device_glob::{DeviceGlob, folded};
use scanhook_core::directory::Records;
use scanhook_core::time::Timestamp;

/// Devices that are looked up one by one; a pattern that may mean more is held against the rows instead.
const MOST: usize = 200;
/// Names that are held against a pattern to find them.
const LOOKED_AT: usize = 20_000;
/// How old the time may be at which a machine was last named.
const STALE: i64 = 86_400_000;

/// An alert names these devices, in whatever state it is.
pub(super) fn alert_names(
    db: &Connection,
    (delivery, n): (i64, i64),
    alert: &Alert,
) -> Result<(), JournalError> {
    let mut mention =
        db.prepare_cached("INSERT OR IGNORE INTO mention(delivery, n, device) VALUES (?, ?, ?)")?;
    for device in &alert.devices {
        mention.execute(params![delivery, n, device.label()])?;
        for name in device.names() {
            call(db, name, device.label())?;
        }
    }
    Ok(())
}

/// A decision is about this machine, which its alert may call something else.
pub(super) fn is_machine(
    db: &Connection,
    tenant: TenantId,
    device: &str,
    machine: &MachineId,
) -> Result<(), JournalError> {
    if device != machine.as_str() {
        call(db, machine.as_str(), device)?;
    }
    let sql = "SELECT name FROM machine WHERE id = ? AND tenant = ?";
    let known = db
        .prepare_cached(sql)?
        .query_row(params![machine.as_str(), tenant.0], |row| {
            row.get::<_, String>(0)
        });
    known
        .optional()?
        .map_or(Ok(()), |name| call(db, &name, device))
}

/// An alert says the name of a machine; what the directory says of it counts for more.
pub(super) fn alert_names_machine(
    db: &Connection,
    tenant: TenantId,
    (machine, name): (&MachineId, &str),
    now: Timestamp,
) -> Result<(), JournalError> {
    name_machine(db, tenant, (machine, name), false, now)
}

/// The directory says the names of machines.
pub(super) fn directory_names(
    db: &Connection,
    tenant: TenantId,
    found: &Records,
    now: Timestamp,
) -> Result<(), JournalError> {
    for record in &found.records {
        let Some(name) = &record.name else { continue };
        name_machine(db, tenant, (&record.id, name), true, now)?;
        let devices = "SELECT device FROM known_as WHERE name = ?";
        for device in all(db, devices, [record.id.as_str()], |row| {
            row.get::<_, String>(0)
        })? {
            call(db, name, &device)?;
        }
    }
    Ok(())
}

fn name_machine(
    db: &Connection,
    tenant: TenantId,
    (machine, name): (&MachineId, &str),
    told: bool,
    now: Timestamp,
) -> Result<(), JournalError> {
    db.prepare_cached(
        "INSERT INTO machine(id, tenant, name, told, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE
           SET name = excluded.name, told = excluded.told, at = excluded.at
           WHERE excluded.told >= told
             AND (excluded.name <> name OR excluded.told > told OR abs(excluded.at - at) > ?6)",
    )?
    .execute(params![machine.as_str(), tenant.0, name, told, now.millis(), STALE])?;
    Ok(())
}

/// A device is called so: by the whole name, and by its first label.
fn call(db: &Connection, name: &str, device: &str) -> Result<(), JournalError> {
    let name = folded(name);
    let mut known =
        db.prepare_cached("INSERT OR IGNORE INTO known_as(name, device) VALUES (?, ?)")?;
    known.execute(params![name, device])?;
    let label = name
        .split('.')
        .next()
        .filter(|label| label.len() < name.len());
    if let Some(label) =
        label.filter(|label| !label.is_empty() && name.parse::<core::net::IpAddr>().is_err())
    {
        known.execute(params![label, device])?;
    }
    Ok(())
}

/// The names in what an earlier version stored.
pub(super) fn read_earlier(db: &Connection) -> Result<(), JournalError> {
    let mut alerts = db.prepare("SELECT delivery, n, fields FROM alert")?;
    let mut rows = alerts.query([])?;
    while let Some(row) = rows.next()? {
        let alert: Alert = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
        alert_names(db, (row.get(0)?, row.get(1)?), &alert)?;
    }
    let mut answers = db.prepare(
        "SELECT tenant, at, facts FROM device WHERE at IS NOT NULL AND facts IS NOT NULL",
    )?;
    let mut rows = answers.query([])?;
    while let Some(row) = rows.next()? {
        let found: Records = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
        directory_names(
            db,
            TenantId(row.get(0)?),
            &found,
            Timestamp::from_millis(row.get(1)?),
        )?;
    }
    // What is stored of an alert may be more than this version can read; what was decided about it has the device.
    let mut mention =
        db.prepare("INSERT OR IGNORE INTO mention(delivery, n, device) VALUES (?, ?, ?)")?;
    let mut decisions = db.prepare("SELECT delivery, n, device, machine, tenant FROM decision")?;
    let mut rows = decisions.query([])?;
    while let Some(row) = rows.next()? {
        let (device, machine): (String, Option<String>) = (row.get(2)?, row.get(3)?);
        mention.execute(params![
            row.get::<_, i64>(0)?,
            row.get::<_, i64>(1)?,
            device
        ])?;
        call(db, &device, &device)?;
        if let Some(machine) = machine.as_deref().and_then(MachineId::parse) {
            is_machine(db, TenantId(row.get(4)?), &device, &machine)?;
        }
    }
    Ok(())
}

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

/// So many question marks.
pub(super) fn placeholders(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Texts as values of a statement.
pub(super) fn texts(texts: Vec<String>) -> impl Iterator<Item = Value> {
    texts.into_iter().map(Value::from)
}

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
