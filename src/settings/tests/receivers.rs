//! `[receivers.x]`: what is read, and every fault points at its key.

use super::*;
use crate::settings::MailProtection;
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
        read.channel.url().unwrap().expose_secret(),
        "https://hooks.example/canary"
    );
    assert_eq!(read.repeat, Duration::from_secs(10));
    let at = |text| Timestamp::parse(text).unwrap();
    assert_eq!(
        read.digest.after(at("2026-11-30T06:29:59Z")),
        at("2026-11-30T06:30:00Z")
    );
}

const EMAIL: &str = "smtp = \"smtps://relay.example\", from = \"scanhook <s@corp.example>\", to = \"a@corp.example\"";

#[test]
fn a_relay_is_spoken_to_in_tls_unless_it_is_this_computer_and_asks_for_no_login() {
    let login = ", user = \"u\", secret_file = \"whsec.secret\"";
    for (smtp, login, protection, port) in [
        ("smtps://relay.example", "", MailProtection::Tls, 465),
        (
            "smtps://relay.example:4650/",
            login,
            MailProtection::Tls,
            4650,
        ),
        ("smtp://relay.example", "", MailProtection::StartTls, 587),
        ("smtp://localhost:25", "", MailProtection::Plain, 25),
        ("smtp://[::1]:25", "", MailProtection::Plain, 25),
        ("smtp://127.0.0.1:25", login, MailProtection::StartTls, 25),
        ("smtps://127.0.0.1:465", "", MailProtection::Tls, 465),
    ] {
        let lines = format!(
            "email = {{ smtp = \"{smtp}\", from = \"s@corp.example\", to = [\"a@b.example\", \"B <b@b.example>\"]{login} }}"
        );
        let settings = receiver(&lines).load();
        let Channel::Email { relay, to, .. } = &settings.receivers[0].channel else {
            panic!("{smtp}");
        };
        assert_eq!(
            (relay.protection, relay.port, to.len()),
            (protection, port, 2),
            "{smtp}"
        );
        assert_eq!(relay.login.is_some(), !login.is_empty());
        assert!(!relay.host.contains('['));
    }
}

#[test]
fn every_wrong_value_of_a_mail_is_a_fault_of_its_own_key() {
    let from = "from = \"s@corp.example\"";
    for (lines, key) in [
        (format!("{from}, to = \"a@b.example\""), "smtp"),
        (format!("smtp = \"relay.example\", {from}, to = \"a@b.example\""), "smtp"),
        (format!("smtp = \"https://relay.example\", {from}, to = \"a@b.example\""), "smtp"),
        (format!("smtp = \"smtps://u:p@relay.example\", {from}, to = \"a@b.example\""), "smtp"),
        (format!("smtp = \"smtps://relay.example/x\", {from}, to = \"a@b.example\""), "smtp"),
        ("smtp = \"smtps://relay.example\", to = \"a@b.example\"".to_owned(), "from"),
        (format!("{EMAIL}, from_ = \"x\""), "from_"),
        (
            "smtp = \"smtps://relay.example\", from = \"nobody\", to = \"a@b.example\"".to_owned(),
            "from",
        ),
        (
            "smtp = \"smtps://relay.example\", from = \"s@a.example\\r\\nBcc: e@evil.example\", to = \"a@b.example\"".to_owned(),
            "from",
        ),
        (format!("smtp = \"smtps://relay.example\", {from}"), "to"),
        (format!("smtp = \"smtps://relay.example\", {from}, to = []"), "to"),
        (format!("smtp = \"smtps://relay.example\", {from}, to = [\"a@b.example\", \"b\"]"), "to"),
        (format!("smtp = \"smtps://relay.example\", {from}, to = \"ä@b.example\""), "to"),
        (format!("{EMAIL}, user = \"u\""), "secret_file"),
        (format!("{EMAIL}, secret_file = \"whsec.secret\""), "user"),
    ] {
        let faults = receiver(&format!("email = {{ {lines} }}")).faults();
        let keys: Vec<_> = faults.iter().map(|fault| fault.key.as_str()).collect();
        assert_eq!(keys, [format!("receivers.r.email.{key}")], "{lines}");
    }
    let faults = receiver(&format!(
        "email = {{ {EMAIL} }}\nproxy = \"http://proxy.example\""
    ))
    .faults();
    assert_eq!(faults[0].key, "receivers.r.proxy");
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
