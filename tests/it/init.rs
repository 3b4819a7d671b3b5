//! `scanhook init`: from an empty folder to a configuration that checks, without a secret on the screen.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use scanhook::presets;

/// Runs the program in this folder; its status, what it printed, and what it complained of.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scanhook"));
    let output = command
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn an_empty_folder_becomes_a_configuration_that_checks() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [
        "init",
        "--source",
        "sentinel-incident",
        "--url",
        "https://hooks.corp.example/",
        "--tenant-id",
        "t-1",
    ];
    let arguments = [&arguments[..], &["--client-id", "c-1"]].concat();
    let (status, out, err) = run(folder.path(), &arguments);
    assert_eq!((status, err.as_str()), (0, ""));
    let secret = folder.path().join("secrets/sentinel");
    let text = std::fs::read_to_string(&secret).unwrap();
    assert_eq!(
        (
            text.trim().len(),
            mode(&secret),
            mode(secret.parent().unwrap())
        ),
        (64, 0o600, 0o700)
    );
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
    assert!(
        !out.contains(text.trim()) && !out.contains("scanhook.example/"),
        "{out}"
    );
    assert!(
        !out.contains("](") && !out.contains("*When"),
        "no Markdown: {out}"
    );

    let app = folder.path().join("secrets/defender-app");
    std::fs::write(&app, "client secret").unwrap();
    std::fs::set_permissions(&app, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (status, out, err) = run(folder.path(), &["check"]);
    assert_eq!(status, 0, "{out}{err}");

    // What is there is never written over.
    let before = std::fs::read(folder.path().join("scanhook.toml")).unwrap();
    let (status, _, err) = run(folder.path(), &["init", "--source", "generic"]);
    assert_eq!(
        (
            status,
            err.contains("scanhook.toml is there already") && err.contains("--add")
        ),
        (64, true),
        "{err}"
    );
    std::fs::remove_file(folder.path().join("scanhook.toml")).unwrap();
    let (status, _, err) = run(folder.path(), &["init", "--source", "sentinel-incident"]);
    assert_eq!(
        (status, err.contains("secrets/sentinel is there already")),
        (64, true),
        "{err}"
    );
    assert!(!folder.path().join("scanhook.toml").exists() && !before.is_empty());
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), text);
}

#[test]
fn every_sender_can_be_begun_with() {
    for preset in presets::names() {
        let folder = tempfile::tempdir().unwrap();
        let (status, out, err) = run(folder.path(), &["init", "--source", preset]);
        assert_eq!((status, err.as_str()), (0, ""), "{preset}");
        assert!(
            out.contains("At the sender:") && out.contains("At Entra ID:"),
            "{preset}: {out}"
        );
        let config: toml::Table = std::fs::read_to_string(folder.path().join("scanhook.toml"))
            .unwrap()
            .parse()
            .unwrap();
        let sources = config["sources"].as_table().unwrap();
        assert!(
            sources
                .values()
                .any(|source| source["preset"].as_str() == Some(preset)),
            "{preset}: {config}"
        );
        assert!(
            folder.path().join("secrets").read_dir().unwrap().count() >= 1,
            "{preset}: no secret"
        );
        let (status, again, err) = run(
            folder.path(),
            &[
                "init",
                "--source",
                preset,
                "--add",
                "--name",
                "second",
                "--url",
                "https://s.corp.example",
            ],
        );
        assert_eq!((status, err.as_str()), (0, ""), "{preset}");
        assert!(
            again.contains("https://s.corp.example/webhooks/second"),
            "{preset}: {again}"
        );
        assert!(
            !again.contains("scanhook.example") && !again.contains("scanhook\\.example"),
            "{preset}: {again}"
        );
        let config: toml::Table = std::fs::read_to_string(folder.path().join("scanhook.toml"))
            .unwrap()
            .parse()
            .unwrap();
        assert_eq!(config["sources"]["second"]["preset"].as_str(), Some(preset));
    }
    let (status, _, err) = run(Path::new("."), &["init", "--source", "no-such-sender"]);
    assert_eq!(
        (status, err.contains("alertmanager, crowdstrike")),
        (64, true),
        "{err}"
    );
}

#[test]
fn what_init_leaves_checks_without_a_word_once_the_tenants_secret_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let init = [
        "init",
        "--source",
        "splunk",
        "--tenant-id",
        "t-1",
        "--client-id",
        "c-1",
    ];
    let (status, out, err) = run(folder.path(), &init);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    // As `cat` and an editor leave it: with a line break at its end.
    let app = folder.path().join("secrets/defender-app");
    std::fs::write(&app, "client secret\n").unwrap();
    std::fs::set_permissions(&app, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (status, out, err) = run(folder.path(), &["check", "--deny-warnings"]);
    assert_eq!(status, 0, "{out}{err}");
    assert!(
        !out.contains("line break")
            && !out.contains("on_unknown")
            && !out.contains("signs nothing"),
        "{out}"
    );
    assert!(out.contains("0 errors, 0 warnings"), "{out}");

    let ignored = std::fs::read_to_string(folder.path().join(".gitignore")).unwrap();
    assert_eq!(ignored, "/secrets/\n/scanhook*.db*\n");
    let (status, printed, _) = run(folder.path(), &["rules", "--print-default"]);
    let rules = std::fs::read_to_string(folder.path().join("rules.toml")).unwrap();
    assert_eq!((status, printed), (0, rules));
}

#[test]
fn a_pattern_in_the_steps_is_for_the_address_that_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let init = [
        "init",
        "--source",
        "splunk",
        "--url",
        "https://hooks.corp.example",
    ];
    let (status, out, _) = run(folder.path(), &init);
    assert_eq!(status, 0);
    assert!(
        out.contains(r"`^https://hooks\.corp\.example/webhooks/splunk/.*$`"),
        "{out}"
    );
    assert!(
        !out.contains(r"scanhook\.example") && !out.contains("scanhook.example"),
        "{out}"
    );
}

#[test]
fn a_second_sender_is_added_and_nothing_of_the_first_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let first = [
        "init",
        "--source",
        "generic",
        "--tenant-id",
        "t-1",
        "--client-id",
        "c-1",
    ];
    assert_eq!(run(folder.path(), &first).0, 0);
    std::fs::write(folder.path().join("rules.toml"), "version = 1\n# mine\n").unwrap();
    std::fs::write(folder.path().join(".gitignore"), "/target\n/secrets/").unwrap();
    let (config, secret) = (file("scanhook.toml"), file("secrets/soar"));
    let (status, out, err) = run(
        folder.path(),
        &["init", "--source", "sentinel-incident", "--add"],
    );
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(
        file("scanhook.toml").starts_with(&config)
            && file("scanhook.toml").contains("[sources.sentinel]")
    );
    assert_eq!(
        (file("secrets/soar"), file("rules.toml")),
        (secret, "version = 1\n# mine\n".to_owned())
    );
    assert_eq!(file(".gitignore"), "/target\n/secrets/\n/scanhook*.db*\n");
    assert!(
        !out.contains("At Entra ID:"),
        "the tenant is there already: {out}"
    );

    let before = file("scanhook.toml");
    for (args, part) in [
        (
            &["--source", "generic"][..],
            "it has a source `soar`; --name",
        ),
        (&["--source", "generic", "--name", "so.ar"], "--name"),
        (
            &["--source", "generic", "--name", "x", "--tenant", "other"],
            "it has no tenant `other`",
        ),
    ] {
        let (status, _, err) = run(folder.path(), &[&["init", "--add"], args].concat());
        assert_eq!((status, err.contains(part)), (64, true), "{err}");
    }
    assert_eq!(file("scanhook.toml"), before);
    std::fs::write(
        folder.path().join("scanhook.toml"),
        format!("{before}\n[tenants.second]\n"),
    )
    .unwrap();
    let (status, _, err) = run(
        folder.path(),
        &["init", "--add", "--source", "generic", "--name", "x"],
    );
    assert_eq!(
        (status, err.contains("--tenant must say")),
        (64, true),
        "{err}"
    );
    let tenant = [
        "init", "--add", "--source", "generic", "--name", "x", "--tenant", "second",
    ];
    assert_eq!(run(folder.path(), &tenant).0, 0);
    let config: toml::Table = file("scanhook.toml").parse().unwrap();
    assert_eq!(
        config["sources"]["x"]["tenants"][0].as_str(),
        Some("second")
    );
}

#[test]
fn the_template_of_the_logic_app_is_written_with_the_url_it_posts_to() {
    let folder = tempfile::tempdir().unwrap();
    let init = [
        "init",
        "--source",
        "sentinel-incident",
        "--url",
        "https://hooks.corp.example/in",
        "--name",
        "soc",
    ];
    assert_eq!(run(folder.path(), &init).0, 0);
    let template = std::fs::read_to_string(folder.path().join("sentinel-logic-app.json")).unwrap();
    let template: serde_json::Value = serde_json::from_str(&template).unwrap();
    let url = &template["parameters"]["ScanhookUrl"];
    assert_eq!(
        (&url["type"], &url["defaultValue"]),
        (
            &"string".into(),
            &"https://hooks.corp.example/in/webhooks/soc".into()
        )
    );
    let inner = &template["resources"][1]["properties"]["parameters"]["ScanhookUrl"];
    assert_eq!(inner["value"], "[parameters('ScanhookUrl')]");
}

#[test]
fn a_name_that_is_no_preset_is_answered_with_the_one_that_was_meant() {
    for (name, meant) in [
        ("sentinel", "did you mean `sentinel-incident`?"),
        ("splnk", "did you mean `splunk`?"),
        ("wazuh", "did you mean `wazuh4` or `wazuh4-shuffle`?"),
        ("kibana", "did you mean `generic`?"),
        ("Defender", "did you mean `defender-alert`"),
        ("Sentinel_Incident", "did you mean `sentinel-incident`?"),
    ] {
        let (status, _, err) = run(Path::new("."), &["init", "--source", name]);
        assert_eq!((status, err.contains(meant)), (64, true), "{name}: {err}");
    }
    let (_, _, err) = run(Path::new("."), &["init", "--source", "zzzzzzzz"]);
    assert!(!err.contains("did you mean"), "{err}");
}
