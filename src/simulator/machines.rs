//! The fleet: which machines a tenant has, and how they are found.

use super::*;

/// What machines are filtered on here: the documented fields that a name or an id can be resolved with.
const FIELDS: [(&str, Literal); 4] = [
    ("computerDnsName", Literal::Text),
    ("id", Literal::Text),
    ("aadDeviceId", Literal::Guid),
    ("lastSeen", Literal::Time),
];

impl Machine {
    /// `computerDnsName`, wherever it is shown.
    pub(super) fn name(&self) -> String {
        self.dns_name.clone().unwrap_or_else(|| format!("ws-{:.8}.corp.example.com", self.id))
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
        record.as_object_mut().into_iter().for_each(|record| record.extend(self.record.clone()));
        record
    }
}

impl Simulator {
    fn fleet<'a>(&'a self, tenant: &'a str) -> impl Iterator<Item = &'a Machine> {
        self.setup.machines.iter().filter(move |machine| machine.tenant.as_deref().is_none_or(|only| only == tenant))
    }

    /// A machine of this tenant by its id.
    pub(super) fn device(&self, tenant: &str, id: &str) -> Result<Machine, Answer> {
        let listed = self.setup.machines.iter().any(|machine| machine.id == id);
        let unlisted =
            self.setup.open_fleet && !listed && id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let ordinary = unlisted.then(|| Machine { id: id.to_owned(), ..Machine::default() });
        let found = self.fleet(tenant).find(|machine| machine.id == id).cloned().or(ordinary);
        found.ok_or_else(|| refused(404, "ResourceNotFound", &format!("Machine {id} was not found")))
    }

    pub(super) fn machine(&self, now: Timestamp, grant: &Grant, id: &str) -> Reply {
        let mut body = self.device(&grant.tenant, id)?.shown(now);
        body["@odata.context"] = odata::context("Machines/$entity").into();
        Ok(served(200, body, true))
    }

    pub(super) fn machines(&self, now: Timestamp, grant: &Grant, request: &Request<Bytes>) -> Reply {
        let query = Query::of(request, &FIELDS)?;
        let rows = self.fleet(&grant.tenant).map(|machine| machine.shown(now));
        Ok(served(200, query.page(request, "Machines", self.setup.page_size, rows), true))
    }
}
