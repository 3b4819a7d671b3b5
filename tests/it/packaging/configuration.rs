//! The configuration that packages bring: it checks, keeps to itself, and its variables are keys of the program.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use tempfile::TempDir;

use super::text;

/// A folder as /etc/scanhook would be, with the example of the unit.
fn etc() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("scanhook.toml"),
        text("packaging/systemd/etc/scanhook.toml"),
    )
    .unwrap();
    std::fs::write(folder.path().join("rules.toml"), text("rules.toml")).unwrap();
    std::fs::create_dir(folder.path().join("secrets")).unwrap();
    for name in ["defender-app", "soar"] {
        let path = folder.path().join("secrets").join(name);
        std::fs::write(&path, "a secret of at least sixteen bytes").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    }
    folder
}

/// `scanhook check` of that folder with these variables: its status and all it says.
fn check(folder: &Path, variables: &BTreeMap<String, String>) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_scanhook"))
        .args(["check", "--deny-warnings"])
        .current_dir(folder)
        .env_clear()
        .envs(variables)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn the_example_of_the_unit_checks_without_a_warning_and_sends_nothing() {
    let folder = etc();
    let (status, said) = check(folder.path(), &BTreeMap::new());
    assert_eq!(status, Some(0), "{said}");
    let example = text("packaging/systemd/etc/scanhook.toml");
    for line in [
        "[server]\nlisten = \"127.0.0.1:8080\"",
        "[admin]\nlisten = \"127.0.0.1:9090\"",
        "mode       = \"dry_run\"",
    ] {
        assert!(example.contains(line), "{line}");
    }
}

/// What the templates of the chart put into the environment, with the values that stand in values.yaml.
fn chart_variables() -> BTreeMap<String, String> {
    let pod = text("packaging/kubernetes/chart/templates/_pod.tpl");
    let variable = Regex::new(r"- name: (SCANHOOK_[A-Z_]+)\n +value: (.*)\n").unwrap();
    let given = |value: &str| {
        let value = value
            .replace("{{ .Values.server.port }}", "8080")
            .replace("{{ .Values.admin.port }}", "9090")
            .replace(
                "{{ if .Values.admin.expose }}0.0.0.0{{ else }}127.0.0.1{{ end }}",
                "127.0.0.1",
            )
            .replace(
                "{{ .Values.journal.url | quote }}",
                "sqlite:/var/lib/scanhook/scanhook.db",
            );
        value.trim_matches('"').to_owned()
    };
    variable
        .captures_iter(&pod)
        .map(|found| (found[1].to_owned(), given(&found[2])))
        .collect()
}

#[test]
fn the_variables_of_the_chart_are_keys_of_the_program() {
    let folder = etc();
    let mut variables = chart_variables();
    assert!(variables.len() >= 6, "{variables:?}");
    // These belong to a journal in PostgreSQL.
    for later in [
        "SCANHOOK_JOURNAL__PASSWORD_FILE",
        "SCANHOOK_JOURNAL__CA_FILE",
    ] {
        assert!(variables.remove(later).is_some(), "{later}");
    }
    for (name, file) in [
        ("SCANHOOK_CONFIG", "scanhook.toml"),
        ("SCANHOOK_RULES", "rules.toml"),
    ] {
        let path = folder.path().join(file).display().to_string();
        let was = variables.insert(name.to_owned(), path);
        assert_eq!(was, Some(format!("/etc/scanhook/config/{file}")));
    }
    assert!(
        variables.values().all(|value| !value.contains("{{")),
        "{variables:?}"
    );
    let (status, said) = check(folder.path(), &variables);
    assert_eq!(status, Some(0), "{said}");
    variables.insert(
        "SCANHOOK_SERVER__LISTEM".to_owned(),
        "127.0.0.1:1".to_owned(),
    );
    assert_ne!(
        check(folder.path(), &variables).0,
        Some(0),
        "a wrong key is seen"
    );
}

#[test]
fn a_number_that_is_not_root_runs_the_image_in_the_chart_as_in_the_dockerfile() {
    let image = text("Dockerfile");
    let user = Regex::new("(?m)^USER ([0-9]+):([0-9]+)$").unwrap();
    let user = user.captures(&image).unwrap();
    let pod = text("packaging/kubernetes/chart/templates/_pod.tpl");
    for line in [
        format!("runAsUser: {}", &user[1]),
        format!("runAsGroup: {}", &user[2]),
        format!("fsGroup: {}", &user[2]),
    ] {
        assert!(pod.contains(&line), "{line}");
    }
    assert_ne!(&user[1], "0");
}

#[test]
fn the_unit_does_not_try_again_what_cannot_be_helped() {
    let unit = text("packaging/systemd/scanhook.service");
    let page = text("docs/operations.md");
    for (status, code) in [(64, "usage"), (77, "permission"), (78, "configuration")] {
        assert!(
            page.contains(&format!("| {status} | `{code}` |")),
            "{status}"
        );
    }
    assert!(unit.contains("\nRestartPreventExitStatus=64 77 78\n"));
}
