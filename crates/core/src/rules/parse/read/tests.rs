#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines
)]
use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::rules::parse::defaults::HOUR;
use crate::rules::render;
use crate::scan::Mode;
use crate::verdict::{Cooldown, Limit};

const HEAD: &str = "version = 1\n";
const RULE: &str = "[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n";

fn rule(lines: &str) -> String {
    format!("{HEAD}[[rule]]\nname = \"r\"\nscan = \"full\"\n{lines}\n")
}

fn when(condition: &str) -> String {
    rule(&format!("when = {{ {condition} }}"))
}

fn test(lines: &str) -> String {
    format!("{HEAD}{RULE}[[test]]\nname = \"t\"\n{lines}\n")
}

fn lists(lists: &str) -> String {
    format!("{}{lists}\n", when("user = \"@a\""))
}

fn windows(lines: &str) -> String {
    let rule = rule("start = \"nights\"\nwhen = { severity = \"high\" }");
    format!("{rule}[windows.nights]\ntimezone = \"UTC\"\n{lines}\n")
}

fn protect(lines: &str) -> String {
    format!("{HEAD}{RULE}[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}\n{lines}\n")
}

/// A rule behind one that wins wherever the severity is high.
fn second(when: &str) -> String {
    format!("{HEAD}{RULE}‹[[rule]]\nname = \"s\"\nscan = \"quick\"\nwhen = {when}\n")
}

/// The files that lists have here.
fn file(name: &str) -> Result<String, String> {
    match name {
        "networks.txt" => Ok("# the lab\n10.0.0.0/8   # all of it\n\n10.1/16\n".to_owned()),
        "bare.txt" => Ok("10.0.0.0\n10.1.0.0\n10.2.3.4\n".to_owned()),
        "empty.txt" => Ok("# nothing yet\n".to_owned()),
        _ => Err("no such file".to_owned()),
    }
}

fn findings(text: &str) -> Vec<Finding> {
    Rules::parse(text, &mut file).map_or_else(|errors| errors, |loaded| loaded.lints)
}

/// Files with one fault each; `‹` stands where the finding must point.
fn wrong() -> Vec<(&'static str, String)> {
    let expect = "event = { severity = \"high\" }\nexpect = ";
    vec![
        ("syntax", format!("{HEAD}[[rule]]\nname = ‹\n")),
        (
            "syntax",
            format!("{HEAD}{RULE}[defaults]\nmode = \"enforce\"\n‹mode = \"approve\"\n"),
        ),
        ("empty-file", "‹".to_owned()),
        ("empty-file", "‹# only a comment\n\n".to_owned()),
        ("missing-version", format!("‹{RULE}")),
        ("bad-version", format!("version = ‹2\n{RULE}")),
        ("bad-version", format!("version = ‹\"1\"\n{RULE}")),
        (
            "unknown-key",
            format!("{HEAD}{RULE}[‹default]\nmode = \"enforce\"\n"),
        ),
        (
            "unknown-key",
            format!("{HEAD}[defaults]\n‹max-age = \"1h\"\n"),
        ),
        (
            "unknown-key",
            rule("‹prioritity = 3\nwhen = { severity = \"high\" }"),
        ),
        (
            "unknown-key",
            rule("when = { severity = \"high\" }\ncooldown = { ‹fast = \"1h\" }"),
        ),
        (
            "unknown-key",
            test(&format!("‹expects = {{}}\n{expect}{{ scan = \"full\" }}")),
        ),
        (
            "unknown-key",
            test(&format!("{expect}{{ ‹scann = \"full\" }}")),
        ),
        (
            "missing-key",
            format!("{HEAD}‹[[rule]]\nname = \"r\"\nscan = \"full\"\n"),
        ),
        (
            "missing-key",
            format!("{HEAD}{RULE}‹[[test]]\nname = \"t\"\nevent = {{ severity = \"high\" }}\n"),
        ),
        (
            "missing-key",
            format!("{HEAD}[defaults]\nlimit = ‹{{ scans = 3 }}\n"),
        ),
        ("unknown-field", when("‹sevrity = \"high\"")),
        ("unknown-field", when("alert.‹titel.regex = \"x+\"")),
        (
            "unknown-field",
            when("any = [ { severity = \"high\" }, { ‹\"alert.kategory\" = \"x\" } ]"),
        ),
        ("unknown-field", when("‹alert = \"x\"")),
        (
            "unknown-field",
            test("event = { device.‹hostname = \"x\" }\nexpect = { scan = \"full\" }"),
        ),
        ("unknown-operator", when("severity.‹ge = \"high\"")),
        (
            "unknown-operator",
            when("‹\"alert.title.startswith\" = \"x\""),
        ),
        ("unfit-operator", when("alert.title.‹gte = \"high\"")),
        ("unfit-operator", when("severity.‹regex = \"h.*\"")),
        (
            "wrong-type",
            rule("priority = ‹\"90\"\nwhen = { severity = \"high\" }"),
        ),
        ("wrong-type", when("alert.id = ‹3212")),
        ("wrong-type", when("alert.title = [ \"a\", ‹[ \"b\" ] ]")),
        ("wrong-type", when("any = ‹{ severity = \"high\" }")),
        ("wrong-type", when("user.exists = ‹\"yes\"")),
        ("wrong-type", format!("{HEAD}‹[rule]\nname = \"r\"\n")),
        ("wrong-type", when("\"/a\".gt = ‹\"3\"")),
        (
            "bad-value",
            format!(
                "{HEAD}[[rule]]\nname = \"r\"\nscan = ‹\"Full\"\nwhen = {{ severity = \"high\" }}\n"
            ),
        ),
        (
            "bad-value",
            rule("when = { severity = \"high\" }\nmode = ‹\"dry-run\""),
        ),
        (
            "bad-value",
            format!(
                "{HEAD}[[rule]]\nname = ‹\"a\\nb\"\nscan = \"full\"\nwhen = {{ severity = \"low\" }}\n"
            ),
        ),
        (
            "bad-value",
            test(&format!("{expect}{{ state = ‹\"sent\" }}")),
        ),
        (
            "bad-value",
            test("event = { device.id = ‹\"lt-042\" }\nexpect = { scan = \"full\" }"),
        ),
        ("bad-severity", when("severity.gte = ‹\"hihg\"")),
        ("bad-severity", when("severity = [ \"high\", ‹\"severe\" ]")),
        (
            "out-of-range",
            rule("priority = ‹101\nwhen = { severity = \"high\" }"),
        ),
        (
            "out-of-range",
            format!("{HEAD}[defaults]\nmax_age = ‹\"0s\"\n"),
        ),
        ("out-of-range", when("\"/score\".gt = ‹inf")),
        (
            "bad-duration",
            format!("{HEAD}[defaults]\ncooldown = {{ quick = ‹\"1 hour\" }}\n"),
        ),
        ("bad-time", when("alert.time.gt = ‹2027-12-31T22:00:00")),
        (
            "bad-time",
            test(&format!(
                "at = ‹\"tomorrow\"\n{expect}{{ scan = \"full\" }}"
            )),
        ),
        (
            "bad-time",
            test(&format!("{expect}{{ start = ‹\"nights\" }}")),
        ),
        (
            "wrong-type",
            rule("cooldown = ‹30\nwhen = { severity = \"high\" }"),
        ),
        ("bad-regex", when("alert.title.regex = ‹'(unclosed'")),
        (
            "bad-regex",
            when("alert.title.regex = ‹'a{1000}{1000}{1000}'"),
        ),
        ("bad-pointer", when("‹\"/a~b\" = 1")),
        ("empty", rule("when = ‹{}")),
        ("empty", when("any = ‹[]")),
        ("empty", when("none = [ ‹{} ]")),
        ("empty", when("alert.category = ‹[]")),
        ("empty", when("alert.title.contains = ‹\"\"")),
        ("empty", test(&format!("{expect}‹{{}}"))),
        (
            "duplicate-name",
            format!("{HEAD}{RULE}{}", RULE.replace("\"r\"", "‹\"r\"")),
        ),
        (
            "unknown-rule",
            test(&format!("{expect}{{ rule = ‹\"R\" }}")),
        ),
        (
            "bad-template",
            format!("{HEAD}[defaults]\ncomment = \"{{alert.id}} ü ‹{{alert.name}}\"\n"),
        ),
        (
            "bad-template",
            format!("{HEAD}[defaults]\ncomment = \"‹no alert\"\n"),
        ),
        (
            "bad-test",
            format!("{HEAD}{RULE}‹[[test]]\nname = \"t\"\nexpect = {{ scan = \"full\" }}\n"),
        ),
        (
            "bad-test",
            test(&format!(
                "payload_file = ‹\"a.json\"\nsource = \"s\"\n{expect}{{ scan = \"full\" }}"
            )),
        ),
        (
            "bad-test",
            test(&format!("‹after = \"1h\"\n{expect}{{ scan = \"full\" }}")),
        ),
        (
            "bad-test",
            format!("{HEAD}{RULE}[test_facts]\nos = \"x\"\n‹\"/x\" = \"high\"\n"),
        ),
        (
            "too-large",
            format!("‹{HEAD}{}", "#".repeat(Rules::LARGEST)),
        ),
        ("empty", lists("[lists.a]\ntype = \"text\"\nvalues = ‹[]")),
        (
            "empty",
            lists("[lists.a]\ntype = \"text\"\nvalues = [\"x\", ‹\"\"]"),
        ),
        ("missing-key", lists("‹[lists.a]\nvalues = [\"x\"]")),
        ("missing-key", lists("‹[lists.a]\ntype = \"text\"")),
        (
            "missing-key",
            lists("[lists.a]\ntype = \"text\"\nvalues = [‹{ note = \"x\" }]"),
        ),
        (
            "unknown-key",
            lists("[lists.a]\ntype = \"text\"\nvalues = [{ value = \"x\", ‹untill = 2027-12-31 }]"),
        ),
        (
            "unknown-key",
            lists("[lists.a]\ntype = \"text\"\nvalues = [\"x\"]\n‹entries = 3"),
        ),
        (
            "bad-value",
            lists("[lists.a]\ntype = ‹\"globs\"\nvalues = [\"x\"]"),
        ),
        (
            "bad-value",
            lists(
                "[lists.‹\"a b\"]\ntype = \"text\"\nvalues = [\"x\"]\n[lists.a]\ntype = \"text\"\nvalues = [\"y\"]",
            ),
        ),
        (
            "bad-value",
            lists("[lists.a]\ntype = \"machine_id\"\nvalues = [‹\"lt-042\"]")
                .replace("user", "device.id"),
        ),
        (
            "bad-time",
            lists(
                "[lists.a]\ntype = \"text\"\nvalues = [{ value = \"x\", until = ‹\"2027-13-31\" }]",
            ),
        ),
        (
            "bad-glob",
            lists("[lists.a]\ntype = \"glob\"\nvalues = [\"dc-*\", ‹\"dc-[\"]"),
        ),
        (
            "bad-cidr",
            lists("[lists.a]\ntype = \"cidr\"\nvalues = [‹\"10.0.0.0/40\"]")
                .replace("user", "device.ip"),
        ),
        (
            "bad-cidr",
            when("device.ip.cidr = [\"10.0.0.0/8\", ‹\"10.1.2.3/8\"]"),
        ),
        (
            "bad-cidr",
            lists("[lists.a]\ntype = \"cidr\"\nfile = ‹\"networks.txt\"")
                .replace("user", "device.ip"),
        ),
        ("bad-glob", when("device.name.glob = ‹\"{dc,sql}-*\"")),
        (
            "unreadable-list",
            lists("[lists.a]\ntype = \"text\"\nfile = ‹\"nowhere.txt\""),
        ),
        (
            "too-few-entries",
            lists("[lists.a]\ntype = \"text\"\nfile = ‹\"empty.txt\""),
        ),
        (
            "too-few-entries",
            lists("[lists.a]\ntype = \"text\"\nmin_entries = ‹2\nvalues = [\"x\"]"),
        ),
        ("unknown-list", when("device.name = ‹\"@crown_jewels\"")),
        (
            "unknown-list",
            lists("[lists.a]\ntype = \"text\"\nvalues = [\"x\"]")
                .replace("\"@a\"", "[\"@a\", ‹\"@b\"]"),
        ),
        (
            "unfit-operator",
            lists("[lists.a]\ntype = \"cidr\"\nvalues = [\"10.0.0.0/8\"]")
                .replace("\"@a\"", "‹\"@a\""),
        ),
        ("unfit-operator", when("device.name.‹cidr = \"10.0.0.0/8\"")),
        ("unfit-operator", when("alert.title.‹all_of = [\"a\"]")),
        ("unfit-operator", when("user.‹older_than = \"1h\"")),
        ("wrong-type", when("alert.category.all_of = ‹\"a\"")),
        (
            "bad-duration",
            when("alert.time.older_than = ‹\"yesterday\""),
        ),
        (
            "unknown-window",
            rule("start = ‹\"nights\"\nwhen = { severity = \"high\" }"),
        ),
        (
            "unknown-window",
            windows("hours = [\"22:00-05:00\"]")
                .replace("\"nights\"", "[\"nights\", ‹\"weekend\"]"),
        ),
        ("bad-window", windows("hours = [‹\"22-05\"]")),
        ("bad-window", windows("hours = [‹\"22:00-25:00\"]")),
        ("bad-window", windows("days = [\"mon\", ‹\"tues-fri\"]")),
        ("empty", windows("days = ‹[]")),
        (
            "bad-zone",
            windows("").replace("\"UTC\"", "‹\"Europe/Berln\""),
        ),
        (
            "missing-key",
            windows("")
                .replace("timezone = \"UTC\"", "")
                .replace("[windows.nights]", "‹[windows.nights]"),
        ),
        ("unknown-key", windows("‹from = \"22:00\"")),
        (
            "missing-key",
            format!("{HEAD}{RULE}‹[[protect]]\nname = \"p\"\nwhen = {{ user = \"x\" }}\n"),
        ),
        (
            "missing-key",
            format!("{HEAD}{RULE}‹[[protect]]\nname = \"p\"\nat_most = \"hold\"\n"),
        ),
        ("bad-value", protect("at_most = ‹\"full\"")),
        (
            "bad-value",
            protect("at_most = \"hold\"\nif_unknown = ‹\"wait\""),
        ),
        ("out-of-range", protect("at_most = \"hold\"\npeople = ‹3")),
        ("out-of-range", protect("at_most = \"hold\"\npeople = ‹0")),
        (
            "wrong-type",
            protect("at_most = \"hold\"\npeople = ‹\"two\""),
        ),
        ("bad-value", protect("at_most = \"quick\"\npeople = ‹2")),
        ("out-of-range", test(&format!("{expect}{{ people = ‹3 }}"))),
        (
            "unknown-key",
            protect("at_most = \"hold\"\n‹scan = \"none\""),
        ),
        (
            "duplicate-name",
            protect(
                "at_most = \"hold\"\n[[protect]]\nname = ‹\"p\"\nwhen = { user = \"y\" }\nat_most = \"none\"",
            ),
        ),
        (
            "unknown-key",
            rule("when = { severity = \"high\" }\n‹if_unknown = \"skip\""),
        ),
        (
            "empty",
            rule("when = { severity = \"high\" }\nunless = ‹{}"),
        ),
        (
            "unknown-protection",
            test(&format!("{expect}{{ protect = ‹\"p\" }}")),
        ),
        (
            "bad-value",
            test("event = { device.id = ‹\"@x\" }\nexpect = { scan = \"full\" }"),
        ),
        (
            "unknown-rule",
            test(&format!("{expect}{{ rule = ‹\"high\" }}")),
        ),
        ("syntax", "‹{ \"version\": 1 }\n".to_owned()),
        (
            "unused-list",
            format!("{HEAD}{RULE}[lists.‹a]\ntype = \"text\"\nvalues = [\"x\"]\n"),
        ),
        (
            "window-never-opens",
            windows("hours = [\"22:00-05:00\", ‹\"06:00-06:00\"]"),
        ),
        (
            "protects-everything",
            protect("at_most = \"hold\"").replace("{ user = \"x\" }", "‹{ source.glob = \"*\" }"),
        ),
        (
            "unreachable-rule",
            second("{ severity = \"high\", user = \"x\" }"),
        ),
        (
            "unreachable-rule",
            second("{ severity = { lte = \"low\", gte = \"medium\" } }"),
        ),
        (
            "limit-removed",
            rule("when = { severity = \"high\" }\nlimit = ‹false"),
        ),
        (
            "limit-removed",
            rule("when = { severity = \"high\" }\nlimit = ‹\"none\""),
        ),
        ("literal-regex", when("alert.title.regex = ‹\"mimikatz\"")),
        ("never-equal", when("device.name = ‹\"kiosk-*\"")),
        ("never-equal", when("device.ip = ‹\"10.99.0.0/16\"")),
        (
            "never-equal",
            when("device.reported_ip = [\"10.0.0.1\", ‹\"10.99.*\"]"),
        ),
        (
            "never-equal",
            lists("[lists.a]\ntype = \"text\"\nvalues = [\"jo\", ‹\"svc-*\"]"),
        ),
        (
            "never-equal",
            lists("[lists.a]\ntype = \"text\"\nvalues = [\"10.0.0.0/8\"]")
                .replace("user = \"@a\"", "device.ip = ‹\"@a\""),
        ),
        ("no-technique", when("alert.techniques = ‹\"Phishing\"")),
        (
            "no-technique",
            when("alert.techniques.all_of = [\"T1003\", ‹\"T148*\"]"),
        ),
        (
            "no-technique",
            lists("[lists.a]\ntype = \"text\"\nvalues = [\"Phishing\"]")
                .replace("user = \"@a\"", "alert.techniques = ‹\"@a\""),
        ),
        (
            "one-address",
            lists("[lists.a]\ntype = \"cidr\"\nvalues = [\"10.1.0.0/16\", ‹\"10.99.0.0\"]")
                .replace("user", "device.ip"),
        ),
        (
            "one-address",
            lists("[lists.a]\ntype = \"cidr\"\nfile = ‹\"bare.txt\"").replace("user", "device.ip"),
        ),
        ("one-address", when("device.ip.cidr = ‹\"2001:db8::\"")),
        (
            "control-character",
            when("alert.title.regex = ‹\"\\bransom\""),
        ),
        (
            "control-character",
            when("alert.title.contains = ‹\"a\\u0000b\""),
        ),
        ("control-character", when("user = ‹\"a\\fb\"")),
    ]
}

#[test]
fn every_fault_has_its_code_and_points_at_its_line_and_column() {
    for (code, marked) in wrong() {
        let at = marked.find('‹').unwrap();
        let text = marked.replace('‹', "");
        let findings = findings(&text);
        let [finding] = findings.as_slice() else {
            panic!("{} in\n{text}", render(&findings, "r", &text, false))
        };
        assert_eq!(finding.code, code, "{text}\n{}", finding.message);
        let before = &marked[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let position = (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        );
        assert_eq!(
            finding.position(&text),
            position,
            "{text}\n{}",
            finding.message
        );
        let lint = Finding::CODES
            .iter()
            .any(|(name, meaning)| *name == code && meaning.starts_with("lint:"));
        assert_eq!(finding.level == Level::Lint, lint, "{code}");
    }
}

#[test]
fn every_code_has_an_example_above() {
    let shown: BTreeSet<&str> = wrong().iter().map(|(code, _)| *code).collect();
    let known: BTreeSet<&str> = Finding::CODES.iter().map(|(code, _)| *code).collect();
    // These need tests that ran, a configuration, or deliveries: they are shown beside the functions that find them.
    let outside = [
        code::UNTESTED,
        code::UNKNOWN_SOURCE,
        code::UNSEEN_POINTER,
        code::ENTRY_OVER,
        code::SEVERITY_UNKNOWN,
    ];
    assert_eq!(&shown | &BTreeSet::from(outside), known);
}

#[test]
fn each_wrong_file_is_answered_with_a_picture_of_the_fault() {
    let pictures = wrong().into_iter().map(|(_, marked)| {
        let text = marked.replace('‹', "");
        render(&findings(&text), "rules.toml", &text, false)
    });
    insta::assert_snapshot!("wrong_files", pictures.collect::<String>());
}

#[test]
fn all_errors_of_a_file_are_told_in_one_run_in_file_order() {
    let text = "version = 3\n[defaults]\nmode = \"on\"\n[[rule]]\nname = \"a\"\nscan = \"ful\"\n\
                when = { sevrity = \"high\", alert.title.regex = \"(\" }\n[[rules]]\nx = 1\n";
    let codes: Vec<&str> = Rules::parse(text, &mut file)
        .unwrap_err()
        .iter()
        .map(|finding| finding.code)
        .collect();
    let wanted = [
        "bad-version",
        "bad-value",
        "bad-value",
        "unknown-field",
        "bad-regex",
        "unknown-key",
    ];
    assert_eq!(codes, wanted);
}

#[test]
fn a_misspelt_word_is_answered_with_the_right_one() {
    for (text, meant) in [
        (when("sevrity = \"high\""), "did you mean `severity`?"),
        (when("title = \"x\""), "did you mean `alert.title`?"),
        (
            when("severity.ge = \"high\""),
            "write `severity.gte = \"high\"`",
        ),
        (when("severity.gtee = \"high\""), "did you mean `gte`?"),
        (when("severity = \"hihg\""), "did you mean `high`?"),
        (
            rule("cooldown = 30\nwhen = { severity = \"high\" }"),
            "`\"30m\"` are minutes",
        ),
        (
            windows("").replace("UTC", "GMT+1"),
            "`Etc/GMT-1` is always 1 hour ahead of UTC",
        ),
        (
            windows("").replace("UTC", "utc-05:00"),
            "`Etc/GMT+5` is always 5 hours behind UTC",
        ),
        (
            when("device.name = \"x\", severity.is_hihg = 1"),
            "known: gte, gt, lte, lt, exists",
        ),
        (
            rule("prority = 3\nwhen = { severity = \"high\" }"),
            "did you mean `priority`?",
        ),
        (
            test("event = { severity = \"high\" }\nexpect = { rule = \"R\" }"),
            "did you mean `r`?",
        ),
    ] {
        let errors = Rules::parse(&text, &mut file).unwrap_err();
        let remedy = errors[0].remedy.as_deref().unwrap_or_default();
        assert!(remedy.contains(meant), "{remedy}");
    }
    let errors = Rules::parse(&when("banana = 1"), &mut file).unwrap_err();
    assert!(
        errors[0]
            .remedy
            .as_deref()
            .unwrap_or_default()
            .contains("device.aad_id"),
        "lists the known fields"
    );
}

#[test]
fn one_brace_or_bracket_that_is_missing_is_told_once_and_where_it_is_missing() {
    let rest = format!(
        "{}{}",
        RULE.replace("\"r\"", "\"b\""),
        RULE.replace("\"r\"", "\"c\"")
    );
    for (text, code, place) in [
        (
            format!("{HEAD}{}\n{rest}", RULE.replace(" }", "")),
            "syntax",
            (5, 8),
        ),
        (
            format!("{HEAD}{}\n{rest}", RULE.replace("[[rule]]", "[rule]")),
            "wrong-type",
            (2, 1),
        ),
    ] {
        let findings = findings(&text);
        let [finding] = findings.as_slice() else {
            panic!("{}", render(&findings, "r", &text, false))
        };
        assert_eq!(
            (
                finding.code,
                finding.position(&text),
                finding.remedy.is_some()
            ),
            (code, place, true)
        );
    }
}

#[test]
fn a_file_that_is_not_toml_still_tells_its_other_errors() {
    let text =
        "version = 1\n[[rule]]\nname = \"a\nscan = \"full\"\nwhen = { sevrity = \"high\" }\n";
    let codes: Vec<&str> = Rules::parse(text, &mut file)
        .unwrap_err()
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert_eq!(codes, ["syntax", "unknown-field"]);
}

#[test]
fn defaults_are_those_of_the_language_and_a_rule_overrides_them() {
    let text = "version = 1\n[[rule]]\nname = \"a\"\nscan = \"full\"\nwhen = { severity = \"high\" }\n\
                [[rule]]\nname = \"b\"\nscan = \"quick\"\nwhen.severity = \"low\"\ncooldown.quick = \"2h\"\n\
                limit = { scans = 3, per = \"1d\" }\nmax_age = \"15m\"\n";
    let rules = Rules::parse(text, &mut file).unwrap().rules;
    assert_eq!((rules.mode, rules.hold_for), (Mode::DryRun, 24 * HOUR));
    let [a, b] = rules.rules.as_slice() else {
        panic!("two rules")
    };
    assert_eq!(
        a.cooldown,
        Cooldown {
            quick: HOUR,
            full: 6 * HOUR
        }
    );
    assert_eq!(
        (a.limit, a.max_age),
        (
            Some(Limit {
                scans: 50,
                per: HOUR
            }),
            24 * HOUR
        )
    );
    assert_eq!(
        b.cooldown,
        Cooldown {
            quick: 2 * HOUR,
            full: 6 * HOUR
        }
    );
    assert_eq!(
        (b.limit, b.max_age),
        (
            Some(Limit {
                scans: 3,
                per: 24 * HOUR
            }),
            HOUR / 4
        )
    );
}

/// A file that touches every part of the language of this version.
const WHOLE: &str = include_str!("../../whole.toml");

#[test]
fn a_limit_may_be_removed_and_the_file_is_still_used() {
    let loaded = Rules::parse(
        &rule("when = { severity = \"high\" }\nlimit = false"),
        &mut file,
    )
    .unwrap();
    assert_eq!(loaded.rules.rules[0].limit, None);
    assert_eq!(loaded.lints.len(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(edits in proptest::collection::vec((0usize..8000, 0usize..40, ".{0,12}|[\\[\\]{}=.,\"'@/#\\n0-9a-z_ ]{0,12}"), 1..6)) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        for (at, length, new) in edits {
            let start = at.min(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, new.chars());
        }
        let text: String = text.into_iter().collect();
        let findings = findings(&text);
        prop_assert!(findings.iter().all(|finding| finding.span.start <= finding.span.end));
        prop_assert_eq!(render(&findings, "rules.toml", &text, true).is_empty(), findings.is_empty());
    }
}

#[test]
fn nesting_without_end_is_a_finding() {
    for text in [
        format!("version = 1\nx = {}", "[".repeat(100_000)),
        format!(
            "version = 1\n[[rule]]\nwhen = {}",
            "{ any = [ ".repeat(100_000)
        ),
        format!("version = 1\n{}", "[".repeat(100_000)),
    ] {
        assert!(
            findings(&text)
                .iter()
                .any(|finding| finding.code == "syntax")
        );
    }
}

#[test]
fn all_regular_expressions_of_a_file_share_one_bound_which_is_told_once() {
    let rule = |n: usize| {
        format!(
            "[[rule]]\nname = \"r{n}\"\nscan = \"full\"\nwhen = {{ alert.title.regex = '\\w{{40}}{n}' }}\n"
        )
    };
    let rules = |count: usize| format!("{HEAD}{}", (0..count).map(rule).collect::<String>());
    assert!(findings(&rules(20)).is_empty(), "what people write fits");
    let text = rules(600);
    let findings = findings(&text);
    let [finding] = findings.as_slice() else {
        panic!("{}", render(&findings, "r", &text, false))
    };
    assert_eq!(finding.code, "bad-regex");
    assert!(
        finding.message.contains("64 MiB together"),
        "{}",
        finding.message
    );
}
