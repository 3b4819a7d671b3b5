//! What arrives in a test: events written in the rules file, and what the directory says in them.

use core::str::FromStr;

use super::event::{Facts, MachineFacts, OwnedEvent};
use super::finding::{quoted, suggest};
use super::named::Named;
use super::reading::Reading;
use crate::alert::{Device, MachineId};

/// The value by which a test says that a fact cannot be known.
pub(super) const UNKNOWN: &str = "unknown";

/// What tests know of a device that they do not describe: an unremarkable machine, or what `[test_facts]` says.
#[derive(Clone, Debug)]
pub(super) struct TestFacts(pub(super) MachineFacts);

impl Default for TestFacts {
    fn default() -> Self {
        let text = |text: &str| Reading::Present(text.to_owned());
        let facts = MachineFacts {
            id: Reading::Absent,
            name: Reading::Absent,
            ips: Reading::Absent,
            aad_id: Reading::Absent,
            tags: Reading::Present(Vec::new()),
            group: text(""),
            os: text("Windows11"),
            health: text("Active"),
        };
        TestFacts(facts)
    }
}

impl TestFacts {
    /// Lets the directory answer for a captured delivery: what it claims of the machine's identity is so.
    pub(super) fn answer(&self, event: &mut OwnedEvent) {
        event.facts = Facts::Known(self.of(&event.device));
    }

    /// What the directory says of a device where all that the device claims of its identity is so.
    pub(super) fn of(&self, device: &Device) -> MachineFacts {
        let mut facts = self.0.clone();
        facts.identify(device);
        let MachineFacts {
            id,
            name,
            ips,
            aad_id,
            ..
        } = &self.0;
        facts.id = either(facts.id, id);
        facts.name = either(facts.name, name);
        facts.ips = either(facts.ips, ips);
        facts.aad_id = either(facts.aad_id, aad_id);
        facts
    }
}

/// A fact as a person gives it: `device.tags=a,b`, or `tags=a,b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenFact {
    named: Named,
    value: String,
}

impl FromStr for GivenFact {
    type Err = String;

    fn from_str(text: &str) -> Result<GivenFact, String> {
        let (key, value) = text
            .split_once('=')
            .ok_or("write it as KEY=VALUE, such as device.tags=a,b")?;
        let (key, value) = (key.trim(), value.trim());
        let named = Named::of_code(key).or_else(|| Named::of_code(&format!("device.{key}")));
        let Some(named) = named.filter(|named| named.is_device()) else {
            let known: Vec<&str> = Named::ALL
                .iter()
                .filter(|named| named.is_device())
                .map(|one| one.code())
                .collect();
            return Err(format!(
                "{} is not a fact of a device; {}",
                quoted(key),
                suggest(key, &known)
            ));
        };
        if named == Named::DeviceId && value != UNKNOWN && MachineId::parse(value).is_none() {
            return Err(format!("`{named}` must be 40 hex digits"));
        }
        Ok(GivenFact {
            named,
            value: value.to_owned(),
        })
    }
}

impl MachineFacts {
    /// Takes a fact as given. The value `unknown` says that nobody can tell; of tags and addresses there may be several.
    pub fn take(&mut self, fact: &GivenFact) {
        let value = fact.value.as_str();
        let unknown = value == UNKNOWN;
        let text = || {
            if unknown {
                Reading::Unknown
            } else {
                Reading::Present(value.to_owned())
            }
        };
        let list = || {
            let each = value
                .split(',')
                .map(str::trim)
                .filter(|one| !one.is_empty())
                .map(str::to_owned);
            if unknown {
                Reading::Unknown
            } else {
                Reading::Present(each.collect())
            }
        };
        match fact.named {
            Named::DeviceId if unknown => self.id = Reading::Unknown,
            Named::DeviceId => self.id = Reading::or_absent(MachineId::parse(value)),
            Named::DeviceName => self.name = text(),
            Named::DeviceIp => self.ips = list(),
            Named::DeviceAadId => self.aad_id = text(),
            Named::DeviceTags => self.tags = list(),
            Named::DeviceGroup => self.group = text(),
            Named::DeviceOs => self.os = text(),
            Named::DeviceHealth => self.health = text(),
            _ => {}
        }
    }
}

/// What the delivery says, else what the test facts say.
fn either<T: Clone>(said: Reading<T>, otherwise: &Reading<T>) -> Reading<T> {
    if said.is_absent() {
        otherwise.clone()
    } else {
        said
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

    fn with(facts: &[&str]) -> MachineFacts {
        let TestFacts(mut machine) = TestFacts::default();
        facts
            .iter()
            .for_each(|fact| machine.take(&fact.parse().unwrap()));
        machine
    }

    #[test]
    fn a_fact_is_given_by_its_field_or_its_own_name_and_unknown_is_no_value() {
        let text = |text: &str| Reading::Present(text.to_owned());
        let machine = with(&[
            "device.tags=a, b",
            "os=WindowsServer2022",
            "group=",
            "health=unknown",
            "ip=10.0.0.1",
        ]);
        assert_eq!(
            machine.tags,
            Reading::Present(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(
            (machine.os, machine.group, machine.health),
            (text("WindowsServer2022"), text(""), Reading::Unknown)
        );
        assert_eq!(machine.ips, Reading::Present(vec!["10.0.0.1".to_owned()]));
        assert_eq!(with(&["tags="]).tags, Reading::Present(Vec::new()));
        let machine = with(&[
            &format!("id={}", MACHINE.to_uppercase()),
            "name=dc-1",
            "aad_id=x",
        ]);
        assert_eq!(
            (machine.id, machine.name),
            (Reading::or_absent(MachineId::parse(MACHINE)), text("dc-1"))
        );
    }

    #[test]
    fn what_is_no_fact_of_a_device_is_refused_with_what_was_meant() {
        let refused = |text: &str| text.parse::<GivenFact>().unwrap_err();
        assert!(
            refused("device.tag=a").contains("did you mean `device.tags`?"),
            "{}",
            refused("device.tag=a")
        );
        for text in ["severity=high", "reported_name=x", "tags", "id=pc-7"] {
            assert!(!refused(text).is_empty(), "{text}");
        }
    }
}
