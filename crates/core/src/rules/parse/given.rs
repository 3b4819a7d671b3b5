//! Reads `[test_facts]` and the events of tests.

use toml::de::DeValue;

use super::walk::{Node, Walk, entries_of};
use crate::alert::{Alert, Device, MachineId};
use crate::json::{Json, Object};
use crate::rules::event::{Facts, MachineFacts, OwnedEvent};
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted};
use crate::rules::given::{TestFacts, UNKNOWN};
use crate::rules::named::Named;
use crate::rules::reading::Reading;

impl Walk<'_> {
    pub(super) fn test_facts(&mut self, value: &Node<'_>) -> TestFacts {
        let mut facts = TestFacts::default();
        let Some(table) = self.table(value, "`test_facts`") else {
            return facts;
        };
        // Device facts go by their own name here, `os`, as well as by the field's, `device.os`.
        for entry in entries_of(table) {
            let group = (!entry.key.starts_with("device") && !entry.key.starts_with('/'))
                .then_some("device");
            for entry in self.fields(vec![entry], group) {
                match &entry.field {
                    Field::Named(named) if named.is_device() && entry.operator.is_none() => {
                        self.fact(*named, entry.value, &mut facts.0);
                    }
                    field => {
                        let message = format!("{} is not a fact of a device", quoted(field.name()));
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
                walk.text(value, &what)
                    .map(|t| Reading::Present(t.to_owned()))
            }
        };
        match named {
            Named::DeviceId if unknown => facts.id = Reading::Unknown,
            Named::DeviceId => {
                let text = self.text(value, &what);
                facts.id = Reading::or_absent(text.and_then(MachineId::parse));
                if text.is_some() && facts.id.is_absent() {
                    self.error(
                        code::BAD_VALUE,
                        value.span(),
                        format!("{what} must be 40 hex digits"),
                    );
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
        entries.sort_by_key(|entry| {
            matches!(
                &entry.field,
                Field::Named(Named::ReportedName | Named::ReportedIp)
            )
        });
        for entry in entries {
            match (&entry.field, entry.operator) {
                (field, Some(_)) => {
                    let message = format!(
                        "an event gives `{}` a value, without an operator",
                        field.name()
                    );
                    self.error(code::BAD_TEST, entry.span, message);
                }
                (Field::Named(named), None) => self.event_value(*named, entry.value, &mut event),
                (Field::Pointer { text, .. }, None) => {
                    if let Some(json) = self.json(entry.value, text) {
                        place(
                            event
                                .body
                                .get_or_insert_with(|| Json::Object(Object::default())),
                            text,
                            json,
                        );
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
                let claim = if named == Named::ReportedName {
                    Named::DeviceName
                } else {
                    Named::DeviceIp
                };
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
            return self
                .text(value, what)
                .map(str::to_owned)
                .into_iter()
                .collect();
        };
        array
            .iter()
            .filter_map(|element| self.text(element, what).map(str::to_owned))
            .collect()
    }

    /// A value of the raw body.
    fn json(&mut self, value: &Node<'_>, what: &str) -> Option<Json<'static>> {
        Some(match value.get_ref() {
            DeValue::String(text) => Json::Text(text.to_string().into()),
            DeValue::Integer(number) if number.radix() == 10 => {
                Json::Number(number.as_str().to_owned().into())
            }
            DeValue::Float(number) => Json::Number(number.as_str().to_owned().into()),
            DeValue::Boolean(value) => Json::Bool(*value),
            DeValue::Array(array) => Json::List(
                array
                    .iter()
                    .map(|element| self.json(element, what))
                    .collect::<Option<_>>()?,
            ),
            DeValue::Integer(_) | DeValue::Datetime(_) | DeValue::Table(_) => {
                self.wrong_type(
                    value,
                    &quoted(what),
                    "text, a decimal number, `true` or `false`, or a list of them",
                );
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
        Named::DeviceIp => {
            device.ip = facts
                .ips
                .clone()
                .present()
                .and_then(|ips| ips.into_iter().next())
        }
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
