//! Commands in the quick starts, in the pages about installing and watching, and in the action: each verb and flag exists.

use std::collections::BTreeMap;
use std::process::Command;

use regex::Regex;

use super::text;

/// Pages whose commands are held against the program.
const PAGES: [&str; 10] = [
    "docs/install.md",
    "docs/monitoring.md",
    "docs/start/analyst.md",
    "docs/start/detection-engineer.md",
    "docs/start/platform-team.md",
    "docs/start/mssp.md",
    "action.yml",
    ".pre-commit-hooks.yaml",
    "compose.yaml",
    "Dockerfile",
];

fn help(verb: &str) -> Option<String> {
    let words: Vec<&str> = verb.split(' ').collect();
    let output = Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(&words)
        .arg("--help")
        .env_clear()
        .output()
        .unwrap();
    (output.status.code() == Some(0)).then(|| String::from_utf8(output.stdout).unwrap())
}

#[test]
fn every_command_of_the_quick_starts_is_one_the_program_takes() {
    // At the beginning of a line of a block, after a pipe or a `--`, or in backticks.
    let command = Regex::new(
        r"(?m)(?:^ *|[`&|] ?|-- /usr/local/bin/|ExecStart=/usr/local/bin/|entry: )scanhook ([a-z][a-z-]*)([^`\n|&#>]*)",
    )
    .unwrap();
    let flag = Regex::new(r"(?:^| )(--[a-z][a-z-]+|-[a-z])\b").unwrap();
    let mut known: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut seen = 0;
    for page in PAGES {
        for found in command.captures_iter(&text(page)) {
            let verb = found[1].to_owned();
            let help = known.entry(verb.clone()).or_insert_with(|| help(&verb));
            let help = help
                .as_ref()
                .unwrap_or_else(|| panic!("{page}: {} is not a verb", &found[0]));
            for one in flag.captures_iter(&found[2]) {
                let there = help.contains(&format!("{} ", &one[1]))
                    || help.contains(&format!("{},", &one[1]))
                    || help.contains(&format!("{}\n", &one[1]));
                assert!(there, "{page}: {} has no {}", &found[0], &one[1]);
            }
            seen += 1;
        }
    }
    assert!(seen > 40, "{seen} commands");
    assert_eq!(help("schedule"), None, "a verb that does not exist is seen");
}

#[test]
fn the_action_and_the_hooks_run_what_a_policy_has_to_pass() {
    let (action, hooks) = (text("action.yml"), text(".pre-commit-hooks.yaml"));
    for part in [
        "scanhook check",
        "scanhook test",
        "--coverage",
        "scanhook replay",
    ] {
        assert!(action.contains(part), "{part}");
    }
    for part in ["scanhook check --deny-warnings", "scanhook test --coverage"] {
        assert!(hooks.contains(part), "{part}");
    }
}
