//! `[receivers.x]`: what is read, and every fault points at its key.

use super::*;
use scanhook_core::message::MessageType;

const WEBHOOK: &str =
    "webhook = { url = \"https://soar.example/in\", secret_file = \"whsec.secret\" }";

fn receiver(lines: &str) -> Setting {
    let setting = with(&format!(
        "[admin]\npublic_url = \"https://scanhook.corp.example/\"\n[receivers.r]\n{lines}\n"
    ));
    setting.secret(
        "whsec.secret",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        0o600,
    );
    setting.secret("teams.url", "https://hooks.example/canary\n", 0o600);
    setting
}

#[test]
fn a_receiver_is_read_with_its_defaults_and_its_own_values() {
    let settings = receiver(WEBHOOK).load();
    let read = &settings.receivers[0];
    assert_eq!((read.name.as_str(), read.channel.kind()), ("r", "webhook"));
    assert_eq!(read.repeat, Duration::from_secs(300));
    assert_eq!(read.give_up, Duration::from_secs(86_400));
    assert!(read.tenants.is_none() && read.proxy.is_none());
    assert!(read.events.wants(MessageType::DecisionHeld, None));
    assert_eq!(
        settings.admin.public_url.unwrap().page("/held"),
        "https://scanhook.corp.example/held"
    );
    assert_eq!(settings.warnings, Vec::<String>::new());

    let own = "teams = { url_file = \"teams.url\" }\nevents = [\"all\", \"digest\"]\nrepeat = \"10s\"\ngive_up = \"1h\"\n\
               digest = { at = \"07:30\", timezone = \"Europe/Berlin\" }\nproxy = \"http://proxy.example:3128\"";
    let settings = receiver(own).load();
    let read = &settings.receivers[0];
    assert_eq!(
        read.channel.url().expose_secret(),
        "https://hooks.example/canary"
    );
    assert_eq!(read.repeat, Duration::from_secs(10));
    let at = |text| Timestamp::parse(text).unwrap();
    assert_eq!(
        read.digest.after(at("2026-11-30T06:29:59Z")),
        at("2026-11-30T06:30:00Z")
    );
}

#[test]
fn what_is_missed_without_a_fault_is_said() {
    let unsigned = "webhook = { url = \"http://127.0.0.1:9/in\" }";
    let warnings = receiver(unsigned).load().warnings;
    assert!(warnings[0].contains("not signed"), "{warnings:?}");
    let setting = with("[receivers.r]\nslack = { url = \"https://hooks.example/s\" }\n");
    let warnings = setting.load().warnings;
    assert!(warnings[0].contains("public_url"), "{warnings:?}");
}

#[test]
fn every_wrong_value_is_a_fault_of_its_own_key() {
    for (lines, key) in [
        ("", "webhook"),
        ("events = [\"all\"]", "webhook"),
        ("teams = { url = \"http://hooks.example/t\" }", "teams.url"),
        (
            "teams = { url = \"https://user@hooks.example/t\" }",
            "teams.url",
        ),
        ("teams = { url = \"hooks.example\" }", "teams.url"),
        ("teams = {}", "teams.url"),
        ("teams = { url_file = \"nowhere\" }", "teams.url_file"),
        (
            "slack = { url = \"https://a.example\", secret_file = \"s.secret\" }",
            "slack.secret_file",
        ),
        ("pagerduty = {}", "pagerduty.secret_file"),
        (&format!("{WEBHOOK}\nevents = [\"scan.sent\"]"), "events"),
        (&format!("{WEBHOOK}\nevents = []"), "events"),
        (&format!("{WEBHOOK}\ntenants = []"), "tenants"),
        (&format!("{WEBHOOK}\ntenants = [\"nobody\"]"), "tenants"),
        (&format!("{WEBHOOK}\nrepeat = \"9s\""), "repeat"),
        (
            &format!("{WEBHOOK}\ndigest = {{ at = \"08:00\" }}"),
            "digest",
        ),
        (
            &format!("{WEBHOOK}\nevents = [\"digest\"]\ndigest = {{ at = \"8\" }}"),
            "digest.at",
        ),
        (
            &format!("{WEBHOOK}\nevents = [\"digest\"]\ndigest = {{ timezone = \"Berlin\" }}"),
            "digest.timezone",
        ),
        (&format!("{WEBHOOK}\nproxy = \"proxy\""), "proxy"),
        (
            &format!("{WEBHOOK}\nslack = {{ url = \"https://a.example\" }}"),
            "webhook",
        ),
    ] {
        let faults = receiver(lines).faults();
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, [format!("receivers.r.{key}")], "{lines}");
    }
    let file = format!("{TENANT}{SOURCE}[admin]\npublic_url = \"a.example\"\n");
    assert_eq!(fault(&file).1, "admin.public_url");
}
