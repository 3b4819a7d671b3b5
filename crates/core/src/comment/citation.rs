//! What a comment is about, and what each field of a template says of it.

use crate::alert::{Alert, Device, MachineId};
use crate::scan::Kind;

codes! {
    /// What a template can name.
    pub enum Slot {
        /// `Quick` or `Full`.
        Scan = "scan",
        /// The configured source.
        Source = "source",
        /// The rule that asked.
        Rule = "rule",
        /// The tenant.
        Tenant = "tenant",
        /// Severity on our scale.
        Severity = "severity",
        /// The account involved.
        User = "user",
        /// The ids of all alerts the scan answers, as far as they fit.
        AlertId = "alert.id",
        /// Headline.
        AlertTitle = "alert.title",
        /// Categories, joined.
        AlertCategory = "alert.category",
        /// Techniques, joined.
        AlertTechniques = "alert.techniques",
        /// The sender's status word.
        AlertStatus = "alert.status",
        /// What found it.
        AlertDetector = "alert.detector",
        /// When it happened.
        AlertTime = "alert.time",
        /// The machine id.
        DeviceId = "device.id",
        /// Host name.
        DeviceName = "device.name",
        /// Address.
        DeviceIp = "device.ip",
    }
}

/// What one comment is about.
#[derive(Clone, Copy, Debug)]
pub struct Citation<'a> {
    /// Which scan.
    pub kind: Kind,
    /// The id of the oldest alert it answers.
    pub first: &'a str,
    /// The ids of the others.
    pub more: &'a [&'a str],
    /// The configured source.
    pub source: &'a str,
    /// The rule that asked.
    pub rule: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The oldest alert.
    pub alert: &'a Alert,
    /// The device, as that alert names it.
    pub device: &'a Device,
    /// The last 12 hex digits of the scan's id.
    pub scan_tail: &'a str,
}

/// What a slot other than the alert ids holds; `-` where there is nothing.
pub(super) fn value(slot: Slot, citation: &Citation<'_>) -> String {
    let (alert, device) = (citation.alert, citation.device);
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let value = match slot {
        Slot::Scan => citation.kind.wire().to_owned(),
        Slot::Source => citation.source.to_owned(),
        Slot::Rule => citation.rule.to_owned(),
        Slot::Tenant => citation.tenant.to_owned(),
        Slot::Severity => alert
            .severity
            .map_or("unknown", |severity| severity.code())
            .to_owned(),
        Slot::User => text(alert.user.as_deref()),
        Slot::AlertId => citation.first.to_owned(),
        Slot::AlertTitle => text(alert.title.as_deref()),
        Slot::AlertCategory => alert.category.join(", "),
        Slot::AlertTechniques => alert.techniques.join(", "),
        Slot::AlertStatus => text(alert.status.as_deref()),
        Slot::AlertDetector => text(alert.detector.as_deref()),
        Slot::AlertTime => alert.time.map(|time| time.to_string()).unwrap_or_default(),
        Slot::DeviceId => text(device.machine.as_ref().map(MachineId::as_str)),
        Slot::DeviceName => text(device.name.as_deref()),
        Slot::DeviceIp => text(device.ip.as_deref()),
    };
    if value.is_empty() {
        "-".to_owned()
    } else {
        value
    }
}
