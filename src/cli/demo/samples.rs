//! The sample alerts, each with a name of its own and what must become of it.

use sha2::{Digest as _, Sha256};

/// Sends a Sentinel incident.
pub(super) const SENTINEL: &str = "sentinel";
/// Sends single alerts of Defender.
pub(super) const DEFENDER: &str = "defender";
/// Sends the recommended body.
pub(super) const SOAR: &str = "soar";

/// A machine of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DemoDevice {
    /// As people call it.
    pub(super) name: String,
    /// 40 hex digits.
    pub(super) machine: String,
}

impl DemoDevice {
    /// A machine with an id made from its name.
    pub(super) fn named(name: impl Into<String>) -> DemoDevice {
        let name = name.into();
        let machine = hex::encode(Sha256::digest(&name))[..40].to_owned();
        DemoDevice { name, machine }
    }
}

/// An alert with what must become of it.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The alert's id.
    pub(super) name: String,
    /// Who sends it.
    pub(super) source: &'static str,
    /// The device it names.
    pub(super) device: DemoDevice,
    /// The bytes that are signed and posted.
    pub(super) body: Vec<u8>,
    /// What must become of it.
    pub(super) expected: Expected,
}

/// What must become of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A scan answers it and succeeds.
    Scan {
        /// The rule that wins.
        rule: &'static str,
        /// quick or full.
        kind: &'static str,
        /// Begun, or answered by one that another alert began.
        reasons: &'static [&'static str],
    },
    /// A person must decide.
    Held {
        /// The rule that wins.
        rule: &'static str,
        /// Why.
        reason: &'static str,
    },
    /// Nothing is to be done about it.
    Ignored,
    /// It is not let in.
    Refused,
}

const BEGUN: &[&str] = &["new"];
const ANY: &[&str] = &["new", "merged", "running", "cooldown"];
const COOLED: &[&str] = &["cooldown"];

/// Alerts of the storm.
const STORM: usize = 40;
/// Machines it is about.
const MACHINES: usize = 8;

/// A Sentinel incident about stolen credentials.
pub(super) fn incident() -> Sample {
    Sample {
        name: "3212".to_owned(),
        source: SENTINEL,
        device: DemoDevice {
            name: "lt-042".to_owned(),
            machine: "1e5bc9d7e413ddd7902c2932e418702b84d0cc07".to_owned(),
        },
        body: include_bytes!("samples/sentinel-incident.json").to_vec(),
        expected: Expected::Scan {
            rule: "ransomware or credential theft",
            kind: "full",
            reasons: BEGUN,
        },
    }
}

/// An alert of Defender itself, medium.
pub(super) fn medium() -> Sample {
    let device = DemoDevice::named("lt-117");
    Sample {
        name: "da6386_-1364969609".to_owned(),
        source: DEFENDER,
        body: include_str!("samples/defender-alert.json")
            .replace("@machine", &device.machine)
            .into_bytes(),
        device,
        expected: Expected::Scan {
            rule: "medium",
            kind: "quick",
            reasons: BEGUN,
        },
    }
}

/// An alert that nobody with the secret has signed.
pub(super) fn forged() -> Sample {
    Sample {
        expected: Expected::Refused,
        ..generic("forged-1", "high", &DemoDevice::named("ws-666"), BEGUN)
    }
}

/// Many alerts about few machines: half of these medium, half high.
pub(super) fn storm() -> Vec<Sample> {
    (0..STORM)
        .map(|n| of_storm(format!("storm-{:02}", n + 1), n % MACHINES, ANY))
        .collect()
}

/// Alerts about some of the same machines, for when their scans have ended.
pub(super) fn latecomers() -> Vec<Sample> {
    (0..MACHINES / 2)
        .map(|n| of_storm(format!("late-{}", n + 1), n, COOLED))
        .collect()
}

fn of_storm(name: String, machine: usize, reasons: &'static [&'static str]) -> Sample {
    let severity = if machine.is_multiple_of(2) {
        "medium"
    } else {
        "high"
    };
    generic(
        &name,
        severity,
        &DemoDevice::named(format!("ws-{}", 101 + machine)),
        reasons,
    )
}

/// An alert that names a device as people do, by a name that no machine has.
pub(super) fn host_only() -> Sample {
    let device = DemoDevice {
        name: "sql-prod-7".to_owned(),
        machine: String::new(),
    };
    let expected = Expected::Held {
        rule: "high",
        reason: "unresolved_device",
    };
    Sample {
        expected,
        ..generic("host-only-1", "high", &device, BEGUN)
    }
}

/// An alert that is over.
pub(super) fn resolved() -> Sample {
    let device = DemoDevice::named("ws-140");
    let body = serde_json::json!({
        "alert_id": "resolved-1", "title": "Malware was removed", "severity": "high", "status": "resolved",
        "devices": [{ "mde_id": device.machine, "name": device.name }],
    });
    Sample {
        body: written(&body),
        expected: Expected::Ignored,
        ..generic("resolved-1", "high", &device, BEGUN)
    }
}

/// One alert about one machine that nothing else is about.
pub(super) fn single(name: &str, severity: &'static str, machine: &str) -> Sample {
    generic(name, severity, &DemoDevice::named(machine), BEGUN)
}

/// The recommended body.
fn generic(
    name: &str,
    severity: &'static str,
    device: &DemoDevice,
    reasons: &'static [&'static str],
) -> Sample {
    let mut named = serde_json::json!({ "name": device.name });
    if !device.machine.is_empty() {
        named["mde_id"] = device.machine.clone().into();
    }
    let body = serde_json::json!({
        "alert_id": name, "title": format!("Suspicious activity on {}", device.name), "severity": severity,
        "status": "new", "category": "Execution", "devices": [named],
    });
    let (rule, kind) = if severity == "medium" {
        ("medium", "quick")
    } else {
        ("high", "full")
    };
    let expected = Expected::Scan {
        rule,
        kind,
        reasons,
    };
    Sample {
        name: name.to_owned(),
        source: SOAR,
        device: device.clone(),
        body: written(&body),
        expected,
    }
}

fn written(body: &serde_json::Value) -> Vec<u8> {
    body.to_string().into_bytes()
}
