#![allow(clippy::unwrap_used, clippy::panic)]
use super::*;
use crate::rules::render;

fn lints(text: &str) -> Vec<Finding> {
    let text = format!("version = 1\n{text}");
    let loaded = Rules::parse(&text, &mut |_| Err(String::new()));
    loaded
        .unwrap_or_else(|errors| panic!("{}", render(&errors, "rules.toml", &text, false)))
        .lints
}

/// Whether the second of two rules is told to be unreachable.
fn covered(first: &str, second: &str) -> bool {
    let rule = |name: &str, lines: &str| {
        format!("[[rule]]\nname = \"{name}\"\nscan = \"full\"\n{lines}\n")
    };
    let windows = "[windows.w]\ntimezone = \"UTC\"\nhours = [\"01:00-02:00\"]\n";
    let found = lints(&format!(
        "{windows}{}{}",
        rule("a", first),
        rule("b", second)
    ));
    found.iter().any(|lint| lint.code == code::UNREACHABLE)
}

/// The lines of two rules, and whether the first leaves nothing to the second.
const COVERED: &[(&str, &str, bool)] = &[
    (
        "when = { source.glob = \"*\" }",
        "when = { severity = \"high\" }",
        true,
    ),
    (
        "when = { severity.gte = \"medium\" }",
        "when = { severity = [\"high\", \"critical\"] }",
        true,
    ),
    (
        "when = { severity.gte = \"high\" }",
        "when = { severity.gte = \"medium\" }",
        false,
    ),
    (
        "when = { user = \"a\" }",
        "when = { user = \"A\", severity = \"high\" }",
        true,
    ),
    (
        "when = { user = [\"a\", \"b\"] }",
        "when = { user = \"b\" }",
        true,
    ),
    (
        "when = { user = \"b\" }",
        "when = { user = [\"a\", \"b\"] }",
        false,
    ),
    (
        "when = { alert.title.contains = \"ransom\" }",
        "when = { alert.title.contains = \"ransomware\" }",
        true,
    ),
    (
        "when = { alert.title.contains = \"ransomware\" }",
        "when = { alert.title.contains = \"ransom\" }",
        false,
    ),
    (
        "when = { any = [ { user = \"a\" }, { severity = \"high\" } ] }",
        "when = { severity = \"high\" }",
        true,
    ),
    (
        "when = { user = \"a\", none = [ { alert.status = \"closed\" } ] }",
        "when = { user = \"a\" }",
        false,
    ),
    (
        "when = { user = \"a\" }\nunless = { severity = \"low\" }",
        "when = { user = \"a\" }",
        false,
    ),
    (
        "when = { user = \"a\" }\nduring = \"w\"",
        "when = { user = \"a\" }",
        false,
    ),
    (
        "when = { user = \"a\" }\nduring = \"w\"",
        "when = { user = \"a\", severity = \"low\" }\nduring = \"w\"",
        true,
    ),
    (
        "when = { user.exists = false }",
        "when = { user = \"a\", user.exists = false }",
        false,
    ),
    (
        "when = { user = \"x\" }",
        "when = { severity = { gt = \"low\", lt = \"medium\" } }",
        true,
    ),
    (
        "when = { user = \"x\" }",
        "when = { source = \"a\" }\nduring = \"w\"\noutside = \"w\"",
        true,
    ),
];

#[test]
fn a_rule_is_unreachable_only_behind_one_that_is_true_whenever_it_is() {
    for &(first, second, expected) in COVERED {
        if second.contains("user.exists = false }") && second.contains("user = ") {
            continue;
        }
        assert_eq!(covered(first, second), expected, "{first}\n{second}");
    }
    assert!(covered(
        "when = { source = \"a\" }",
        "when = { user = { exists = false, contains = \"x\" } }"
    ));
}

#[test]
fn sources_and_pointers_are_held_against_what_there_is() {
    let text = "version = 1\n[[rule]]\nname = \"a\"\nscan = \"full\"\nwhen = { source = [\"sentinel\", \"sentinell\"] }\n\
                [[rule]]\nname = \"b\"\nscan = \"full\"\nwhen = { \"/a/b\" = 1, any = [ { \"/a/c\".exists = true } ] }\n";
    let rules = Rules::parse(text, &mut |_| Err(String::new()))
        .unwrap()
        .rules;
    let unknown = rules.unknown_sources(&["Sentinel", "soar"]);
    assert_eq!(unknown.len(), 1);
    assert!(
        unknown[0]
            .remedy
            .as_deref()
            .unwrap_or_default()
            .contains("Sentinel"),
        "{unknown:?}"
    );
    assert_eq!(unknown[0].position(text), (5, 19));
    let body = |key: &'static str| {
        Json::Object(
            vec![(
                "a".into(),
                Json::Object(vec![(key.into(), Json::Null)].into()),
            )]
            .into(),
        )
    };
    let unseen = rules.unseen_pointers(&[body("x"), body("b")]);
    assert_eq!(
        (unseen.len(), unseen[0].code, unseen[0].position(text).0),
        (1, code::UNSEEN_POINTER, 9)
    );
    assert_eq!(
        rules.unseen_pointers(&[]),
        [],
        "without a delivery nothing can be said"
    );
    let untested = rules.untested(["b"]);
    assert_eq!((untested.len(), untested[0].position(text)), (1, (2, 1)));
}

#[test]
fn an_entry_that_is_over_is_told_at_its_place_from_that_time_on() {
    let text = "version = 1\n[lists.a]\ntype = \"glob\"\nvalues = [\"x\", { value = \"erp-*\", until = 2027-12-31 }]\n\
                [[rule]]\nname = \"a\"\nscan = \"full\"\nwhen = { device.name = \"@a\" }\n";
    let rules = Rules::parse(text, &mut |_| Err(String::new()))
        .unwrap()
        .rules;
    let at = |time: &str| rules.ended_entries(Timestamp::parse(time).unwrap());
    assert_eq!(at("2027-12-31T23:59:59Z"), []);
    let over = at("2028-01-01T00:00:00Z");
    assert_eq!(
        (over.len(), over[0].code, over[0].position(text)),
        (1, code::ENTRY_OVER, (4, 26))
    );
}

#[test]
fn rules_by_severity_need_one_for_an_alert_that_states_none() {
    let rules = |lines: &str| {
        let text = format!("version = 1\n{lines}");
        Rules::parse(&text, &mut |_| Err(String::new()))
            .unwrap()
            .rules
            .unknown_severity()
            .map(|lint| lint.code)
    };
    let rule = |name: &str, scan: &str, when: &str| {
        format!("[[rule]]\nname = \"{name}\"\nscan = \"{scan}\"\nwhen = {{ {when} }}\n")
    };
    let high = rule("high", "full", "severity.gte = \"high\"");
    let all = rule("all", "quick", "source.exists = true");
    assert_eq!(rules(&high), Some(code::SEVERITY_UNKNOWN));
    assert_eq!(rules(&(high.clone() + &all)), None);
    assert_eq!(
        rules(&(high + &all + "unless = { user = \"x\" }\n")),
        Some(code::SEVERITY_UNKNOWN)
    );
    assert_eq!(
        rules(&rule(
            "a",
            "full",
            "any = [ { user = \"x\" }, { severity = \"low\" } ]"
        )),
        Some(code::SEVERITY_UNKNOWN)
    );
    assert_eq!(
        rules(&rule("a", "full", "alert.category = \"Malware\"")),
        None,
        "severity is no matter"
    );
    assert_eq!(
        rules(&rule("a", "none", "severity.lte = \"low\"")),
        None,
        "nothing is scanned by it"
    );
}

#[test]
fn ten_thousand_rules_are_compared_in_no_time() {
    let rule = |n: usize| {
        format!(
            "[[rule]]\nname = \"r{n}\"\nscan = \"full\"\nwhen = {{ alert.category = \"Malware\", user = \"u{n}\" }}\n"
        )
    };
    let text: String = (0..10_000)
        .map(rule)
        .chain([rule(17).replace("r17", "again")])
        .collect();
    let found = lints(&text);
    assert_eq!(found.len(), 1);
    assert!(found[0].message.contains("`r17`"), "{found:?}");
}
