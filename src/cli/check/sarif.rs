//! Findings as SARIF 2.1.0, the format in which code scanning takes them.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use serde_json::{Value, json};

use super::finding::CheckFinding;
use crate::settings::SettingsFault;
use scanhook_core::percent::encoded;
use scanhook_core::rules::Finding;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The log of one run.
pub(super) fn sarif(findings: &[CheckFinding], omitted: &BTreeMap<&'static str, usize>) -> Value {
    let mut codes: Vec<&'static str> = findings.iter().filter_map(|one| one.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code)).collect();
    let results: Vec<Value> = findings
        .iter()
        .map(|finding| result(finding, &codes))
        .collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "scanhook",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results,
            // Nobody reads more of one code.
            "properties": { "omitted": omitted },
        }],
    })
}

/// A code with its meaning, as far as a table has it.
fn rule(code: &str) -> Value {
    let known = SettingsFault::CODES.iter().chain(Finding::CODES);
    let meaning = known
        .filter(|(known, _)| *known == code)
        .map(|(_, meaning)| *meaning)
        .next()
        .unwrap_or("a test inside the rules fails");
    json!({ "id": code, "shortDescription": { "text": meaning } })
}

fn result(finding: &CheckFinding, codes: &[&'static str]) -> Value {
    let mut place = json!({ "artifactLocation": { "uri": uri(&finding.file) } });
    if let Some(line) = finding.line {
        place["region"] = json!({ "startLine": line });
        if let Some(column) = finding.column {
            place["region"]["startColumn"] = json!(column);
        }
    }
    let mut result = json!({
        "level": finding.level,
        "message": { "text": finding.sentences() },
        "locations": [{ "physicalLocation": place }],
    });
    if let Some(code) = finding.code {
        result["ruleId"] = json!(code);
        result["ruleIndex"] = json!(codes.iter().position(|one| *one == code));
    }
    result
}

/// The path of a file as a reference: relative paths stay so, because they count from the root of the repository.
fn uri(file: &str) -> String {
    let path = Path::new(file);
    let parts = path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    let parts: Vec<String> = parts.map(|part| encoded(&part)).collect();
    let start = if path.is_absolute() { "file:///" } else { "" };
    format!("{start}{}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_reference_whatever_it_is_called() {
        assert_eq!(uri("rules.toml"), "rules.toml");
        assert_eq!(uri("./a b/r#%?.toml"), "a%20b/r%23%25%3F.toml");
        assert_eq!(uri("../x:y/経.toml"), "../x%3Ay/%E7%B5%8C.toml");
        assert_eq!(
            uri("/etc/scanhook/rules.toml"),
            "file:///etc/scanhook/rules.toml"
        );
    }
}
