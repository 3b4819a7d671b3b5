//! What the documents and the shipped files say, held against the program: the policy passes its own tests, every
//! stable code is explained, snippets load, links lead somewhere.

mod pages;
mod recipes;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use regex::Regex;
use scanhook::api::Receipt;
use scanhook::api::refusals;
use scanhook::defender::token::ClaimFault;
use scanhook::in_force::SourceBinding;
use scanhook::intake::accept;
use scanhook::journal::{
    BackupError, CopyRefusal, Ids, Job, JournalError, OpenError, Refusal, Store, Tx,
};
use scanhook::policy::{Ceiling, Checked, Policy, PolicyError, PolicyQuestion, Terms};
use scanhook::presets;
use scanhook::server::refusal::{AccessError, CommandError};
use scanhook::settings::{Flags, Inputs, Settings, SettingsFault, Source};
use scanhook_core::alert::{AlertReason, AlertState, Note};
use scanhook_core::mapping::{self, Item};
use scanhook_core::rules::{Facts, Finding, Protected, render};
use scanhook_core::scan::{DecisionState, Mode, Outcome, Reason, ScanState};
use scanhook_core::signature::{self, Authentication, Check, Encoding, Key, Moment, ProvenRequest};
use scanhook_core::strict_json::{self, JsonFault};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::Asks;

use crate::credentials::Keys;
use crate::harness::Authority;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn shipped() -> Checked {
    match Policy::load(&root().join("rules.toml")) {
        Ok(checked) => checked,
        Err(PolicyError::Unreadable(path, error)) => panic!("{}: {error}", path.display()),
        Err(PolicyError::Faulty(_, text, findings)) => {
            panic!("{}", render(&findings, "rules.toml", &text, false))
        }
    }
}

fn every_preset() -> Vec<Source> {
    presets::names()
        .map(|name| Source::of_preset(name).unwrap())
        .collect()
}

#[test]
fn the_shipped_policy_passes_its_own_tests_without_a_lint() {
    let Checked { policy, lints } = shipped();
    assert_eq!(lints, []);
    assert_eq!(policy.rules().unknown_severity(), None);
    for test in policy.rules().tests() {
        assert_eq!(
            policy.test(test, root(), &every_preset()).failures,
            Vec::<String>::new(),
            "{}",
            test.name
        );
    }
}

/// Its own tests need no file beside it; these show that it reads what senders really send.
#[test]
fn the_shipped_policy_decides_captured_deliveries_as_their_readers_would() {
    let captured = |source: &str, expect: &str| {
        format!(
            "\n[[test]]\nname = \"captured {source}\"\nsource = \"{source}\"\npayload_file = \"tests/payloads/{source}.json\"\nexpect = {{ {expect} }}\n"
        )
    };
    let more = [
        captured(
            "sentinel-incident",
            "rule = \"credential theft\", scan = \"full\", priority = 95, comment_contains = \"alert 3212\"",
        ),
        captured(
            "defender-alert",
            "rule = \"malware at medium\", scan = \"quick\", priority = 60",
        ),
        captured(
            "generic",
            "rule = \"ransomware\", scan = \"full\", priority = 95",
        ),
    ];
    let checked = Policy::parse(format!("{}{}", shipped().policy.text(), more.concat()));
    let policy = checked
        .unwrap_or_else(|(text, findings)| {
            panic!("{}", render(&findings, "rules.toml", &text, false))
        })
        .policy;
    let captured = policy
        .rules()
        .tests()
        .iter()
        .filter(|test| test.name.starts_with("captured "));
    let ran: Vec<_> = captured
        .map(|test| policy.test(test, root(), &every_preset()).failures)
        .collect();
    assert_eq!(ran, vec![Vec::<String>::new(); 3]);
}

#[test]
fn each_rule_of_the_shipped_policy_is_reached_by_a_test() {
    let policy = shipped().policy;
    let expected = policy.rules().tests().iter().flat_map(|test| &test.steps);
    let reached: BTreeSet<&str> = expected
        .filter_map(|step| step.expect.rule.as_deref())
        .collect();
    assert_eq!(reached, policy.rules().names().collect());
    let tests = policy.rules().tests().iter();
    let ran: BTreeSet<String> = tests
        .flat_map(|test| policy.test(test, root(), &every_preset()).won)
        .collect();
    assert_eq!(policy.rules().untested(ran.iter().map(String::as_str)), []);
    let protected: BTreeSet<&str> = policy
        .rules()
        .tests()
        .iter()
        .flat_map(|test| &test.steps)
        .flat_map(|step| match &step.expect.protect {
            Some(Protected::By(name)) => vec![name.as_str()],
            Some(Protected::Exactly(names)) => names.iter().map(String::as_str).collect(),
            None => Vec::new(),
        })
        .collect();
    assert_eq!(protected, policy.rules().protections().collect());
}

#[test]
fn the_shipped_policy_sends_nothing_until_its_owner_says_so() {
    let policy = shipped().policy;
    let source = Source::of_preset("generic").unwrap();
    let terms = Terms {
        ceiling: Ceiling::AtMost(Mode::Enforce),
        limit: None,
    };
    for severity in ["informational", "low", "medium", "high", "critical", "odd"] {
        let body = format!(
            r#"{{"alert_id":"1","title":"ransomware","severity":"{severity}","device_name":"lt-042"}}"#
        );
        let json = strict_json::read(body.as_bytes()).unwrap();
        for item in mapping::read(&source.mapping, source.caps, &json, &[0; 24]) {
            let alert = item.alert();
            for facts in [Facts::NotAsked, Facts::Silent] {
                let (device, at) = (&alert.devices[0], Timestamp::default());
                let tenant = "default";
                let question = PolicyQuestion {
                    source: &source,
                    tenant,
                    terms,
                    alert,
                    device,
                    facts,
                    body: Some(&json),
                    at,
                    memo: None,
                };
                match policy.decide(question).asks {
                    Asks::Nothing(_) | Asks::Resolve(_) => {}
                    Asks::Hold(_, wanted) | Asks::Scan(wanted) => {
                        assert_eq!(wanted.mode, Mode::DryRun, "{severity}")
                    }
                }
            }
        }
    }
}

fn text(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The rows of the one table below a heading, cell by cell; the code of each stands first, in backticks.
pub fn rows(file: &str, heading: &str) -> Vec<Vec<String>> {
    let text = text(file);
    let below = text
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("{file} has no {heading}"))
        .1;
    let section = below.split("\n## ").next().unwrap();
    let cells = |line: &str| {
        line.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(cells);
    rows.map(|mut row| {
        row[0] = row[0].trim_matches('`').to_owned();
        assert!(
            row.iter().all(|cell| !cell.is_empty()),
            "{file}, {heading}: {row:?}"
        );
        row
    })
    .collect()
}

/// The codes of those rows, in their order.
fn codes(file: &str, heading: &str) -> Vec<String> {
    rows(file, heading)
        .into_iter()
        .map(|mut row| row.remove(0))
        .collect()
}

#[test]
fn every_answer_to_a_sender_or_an_operator_is_explained_in_the_programs_own_words() {
    for (heading, known) in [
        ("Answers to senders", refusals::ALL),
        ("Answers to operators", CommandError::ALL),
        ("Access", AccessError::ALL),
    ] {
        let rows = rows("docs/errors.md", heading);
        let known = known.iter().map(|row| {
            [row.code, row.status.as_str(), row.meaning, row.remedy]
                .map(str::to_owned)
                .to_vec()
        });
        assert_eq!(rows, known.collect::<Vec<_>>(), "{heading}");
    }
}

#[test]
fn every_code_of_the_reader_and_of_both_files_is_explained_in_the_programs_own_words() {
    let json: Vec<_> = JsonFault::ALL
        .iter()
        .map(|fault| (fault.code(), fault.meaning()))
        .collect();
    for (heading, known) in [
        ("Bodies that are not strict JSON", json.as_slice()),
        ("scanhook.toml", SettingsFault::CODES),
        ("rules.toml", Finding::CODES),
    ] {
        let rows = rows("docs/errors.md", heading);
        let said: Vec<_> = rows
            .iter()
            .map(|row| (row[0].as_str(), row[1].as_str()))
            .collect();
        assert_eq!(said, known, "{heading}");
        assert!(
            rows.iter().all(|row| row.len() == 3),
            "{heading}: a code without a remedy"
        );
    }
}

#[test]
fn every_way_the_journal_fails_is_explained() {
    let path = || "PATH".into();
    let message = || "MESSAGE".to_owned();
    let closed = [
        OpenError::InUse(path()),
        OpenError::Lost(path()),
        OpenError::Newer { found: 2, known: 1 },
        OpenError::Foreign,
        OpenError::Simulated(path()),
        OpenError::Real(path()),
        OpenError::Moved {
            path: path(),
            place: "PLACE".to_owned(),
        },
        OpenError::NotDurable,
        OpenError::Io {
            path: path(),
            message: message(),
        },
        OpenError::Sqlite(message()),
    ];
    assert_eq!(
        codes("docs/errors.md", "The journal does not open"),
        closed.map(|error| error.to_string())
    );
    let failed = [
        JournalError::Full,
        JournalError::TooLarge,
        JournalError::Busy,
        JournalError::Conflict(""),
        JournalError::Gone,
        JournalError::TooSlow,
        JournalError::Away(message()),
        JournalError::Unanswered(message()),
        JournalError::Newer(2),
        JournalError::Deposed,
        JournalError::ClockOff(0),
        JournalError::Broken(message()),
    ];
    assert_eq!(
        codes("docs/errors.md", "The journal while it runs"),
        failed.map(|error| error.code())
    );
    let copies = [
        BackupError::Missing(path()),
        BackupError::Exists(path()),
        BackupError::Unfinished(path()),
        BackupError::Damaged {
            path: path(),
            found: message(),
        },
        BackupError::Occupied {
            found: path(),
            journal: path(),
        },
        BackupError::Served(path()),
        BackupError::OnlyPlayed(path()),
    ];
    assert_eq!(
        codes("docs/errors.md", "Backup and restore"),
        copies.map(|error| error.code().unwrap())
    );
    let refused = [
        Refusal::Unreachable(message()),
        Refusal::Password {
            user: message(),
            says: message(),
        },
        Refusal::Certificate {
            host: message(),
            says: message(),
        },
        Refusal::TooOld(message()),
        Refusal::ReadOnly,
        Refusal::Encoding(message()),
        Refusal::NotInitialised,
        Refusal::NoDescription,
        Refusal::Newer { found: 2, known: 1 },
        Refusal::Older { found: 1, known: 2 },
        Refusal::Unmigrated { found: 1, known: 2 },
        Refusal::Rights {
            role: message(),
            may: message(),
            table: message(),
        },
        Refusal::NotDurable {
            name: message(),
            value: message(),
            wanted: "on",
        },
        Refusal::Session(message()),
        Refusal::Other(message()),
    ];
    assert_eq!(
        codes("docs/errors.md", "A database that is not used as a journal"),
        refused.map(|refusal| refusal.code())
    );
    let not_copied = [
        CopyRefusal::Source(OpenError::InUse(path())),
        CopyRefusal::Source(OpenError::Moved {
            path: path(),
            place: message(),
        }),
        CopyRefusal::Unreadable(message()),
        CopyRefusal::Filled("scan"),
        CopyRefusal::NotOwner {
            role: message(),
            table: message(),
        },
        CopyRefusal::Differs("scan"),
        CopyRefusal::Unanswered(message()),
        CopyRefusal::Unmarked(message()),
    ];
    assert_eq!(
        codes("docs/errors.md", "A journal that is not copied"),
        not_copied.map(|refusal| refusal.code())
    );
}

#[test]
fn every_fault_of_a_token_is_explained() {
    let text = String::new;
    let faults = [
        ClaimFault::WrongAudience {
            wanted: text(),
            found: text(),
        },
        ClaimFault::WrongTenant {
            wanted: text(),
            found: text(),
        },
        ClaimFault::NoScanRole { found: text() },
        ClaimFault::NoReadRole,
        ClaimFault::NoAlertRole,
        ClaimFault::Unreadable,
    ];
    let explained = rows("docs/errors.md", "A tenant that stops");
    assert!(explained.len() >= faults.len());
    for (fault, row) in faults.iter().zip(&explained) {
        assert_eq!(fault.code(), row[0]);
        assert_eq!(
            fault.stops(),
            !row[1].contains("a note") && !row[1].contains("A note"),
            "{}",
            row[0]
        );
    }
}

/// Codes that stand in the code one by one have no list to compare with; but none is explained that does not exist.
#[test]
fn no_code_of_the_far_side_is_explained_that_does_not_exist() {
    let sources = [
        "src/defender/action.rs",
        "src/defender/claims.rs",
        "src/defender/client.rs",
        "src/defender/failure.rs",
        "src/defender/reply.rs",
        "src/defender/token.rs",
        "src/defender/token_error.rs",
        "src/defender/file_trouble.rs",
        "src/defender/acquisition.rs",
        "src/defender/identity.rs",
        "src/worker/follow.rs",
        "src/worker/conclude.rs",
        "src/worker/list_match.rs",
        "src/worker/give_up.rs",
        "src/worker/final_status.rs",
        "src/worker/silence.rs",
        "src/worker/look_answer.rs",
    ]
    .into_iter()
    .chain([
        "src/worker/by_id.rs",
        "src/worker/scan.rs",
        "src/worker/scan_answer.rs",
        "src/worker/not_executed.rs",
        "src/worker/meet.rs",
        "src/defender/trusted_body.rs",
        "src/worker/backoff.rs",
        "src/worker/token.rs",
        "src/worker/stops.rs",
        "src/worker/answer.rs",
        "src/worker/outage.rs",
        "src/worker/resolve.rs",
        "src/worker/cancel.rs",
        "src/worker/blocked.rs",
        "src/worker/by_id.rs",
        "src/worker/moved.rs",
        "src/worker/person.rs",
        "src/worker/twin.rs",
        "src/journal/held.rs",
        "src/journal/cancel.rs",
    ])
    .chain([
        "src/journal/approvals.rs",
        "src/journal/pauses.rs",
        "src/journal/retry.rs",
        "src/journal/make_again.rs",
        "crates/core/src/scan.rs",
    ])
    .map(text)
    .collect::<String>();
    for (file, heading) in [
        ("docs/errors.md", "A tenant that stops"),
        ("docs/errors.md", "Calls without an answer that counts"),
        ("docs/errors.md", "Alarms"),
        ("docs/reasons.md", "What else happens to a scan"),
        ("docs/reasons.md", "What else happens to a decision"),
    ] {
        let codes = codes(file, heading);
        assert!(!codes.is_empty());
        for code in codes {
            assert!(
                sources.contains(&format!("\"{code}\"")),
                "{heading}: {code}"
            );
        }
    }
}

#[test]
fn every_state_reason_and_outcome_says_whether_it_scans_and_whose_move_it_is() {
    fn known<T: Copy>(all: &[T], code: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().map(|one| code(*one)).collect()
    }
    for (heading, known) in [
        (
            "States of an alert",
            known(AlertState::ALL, AlertState::code),
        ),
        (
            "Reasons of an alert",
            known(AlertReason::ALL, AlertReason::code),
        ),
        (
            "States of a decision",
            known(DecisionState::ALL, DecisionState::code),
        ),
        ("Reasons of a decision", known(Reason::ALL, Reason::code)),
        ("States of a scan", known(ScanState::ALL, ScanState::code)),
        ("Outcomes of a scan", known(Outcome::ALL, Outcome::code)),
    ] {
        assert_eq!(codes("docs/reasons.md", heading), known, "{heading}");
        let rows = rows("docs/reasons.md", heading);
        assert!(rows.iter().all(|row| row.len() == 4), "{heading}: {rows:?}");
    }
}

#[test]
fn every_note_of_an_alert_is_explained_in_the_programs_own_words() {
    let rows = rows("docs/reasons.md", "Notes of an alert");
    let said: Vec<_> = rows
        .iter()
        .map(|row| (row[0].as_str(), row[1].as_str()))
        .collect();
    let known: Vec<_> = Note::ALL
        .iter()
        .map(|note| (note.code(), note.meaning()))
        .collect();
    assert_eq!(said, known);
}

/// The fenced blocks of a document: what stands behind the fence, and the text.
fn blocks(file: &str) -> Vec<(String, String)> {
    let text = text(file);
    let mut blocks = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(kind), None) => open = Some((kind.to_owned(), String::new())),
            (None, Some((_, block))) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "{file}: a block does not end");
    blocks
}

/// A policy from a document, with the files of its lists, which stand in the document as well.
fn policy(file: &str, rules: &str) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    for (kind, block) in blocks(file) {
        if let Some(list) = kind.strip_prefix("text ") {
            let path = folder.path().join(list);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, block).unwrap();
        }
    }
    let path = folder.path().join("rules.toml");
    fs::write(&path, rules).unwrap();
    match Policy::load(&path) {
        Ok(checked) => checked,
        Err(PolicyError::Unreadable(path, error)) => panic!("{}: {error}", path.display()),
        Err(PolicyError::Faulty(_, text, findings)) => {
            panic!("{file}: {}", render(&findings, "snippet", &text, false))
        }
    }
}

/// What the reader suggests for a word that is none, which is every word it knows.
fn known_instead_of(rules: &str) -> Vec<String> {
    let findings = Policy::parse(format!("version = 1\n{rules}"))
        .map(|_| ())
        .unwrap_err()
        .1;
    let remedy = findings[0].remedy.clone().unwrap();
    remedy
        .split_once("nown: ")
        .unwrap()
        .1
        .split(", ")
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_operator_and_field_of_the_rules_has_an_example_that_is_tested() {
    let mut seen = String::new();
    for (kind, block) in blocks("docs/rules.md") {
        if kind == "toml" && block.starts_with("# rules.toml") {
            let checked = policy("docs/rules.md", &block);
            let rules = checked.policy.rules();
            let ran = rules
                .tests()
                .iter()
                .map(|test| checked.policy.test(test, root(), &every_preset()));
            let won: BTreeSet<String> = ran.flat_map(|ran| ran.won).collect();
            assert_eq!(
                rules.untested(won.iter().map(String::as_str)),
                [],
                "{block}"
            );
            seen += &block;
        }
    }
    // A place in the raw body may hold anything, so every operator is for it.
    let wrong = "[[rule]]\nname = \"r\"\nscan = \"full\"\nwhen = { \"/x\".xxxxxxxx = 1 }\n";
    let operators = known_instead_of(wrong);
    assert!(operators.len() > 10);
    for operator in operators {
        assert!(
            Regex::new(&format!(r"[ .]{operator} = "))
                .unwrap()
                .is_match(&seen),
            "no example of {operator}"
        );
    }
    let documented = text("docs/rules.md");
    for field in known_instead_of(&wrong.replace("\"/x\".xxxxxxxx", "xxxxxxxx")) {
        assert!(
            documented.contains(&format!("`{field}`")),
            "{field} is not explained"
        );
    }
}

/// The certificates and keys that a document names, all of one pair.
fn write_certificates(folder: &Path, config: &str) {
    let authority = Authority::new();
    let (certificate, key) = authority.issue(&["localhost"], |_| {});
    fs::create_dir_all(folder.join("tls")).unwrap();
    for file in Regex::new("tls/[a-z.-]+").unwrap().find_iter(config) {
        let text = match file.as_str() {
            name if name.contains("key") => &key,
            name if name.contains("ca.") => &authority.pem(),
            _ => &certificate,
        };
        let path = folder.join(file.as_str());
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
}

/// A file of a document in its folder, with the secrets it names.
fn put(folder: &Path, name: &str, config: &str) {
    fs::create_dir_all(folder.join("secrets")).unwrap();
    let keys = LazyLock::new(Keys::new);
    for (n, secret) in Regex::new("secrets/[a-z.-]+")
        .unwrap()
        .find_iter(config)
        .enumerate()
    {
        let path = folder.join(secret.as_str());
        // Those of Standard Webhooks are base64.
        let text = format!("the secret of this document, number {n}\n");
        let text = match path.extension().and_then(|end| end.to_str()) {
            Some("whsec") => format!("whsec_{}", BASE64.encode(text)),
            Some("pem") => keys.certificate(2035),
            Some("key") => keys.private_pem(),
            Some("url") => "https://hooks.example/in".to_owned(),
            _ => text,
        };
        fs::write(&path, text).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    }
    write_certificates(folder, config);
    fs::write(folder.join(name), config).unwrap();
}

/// A configuration from a document, with the secrets it names and the files that it includes.
fn load(config: &str, included: &[(String, String)]) -> Result<Settings, Vec<SettingsFault>> {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "scanhook.toml", config);
    for (name, text) in included {
        put(&folder.path().join("tenants"), name, text);
    }
    let file = folder.path().join("scanhook.toml");
    // A part of a file may leave out the tenant.
    let flags = Flags {
        simulate: true,
        ..Flags::default()
    };
    Settings::load(&Inputs {
        file: Some(file),
        flags,
        ..Inputs::default()
    })
}

/// The files of tenants in a document, by the name in their first line.
fn included(file: &str) -> Vec<(String, String)> {
    let named = |block: &str| {
        let name = block.strip_prefix("# tenants/")?.lines().next()?.to_owned();
        Some((name, block.to_owned()))
    };
    blocks(file)
        .iter()
        .filter(|(kind, _)| kind == "toml")
        .filter_map(|(_, block)| named(block))
        .collect()
}

#[test]
fn every_snippet_of_the_two_files_loads() {
    let mut seen = [0; 3];
    for file in documents() {
        for (kind, block) in blocks(&file) {
            if kind == "toml" && block.starts_with("# scanhook.toml") {
                let settings = load(&block, &included(&file))
                    .unwrap_or_else(|faults| panic!("{file}: {faults:?}"));
                assert_eq!(settings.warnings, Vec::<String>::new(), "{file}");
                seen[0] += 1;
            } else if kind == "toml" && block.starts_with("# tenants/") {
                // Loaded with the scanhook.toml that includes it.
            } else if kind == "toml" && block.starts_with("# rules.toml") {
                let checked = policy(&file, &block);
                assert_eq!(checked.lints, [], "{file}");
                assert_eq!(
                    checked.policy.rules().unknown_severity(),
                    None,
                    "{file}: {block}"
                );
                for test in checked.policy.rules().tests() {
                    let ran = checked.policy.test(test, root(), &every_preset());
                    assert_eq!(ran.failures, Vec::<String>::new(), "{file}: {}", test.name);
                }
                seen[1] += 1;
            } else if kind == "json generic" {
                let source = Source::of_preset("generic").unwrap();
                let json = strict_json::read(block.as_bytes()).unwrap();
                let items = mapping::read(&source.mapping, source.caps, &json, &[0; 24]);
                let [Item::Alert(alert)] = items.as_slice() else {
                    panic!("{file}: {items:?}")
                };
                assert!(
                    alert.severity.is_some() && !alert.id_derived && alert.unusable.is_empty(),
                    "{file}"
                );
                assert!(
                    alert.devices.iter().all(|device| device.machine.is_some()),
                    "{file}"
                );
                seen[2] += 1;
            } else {
                assert_ne!(
                    kind, "toml",
                    "{file}: says neither which file it is nor is held against the program"
                );
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "{seen:?}");
}

/// The documents, from the top of the repository.
fn documents() -> Vec<String> {
    let markdown = |folder: &str| {
        let files = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().file_name());
        let names = files.map(|name| format!("{folder}{}", name.to_str().unwrap()));
        names
            .filter(|name| name.ends_with(".md"))
            .collect::<Vec<_>>()
    };
    let folders = ["", "docs/", "docs/sources/", "docs/start/"];
    let all = folders.map(markdown).concat();
    assert!(all.len() > 5, "{all:?}");
    all
}

/// A heading as it stands in a link: letters and digits in lower case, `-` for a blank.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| {
        if c == ' ' {
            '-'
        } else {
            c.to_ascii_lowercase()
        }
    })
    .collect()
}

#[test]
fn every_link_inside_the_repository_leads_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    for file in documents() {
        let folder = Path::new(&file).parent().unwrap();
        for found in link.captures_iter(&text(&file)) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (path, place) = target.split_once('#').unwrap_or((target, ""));
            let path = if path.is_empty() {
                Path::new(&file).to_owned()
            } else {
                folder.join(path)
            };
            assert!(root().join(&path).exists(), "{file}: {target}");
            if !place.is_empty() {
                let text = text(path.to_str().unwrap());
                let headings = text
                    .lines()
                    .filter_map(|line| line.split_once("# "))
                    .filter(|(hashes, _)| hashes.bytes().all(|b| b == b'#'));
                let anchors: Vec<_> = headings.map(|(_, heading)| anchor(heading)).collect();
                assert!(
                    anchors.iter().any(|anchor| anchor == place),
                    "{file}: {target} is none of {anchors:?}"
                );
            }
        }
    }
}

#[test]
fn every_preset_stands_in_the_table_of_senders_with_its_page() {
    let table = text("docs/sources.md");
    let rows: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("](sources/"))
        .collect();
    let link = Regex::new(r"\]\((sources/[a-z0-9-]+\.md)").unwrap();
    for preset in presets::names() {
        let row = rows
            .iter()
            .find(|row| row.contains(&format!("| `{preset}` |")));
        let row = row.unwrap_or_else(|| panic!("{preset} is not in the table"));
        let page = text(&format!("docs/{}", &link.captures(row).unwrap()[1]));
        assert!(
            page.contains(&format!("`{preset}`")),
            "{preset} is not on its page"
        );
    }
    let pages = documents()
        .into_iter()
        .filter(|file| file.starts_with("docs/sources/"));
    for page in pages {
        let name = page.strip_prefix("docs/").unwrap();
        assert!(
            table.contains(&format!("]({name}")),
            "nothing leads to {page}"
        );
    }
}

#[test]
fn every_page_of_a_sender_says_what_to_enter_how_to_try_it_and_what_errors_do() {
    let pages = documents()
        .into_iter()
        .filter(|file| file.starts_with("docs/sources/"));
    let pages: Vec<_> = pages
        .map(|page| (text(&page), page))
        .filter(|(text, _)| text.contains("## At the sender"))
        .collect();
    assert!(pages.len() >= 12, "{}", pages.len());
    for (text, page) in pages {
        for heading in ["At the sender", "Try it", "Errors and retries"] {
            assert!(
                text.contains(&format!("\n## {heading}\n")),
                "{page}: {heading}"
            );
        }
    }
}

#[test]
fn the_template_for_sentinel_posts_the_incident_with_its_secret_kept_or_with_none() {
    let template: serde_json::Value =
        serde_json::from_str(&text("docs/sources/sentinel-logic-app.json")).unwrap();
    let app = &template["resources"][1]["properties"];
    let post = &app["definition"]["actions"]["Post_the_incident"];
    assert_eq!(post["inputs"]["body"], "@triggerBody()");
    assert_eq!(
        post["inputs"]["headers"]["Content-Type"],
        "application/json"
    );
    assert_eq!(
        post["runtimeConfiguration"]["secureData"]["properties"],
        serde_json::json!(["inputs"])
    );
    let trigger = &app["definition"]["triggers"]["Microsoft_Sentinel_incident"];
    assert_eq!(trigger["inputs"]["path"], "/incident-creation");
    // A 202 with a place to ask again would make the action wait for an end that is not coming.
    assert_eq!(post["operationOptions"], "DisableAsyncPattern");
    let choice = "[if(equals(parameters('Proof'), 'Secret'), variables('BySecret'), variables('ByManagedIdentity'))]";
    assert_eq!(post["inputs"]["authentication"], choice);
    let (secret, identity) = (
        &template["variables"]["BySecret"],
        &template["variables"]["ByManagedIdentity"],
    );
    assert_eq!(secret["value"], "Bearer @{parameters('ScanhookSecret')}");
    assert_eq!(
        (&identity["type"], &identity["audience"]),
        (
            &"ManagedServiceIdentity".into(),
            &"[parameters('ScanhookAudience')]".into()
        )
    );
    assert_eq!(template["parameters"]["ScanhookSecret"]["minLength"], 16);
    for (parameter, kind) in [
        ("ScanhookUrl", "string"),
        ("ScanhookSecret", "securestring"),
    ] {
        assert_eq!(template["parameters"][parameter]["type"], kind);
        assert_eq!(
            app["parameters"][parameter]["value"],
            format!("[parameters('{parameter}')]")
        );
        let inner = app["definition"]["parameters"][parameter]["type"]
            .as_str()
            .unwrap();
        assert_eq!(inner.to_lowercase(), kind);
    }
}

/// The receipt the recommended body gets with the policy of the README.
fn receipt() -> Receipt {
    let mut store = Store::memory(Ids::seeded(1)).unwrap();
    let small = blocks("README.md")
        .into_iter()
        .find(|(_, block)| block.starts_with("# rules.toml"))
        .unwrap()
        .1;
    let policy = policy("README.md", &small).policy;
    let keys = vec![
        Key::new("soar", b"a secret of at least 16 bytes")
            .map_err(|_| "key")
            .unwrap(),
    ];
    let header = http::HeaderName::from_static("x-signature-256");
    let check = Check::hmac(header, "", Encoding::Hex, keys);
    let body = bytes::Bytes::from(text("tests/payloads/generic.json"));
    let mut source = Source::of_preset("generic").unwrap();
    source.auth = Authentication {
        alternatives: vec![vec![check]],
    };
    let now = Timestamp::parse("2026-11-02T08:15:43Z").unwrap();
    let sent =
        ProvenRequest::prove([&source.auth.alternatives[0][0]], body, Moment::at(now)).unwrap();
    let delivery = signature::authenticate(&source.auth, "soar", &sent.headers, sent.body, now);
    let delivery = delivery.map_err(|_| "refused").unwrap();
    let (reply, receipt) = std::sync::mpsc::channel();
    let work = move |tx: &mut Tx<'_>| {
        let id = tx.policy(policy.fingerprint(), &policy.record(), now)?;
        let terms = Terms {
            ceiling: Ceiling::AtMost(Mode::Enforce),
            limit: None,
        };
        let desk = SourceBinding::of_one(source, tx.tenant("default")?, terms);
        tx.accept(&accept(&desk, &policy, id, delivery).unwrap(), now)
    };
    store.commit(vec![Job::new(0, work, move |result| {
        reply.send(result).unwrap()
    })]);
    receipt.recv().unwrap().unwrap()
}

#[test]
fn the_receipt_in_the_readme_is_one_the_program_writes() {
    let shown = blocks("README.md")
        .into_iter()
        .find(|(kind, _)| kind == "json receipt")
        .unwrap()
        .1;
    let mut shown: Receipt = serde_json::from_str(&shown).unwrap();
    let mut written = receipt();
    for receipt in [&mut shown, &mut written] {
        receipt.delivery.clear();
        for decision in receipt
            .alerts
            .iter_mut()
            .flat_map(|alert| &mut alert.decisions)
        {
            decision.id.clear();
            decision.scan_id.as_mut().map(String::clear);
        }
    }
    assert_eq!(
        shown,
        written,
        "{}",
        serde_json::to_string_pretty(&receipt()).unwrap()
    );
}

/// Every file that a source of the program takes in when it is compiled, counted from the root.
fn compiled_in() -> BTreeSet<String> {
    fn walk(folder: &Path, found: &mut BTreeSet<String>) {
        let include = Regex::new(r#"include_(?:str|bytes)!\(\s*"([^"]+)""#).unwrap();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                for named in include.captures_iter(&source) {
                    let file = folder.join(&named[1]).canonicalize();
                    let file = file.unwrap_or_else(|error| panic!("{}: {error}", &named[1]));
                    let file = file.strip_prefix(root()).unwrap();
                    found.insert(file.display().to_string());
                }
            }
        }
    }
    let mut found = BTreeSet::new();
    for folder in ["src", "crates"] {
        walk(&root().join(folder), &mut found);
    }
    found
}

/// An image is built from what .dockerignore lets through, and everything that is compiled in has to be among it.
#[test]
fn an_image_is_built_from_all_that_the_program_is_made_of() {
    let let_through: BTreeSet<_> = text(".dockerignore")
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .map(str::to_owned)
        .collect();
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "askama.toml",
        "benches",
        "crates",
        "src",
        "templates",
        "tests",
    ] {
        assert!(let_through.contains(needed), "{needed} is left out");
        assert!(root().join(needed).exists(), "{needed}");
    }
    let included = compiled_in();
    assert!(included.len() > 20, "{included:?}");
    for file in included {
        let is_there = |kept: &String| Path::new(&file).starts_with(kept);
        assert!(let_through.iter().any(is_there), "{file} is left out");
    }
}
