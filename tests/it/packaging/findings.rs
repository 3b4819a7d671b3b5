//! `check --format sarif` and `--format github`: what code scanning and the runner of GitHub Actions are told, at its place and
//! with nothing that a file says taken for more than text.

use serde_json::Value;

use crate::verbs::{Desk, has};

/// A warning, errors at known places, and names that would be markup elsewhere.
const RULES: &str = "version = 1\n\n[[rule]]\nname = \"50% off,\\n::error file=x::y \\u001b[2J\"\nscan = \"fulll\"\nwhen = { sevrity.gte = \"high\" }\n";
const FAILING: &str = "version = 1\n\n[[rule]]\nname = \"high\"\nscan = \"full\"\nwhen = { severity.gte = \"high\" }\n\n\
    [[test]]\nname = \"low, 100%: ::stop-commands::x\"\nevent = { severity = \"low\" }\nexpect = { scan = \"full\" }\n";

fn desk(rules: &str) -> Desk {
    let desk = Desk::empty();
    desk.file("rules.toml", rules);
    desk
}

/// What the schema of SARIF 2.1.0 asks of a log with results.
fn is_sarif(log: &Value) {
    assert_eq!(log["version"], "2.1.0");
    assert!(log["$schema"].as_str().unwrap().contains("sarif-2.1.0"));
    let runs = log["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 1);
    let driver = &runs[0]["tool"]["driver"];
    assert_eq!(driver["name"], "scanhook");
    assert_eq!(driver["semanticVersion"], env!("CARGO_PKG_VERSION"));
    let rules = driver["rules"].as_array().unwrap();
    let mut ids: Vec<&str> = rules
        .iter()
        .map(|rule| rule["id"].as_str().unwrap())
        .collect();
    for rule in rules {
        assert!(
            !rule["shortDescription"]["text"]
                .as_str()
                .unwrap()
                .is_empty()
        );
    }
    for result in runs[0]["results"].as_array().unwrap() {
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().unwrap()));
        if let Some(id) = result["ruleId"].as_str() {
            let index = result["ruleIndex"].as_u64().unwrap() as usize;
            assert_eq!(ids[index], id);
        }
        for location in result["locations"].as_array().unwrap() {
            let place = &location["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{uri}");
            if let Some(region) = place.get("region") {
                assert!(region["startLine"].as_u64().unwrap() >= 1);
                assert!(region["startColumn"].as_u64().unwrap() >= 1);
            }
        }
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "an id occurs twice");
}

#[test]
fn sarif_has_each_finding_by_its_code_at_its_line_and_column() {
    let ran = desk(RULES).run(&["check", "--format", "sarif"]).ends(1);
    let log = ran.json();
    is_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    // The same as for programs, one by one.
    let plain = desk(RULES)
        .run(&["check", "--output", "json"])
        .ends(1)
        .json();
    let plain = plain["findings"].as_array().unwrap();
    assert!(plain.len() >= 2, "{plain:?}");
    assert_eq!(results.len(), plain.len());
    for (result, finding) in results.iter().zip(plain) {
        assert_eq!(result["ruleId"], finding["code"]);
        assert_eq!(result["level"], finding["level"]);
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "rules.toml");
        assert_eq!(place["region"]["startLine"], finding["line"]);
        assert_eq!(place["region"]["startColumn"], finding["column"]);
    }
    let typo = results.iter().find(|result| {
        result["message"]["text"]
            .as_str()
            .unwrap()
            .contains("sevrity")
    });
    assert_eq!(
        typo.unwrap()["locations"][0]["physicalLocation"]["region"]["startLine"],
        6
    );
}

#[test]
fn a_file_without_a_finding_has_an_empty_log_and_a_failing_test_is_a_result() {
    let clean = FAILING.split("[[test]]").next().unwrap().to_owned()
        + "[[test]]\nname = \"high\"\nevent = { severity = \"high\", device.name = \"lt-042\" }\nexpect = { scan = \"full\" }\n";
    let log = desk(&clean).run(&["check", "--format", "sarif"]).json();
    is_sarif(&log);
    let errors = log["runs"][0]["results"].as_array().unwrap().iter();
    assert_eq!(
        errors.filter(|result| result["level"] == "error").count(),
        0
    );
    let log = desk(FAILING)
        .run(&["check", "--format", "sarif"])
        .ends(1)
        .json();
    is_sarif(&log);
    let results = log["runs"][0]["results"].as_array().unwrap();
    let failed: Vec<_> = results
        .iter()
        .filter(|result| result["ruleId"] == "test-failed")
        .collect();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        failed[0]["locations"][0]["physicalLocation"]["region"]["startLine"],
        8
    );
}

#[test]
fn annotations_are_one_command_for_each_finding_whatever_a_file_says() {
    for rules in [RULES, FAILING] {
        let ran = desk(rules).run(&["check", "--format", "github"]).ends(1);
        let count = |format: &str| {
            let log = desk(rules)
                .run(&["check", "--format", format])
                .ends(1)
                .json();
            log["runs"][0]["results"].as_array().unwrap().len()
        };
        assert_eq!(ran.out.lines().count(), count("sarif"), "{}", ran.out);
        for line in ran.out.lines() {
            let (head, _) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
            let (level, properties) = head.split_once(' ').unwrap();
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            assert!(properties.starts_with("file=rules.toml,line="), "{line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
    }
    has(
        &desk(FAILING)
            .run(&["check", "--format", "github"])
            .ends(1)
            .out,
        &["::error file=rules.toml,line=8,col=1,title=test-failed::"],
    );
    let empty = Desk::empty();
    empty.file("a, b%:c.toml", RULES);
    let ran = empty
        .run(&["check", "--rules", "a, b%:c.toml", "--format", "github"])
        .ends(1);
    has(&ran.out, &["file=a%2C b%25%3Ac.toml,line="]);
}
