#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::fact_view::FactView;
use super::truth::Truths;
use super::*;
use crate::alert::{Alert, Device, MachineId, Severity};
use crate::json::Json;
use crate::scan::Mode;
use crate::scan::{Kind, Reason};
use crate::time::Timestamp;
use crate::verdict::Asks;
use crate::verdict::Verdict;

fn rules(text: &str) -> Rules {
    let loaded = Rules::parse(&format!("version = 1\n{text}"), &mut |_| {
        Err("no such file".to_owned())
    });
    loaded
        .unwrap_or_else(|errors| panic!("{}", render(&errors, "rules.toml", text, false)))
        .rules
}

fn alert() -> Alert {
    Alert {
        id: "3212".to_owned(),
        title: Some("Mimikatz credential theft".to_owned()),
        severity: Some(Severity::High),
        category: vec!["CredentialAccess".to_owned(), "Malware".to_owned()],
        techniques: vec!["T1003.001".to_owned()],
        time: Timestamp::parse("2026-03-01T08:00:00Z"),
        ..Alert::default()
    }
}

fn device() -> Device {
    let machine = MachineId::parse("1e5bc9d7e413ddd7902c2932e418702b84d0cc07");
    let (name, ip) = (
        Some("DC-01.corp.example".to_owned()),
        Some("2001:DB8::0:1".to_owned()),
    );
    Device {
        machine,
        name,
        ip,
        ..Device::default()
    }
}

fn facts(device: &Device) -> Facts {
    let text = |text: &str| Reading::Present(text.to_owned());
    let tags = Reading::Present(vec!["Tier0".to_owned(), "prod".to_owned()]);
    let (group, os, health) = (text(""), Reading::Unknown, Reading::Absent);
    let absent = || Reading::Absent;
    let (id, ips) = (Reading::Absent, Reading::Absent);
    let mut facts = MachineFacts {
        id,
        name: absent(),
        ips,
        aad_id: absent(),
        tags,
        group,
        os,
        health,
    };
    facts.identify(device);
    Facts::Known(facts)
}

fn event<'a>(alert: &'a Alert, device: &'a Device, body: Option<&'a Json<'a>>) -> Event<'a> {
    Event {
        source: "sentinel",
        preset: "sentinel-incident",
        tenant: "default",
        alert,
        device,
        facts: facts(device),
        body,
        memo: None,
        at: Timestamp::default(),
    }
}

/// What one condition is for an event: `1` true, `0` false, `?` unknown.
fn truth(condition: &str, event: &Event<'_>) -> char {
    let rules = rules(&format!(
        "[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = {{ {condition} }}\n"
    ));
    match rules.rules[0].when.truths(&FactView::plain(event)) {
        Truths::TRUE => '1',
        Truths::FALSE => '0',
        Truths::UNKNOWN => '?',
        other => panic!("{other:?}"),
    }
}

fn check(cases: &[(&str, char)], event: &Event<'_>) {
    for (condition, wanted) in cases {
        assert_eq!(truth(condition, event), *wanted, "{condition}");
    }
}

#[test]
fn text_is_compared_ignoring_case_and_on_a_list_some_element_does() {
    let (alert, device) = (alert(), device());
    check(
        &[
            ("source = \"SENTINEL\"", '1'),
            ("source = [\"elastic\", \"Sentinel\"]", '1'),
            ("source = \"sentinel2\"", '0'),
            ("alert.title.contains = \"CREDENTIAL\"", '1'),
            ("alert.title.contains = \"c.edential\"", '0'),
            ("alert.title.regex = '\\bmimi.*theft$'", '1'),
            ("alert.title.regex = '(?-i)\\bmimi'", '0'),
            ("alert.category = \"malware\"", '1'),
            ("alert.category.regex = '^cred'", '1'),
            ("alert.category = [\"Ransomware\"]", '0'),
            ("device.tags = \"tier0\"", '1'),
            ("\"device.tags\".contains = \"rod\"", '1'),
            ("alert.title = { contains = \"mimi\", regex = 'z' }", '1'),
            ("alert.title = { contains = \"mimi\", regex = 'q' }", '0'),
        ],
        &event(&alert, &device, None),
    );
}

#[test]
fn severities_and_times_have_an_order() {
    let (alert, device) = (alert(), device());
    check(
        &[
            ("severity = \"High\"", '1'),
            ("severity.gte = \"high\"", '1'),
            ("severity.gt = \"high\"", '0'),
            ("severity = { gte = \"low\", lt = \"critical\" }", '1'),
            ("\"severity.lte\" = \"medium\"", '0'),
            ("alert.time.lt = 2026-03-01T10:00:00+01:00", '1'),
            ("alert.time.gt = \"2026-03-01T08:00:00Z\"", '0'),
            ("alert.time = 2026-03-01T09:00:00+01:00", '1'),
        ],
        &event(&alert, &device, None),
    );
}

#[test]
fn names_techniques_and_addresses_are_compared_as_what_they_are() {
    let (alert, device) = (alert(), device());
    check(
        &[
            ("device.name = \"dc-01\"", '1'),
            ("device.name = \"dc-01.corp.example\"", '1'),
            ("device.name = \"dc-01.corp\"", '0'),
            ("device.name.contains = \"corp\"", '0'),
            ("device.name.contains = \"corp.\"", '1'),
            ("device.name.regex = '^dc-\\d+$'", '1'),
            ("device.name.regex = '\\.corp\\.example$'", '1'),
            ("device.reported_name = \"dc-01\"", '1'),
            ("alert.techniques = \"T1003\"", '1'),
            ("alert.techniques = \"t1003.001\"", '1'),
            ("alert.techniques = \"T1003.002\"", '0'),
            ("alert.techniques = \"T100\"", '0'),
            ("device.ip = \"2001:db8:0::1\"", '1'),
            (
                "device.id = \"1E5BC9D7E413DDD7902C2932E418702B84D0CC07\"",
                '1',
            ),
        ],
        &event(&alert, &device, None),
    );
}

#[test]
fn what_the_delivery_does_not_carry_is_absent_and_what_cannot_be_known_is_unknown() {
    let mut alert = Alert {
        id: "1".to_owned(),
        ..Alert::default()
    };
    alert.unusable.insert("alert.status".to_owned());
    let device = Device {
        ip: Some("10.0.0.1".to_owned()),
        ..Device::default()
    };
    let asked = event(&alert, &device, None);
    check(
        &[
            ("alert.title.contains = \"x\"", '0'),
            ("alert.title.exists = false", '1'),
            ("alert.title.exists = true", '0'),
            ("none = [ { user = \"svc\" } ]", '1'),
            ("\"/anything\" = 1", '0'),
            ("alert.techniques.exists = false", '1'),
            ("severity = \"high\"", '?'),
            ("severity.exists = true", '?'),
            ("none = [ { severity.lte = \"low\" } ]", '?'),
            ("alert.status = \"closed\"", '?'),
            // The directory has answered, and its record has no name; it has a tag, an empty group, no health.
            ("device.name = \"dc-01\"", '0'),
            ("device.name.exists = false", '1'),
            ("device.tags.exists = true", '1'),
            ("device.group = \"\"", '1'),
            ("device.group.exists = false", '1'),
            ("device.health = \"Active\"", '0'),
            ("device.os = \"Windows11\"", '?'),
        ],
        &asked,
    );
    let not_asked = Event {
        facts: Facts::NotAsked,
        ..asked
    };
    check(
        &[
            ("device.ip = \"10.0.0.1\"", '1'),
            ("device.name = \"dc-01\"", '?'),
            ("device.id.exists = true", '?'),
            ("device.aad_id.exists = true", '?'),
            ("device.tags = \"prod\"", '?'),
            ("device.group.exists = true", '?'),
            ("device.health = \"Active\"", '?'),
            ("device.reported_name.exists = false", '1'),
            ("device.reported_ip = \"10.0.0.1\"", '1'),
        ],
        &not_asked,
    );
}

#[test]
fn unknown_follows_kleene_logic() {
    let (alert, device) = (
        Alert {
            id: "1".to_owned(),
            ..Alert::default()
        },
        device(),
    );
    check(
        &[
            ("severity = \"low\", source = \"other\"", '0'),
            ("severity = \"low\", source = \"sentinel\"", '?'),
            (
                "any = [ { severity = \"low\" }, { source = \"sentinel\" } ]",
                '1',
            ),
            (
                "any = [ { severity = \"low\" }, { source = \"other\" } ]",
                '?',
            ),
            (
                "none = [ { severity = \"low\" }, { source = \"sentinel\" } ]",
                '0',
            ),
            ("none = [ { source = \"other\" } ]", '1'),
            (
                "any = [ { any = [ { none = [ { source = \"other\" } ] } ] } ]",
                '1',
            ),
        ],
        &event(&alert, &device, None),
    );
}

#[test]
fn a_pointer_compares_what_the_body_holds() {
    let (alert, device) = (alert(), device());
    let text = |text: &'static str| Json::Text(text.into());
    let number = |literal: &'static str| Json::Number(literal.into());
    let body = Json::Object(
        vec![
            ("score".into(), number("70.0")),
            ("id".into(), number("9007199254740993")),
            ("test".into(), Json::Bool(true)),
            ("said".into(), text(" TRUE")),
            ("spoken".into(), text("70 ")),
            ("word".into(), text("yes")),
            ("nothing".into(), Json::Null),
            ("a/b".into(), text("X")),
            ("at".into(), text("2026-03-01T08:00:00Z")),
            (
                "list".into(),
                Json::List(vec![
                    text("a"),
                    number("2"),
                    Json::Object(Vec::new().into()),
                ]),
            ),
            (
                "object".into(),
                Json::Object(vec![("k".into(), text("v"))].into()),
            ),
        ]
        .into(),
    );
    check(
        &[
            ("\"/score\" = 70", '1'),
            ("\"/score\".gt = 69.5", '1'),
            ("\"/score\".lt = 70", '0'),
            ("\"/id\" = 9007199254740993", '1'),
            ("\"/id\" = 9007199254740992", '0'),
            ("\"/id\" = \"9007199254740993\"", '1'),
            ("\"/test\" = true", '1'),
            ("\"/test\" = \"true\"", '1'),
            ("\"/test\" = \"False\"", '0'),
            ("\"/test\" = \"yes\"", '?'),
            ("\"/said\" = true", '1'),
            ("\"/said\" = false", '0'),
            ("\"/word\" = true", '?'),
            ("\"/spoken\" = 70", '1'),
            ("\"/spoken\".gte = 71", '0'),
            ("\"/score\" = \"70\"", '1'),
            ("\"/score\" = \"71\"", '0'),
            ("\"/word\".gte = 5", '?'),
            ("\"/nothing\".exists = false", '1'),
            ("\"/a~1b\" = \"x\"", '1'),
            ("\"/a~1b\".gt = 3", '?'),
            ("\"/at\".lte = 2026-03-01T08:00:00Z", '1'),
            ("\"/list\" = \"A\"", '1'),
            ("\"/list/1\" = 2", '1'),
            ("\"/list\" = \"z\"", '?'),
            ("\"/object\" = \"v\"", '?'),
            ("\"/object/*\" = \"v\"", '1'),
            ("\"/object/none/deeper\" = \"v\"", '0'),
        ],
        &event(&alert, &device, Some(&body)),
    );
}

const TWO: &str = "[[rule]]\nname = \"servers\"\nscan = \"SCAN\"\nMODE\nwhen = { device.os.contains = \"Server\" }\n\
                   [[rule]]\nname = \"high\"\nscan = \"full\"\nmode = \"enforce\"\nwhen = { severity = \"high\" }\n";

fn two(scan: &str, mode: &str) -> Verdict {
    let (alert, device) = (alert(), device());
    rules(&TWO.replace("SCAN", scan).replace("MODE", mode)).decide(&event(&alert, &device, None))
}

#[test]
fn a_milder_rule_that_stays_unknown_holds_the_decision_and_is_named() {
    for (scan, mode) in [
        ("none", ""),
        ("quick", "mode = \"enforce\""),
        ("full", "mode = \"approve\""),
        ("full", ""),
    ] {
        let verdict = two(scan, mode);
        assert!(
            matches!(verdict.asks, Asks::Hold(Reason::Undecided, _)),
            "{scan} {mode}: {:?}",
            verdict.asks
        );
        assert_eq!(verdict.rule.as_deref(), Some("high"));
        let unknown: Vec<&str> = verdict
            .seen
            .iter()
            .filter(|s| s.unknown)
            .map(|s| s.field.as_str())
            .collect();
        assert_eq!(unknown, ["rule servers: device.os"]);
    }
    let verdict = two("full", "mode = \"enforce\"");
    assert!(
        matches!(verdict.asks, Asks::Scan(_)),
        "a rule that would do the same is passed over"
    );
}

#[test]
fn the_first_rule_that_is_true_wins_and_no_rule_means_no_scan() {
    let text = "[[rule]]\nname = \"a\"\nscan = \"none\"\nwhen = { source = \"other\" }\n\
                [[rule]]\nname = \"b\"\nscan = \"quick\"\npriority = 7\nwhen = { source = \"sentinel\" }\n\
                [[rule]]\nname = \"c\"\nscan = \"full\"\nwhen = { source = \"sentinel\" }\n";
    let (alert, device) = (alert(), device());
    let verdict = rules(text).decide(&event(&alert, &device, None));
    let Asks::Scan(wanted) = verdict.asks else {
        panic!("{:?}", verdict.asks)
    };
    assert_eq!(
        (verdict.rule.as_deref(), wanted.kind, wanted.priority.get()),
        (Some("b"), Kind::Quick, 7)
    );
    assert_eq!(
        (wanted.mode, wanted.tenant_limit),
        (Mode::DryRun, None),
        "no mode anywhere is a dry run"
    );
    let other = Event {
        source: "third",
        ..event(&alert, &device, None)
    };
    assert_eq!(
        rules(text).decide(&other).asks,
        Asks::Nothing(Reason::NoMatch)
    );
    let first = Event {
        source: "other",
        ..event(&alert, &device, None)
    };
    assert_eq!(rules(text).decide(&first).asks, Asks::Nothing(Reason::Rule));
}

#[test]
fn without_a_priority_the_severity_gives_one() {
    let text = "[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = { source.exists = true }\n";
    let device = device();
    for (severity, priority) in [
        (None, 20),
        (Some(Severity::Low), 30),
        (Some(Severity::Critical), 90),
    ] {
        let alert = Alert {
            severity,
            ..alert()
        };
        let Asks::Scan(wanted) = rules(text).decide(&event(&alert, &device, None)).asks else {
            panic!()
        };
        assert_eq!(wanted.priority.get(), priority);
    }
}

#[test]
fn the_record_shows_what_the_winner_looked_at_short_and_on_one_line() {
    let text = "[[rule]]\nname = \"r\"\nscan = \"full\"\n[rule.when]\nalert.title.contains = \"x\"\nuser.exists = false\n\
                any = [ { alert.category = \"Malware\" }, { device.os = \"Linux\" } ]\n";
    let alert = Alert {
        title: Some(format!("\u{1b}[2Jx\n{}", "y".repeat(500))),
        ..alert()
    };
    let device = device();
    let seen = rules(text).decide(&event(&alert, &device, None)).seen;
    let fields: Vec<&str> = seen.iter().map(|seen| seen.field.as_str()).collect();
    assert_eq!(
        fields,
        ["alert.title", "user", "alert.category", "device.os"]
    );
    let title = seen[0].value.as_deref().unwrap();
    assert!(
        title.starts_with(" [2Jx yyy") && title.chars().count() == 120,
        "{title}"
    );
    assert_eq!((seen[1].value.as_deref(), seen[1].unknown), (None, false));
    assert_eq!(seen[2].value.as_deref(), Some("CredentialAccess, Malware"));
    assert_eq!((seen[3].value.as_deref(), seen[3].unknown), (None, true));
}

#[test]
fn a_hostile_pattern_over_a_megabyte_comes_to_an_end() {
    let alert = Alert {
        title: Some(format!("{}!", "a".repeat(1_000_000))),
        ..alert()
    };
    let device = device();
    assert_eq!(
        truth(
            "alert.title.regex = '(a+)+$'",
            &event(&alert, &device, None)
        ),
        '0'
    );
}

#[test]
fn hostile_text_is_compared_as_text_and_shown_on_one_line() {
    let device = device();
    let code_point = regex::Regex::new(r"\\u\{([0-9a-f]+)\}").unwrap();
    for title in [
        "{alert.id} {{secret}} ${env:X} %s",
        "[sh-000000000000]",
        "\u{202e}txt.exe\u{202c}",
        "line\r\nbreak\u{2028}and \u{1b}[2J",
        "'); DROP TABLE scan;--",
    ] {
        let alert = Alert {
            title: Some(title.to_owned()),
            ..alert()
        };
        let wanted = |operator: &str| {
            let value = title.escape_default().to_string().replace("\\'", "'");
            // What Rust writes as `\u{202e}` is `\u202e` to TOML.
            let value = code_point.replace_all(&value, |found: &regex::Captures<'_>| {
                format!("\\u{:0>4}", &found[1])
            });
            format!("alert.title{operator} = \"{value}\"")
        };
        check(
            &[(&wanted(""), '1'), (&wanted(".contains"), '1')],
            &event(&alert, &device, None),
        );
        let any = "[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = { alert.title.exists = true }\n";
        let verdict = rules(any).decide(&event(&alert, &device, None));
        let shown = verdict.seen[0].value.as_deref().unwrap();
        assert!(
            !shown
                .chars()
                .any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{202a}'..='\u{202e}')),
            "{shown:?}"
        );
    }
}

#[test]
fn a_megabyte_of_text_is_compared_in_linear_time_whatever_the_pattern() {
    let device = device();
    let alert = Alert {
        title: Some("a".repeat(1_000_000)),
        ..alert()
    };
    let asked = event(&alert, &device, None);
    check(
        &[
            ("alert.title.regex = '(a|a)*b'", '0'),
            ("alert.title.glob = \"*a*a*a*a*b\"", '0'),
            ("alert.title.contains = \"aaaaaaaaaaaaaaaaaaaaaaaab\"", '0'),
        ],
        &asked,
    );
    // Many rules at once: the index must not drown in overlapping hits.
    let many = (1..40).map(|n| {
        format!(
            "[[rule]]\nname = \"r{n}\"\nscan = \"full\"\nwhen = {{ alert.title.contains = \"{}b\" }}\n",
            "a".repeat(n)
        )
    });
    let all = many.chain((1..40).map(|n| {
        let title = "a".repeat(40 - n);
        format!("[[rule]]\nname = \"s{n}\"\nscan = \"full\"\nwhen = {{ source = \"x\", alert.title.contains = \"{title}\" }}\n")
    }));
    assert_eq!(
        rules(&all.collect::<String>()).decide(&asked).asks,
        Asks::Nothing(Reason::NoMatch)
    );
}
