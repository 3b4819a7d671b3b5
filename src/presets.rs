//! The shipped maps, one TOML file per sender, and the page that says how to set the sender up. Adding a sender is
//! adding these two files and their names here.

use scanhook_core::mapping::Map;
use scanhook_core::suggestion::nearest;

/// What is shipped for one kind of sender.
struct Preset {
    name: &'static str,
    map: &'static str,
    page: &'static str,
}

macro_rules! presets {
    ($($name:literal => $page:literal),* $(,)?) => {
        &[$(Preset {
            name: $name,
            map: include_str!(concat!("presets/", $name, ".toml")),
            page: include_str!(concat!("../docs/sources/", $page, ".md")),
        }),*]
    };
}

const PRESETS: &[Preset] = presets![
    "alertmanager" => "alertmanager",
    "crowdstrike" => "crowdstrike",
    "datadog" => "datadog",
    "defender-alert" => "defender",
    "defender-streaming" => "defender-streaming",
    "defender-xdr-incident" => "defender",
    "elastalert2" => "elastalert2",
    "falco" => "falco",
    "generic" => "generic",
    "grafana" => "grafana",
    "graph-alert" => "defender",
    "graylog" => "graylog",
    "opsgenie" => "opsgenie",
    "pagerduty" => "pagerduty",
    "panther" => "panther",
    "sekoia" => "sekoia",
    "sentinel-incident" => "sentinel",
    "sentinelone" => "sentinelone",
    "splunk" => "splunk",
    "sumologic" => "sumologic",
    "thehive" => "thehive",
    "wazuh4" => "wazuh",
    "wazuh4-shuffle" => "wazuh",
];

/// How a sender of one kind is set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guide {
    /// The tables of its source, for scanhook.toml.
    pub config: &'static str,
    /// What to do at the sender, in Markdown. `https://scanhook.example` stands for the receiver's address, `<the secret>`
    /// for the secret.
    pub steps: &'static str,
}

/// How to set up a sender of this preset, from its page.
#[must_use]
pub fn guide(name: &str) -> Option<Guide> {
    let page = preset(name)?.page;
    let mut configs = page
        .split("\n```toml\n# scanhook.toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let first = configs.next()?;
    let config = configs.find(|config| {
        config.contains(&format!("\"{name}\"")) && !first.contains(&format!("\"{name}\""))
    });
    let steps = match (config, page.split_once("\n## At the sender\n")) {
        // A way of its own to send, in a section of its own, which ends with its configuration.
        (Some(config), _) => {
            let section = page.split_once(config)?.0.rsplit("\n## ").next()?;
            section.split_once('\n')?.1.rsplit_once("```toml")?.0
        }
        (None, Some((_, steps))) => steps.split("\n## ").next()?,
        (None, None) => page.split_once(first)?.1.strip_prefix("```")?,
    };
    Some(Guide {
        config: config.unwrap_or(first),
        steps: steps.trim(),
    })
}

/// Names by which people look for a sender whose preset has another.
const ALSO: &[(&str, &[&str])] = &[
    ("azure-sentinel", &["sentinel-incident"]),
    (
        "defender",
        &["defender-alert", "defender-xdr-incident", "graph-alert"],
    ),
    ("elastic", &["generic"]),
    ("falcon", &["crowdstrike"]),
    ("kibana", &["generic"]),
    ("prometheus", &["alertmanager"]),
    ("sentinel", &["sentinel-incident"]),
    ("soar", &["generic"]),
];

/// The presets that were probably meant by a name that is none: those it is another word for, else those that begin
/// with it, else the nearest.
#[must_use]
pub fn meant(name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase().replace('_', "-");
    if let Some((_, presets)) = ALSO.iter().find(|(also, _)| *also == name) {
        return presets.to_vec();
    }
    let beginning: Vec<_> = names()
        .filter(|known| name.len() > 2 && known.starts_with(&name))
        .collect();
    if !beginning.is_empty() {
        return beginning;
    }
    nearest(&name, names()).into_iter().collect()
}

fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// The names, in alphabetical order.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|preset| preset.name)
}

/// The file of a preset, as shipped.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    preset(name).map(|preset| preset.map)
}

/// The map of a preset.
#[must_use]
pub fn map(name: &str) -> Option<Map> {
    toml::from_str(text(name)?).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use scanhook_core::alert::{Alert, AlertReason, Device, MachineId, Severity};
    use scanhook_core::mapping::{DeliveryLimits, Item, Mapping, read};
    use scanhook_core::strict_json;
    use scanhook_core::time::Timestamp;

    const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";

    fn items(preset: &str, body: &str) -> Vec<Item> {
        let mapping = Mapping::compile(map(preset).expect(preset)).unwrap();
        read(
            &mapping,
            DeliveryLimits::default(),
            &strict_json::read(body.as_bytes()).unwrap(),
            &[7; 24],
        )
    }

    fn alert(preset: &str, body: &str) -> Alert {
        match items(preset, body).as_slice() {
            [Item::Alert(alert)] => alert.clone(),
            other => panic!("one alert expected, got {other:?}"),
        }
    }

    fn texts(list: &[String]) -> Vec<&str> {
        list.iter().map(String::as_str).collect()
    }

    fn machine(id: &str, name: &str) -> Device {
        Device {
            machine: MachineId::parse(id),
            name: Some(name.to_owned()),
            ..Device::default()
        }
    }

    #[test]
    fn every_shipped_file_is_a_map_that_works() {
        let files = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/presets")).unwrap();
        let files = files.map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        });
        let mut files: Vec<_> = files.collect();
        files.sort();
        assert_eq!(files, names().collect::<Vec<_>>());
        for Preset { name, map, .. } in PRESETS {
            let map: Map = toml::from_str(map).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert!(Mapping::compile(map).is_ok(), "{name}");
        }
    }

    #[test]
    fn every_sender_has_a_guide() {
        for name in names() {
            let guide = guide(name).unwrap_or_else(|| panic!("{name}"));
            assert!(
                guide.config.contains("[sources."),
                "{name}: {}",
                guide.config
            );
            assert!(
                guide.config.contains(&format!("\"{name}\""))
                    || guide.config.contains(&format!("{name}\n"))
                    || guide.config.contains(&format!(" {name}")),
                "{name}: {}",
                guide.config
            );
            assert!(
                guide.steps.contains("https://scanhook.example/webhooks/"),
                "{name}: {}",
                guide.steps
            );
            assert!(!guide.steps.contains("\n## At"), "{name}");
        }
        assert_eq!(guide("no such sender"), None);
    }

    #[test]
    fn a_sentinel_incident_is_read_once_with_its_hosts_only() {
        let alert = alert(
            "sentinel-incident",
            include_str!("../tests/payloads/sentinel-incident.json"),
        );
        assert_eq!((alert.id.as_str(), alert.id_derived), ("3212", false));
        assert_eq!(
            alert.title.as_deref(),
            Some("Credential dumping tool on lt-042")
        );
        assert_eq!(alert.severity, Some(Severity::High));
        assert_eq!(texts(&alert.category), ["CredentialAccess", "Execution"]);
        assert_eq!(texts(&alert.techniques), ["T1003"]);
        assert_eq!(alert.time, Timestamp::parse("2026-11-02T08:15:42Z"));
        assert_eq!(
            alert.tenant.as_deref(),
            Some("5f2d6c1e-7b0a-4f0c-9a51-0d6f2b8f4a10")
        );
        assert_eq!(alert.devices, [machine(MACHINE, "lt-042.corp.example")]);
        assert!(alert.unusable.is_empty());
    }

    #[test]
    fn a_sentinel_host_without_an_id_is_named_and_one_with_another_key_is_found() {
        let body = include_str!("../tests/payloads/sentinel-incident-update.json");
        let alert = alert("sentinel-incident", body);
        assert_eq!(
            alert.devices,
            [
                Device {
                    name: Some("sql-01.corp.example".to_owned()),
                    ..Device::default()
                },
                machine("ab5bc9d7e413ddd7902c2932e418702b84d0cc99", "lt-043"),
            ]
        );
        let first = items(
            "sentinel-incident",
            include_str!("../tests/payloads/sentinel-incident.json"),
        );
        assert_eq!(
            first[0].alert().dedupe,
            alert.dedupe,
            "an update of the same incident"
        );
    }

    #[test]
    fn a_closed_sentinel_incident_is_ignored_with_the_reason() {
        let body = include_str!("../tests/payloads/sentinel-incident.json")
            .replace("\"New\"", "\"closed\"");
        let items = items("sentinel-incident", &body);
        let [Item::Ignored { alert, detail, .. }] = items.as_slice() else {
            panic!("{items:?}")
        };
        assert_eq!(alert.id, "3212");
        assert_eq!(detail, "`/object/properties/status` is `closed`");
    }

    #[test]
    fn another_trigger_of_sentinel_is_unmapped_rather_than_ignored() {
        let items = items(
            "sentinel-incident",
            r#"{"SystemAlertId":"a","Entities":"[]","WorkspaceId":"w"}"#,
        );
        assert!(
            matches!(
                items[..],
                [Item::Parked {
                    reason: AlertReason::Unmapped,
                    ..
                }]
            ),
            "{items:?}"
        );
    }

    #[test]
    fn a_defender_alert_is_read_with_its_sevenfold_fractions_and_nulls() {
        let alert = alert(
            "defender-alert",
            include_str!("../tests/payloads/defender-alert.json"),
        );
        assert_eq!(alert.id, "da638660000000000000_-1364969609");
        assert_eq!(alert.dedupe, alert.id);
        assert_eq!(alert.severity, Some(Severity::Medium));
        assert_eq!(texts(&alert.category), ["Malware"]);
        assert_eq!(texts(&alert.techniques), ["T1059.001", "T1105"]);
        assert_eq!(alert.user.as_deref(), Some("CORP\\j.doe"));
        assert_eq!(
            alert.time.map(|t| t.to_string()).as_deref(),
            Some("2026-11-02T08:15:42.613Z")
        );
        assert_eq!(alert.devices, [machine(MACHINE, "lt-042.corp.example")]);
        assert!(alert.unusable.is_empty());
    }

    #[test]
    fn a_list_of_defender_alerts_gives_each_its_own_end() {
        let items = items(
            "defender-alert",
            include_str!("../tests/payloads/defender-alert-list.json"),
        );
        let [
            Item::Alert(first),
            Item::Ignored { alert: second, .. },
            Item::Parked {
                reason,
                alert: third,
                ..
            },
        ] = items.as_slice()
        else {
            panic!("{items:?}")
        };
        assert_eq!(
            [&first.id, &second.id, &third.id],
            ["da1_1", "da1_2", "da1_3"]
        );
        assert_eq!(first.severity, None, "UnSpecified is not a severity");
        assert!(first.unusable.contains("severity"));
        assert_eq!(*reason, AlertReason::NoDevice);
    }

    #[test]
    fn the_recommended_body_is_read_whole() {
        let alert = alert("generic", include_str!("../tests/payloads/generic.json"));
        assert_eq!(alert.id, "a-4711");
        assert_eq!(alert.severity, Some(Severity::High));
        assert_eq!(texts(&alert.category), ["Ransomware"]);
        assert_eq!(texts(&alert.techniques), ["T1486", "T1490"]);
        assert_eq!(alert.status.as_deref(), Some("new"));
        assert_eq!(alert.user.as_deref(), Some("CORP\\j.doe"));
        assert_eq!(alert.time.map(Timestamp::millis), Some(1_793_607_342_000));
        assert_eq!(
            alert.url.as_deref(),
            Some("https://siem.corp.example/alerts/a-4711")
        );
        let ip = Device {
            ip: Some("10.20.0.9".to_owned()),
            ..Device::default()
        };
        assert_eq!(alert.devices, [machine(MACHINE, "lt-042"), ip]);
    }

    #[test]
    fn a_flat_body_and_lists_of_it_are_read_by_generic() {
        let flat = |id: &str| {
            format!(r#"{{"alertId":"{id}","title":"t","severity":"high","deviceId":"{MACHINE}"}}"#)
        };
        let one = alert("generic", &flat("3212"));
        assert_eq!(
            (one.id.as_str(), one.severity, one.devices.len()),
            ("3212", Some(Severity::High), 1)
        );
        for list in [
            format!("[{},{}]", flat("1"), flat("2")),
            format!("{{\"alerts\":[{},{}]}}", flat("1"), flat("2")),
        ] {
            let items = items("generic", &list);
            let ids: Vec<_> = items.iter().map(|item| item.alert().id.as_str()).collect();
            assert_eq!(ids, ["1", "2"]);
            assert!(items.iter().all(|item| matches!(item, Item::Alert(_))));
        }
        let resolved = flat("3").replace("\"title\"", "\"status\":\"Resolved\",\"title\"");
        assert!(matches!(
            items("generic", &resolved)[..],
            [Item::Ignored { .. }]
        ));
    }
}
