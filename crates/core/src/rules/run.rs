//! Runs an embedded test: decides, plans against the scans the test itself has begun, compares.

use std::collections::BTreeSet;

use super::compiled::Rules;
use super::event::OwnedEvent;
use super::expect::{Given, Payload, RuleTest};
use super::test_decision::decided;
use super::unmet::unmet;
use crate::scan::Mode;
use crate::time::Timestamp;

/// When a test that names no time takes place: 2026-01-05T12:00:00Z, a Monday.
const NOON: Timestamp = Timestamp::from_millis(1_767_614_400_000);

/// Runs a test. `read` turns a captured delivery into its events, one for each (alert, device); an expectation on
/// a delivery must hold for every one of them.
pub fn run(
    test: &RuleTest,
    rules: &Rules,
    read: &mut dyn FnMut(&Payload) -> Result<Vec<OwnedEvent>, String>,
) -> TestRun {
    let mut begun = Vec::new();
    let (mut failures, mut won, mut protected) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut now = test.at.unwrap_or(NOON);
    for (n, step) in test.steps.iter().enumerate() {
        now = now.plus(step.after);
        let place = if test.steps.len() > 1 {
            format!("step {}: ", n + 1)
        } else {
            String::new()
        };
        let mut judge = |event: &OwnedEvent| {
            let got = decided(
                rules,
                event,
                test.mode.unwrap_or(Mode::Enforce),
                now,
                &mut begun,
            );
            won.extend(got.rule.clone());
            protected.extend(got.hit.iter().cloned());
            failures.extend(
                unmet(&step.expect, &got)
                    .into_iter()
                    .map(|sentence| format!("{place}{sentence}")),
            );
        };
        match &step.given {
            Given::Event(event) => judge(event),
            Given::Payload(payload) => match read(payload) {
                Ok(events) if events.is_empty() => {
                    failures.push(format!("{place}{} holds no alert", payload.file))
                }
                Ok(mut events) => {
                    for event in &mut events {
                        rules.test_facts.answer(event);
                        judge(event);
                    }
                }
                Err(why) => failures.push(format!("{place}{}: {why}", payload.file)),
            },
        }
    }
    TestRun {
        failures,
        won,
        protected,
    }
}

/// How a test went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRun {
    /// Each expectation that is not met, as a sentence.
    pub failures: Vec<String>,
    /// The rules that won in it.
    pub won: BTreeSet<String>,
    /// The protections that were hit in it.
    pub protected: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use crate::alert::{Alert, Device, Severity};
    use crate::rules::{Facts, render};

    fn rules(text: &str) -> Rules {
        Rules::parse(text, &mut |_| Err("no such file".to_owned()))
            .unwrap_or_else(|errors| panic!("{}", render(&errors, "rules.toml", text, false)))
            .rules
    }

    /// Two rules, and one test.
    fn failures(test: &str) -> Vec<String> {
        let text = format!(
            "version = 1\n[[rule]]\nname = \"high\"\nscan = \"full\"\nlimit = {{ scans = 2, per = \"1h\" }}\n\
             when = {{ severity = \"high\" }}\n[[rule]]\nname = \"medium\"\nscan = \"quick\"\n\
             when = {{ severity = \"medium\" }}\n[[test]]\nname = \"t\"\n{test}\n"
        );
        let rules = rules(&text);
        let mut none = |_: &Payload| Err("no file".to_owned());
        run(&rules.tests()[0], &rules, &mut none).failures
    }

    fn captured(severity: Severity) -> OwnedEvent {
        let alert = Alert {
            id: "1".to_owned(),
            severity: Some(severity),
            ..Alert::default()
        };
        OwnedEvent {
            source: "sentinel".to_owned(),
            preset: "sentinel-incident".to_owned(),
            tenant: "default".to_owned(),
            alert,
            device: Device {
                name: Some("lt-042".to_owned()),
                ..Device::default()
            },
            facts: Facts::NotAsked,
            body: None,
        }
    }

    #[test]
    fn a_whole_policy_passes_its_own_tests() {
        let rules = rules(include_str!("whole.toml"));
        for test in rules.tests() {
            let mut read = |payload: &Payload| {
                assert_eq!(
                    (payload.source.as_str(), payload.file.as_str()),
                    ("sentinel-incident", "tests/payloads/sentinel-incident.json")
                );
                Ok(vec![captured(Severity::High)])
            };
            assert_eq!(
                run(test, &rules, &mut read).failures,
                Vec::<String>::new(),
                "{}",
                test.name
            );
        }
    }

    #[test]
    fn a_failure_is_a_sentence_that_names_what_came_instead() {
        let medium = "event = { severity = \"medium\" }\n";
        assert_eq!(
            failures(&format!(
                "{medium}expect = {{ rule = \"high\", scan = \"full\", priority = 1, comment_contains = \"x\" }}"
            )),
            [
                "expected rule `high`, got `medium` (rule `medium`)",
                "expected scan full, got quick (rule `medium`)",
                "expected priority 1, got 50 (rule `medium`)",
                "expected a comment with `x`, got `Quick antivirus scan due to alert test (test, rule medium) [sh-000000000000]`",
            ]
        );
        assert_eq!(
            failures("event = { severity = \"low\" }\nexpect = { scan = \"quick\" }"),
            ["expected scan quick, got none (no rule matched)"]
        );
        assert_eq!(
            failures(&format!(
                "mode = \"approve\"\n{medium}expect = {{ scan = \"quick\" }}"
            )),
            ["expected state scan, got held (approval) (rule `medium`)"]
        );
    }

    #[test]
    fn when_a_scan_may_leave_is_expected_and_a_wrong_zone_fails() {
        let policy = |zone: &str, severity: &str, start: &str| {
            let text = format!(
                "version = 1\n[windows.nights]\ntimezone = \"{zone}\"\nhours = [\"22:00-05:00\"]\n[[protect]]\n\
                 name = \"p\"\nwhen = {{ device.os = \"Windows11\" }}\nstart = \"nights\"\n[[rule]]\nname = \"high\"\n\
                 scan = \"full\"\nwhen = {{ severity = \"high\" }}\n[[test]]\nname = \"t\"\nat = 2026-03-09T12:00:00+01:00\n\
                 event = {{ severity = \"{severity}\" }}\nexpect = {{ start = {start} }}\n"
            );
            let rules = rules(&text);
            run(&rules.tests()[0], &rules, &mut |_| Err(String::new())).failures
        };
        let night = "2026-03-09T22:00:00+01:00";
        assert_eq!(policy("Europe/Oslo", "high", night), Vec::<String>::new());
        assert_eq!(
            policy("America/New_York", "high", night),
            ["expected start 2026-03-09T21:00:00.000Z, got 2026-03-10T02:00:00.000Z (rule `high`)"]
        );
        assert_eq!(
            policy("Europe/Oslo", "high", "\"at once\""),
            ["expected start at once, got 2026-03-09T21:00:00.000Z (rule `high`)"]
        );
        assert_eq!(
            policy("Asia/Tokyo", "high", night),
            ["expected start 2026-03-09T21:00:00.000Z, got 2026-03-09T13:00:00.000Z (rule `high`)"]
        );
        assert_eq!(
            policy("Europe/Oslo", "low", night),
            ["expected start 2026-03-09T21:00:00.000Z, got none (no rule matched)"]
        );
    }

    #[test]
    fn steps_share_a_history_of_machines_and_limits() {
        let step = |after: &str, severity: &str, name: &str, expect: &str| {
            format!(
                "[[test.step]]\nafter = \"{after}\"\nevent = {{ severity = \"{severity}\", device.name = \"{name}\" }}\n\
                 expect = {{ {expect} }}\n"
            )
        };
        let story = [
            step("0s", "medium", "a", "reason = \"new\""),
            step("5m", "high", "a", "reason = \"new\""),
            step(
                "5m",
                "medium",
                "A",
                "scan = \"quick\", reason = \"cooldown\"",
            ),
            step("5m", "high", "b", "scan = \"full\""),
            step("5m", "high", "c", "state = \"held\", reason = \"limit\""),
            step("1h", "high", "c", "scan = \"full\", reason = \"new\""),
        ];
        assert_eq!(failures(&story.concat()), Vec::<String>::new());
        let wrong = step("0s", "medium", "a", "scan = \"quick\"")
            + &step("10m", "medium", "a", "reason = \"new\"");
        assert_eq!(
            failures(&wrong),
            ["step 2: expected reason new, got cooldown (rule `medium`)"]
        );
    }

    #[test]
    fn an_expectation_on_a_delivery_must_hold_for_each_of_its_events() {
        let rules = rules(include_str!("whole.toml"));
        let test = rules
            .tests()
            .iter()
            .find(|test| test.name.starts_with("a captured"))
            .unwrap();
        let mut both = |_: &Payload| Ok(vec![captured(Severity::High), captured(Severity::Medium)]);
        let failed = run(test, &rules, &mut both).failures;
        assert_eq!(
            failed[0],
            "expected rule `high`, got `medium` (rule `medium`)"
        );
        let mut gone = |_: &Payload| Err("no such file".to_owned());
        let failed = run(test, &rules, &mut gone).failures;
        assert_eq!(
            failed,
            ["tests/payloads/sentinel-incident.json: no such file"]
        );
        let mut empty = |_: &Payload| Ok(Vec::new());
        assert!(
            !run(test, &rules, &mut empty).failures.is_empty(),
            "a delivery without alerts proves nothing"
        );
    }

    #[test]
    fn an_unremarkable_machine_is_assumed_and_unknown_can_be_said() {
        let text = |facts: &str, event: &str, rule: &str| {
            format!(
                "version = 1\n[[rule]]\nname = \"linux\"\nscan = \"none\"\nwhen = {{ device.os = \"Linux\" }}\n\
                 [[rule]]\nname = \"lab\"\nscan = \"none\"\nwhen = {{ device.tags = \"lab\" }}\n\
                 [[rule]]\nname = \"rest\"\nscan = \"full\"\nwhen = {{ source.exists = true, device.aad_id.exists = false }}\n\
                 {facts}\n[[test]]\nname = \"t\"\nevent = {{ severity = \"high\" {event} }}\nexpect = {{ {rule} }}\n"
            )
        };
        for (facts, event, expect) in [
            ("", "", "rule = \"rest\", scan = \"full\""),
            ("", ", device.os = \"linux\"", "rule = \"linux\""),
            (
                "",
                ", device.os = \"unknown\"",
                "rule = \"rest\", reason = \"undecided\"",
            ),
            ("", ", device.tags = [\"x\", \"Lab\"]", "rule = \"lab\""),
            ("[test_facts]\nos = \"Linux\"", "", "rule = \"linux\""),
            (
                "[test_facts]\ndevice.tags = [\"lab\"]",
                "",
                "rule = \"lab\"",
            ),
            (
                "[test_facts]\ntags = \"unknown\"",
                "",
                "state = \"held\", reason = \"undecided\"",
            ),
            (
                "[test_facts]\ntags = \"unknown\"",
                ", device.tags = []",
                "rule = \"rest\", scan = \"full\"",
            ),
            ("[test_facts]\naad_id = \"7a\"", "", "reason = \"no_match\""),
            (
                "[test_facts]\naad_id = \"unknown\"",
                "",
                "reason = \"no_match\"",
            ),
        ] {
            let rules = rules(&text(facts, event, expect));
            let mut none = |_: &Payload| Err("no file".to_owned());
            assert_eq!(
                run(&rules.tests()[0], &rules, &mut none).failures,
                Vec::<String>::new(),
                "{facts} {event}"
            );
        }
    }
}
