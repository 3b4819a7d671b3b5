//! What a field with a name holds: as the alert says it, or as the directory does.

use super::event::{Event, Facts, MachineFacts};
use super::fact_view::{FactView, Says};
use super::field_value::{FieldValue, Values};
use super::named::Named;
use super::reading::Reading;
use crate::alert::MachineId;

impl Named {
    /// Whether the directory can still say something else of it than what is known now.
    pub(super) fn is_open(self, view: &FactView<'_>) -> bool {
        let claimed = || view.event.device.machine.is_some();
        view.event.facts == Facts::NotAsked
            && match self {
                Named::DeviceId => !claimed(),
                Named::DeviceName => view.name != Says::Reported,
                Named::DeviceIp => view.ip != Says::Reported,
                _ => self.is_device(),
            }
    }

    pub(super) fn read<'e>(self, view: &FactView<'e>) -> Reading<Values<'e>> {
        let (event, alert) = (view.event, view.event.alert);
        let device = event.device;
        let text = |value: Option<&'e str>| self.said(event, value);
        let list = |texts: &'e [String]| match texts {
            _ if self.is_unusable(event) && !self.is_partly_known(event) => Reading::Unknown,
            [] => Reading::Absent,
            texts => Reading::Present(Values::Texts(texts)),
        };
        match self {
            Named::Source => text(Some(event.source)),
            Named::Preset => text(Some(event.preset)),
            Named::Tenant => text(Some(event.tenant)),
            Named::Severity => match alert.severity {
                Some(severity) => Reading::Present(Values::One(FieldValue::Severity(severity))),
                None => Reading::Unknown,
            },
            Named::User => text(alert.user.as_deref()),
            Named::AlertId => text(Some(alert.id.as_str()).filter(|id| !id.is_empty())),
            Named::AlertTitle => text(alert.title.as_deref()),
            Named::AlertCategory => list(&alert.category),
            Named::AlertTechniques => list(&alert.techniques),
            Named::AlertStatus => text(alert.status.as_deref()),
            Named::AlertDetector => text(alert.detector.as_deref()),
            Named::AlertTime if self.is_unusable(event) => Reading::Unknown,
            Named::AlertTime => {
                Reading::or_absent(alert.time.map(|time| Values::One(FieldValue::Time(time))))
            }
            Named::DeviceId => self.claim(
                event,
                device.machine.as_ref().map(MachineId::as_str),
                |facts| {
                    facts
                        .id
                        .as_ref()
                        .map(|id| Values::One(FieldValue::text(id.as_str())))
                },
            ),
            Named::DeviceName => match view.name {
                Says::Reported => Named::ReportedName.read(view),
                Says::Nobody => Reading::Unknown,
                Says::Usual => self.claim(event, device.name.as_deref(), |facts| one(&facts.name)),
            },
            Named::DeviceIp => match view.ip {
                Says::Reported => Named::ReportedIp.read(view),
                Says::Nobody => Reading::Unknown,
                Says::Usual => self.claim(event, device.ip.as_deref(), |facts| {
                    facts.ips.as_ref().map(|ips| Values::Texts(ips))
                }),
            },
            Named::DeviceAadId => {
                self.claim(event, device.aad_id.as_deref(), |facts| one(&facts.aad_id))
            }
            Named::ReportedName => text(device.name.as_deref()),
            Named::ReportedIp => text(device.ip.as_deref()),
            Named::DeviceTags => fact(event, |facts| {
                facts.tags.as_ref().map(|tags| Values::Texts(tags))
            }),
            Named::DeviceGroup => fact(event, |facts| one(&facts.group)),
            Named::DeviceOs => fact(event, |facts| one(&facts.os)),
            Named::DeviceHealth => fact(event, |facts| one(&facts.health)),
        }
    }

    /// What the directory says of a device; until it has answered, what the alert says of it.
    fn claim<'e>(
        self,
        event: &'e Event<'_>,
        value: Option<&'e str>,
        of: impl FnOnce(&'e MachineFacts) -> Reading<Values<'e>>,
    ) -> Reading<Values<'e>> {
        match (&event.facts, value) {
            (Facts::Known(facts), _) => of(facts),
            (Facts::NotAsked | Facts::Silent, _)
                if self != Named::DeviceId && self.is_unusable(event) =>
            {
                Reading::Unknown
            }
            (Facts::NotAsked | Facts::Silent, Some(text)) => {
                Reading::Present(Values::One(FieldValue::text(text)))
            }
            (Facts::NotAsked | Facts::Silent, None) => Reading::Unknown,
        }
    }

    /// What the delivery says: a text, something of a wrong type, or nothing.
    fn said<'e>(self, event: &Event<'_>, value: Option<&'e str>) -> Reading<Values<'e>> {
        if self.is_unusable(event) {
            return Reading::Unknown;
        }
        Reading::or_absent(value.map(|text| Values::One(FieldValue::text(text))))
    }

    /// Whether the delivery carries it with a value that cannot be used.
    fn is_unusable(self, event: &Event<'_>) -> bool {
        let unusable = &event.alert.unusable;
        let odd_name =
            event.device.bad_name.is_some() && self.reported_as() == Named::DeviceName.code();
        odd_name || (!unusable.is_empty() && unusable.contains(self.reported_as()))
    }

    /// Whether its values are known, and others beside them are not.
    pub(super) fn is_partly_known(self, event: &Event<'_>) -> bool {
        self == Named::AlertTechniques
            && !event.alert.techniques.is_empty()
            && self.is_unusable(event)
    }
}

/// What only the directory can say.
fn fact<'e>(
    event: &'e Event<'_>,
    of: impl FnOnce(&'e MachineFacts) -> Reading<Values<'e>>,
) -> Reading<Values<'e>> {
    match &event.facts {
        Facts::Known(facts) => of(facts),
        Facts::NotAsked | Facts::Silent => Reading::Unknown,
    }
}

fn one(text: &Reading<String>) -> Reading<Values<'_>> {
    text.as_ref()
        .map(|text| Values::One(FieldValue::text(text)))
}
