//! The shapes that senders really send: what they leave out, spell otherwise, send alone or as a list, and send though
//! nothing new happened.

use std::fs;
use std::path::Path;

use scanhook_core::alert::Severity;
use scanhook_core::mapping::{Item, ItemReading};

use crate::presets::{MACHINE, explained};

/// One item in a line: what it is, its id, severity and devices.
fn brief(one: &ItemReading) -> String {
    let alert = one.item.alert();
    let is = match &one.item {
        Item::Alert(_) => "alert".to_owned(),
        Item::Ignored { .. } => "ignored".to_owned(),
        Item::Parked { reason, .. } => reason.code().to_owned(),
    };
    let id = if alert.id_derived { "-" } else { &alert.id };
    let devices: Vec<_> = alert.devices.iter().map(|device| device.label()).collect();
    let severity = alert.severity.map_or("-", Severity::code);
    [is.as_str(), id, severity, &devices.join(",")]
        .join(" ")
        .trim_end()
        .to_owned()
}

/// A body of ours with one text replaced by another, which it has to hold.
fn changed(file: &str, from: &str, to: &str) -> String {
    let body = fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/payloads")
            .join(file),
    )
    .unwrap();
    assert!(body.contains(from), "{file}: {from}");
    body.replace(from, to)
}

/// Holds each body against what its items are, one in a line.
fn read_as(rows: &[(&str, String, &str)]) {
    for (preset, body, expected) in rows {
        let items: Vec<_> = explained(preset, body.as_bytes())
            .iter()
            .map(brief)
            .collect();
        assert_eq!(items.join(" | "), *expected, "{preset}: {body}");
    }
}

const MACHINE_2: &str = "2f5bc9d7e413ddd7902c2932e418702b84d0cc08";

#[test]
fn resolved_closed_and_test_events_are_ignored_by_every_map() {
    let own = str::to_owned;
    read_as(&[
        (
            "sentinel-incident",
            changed("sentinel-incident.json", "\"New\"", "\"closed\""),
            &format!("ignored 3212 high {MACHINE}"),
        ),
        (
            "sentinel-incident",
            changed("sentinel-incident.json", "\"Create\"", "\"Delete\""),
            &format!("ignored 3212 high {MACHINE}"),
        ),
        (
            "sentinel-incident",
            changed("sentinel-incident.json", "\"Incident\"", "\"Comment\""),
            &format!("ignored 3212 high {MACHINE}"),
        ),
        (
            "sentinel-incident",
            changed("sentinel-incident.json", "\"Create\"", "\"Update\""),
            &format!("alert 3212 high {MACHINE}"),
        ),
        (
            "defender-alert",
            changed("defender-alert.json", "\"New\"", "\"Resolved\""),
            &format!("ignored da638660000000000000_-1364969609 medium {MACHINE}"),
        ),
        (
            "defender-xdr-incident",
            own(
                r#"{"incidentId":1,"status":"Redirected","alerts":[{"alertId":"a","devices":[{"deviceDnsName":"h"}]}]}"#,
            ),
            "ignored a - h",
        ),
        (
            "graph-alert",
            changed(
                "graph-alert.json",
                "\"status\": \"new\"",
                "\"status\": \"resolved\"",
            ),
            &format!("ignored da638660000000000000_1364969609 high {MACHINE},lt-043.corp.example"),
        ),
        (
            "splunk",
            changed(
                "splunk.json",
                "\"status_label\": \"New\"",
                "\"status_label\": \"Closed\"",
            ),
            "ignored 9F0C-AA@@notable@@7c1d high lt-042",
        ),
        (
            "grafana",
            own(
                r#"{"version":"1","alerts":[{"status":"firing","labels":{"alertname":"TestAlert","instance":"Grafana"},"fingerprint":"57c6d9296de2ad39"}]}"#,
            ),
            "ignored 57c6d9296de2ad39 - Grafana",
        ),
        (
            "graylog",
            own(
                r#"{"event_definition_type":"test-dummy-v1","event_definition_title":"t","event":{"id":"NotificationTestId","priority":2,"fields":{}},"backlog":[]}"#,
            ),
            "ignored NotificationTestId medium",
        ),
        (
            "sentinelone",
            own(
                r#"{"id":"1","threatInfo":{"threatId":"1","confidenceLevel":"malicious","incidentStatus":"resolved"},"agentRealtimeInfo":{"agentComputerName":"h"}}"#,
            ),
            "ignored 1 high h",
        ),
        (
            "crowdstrike",
            changed(
                "crowdstrike.json",
                "EppDetectionSummaryEvent",
                "UserActivityAuditEvent",
            ),
            "ignored 0a1b2c3d4e5f60718293a4b5c6d7:ind:c8d1292a8a904216aa25ab728f4b45fd:77-88-99 high LT-042",
        ),
        (
            "pagerduty",
            changed("pagerduty.json", "incident.triggered", "incident.resolved"),
            "ignored PDEMO01 high",
        ),
        (
            "pagerduty",
            changed(
                "pagerduty.json",
                "incident.triggered",
                "incident.acknowledged",
            ),
            "ignored PDEMO01 high",
        ),
        (
            "sumologic",
            changed("sumologic.json", "\"Critical\"", "\"ResolvedCritical\""),
            &format!("ignored 000000000A1B2C3D@1793607342613 - {MACHINE},lt-043"),
        ),
        (
            "sumologic",
            changed("sumologic.json", "\"Critical\"", "\"MissingData\""),
            &format!("ignored 000000000A1B2C3D@1793607342613 - {MACHINE},lt-043"),
        ),
        (
            "datadog",
            changed("datadog.json", "\"error\"", "\"success\""),
            &format!("ignored 6543210987654321098 high {MACHINE}"),
        ),
        (
            "datadog",
            changed("datadog.json", "\"Triggered\"", "\"Recovered\""),
            &format!("ignored 6543210987654321098 high {MACHINE}"),
        ),
        (
            "thehive",
            changed("thehive4.json", "\"Creation\"", "\"Update\""),
            "ignored ~41234 high",
        ),
        (
            "thehive",
            changed("thehive5.json", "\"create\"", "\"delete\""),
            "ignored ~51234 critical",
        ),
        (
            "thehive",
            changed(
                "thehive5.json",
                "\"objectType\": \"Alert\"",
                "\"objectType\": \"Observable\"",
            ),
            "ignored ~51234 critical",
        ),
        (
            "opsgenie",
            changed("opsgenie.json", "\"Create\"", "\"Close\""),
            &format!(
                "ignored 052652ac-0000-464a-812a-7dd18bbfba8c-1793607342613 critical {MACHINE}"
            ),
        ),
        (
            "sekoia",
            changed("sekoia.json", "\"created\"", "\"updated\""),
            "ignored ALdemo42 -",
        ),
        (
            "sekoia",
            changed("sekoia.json", "\"alert\"", "\"case\""),
            "ignored ALdemo42 -",
        ),
        (
            "falco",
            own(
                r#"{"output":"t","priority":"Debug","rule":"Test rule","hostname":"node-7","output_fields":{}}"#,
            ),
            "ignored - informational node-7",
        ),
        (
            "generic",
            own(r#"{"alert_id":"1","severity":"high","host":"h","status":"Recovered"}"#),
            "ignored 1 high h",
        ),
        (
            "generic",
            own(r#"{"alert_id":"1","severity":"high","host":"h","status":"test"}"#),
            "ignored 1 high h",
        ),
    ]);
}

#[test]
fn a_format_that_is_not_known_is_parked_and_never_guessed() {
    read_as(&[
        (
            "alertmanager",
            changed("grafana.json", "\"version\": \"1\"", "\"version\": \"5\""),
            "unknown-version 77c0ffee1122aabb high 1e5bc9d7e413ddd7902c2932e418702b84d0cc07 | unknown-version 77c0ffee1122aacc - lt-043",
        ),
        (
            "grafana",
            changed(
                "alertmanager.json",
                "\"version\": \"4\"",
                "\"version\": \"2\"",
            )
            .replace("\"resolved\"", "\"firing\""),
            "unknown-version am-17 critical 1e5bc9d7e413ddd7902c2932e418702b84d0cc07 | unknown-version 9a513f0c2b8fd06f medium sql-01.corp.example | unknown-version am-16 critical lt-043",
        ),
        (
            "sentinel-incident",
            r#"{"SystemAlertId":"a","Entities":"[]","WorkspaceId":"w"}"#.to_owned(),
            "unmapped - -",
        ),
        (
            "defender-xdr-incident",
            r#"{"incidentId":1,"incidentName":"n"}"#.to_owned(),
            "unmapped - -",
        ),
        (
            "pagerduty",
            r#"{"messages":[{"event":"incident.trigger"}]}"#.to_owned(),
            "unmapped - -",
        ),
    ]);
}

#[test]
fn one_alert_a_list_of_them_and_a_list_with_a_name_are_read_alike() {
    let defender =
        |id: &str| format!(r#"{{"id":"{id}","severity":"High","machineId":"{MACHINE}"}}"#);
    let graph = |id: &str| {
        let kind = "#microsoft.graph.security.deviceEvidence";
        format!(
            r#"{{"id":"{id}","severity":"low","evidence":[{{"@odata.type":"{kind}","mdeDeviceId":"{MACHINE}"}}]}}"#
        )
    };
    let incident = |id: &str| {
        format!(
            r#"{{"incidentId":7,"severity":"Low","alerts":[{{"alertId":"{id}","devices":[{{"deviceId":"{MACHINE}"}}]}}]}}"#
        )
    };
    let record = |id: &str| {
        format!(
            r#"{{"category":"AdvancedHunting-AlertEvidence","properties":{{"AlertId":"{id}","EntityType":"Machine","DeviceId":"{MACHINE}"}}}}"#
        )
    };
    let firing = |name: &str| {
        format!(r#"{{"status":"firing","labels":{{"host":"{name}"}},"fingerprint":"{name}"}}"#)
    };
    let one = |preset: &str| match preset {
        "defender-alert" => defender("1"),
        "graph-alert" => graph("1"),
        "defender-xdr-incident" => incident("1"),
        _ => record("1"),
    };
    for (preset, list, severity) in [
        ("defender-alert", "value", "high"),
        ("graph-alert", "value", "low"),
        ("defender-xdr-incident", "value", "low"),
        ("defender-streaming", "records", "-"),
    ] {
        let (alone, line) = (one(preset), format!("alert 1 {severity} {MACHINE}"));
        let twice = format!("{line} | {line}");
        read_as(&[
            (preset, alone.clone(), &line),
            (preset, format!("{{\"{list}\":[{alone},{alone}]}}"), &twice),
            (preset, format!("[{alone},{alone}]"), &twice),
        ]);
    }
    read_as(&[
        ("defender-alert", format!("{{\"value\":{}}}", defender("1")), &format!("alert 1 high {MACHINE}")),
        ("defender-streaming", format!("{{\"records\":{}}}", record("1")), &format!("alert 1 - {MACHINE}")),
        (
            "defender-streaming",
            format!("[{{\"records\":[{}]}},{{\"records\":[{}]}}]", record("1"), record("2")),
            &format!("alert 1 - {MACHINE} | alert 2 - {MACHINE}"),
        ),
        ("alertmanager", format!("{{\"version\":4,\"alerts\":{}}}", firing("a")), "alert a - a"),
        ("alertmanager", format!("{{\"alerts\":[{},{}]}}", firing("a"), firing("b")), "alert a - a | alert b - b"),
        (
            "generic",
            format!(r#"{{"alerts":{{"alert_id":1,"devices":{{"mde_id":"{MACHINE}"}}}}}}"#),
            &format!("alert 1 - {MACHINE}"),
        ),
        (
            "generic",
            format!(r#"{{"alert_id":1,"devices":["{MACHINE}","lt-043","10.0.0.7","localhost"]}}"#),
            &format!("alert 1 - {MACHINE},lt-043,10.0.0.7"),
        ),
        (
            "elastalert2",
            r#"[{"_id":"a1","severity":"high","host":"lt-042"},{"_id":"a2","host":{"hostname":"lt-043"}}]"#.to_owned(),
            "alert a1 high lt-042 | alert a2 - lt-043",
        ),
    ]);
}

#[test]
fn an_alert_of_an_incident_in_a_list_takes_what_it_lacks_from_its_own_incident() {
    let body = br#"{"value":[
        {"incidentId":1,"incidentName":"one","severity":"High","status":"Active","alerts":[{"alertId":"a","devices":[{"deviceDnsName":"x"}]}]},
        {"incidentId":2,"incidentName":"two","severity":"Low","status":"Resolved","alerts":[{"alertId":"b","devices":[{"deviceDnsName":"y"}]}]}
    ]}"#;
    let read = explained("defender-xdr-incident", body);
    assert_eq!(
        read.iter().map(brief).collect::<Vec<_>>(),
        ["alert a high x", "ignored b low y"]
    );
    let titles: Vec<_> = read
        .iter()
        .map(|one| one.item.alert().title.clone().unwrap())
        .collect();
    assert_eq!(titles, ["one", "two"]);
    let from = |field: &str| {
        read[1]
            .supplied
            .iter()
            .find(|supplied| supplied.field == field)
            .unwrap()
            .from
            .clone()
    };
    assert_eq!(
        (from("alert.title"), from("device.name")),
        (
            vec!["/value/1/incidentName".to_owned()],
            vec!["/value/1/alerts/0/devices/0/deviceDnsName".to_owned()]
        )
    );
}

#[test]
fn what_real_senders_leave_out_or_spell_otherwise_is_read_as_documented() {
    let own = str::to_owned;
    let host = |entity: &str| {
        format!(
            r#"{{"objectSchemaType":"incident","objectEventType":"update","object":{{"name":"9e0c6a52","properties":{{"severity":"informational","incidentNumber":null,"relatedEntities":[{{"kind":"host","properties":{entity}}},{{"kind":"Process","properties":{{"additionalData":{{"MdatpDeviceId":"{MACHINE_2}"}}}}}}]}}}}}}"#
        )
    };
    read_as(&[
        // Sentinel: each of the four places of the id, and the name where there is none.
        (
            "sentinel-incident",
            host(&format!(
                r#"{{"additionalData":{{"MdatpDeviceId":"{MACHINE}"}}}}"#
            )),
            &format!("alert 9e0c6a52 informational {MACHINE}"),
        ),
        (
            "sentinel-incident",
            host(&format!(
                r#"{{"MdatpDeviceId":"{MACHINE}","additionalData":{{}}}}"#
            )),
            &format!("alert 9e0c6a52 informational {MACHINE}"),
        ),
        (
            "sentinel-incident",
            host(&format!(
                r#"{{"additionalData":{{"MdatpDeviceId":"","MdeDeviceId":"{MACHINE}"}}}}"#
            )),
            &format!("alert 9e0c6a52 informational {MACHINE}"),
        ),
        (
            "sentinel-incident",
            host(&format!(r#"{{"MdeDeviceId":"{MACHINE}"}}"#)),
            &format!("alert 9e0c6a52 informational {MACHINE}"),
        ),
        (
            "sentinel-incident",
            host(r#"{"hostName":"lt-042","dnsDomain":"corp.example"}"#),
            "alert 9e0c6a52 informational lt-042.corp.example",
        ),
        (
            "sentinel-incident",
            host(r#"{"hostName":"lt-042","dnsDomain":""}"#),
            "alert 9e0c6a52 informational lt-042",
        ),
        (
            "sentinel-incident",
            host(r#"{"netBiosName":"LT-042"}"#),
            "alert 9e0c6a52 informational LT-042",
        ),
        (
            "sentinel-incident",
            host("{}"),
            "no-device 9e0c6a52 informational",
        ),
        // Defender: nulls everywhere, and what is no severity.
        (
            "defender-alert",
            own(
                r#"{"id":"da1_-2","severity":"UnSpecified","machineId":null,"computerDnsName":"lt-042","relatedUser":null,"mitreTechniques":null,"evidence":null}"#,
            ),
            "alert da1_-2 - lt-042",
        ),
        (
            "graph-alert",
            own(
                r##"{"id":"g","severity":"unknown","evidence":[{"@odata.type":"#microsoft.graph.security.userEvidence","mdeDeviceId":"x"}]}"##,
            ),
            "no-device g -",
        ),
        // Anonymised samples have ids of other lengths.
        (
            "defender-streaming",
            own(
                r#"{"records":[{"category":"AdvancedHunting-AlertEvidence","properties":{"AlertId":"a","EntityType":"Machine","DeviceId":"11111111111111111111111111111111111111111111"}}]}"#,
            ),
            "bad-machine-id a - 11111111111111111111111111111111111111111111",
        ),
        // Documents that a pipeline has taken out of their text already.
        (
            "defender-streaming",
            format!(
                r#"{{"records":[{{"category":"AdvancedHunting-AlertEvidence","properties":{{"AlertId":"a","EntityType":"Machine","Severity":"High","AdditionalFields":{{"MachineId":"{MACHINE}"}}}}}}]}}"#
            ),
            &format!("alert a high {MACHINE}"),
        ),
        // Evidence that leaves to its AlertInfo what the alert is, in any order, and never another alert's.
        (
            "defender-streaming",
            format!(
                r#"{{"records":[{{"category":"AdvancedHunting-AlertEvidence","properties":{{"AlertId":"a","EntityType":"Machine","DeviceId":"{MACHINE}","Severity":null}}}},{{"category":"AdvancedHunting-AlertInfo","properties":{{"AlertId":"b","Severity":"Low"}}}},{{"category":"AdvancedHunting-AlertInfo","properties":{{"AlertId":"a","Severity":"High"}}}}]}}"#
            ),
            &format!("alert a high {MACHINE} | ignored b low | ignored a high"),
        ),
        // Splunk: the row decides.
        (
            "splunk",
            own(
                r#"{"result":{"dest":"10.0.0.7","host":"collector"},"sid":"s1","search_name":null}"#,
            ),
            "alert s1 - 10.0.0.7",
        ),
        (
            "splunk",
            own(r#"{"result":{"alert_id":77,"dest":"10.0.0.7"},"sid":"s1"}"#),
            "alert 77 - 10.0.0.7",
        ),
        (
            "splunk",
            format!(
                r#"{{"result":{{"device_id":"{MACHINE}","dest":["a","b"],"urgency":"critical"}},"sid":"s1"}}"#
            ),
            &format!("alert s1 critical {MACHINE}"),
        ),
        (
            "splunk",
            format!(r#"{{"result":{{"DeviceId":"{MACHINE}"}},"sid":"s1"}}"#),
            &format!("alert s1 - {MACHINE}"),
        ),
        (
            "splunk",
            own(r#"{"result":{},"sid":"s1"}"#),
            "no-device s1 -",
        ),
        // Wazuh: levels at the edges, as a number or a text.
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":0},"agent":{"name":"a"}}"#),
            "alert 1.2 informational a",
        ),
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":3},"agent":{"name":"a"}}"#),
            "alert 1.2 informational a",
        ),
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":"4"},"agent":{"name":"a"}}"#),
            "alert 1.2 low a",
        ),
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":11},"agent":{"name":"a"}}"#),
            "alert 1.2 medium a",
        ),
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":14},"agent":{"name":"a"}}"#),
            "alert 1.2 high a",
        ),
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":16},"agent":{"name":"a"}}"#),
            "alert 1.2 critical a",
        ),
        (
            "wazuh4",
            own(r#"{"id":"1.2","rule":{"level":99},"agent":{"name":"a"}}"#),
            "alert 1.2 - a",
        ),
        (
            "wazuh4-shuffle",
            own(
                r#"{"severity":3,"all_fields":{"id":"1.2","rule":{"level":12},"agent":{"name":"a"}}}"#,
            ),
            "alert 1.2 high a",
        ),
        // Labels are free text, and an exporter's port is no part of a name.
        (
            "alertmanager",
            own(
                r#"{"alerts":[{"status":"firing","labels":{"severity":"page","instance":"localhost:9100"},"fingerprint":"f"}]}"#,
            ),
            "no-device f -",
        ),
        (
            "alertmanager",
            own(
                r#"{"alerts":[{"status":"firing","labels":{"severity":"ERROR","instance":"10.0.0.7:9100"},"fingerprint":"f"}]}"#,
            ),
            "alert f high 10.0.0.7",
        ),
        (
            "grafana",
            own(
                r#"{"alerts":[{"status":"firing","labels":{"severity":"info","hostname":"a","host":""},"fingerprint":"f"}]}"#,
            ),
            "alert f informational a",
        ),
        // Graylog: several messages, several hosts, and never the shipper.
        (
            "graylog",
            own(
                r#"{"event":{"id":"1","source":"server","priority":1,"fields":{}},"backlog":[{"source":"s","fields":{"host":"a"}},{"fields":{"host":"b"}}]}"#,
            ),
            "alert 1 low a,b",
        ),
        (
            "graylog",
            own(
                r#"{"event":{"id":"1","source":"server","priority":5,"fields":{"hostname":"c"}},"backlog":null}"#,
            ),
            "alert 1 - c",
        ),
        (
            "graylog",
            own(r#"{"event":{"id":"1","source":"server","priority":"2"},"backlog":[]}"#),
            "no-device 1 medium",
        ),
        // CrowdStrike: the word before the number, and the number's edges.
        (
            "crowdstrike",
            own(r#"{"event":{"CompositeId":"c","Hostname":"h","Severity":19}}"#),
            "alert c informational h",
        ),
        (
            "crowdstrike",
            own(r#"{"event":{"CompositeId":"c","Hostname":"h","Severity":100}}"#),
            "alert c critical h",
        ),
        (
            "crowdstrike",
            own(r#"{"event":{"CompositeId":"c","Hostname":"h","Severity":101}}"#),
            "alert c - h",
        ),
        (
            "crowdstrike",
            own(r#"{"event":{"CompositeId":"c","AgentId":"c8d1292a8a904216aa25ab728f4b45fd"}}"#),
            "no-device c -",
        ),
        // SentinelOne without the details of an interface, and with an unknown word.
        (
            "sentinelone",
            own(
                r#"{"id":"9007199254740993","threatInfo":{"confidenceLevel":"n/a"},"agentDetectionInfo":{"agentIpV4":"10.0.0.7"}}"#,
            ),
            "alert 9007199254740993 - 10.0.0.7",
        ),
        // PagerDuty: priority before urgency.
        (
            "pagerduty",
            changed(
                "pagerduty.json",
                "\"priority\": null",
                "\"priority\": {\"summary\": \"P3\"}",
            ),
            "no-device PDEMO01 medium",
        ),
        (
            "pagerduty",
            changed(
                "pagerduty.json",
                "\"urgency\": \"high\"",
                "\"urgency\": \"low\"",
            ),
            "no-device PDEMO01 low",
        ),
        // Sumo Logic: no rows, one row, and rows that are no JSON.
        (
            "sumologic",
            own(r#"{"id":"m","triggerType":"Warning","triggerTimeStart":"1","resultsJson":""}"#),
            "no-device m@1 medium",
        ),
        (
            "sumologic",
            own(
                r#"{"id":"m","triggerType":"Critical","triggerTimeStart":"1","resultsJson":"{\"host\":\"a\"}"}"#,
            ),
            "alert m@1 critical a",
        ),
        (
            "sumologic",
            own(r#"{"id":"m","triggerType":"Critical","resultsJson":"[{\"host\":","host":"b"}"#),
            "alert m critical b",
        ),
        // Datadog: tags as a list, and nothing but the type to tell how bad it is.
        (
            "datadog",
            own(r#"{"aggregation_key":"k","alert_type":"warning","tags":["host:a"]}"#),
            "alert k medium a",
        ),
        (
            "datadog",
            own(r#"{"id":"$ALERT_ID","aggregation_key":"$AGGREG_KEY","host":"a"}"#),
            "placeholder $ALERT_ID - a",
        ),
        // Thin events, empty ids and entities.
        (
            "opsgenie",
            own(r#"{"action":"Create","alert":{"alertId":"o","entity":"lt-9","priority":"P4"}}"#),
            "alert o low lt-9",
        ),
        (
            "panther",
            own(r#"{"id":"Rule.Name","alertId":"p","severity":"INFO","alertContext":{}}"#),
            "no-device p informational",
        ),
        (
            "sekoia",
            own(r#"{"type":"alert","action":"created","attributes":{"uuid":"u","short_id":""}}"#),
            "no-device u -",
        ),
        (
            "falco",
            own(r#"{"uuid":"","priority":"Emergency","rule":"r","hostname":"node"}"#),
            "alert - critical node",
        ),
        (
            "falco",
            own(
                r#"{"uuid":null,"priority":"Notice","rule":"r","hostname":"localhost","output_fields":{"evt.hostname":"node-8"}}"#,
            ),
            "alert - informational node-8",
        ),
        (
            "elastalert2",
            own(
                r#"{"_id":"e","alert_id":"shadow","severity":"P1","host.name":"lt-042","host":{"os":"x"}}"#,
            ),
            "alert shadow critical lt-042",
        ),
        (
            "generic",
            own(r#"{"alert_id":"{{ id }}","host":"a"}"#),
            "placeholder {{ id }} - a",
        ),
        (
            "generic",
            own(r#"{"alertId":"3","severity":"Moderate","hostname":"a"}"#),
            "alert 3 medium a",
        ),
    ]);
}
