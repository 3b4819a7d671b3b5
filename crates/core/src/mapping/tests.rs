#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use proptest::prelude::*;

use super::*;
use crate::alert::{Device, Severity};
use crate::strict_json;

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
    let caps = DeliveryLimits {
        alerts: 3,
        devices: 2,
    };
    read(
        &mapping(map),
        caps,
        &strict_json::read(body.as_bytes()).unwrap(),
        &[0xab; 32],
    )
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
    format!(
        "{{{members},\"alertId\":\"3212\",\"title\":\"t\",\"severity\":\"high\",\"deviceId\":\"{MACHINE}\"}}"
    )
}

#[test]
fn an_honest_alert_is_read() {
    let alert = alert(&with(
        r#""domain":"CORP","account":"j.doe","tenant":"t-1","techniques":["T1003",null,""]"#,
    ));
    assert_eq!(
        (alert.id.as_str(), alert.dedupe.as_str(), alert.id_derived),
        ("3212", "3212", false)
    );
    assert_eq!(
        (alert.severity, alert.user.as_deref()),
        (Some(Severity::High), Some("CORP\\j.doe"))
    );
    assert_eq!(
        (alert.tenant.as_deref(), alert.techniques),
        (Some("t-1"), vec!["T1003".to_owned()])
    );
    assert_eq!(alert.devices[0].machine.as_ref().unwrap().as_str(), MACHINE);
    assert!(alert.unusable.is_empty());
}

#[test]
fn what_cannot_be_used_is_parked_with_its_reason() {
    let long = "x".repeat(1_001);
    let honest = with("\"x\":1");
    for (body, reason) in [
        ("null".to_owned(), "unmapped"),
        ("[]".to_owned(), "ignored"),
        ("\"x\"".to_owned(), "unmapped"),
        ("1".to_owned(), "unmapped"),
        ("{}".to_owned(), "unmapped"),
        (r#"{"alerts":[],"other":1}"#.to_owned(), "ignored"),
        (format!("[{honest}]"), "alert"),
        (format!("[{honest},{honest}]"), "unmapped"),
        (r#"{"alertId":"1","title":"t"}"#.to_owned(), "no-device"),
        (
            format!(r#"{{"alertId":"1","DeviceId":"{MACHINE}"}}"#),
            "no-device",
        ),
        (with(&format!(r#""DeviceId":"{MACHINE}""#)), "ambiguous-key"),
        (with(r#""Title":"""#), "ambiguous-key"),
        (with(r#""Status":"x","status":"new""#), "ambiguous-key"),
        (
            format!(r#"{{"Alerts":[],"alerts":[{honest}]}}"#),
            "ambiguous-key",
        ),
        (with(r#""STATUS":"x","Status":"new""#), "alert"),
        (honest.replace("\"3212\"", r#""32\u000012""#), "alert"),
        (honest.replace("\"t\"", r#""\u0000""#), "alert"),
        (honest.replace("\"high\"", r#""high\u0000""#), "alert"),
        (with(&format!(r#""deviceId":"{MACHINE}""#)), "duplicate-key"),
        (
            with(r#""status":"resolved","status":"new""#),
            "duplicate-key",
        ),
        (
            with(r#""unread":1,"unread":2,"deep":{"a":1,"a":2}"#),
            "alert",
        ),
        (
            format!(r#"{{"alerts":[],"alerts":[{honest}]}}"#),
            "duplicate-key",
        ),
        (
            with(&format!(r#""title":"{}","host":"{long}""#, "t")),
            "duplicate-key",
        ),
        (honest.replace("3212", &long), "value-too-long"),
        (with(&format!("\"host\":\"{long}\"")), "value-too-long"),
        (honest.replace("3212", &long[1..]), "alert"),
        (honest.replace("3212", "{{Id}}"), "placeholder"),
        (honest.replace("3212", "$ALERT_ID"), "placeholder"),
        (honest.replace("3212", "monitor-${x}"), "placeholder"),
        (honest.replace("3212", "%x%"), "placeholder"),
        (honest.replace("3212", "$5 or 100%"), "alert"),
        (
            honest.replace("\"t\"", "\"{{secret}} ${env:X} %s\""),
            "alert",
        ),
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
    for bad in [
        "../../alerts",
        "a/../b",
        "%2f",
        "x?y=",
        "x#",
        "a b",
        "",
        &format!("{MACHINE}0"),
        &"１".repeat(40),
    ] {
        assert_eq!(
            parked(&format!(r#"{{"alertId":"1","deviceId":"{bad}"}}"#)),
            "bad-machine-id",
            "{bad}"
        );
    }
    for other in ["12345", "true", "{\"a\":1}"] {
        assert_eq!(
            parked(&format!(r#"{{"alertId":"1","deviceId":{other}}}"#)),
            "bad-machine-id",
            "{other}"
        );
    }
    let fallback = alert(&format!(
        r#"{{"deviceId":"nonsense","machine":"{MACHINE}"}}"#
    ));
    assert_eq!(fallback.devices[0].label(), MACHINE);
    let named = alert(r#"{"deviceId":"nonsense","host":"lt-042"}"#);
    assert_eq!(named.devices[0].bad_machine_id.as_deref(), Some("nonsense"));
    assert_eq!(named.devices[0].name.as_deref(), Some("lt-042"));
}

#[test]
fn look_alikes_are_no_host_names() {
    for nobody in [
        "localhost",
        "LOCALHOST",
        "localhost.localdomain",
        "localhost:9100",
        "127.0.0.1",
        "::1",
        " ",
        "0.0.0.0",
    ] {
        assert_eq!(
            parked(&format!(r#"{{"alertId":"1","host":"{nobody}"}}"#)),
            "no-device",
            "{nobody}"
        );
        assert_eq!(
            alert(&format!(r#"{{"host":"{nobody}","computer":"lt-042"}}"#)).devices[0].label(),
            "lt-042"
        );
    }
    assert_eq!(
        parked(r#"{"alertId":"1","address":"127.0.0.1"}"#),
        "no-device"
    );
    let id = alert(&format!(r#"{{"host":"{}"}}"#, MACHINE.to_uppercase()));
    assert_eq!(
        (id.devices[0].label(), &id.devices[0].name),
        (MACHINE, &None),
        "an id is never a name"
    );
    let address = alert(r#"{"host":"10.1.2.3"}"#);
    assert_eq!(
        (address.devices[0].ip.as_deref(), &address.devices[0].name),
        (Some("10.1.2.3"), &None)
    );
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
    assert_eq!(
        (twice[0].name.as_deref(), twice[0].aad_id.as_deref()),
        (Some("lt-042"), Some("g"))
    );
    assert_eq!(
        hosts(r#"{"host":"LT-042"},{"host":"lt-042"},{"host":"lt-043"},{}"#).len(),
        2
    );
}

#[test]
fn severity_is_never_guessed() {
    let read = |value: &str| alert(&with("\"x\":1").replace("\"high\"", value));
    assert_eq!(read("\"Critical\"").severity, Some(Severity::Critical));
    for (value, unusable) in [
        ("99", true),
        ("-1", true),
        ("true", true),
        ("\"grave\"", true),
        ("null", false),
    ] {
        let alert = read(value);
        assert_eq!(
            (alert.severity, alert.unusable.contains("severity")),
            (None, unusable),
            "{value}"
        );
    }
}

#[test]
fn a_value_of_a_wrong_type_is_unusable_and_nothing_stands_in_for_it() {
    let alert = alert(
        &with(r#""techniques":[true],"account":[1,2],"domain":"d""#).replace("\"t\"", "{\"a\":1}"),
    );
    assert_eq!(
        (alert.title, alert.techniques.len(), alert.user),
        (None, 0, None)
    );
    assert_eq!(
        alert
            .unusable
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>(),
        ["alert.techniques", "alert.title", "user"]
    );
}

#[test]
fn ids_keep_every_digit_and_a_missing_one_is_derived_from_the_body() {
    let id = |value: &str| alert(&with("\"x\":1").replace("\"3212\"", value));
    let ids: Vec<_> = [
        "12345678901234567890123",
        "12345678901234567890124",
        "-0",
        "1.0",
        "1",
    ]
    .map(|v| id(v).id)
    .into();
    assert_eq!(
        ids,
        [
            "12345678901234567890123",
            "12345678901234567890124",
            "-0",
            "1.0",
            "1"
        ]
    );
    for missing in ["null", "\"\"", "[]", "{}"] {
        let alert = id(missing);
        assert_eq!(
            (alert.id.as_str(), alert.id_derived),
            ("sha256-abababababababababababababababab", true)
        );
        assert_eq!(alert.dedupe, alert.id);
    }
    let two = items(MAP, r#"{"alerts":[{"host":"a"},{"host":"b"}]}"#);
    assert_ne!(two[0].alert().id, two[1].alert().id);
}

#[test]
fn times_are_read_in_every_usual_form_and_never_fail() {
    let time = |value: &str| {
        let alert = alert(&with(&format!("\"seen\":{value}")));
        (
            alert.time.map(|t| t.to_string()),
            alert.unusable.contains("alert.time"),
        )
    };
    for value in [
        "\"2026-11-02T08:15:42.6130000Z\"",
        "\"2026-11-02T08:15:42.613+0000\"",
        "1793607342.613",
        "1793607342613",
        "\"1793607342613\"",
    ] {
        assert_eq!(
            time(value),
            (Some("2026-11-02T08:15:42.613Z".to_owned()), false),
            "{value}"
        );
    }
    for value in [
        "\"02/11/2026 08:15:42 GMT\"",
        "\"0001-01-01T00:00:00Z\"",
        "\"2026-11-02T08:15:42\"",
        "\"0000-00-00T00:00:00Z\"",
        "\"+999999999-01-01T00:00:00Z\"",
        "-5",
        "507591916746609046",
        "99999999999999999999999999",
        "true",
        &format!("\"{}\"", "9".repeat(5_000)),
    ] {
        assert_eq!(time(value), (None, true), "{value}");
    }
    assert_eq!(time("null"), (None, false));
    assert_eq!(
        alert(&with(r#""seen":"0001-01-01T00:00:00Z","made":1793607342"#))
            .time
            .unwrap()
            .millis(),
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
    assert_eq!(
        parked(&format!(r#"{{"alerts":[{honest},{}]}}"#, hosts(100))),
        "too-many-devices"
    );
    let dropped = format!(
        r#"{{"alerts":[{honest},{}]}}"#,
        hosts(9).replace("\"7\"", r#""7","status":"resolved""#)
    );
    assert!(
        matches!(
            items(MAP, &dropped)[..],
            [Item::Alert(_), Item::Ignored { .. }]
        ),
        "ignored ones ask for nothing"
    );
}

#[test]
fn long_text_is_cut_and_a_long_list_unusable() {
    let alert = alert(
        &with(&format!(
            "\"techniques\":[{}]",
            vec!["\"T1\""; 1_001].join(",")
        ))
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
    assert_eq!(
        key(r#""space":"a","nr":null,"ref":"12""#),
        "1:a 2:12",
        "a part has fallbacks"
    );
    assert_eq!(key(r#""other":1"#), "3212", "without any part it is the id");
    assert_ne!(
        key(r#""space":"a 1:b","nr":1"#),
        key(r#""space":"a","nr":"b 1:1""#)
    );
    // What is left of a key could be another alert's: all that this one holds is part of it.
    let left = key(r#""nr":12"#);
    assert!(left.starts_with("- 2:12 32:"), "{left}");
    assert_eq!(left, key(r#""nr":12"#));
    assert_ne!(left, key(r#""nr":12,"text":"another""#));
    let derived = |members: &str| key(members).starts_with("sha256-");
    assert!(
        derived(r#""space":"a\u0000","nr":12"#),
        "without the part two alerts could be taken for one"
    );
    assert!(!derived(r#""space":"a","nr":12,"title2":"\u0000""#));
    let unrendered = items(&map, &with(r#""space":"$SPACE""#)).remove(0);
    assert!(
        matches!(
            unrendered,
            Item::Parked {
                reason: AlertReason::Placeholder,
                ..
            }
        ),
        "{unrendered:?}"
    );
}

#[test]
fn when_needs_its_value_and_where_chooses_devices() {
    let map = "when = { \"/kind\" = [\"Alert*\"] }\nid = \"/id\"\n[devices]\neach = [\"/a/*\", \"/b/*\"]\nwhere = { \"/@odata.type\" = \"host\" }\nname = \"/n\"";
    let device = r##"{"@odata.type":"#x","n":"f"},{"@odata.type":"HOST","n":"h"}"##;
    let read = |body: &str| items(map, body).remove(0);
    assert!(matches!(
        read(&format!(r#"{{"id":1,"b":[{device}]}}"#)),
        Item::Ignored { .. }
    ));
    let Item::Alert(alert) = read(&format!(
        r#"{{"id":1,"kind":"alertX","a":[{{"n":"f"}}],"b":[{device}]}}"#
    )) else {
        panic!("an alert")
    };
    assert_eq!(
        alert.devices.iter().map(Device::label).collect::<Vec<_>>(),
        ["h"]
    );
}

#[test]
fn replaced_bytes_are_noted_and_what_identifies_is_unusable_with_one() {
    let noted = |alert: &Alert| {
        alert
            .notes
            .iter()
            .map(|note| note.code())
            .collect::<Vec<_>>()
    };
    let honest = with("\"x\":1");
    assert!(alert(&honest).notes.is_empty());
    for text in [r"\u0000", r"\ud800", "\u{fffd}"] {
        let title = alert(&honest.replace("\"t\"", &format!("\"a{text}\"")));
        assert_eq!(
            (title.title.as_deref(), noted(&title)),
            (Some("a\u{fffd}"), vec!["replaced-bytes"])
        );
        assert!(title.unusable.is_empty() && !title.id_derived);
        let id = alert(&honest.replace("3212", text));
        assert!(
            id.id_derived && id.id == id.dedupe && id.unusable.contains("alert.id"),
            "{id:?}"
        );
        let unread = alert(&with(&format!("\"unread\":\"{text}\"")));
        assert_eq!(
            (noted(&unread), unread.unusable.len()),
            (vec!["replaced-bytes"], 0)
        );
        let severity = alert(&honest.replace("high", &format!("high{text}")));
        assert!(severity.severity.is_none() && severity.unusable.contains("severity"));
        for (members, reason) in [
            (
                format!("\"host\":\"lt{text}\",\"computer\":\"collector\""),
                "no-device",
            ),
            (format!("\"machine\":\"{text}\""), "no-device"),
        ] {
            assert_eq!(
                parked(&format!("{{\"alertId\":\"1\",{members}}}")),
                reason,
                "{members}"
            );
        }
    }
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

/// The only alert that this map reads from this body.
fn only(map: &str, body: &str) -> Alert {
    match items(map, body).as_slice() {
        [Item::Alert(alert)] => alert.clone(),
        other => panic!("{map}\n{body}\n{other:?}"),
    }
}

#[test]
fn a_document_inside_a_text_is_read_like_the_body() {
    let map = r#"
        id = [{ path = "/x", parse = "json", then = ["/id", "/nr"] }, "/id"]
        category = { path = "/tags", parse = "json", then = "/*" }
        [devices]
        each = [{ path = "/rows", parse = "json" }, { path = "/rows", parse = "json", then = "/*" }]
        name = "/host"
    "#;
    let body = r#"{"x":"{\"id\":\"\",\"nr\":12345678901234567890123}","tags":"[\"a\",null,\"b\"]","rows":"[{\"host\":\"h1\"},{\"host\":\"h2\"}]"}"#;
    let alert = only(map, body);
    assert_eq!(
        (alert.id.as_str(), alert.category),
        (
            "12345678901234567890123",
            vec!["a".to_owned(), "b".to_owned()]
        )
    );
    assert_eq!(
        alert.devices.iter().map(Device::label).collect::<Vec<_>>(),
        ["h1", "h2"]
    );
    // What is no strict JSON is missing, as if nothing stood there.
    for text in ["", "{", "no JSON", "\\u0000", "[1] x"] {
        let body = format!(
            r#"{{"id":"own","x":{},"rows":{{"host":"h"}}}}"#,
            serde_json::to_string(text).unwrap()
        );
        assert_eq!(only(map, &body).id, "own", "{text}");
    }
    let twice = items(
        map,
        r#"{"id":"own","x":"{\"id\":1,\"id\":2}","rows":{"host":"h"}}"#,
    )
    .remove(0);
    assert!(
        matches!(
            twice,
            Item::Parked {
                reason: AlertReason::DuplicateKey,
                ..
            }
        ),
        "{twice:?}"
    );
    assert_eq!(
        only(map, r#"{"x":{"id":"taken out"},"rows":[{"host":"h"}]}"#).id,
        "taken out"
    );
}

#[test]
fn where_and_then_go_on_from_what_fulfils_a_condition() {
    let map = r#"
        title = "/t"
        user = { path = "/entities/*", where = { "/kind" = "Account" }, then = [{ concat = ["/domain", '\', "/name"] }, "/name"] }
        [devices]
        each = { path = "/entities/*", where = { "/kind" = "Group" }, then = "/members/*" }
        name = "/host"
    "#;
    let body = r#"{"t":"t","entities":[{"kind":"Host","name":"no"},{"kind":"account","name":"j.doe"},
        {"kind":"Account","domain":"CORP","name":"a.b"},{"kind":"group","members":[{"host":"h1"},{"host":"h2"}]}]}"#;
    let alert = only(map, body);
    assert_eq!(
        alert.user.as_deref(),
        Some("j.doe"),
        "the first that fulfils it"
    );
    assert_eq!(alert.devices.len(), 2);
}

#[test]
fn split_and_capture_cut_texts_and_leave_out_what_does_not_fit() {
    let map = r#"
        id = { path = "/id", capture = '^urn:(\d+)$' }
        severity = { path = [{ path = "/note", capture = '(?i)severity=(\w+)' }] }
        category = { path = "/tags", split = "," }
        techniques = { path = "/tags", split = ",", capture = 'T\d{4}(?:\.\d{3})?' }
        devices = { name = { path = "/tags", split = ",", capture = '^host:(.+)$' } }
    "#;
    for tags in [
        r#""a, host:lt-042,,T1003.001 (x)""#,
        r#"["a","host:lt-042,T1003.001 (x)"]"#,
    ] {
        let alert = only(
            map,
            &format!(r#"{{"id":"urn:77","note":"x Severity=High","tags":{tags}}}"#),
        );
        assert_eq!(
            (alert.id.as_str(), alert.severity),
            ("77", Some(Severity::High))
        );
        assert_eq!(alert.category, ["a", "host:lt-042", "T1003.001 (x)"]);
        assert_eq!(
            (alert.techniques, alert.devices[0].label()),
            (vec!["T1003.001".to_owned()], "lt-042")
        );
    }
    let none = only(map, r#"{"id":"uri:77","note":"","tags":["host:lt-042",7]}"#);
    assert!(none.id_derived && none.severity.is_none() && none.techniques.is_empty());
}

#[test]
fn a_header_and_the_object_around_an_alert_are_in_reach() {
    let map = r#"
        each = ["/groups/*/alerts/*", "/alerts/*"]
        id = ["/id", { concat = ["header:X-Delivery", "@", "/n"] }]
        title = ["/title", "parent:/title"]
        tenant = "root:/org"
        user = "header:x-user"
        devices = { name = ["/host", "parent:/host"] }
    "#;
    let mapping = mapping(map);
    let body = r#"{"org":"o","groups":[{"title":"g1","host":"h1","alerts":[{"n":1},{"n":2,"title":"own","host":"h2"}]},
        {"title":"g2","host":"h3","alerts":[{"id":"x"}]}]}"#;
    let json = strict_json::read(body.as_bytes()).unwrap();
    let headers = [("x-delivery".to_owned(), "d-1".to_owned())].into();
    let read = read_delivered(
        &mapping,
        DeliveryLimits::default(),
        Delivered {
            body: &json,
            hash: &[1; 16],
            headers: &headers,
        },
    );
    let alerts: Vec<_> = read.iter().map(Item::alert).collect();
    let briefs = alerts.iter().map(|a| {
        format!(
            "{} {} {} {}",
            a.id,
            a.title.as_deref().unwrap(),
            a.tenant.as_deref().unwrap(),
            a.devices[0].label()
        )
    });
    assert_eq!(
        briefs.collect::<Vec<_>>(),
        ["d-1@1 g1 o h1", "d-1@2 own o h2", "x g2 o h3"]
    );
    let without = super::read(&mapping, DeliveryLimits::default(), &json, &[1; 16]);
    assert!(without[0].alert().id_derived && !without[2].alert().id_derived);
    let flat = strict_json::read(br#"{"title":"t","host":"h","alerts":[{"id":1}]}"#).unwrap();
    assert_eq!(
        super::read(&mapping, DeliveryLimits::default(), &flat, &[1; 16])[0]
            .alert()
            .title
            .as_deref(),
        Some("t")
    );
}

#[test]
fn another_record_of_the_delivery_tells_what_an_alert_leaves_out() {
    let map = r#"
        each = "/records/*"
        join = { each = ["/none/*", "/records/*"], where = { "/kind" = "info" }, on = ["/alert", "/id"] }
        when = { "/kind" = "evidence" }
        id = "/id"
        title = ["/title", "joined:/title"]
        severity = ["/severity", "joined:/severity"]
        user = { concat = ["joined:/domain", "@", "/user"] }
        devices = { name = "/host" }
    "#;
    let body = r#"{"records":[{"kind":"info","alert":1,"title":"one","severity":"high","domain":"d"},
        {"kind":"info","alert":1,"title":"later"},{"kind":"evidence","id":1,"host":"a","user":"u"},
        {"kind":"evidence","id":2,"host":"b","user":"u"}]}"#;
    let json = strict_json::read(body.as_bytes()).unwrap();
    let read = super::read(&mapping(map), DeliveryLimits::default(), &json, &[1; 16]);
    let brief = |n: usize| {
        let alert = read[n].alert();
        (
            alert.title.as_deref(),
            alert.severity,
            alert.user.as_deref(),
        )
    };
    assert_eq!(brief(2), (Some("one"), Some(Severity::High), Some("d@u")));
    assert_eq!(brief(3), (None, None, None), "nothing belongs to it");
    let one = explain(
        &mapping(map),
        DeliveryLimits::default(),
        Delivered {
            body: &json,
            hash: &[1; 16],
            headers: &Headers::new(),
        },
    );
    let title = one[2]
        .supplied
        .iter()
        .find(|supplied| supplied.field == "alert.title")
        .unwrap();
    assert_eq!(title.from, ["/records/0/title"]);
}

#[test]
fn of_several_conditions_tables_one_has_to_hold() {
    let map = r#"
        when = [{ "/v" = "4", "/op" = "new" }, { "/v" = "5", "/act" = "create*" }]
        id = "/id"
        devices = { name = "/h" }
    "#;
    let is = |members: &str| match items(map, &format!("{{{members},\"id\":1,\"h\":\"h\"}}"))
        .remove(0)
    {
        Item::Alert(_) => "alert".to_owned(),
        Item::Ignored { detail, .. } => detail,
        Item::Parked { reason, .. } => reason.code().to_owned(),
    };
    assert_eq!(is(r#""v":4,"op":"NEW""#), "alert");
    assert_eq!(is(r#""v":5,"act":"created""#), "alert");
    assert_eq!(is(r#""v":5,"op":"new""#), "`/v` is `5`");
    assert_eq!(is(r#""v":4,"op":"gone""#), "`/op` is `gone`");
    assert_eq!(is(r#""x":1"#), "`/op` is missing");
}

#[test]
fn a_version_that_is_not_known_parks_what_the_guard_would_ignore() {
    let map = "versions = { \"root:/version\" = [\"4\", \"5*\"] }\nunless = { \"/status\" = \"resolved\" }\nid = \"/id\"\ndevices = { name = \"/h\" }";
    let is = |members: &str| items(map, &format!("{{{members},\"id\":1,\"h\":\"h\"}}")).remove(0);
    assert!(matches!(is(r#""version":4"#), Item::Alert(_)));
    assert!(matches!(is(r#""version":"5.1""#), Item::Alert(_)));
    assert!(
        matches!(is(r#""version":null"#), Item::Alert(_)),
        "none is no other one"
    );
    for body in [r#""version":"6""#, r#""version":6,"status":"resolved""#] {
        let Item::Parked { reason, detail, .. } = is(body) else {
            panic!("{body}")
        };
        assert_eq!(reason.code(), "unknown-version");
        assert!(detail.starts_with("`root:/version` is `6`"), "{detail}");
    }
}

#[test]
fn a_shared_id_cites_and_makes_no_two_alerts_the_same() {
    let map = "id = \"/id\"\nshared_id = \"/job\"\ndevices = { name = \"/h\" }";
    let own = only(map, r#"{"id":"1","job":"j","h":"h"}"#);
    assert_eq!(
        (own.id.as_str(), own.id_shared, own.dedupe.as_str()),
        ("1", false, "1")
    );
    let shared = only(map, r#"{"job":"j","h":"h"}"#);
    assert_eq!(
        (shared.id.as_str(), shared.id_shared, shared.id_derived),
        ("j", true, false)
    );
    assert!(shared.dedupe.starts_with("sha256-"), "{}", shared.dedupe);
    assert!(only(map, r#"{"h":"h"}"#).id_derived);
}

#[test]
fn references_are_kept_and_never_in_the_way() {
    let map = "id = \"/id\"\nreferences = { incident = [\"/none\", \"/nr\"], alert = \"/alerts/*/id\" }\ndevices = { name = \"/h\" }";
    let alert = only(
        map,
        r#"{"id":1,"h":"h","nr":77,"alerts":[{"id":"a"},{"id":null},{"id":"{{id}}"},{"id":"b"}]}"#,
    );
    assert_eq!(alert.references["incident"], ["77"]);
    assert_eq!(alert.references["alert"], ["a", "b"]);
    let long = "x".repeat(1_001);
    let odd = only(
        map,
        &format!(
            r#"{{"id":1,"h":"h","nr":{{"a":1}},"alerts":[{{"id":"{long}"}},{{"id":"\u0000"}}]}}"#
        ),
    );
    assert!(
        odd.references.is_empty() && odd.unusable.is_empty(),
        "{odd:?}"
    );
    let many: Vec<_> = (0..900).map(|n| format!("{{\"id\":{n}}}")).collect();
    let many = only(
        map,
        &format!(r#"{{"id":1,"h":"h","alerts":[{}]}}"#, many.join(",")),
    );
    assert_eq!(many.references["alert"].len(), 50);
}

#[test]
fn devices_of_a_further_table_stand_in_or_are_added() {
    let table = |also: bool| {
        format!(
            "id = \"/id\"\n[[devices]]\neach = \"/a/*\"\nname = \"/h\"\n[[devices]]\nalso = {also}\neach = \"/b/*\"\nname = \"/h\"\nmde_id = \"/m\""
        )
    };
    let body =
        format!(r#"{{"id":1,"a":[{{"h":"x"}}],"b":[{{"h":"X","m":"{MACHINE}"}},{{"h":"y"}}]}}"#);
    let named = |map: &str, body: &str| {
        only(map, body)
            .devices
            .iter()
            .map(|device| device.label().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(named(&table(false), &body), ["x"]);
    assert_eq!(
        named(&table(true), &body),
        [MACHINE, "y"],
        "the same host, named with its id the second time"
    );
    assert_eq!(
        named(&table(false), r#"{"id":1,"a":[],"b":[{"h":"y"}]}"#),
        ["y"]
    );
}

#[test]
fn a_host_that_is_named_with_and_without_its_id_is_one_device() {
    let hosts = |hosts: &str| alert(&format!(r#"{{"alertId":"1","hosts":[{hosts}]}}"#)).devices;
    let (with, without) = (
        format!(r#"{{"deviceId":"{MACHINE}","host":"lt-042"}}"#),
        r#"{"host":"LT-042","aad":"g"}"#,
    );
    for both in [format!("{with},{without}"), format!("{without},{with}")] {
        let devices = hosts(&both);
        assert_eq!(
            (
                devices.len(),
                devices[0].label(),
                devices[0].aad_id.as_deref()
            ),
            (1, MACHINE, Some("g")),
            "{both}"
        );
    }
    let other = MACHINE.replace('1', "2");
    let two = hosts(&format!(
        r#"{with},{{"deviceId":"{other}","host":"lt-042"}}"#
    ));
    assert_eq!(
        two.len(),
        2,
        "two ids are two machines, whatever they are called"
    );
}

#[test]
fn an_address_in_a_names_place_is_not_passed_over_for_another_machines_name() {
    let device = alert(r#"{"host":"10.1.2.3","computer":"collector-1"}"#)
        .devices
        .remove(0);
    assert_eq!(
        (device.name, device.ip.as_deref()),
        (None, Some("10.1.2.3"))
    );
    let second = alert(r#"{"addresses":["fe80::1","169.254.3.4","10.1.2.3"]}"#)
        .devices
        .remove(0);
    assert_eq!(
        second.ip.as_deref(),
        Some("10.1.2.3"),
        "a link-local address names nobody if there is another"
    );
}

#[test]
fn how_many_the_sender_left_out_is_known() {
    let count = |body: &str| {
        left_out(
            &mapping("left_out = \"/truncatedAlerts\""),
            &strict_json::read(body.as_bytes()).unwrap(),
        )
    };
    assert_eq!(count(r#"{"truncatedAlerts":3}"#), Some(3));
    assert_eq!(count(r#"{"truncatedAlerts":"3"}"#), Some(3));
    for body in [
        r#"{"truncatedAlerts":0}"#,
        r#"{"truncatedAlerts":-1}"#,
        r#"{"truncatedAlerts":[1,2]}"#,
        "{}",
        "[]",
    ] {
        assert_eq!(count(body), None, "{body}");
    }
}

#[test]
fn a_large_document_in_a_text_is_read_once_however_often_it_is_asked_for() {
    let rows: Vec<_> = (0..20_000)
        .map(|n| format!(r#"{{"host":"h{n}"}}"#))
        .collect();
    let text = serde_json::to_string(&format!("[{}]", rows.join(","))).unwrap();
    let alerts = vec!["{\"id\":1}"; 400].join(",");
    let body = format!("{{\"rows\":{text},\"alerts\":[{alerts}]}}");
    let map = "each = \"/alerts/*\"\nid = \"/id\"\ndevices = { name = { path = \"root:/rows\", parse = \"json\", then = \"/0/host\" } }";
    let read = super::read(
        &mapping(map),
        DeliveryLimits::default(),
        &strict_json::read(body.as_bytes()).unwrap(),
        &[1; 16],
    );
    assert!(
        read.len() == 400
            && read
                .iter()
                .all(|item| item.alert().devices[0].label() == "h0")
    );
}

fn explained(map: &str, body: &str) -> Vec<ItemReading> {
    let json = strict_json::read(body.as_bytes()).unwrap();
    let headers = [("x-id".to_owned(), "h-1".to_owned())].into();
    explain(
        &mapping(map),
        DeliveryLimits {
            alerts: 3,
            devices: 2,
        },
        Delivered {
            body: &json,
            hash: &[1; 16],
            headers: &headers,
        },
    )
}

#[test]
fn an_explanation_names_the_place_of_every_field() {
    let map = r#"
        each = ["/alerts/*", ""]
        id = ["/id", "header:x-id"]
        title = { concat = ["root:/vendor", ": ", "/n~1a me"] }
        severity = "/severity"
        techniques = { path = "/extra", parse = "json", then = "/t/*", capture = 'T\d+' }
        time = ["/bad", "/seen"]
        user = "/nobody"
        references = { incident = "/refs/*" }
        [devices]
        each = "/hosts/*"
        mde_id = "/m"
        name = ["/none", "/h"]
        ip = "/ip/*"
    "#;
    let body = format!(
        r#"{{"vendor":"V","alerts":[{{"n/a me":"x","severity":"odd","extra":"{{\"t\":[\"no\",\"T1003 x\"]}}","bad":"soon",
        "seen":1793607342,"refs":["i1","i2"],"hosts":[{{"h":"10.0.0.1"}},{{"h":"lt-042"}},{{"h":"LT-042","m":"{MACHINE}","ip":["::1","10.0.0.2"]}}]}}]}}"#
    );
    let one = explained(map, &body).remove(0);
    assert!(matches!(one.item, Item::Alert(_)), "{:?}", one.item);
    assert_eq!(one.place.as_deref(), Some("/alerts/0"));
    let supplied = one.supplied.iter().map(|s| {
        let device = s.device.map_or_else(String::new, |n| format!("[{n}]"));
        format!(
            "{}{device} = {} from {}",
            s.field,
            s.text,
            s.from.join(" + ")
        )
    });
    let mut supplied: Vec<_> = supplied.collect();
    supplied.sort();
    let expected = [
        "alert.id = h-1 from header:x-id".to_owned(),
        "alert.techniques = T1003 from /alerts/0/extra#json/t/1".to_owned(),
        "alert.time = 1793607342 from /alerts/0/seen".to_owned(),
        "alert.title = V: x from /vendor + /alerts/0/n~1a me".to_owned(),
        format!("device.id[1] = {MACHINE} from /alerts/0/hosts/2/m"),
        "device.ip[0] = 10.0.0.1 from /alerts/0/hosts/0/h".to_owned(),
        "device.ip[1] = 10.0.0.2 from /alerts/0/hosts/2/ip/1".to_owned(),
        "device.name[1] = lt-042 from /alerts/0/hosts/1/h".to_owned(),
        "references.incident = i1 from /alerts/0/refs/0".to_owned(),
        "references.incident = i2 from /alerts/0/refs/1".to_owned(),
    ];
    assert_eq!(supplied, expected);
    let missing: Vec<_> = one
        .missing
        .iter()
        .map(|m| (m.field.as_str(), m.device, m.unusable, m.tried.join(" ")))
        .collect();
    let expected = [
        ("severity", None, true, "/severity".to_owned()),
        ("user", None, false, "/nobody".to_owned()),
        ("device.id", Some(0), false, "/hosts/*/m".to_owned()),
        (
            "device.name",
            Some(0),
            false,
            "/hosts/*/none /hosts/*/h".to_owned(),
        ),
    ];
    assert_eq!(missing, expected);
}

#[test]
fn an_explanation_of_what_was_parked_shows_what_could_be_meant() {
    let body = format!(
        r#"{{"data":{{"eventId":"e-7","hostName":"lt-042","sev":"high","machine":"{MACHINE}","when":"x","createdAt":1793607342}}}}"#
    );
    let one = explained(
        "id = \"/id\"\nseverity = \"/severity\"\ndevices = { mde_id = \"/m\", name = \"/h\" }",
        &body,
    )
    .remove(0);
    assert!(matches!(
        one.item,
        Item::Parked {
            reason: AlertReason::Unmapped,
            ..
        }
    ));
    let found: Vec<_> = one
        .candidates
        .iter()
        .map(|c| (c.field, c.pointer.as_str(), c.text.as_str()))
        .collect();
    let expected = [
        ("device.id", "/data/machine", MACHINE),
        ("device.name", "/data/hostName", "lt-042"),
        ("severity", "/data/sev", "high"),
        ("alert.id", "/data/eventId", "e-7"),
        ("alert.time", "/data/createdAt", "1793607342"),
    ];
    assert_eq!(found, expected);
    let named = explained(
        "id = \"/id\"\nseverity = \"/severity\"\ndevices = { name = \"/h\" }",
        r#"{"id":1,"h":"a","urgency":"low","uuid":"u"}"#,
    );
    let found: Vec<_> = named[0]
        .candidates
        .iter()
        .map(|c| (c.field, c.pointer.as_str()))
        .collect();
    assert_eq!(found, [("severity", "/urgency")], "only what is missing");
    let many = explained(
        "each = \"/a/*\"\nid = \"/id\"",
        r#"{"a":[{"id":1},{"id":2},{"id":3},{"id":4}]}"#,
    );
    assert!(
        many.len() == 1 && many[0].place.is_none(),
        "a delivery that is parked as one has no place"
    );
}

/// What an item is, and why, where it is no alert.
fn is(item: &Item) -> String {
    match item {
        Item::Alert(_) => "alert".to_owned(),
        Item::Ignored { reason, detail, .. } => format!("ignored, {}: {detail}", reason.code()),
        Item::Parked { reason, detail, .. } => format!("parked, {}: {detail}", reason.code()),
    }
}

#[test]
fn a_delivery_without_alerts_is_ignored_and_what_stands_around_them_still_speaks() {
    let map = "each = [\"/alerts\", \"/alerts/*\", \"/boxes/*/alerts/*\"]\nunless = { \"parent:/state\" = \"merged\" }\nid = \"/id\"\n\
        title = [\"/title\", \"parent:/name\"]\n[devices]\nname = \"/h\"";
    let none = "ignored, no-alerts: no alerts in it";
    for (body, expected) in [
        ("[]", none),
        (r#"{"alerts":[]}"#, none),
        (r#"{"alerts":null,"count":0}"#, none),
        (r#"{"boxes":[{"alerts":[]}]}"#, none),
        (r#"{"boxes":[]}"#, none),
        (
            r#"{"state":"Merged","name":"n","alerts":[]}"#,
            "ignored, no-alerts: no alerts in it, and `parent:/state` is `Merged`",
        ),
        (
            "{}",
            "parked, unmapped: nothing in it is what the map looks for",
        ),
        (
            "null",
            "parked, unmapped: nothing stands where the map looks for alerts",
        ),
        (
            r#"{"alerts":[{}]}"#,
            "parked, unmapped: nothing in it is what the map looks for",
        ),
        (
            r#"{"tags":[],"name":"n"}"#,
            "parked, unmapped: nothing in it is what the map looks for",
        ),
    ] {
        let items = items(map, body);
        assert_eq!(
            items.iter().map(is).collect::<Vec<_>>(),
            [expected],
            "{body}"
        );
    }
    let told = items(map, r#"{"name":"n","alerts":[]}"#).remove(0);
    assert_eq!(told.alert().title.as_deref(), Some("n"));
}

#[test]
fn an_envelope_without_alerts_is_none_itself_unless_it_names_a_device() {
    let map =
        "each = [\"/alerts/*\", \"\"]\nid = \"/id\"\ntitle = \"/title\"\n[devices]\nname = \"/h\"";
    for (body, expected) in [
        (
            r#"{"alerts":[],"title":"batch 7"}"#,
            "ignored, no-alerts: no alerts in it",
        ),
        (r#"{"alerts":[],"id":"1","h":"lt-042"}"#, "alert"),
        (
            r#"{"id":"1","title":"t"}"#,
            "parked, no-device: it names no device",
        ),
    ] {
        assert_eq!(
            items(map, body).iter().map(is).collect::<Vec<_>>(),
            [expected],
            "{body}"
        );
    }
}

fn named(body: &str) -> Vec<String> {
    alert(body)
        .devices
        .iter()
        .map(|device| device.label().to_owned())
        .collect()
}

#[test]
fn one_value_is_a_list_of_one_and_a_list_of_one_is_its_value() {
    let map = r#"
        each = "/events/*"
        id = "/id"
        title = "/rule/name"
        severity = "/severity"
        category = "/tactics/*"
        techniques = "/attack/technique/id"
        [devices]
        each = "/hosts/*"
        where = { "/role" = "victim" }
        name = "/name"
    "#;
    let event = r#""id":["7"],"rule":[{"name":"r"}],"severity":["high","high"],"tactics":"Impact""#;
    let attack =
        r#""attack":[{"technique":[{"id":"T1486"},{"id":"T1490"}]},{"technique":{"id":"T1003"}}]"#;
    for host in [
        r#"{"role":"victim","name":"lt-042"}"#,
        r#"[{"role":"victim","name":["lt-042"]}]"#,
        r#"{"a":{"role":"victim","name":"lt-042"},"b":{"role":"witness","name":"lt-043"}}"#,
    ] {
        let event = format!("{{{event},{attack},\"hosts\":{host}}}");
        for body in [
            format!("{{\"events\":{event}}}"),
            format!("{{\"events\":[{event}]}}"),
        ] {
            let alert = only(map, &body);
            assert_eq!(
                (alert.id.as_str(), alert.title.as_deref()),
                ("7", Some("r")),
                "{body}"
            );
            assert_eq!(
                (alert.severity, &alert.category),
                (Some(Severity::High), &vec!["Impact".to_owned()]),
                "{body}"
            );
            assert_eq!(alert.techniques, ["T1486", "T1490", "T1003"], "{body}");
            assert_eq!(
                alert.devices.iter().map(Device::label).collect::<Vec<_>>(),
                ["lt-042"],
                "{body}"
            );
            assert!(alert.unusable.is_empty(), "{alert:?}");
        }
    }
}

#[test]
fn a_condition_knows_starts_ends_middles_what_is_missing_and_the_same_host() {
    let holds = |condition: &str, body: &str| {
        let map = format!("when = {{ {condition} }}\nid = \"/id\"\n[devices]\nname = \"/h\"");
        matches!(items(&map, body).remove(0), Item::Alert(_))
    };
    let body = r#"{"id":1,"h":"LT-042","kind":"False_Positive - yes","agent":"lt-042.corp.example","flag":true}"#;
    for (condition, expected) in [
        ("\"/kind\" = \"false positive*\"", true),
        ("\"/kind\" = \"*YES\"", true),
        ("\"/kind\" = \"*positive*\"", true),
        ("\"/kind\" = \"positive\"", false),
        ("\"/kind\" = \"*\"", true),
        ("\"/kind\" = \"\"", false),
        ("\"/none\" = \"\"", true),
        ("\"/none\" = [\"\", \"x\"]", true),
        ("\"/none\" = \"*\"", false),
        ("\"/h\" = \"same:/agent\"", true),
        ("\"/kind\" = \"same:/agent\"", false),
        ("\"/h\" = \"same:/none\"", false),
        ("\"/flag\" = \"true\"", true),
    ] {
        assert_eq!(holds(condition, body), expected, "{condition}");
    }
}

#[test]
fn a_host_that_only_collects_is_no_device_and_said_to_be_none() {
    let map = "id = \"/id\"\n[devices]\nunless = { \"/h\" = \"same:/collector\" }\nname = \"/h\"";
    let of = |body: &str| is(&items(map, body).remove(0));
    assert_eq!(of(r#"{"id":1,"h":"lt-042","collector":"wec-1"}"#), "alert");
    let parked = of(r#"{"id":1,"h":"WEC-1.corp.example","collector":"wec-1"}"#);
    assert_eq!(
        parked,
        "parked, no-device: the only device it names is one that `unless` rules out, such as the log collector"
    );
}

#[test]
fn a_body_that_the_map_does_not_read_is_named() {
    let map = "unless = { \"/state\" = \"closed\" }\nid = \"/id\"\nother_bodies = { where = { \"/incident\" = \"*\" }, hint = \"an incident: post its alerts\" }\n[devices]\nname = \"/h\"";
    let of = |body: &str| is(&items(map, body).remove(0));
    assert_eq!(
        of(r#"{"id":1,"incident":7}"#),
        "parked, unmapped: an incident: post its alerts"
    );
    assert_eq!(
        of(r#"{"id":1,"incident":7,"state":"closed"}"#),
        "ignored, guard: `/state` is `closed`"
    );
    assert_eq!(of(r#"{"id":1,"h":"lt-042"}"#), "alert");
    assert!(
        of(r#"{"$content-type":"x/y","$content":"eyJ9"}"#).contains("inside `$content`, in base64")
    );
    assert!(of(r#""{\"id\":1}""#).contains("encoded it twice"));
}

#[test]
fn of_several_severities_the_worst_counts_unless_one_is_off_the_scale() {
    let read = |value: &str| alert(&with("\"x\":1").replace("\"high\"", value)).severity;
    assert_eq!(read(r#"["low","High"]"#), Some(Severity::High));
    assert_eq!(read(r#"["N/A","warn"]"#), Some(Severity::Medium));
    assert_eq!(read(r#"["low","purple"]"#), None);
    let map = "severity = [\"/urgency\", \"/severity\"]\ndevices = { name = \"/h\" }";
    assert_eq!(
        only(map, r#"{"h":"a","urgency":"unknown","severity":"high"}"#).severity,
        Some(Severity::High)
    );
    assert_eq!(
        only(map, r#"{"h":"a","urgency":"purple","severity":"high"}"#).severity,
        None
    );
}

#[test]
fn a_word_that_says_nothing_is_no_id_no_name_and_no_category() {
    let map = r#"
        id = ["/id", "/ref"]
        category = ["/category", "/kind"]
        dedupe = { all = ["/key", "/seen"] }
        nothing = ["tbd"]
        devices = { name = ["/name", "/host"], ip = "/ip" }
    "#;
    for word in [
        "N/A",
        "unknown",
        "-",
        "<no value>",
        "None",
        "TBD",
        "*UNKNOWN*",
        "00000000-0000-0000-0000-000000000000",
    ] {
        let alert = only(
            map,
            &format!(
                r#"{{"id":"{word}","ref":"7","category":["{word}"],"kind":"k","key":"{word}","seen":"1","name":"{word}","ip":"10.20.0.9"}}"#
            ),
        );
        assert_eq!(
            (alert.id.as_str(), alert.category),
            ("7", vec!["k".to_owned()]),
            "{word}"
        );
        assert!(
            alert.dedupe.starts_with("- 1:1"),
            "{word}: {}",
            alert.dedupe
        );
        assert_eq!(
            (alert.devices[0].label(), &alert.devices[0].name),
            ("10.20.0.9", &None),
            "{word}"
        );
    }
    let none = only(map, r#"{"id":"N/A","ref":"?","name":"a"}"#);
    assert!(
        none.id_derived && none.dedupe == none.id,
        "two alerts that say nothing are two: {none:?}"
    );
    assert_eq!(
        only(map, r#"{"id":1,"name":"{{ host }}","host":"lt-042"}"#).devices[0].label(),
        "lt-042"
    );
}

#[test]
fn several_names_are_several_devices_and_never_get_an_id_that_is_one_machines() {
    for hosts in [
        r#""lt-042,lt-043""#,
        r#""lt-042; lt-043""#,
        r#""lt-042\nlt-043""#,
        r#"["lt-042","lt-043"]"#,
    ] {
        assert_eq!(
            named(&format!(r#"{{"host":{hosts}}}"#)),
            ["lt-042", "lt-043"],
            "{hosts}"
        );
        let beside = alert(&format!(
            r#"{{"host":{hosts},"address":"10.20.0.9","aad":"g"}}"#
        ));
        assert!(
            beside
                .devices
                .iter()
                .all(|device| device.ip.is_none() && device.aad_id.is_none()),
            "{beside:?}"
        );
        assert!(beside.notes.contains(&crate::alert::Note::NotAttached));
        let id = alert(&format!(
            r#"{{"deviceId":"{MACHINE}","host":{hosts},"address":"10.20.0.9"}}"#
        ));
        assert_eq!(
            (id.devices.len(), id.devices[0].label(), &id.devices[0].name),
            (1, MACHINE, &None)
        );
        assert_eq!(id.devices[0].ip.as_deref(), Some("10.20.0.9"));
    }
    let other = MACHINE.replace('1', "2");
    assert_eq!(
        named(&format!(
            r#"{{"deviceId":"{MACHINE}, {other}","host":"lt-042"}}"#
        )),
        [MACHINE, &other]
    );
    assert_eq!(
        named(r#"{"host":["lt-042","LT-042.corp.example"]}"#),
        ["LT-042.corp.example"],
        "one host, named twice"
    );
}

#[test]
fn what_cannot_be_a_host_name_is_kept_as_such_and_no_other_name_stands_in_for_it() {
    let odd = alert(
        r#"{"host":"lt-042, the laptop of John","computer":"collector-1","address":"10.20.0.9"}"#,
    );
    let device = &odd.devices[0];
    assert_eq!(
        (&device.name, device.bad_name.as_deref()),
        (&None, Some("lt-042, the laptop of John"))
    );
    assert_eq!(
        (device.label(), device.ip.as_deref()),
        ("lt-042, the laptop of John", Some("10.20.0.9"))
    );
}

#[test]
fn a_name_is_put_together_only_where_there_is_a_domain_to_add() {
    let map = "devices = { name = [{ concat = [\"/host\", \".\", \"/domain\"] }, \"/host\"] }\ntitle = { concat = [\"/host\", \".\", \"/domain\"] }";
    let read = |host: &str, domain: &str| {
        only(map, &format!(r#"{{"host":"{host}","domain":{domain}}}"#)).devices[0]
            .label()
            .to_owned()
    };
    assert_eq!(read("lt-042", "\"corp.example\""), "lt-042.corp.example");
    assert_eq!(
        read("lt-042.corp.example", "\"corp.example\""),
        "lt-042.corp.example"
    );
    for none in [
        "\"WORKGROUP\"",
        "\"N/A\"",
        "\"\"",
        "null",
        "[]",
        "\"LT-042\"",
    ] {
        assert_eq!(read("lt-042", none), "lt-042", "{none}");
    }
    let title = only(map, r#"{"host":"lt-042.x","domain":"x"}"#).title;
    assert_eq!(
        title.as_deref(),
        Some("lt-042.x.x"),
        "in other texts what is joined is joined"
    );
}

#[test]
fn a_technique_that_has_no_number_is_unknown_and_said() {
    let map = r#"
        id = "/id"
        techniques = ["/name", "/attack"]
        devices = { name = "/h" }
    "#;
    let read = |members: &str| only(map, &format!(r#"{{"id":1,"h":"a",{members}}}"#));
    let number = read(r#""name":"Data Encrypted","attack":[{"n":"x","t":"t1486"}]"#);
    assert_eq!(
        (number.techniques, number.unusable.len()),
        (vec!["T1486".to_owned()], 0),
        "a later source has one"
    );
    let words = read(r#""name":["T1003","Data Encrypted"]"#);
    assert_eq!(words.techniques, ["T1003", "Data Encrypted"]);
    assert!(words.unusable.contains("alert.techniques"));
    assert!(words.notes.contains(&crate::alert::Note::TechniqueNotRead));
    assert!(
        read(r#""attack":{"name":"x"}"#)
            .unusable
            .contains("alert.techniques")
    );
    assert!(read(r#""name":"N/A","attack":[]"#).unusable.is_empty());
    let tags = "techniques = { path = \"/tags/*\", capture = '\\b(T\\d{4})\\b' }\ndevices = { name = \"/h\" }";
    let tagged = only(
        tags,
        r#"{"h":"a","tags":["attack.t1486","linux","T1003 T1490"]}"#,
    );
    assert_eq!(
        (tagged.techniques, tagged.notes.len()),
        (["T1486", "T1003", "T1490"].map(str::to_owned).to_vec(), 0)
    );
}
