//! `scanhook init`: from an empty folder to a configuration that checks, without a secret on the screen.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use scanhook::presets;

/// Runs the program in this folder; its status, what it printed, and what it complained of.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_scanhook")).args(arguments).current_dir(folder).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn an_empty_folder_becomes_a_configuration_that_checks() {
    let folder = tempfile::tempdir().unwrap();
    let arguments =
        ["init", "--source", "sentinel-incident", "--url", "https://hooks.corp.example/", "--tenant-id", "t-1"];
    let arguments = [&arguments[..], &["--client-id", "c-1"]].concat();
    let (status, out, err) = run(folder.path(), &arguments);
    assert_eq!((status, err.as_str()), (0, ""));
    let secret = folder.path().join("secrets/sentinel");
    let text = std::fs::read_to_string(&secret).unwrap();
    assert_eq!((text.trim().len(), mode(&secret), mode(secret.parent().unwrap())), (64, 0o600, 0o700));
    assert!(text.trim().bytes().all(|b| b.is_ascii_hexdigit()));
    for part in [
        "https://hooks.corp.example/webhooks/sentinel",
        "<the text of ./secrets/sentinel>",
        "Machine.Scan",
        "Machine.Read.All",
        "https://login.microsoftonline.com/t-1/adminconsent?client_id=c-1",
        "When incident is updated",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(!out.contains(text.trim()) && !out.contains("scanhook.example/"), "{out}");

    let app = folder.path().join("secrets/defender-app");
    std::fs::write(&app, "client secret").unwrap();
    std::fs::set_permissions(&app, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (status, out, err) = run(folder.path(), &["check"]);
    assert_eq!(status, 0, "{out}{err}");

    // What is there is never written over.
    let before = std::fs::read(folder.path().join("scanhook.toml")).unwrap();
    let (status, _, err) = run(folder.path(), &["init", "--source", "generic"]);
    assert_eq!((status, err.contains("scanhook.toml is there already")), (64, true), "{err}");
    std::fs::remove_file(folder.path().join("scanhook.toml")).unwrap();
    let (status, _, err) = run(folder.path(), &["init", "--source", "sentinel-incident"]);
    assert_eq!((status, err.contains("secrets/sentinel is there already")), (64, true), "{err}");
    assert!(!folder.path().join("scanhook.toml").exists() && !before.is_empty());
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), text);
}

#[test]
fn every_sender_can_be_begun_with() {
    for preset in presets::names() {
        let folder = tempfile::tempdir().unwrap();
        let (status, out, err) = run(folder.path(), &["init", "--source", preset]);
        assert_eq!((status, err.as_str()), (0, ""), "{preset}");
        assert!(out.contains("At the sender:") && out.contains("At Entra ID:"), "{preset}: {out}");
        let config: toml::Table =
            std::fs::read_to_string(folder.path().join("scanhook.toml")).unwrap().parse().unwrap();
        let sources = config["sources"].as_table().unwrap();
        assert!(sources.values().any(|source| source["preset"].as_str() == Some(preset)), "{preset}: {config}");
        assert!(folder.path().join("secrets").read_dir().unwrap().count() >= 1, "{preset}: no secret");
    }
    let (status, _, err) = run(Path::new("."), &["init", "--source", "no-such-sender"]);
    assert_eq!((status, err.contains("alertmanager, crowdstrike")), (64, true), "{err}");
}
