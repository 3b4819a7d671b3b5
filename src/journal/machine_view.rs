//! A machine with all that is known of it: its names, what the directory said, what keeps its scans back, and the latest
//! scans, decisions and alerts.

use std::collections::BTreeSet;

use super::candidates::{candidates, machines};
use super::db::{OptionalExtension, params};
use super::device_row::{device_row, machine_name, recorded};
use super::error::JournalError;
use super::filter::Filter;
use super::keys::TenantId;
use super::reader::Reader;
use super::rows::all;
use super::selector::listed;
use crate::api::{DirectoryView, MachineName, MachineView, PauseView};
use scanhook_core::alert::MachineId;
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::directory::Record;
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Guard;
use scanhook_core::why::Why;

/// Scans, decisions and alerts that are shown; lists have all of them.
const LATEST: u16 = 20;
/// Names that are shown.
const NAMES: u32 = 50;

impl Reader<'_> {
    /// The machines that a pattern means by any of their names; `None`: it may mean too many.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn machines_called(
        &self,
        glob: &DeviceGlob,
        tenants: Option<&[TenantId]>,
    ) -> Result<Option<Vec<MachineName>>, JournalError> {
        let Some(devices) = candidates(self.db, glob)? else {
            return Ok(None);
        };
        let of = tenants.map_or_else(String::new, |of| format!("WHERE id IN ({})", listed(of)));
        // A machine is its tenant's: the same id may be known to several.
        let sql = format!(
            "SELECT id, name FROM tenant {of}{} (EXISTS (SELECT 1 FROM scan WHERE machine = ?1 AND tenant = tenant.id)
               OR EXISTS (SELECT 1 FROM decision d JOIN known_as k ON k.device = d.device
                          WHERE k.name = ?1 AND d.machine = ?1 AND d.tenant = tenant.id)
               OR EXISTS (SELECT 1 FROM machine WHERE id = ?1 AND tenant = tenant.id)) ORDER BY name",
            if of.is_empty() { "WHERE" } else { " AND" }
        );
        let mut found = Vec::new();
        for id in machines(self.db, &devices)? {
            let of: Vec<(i64, String)> =
                all(self.db, &sql, [&id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            for (tenant, name) in of {
                found.push(MachineName {
                    tenant: name,
                    name: machine_name(self.db, TenantId(tenant), &id)?,
                    id: id.clone(),
                });
            }
        }
        Ok(Some(found))
    }

    /// The tenant of this name, whether it is configured still or not.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn tenant_named(&self, name: &str) -> Result<Option<TenantId>, JournalError> {
        let sql = "SELECT id FROM tenant WHERE name = ?";
        Ok(self
            .db
            .prepare_cached(sql)?
            .query_row([name], |row| row.get(0).map(TenantId))
            .optional()?)
    }

    /// What is known of a machine; `None`: nothing.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn machine(
        &self,
        tenant: TenantId,
        id: &MachineId,
    ) -> Result<Option<MachineView>, JournalError> {
        let id = id.as_str();
        let filter = Filter {
            machine: Some(id.to_owned()),
            tenants: Some(vec![tenant]),
            limit: Some(LATEST),
            ..Filter::default()
        };
        let named = Filter {
            machine: None,
            device: DeviceGlob::parse(id).ok(),
            ..filter.clone()
        };
        let name = machine_name(self.db, tenant, id)?;
        let record = recorded(self.db, tenant, id)?;
        let (scans, decisions) = (self.scans(&filter)?.items, self.decisions(&filter)?.items);
        if name.is_none() && record.is_none() && scans.is_empty() && decisions.is_empty() {
            return Ok(None);
        }
        let names = self.names_of(tenant, id, name.clone())?;
        let said = (None, Some(id));
        let tenant_name: String = self
            .db
            .prepare_cached("SELECT name FROM tenant WHERE id = ?")?
            .query_row([tenant.0], |row| row.get(0))?;
        let mut pauses = self.pauses()?;
        pauses.retain(|pause| keeps_back(pause, &tenant_name, &names));
        Ok(Some(MachineView {
            tenant: tenant_name,
            id: id.to_owned(),
            device: device_row(self.db, tenant, said, name)?,
            directory: record.map(|(record, at)| directory_view(record, at)),
            cooling: None,
            pauses,
            protections: self.protections_of(tenant, id)?,
            alerts: self.alerts(&named)?.items,
            names,
            scans,
            decisions,
        }))
    }

    /// All that alerts of this tenant and the directory call it. Two tenants may have a device of the same name: what
    /// another machine is called besides, and its id, are not names of this one.
    fn names_of(
        &self,
        tenant: TenantId,
        id: &str,
        name: Option<String>,
    ) -> Result<Vec<String>, JournalError> {
        let sql = format!(
            "SELECT DISTINCT k.name FROM known_as k WHERE k.device IN
               (SELECT device FROM known_as WHERE name = ?1
                INTERSECT SELECT d.device FROM decision d WHERE d.machine = ?1 AND +d.tenant = ?2
                  AND d.device IN (SELECT device FROM known_as WHERE name = ?1))
               AND NOT EXISTS (SELECT 1 FROM decision o WHERE o.device = k.device AND +o.tenant <> ?2)
             ORDER BY k.name LIMIT {NAMES}"
        );
        let found = all(self.db, &sql, params![id, tenant.0], |row| {
            row.get::<_, String>(0)
        })?;
        let mut names: BTreeSet<String> = found
            .into_iter()
            .filter(|name| MachineId::parse(name).is_none())
            .collect();
        // Names are kept in lower case; the one that is shown above is as it was said.
        names.extend(name.map(|name| scanhook_core::device_glob::folded(&name)));
        names.insert(id.to_owned());
        Ok(names.into_iter().collect())
    }

    /// The protections that its latest decisions were hit by.
    fn protections_of(&self, tenant: TenantId, id: &str) -> Result<Vec<String>, JournalError> {
        let sql = format!(
            "SELECT why FROM decision WHERE device IN (SELECT device FROM known_as WHERE name = ?1) AND machine = ?1
               AND +tenant = ?2 ORDER BY id DESC LIMIT {LATEST}"
        );
        let whys = all(self.db, &sql, params![id, tenant.0], |row| {
            row.get::<_, String>(0)
        })?;
        let hit: BTreeSet<String> = whys
            .iter()
            .flat_map(|why| {
                serde_json::from_str::<Why>(why)
                    .unwrap_or_default()
                    .protections
            })
            .filter(|guarded| guarded.how != Guard::Skipped)
            .map(|guarded| guarded.name)
            .collect();
        Ok(hit.into_iter().collect())
    }
}

/// Whether a pause keeps back scans of a machine that is called so. One of a rule keeps back those of that rule.
fn keeps_back(pause: &PauseView, tenant: &str, names: &[String]) -> bool {
    let device = pause.device.as_deref().map(DeviceGlob::parse);
    let meant = match device {
        None => true,
        Some(Ok(glob)) => names.iter().any(|name| glob.matches(name)),
        Some(Err(_)) => false,
    };
    meant && pause.tenant.as_deref().is_none_or(|of| of == tenant)
}

fn directory_view(record: Record, at: Timestamp) -> DirectoryView {
    DirectoryView {
        asked_at: at.to_string(),
        name: record.name,
        os: record.os,
        health: record.health,
        onboarding: record.onboarding,
        excluded: record.excluded,
        seen_at: record.last_seen.map(|seen| seen.to_string()),
        tags: record.tags.unwrap_or_default(),
        group: record.group,
        ips: record.ips,
        aad_id: record.aad_id,
    }
}
