#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use proptest::prelude::*;

use super::*;
use crate::domain::alert::{Device, Severity};
use crate::domain::strict_json;

const MACHINE: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
const MAP: &str = r#"
    each = ["/alerts/*", ""]
    unless = { "/status" = ["resolved", "test*"], "root:/drill" = "true" }
    id = ["/alertId", "/ref"]
    title = "/title"
    severity = "/severity"
    techniques = "/techniques"
    time = ["/seen", "/made"]
    user = { concat = ["/domain", '\', "/account"] }
    tenant = "root:/tenant"
    [devices]
    each = ["/hosts/*", ""]
    mde_id = ["/deviceId", "/machine"]
    name = ["/host", "/computer"]
    ip = ["/address", "/addresses/*"]
    aad_id = "/aad"
"#;

fn mapping(text: &str) -> Mapping {
    Mapping::compile(toml::from_str::<Map>(text).unwrap()).unwrap()
}

fn items(map: &str, body: &str) -> Vec<Item> {
    let caps = Caps { alerts: 3, devices: 2 };
    read(&mapping(map), caps, &strict_json::read(body.as_bytes()).unwrap(), &[0xab; 32])
}

fn one(body: &str) -> Item {
    let mut items = items(MAP, body);
    assert_eq!(items.len(), 1, "{items:?}");
    items.remove(0)
}

fn alert(body: &str) -> Alert {
    match one(body) {
        Item::Alert(alert) => alert,
        other => panic!("{body}: {other:?}"),
    }
}

fn parked(body: &str) -> &'static str {
    match one(body) {
        Item::Parked { reason, .. } => reason.code(),
        Item::Ignored { .. } => "ignored",
        Item::Alert(_) => "alert",
    }
}

/// An honest alert with these members in front.
fn with(members: &str) -> String {
    format!("{{{members},\"alertId\":\"3212\",\"title\":\"t\",\"severity\":\"high\",\"deviceId\":\"{MACHINE}\"}}")
}

#[test]
fn an_honest_alert_is_read() {
    let alert = alert(&with(r#""domain":"CORP","account":"j.doe","tenant":"t-1","techniques":["T1003",null,""]"#));
    assert_eq!((alert.id.as_str(), alert.dedupe.as_str(), alert.id_derived), ("3212", "3212", false));
    assert_eq!((alert.severity, alert.user.as_deref()), (Some(Severity::High), Some("CORP\\j.doe")));
    assert_eq!((alert.tenant.as_deref(), alert.techniques), (Some("t-1"), vec!["T1003".to_owned()]));
    assert_eq!(alert.devices[0].machine.as_ref().unwrap().as_str(), MACHINE);
    assert!(alert.unusable.is_empty());
}

#[test]
fn what_cannot_be_used_is_parked_with_its_reason() {
    let long = "x".repeat(1_001);
    let honest = with("\"x\":1");
    for (body, reason) in [
        ("null".to_owned(), "unmapped"),
        ("[]".to_owned(), "unmapped"),
        ("\"x\"".to_owned(), "unmapped"),
        ("1".to_owned(), "unmapped"),
        ("{}".to_owned(), "unmapped"),
        (r#"{"alerts":[],"other":1}"#.to_owned(), "unmapped"),
        (format!("[{honest}]"), "unmapped"),
        (r#"{"alertId":"1","title":"t"}"#.to_owned(), "no-device"),
        (format!(r#"{{"alertId":"1","DeviceId":"{MACHINE}"}}"#), "no-device"),
        (with(&format!(r#""DeviceId":"{MACHINE}""#)), "ambiguous-key"),
        (with(r#""Title":"""#), "ambiguous-key"),
        (with(r#""Status":"x","status":"new""#), "ambiguous-key"),
        (format!(r#"{{"Alerts":[],"alerts":[{honest}]}}"#), "ambiguous-key"),
        (with(r#""STATUS":"x","Status":"new""#), "alert"),
        (honest.replace("\"3212\"", r#""32\u000012""#), "nul-in-text"),
        (honest.replace("\"t\"", r#""\u0000""#), "nul-in-text"),
        (honest.replace("\"high\"", r#""high\u0000""#), "nul-in-text"),
        (with(r#""unread":"\u0000""#), "alert"),
        (honest.replace("3212", &long), "value-too-long"),
        (with(&format!("\"host\":\"{long}\"")), "value-too-long"),
        (honest.replace("3212", &long[1..]), "alert"),
        (honest.replace("3212", "{{Id}}"), "placeholder"),
        (honest.replace("3212", "$ALERT_ID"), "placeholder"),
        (honest.replace("3212", "monitor-${x}"), "placeholder"),
        (honest.replace("3212", "%x%"), "placeholder"),
        (honest.replace("3212", "$5 or 100%"), "alert"),
        (honest.replace("\"t\"", "\"{{secret}} ${env:X} %s\""), "alert"),
        (with(r#""status":"Resolved""#), "ignored"),
        (with(r#""status":"TEST-7""#), "ignored"),
        (with(r#""drill":true"#), "ignored"),
        (with(r#""drill":false,"status":"new""#), "alert"),
    ] {
        assert_eq!(parked(&body), reason, "{}", &body[..body.len().min(200)]);
    }
}

#[test]
fn only_forty_hex_digits_pass_as_a_machine_id() {
    for bad in ["../../alerts", "a/../b", "%2f", "x?y=", "x#", "a b", "", &format!("{MACHINE}0"), &"１".repeat(40)] {
        assert_eq!(parked(&format!(r#"{{"alertId":"1","deviceId":"{bad}"}}"#)), "bad-machine-id", "{bad}");
    }
    for other in ["12345", "true", "{\"a\":1}"] {
        assert_eq!(parked(&format!(r#"{{"alertId":"1","deviceId":{other}}}"#)), "bad-machine-id", "{other}");
    }
    let fallback = alert(&format!(r#"{{"deviceId":"nonsense","machine":"{MACHINE}"}}"#));
    assert_eq!(fallback.devices[0].label(), MACHINE);
    let named = alert(r#"{"deviceId":"nonsense","host":"lt-042"}"#);
    assert_eq!(named.devices[0].bad_machine_id.as_deref(), Some("nonsense"));
    assert_eq!(named.devices[0].name.as_deref(), Some("lt-042"));
}

#[test]
fn look_alikes_are_no_host_names() {
    for nobody in
        ["localhost", "LOCALHOST", "localhost.localdomain", "localhost:9100", "127.0.0.1", "::1", " ", "0.0.0.0"]
    {
        assert_eq!(parked(&format!(r#"{{"alertId":"1","host":"{nobody}"}}"#)), "no-device", "{nobody}");
        assert_eq!(alert(&format!(r#"{{"host":"{nobody}","computer":"lt-042"}}"#)).devices[0].label(), "lt-042");
    }
    assert_eq!(parked(r#"{"alertId":"1","address":"127.0.0.1"}"#), "no-device");
    let id = alert(&format!(r#"{{"host":"{}"}}"#, MACHINE.to_uppercase()));
    assert_eq!((id.devices[0].label(), &id.devices[0].name), (MACHINE, &None), "an id is never a name");
    let address = alert(r#"{"host":"10.1.2.3"}"#);
    assert_eq!((address.devices[0].ip.as_deref(), &address.devices[0].name), (Some("10.1.2.3"), &None));
    let second = alert(r#"{"addresses":["::1","no address","fe80::1"]}"#);
    assert_eq!(second.devices[0].ip.as_deref(), Some("fe80::1"));
}

#[test]
fn a_device_named_twice_is_one_device() {
    let hosts = |hosts: &str| alert(&format!(r#"{{"alertId":"1","hosts":[{hosts}]}}"#)).devices;
    let twice = hosts(&format!(
        r#"{{"deviceId":"{MACHINE}"}},{{"deviceId":"{}","host":"lt-042","aad":"g"}}"#,
        MACHINE.to_uppercase()
    ));
    assert_eq!(twice.len(), 1);
    assert_eq!((twice[0].name.as_deref(), twice[0].aad_id.as_deref()), (Some("lt-042"), Some("g")));
    assert_eq!(hosts(r#"{"host":"LT-042"},{"host":"lt-042"},{"host":"lt-043"},{}"#).len(), 2);
}

#[test]
fn severity_is_never_guessed() {
    let read = |value: &str| alert(&with("\"x\":1").replace("\"high\"", value));
    assert_eq!(read("\"Critical\"").severity, Some(Severity::Critical));
    for (value, unusable) in [("99", true), ("-1", true), ("true", true), ("\"severe\"", true), ("null", false)] {
        let alert = read(value);
        assert_eq!((alert.severity, alert.unusable.contains("severity")), (None, unusable), "{value}");
    }
}

#[test]
fn a_value_of_a_wrong_type_is_unusable_and_nothing_stands_in_for_it() {
    let alert = alert(
        &with(r#""techniques":["T1003",{"id":"T1486"}],"account":[1],"domain":"d""#).replace("\"t\"", "{\"a\":1}"),
    );
    assert_eq!((alert.title, alert.techniques.len(), alert.user), (None, 0, None));
    assert_eq!(
        alert.unusable.iter().map(String::as_str).collect::<Vec<_>>(),
        ["alert.techniques", "alert.title", "user"]
    );
}

#[test]
fn ids_keep_every_digit_and_a_missing_one_is_derived_from_the_body() {
    let id = |value: &str| alert(&with("\"x\":1").replace("\"3212\"", value));
    let ids: Vec<_> = ["12345678901234567890123", "12345678901234567890124", "-0", "1.0", "1"].map(|v| id(v).id).into();
    assert_eq!(ids, ["12345678901234567890123", "12345678901234567890124", "-0", "1.0", "1"]);
    for missing in ["null", "\"\"", "[]", "{}"] {
        let alert = id(missing);
        assert_eq!((alert.id.as_str(), alert.id_derived), ("sha256-abababababababababababababababab", true));
        assert_eq!(alert.dedupe, alert.id);
    }
    let two = items(MAP, r#"{"alerts":[{"host":"a"},{"host":"b"}]}"#);
    assert_ne!(two[0].alert().id, two[1].alert().id);
}

#[test]
fn times_are_read_in_every_usual_form_and_never_fail() {
    let time = |value: &str| {
        let alert = alert(&with(&format!("\"seen\":{value}")));
        (alert.time.map(|t| t.to_string()), alert.unusable.contains("alert.time"))
    };
    for value in [
        "\"2026-11-02T08:15:42.6130000Z\"",
        "\"2026-11-02T08:15:42.613+0000\"",
        "1793607342.613",
        "1793607342613",
        "\"1793607342613\"",
    ] {
        assert_eq!(time(value), (Some("2026-11-02T08:15:42.613Z".to_owned()), false), "{value}");
    }
    for value in [
        "\"Mon, 02 Nov 2026 08:15:42 GMT\"",
        "\"0001-01-01T00:00:00Z\"",
        "\"2026-11-02T08:15:42\"",
        "\"0000-00-00T00:00:00Z\"",
        "\"+999999999-01-01T00:00:00Z\"",
        "-5",
        "1507591916746609046",
        "99999999999999999999999999",
        "true",
        &format!("\"{}\"", "9".repeat(5_000)),
    ] {
        assert_eq!(time(value), (None, true), "{value}");
    }
    assert_eq!(time("null"), (None, false));
    assert_eq!(
        alert(&with(r#""seen":"0001-01-01T00:00:00Z","made":1793607342"#)).time.unwrap().millis(),
        1_793_607_342_000
    );
}

#[test]
fn over_a_cap_the_whole_delivery_is_parked_as_one() {
    let honest = with("\"x\":1");
    let alerts = |n: usize| format!(r#"{{"alerts":[{}]}}"#, vec![honest.as_str(); n].join(","));
    assert_eq!(items(MAP, &alerts(3)).len(), 3);
    assert_eq!(parked(&alerts(4)), "too-many-alerts");
    let hosts = |n: usize| {
        let hosts: Vec<_> = (0..n).map(|n| format!(r#"{{"host":"h{n}"}}"#)).collect();
        format!(r#"{{"alertId":"7","hosts":[{}]}}"#, hosts.join(","))
    };
    assert_eq!(alert(&hosts(2)).devices.len(), 2);
    assert_eq!(parked(&hosts(3)), "too-many-devices");
    assert_eq!(parked(&format!(r#"{{"alerts":[{honest},{}]}}"#, hosts(100))), "too-many-devices");
    let dropped = format!(r#"{{"alerts":[{honest},{}]}}"#, hosts(9).replace("\"7\"", r#""7","status":"resolved""#));
    assert!(matches!(items(MAP, &dropped)[..], [Item::Alert(_), Item::Ignored { .. }]), "ignored ones ask for nothing");
}

#[test]
fn long_text_is_cut_and_a_long_list_unusable() {
    let alert = alert(
        &with(&format!("\"techniques\":[{}]", vec!["\"T1\""; 1_001].join(",")))
            .replace("\"t\"", &format!("\"{}\"", "ü".repeat(5_000))),
    );
    assert_eq!(alert.title.unwrap().chars().count(), 4_000);
    assert!(alert.techniques.is_empty() && alert.unusable.contains("alert.techniques"));
}

#[test]
fn a_compound_key_counts_all_its_parts() {
    let map = format!("dedupe = {{ all = [\"root:/space\", [\"/nr\", \"/ref\"]] }}\n{MAP}");
    let key = |members: &str| match items(&map, &with(members)).remove(0) {
        Item::Alert(alert) => alert.dedupe,
        other => panic!("{other:?}"),
    };
    assert_eq!(key(r#""space":"a","nr":12"#), "1:a 2:12");
    assert_eq!(key(r#""space":"a","nr":null,"ref":"12""#), "1:a 2:12", "a part has fallbacks");
    assert_eq!(key(r#""nr":12"#), "- 2:12");
    assert_eq!(key(r#""other":1"#), "3212", "without any part it is the id");
    assert_ne!(key(r#""space":"a 1:b","nr":1"#), key(r#""space":"a","nr":"b 1:1""#));
    let unrendered = items(&map, &with(r#""space":"$SPACE""#)).remove(0);
    assert!(matches!(unrendered, Item::Parked { reason: AlertReason::Placeholder, .. }), "{unrendered:?}");
}

#[test]
fn when_needs_its_value_and_where_chooses_devices() {
    let map = "when = { \"/kind\" = [\"Alert*\"] }\nid = \"/id\"\n[devices]\neach = [\"/a/*\", \"/b/*\"]\nwhere = { \"/@odata.type\" = \"host\" }\nname = \"/n\"";
    let device = r##"{"@odata.type":"#x","n":"f"},{"@odata.type":"HOST","n":"h"}"##;
    let read = |body: &str| items(map, body).remove(0);
    assert!(matches!(read(&format!(r#"{{"id":1,"b":[{device}]}}"#)), Item::Ignored { .. }));
    let Item::Alert(alert) = read(&format!(r#"{{"id":1,"kind":"alertX","a":[{{"n":"f"}}],"b":[{device}]}}"#)) else {
        panic!("an alert")
    };
    assert_eq!(alert.devices.iter().map(Device::label).collect::<Vec<_>>(), ["h"]);
}

fn bodies() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("alerts"),
        Just("alertId"),
        Just("AlertId"),
        Just("title"),
        Just("severity"),
        Just("deviceId"),
        Just("hosts"),
        Just("host"),
        Just("address"),
        Just("seen"),
        Just("status"),
        Just("techniques"),
        Just("0")
    ];
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<String>().prop_map(|s| serde_json::to_string(&s).unwrap()),
        Just(format!("\"{MACHINE}\"")),
        Just("\"high\"".to_owned()),
        Just("true".to_owned()),
    ];
    scalar.prop_recursive(4, 40, 5, move |inner| {
        let member = (key.clone(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..5).prop_map(|v| format!("[{}]", v.join(","))),
            prop::collection::btree_map(member.0, member.1, 0..6).prop_map(|m| {
                let members: Vec<_> = m.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    /// Whatever the body says: something is always visible, and nothing unusable gets through.
    #[test]
    fn every_body_ends_as_something_visible(body in bodies()) {
        let items = items(MAP, &body);
        prop_assert!(!items.is_empty());
        for item in &items {
            let alert = item.alert();
            prop_assert!(!alert.id.is_empty() && !alert.dedupe.is_empty());
            prop_assert!(!serde_json::to_string(alert).unwrap().contains("\\u0000"));
            if let Item::Alert(alert) = item {
                prop_assert!(!alert.devices.is_empty());
            }
        }
    }
}
