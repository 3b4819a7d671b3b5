//! What devices are called: by every alert that names them, and by the directory. `known_as` leads from a name to the
//! devices that may be meant (`candidates`), so that nothing has to be walked for one; the alert and the directory then
//! say which are (`means`).

use super::db::{AskedAbout, Connection, KnownQuestion, OptionalExtension, Value, params};
use super::error::JournalError;
use super::keys::TenantId;
use super::rows::all;
use scanhook_core::alert::{Alert, MachineId};
use scanhook_core::device_glob::folded;
use scanhook_core::directory::Records;
use scanhook_core::time::Timestamp;

/// How old the time may be at which a machine was last named.
const STALE: i64 = 86_400_000;

/// An alert names these devices, in whatever state it is.
pub(super) fn alert_names(
    db: &Connection,
    (delivery, n): (i64, i64),
    alert: &Alert,
) -> Result<(), JournalError> {
    let mention =
        "INSERT INTO mention(delivery, n, device) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    for device in &alert.devices {
        db.later(mention, params![delivery, n, device.label()])?;
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
    let name = called(db, tenant, machine)?.map(|(name, ..)| name);
    is_called(db, device, machine, name.as_deref())
}

/// The device is this machine, which has this name.
fn is_called(
    db: &Connection,
    device: &str,
    machine: &MachineId,
    name: Option<&str>,
) -> Result<(), JournalError> {
    if device != machine.as_str() {
        call(db, machine.as_str(), device)?;
    }
    name.map_or(Ok(()), |name| call(db, name, device))
}

/// An alert says the name of a machine that it calls so; what the directory says of it counts for more.
pub(super) fn alert_names_machine(
    db: &Connection,
    tenant: TenantId,
    (machine, name): (&MachineId, &str),
    device: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    let name = name_machine(db, tenant, (machine, name), false, now)?;
    is_called(db, device, machine, Some(&name))
}

/// What a machine is called, whether by the directory, and when it was named last.
pub(super) fn name_of(tenant: TenantId, machine: &MachineId) -> KnownQuestion {
    KnownQuestion {
        sql: "SELECT name, told, at FROM machine WHERE id = ? AND tenant = ?",
        values: vec![
            Value::Text(machine.as_str().to_owned()),
            Value::Int(tenant.0),
        ],
        about: AskedAbout::Name(tenant.0, machine.as_str().to_owned()),
    }
}

fn called(
    db: &Connection,
    tenant: TenantId,
    machine: &MachineId,
) -> Result<Option<(String, bool, i64)>, JournalError> {
    let asked = name_of(tenant, machine);
    let known = db.query_row(asked.sql, &asked, |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    });
    Ok(known.optional()?)
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

/// Returns the name that it has then.
fn name_machine(
    db: &Connection,
    tenant: TenantId,
    (machine, name): (&MachineId, &str),
    told: bool,
    now: Timestamp,
) -> Result<String, JournalError> {
    if let Some((known, by_directory, at)) = called(db, tenant, machine)? {
        let counts_less = by_directory && !told;
        let news = known != name || told != by_directory || (now.millis() - at).abs() > STALE;
        if counts_less || !news {
            return Ok(known);
        }
    }
    db.differs(&AskedAbout::Name(tenant.0, machine.as_str().to_owned()));
    db.later(
        "INSERT INTO machine(id, tenant, name, told, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT(id, tenant) DO UPDATE
           SET name = excluded.name, told = excluded.told, at = excluded.at",
        params![machine.as_str(), tenant.0, name, told, now.millis()],
    )?;
    Ok(name.to_owned())
}

/// A device is called so: by the whole name, and by its first label.
fn call(db: &Connection, name: &str, device: &str) -> Result<(), JournalError> {
    let name = folded(name);
    let known = "INSERT INTO known_as(name, device) VALUES (?, ?) ON CONFLICT DO NOTHING";
    db.later(known, params![name, device])?;
    let label = name
        .split('.')
        .next()
        .filter(|label| label.len() < name.len());
    if let Some(label) =
        label.filter(|label| !label.is_empty() && name.parse::<core::net::IpAddr>().is_err())
    {
        db.later(known, params![label, device])?;
    }
    Ok(())
}

/// The names in what an earlier version stored.
pub(super) fn read_earlier(db: &Connection) -> Result<(), JournalError> {
    let mut alerts = db.prepare_cached("SELECT delivery, n, fields FROM alert")?;
    let mut rows = alerts.query([])?;
    while let Some(row) = rows.next()? {
        let alert: Alert = serde_json::from_str(&row.get::<_, String>(2)?).unwrap_or_default();
        alert_names(db, (row.get(0)?, row.get(1)?), &alert)?;
    }
    let mut answers = db.prepare_cached(
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
    let mut mention = db.prepare_cached(
        "INSERT INTO mention(delivery, n, device) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    let mut decisions =
        db.prepare_cached("SELECT delivery, n, device, machine, tenant FROM decision")?;
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
