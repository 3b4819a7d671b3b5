//! A body, its alerts, and for each what becomes of it.

use super::compile::{At, Mapping, Source};
use super::field::{Length, Notes};
use super::{Caps, Item, device, time};
use crate::domain::alert::{Alert, AlertReason, Device};
use crate::domain::json::Json;

/// Reads a delivery. Never empty: a body in which nothing is recognised is one parked item. `body_hash` gives an
/// alert without an id one that is the same whenever the same bytes come again.
#[must_use]
pub fn read(mapping: &Mapping, caps: Caps, body: &Json<'_>, body_hash: &[u8]) -> Vec<Item> {
    let derived = format!("sha256-{}", hex::encode(body_hash.get(..16).unwrap_or(body_hash)));
    let mut notes = Notes::default();
    let found = items(mapping, body, &mut notes);
    if let Some((reason, detail)) = notes.fault {
        return vec![whole(reason, &derived, detail)];
    }
    if found.is_empty() {
        return vec![whole(AlertReason::Unmapped, &derived, "nothing stands where the map looks for alerts")];
    }
    if found.len() > caps.alerts {
        let detail = format!("{} alerts, of which {} may come at once", found.len(), caps.alerts);
        return vec![whole(AlertReason::TooManyAlerts, &derived, detail)];
    }
    let single = found.len() == 1;
    let mut read = Vec::with_capacity(found.len());
    for (n, here) in found.into_iter().enumerate() {
        let derived = if single { derived.clone() } else { format!("{derived}.{n}") };
        read.push(item(mapping, caps, At { root: body, here }, derived));
    }
    let beyond = |item: &Item| matches!(item, Item::Parked { reason: AlertReason::TooManyDevices, .. });
    if !single && let Some(Item::Parked { reason, detail, .. }) = read.iter().find(|item| beyond(item)) {
        return vec![whole(*reason, &derived, detail.clone())];
    }
    read
}

/// A delivery that is parked as one.
fn whole(reason: AlertReason, derived: &str, detail: impl Into<String>) -> Item {
    let alert = Alert { id: derived.to_owned(), id_derived: true, dedupe: derived.to_owned(), ..Alert::default() };
    Item::Parked { reason, alert, detail: detail.into() }
}

/// The values of the first pattern that yields an object. Other values beside one are kept, to be parked one by one.
fn items<'j, 'a>(mapping: &Mapping, body: &'j Json<'a>, notes: &mut Notes) -> Vec<&'j Json<'a>> {
    let at = At { root: body, here: body };
    let found = mapping.each.iter().map(|path| notes.look(path, at));
    found.into_iter().find(|values| values.iter().any(|v| matches!(v, Json::Object(_)))).unwrap_or_default()
}

fn item(mapping: &Mapping, caps: Caps, at: At<'_, '_>, derived: String) -> Item {
    let mut notes = Notes::default();
    let mut alert = alert(mapping, at, &mut notes, derived);
    let named = device::read(&mapping.devices, at, caps.devices, &mut notes);
    alert.devices = named.devices;
    let recognised = notes.found;
    let guard = notes.guarded(&mapping.when, &mapping.unless, at);
    alert.unusable = notes.unusable;
    let too_many = alert.devices.len() > caps.devices;
    alert.devices.truncate(caps.devices);
    let (reason, detail) = match (notes.fault, guard) {
        (Some((AlertReason::AmbiguousKey, detail)), _) => (AlertReason::AmbiguousKey, detail),
        _ if !recognised => (AlertReason::Unmapped, "nothing in it is what the map looks for".to_owned()),
        (_, Some(detail)) => return Item::Ignored { alert, detail },
        (Some(fault), None) => fault,
        (None, None) if too_many => {
            (AlertReason::TooManyDevices, format!("more than the {} devices one alert may name", caps.devices))
        }
        (None, None) => match unusable_devices(&alert.devices, named.refused) {
            Some(fault) => fault,
            None => return Item::Alert(alert),
        },
    };
    Item::Parked { reason, alert, detail }
}

fn unusable_devices(devices: &[Device], refused: bool) -> Option<(AlertReason, String)> {
    let useless = |d: &Device| d.machine.is_none() && d.name.is_none() && d.ip.is_none() && d.aad_id.is_none();
    let detail = match devices.first() {
        None if refused => "the only device it names is the sender's own localhost",
        None => "it names no device",
        Some(_) if devices.iter().all(useless) => {
            return Some((AlertReason::BadMachineId, "its machine ids are not 40 hex digits".to_owned()));
        }
        Some(_) => return None,
    };
    Some((AlertReason::NoDevice, detail.to_owned()))
}

fn alert(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes, derived: String) -> Alert {
    let mut text = |sources: &[Source], field: &str| notes.text(sources, at, field, Length::Text);
    let mut alert = Alert {
        title: text(&mapping.title, "alert.title"),
        status: text(&mapping.status, "alert.status"),
        detector: text(&mapping.detector, "alert.detector"),
        user: text(&mapping.user, "user"),
        tenant: text(&mapping.tenant, "alert.tenant"),
        url: text(&mapping.url, "alert.url"),
        ..Alert::default()
    };
    alert.category = notes.texts(&mapping.category, at, "alert.category");
    alert.techniques = notes.texts(&mapping.techniques, at, "alert.techniques");
    alert.time = time::read(&mapping.time, at, notes);
    severity(mapping, at, notes, &mut alert);
    let id = notes.text(&mapping.id, at, "alert.id", Length::Key);
    alert.id_derived = id.is_none();
    alert.dedupe = dedupe(mapping, at, notes).or_else(|| id.clone()).unwrap_or_else(|| derived.clone());
    alert.id = id.unwrap_or_else(|| derived.clone());
    for (what, text) in [("the id", &alert.id), ("the dedupe key", &alert.dedupe)] {
        if is_placeholder(text) {
            notes.fault(AlertReason::Placeholder, format!("{what} is still a placeholder of the sender's template"));
        }
    }
    if is_placeholder(&alert.dedupe) {
        alert.dedupe = derived;
    }
    alert
}

fn severity(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes, alert: &mut Alert) {
    let Some((sources, scale)) = &mapping.severity else { return };
    let value = sources.iter().find_map(|source| match source {
        Source::Path(path) => notes.values(path, at).first().map(|value| (*value).clone()),
        Source::Concat(_) => {
            let text = notes.text(core::slice::from_ref(source), at, "severity", Length::Text)?;
            Some(Json::Text(text.into()))
        }
    });
    let Some(value) = value else { return };
    if value.text().is_some_and(|text| text.contains('\0')) {
        notes.fault(AlertReason::NulInText, "severity holds U+0000");
    }
    alert.severity = scale.of(&value);
    if alert.severity.is_none() {
        notes.unusable("severity");
    }
}

/// The compound key as one text; every part is preceded by its length, so no two keys run together.
fn dedupe(mapping: &Mapping, at: At<'_, '_>, notes: &mut Notes) -> Option<String> {
    let parts: Vec<_> = mapping.dedupe.iter().map(|part| notes.text(part, at, "alert.dedupe", Length::Key)).collect();
    if let Some(placeholder) = parts.iter().flatten().find(|part| is_placeholder(part)) {
        return Some(placeholder.clone());
    }
    let join = |part: &Option<String>| part.as_ref().map_or_else(|| "-".to_owned(), |t| format!("{}:{t}", t.len()));
    parts.iter().any(Option::is_some).then(|| parts.iter().map(join).collect::<Vec<_>>().join(" "))
}

/// `{{Id}}`, `${Id}`, `$ALERT_ID` and `%id%`: a template that was never filled in gives every alert the same id.
fn is_placeholder(text: &str) -> bool {
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'))
    };
    let holds = |open: &str, close: &str| text.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    let whole = text.trim();
    holds("{{", "}}")
        || holds("${", "}")
        || whole.strip_prefix('$').is_some_and(name)
        || whole.strip_prefix('%').and_then(|rest| rest.strip_suffix('%')).is_some_and(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use proptest::prelude::*;

    use super::super::Map;
    use super::*;
    use crate::domain::alert::Severity;
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
        for bad in ["../../alerts", "a/../b", "%2f", "x?y=", "x#", "a b", "", &format!("{MACHINE}0"), &"１".repeat(40)]
        {
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
        let ids: Vec<_> =
            ["12345678901234567890123", "12345678901234567890124", "-0", "1.0", "1"].map(|v| id(v).id).into();
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
        assert!(
            matches!(items(MAP, &dropped)[..], [Item::Alert(_), Item::Ignored { .. }]),
            "ignored ones ask for nothing"
        );
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
        let Item::Alert(alert) = read(&format!(r#"{{"id":1,"kind":"alertX","a":[{{"n":"f"}}],"b":[{device}]}}"#))
        else {
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
}
