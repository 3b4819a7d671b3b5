//! The field table: every name a condition can use, its type, and how it is read from an alert.

use std::borrow::Cow;

use super::event::{Event, Facts, MachineFacts};
use super::memo::MemoScope;
use super::reading::Reading;
use super::sight::{FactView, Says};
use crate::alert::{MachineId, Severity};
use crate::json::{Doubt, Json};
use crate::pointer::Pointer;
use crate::time::Timestamp;

codes! {
    /// The fields that have a name.
    pub enum Named {
        /// The configured source.
        Source = "source",
        /// Its preset.
        Preset = "preset",
        /// The tenant.
        Tenant = "tenant",
        /// Severity on our scale.
        Severity = "severity",
        /// The account involved.
        User = "user",
        /// The sender's id of the alert.
        AlertId = "alert.id",
        /// Headline.
        AlertTitle = "alert.title",
        /// Categories or tactics.
        AlertCategory = "alert.category",
        /// ATT&CK technique ids.
        AlertTechniques = "alert.techniques",
        /// The sender's status word.
        AlertStatus = "alert.status",
        /// What found it.
        AlertDetector = "alert.detector",
        /// When it happened.
        AlertTime = "alert.time",
        /// Machine id.
        DeviceId = "device.id",
        /// Host name.
        DeviceName = "device.name",
        /// Address.
        DeviceIp = "device.ip",
        /// Entra device id.
        DeviceAadId = "device.aad_id",
        /// Tags of the machine record.
        DeviceTags = "device.tags",
        /// Device group of the machine record.
        DeviceGroup = "device.group",
        /// Operating system of the machine record.
        DeviceOs = "device.os",
        /// Health of the machine record.
        DeviceHealth = "device.health",
        /// The name as the alert says it.
        ReportedName = "device.reported_name",
        /// The address as the alert says it.
        ReportedIp = "device.reported_ip",
    }
}

/// How a field's values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    Text,
    /// A host name: a pattern without a dot is compared with the first label.
    HostName,
    /// An address: two spellings of the same one are equal.
    Address,
    /// Technique ids: a technique covers its sub-techniques.
    Technique,
    Severity,
    Time,
    /// Whatever the raw body holds there.
    Any,
}

impl Named {
    pub(super) const fn shape(self) -> Shape {
        match self {
            Named::Severity => Shape::Severity,
            Named::AlertTime => Shape::Time,
            Named::AlertTechniques => Shape::Technique,
            Named::DeviceName | Named::ReportedName => Shape::HostName,
            Named::DeviceIp | Named::ReportedIp => Shape::Address,
            _ => Shape::Text,
        }
    }

    /// Whether it holds several values.
    pub(super) const fn is_list(self) -> bool {
        matches!(
            self,
            Named::AlertCategory | Named::AlertTechniques | Named::DeviceTags
        )
    }

    /// Whether it is a fact about the device, which may be unknown.
    pub(super) const fn is_device(self) -> bool {
        matches!(
            self,
            Named::DeviceId
                | Named::DeviceName
                | Named::DeviceIp
                | Named::DeviceAadId
                | Named::DeviceTags
                | Named::DeviceGroup
                | Named::DeviceOs
                | Named::DeviceHealth
        )
    }

    /// The name under which a mapping reports a value of a wrong type.
    const fn reported_as(self) -> &'static str {
        match self {
            Named::ReportedName => Named::DeviceName.code(),
            Named::ReportedIp => Named::DeviceIp.code(),
            other => other.code(),
        }
    }

    /// Whether the directory can still say something else of it than what is known now.
    pub(super) fn is_open(self, sight: &FactView<'_>) -> bool {
        let claimed = || sight.event.device.machine.is_some();
        sight.event.facts == Facts::NotAsked
            && match self {
                Named::DeviceId => !claimed(),
                Named::DeviceName => sight.name != Says::Reported,
                Named::DeviceIp => sight.ip != Says::Reported,
                _ => self.is_device(),
            }
    }

    fn read<'e>(self, sight: &FactView<'e>) -> Reading<Values<'e>> {
        let (event, alert) = (sight.event, sight.event.alert);
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
            Named::DeviceName => match sight.name {
                Says::Reported => Named::ReportedName.read(sight),
                Says::Nobody => Reading::Unknown,
                Says::Usual => self.claim(event, device.name.as_deref(), |facts| one(&facts.name)),
            },
            Named::DeviceIp => match sight.ip {
                Says::Reported => Named::ReportedIp.read(sight),
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
    fn is_partly_known(self, event: &Event<'_>) -> bool {
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

/// A field of a condition: a named one, or a place in the raw body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Named(Named),
    Pointer { text: String, pointer: Pointer },
}

impl Field {
    /// As the rules name it.
    pub(super) fn name(&self) -> &str {
        match self {
            Field::Named(named) => named.code(),
            Field::Pointer { text, .. } => text,
        }
    }

    /// As a key of TOML.
    pub(super) fn written(&self) -> Cow<'_, str> {
        match self {
            Field::Named(named) => Cow::Borrowed(named.code()),
            Field::Pointer { text, .. } => Cow::Owned(format!("{text:?}")),
        }
    }

    pub(super) const fn shape(&self) -> Shape {
        match self {
            Field::Named(named) => named.shape(),
            Field::Pointer { .. } => Shape::Any,
        }
    }

    pub(super) fn read<'e>(&self, sight: &FactView<'e>) -> Reading<Values<'e>> {
        match self {
            Field::Named(named) => named.read(sight),
            Field::Pointer { pointer, .. } => read_body(pointer, sight.event.body),
        }
    }

    /// Whether there may be other values beside those it has: what is not among them is not known.
    pub(super) fn is_partly_known(&self, sight: &FactView<'_>) -> bool {
        matches!(self, Field::Named(named) if named.is_partly_known(sight.event))
    }

    /// Whether the directory can still say something else of it than what is known now.
    pub(super) fn is_open(&self, sight: &FactView<'_>) -> bool {
        match self {
            Field::Named(named) => named.is_open(sight),
            Field::Pointer { .. } => false,
        }
    }

    pub(super) const fn is_device(&self) -> bool {
        matches!(self, Field::Named(named) if named.is_device())
    }

    /// For how long conditions on it come to the same; `None` where they depend on the device, or cost nothing.
    pub(super) const fn scope(&self) -> Option<MemoScope> {
        match self {
            Field::Pointer { .. } => Some(MemoScope::Body),
            Field::Named(
                Named::User
                | Named::AlertId
                | Named::AlertTitle
                | Named::AlertCategory
                | Named::AlertTechniques
                | Named::AlertStatus
                | Named::AlertDetector,
            ) => Some(MemoScope::Alert),
            Field::Named(_) => None,
        }
    }

    /// Whether it can hold several values.
    pub(super) const fn is_list(&self) -> bool {
        match self {
            Field::Named(named) => named.is_list(),
            Field::Pointer { .. } => true,
        }
    }
}

/// The values a pointer names. `null`, and a body that is not there, are absent; an object is of a wrong type. Where a
/// key on the way occurs twice, nobody can tell which value is meant.
fn read_body<'e>(pointer: &Pointer, body: Option<&'e Json<'e>>) -> Reading<Values<'e>> {
    let Some(body) = body else {
        return Reading::Absent;
    };
    if matches!(pointer.doubt(body), Some(Doubt::Twice(_))) {
        return Reading::Unknown;
    }
    let found = if pointer.is_plural() {
        pointer.all(body)
    } else {
        pointer.first(body).into_iter().collect()
    };
    let mut values = Vec::new();
    for json in found {
        match json {
            Json::List(elements) => values.extend(elements.iter().filter_map(scalar)),
            other => values.extend(scalar(other)),
        }
    }
    match (values.pop(), values.is_empty()) {
        (None, _) => Reading::Absent,
        (Some(only), true) => Reading::Present(Values::One(only)),
        (Some(last), false) => {
            values.push(last);
            Reading::Present(Values::Several(values))
        }
    }
}

fn scalar<'e>(json: &'e Json<'e>) -> Option<FieldValue<'e>> {
    match json {
        Json::Null => None,
        Json::Bool(value) => Some(FieldValue::Bool(*value)),
        Json::Number(literal) => Some(FieldValue::Number(literal)),
        Json::Text(text) => Some(FieldValue::Text(text)),
        Json::List(_) | Json::Object(_) => Some(FieldValue::Odd),
    }
}

/// One value that a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FieldValue<'e> {
    Text(&'e str),
    /// A number's literal text.
    Number(&'e str),
    Bool(bool),
    Severity(Severity),
    Time(Timestamp),
    /// A list or an object where a single value belongs.
    Odd,
}

impl<'e> FieldValue<'e> {
    const fn text(text: &'e str) -> FieldValue<'e> {
        FieldValue::Text(text)
    }

    /// Whether there is something in it: `exists` is false for an empty text.
    pub(super) const fn has_content(self) -> bool {
        !matches!(self, FieldValue::Text(text) if text.is_empty())
    }

    /// As a person reads it.
    fn shown(self) -> Cow<'e, str> {
        match self {
            FieldValue::Text(text) | FieldValue::Number(text) => Cow::Borrowed(text),
            FieldValue::Bool(value) => Cow::Borrowed(if value { "true" } else { "false" }),
            FieldValue::Severity(severity) => Cow::Borrowed(severity.code()),
            FieldValue::Time(time) => Cow::Owned(time.to_string()),
            FieldValue::Odd => Cow::Borrowed("(not a single value)"),
        }
    }
}

/// The values of one field; a condition holds where it holds for some element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Values<'e> {
    One(FieldValue<'e>),
    Texts(&'e [String]),
    Several(Vec<FieldValue<'e>>),
}

impl<'e> Values<'e> {
    pub(super) fn iter(&self) -> impl Iterator<Item = FieldValue<'e>> {
        let (one, texts, several): (_, &[String], &[_]) = match self {
            Values::One(value) => (Some(*value), &[], &[]),
            Values::Texts(texts) => (None, texts, &[]),
            Values::Several(values) => (None, &[], values),
        };
        one.into_iter()
            .chain(texts.iter().map(|text| FieldValue::text(text)))
            .chain(several.iter().copied())
    }

    /// All of them, joined, as far as a record of a decision has use for.
    pub(super) fn shown(&self, max: usize) -> String {
        let mut joined = String::new();
        for (n, value) in self.iter().enumerate() {
            if joined.len() > 4 * max {
                break;
            }
            joined.push_str(if n == 0 { "" } else { ", " });
            joined.extend(value.shown().chars().take(max + 1));
        }
        crate::plain::one_line(&joined, max)
    }
}
