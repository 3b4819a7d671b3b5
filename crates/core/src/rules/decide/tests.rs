#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::alert::{Alert, Device, MachineId, Severity};
use crate::rules::{MachineFacts, Reading, render};
use crate::time::Timestamp;
use crate::verdict::Guard;

const CONTROLLER: &str = "1e5bc9d7e413ddd7902c2932e418702b84d0cc07";
const JEWELS: &str =
    "[[protect]]\nname = \"jewels\"\nwhen = { device.name.glob = \"dc-*\" }\nat_most = \"hold\"\n";
const FULL: &str = "[[rule]]\nname = \"high\"\nscan = \"full\"\nmode = \"enforce\"\nwhen = { severity.gte = \"high\" }\n";

fn rules(text: &str) -> Rules {
    let text = format!("version = 1\n{text}");
    let loaded = Rules::parse(&text, &mut |_| Err(String::new()));
    loaded
        .unwrap_or_else(|errors| panic!("{}", render(&errors, "rules.toml", &text, false)))
        .rules
}

fn alert(severity: Severity) -> Alert {
    Alert {
        id: "1".to_owned(),
        severity: Some(severity),
        ..Alert::default()
    }
}

/// A machine with an id, as the alert names it.
fn named(name: &str) -> Device {
    Device {
        machine: MachineId::parse(CONTROLLER),
        name: Some(name.to_owned()),
        ..Device::default()
    }
}

/// What the directory says of a machine with this name.
fn record(name: &str) -> Facts {
    let text = |text: &str| Reading::Present(text.to_owned());
    Facts::Known(MachineFacts {
        id: Reading::or_absent(MachineId::parse(CONTROLLER)),
        name: text(name),
        ips: Reading::Present(vec!["10.0.0.1".to_owned(), "10.99.0.1".to_owned()]),
        aad_id: Reading::Absent,
        tags: Reading::Present(vec!["prod".to_owned()]),
        group: text(""),
        os: text("Windows11"),
        health: text("Active"),
    })
}

fn decide(rules: &Rules, alert: &Alert, device: &Device, facts: Facts) -> Verdict {
    let (source, at) = (
        "sentinel",
        Timestamp::parse("2026-03-02T12:00:00Z").unwrap(),
    );
    rules.decide(&Event {
        source,
        preset: source,
        tenant: "default",
        alert,
        device,
        facts,
        body: None,
        memo: None,
        at,
    })
}

fn high(rules: &Rules, device: &Device, facts: Facts) -> Asks {
    decide(rules, &alert(Severity::High), device, facts).asks
}

fn resolves(asks: &Asks) -> bool {
    matches!(asks, Asks::Resolve(_))
}

#[test]
fn the_id_of_a_protected_machine_is_protected_whatever_name_the_alert_gives() {
    let rules = rules(&format!("{JEWELS}{FULL}"));
    let claimed = named("lt-042");
    assert!(
        resolves(&high(&rules, &claimed, Facts::NotAsked)),
        "another name may be behind the id"
    );
    let verdict = decide(
        &rules,
        &alert(Severity::High),
        &claimed,
        record("DC-01.corp.example"),
    );
    assert!(
        matches!(verdict.asks, Asks::Hold(Reason::Protection, _)),
        "{verdict:?}"
    );
    let hit: Vec<_> = verdict
        .protections
        .iter()
        .map(|one| (one.name.as_str(), one.how, one.at_most))
        .collect();
    assert_eq!(hit, [("jewels", Guard::Hit, Some(AtMost::Hold))]);
    assert!(
        matches!(high(&rules, &claimed, record("lt-042")), Asks::Scan(_)),
        "the directory says so as well"
    );
}

#[test]
fn a_name_that_only_the_alert_gives_protects_at_once() {
    let rules = rules(&format!("{JEWELS}{FULL}"));
    for facts in [Facts::NotAsked, Facts::Silent, record("lt-042")] {
        let asks = high(&rules, &named("dc-01.corp.example"), facts);
        assert!(
            matches!(asks, Asks::Hold(Reason::Protection, _)),
            "{asks:?}"
        );
    }
}

#[test]
fn a_protection_that_excludes_names_is_not_talked_round_either() {
    let rules = rules(&format!(
        "[[protect]]\nname = \"all but laptops\"\nwhen = {{ none = [ {{ device.name.glob = \"lt-*\" }} ] }}\nat_most = \"none\"\n{FULL}"
    ));
    let verdict = decide(
        &rules,
        &alert(Severity::High),
        &named("lt-042"),
        record("dc-01"),
    );
    assert_eq!(verdict.asks, Asks::Nothing(Reason::Protection));
    let nameless = Device {
        name: None,
        ..named("")
    };
    assert!(
        matches!(high(&rules, &nameless, record("lt-042")), Asks::Scan(_)),
        "a name that is not given is none"
    );
    let unless = self::rules(&format!(
        "[[protect]]\nname = \"p\"\nwhen = {{ device.tags = \"prod\" }}\nunless = {{ device.name = \"lt-042\" }}\nat_most = \"none\"\n{FULL}"
    ));
    assert_eq!(
        high(&unless, &named("lt-042"), record("dc-01")),
        Asks::Nothing(Reason::Protection)
    );
    assert!(matches!(
        high(&unless, &named("lt-042"), record("lt-042")),
        Asks::Scan(_)
    ));
}

#[test]
fn a_silent_directory_leaves_protections_unknown_and_the_decision_held() {
    let rules = rules(&format!("{JEWELS}{FULL}"));
    let verdict = decide(
        &rules,
        &alert(Severity::High),
        &named("lt-042"),
        Facts::Silent,
    );
    assert!(
        matches!(verdict.asks, Asks::Hold(Reason::Undecided, _)),
        "{verdict:?}"
    );
    assert!(
        verdict
            .seen
            .iter()
            .any(|seen| seen.field == "protection jewels: device.name" && seen.unknown)
    );
    for (word, held, how) in [
        ("apply", true, Guard::Applied),
        ("skip", false, Guard::Skipped),
    ] {
        let rules = self::rules(&format!("{JEWELS}if_unknown = \"{word}\"\n{FULL}"));
        let verdict = decide(
            &rules,
            &alert(Severity::High),
            &named("lt-042"),
            Facts::Silent,
        );
        assert_eq!(
            matches!(verdict.asks, Asks::Hold(Reason::Protection, _)),
            held,
            "{word}"
        );
        assert_eq!(verdict.protections[0].how, how);
    }
}

#[test]
fn caps_combine_to_the_mildest_kind_a_hold_and_the_latest_start() {
    let protect = |name: &str, rest: &str| {
        format!("[[protect]]\nname = \"{name}\"\nwhen = {{ source = \"sentinel\" }}\n{rest}\n")
    };
    let windows = "[windows.night]\ntimezone = \"UTC\"\nhours = [\"22:00-05:00\"]\n\
                   [windows.evening]\ntimezone = \"UTC\"\nhours = [\"18:00-22:00\"]\n";
    let quick = protect("a", "at_most = \"quick\"\nstart = \"evening\"");
    let hold = protect("b", "at_most = \"hold\"\nstart = \"night\"");
    let none = protect("c", "at_most = \"none\"");
    let all = rules(&format!("{windows}{quick}{hold}{FULL}"));
    let Asks::Hold(Reason::Protection, wanted) = high(&all, &named("x"), record("x")) else {
        panic!()
    };
    assert_eq!(
        (wanted.kind, wanted.start),
        (Kind::Quick, Timestamp::parse("2026-03-02T22:00:00Z"))
    );
    let Asks::Scan(wanted) = high(
        &rules(&format!("{windows}{quick}{FULL}")),
        &named("x"),
        record("x"),
    ) else {
        panic!()
    };
    assert_eq!(
        (wanted.kind, wanted.start),
        (Kind::Quick, Timestamp::parse("2026-03-02T18:00:00Z"))
    );
    let nothing = rules(&format!("{windows}{quick}{hold}{none}{FULL}"));
    assert_eq!(
        high(&nothing, &named("x"), Facts::NotAsked),
        Asks::Nothing(Reason::Protection)
    );
}

const TAGGED_NONE: &str =
    "[[rule]]\nname = \"tagged\"\nscan = \"none\"\nwhen = { device.tags = \"prod\" }\n";
const TAGGED_FULL: &str =
    "[[rule]]\nname = \"tagged\"\nscan = \"full\"\nwhen = { device.tags = \"prod\" }\n";
const TAGGED_NONE_OF_X: &str = "[[rule]]\nname = \"tagged\"\nscan = \"none\"\nwhen = { source = \"x\", device.tags = \"prod\" }\n";
const LOW: &str = "[[rule]]\nname = \"low\"\nscan = \"none\"\nwhen = { severity.lte = \"low\" }\n";
const QUICK: &str = "[[rule]]\nname = \"high\"\nscan = \"quick\"\nmode = \"enforce\"\nwhen = { severity.gte = \"high\" }\n";
const HOLD_LINUX: &str =
    "[[protect]]\nname = \"p\"\nwhen = { device.os = \"Linux\" }\nat_most = \"hold\"\n";
const QUICK_LINUX: &str =
    "[[protect]]\nname = \"p\"\nwhen = { device.os = \"Linux\" }\nat_most = \"quick\"\n";

/// What is special about some rules, the rules, the severity of an alert, and whether the directory is asked about it.
const ASKED: &[(&str, &[&str], Severity, bool)] = &[
    ("no condition on the device", &[FULL], Severity::High, false),
    (
        "a milder rule before",
        &[TAGGED_NONE, FULL],
        Severity::High,
        true,
    ),
    (
        "a rule before that only has another name",
        &[TAGGED_FULL, FULL],
        Severity::High,
        true,
    ),
    (
        "nothing, whatever the tags say",
        &[TAGGED_NONE, LOW],
        Severity::Low,
        false,
    ),
    (
        "nothing, or no rule at all",
        &[TAGGED_NONE],
        Severity::Low,
        false,
    ),
    (
        "a scan, or no rule at all",
        &[TAGGED_FULL],
        Severity::Low,
        true,
    ),
    (
        "a rule behind the one that wins",
        &[FULL, TAGGED_NONE],
        Severity::High,
        false,
    ),
    (
        "a protection that could hold",
        &[HOLD_LINUX, FULL],
        Severity::High,
        true,
    ),
    (
        "a protection that could make it a Quick",
        &[QUICK_LINUX, FULL],
        Severity::High,
        true,
    ),
    (
        "a protection of a Quick that is one already",
        &[QUICK_LINUX, QUICK],
        Severity::High,
        false,
    ),
    (
        "a protection of what is none",
        &[HOLD_LINUX, LOW],
        Severity::Low,
        false,
    ),
    (
        "what other conditions deny",
        &[TAGGED_NONE_OF_X, FULL],
        Severity::High,
        false,
    ),
];

#[test]
fn the_directory_is_asked_only_where_it_could_change_the_outcome() {
    for (why, parts, severity, asked) in ASKED {
        let asks = decide(
            &rules(&parts.concat()),
            &alert(*severity),
            &named("lt-042"),
            Facts::NotAsked,
        )
        .asks;
        assert_eq!(resolves(&asks), *asked, "{why}: {asks:?}");
    }
}

#[test]
fn a_hold_that_is_certain_needs_no_directory() {
    let unknown = "[[rule]]\nname = \"calm\"\nscan = \"none\"\nwhen = { severity.lte = \"low\" }\n";
    let any = "[[rule]]\nname = \"any\"\nscan = \"quick\"\nwhen = { source.exists = true }\n";
    let rules = rules(&format!("{JEWELS}{unknown}{any}"));
    let nothing_known = Alert {
        severity: None,
        ..alert(Severity::Low)
    };
    let verdict = decide(&rules, &nothing_known, &named("lt-042"), Facts::NotAsked);
    assert!(
        matches!(verdict.asks, Asks::Hold(Reason::Undecided, _)),
        "held in any case: {verdict:?}"
    );
    assert!(
        verdict
            .seen
            .iter()
            .any(|seen| seen.field == "rule calm: severity" && seen.unknown)
    );
}

#[test]
fn what_is_open_is_named_while_the_directory_is_asked() {
    let rules = rules(&format!(
        "{JEWELS}[[rule]]\nname = \"t\"\nscan = \"none\"\nwhen = {{ device.tags = \"x\" }}\n{FULL}"
    ));
    let verdict = decide(
        &rules,
        &alert(Severity::High),
        &named("lt-042"),
        Facts::NotAsked,
    );
    let fields: Vec<&str> = verdict
        .seen
        .iter()
        .map(|seen| seen.field.as_str())
        .collect();
    assert_eq!(
        fields,
        ["protection jewels: device.name", "rule t: device.tags"]
    );
    assert_eq!(
        verdict.asks,
        Asks::Resolve(core::time::Duration::from_secs(300))
    );
}

#[test]
fn a_later_start_is_milder_and_a_rule_outside_its_window_does_not_count() {
    let windows = "[windows.night]\ntimezone = \"UTC\"\nhours = [\"22:00-05:00\"]\n";
    let unknown = |more: &str| {
        format!(
            "{windows}[[rule]]\nname = \"u\"\nscan = \"full\"\nmode = \"enforce\"\n{more}\nwhen = {{ device.os = \"x\" }}\n{FULL}"
        )
    };
    let held = |more: &str| {
        matches!(
            high(&rules(&unknown(more)), &named("x"), Facts::Silent),
            Asks::Hold(..)
        )
    };
    assert!(
        held("start = \"night\""),
        "it would have waited for the night"
    );
    assert!(!held(""), "it would have done the same");
    assert!(
        !held("start = \"night\"\nduring = \"night\""),
        "at noon it does not apply"
    );
    assert!(held("start = \"night\"\noutside = \"night\""));
}

#[test]
fn any_address_of_the_machine_counts() {
    let rules = rules(&format!(
        "[[rule]]\nname = \"lab\"\nscan = \"none\"\nwhen = {{ device.ip.cidr = \"10.99.0.0/16\" }}\n{FULL}"
    ));
    assert_eq!(
        high(&rules, &named("x"), record("x")),
        Asks::Nothing(Reason::Rule)
    );
}
