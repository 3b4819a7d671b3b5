//! The fleet: which machines a tenant has, and how they are found.

use super::answers::{Crafted, Reply, instant, refused, served};
use super::far_side::Simulator;
use super::grant::Grant;
use super::odata;
use super::odata::{ListQuery, Literal};
use super::setup::Machine;
use bytes::Bytes;
use http::Request;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use std::net::IpAddr;

/// What machines are filtered on: the documented fields, but for tags and the number of a device group.
const FIELDS: [(&str, Literal); 12] = [
    ("computerDnsName", Literal::Text),
    ("id", Literal::Text),
    ("version", Literal::Text),
    ("deviceValue", Literal::Text),
    ("aadDeviceId", Literal::Guid),
    ("lastSeen", Literal::Time),
    ("exposureLevel", Literal::Text),
    ("onboardingStatus", Literal::Text),
    ("lastIpAddress", Literal::Text),
    ("healthStatus", Literal::Text),
    ("osPlatform", Literal::Text),
    ("riskScore", Literal::Text),
];
/// How far from the timestamp of `findbyip` a machine may have been seen with the address, in seconds.
const AROUND: i64 = 15 * 60;
/// How old that timestamp may be, in hours.
const OLDEST: i64 = 30 * 24;

impl Machine {
    /// `computerDnsName`, wherever it is shown.
    pub(super) fn name(&self) -> String {
        self.dns_name
            .clone()
            .unwrap_or_else(|| format!("ws-{:.8}.corp.example.com", self.id))
    }

    /// The record as `/api/machines` shows it.
    fn shown(&self, now: Timestamp) -> Value {
        let seen = instant(now - SignedDuration::from_hours(2));
        let mut record = json!({
            "id": self.id, "mergedIntoMachineId": null, "isPotentialDuplication": false, "isExcluded": false,
            "exclusionReason": null, "computerDnsName": self.name(), "firstSeen": seen, "lastSeen": seen,
            "osPlatform": "Windows11", "version": "24H2", "osBuild": 26100, "osProcessor": "x64", "osArchitecture": "64-bit",
            "agentVersion": "10.8760.26100.1", "lastIpAddress": "10.0.0.1", "lastExternalIpAddress": "198.51.100.7",
            "ipAddresses": [], "healthStatus": "Active", "onboardingStatus": "Onboarded", "deviceValue": "Normal",
            "riskScore": "None", "exposureLevel": "Low", "rbacGroupId": 0, "rbacGroupName": null, "machineTags": [],
            "aadDeviceId": null, "isAadJoined": false, "vmMetadata": null, "managedBy": "Intune", "managedByStatus": "Success",
        });
        for record in record.as_object_mut().into_iter() {
            record.extend(self.record.clone());
            record.retain(|field, _| !self.lacks.contains(field));
        }
        record
    }

    /// Whether it was seen with this internal address around an instant.
    fn seen_with(&self, ip: IpAddr, at: Timestamp) -> bool {
        let same = |text: &str| text.parse().is_ok_and(|other: IpAddr| other == ip);
        if !self.sightings.is_empty() {
            return self
                .sightings
                .iter()
                .any(|(text, second)| same(text) && (second - at.as_second()).abs() <= AROUND);
        }
        let record = self.shown(at);
        let others = record["ipAddresses"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|other| &other["ipAddress"]);
        others
            .chain([&record["lastIpAddress"]])
            .filter_map(Value::as_str)
            .any(same)
    }
}

impl Simulator {
    fn fleet<'a>(&'a self, tenant: &'a str) -> impl Iterator<Item = &'a Machine> {
        self.setup
            .machines
            .iter()
            .filter(move |machine| machine.tenant.as_deref().is_none_or(|only| only == tenant))
    }

    /// A machine of this tenant by its id.
    pub(super) fn device(&self, tenant: &str, id: &str) -> Result<Machine, Crafted> {
        let listed = self.setup.machines.iter().any(|machine| machine.id == id);
        let unlisted = self.setup.open_fleet
            && !listed
            && id.len() == 40
            && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ordinary = unlisted.then(|| Machine {
            id: id.to_owned(),
            ..Machine::default()
        });
        let found = self
            .fleet(tenant)
            .find(|machine| machine.id == id)
            .cloned()
            .or(ordinary);
        found.ok_or_else(|| {
            refused(
                404,
                "ResourceNotFound",
                &format!("Machine {id} was not found"),
            )
        })
    }

    pub(super) fn machine(&self, now: Timestamp, grant: &Grant, id: &str) -> Reply {
        let mut body = self.device(&grant.tenant, id)?.shown(now);
        body["@odata.context"] = odata::context("Machines/$entity").into();
        Ok(served(200, body, true))
    }

    pub(super) fn machines(
        &self,
        now: Timestamp,
        grant: &Grant,
        request: &Request<Bytes>,
    ) -> Reply {
        let mut query = ListQuery::of(request, &FIELDS)?;
        query.fold = self.setup.eq_ignores_case;
        let rows = self
            .fleet(&grant.tenant)
            .map(|machine| machine.shown(now))
            .filter(|row| query.matches(row));
        self.found(query.page(request, "Machines", &self.setup, rows.collect()))
    }

    /// `findbyip(ip='10.0.0.1',timestamp=2026-11-23T06:00:00Z)`
    pub(super) fn find_by_ip(&self, now: Timestamp, grant: &Grant, call: &str) -> Reply {
        let wrong = |code: &str| refused(400, code, &format!("{call} is not valid."));
        let given = call
            .strip_prefix("findbyip(ip='")
            .and_then(|rest| rest.strip_suffix(')')?.split_once("',timestamp="));
        let (ip, at) = given.ok_or_else(|| wrong("InvalidInput"))?;
        let ip = ip.parse().map_err(|_| wrong("InvalidIpAddress"))?;
        let at: Timestamp = at.parse().map_err(|_| wrong("InvalidInput"))?;
        if at < now - SignedDuration::from_hours(OLDEST) {
            return Err(wrong("InvalidInput"));
        }
        let seen = self
            .fleet(&grant.tenant)
            .filter(|machine| machine.seen_with(ip, at));
        let rows: Vec<Value> = seen.map(|machine| machine.shown(now)).collect();
        self.found(json!({ "@odata.context": odata::context("Machines"), "value": rows }))
    }

    fn found(&self, body: Value) -> Reply {
        if self.setup.none_is_404 && body["value"].as_array().is_some_and(Vec::is_empty) {
            return Err(refused(404, "NotFound", "No recent machines were found."));
        }
        Ok(served(200, body, true))
    }
}
