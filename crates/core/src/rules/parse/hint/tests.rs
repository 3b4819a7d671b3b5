#![allow(clippy::unwrap_used, clippy::panic)]
use crate::rules::{Finding, Rules, render};

fn findings(lines: &str) -> (String, Vec<Finding>) {
    let text = format!("version = 1\n[[rule]]\nname = \"r\"\nscan = \"full\"\n{lines}\n");
    let loaded = Rules::parse(&text, &mut |_| Err("no such file".to_owned()));
    let findings = loaded.map_or_else(|findings| findings, |loaded| loaded.lints);
    (text, findings)
}

/// The remedies that a rule with these lines is answered with.
fn remedies(lines: &str) -> Vec<String> {
    let (text, findings) = findings(lines);
    let remedy = |finding: &Finding| finding.remedy.clone();
    let remedies: Vec<String> = findings.iter().filter_map(remedy).collect();
    assert_eq!(
        remedies.len(),
        findings.len(),
        "{}",
        render(&findings, "rules.toml", &text, false)
    );
    remedies
}

/// What stands in `when`, as other languages write it, and a part of the answer.
const OTHER_LANGUAGES: &[(&str, &str)] = &[
    ("severity >= \"high\"", "write `severity.gte = \"high\"`"),
    ("alert.severity > \"low\"", "write `severity.gt = \"low\"`"),
    ("severity == \"high\"", "write `severity = \"high\"`"),
    (
        "severity != \"low\"",
        "write `none = [ { severity = \"low\" } ]`",
    ),
    ("\"/score\" > 5", "write `\"/score\".gt = 5`"),
    (
        "severity in [\"high\", \"critical\"]",
        "write `severity = [\"high\", \"critical\"]`",
    ),
    (
        "alert.title contains \"mimikatz\"",
        "write `alert.title.contains = \"mimikatz\"`",
    ),
    (
        "alert.title =~ \"mimi.*\"",
        "write `alert.title.regex = \"mimi.*\"`",
    ),
    (
        "hostname like \"dc-%\"",
        "write `device.name.glob = \"dc-*\"`",
    ),
    (
        "hostname startswith \"dc-\"",
        "write `device.name.glob = \"dc-*\"`",
    ),
    (
        "severity = \"high\" and user = \"x\"",
        "put a comma between them",
    ),
    (
        "severity = \"high\" && user = \"x\"",
        "put a comma between them",
    ),
    (
        "severity = \"high\" or user = \"x\"",
        "write `any = [ { … }, { … } ]`",
    ),
    (
        "severity = \"high\" || user = \"x\"",
        "write `any = [ { … }, { … } ]`",
    ),
    ("not severity = \"low\"", "write `none = [ { … } ]`"),
    ("severity.eq = \"high\"", "write `severity = \"high\"`"),
    (
        "severity.ne = \"high\"",
        "write `none = [ { severity = \"high\" } ]`",
    ),
    (
        "severity.not = \"high\"",
        "write `none = [ { severity = \"high\" } ]`",
    ),
    ("severity.in = [\"high\"]", "write `severity = [\"high\"]`"),
    (
        "alert.title.startswith = \"Mimi\"",
        "write `alert.title.glob = \"Mimi*\"`",
    ),
    (
        "alert.title.ends_with = \"katz\"",
        "write `alert.title.glob = \"*katz\"`",
    ),
    (
        "alert.title.matches = \"mimi.*\"",
        "write `alert.title.regex = \"mimi.*\"`",
    ),
    ("\"/score\".min = 5", "write `\"/score\".gte = 5`"),
    ("alert.severity = \"high\"", "did you mean `severity`?"),
    ("alert.severity.gte = \"high\"", "did you mean `severity`?"),
    (
        "\"alert.severity.gte\" = \"high\"",
        "did you mean `severity`?",
    ),
    ("hostname = \"x\"", "did you mean `device.name`?"),
    ("host.glob = \"x*\"", "did you mean `device.name`?"),
    ("device.hostname = \"x\"", "did you mean `device.name`?"),
    ("alert.user = \"x\"", "did you mean `user`?"),
    (
        "and = [ { severity = \"high\" } ]",
        "put a comma between them",
    ),
    (
        "or = [ { severity = \"high\" } ]",
        "write `any = [ { … }, { … } ]`",
    ),
    ("not = { severity = \"high\" }", "write `none = [ { … } ]`"),
    ("\"/score\".gte = \"5\"", "write it without quotes"),
];

#[test]
fn what_other_languages_write_is_answered_once_with_what_this_one_says() {
    for (condition, wanted) in OTHER_LANGUAGES {
        let remedies = remedies(&format!("when = {{ {condition} }}"));
        let [remedy] = remedies.as_slice() else {
            panic!("{condition}: {remedies:?}")
        };
        assert!(remedy.contains(wanted), "{condition}: {remedy}");
    }
}

#[test]
fn each_mistake_of_a_line_has_its_own_answer_at_its_own_place() {
    let (text, findings) =
        findings("when = { severity >= \"high\" and device.hostname == \"x >= y and z\" }");
    let shown: Vec<&str> = findings
        .iter()
        .map(|finding| &text[finding.span.clone()])
        .collect();
    assert_eq!(shown, [">=", "and", "=="]);
    assert!(findings.iter().all(|finding| finding.code == "syntax"));
}

#[test]
fn a_condition_without_its_table_is_shown_one() {
    for (lines, wanted) in [
        ("when = severity >= \"high\"", "`when = { … }`"),
        (
            "when = \"severity >= high\"",
            "`when = { severity.gte = \"high\" }`",
        ),
        (
            "if = { severity = \"high\" }\nwhen = { user = \"x\" }",
            "write `when = { … }`",
        ),
        (
            "severity = \"high\"\nwhen = { user = \"x\" }",
            "conditions stand in `when = { … }`",
        ),
        (
            "severity.gte = \"high\"\nwhen = { user = \"x\" }",
            "conditions stand in `when = { … }`",
        ),
        (
            "alert.title = \"x\"\nwhen = { user = \"x\" }",
            "conditions stand in `when = { … }`",
        ),
        (
            "action = \"full\"\nwhen = { user = \"x\" }",
            "write `scan = \"quick\"`",
        ),
    ] {
        let remedies = remedies(lines);
        let [remedy] = remedies.as_slice() else {
            panic!("{lines}: {remedies:?}")
        };
        assert!(remedy.contains(wanted), "{lines}: {remedy}");
    }
}

#[test]
fn a_line_that_is_broken_otherwise_is_told_once_as_the_parser_says_it() {
    for lines in [
        "when = { severity = high }",
        "when = { severity \"high\" }",
        "when = { severity = \"high\"",
    ] {
        let (text, findings) = findings(lines);
        assert_eq!(
            findings.len(),
            1,
            "{}",
            render(&findings, "rules.toml", &text, false)
        );
    }
}
