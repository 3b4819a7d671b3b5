//! What the shipped files say, held against the program: the policy passes its own tests.

use std::collections::BTreeSet;
use std::path::Path;

use scanhook::domain::mapping;
use scanhook::domain::rules::render;
use scanhook::domain::scan::Mode;
use scanhook::domain::strict_json;
use scanhook::domain::verdict::Asks;
use scanhook::policy::{Ceiling, Checked, Policy, PolicyError, Terms};
use scanhook::presets;
use scanhook::settings::Source;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> Checked {
    match Policy::load(&root().join("rules.toml")) {
        Ok(checked) => checked,
        Err(PolicyError::Unreadable(path, error)) => panic!("{}: {error}", path.display()),
        Err(PolicyError::Faulty(_, text, findings)) => panic!("{}", render(&findings, "rules.toml", &text, false)),
    }
}

fn every_preset() -> Vec<Source> {
    presets::names().map(|name| Source::of_preset(name).unwrap()).collect()
}

#[test]
fn the_shipped_policy_passes_its_own_tests_without_a_lint() {
    let Checked { policy, lints } = shipped();
    assert_eq!(lints, []);
    for test in policy.rules().tests() {
        if let Err(failures) = policy.test(test, root(), &every_preset()) {
            panic!("{}: {failures:?}", test.name);
        }
    }
}

#[test]
fn each_rule_of_the_shipped_policy_is_reached_by_a_test() {
    let policy = shipped().policy;
    let expected = policy.rules().tests().iter().flat_map(|test| &test.steps);
    let reached: BTreeSet<&str> = expected.filter_map(|step| step.expect.rule.as_deref()).collect();
    assert_eq!(reached, policy.rules().names().collect());
}

#[test]
fn the_shipped_policy_sends_nothing_until_its_owner_says_so() {
    let policy = shipped().policy;
    let source = Source::of_preset("generic").unwrap();
    let terms = Terms { ceiling: Ceiling::AtMost(Mode::Enforce), limit: None };
    for severity in ["informational", "low", "medium", "high", "critical", "odd"] {
        let body = format!(r#"{{"alert_id":"1","title":"ransomware","severity":"{severity}","device_name":"lt-042"}}"#);
        let json = strict_json::read(body.as_bytes()).unwrap();
        for item in mapping::read(&source.mapping, source.caps, &json, &[0; 24]) {
            let alert = item.alert();
            match policy.decide(&source, terms, alert, &alert.devices[0], Some(&json)).asks {
                Asks::Nothing(_) => {}
                Asks::Hold(_, wanted) | Asks::Scan(wanted) => assert_eq!(wanted.mode, Mode::DryRun, "{severity}"),
            }
        }
    }
}
