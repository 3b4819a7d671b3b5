//! What arrives in a test: events written in the rules file, and what the directory says in them.

use core::str::FromStr;

use toml::de::DeValue;

use super::Rules;
use super::event::{Facts, MachineFacts, OwnedEvent};
use super::field::{Field, Named, Reading};
use super::finding::{code, quoted, suggest};
use super::walk::{Node, Walk, entries_of};
use crate::domain::alert::{Alert, Device, MachineId};
use crate::domain::json::{Json, Object};

/// The value by which a test says that a fact cannot be known.
const UNKNOWN: &str = "unknown";

/// What tests know of a device that they do not describe: an unremarkable machine, or what `[test_facts]` says.
#[derive(Clone, Debug)]
pub(super) struct TestFacts(MachineFacts);

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
        let MachineFacts { id, name, ips, aad_id, .. } = &self.0;
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
        let (key, value) = text.split_once('=').ok_or("write it as KEY=VALUE, such as device.tags=a,b")?;
        let (key, value) = (key.trim(), value.trim());
        let named = Named::of_code(key).or_else(|| Named::of_code(&format!("device.{key}")));
        let Some(named) = named.filter(|named| named.is_device()) else {
            let known: Vec<&str> = Named::ALL.iter().filter(|named| named.is_device()).map(|one| one.code()).collect();
            return Err(format!("{} is no fact of a device; {}", quoted(key), suggest(key, &known)));
        };
        if named == Named::DeviceId && value != UNKNOWN && MachineId::parse(value).is_none() {
            return Err(format!("`{named}` must be 40 hex digits"));
        }
        Ok(GivenFact { named, value: value.to_owned() })
    }
}

impl MachineFacts {
    /// Takes a fact as given. The value `unknown` says that nobody can tell; of tags and addresses there may be several.
    pub fn take(&mut self, fact: &GivenFact) {
        let value = fact.value.as_str();
        let unknown = value == UNKNOWN;
        let text = || if unknown { Reading::Unknown } else { Reading::Present(value.to_owned()) };
        let list = || {
            let each = value.split(',').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned);
            if unknown { Reading::Unknown } else { Reading::Present(each.collect()) }
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

impl Rules {
    /// What the directory would say of an unremarkable machine, or of one as `[test_facts]` has it, that is what the
    /// alert says it is.
    #[must_use]
    pub fn unremarkable(&self, device: &Device) -> MachineFacts {
        self.test_facts.of(device)
    }
}

/// What the delivery says, else what the test facts say.
fn either<T: Clone>(said: Reading<T>, otherwise: &Reading<T>) -> Reading<T> {
    if said.is_absent() { otherwise.clone() } else { said }
}

impl Walk<'_> {
    pub(super) fn test_facts(&mut self, value: &Node<'_>) -> TestFacts {
        let mut facts = TestFacts::default();
        let Some(table) = self.table(value, "`test_facts`") else { return facts };
        // Device facts go by their own name here, `os`, as well as by the field's, `device.os`.
        for entry in entries_of(table) {
            let group = (!entry.key.starts_with("device") && !entry.key.starts_with('/')).then_some("device");
            for entry in self.fields(vec![entry], group) {
                match &entry.field {
                    Field::Named(named) if named.is_device() && entry.operator.is_none() => {
                        self.fact(*named, entry.value, &mut facts.0);
                    }
                    field => {
                        let message = format!("{} is no fact of a device", quoted(field.name()));
                        self.error(code::BAD_TEST, entry.span, message);
                    }
                }
            }
        }
        facts
    }

    /// What the directory says of a device.
    fn fact(&mut self, named: Named, value: &Node<'_>, facts: &mut MachineFacts) {
        let what = format!("`{}`", named.code());
        let unknown = value.get_ref().as_str() == Some(UNKNOWN);
        let text = |walk: &mut Self| {
            if unknown {
                Some(Reading::Unknown)
            } else {
                walk.text(value, &what).map(|t| Reading::Present(t.to_owned()))
            }
        };
        match named {
            Named::DeviceId if unknown => facts.id = Reading::Unknown,
            Named::DeviceId => {
                let text = self.text(value, &what);
                facts.id = Reading::or_absent(text.and_then(MachineId::parse));
                if text.is_some() && facts.id.is_absent() {
                    self.error(code::BAD_VALUE, value.span(), format!("{what} must be 40 hex digits"));
                }
            }
            Named::DeviceIp if unknown => facts.ips = Reading::Unknown,
            Named::DeviceIp => facts.ips = Reading::Present(self.texts(value, &what)),
            Named::DeviceTags if unknown => facts.tags = Reading::Unknown,
            Named::DeviceTags => facts.tags = Reading::Present(self.texts(value, &what)),
            Named::DeviceName => facts.name = text(self).unwrap_or(Reading::Absent),
            Named::DeviceAadId => facts.aad_id = text(self).unwrap_or(Reading::Absent),
            Named::DeviceGroup => facts.group = text(self).unwrap_or(Reading::Absent),
            Named::DeviceOs => facts.os = text(self).unwrap_or(Reading::Absent),
            Named::DeviceHealth => facts.health = text(self).unwrap_or(Reading::Absent),
            _ => {}
        }
    }

    pub(super) fn event(&mut self, value: &Node<'_>, facts: &TestFacts) -> Option<OwnedEvent> {
        let table = self.table(value, "`event`")?;
        let mut event = blank(facts);
        // The claims come last: where the event does not tell them, the alert says what the directory says.
        let mut entries = self.fields(entries_of(table), None);
        entries.sort_by_key(|entry| matches!(&entry.field, Field::Named(Named::ReportedName | Named::ReportedIp)));
        for entry in entries {
            match (&entry.field, entry.operator) {
                (field, Some(_)) => {
                    let message = format!("an event gives `{}` a value, without an operator", field.name());
                    self.error(code::BAD_TEST, entry.span, message);
                }
                (Field::Named(named), None) => self.event_value(*named, entry.value, &mut event),
                (Field::Pointer { text, .. }, None) => {
                    if let Some(json) = self.json(entry.value, text) {
                        place(event.body.get_or_insert_with(|| Json::Object(Object::default())), text, json);
                    }
                }
            }
        }
        // In the field every event has a source, so the rule that matches every source must match here too.
        if event.source.is_empty() {
            "test".clone_into(&mut event.source);
        }
        if event.preset.is_empty() {
            event.preset.clone_from(&event.source);
        }
        if event.alert.id.is_empty() {
            "test".clone_into(&mut event.alert.id);
            event.alert.id_derived = true;
        }
        event.alert.dedupe.clone_from(&event.alert.id);
        event.alert.devices = vec![event.device.clone()];
        Some(event)
    }

    /// Gives one field of an event its value. A fact of the device is what the directory says; of its identity the
    /// alert says the same.
    fn event_value(&mut self, named: Named, value: &Node<'_>, event: &mut OwnedEvent) {
        let what = format!("`{}`", named.code());
        let unknown = value.get_ref().as_str() == Some(UNKNOWN);
        if named.is_device() {
            if let Facts::Known(facts) = &mut event.facts {
                self.fact(named, value, facts);
                claim(named, facts, &mut event.device);
            }
            return;
        }
        match named {
            Named::ReportedName | Named::ReportedIp if unknown => {
                let claim = if named == Named::ReportedName { Named::DeviceName } else { Named::DeviceIp };
                event.alert.unusable.insert(claim.code().to_owned());
            }
            Named::Severity if unknown => event.alert.severity = None,
            Named::Severity => event.alert.severity = self.severity(value, &what),
            Named::AlertTime => event.alert.time = self.time(value, &what),
            Named::AlertCategory => event.alert.category = self.texts(value, &what),
            Named::AlertTechniques => event.alert.techniques = self.texts(value, &what),
            _ => {
                if let Some(text) = self.text(value, &what).map(str::to_owned) {
                    set_text(named, text, event);
                }
            }
        }
    }

    /// A list of texts, or one.
    fn texts(&mut self, value: &Node<'_>, what: &str) -> Vec<String> {
        let DeValue::Array(array) = value.get_ref() else {
            return self.text(value, what).map(str::to_owned).into_iter().collect();
        };
        array.iter().filter_map(|element| self.text(element, what).map(str::to_owned)).collect()
    }

    /// A value of the raw body.
    fn json(&mut self, value: &Node<'_>, what: &str) -> Option<Json<'static>> {
        Some(match value.get_ref() {
            DeValue::String(text) => Json::Text(text.to_string().into()),
            DeValue::Integer(number) if number.radix() == 10 => Json::Number(number.as_str().to_owned().into()),
            DeValue::Float(number) => Json::Number(number.as_str().to_owned().into()),
            DeValue::Boolean(value) => Json::Bool(*value),
            DeValue::Array(array) => {
                Json::List(array.iter().map(|element| self.json(element, what)).collect::<Option<_>>()?)
            }
            DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                self.wrong_type(value, &quoted(what), "text, a decimal number, `true` or `false`, or a list of them");
                return None;
            }
        })
    }
}

/// An event of which nothing has been said yet.
fn blank(facts: &TestFacts) -> OwnedEvent {
    OwnedEvent {
        source: String::new(),
        preset: String::new(),
        tenant: "default".to_owned(),
        alert: Alert::default(),
        device: Device::default(),
        facts: Facts::Known(facts.0.clone()),
        body: None,
    }
}

/// Lets the alert say of the machine's identity what the directory says of it.
fn claim(named: Named, facts: &MachineFacts, device: &mut Device) {
    match named {
        Named::DeviceId => device.machine = facts.id.clone().present(),
        Named::DeviceName => device.name = facts.name.clone().present(),
        Named::DeviceIp => device.ip = facts.ips.clone().present().and_then(|ips| ips.into_iter().next()),
        Named::DeviceAadId => device.aad_id = facts.aad_id.clone().present(),
        _ => {}
    }
}

fn set_text(named: Named, text: String, event: &mut OwnedEvent) {
    match named {
        Named::Source => event.source = text,
        Named::Preset => event.preset = text,
        Named::Tenant => event.tenant = text,
        Named::User => event.alert.user = Some(text),
        Named::AlertId => event.alert.id = text,
        Named::AlertTitle => event.alert.title = Some(text),
        Named::AlertStatus => event.alert.status = Some(text),
        Named::AlertDetector => event.alert.detector = Some(text),
        Named::ReportedName => event.device.name = Some(text),
        Named::ReportedIp => event.device.ip = Some(text),
        _ => {}
    }
}

/// Puts a value at a JSON pointer's place, making the objects on the way.
fn place(root: &mut Json<'static>, pointer: &str, value: Json<'static>) {
    let mut at = root;
    for raw in pointer.split('/').skip(1) {
        let key = raw.replace("~1", "/").replace("~2", "*").replace("~0", "~");
        if !matches!(at, Json::Object(_)) {
            *at = Json::Object(Object::default());
        }
        let Json::Object(members) = at else { return };
        at = members.or_null(&key);
    }
    *at = value;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

    fn with(facts: &[&str]) -> MachineFacts {
        let TestFacts(mut machine) = TestFacts::default();
        facts.iter().for_each(|fact| machine.take(&fact.parse().unwrap()));
        machine
    }

    #[test]
    fn a_fact_is_given_by_its_field_or_its_own_name_and_unknown_is_no_value() {
        let text = |text: &str| Reading::Present(text.to_owned());
        let machine = with(&["device.tags=a, b", "os=WindowsServer2022", "group=", "health=unknown", "ip=10.0.0.1"]);
        assert_eq!(machine.tags, Reading::Present(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(
            (machine.os, machine.group, machine.health),
            (text("WindowsServer2022"), text(""), Reading::Unknown)
        );
        assert_eq!(machine.ips, Reading::Present(vec!["10.0.0.1".to_owned()]));
        assert_eq!(with(&["tags="]).tags, Reading::Present(Vec::new()));
        let machine = with(&[&format!("id={}", MACHINE.to_uppercase()), "name=dc-1", "aad_id=x"]);
        assert_eq!((machine.id, machine.name), (Reading::or_absent(MachineId::parse(MACHINE)), text("dc-1")));
    }

    #[test]
    fn what_is_no_fact_of_a_device_is_refused_with_what_was_meant() {
        let refused = |text: &str| text.parse::<GivenFact>().unwrap_err();
        assert!(refused("device.tag=a").contains("did you mean `device.tags`?"), "{}", refused("device.tag=a"));
        for text in ["severity=high", "reported_name=x", "tags", "id=pc-7"] {
            assert!(!refused(text).is_empty(), "{text}");
        }
    }
}
