//! From what a person types to the deliveries and decisions that are meant: by an id or its beginning, or by a device.

use uuid::Uuid;

use super::archive::Archive;
use super::candidates::candidates;
use super::db::{Connection, Value, params_from_iter};
use super::error::JournalError;
use super::ids::decision_uuid;
use super::means::{DeviceNames, means};
use super::prefix::{self, IdPrefix};
use super::rows::{all, placeholders};
use scanhook_core::alert::Alert;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::time::Timestamp;

impl Archive {
    /// The deliveries and decisions that have this id, or whose ids begin so; a few at most.
    ///
    /// # Errors
    /// When the journal cannot be read, or was changed by somebody who opened it meanwhile.
    pub fn named(&self, named: &IdPrefix) -> Result<Vec<Uuid>, JournalError> {
        let found = match named.whole() {
            Some(id) => vec![id],
            None => prefix::explained(&self.db, named)?,
        };
        self.still_idle()?;
        Ok(found)
    }

    /// The decisions about a device, newest first, as many as are asked for; of an alert about which nothing was decided
    /// its delivery.
    ///
    /// # Errors
    /// When the journal cannot be read, or was changed by somebody who opened it meanwhile.
    pub fn of_device(&self, glob: &DeviceGlob, most: usize) -> Result<Vec<Uuid>, JournalError> {
        let db = self.db.transaction()?;
        let devices = if self.has_names {
            candidates(&db, glob)?
        } else {
            None
        };
        let mentioned = devices.as_ref().map_or_else(String::new, |devices| {
            let marks = placeholders(devices.len());
            format!("(a.delivery, a.n) IN (SELECT delivery, n FROM mention WHERE device IN ({marks})) AND")
        });
        let sql = format!(
            "SELECT a.delivery, a.n, a.fields, v.uuid FROM alert a JOIN delivery v ON v.id = a.delivery
             WHERE {mentioned} (a.delivery, a.n) < (?, ?) ORDER BY a.delivery DESC, a.n DESC LIMIT 256"
        );
        let devices: Vec<Value> = devices.into_iter().flatten().map(Value::Text).collect();
        let mut found = Vec::new();
        let mut behind = (i64::MAX, i64::MAX);
        loop {
            let last = [Value::Int(behind.0), Value::Int(behind.1)];
            let values = devices.iter().cloned().chain(last);
            let alerts = all(&db, &sql, params_from_iter(values), |row| {
                Ok(((row.get(0)?, row.get(1)?), row.get(2)?, row.get(3)?))
            })?;
            if alerts.is_empty() {
                break;
            }
            for (place, fields, delivery) in alerts {
                behind = place;
                found.extend(self.about(&db, place, (&fields, delivery), glob)?);
                found.dedup();
                if found.len() >= most {
                    found.truncate(most);
                    self.still_idle()?;
                    return Ok(found);
                }
            }
        }
        self.still_idle()?;
        Ok(found)
    }

    /// The decisions of one alert that are about the device, or its delivery where nothing was decided.
    fn about(
        &self,
        db: &Connection,
        place: (i64, i64),
        (fields, delivery): (&String, Uuid),
        glob: &DeviceGlob,
    ) -> Result<Vec<Uuid>, JournalError> {
        let alert: Alert = serde_json::from_str(fields).unwrap_or_default();
        let (decided, mut meant) = self.decisions_of(db, place, &alert, glob)?;
        let mut names = alert.devices.iter().flat_map(|device| device.names());
        if !decided && names.any(|name| glob.matches(name)) {
            meant.insert(0, delivery);
        }
        Ok(meant)
    }

    /// Whether anything was decided about an alert, and the decisions that are about the device.
    fn decisions_of(
        &self,
        db: &Connection,
        (delivery, n): (i64, i64),
        alert: &Alert,
        glob: &DeviceGlob,
    ) -> Result<(bool, Vec<Uuid>), JournalError> {
        let name = if self.has_names {
            "(SELECT name FROM machine m WHERE m.id = d.machine AND m.tenant = d.tenant)"
        } else {
            "NULL"
        };
        let sql = format!(
            "SELECT d.id, d.at, d.device, d.machine, {name} FROM decision d WHERE d.delivery = ? AND d.n = ?
             ORDER BY d.id DESC"
        );
        let decisions = all(db, &sql, [delivery, n], |row| {
            let id = decision_uuid(Timestamp::from_millis(row.get(1)?), row.get(0)?);
            Ok((
                id,
                row.get::<_, String>(2)?,
                row.get::<_, Option<String>>(3)?,
                row.get::<_, Option<String>>(4)?,
            ))
        })?;
        let meant = decisions.iter().filter(|(_, label, machine, name)| {
            means(
                glob,
                DeviceNames {
                    label,
                    machine: machine.as_deref(),
                    name: name.as_deref(),
                },
                alert,
            )
        });
        Ok((!decisions.is_empty(), meant.map(|(id, ..)| *id).collect()))
    }
}
