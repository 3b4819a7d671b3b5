//! The field table: every name that a condition can use, and of what kind its values are.

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
    pub(super) const fn reported_as(self) -> &'static str {
        match self {
            Named::ReportedName => Named::DeviceName.code(),
            Named::ReportedIp => Named::DeviceIp.code(),
            other => other.code(),
        }
    }
}
