//! `[sources.x.write_back]`: what is read, which receivers it makes, and every fault points at its key.

use super::*;
use scanhook_core::message::WriteBackMoment;

const WORKSPACE: &str = "/subscriptions/0b8f7d7e-2f53-4a53-9d0a-6f6c6f1a2b3c/resourceGroups/rg-soc/providers/\
                         Microsoft.OperationalInsights/workspaces/log-soc";

fn written_back(preset: &str, lines: &str) -> String {
    format!(
        "{TENANT}[admin]\npublic_url = \"https://scanhook.corp.example\"\n[sources.s]\npreset = \"{preset}\"\n\
         auth = [{{ bearer = {{ secret_file = \"s.secret\" }} }}]\n[sources.s.write_back]\n{lines}\n"
    )
}

fn sentinel() -> String {
    format!("sentinel = {{ workspace = \"{WORKSPACE}\" }}")
}

#[test]
fn it_is_a_receiver_with_defaults_and_own_values() {
    let settings = Setting::of(&written_back("sentinel-incident", &sentinel())).load();
    assert_eq!(settings.warnings, Vec::<String>::new());
    let receiver = &settings.receivers[0];
    assert_eq!(
        (receiver.name.as_str(), receiver.channel.kind()),
        ("s write_back", "sentinel")
    );
    let back = receiver.channel.write_back().unwrap();
    assert_eq!(
        (back.source.as_str(), back.tenant.as_str()),
        ("s", "default")
    );
    assert_eq!(back.to.when, [WriteBackMoment::Ended].into());
    assert!(!settings.comments_alerts_of("default"));

    let own = "defender_alert = {}\nwhen = [\"held\", \"begun\"]";
    let settings = Setting::of(&written_back("defender-alert", own)).load();
    let back = settings.receivers[0].channel.write_back().unwrap();
    assert_eq!(back.to.target, WriteBackTarget::DefenderAlert);
    assert_eq!(back.to.when.len(), 2);
    assert!(settings.comments_alerts_of("default") && !settings.comments_alerts_of("other"));
}

#[test]
fn in_a_dry_run_nothing_is_written_back() {
    let text = written_back("sentinel-incident", &sentinel());
    let dry = text.replace("client_id", "mode = \"dry_run\"\nclient_id");
    assert!(Setting::of(&dry).load().receivers.is_empty());
    let mut setting = Setting::of(&text);
    setting.inputs.flags.dry_run = true;
    assert!(setting.load().receivers.is_empty());
}

#[test]
fn comments_without_links_are_a_warning() {
    let text = written_back("sentinel-incident", &sentinel());
    let text = text.replace("public_url", "# public_url");
    let warnings = Setting::of(&text).load().warnings;
    assert!(warnings[0].contains("write_back"), "{warnings:?}");
}

#[test]
fn every_wrong_value_is_a_fault_of_its_own_key() {
    let base = |base: &str| format!("{}\narm_base = \"{base}\"", sentinel());
    let when = |when: &str| format!("{}\nwhen = {when}", sentinel());
    for (lines, key) in [
        (String::new(), "sentinel"),
        (format!("{}\ndefender_alert = {{}}", sentinel()), "sentinel"),
        ("sentinel = {}".to_owned(), "sentinel.workspace"),
        (
            "sentinel = { workspace = \"log-soc\" }".to_owned(),
            "sentinel.workspace",
        ),
        (base("http://management.azure.com"), "arm_base"),
        (base("https://user@management.azure.com"), "arm_base"),
        (base("management.azure.com"), "arm_base"),
        (
            "defender_alert = {}\narm_base = \"http://127.0.0.1:9\"".to_owned(),
            "arm_base",
        ),
        ("defender_alert = { x = 1 }".to_owned(), "defender_alert.x"),
        (when("[]"), "when"),
        (when("[\"over\"]"), "when"),
        (format!("{}\nwehn = [\"held\"]", sentinel()), "wehn"),
    ] {
        let (_, found) = fault(&written_back("sentinel-incident", &lines));
        assert_eq!(found, format!("sources.s.write_back.{key}"), "{lines}");
    }
    let other = fault(&written_back("generic", &sentinel()));
    assert_eq!(
        other.1, "sources.s.write_back.sentinel",
        "no incident is known"
    );
}

#[test]
fn a_tenant_that_a_person_signs_in_for_writes_nothing_back() {
    let text = written_back("sentinel-incident", &sentinel());
    let person = text.replace(
        "{ secret_env = \"APP_SECRET\" }",
        "{ user = { token_file = \"person.refresh\" } }",
    );
    let setting = Setting::of(&person);
    setting.secret("person.refresh", "a refresh token", 0o600);
    let faults = setting.faults();
    let found = faults.iter().map(|fault| (fault.code, fault.key.as_str()));
    assert_eq!(
        found.collect::<Vec<_>>(),
        [("bad-value", "sources.s.write_back")],
        "{}",
        shown(&faults)
    );
}
