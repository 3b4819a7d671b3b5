//! One finding inside a delivery, and the devices it names, as the mapping read them.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::time::Timestamp;

codes! {
    /// How bad the sender says it is, on the one ordered scale all senders are mapped onto.
    pub enum Severity {
        /// Worth knowing.
        Informational = "informational",
        /// Low.
        Low = "low",
        /// Medium.
        Medium = "medium",
        /// High.
        High = "high",
        /// Critical; Microsoft products never say it.
        Critical = "critical",
    }
}

codes! {
    /// What became of an alert when it was read.
    pub enum AlertState {
        /// Each of its devices has a decision.
        Decided = "decided",
        /// Stored and visible, but nothing can be decided until somebody acts.
        Parked = "parked",
        /// The source's guard says that this is no new finding.
        Ignored = "ignored",
        /// The same finding was read before, and this one asks for nothing more.
        Duplicate = "duplicate",
    }
}

codes! {
    /// Why an alert is parked or ignored.
    pub enum AlertReason {
        /// The alert names no device.
        NoDevice = "no-device",
        /// The body holds nothing the mapping recognises as an alert.
        Unmapped = "unmapped",
        /// Every device's machine id is something else than 40 hex digits.
        BadMachineId = "bad-machine-id",
        /// The sender's format has another version than the map was made for.
        UnknownVersion = "unknown-version",
        /// No configured tenant belongs to this alert.
        UnknownTenant = "unknown-tenant",
        /// Given by earlier versions: a mapped text held U+0000, which is now read as U+FFFD.
        NulInText = "nul-in-text",
        /// A key the mapping reads stands there twice in different letter case.
        AmbiguousKey = "ambiguous-key",
        /// A key the mapping reads stands there twice, so nobody can tell which value is meant.
        DuplicateKey = "duplicate-key",
        /// More alerts in one delivery than the source may send.
        TooManyAlerts = "too-many-alerts",
        /// More devices in one alert than the source may name.
        TooManyDevices = "too-many-devices",
        /// More devices in all alerts of one delivery together than are decided at once.
        TooManyDecisions = "too-many-decisions",
        /// An id or device key is longer than anything real.
        ValueTooLong = "value-too-long",
        /// The id is still a template's placeholder, such as `{{Id}}`.
        Placeholder = "placeholder",
        /// Ignored: the source's `when` or `unless` says this is resolved, an update or a test.
        Guard = "guard",
        /// Ignored: the delivery holds no alerts.
        NoAlerts = "no-alerts",
        /// Duplicate: it asks for nothing that was not decided before.
        Repeated = "repeated",
    }
}

codes! {
    /// What an alert that goes on is noted for.
    pub enum Note {
        /// A text in the place of a technique holds no number such as T1486, so what it means is not known.
        TechniqueNotRead = "technique-not-read",
        /// A text in the place of the time is no instant, or could be several.
        TimeNotRead = "time-not-read",
        /// Several names or ids stand beside what belongs to one of them, and nobody says to which.
        NotAttached = "not-attached",
        /// Bytes that are no characters were read as U+FFFD, by us or by somebody before us.
        ReplacedBytes = "replaced-bytes",
    }
}

impl Note {
    /// A sentence for a person.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Note::TechniqueNotRead => {
                "The text in the place of a technique holds no number such as T1486: rules see it as unknown."
            }
            Note::TimeNotRead => {
                "The text in the place of the time is not an instant, or could be several."
            }
            Note::NotAttached => {
                "Several names or ids stand beside what belongs to one of them, so it was given to none."
            }
            Note::ReplacedBytes => {
                "Bytes that are not characters are read as U+FFFD; a field that identifies is unusable with one."
            }
        }
    }
}

/// A machine's id at Defender: 40 lower-case hex digits. There is no other way to name a machine in a call.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MachineId(String);

impl MachineId {
    /// Reads 40 ASCII hex digits of either case; anything else is no machine id.
    #[must_use]
    pub fn parse(text: &str) -> Option<MachineId> {
        (text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit()))
            .then(|| MachineId(text.to_ascii_lowercase()))
    }

    /// The 40 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for MachineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for MachineId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        MachineId::parse(&text)
            .ok_or_else(|| serde::de::Error::custom("a machine id is 40 hex digits"))
    }
}

/// One finding. Text is the sender's, as data; `None` and empty lists mean *absent*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Alert {
    /// The sender's id, literally as written (a number keeps its digits).
    pub id: String,
    /// The sender gave no id; `id` is derived from the body.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub id_derived: bool,
    /// The id stands for something that several alerts have in common, such as a search job: it cites, and alone never
    /// tells two alerts apart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub id_shared: bool,
    /// What makes two alerts of one source the same; the id unless the preset says otherwise.
    pub dedupe: String,
    /// Headline.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// `None`: the sender states none, or one off the scale. Never filled with a default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Categories or tactics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub category: Vec<String>,
    /// MITRE ATT&CK technique ids.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub techniques: Vec<String>,
    /// The sender's status word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What found it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// When it happened, if the sender's text could be read as an instant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// The account involved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The tenant id in the body: shown, never compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Where a person reads on; never fetched.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Other ids of the same thing, by what they are called (`incident`, `provider_alert`): shown, never compared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Vec<String>>,
    /// The configured tenant it is for, where its source acts for several. `None`: its source's only one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acts_for: Option<String>,
    /// The devices it names, each once.
    pub devices: Vec<Device>,
    /// Fields (as rules name them) that were present with a value of a wrong type: *unknown* to the rules.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unusable: BTreeSet<String>,
    /// What a person should know about how it was read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub notes: BTreeSet<Note>,
}

/// What an alert says of one device. The sender's claims, not facts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Device {
    /// The machine's id at Defender, if the alert carries a well-formed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine: Option<MachineId>,
    /// What stood in the place of the machine id but is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_machine_id: Option<String>,
    /// What stood in the place of the host name but cannot be one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_name: Option<String>,
    /// Host name, short or fully qualified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// IP address, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Entra device id; never a machine id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aad_id: Option<String>,
}

impl Device {
    /// How a person refers to it: the machine id, else name, the text that should have been one, address, Entra id, or
    /// the text that should have been an id.
    #[must_use]
    pub fn label(&self) -> &str {
        self.machine
            .as_ref()
            .map(MachineId::as_str)
            .or(self.name.as_deref())
            .or(self.bad_name.as_deref())
            .or(self.ip.as_deref())
            .or(self.aad_id.as_deref())
            .or(self.bad_machine_id.as_deref())
            .unwrap_or("")
    }

    /// Everything that the alert calls it by, as it was written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let id = self.machine.as_ref().map(MachineId::as_str);
        let texts = [
            &self.name,
            &self.bad_name,
            &self.ip,
            &self.aad_id,
            &self.bad_machine_id,
        ];
        id.into_iter()
            .chain(texts.into_iter().filter_map(|text| text.as_deref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forty_hex_digits_are_a_machine_id() {
        let id = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
        assert_eq!(
            MachineId::parse(&id.to_uppercase())
                .map(|m| m.to_string())
                .as_deref(),
            Some(id)
        );
        for bad in [
            "",
            "../../alerts",
            "a/../b",
            "x?y=",
            &id[..39],
            &format!("{id}0"),
            &id.replace('1', "１"),
            &format!("{} ", &id[..39]),
        ] {
            assert_eq!(MachineId::parse(bad), None, "{bad}");
        }
    }
}
