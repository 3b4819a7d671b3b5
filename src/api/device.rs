//! What an alert says of a device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use scanhook_core::alert::{Device, MachineId};

/// A device that an alert names; what the alert does not say is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeviceView {
    /// How decisions refer to it.
    pub label: String,
    /// Host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The machine's id at Defender.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Entra device id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aad_id: Option<String>,
}

impl From<Device> for DeviceView {
    fn from(device: Device) -> DeviceView {
        DeviceView {
            label: device.label().to_owned(),
            machine: device.machine.as_ref().map(MachineId::to_string),
            name: device.name,
            ip: device.ip,
            aad_id: device.aad_id,
        }
    }
}
