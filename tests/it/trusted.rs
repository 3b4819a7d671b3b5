//! Rules that can be trusted: what is accepted and was not meant is told by `check`, and a policy's own tests hold it to
//! the hour at which scans leave.

use crate::verbs::{Desk, has};

/// What `check` says of these rules; errors and lints together make it end with this status.
#[track_caller]
fn checked(rules: &str, status: i32) -> String {
    let desk = Desk::empty();
    desk.file("rules.toml", &format!("version = 1\n{rules}"));
    desk.run(&["check", "--deny-warnings"]).ends(status).out
}

/// One rule with this condition, and a rule and a test so that nothing else is to be said.
fn with(condition: &str, before: &str) -> String {
    let test = |name: &str, event: &str| {
        format!(
            "[[test]]\nname = \"{name}\"\nevent = {{ {event} }}\nexpect = {{ rule = \"{name}\" }}\n"
        )
    };
    format!(
        "{before}[[rule]]\nname = \"a\"\nscan = \"full\"\nwhen = {{ user = \"jo\", any = [ {{ {condition} }}, {{ severity = \"high\" }} ] }}\n\
         [[rule]]\nname = \"rest\"\nscan = \"none\"\nwhen = {{ source.exists = true }}\n{}{}",
        test("a", "user = \"jo\", severity = \"high\""),
        test("rest", "user = \"x\"")
    )
}

#[test]
fn what_is_accepted_and_can_never_be_meant_is_told_with_what_to_write() {
    checked(&with("user = \"x\"", ""), 0);
    let list =
        |kind: &str, values: &str| format!("[lists.l]\ntype = \"{kind}\"\nvalues = [{values}]\n");
    for (condition, list, code, remedy) in [
        (
            "device.ip = \"10.99.0.0/16\"",
            String::new(),
            "never-equal",
            "device.ip.cidr = \"10.99.0.0/16\"",
        ),
        (
            "device.ip = \"10.99.*\"",
            String::new(),
            "never-equal",
            "device.ip.cidr",
        ),
        (
            "device.name = \"kiosk-*\"",
            String::new(),
            "never-equal",
            "device.name.glob = \"kiosk-*\"",
        ),
        (
            "alert.techniques = \"@l\"",
            list("text", "\"T1003\", \"T148*\""),
            "never-equal",
            "type = \"glob\"",
        ),
        (
            "device.ip = \"@l\"",
            list("text", "\"10.0.0.0/8\""),
            "never-equal",
            "type = \"cidr\"",
        ),
        (
            "alert.techniques = \"Phishing\"",
            String::new(),
            "no-technique",
            "T1566",
        ),
        (
            "alert.title.regex = \"\\bransom\"",
            String::new(),
            "control-character",
            "write '\\bransom'",
        ),
        (
            "device.ip = \"@l\"",
            list("cidr", "\"10.99.0.0\""),
            "one-address",
            "`10.99.0.0/16`",
        ),
        (
            "device.name = \"@l\"",
            list(
                "glob",
                "\"dc-*\", { value = \"erp-01\", until = 2020-01-31 }",
            ),
            "entry-over",
            "a later `until`",
        ),
    ] {
        let found = checked(&with(condition, &list), 1);
        has(
            &found,
            &[&format!("warning[{code}]"), remedy, "0 errors, 1 warning"],
        );
    }
}

#[test]
fn a_policy_that_would_pass_over_an_unknown_severity_in_silence_is_told_how_to_hold_it() {
    let high = "[[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity.gte = \"high\" }\n\
                [[test]]\nname = \"high\"\nevent = { severity = \"high\" }\nexpect = { rule = \"high\" }\n";
    let found = checked(high, 1);
    has(
        &found,
        &[
            "warning[severity-unknown]",
            "missing or off the scale",
            "when = { source.exists = true }",
        ],
    );
    let rest = "[[rule]]\nname = \"low\"\nscan = \"none\"\nwhen = { severity.lte = \"medium\" }\n\
                [[rule]]\nname = \"rest\"\nscan = \"quick\"\nwhen = { source.exists = true }\n\
                [[test]]\nname = \"low\"\nevent = { severity = \"low\" }\nexpect = { rule = \"low\" }\n\
                [[test]]\nname = \"unknown\"\nevent = { severity = \"unknown\" }\n\
                expect = { rule = \"rest\", state = \"held\", reason = \"undecided\" }\n";
    checked(&format!("{high}{rest}"), 0);
}

#[test]
fn a_test_of_the_policy_fails_when_the_hour_at_which_its_scan_leaves_is_another() {
    let desk = Desk::empty();
    let rules = |zone: &str| {
        format!(
            "version = 1\n[windows.nights]\ntimezone = \"{zone}\"\nhours = [\"22:00-05:00\"]\n[[rule]]\nname = \"r\"\nscan = \"full\"\n\
             start = \"nights\"\nwhen = {{ source.exists = true }}\n[[test]]\nname = \"by day\"\nat = 2026-03-09T12:00:00+01:00\n\
             event = {{ severity = \"high\" }}\nexpect = {{ scan = \"full\", start = 2026-03-09T22:00:00+01:00 }}\n\
             [[test]]\nname = \"by night\"\nat = 2026-03-09T23:00:00+01:00\nevent = {{ severity = \"high\" }}\n\
             expect = {{ scan = \"full\", start = \"at once\" }}\n"
        )
    };
    desk.file("rules.toml", &rules("Europe/Oslo"));
    has(&desk.run(&["test"]).ends(0).out, &["2 passed, 0 failed"]);
    desk.file("rules.toml", &rules("America/New_York"));
    let failed = desk.run(&["test"]).ends(1).out;
    has(
        &failed,
        &[
            "expected start 2026-03-09T21:00:00.000Z, got 2026-03-10T02:00:00.000Z",
            "expected start at once",
        ],
    );
    has(
        &desk.run(&["serve", "--simulate"]).ends(78).err,
        &["2 of its 2 tests failed"],
    );
    desk.file("rules.toml", &rules("GMT+1"));
    has(
        &desk.run(&["check"]).ends(1).out,
        &["bad-zone", "`Etc/GMT-1` is always 1 hour ahead of UTC"],
    );
}
