//! What a policy judges: one alert about one device, with what is known of the machine and the raw body.

use super::memo::Memo;
use super::reading::Reading;
use crate::alert::{Alert, Device, MachineId};
use crate::json::Json;
use crate::time::Timestamp;

/// One (alert, device) to decide.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// The configured source.
    pub source: &'a str,
    /// Its preset.
    pub preset: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The alert.
    pub alert: &'a Alert,
    /// Which of its devices.
    pub device: &'a Device,
    /// What the tenant's directory says of the machine.
    pub facts: Facts,
    /// The raw body, for conditions on JSON pointers.
    pub body: Option<&'a Json<'a>>,
    /// What was found out about the same delivery before, where its alerts and devices are judged together.
    pub memo: Option<&'a Memo>,
    /// When the delivery was received: windows are judged by it.
    pub at: Timestamp,
}

/// What the tenant's directory says of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Facts {
    /// The directory has not been asked yet: what it may say can change the outcome.
    #[default]
    NotAsked,
    /// It was asked and cannot answer: what the alert does not say stays unknown.
    Silent,
    /// It has answered.
    Known(MachineFacts),
}

/// The facts of a machine record that rules can ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineFacts {
    /// The machine's id.
    pub id: Reading<MachineId>,
    /// Its name, short or fully qualified.
    pub name: Reading<String>,
    /// Its addresses.
    pub ips: Reading<Vec<String>>,
    /// Its Entra device id.
    pub aad_id: Reading<String>,
    /// Tags.
    pub tags: Reading<Vec<String>>,
    /// Device group.
    pub group: Reading<String>,
    /// Operating system, as Defender spells it: `Windows11`.
    pub os: Reading<String>,
    /// Health, as Defender spells it: `Active`.
    pub health: Reading<String>,
}

impl MachineFacts {
    /// Lets the record say of the machine's identity what the alert says of it: tests describe one device, not two.
    pub fn identify(&mut self, device: &Device) {
        self.id = Reading::or_absent(device.machine.clone());
        self.name = Reading::or_absent(device.name.clone());
        self.ips = Reading::or_absent(device.ip.clone().map(|ip| vec![ip]));
        self.aad_id = Reading::or_absent(device.aad_id.clone());
    }
}

/// An [`Event`] that owns what it is made of: an event of an embedded test, or one read from a captured delivery.
#[derive(Clone, Debug)]
pub struct OwnedEvent {
    /// The configured source.
    pub source: String,
    /// Its preset.
    pub preset: String,
    /// The tenant.
    pub tenant: String,
    /// The alert.
    pub alert: Alert,
    /// Which of its devices.
    pub device: Device,
    /// What the directory says of the machine.
    pub facts: Facts,
    /// The raw body.
    pub body: Option<Json<'static>>,
}

impl OwnedEvent {
    /// The same, borrowed, as received at this time.
    #[must_use]
    pub fn as_event(&self, at: Timestamp) -> Event<'_> {
        Event {
            source: &self.source,
            preset: &self.preset,
            tenant: &self.tenant,
            alert: &self.alert,
            device: &self.device,
            facts: self.facts.clone(),
            body: self.body.as_ref(),
            memo: None,
            at,
        }
    }
}

/// A JSON value that owns its texts, for an [`OwnedEvent`].
#[must_use]
pub fn owned(json: &Json<'_>) -> Json<'static> {
    json.clone().into_owned()
}
