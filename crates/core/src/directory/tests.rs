#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::convert::Infallible;

use super::*;
use crate::alert::{Device, MachineId};
use crate::scan::Reason;
use crate::time::Timestamp;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const C: &str = "cccccccccccccccccccccccccccccccccccccccc";
const E1: &str = "8d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";
const E2: &str = "9d6f1f4e-1b2c-4d3e-8f90-a1b2c3d4e5f6";
const NOW: Timestamp = Timestamp::from_millis(1_793_606_400_000);

fn record(id: &str, name: &str) -> Record {
    Record {
        id: MachineId::parse(id).unwrap(),
        name: Some(name.to_owned()).filter(|name| !name.is_empty()),
        merged_into: None,
        duplicate: false,
        excluded: false,
        onboarding: Some("Onboarded".to_owned()),
        health: Some("Active".to_owned()),
        last_seen: Some(NOW),
        ips: vec!["10.0.0.7".to_owned()],
        external_ip: Some("198.51.100.7".to_owned()),
        aad_id: None,
        tags: None,
        group: None,
        os: None,
    }
}

fn device(text: &str) -> Device {
    let mut device = Device::default();
    for part in text.split_whitespace() {
        let (key, value) = part.split_once('=').unwrap();
        let value = value.to_owned();
        match key {
            "id" => device.machine = MachineId::parse(&value),
            "name" => device.name = Some(value),
            "aad" => device.aad_id = Some(value),
            _ => device.ip = Some(value),
        }
    }
    device
}

/// Resolves against a directory that holds these records and answers whatever it is asked, one question after the
/// other; the resolution, and the questions it took.
fn resolved(device: &Device, records: &[Record]) -> (Resolution, Vec<String>) {
    let mut answers: BTreeMap<Question, Records> = BTreeMap::new();
    let mut asked = Vec::new();
    loop {
        let mut known = |question: &Question| Ok::<_, Infallible>(answers.get(question).cloned());
        match resolve(device, NOW, NOW, &mut known).unwrap() {
            LookupStep::Done(resolution) => return (resolution, asked),
            LookupStep::Ask(question) => {
                asked.push(question.key());
                let hit = |record: &&Record| hits(&question, record);
                answers.insert(
                    question.clone(),
                    Records::of(records.iter().filter(hit).cloned().collect()),
                );
            }
        }
        assert!(asked.len() < 20, "{asked:?}");
    }
}

fn hits(question: &Question, record: &Record) -> bool {
    let name = record.name.clone().unwrap_or_default().to_lowercase();
    match question {
        Question::Machine(id) => record.id == *id,
        Question::Name(wanted) => name == wanted.as_str(),
        Question::Label(label) => name.starts_with(&format!("{label}.")),
        Question::Entra(id) => record.aad_id.as_ref() == Some(&id.to_string()),
        // As loose as can be: by the external address as well.
        Question::Address(ip, _) => record
            .ips
            .iter()
            .chain(&record.external_ip)
            .any(|text| *text == ip.to_string()),
    }
}

/// The first letter of each machine that it is or could be, and what it was found by.
fn told(device_text: &str, records: &[Record]) -> String {
    let letter = |record: &Record| record.id.as_str()[..1].to_owned();
    match resolved(&device(device_text), records).0 {
        Resolution::Machine(by, record) => format!("{} by {by}", letter(&record)),
        Resolution::Barred(_, record, bar) => format!("{} {bar:?}", letter(&record)),
        Resolution::Several(records) => records.iter().map(letter).collect::<Vec<_>>().join("|"),
        Resolution::Nobody => "nobody".to_owned(),
        Resolution::Silent(silence) => silence.code().to_owned(),
    }
}

fn asked(device_text: &str, records: &[Record]) -> Vec<String> {
    resolved(&device(device_text), records).1
}

#[test]
fn the_questions_come_in_their_order_and_stop_where_somebody_is_found() {
    let one = [Record {
        aad_id: Some(E1.to_owned()),
        ..record(A, "ws-1.corp.example")
    }];
    let all = format!("name=WS-1.corp.example aad={E1} ip=10.0.0.7");
    assert_eq!(asked(&format!("id={A} {all}"), &one), [format!("id:{A}")]);
    assert_eq!(asked(&all, &one), ["name:ws-1.corp.example"]);
    assert_eq!(
        asked("name=ws-1 ip=10.0.0.7", &one),
        ["name:ws-1", "label:ws-1"]
    );
    let ip = format!("ip:10.0.0.7@{}", NOW.millis());
    let entra = format!("entra:{E1}");
    assert_eq!(
        asked(&all, &[]),
        [
            "name:ws-1.corp.example",
            "name:ws-1",
            entra.as_str(),
            ip.as_str()
        ]
    );
    assert_eq!(asked("name=ws-1", &[]), ["name:ws-1", "label:ws-1"]);
    assert_eq!(
        asked("ip=198.51.100.7", &one),
        Vec::<String>::new(),
        "a public address is not asked for"
    );
    assert_eq!(
        asked("name=a/b ip=10.0.0.7", &one),
        Vec::<String>::new(),
        "nor one beside a name that is none"
    );
}

#[test]
fn a_name_is_matched_whole_and_ignoring_case() {
    let fleet = [
        record(A, "WS-ENG-04.Corp.example"),
        record(B, "ws-eng-042.corp.example"),
        record(C, "lt-7"),
    ];
    for (device, machine) in [
        ("name=ws-eng-04.corp.example", "a by name"),
        ("name=ws-eng-04", "a by name"),
        ("name=WS-ENG-042", "b by name"),
        ("name=ws-eng", "nobody"),
        ("name=ws-eng-04.other.example", "nobody"),
        ("name=lt-7", "c by name"),
        ("name=lt-7.corp.example", "c by name"),
    ] {
        assert_eq!(told(device, &fleet), machine, "{device}");
    }
}

#[test]
fn several_machines_of_one_name_are_never_one() {
    let twins = [
        record(A, "ws-1.corp.example"),
        record(B, "ws-1.corp.example"),
    ];
    assert_eq!(told("name=ws-1.corp.example", &twins), "a|b");
    assert_eq!(
        told(
            "name=ws-1",
            &[
                record(A, "ws-1.corp.example"),
                record(B, "ws-1.lab.example")
            ]
        ),
        "a|b"
    );
    assert_eq!(
        told(
            "name=ws-1",
            &[record(A, "ws-1"), record(B, "ws-1.lab.example")]
        ),
        "a|b"
    );
    assert_eq!(
        told(
            "name=ws-1.lab.example",
            &[record(A, "ws-1"), record(B, "ws-1.lab.example")]
        ),
        "b by name"
    );
    assert_eq!(told("ip=10.0.0.7", &twins), "a|b");
    assert_eq!(
        told(
            "name=ws-1.corp.example",
            &[twins[0].clone(), twins[0].clone()]
        ),
        "a by name",
        "rows are not machines"
    );
    let many: Vec<Record> = (0..40)
        .map(|n| record(&format!("{n:040x}"), "ws-1.corp.example"))
        .collect();
    assert!(matches!(
        resolved(&device("name=ws-1.corp.example"), &many).0,
        Resolution::Several(_)
    ));
}

#[test]
fn only_what_can_be_scanned_is_counted() {
    let barred = |id, name: &str, word: &str| Record {
        onboarding: Some(word.to_owned()),
        ..record(id, name)
    };
    let excluded = |id| Record {
        excluded: true,
        ..record(id, "ws-1")
    };
    assert_eq!(
        told(
            "name=ws-1",
            &[
                record(A, "ws-1"),
                excluded(B),
                barred(C, "ws-1.x", "CanBeOnboarded")
            ]
        ),
        "a by name"
    );
    assert_eq!(told("name=ws-1", &[excluded(B)]), "b Excluded");
    for word in ["CanBeOnboarded", "unsupported", "InsufficientInfo"] {
        assert_eq!(
            told("name=ws-1", &[barred(A, "ws-1", word)]),
            "a NotOnboarded",
            "{word}"
        );
        assert_eq!(
            told(&format!("id={A}"), &[barred(A, "ws-1", word)]),
            "a NotOnboarded",
            "{word}"
        );
    }
    assert_eq!(
        told("name=ws-1", &[barred(A, "ws-1", "onboarded")]),
        "a by name"
    );
    assert_eq!(
        told(
            "name=ws-1",
            &[Record {
                onboarding: None,
                ..record(A, "ws-1")
            }]
        ),
        "a by name"
    );
    assert_eq!(
        told("name=ws-1", &[excluded(A), excluded(B)]),
        "a|b",
        "a person sees both"
    );
    assert_eq!(
        told("name=ws-1 ip=10.0.0.7", &[excluded(A), record(B, "lt-2")]),
        "a Excluded",
        "the name is the machine"
    );
}

#[test]
fn a_stale_record_stands_for_the_machine_it_was_merged_into() {
    let merged = |id, into: &str| Record {
        merged_into: Some(into.to_owned()),
        ..record(id, "ws-1")
    };
    assert_eq!(
        told(
            &format!("id={A}"),
            &[merged(A, B), merged(B, C), record(C, "ws-9")]
        ),
        "c by id"
    );
    assert_eq!(
        told(
            "name=ws-1",
            &[merged(A, C), merged(B, C), record(C, "ws-1")]
        ),
        "c by name"
    );
    assert_eq!(
        told("name=ws-1", &[merged(A, C), record(C, "ws-9")]),
        "c by name",
        "whatever it is called now"
    );
    assert_eq!(
        told(&format!("id={A}"), &[merged(A, B)]),
        "nobody",
        "the target is gone"
    );
    assert_eq!(
        told(&format!("id={A}"), &[merged(A, B), merged(B, A)]),
        "nobody",
        "a circle"
    );
    assert_eq!(told(&format!("id={A}"), &[merged(A, A)]), "nobody");
    assert_eq!(
        told(&format!("id={A}"), &[merged(A, "ws-2")]),
        "nobody",
        "no id at all"
    );
    let chain: Vec<Record> = (0..9)
        .map(|n| Record {
            merged_into: Some(format!("{:040x}", n + 1)),
            ..record(&format!("{n:040x}"), "x")
        })
        .collect();
    assert_eq!(told(&format!("id={:040x}", 0), &chain), "nobody", "bounded");
    assert_eq!(
        told("name=ws-1", &[merged(A, "ws-2"), record(B, "ws-1")]),
        "b by name",
        "a dead end is not a candidate"
    );
}

#[test]
fn nothing_the_alert_says_may_speak_against_the_machine() {
    let entra = |id, name: &str, aad: &str| Record {
        aad_id: Some(aad.to_owned()),
        ..record(id, name)
    };
    let fleet = [
        entra(A, "ws-1", E1),
        entra(B, "ws-1", E2),
        record(C, "lt-7"),
    ];
    assert_eq!(
        told(&format!("name=ws-1 aad={E2}"), &fleet),
        "b by name",
        "the Entra id tells two of one name apart"
    );
    assert_eq!(
        told(&format!("name=lt-7 aad={E1}"), &fleet),
        "c by name",
        "a record without one does not contradict"
    );
    assert_eq!(
        told(&format!("name=ws-2 aad={E1}"), &fleet),
        "a by entra_id",
        "an id outlives a name"
    );
    assert_eq!(
        told(&format!("name=ws-1 aad={E1}"), &fleet[1..]),
        "nobody",
        "another device of the same name"
    );
    assert_eq!(told("name=ws-1 aad=not-a-guid", &fleet[..1]), "a by name");
    assert_eq!(
        told("name=ws-9 ip=10.0.0.7", &fleet[2..]),
        "nobody",
        "the address has moved on to another machine"
    );
    assert_eq!(
        told(
            "name=lt-7.corp.example ip=10.0.0.7",
            &[record(C, "LT-7.corp.example")]
        ),
        "c by name"
    );
    assert_eq!(told("ip=10.0.0.7", &fleet[2..]), "c by address");
    assert_eq!(
        told(
            "ip=10.0.0.9",
            &[Record {
                external_ip: Some("10.0.0.9".to_owned()),
                ..record(A, "ws-1")
            }]
        ),
        "nobody"
    );
    assert_eq!(
        told(&format!("id={C} name=ws-1"), &fleet),
        "c by id",
        "an id wins over a name"
    );
}

#[test]
fn a_refused_question_is_silence() {
    let mut known = |_: &Question| Ok::<_, Infallible>(Some(Records::refused()));
    let step = resolve(&device("name=ws-1"), NOW, NOW, &mut known).unwrap();
    assert_eq!(
        step,
        LookupStep::Done(Resolution::Silent(NoAnswer::Refused))
    );
}

#[test]
fn silence_stands_in_the_way_of_a_name_but_not_of_an_id() {
    let (named, known) = (device("name=ws-1"), device(&format!("id={A}")));
    for silence in NoAnswer::ALL {
        let silent = Resolution::Silent(*silence);
        assert_eq!(
            (silent.machine(&known), silent.barred(&known)),
            (known.machine.as_ref(), None)
        );
        assert!(silent.looked(&known).notes[0].ends_with("was not checked"));
        assert_eq!(
            (silent.machine(&named), silent.barred(&named)),
            (None, Some(Reason::UnresolvedDevice))
        );
    }
    assert_eq!(
        Resolution::Nobody.barred(&known),
        Some(Reason::NoSuchMachine)
    );
    assert_eq!(
        Resolution::Nobody.barred(&named),
        Some(Reason::UnresolvedDevice)
    );
}

#[test]
fn the_record_of_a_decision_says_what_a_person_needs_to_know() {
    let slow = Record {
        health: Some("Inactive".to_owned()),
        duplicate: true,
        ..record(B, "ws-2.corp.example")
    };
    let found = Resolution::Machine(FoundBy::Id, Box::new(slow.clone()));
    assert_eq!(
        found.looked(&device(&format!("id={A} name=ws-1"))).notes,
        [
            format!("{A} was merged into {B}"),
            "the alert calls it `ws-1`; the directory's name counts".to_owned(),
            "Defender takes it for a possible double of another record".to_owned(),
            "it is `Inactive`: a scan may stay pending for days".to_owned(),
        ]
    );
    assert_eq!(
        found
            .looked(&device(&format!("id={B} name=ws-2")))
            .notes
            .len(),
        2
    );
    let several = Resolution::Several(vec![
        slow,
        Record {
            excluded: true,
            name: None,
            ..record(A, "")
        },
    ]);
    assert_eq!(
        several.looked(&device("name=ws-2")).candidates,
        [
            format!("{B} (ws-2.corp.example, last seen 2026-11-02T08:00:00.000Z, Inactive)"),
            format!("{A} (no name, last seen 2026-11-02T08:00:00.000Z, Active, excluded)"),
        ]
    );
}

#[test]
fn several_rows_of_one_machine_say_together_what_it_is() {
    let rows = vec![
        Record {
            last_seen: None,
            ips: vec!["10.0.0.8".to_owned()],
            tags: Some(vec!["a".to_owned()]),
            ..record(A, "old")
        },
        Record {
            tags: Some(vec!["b".to_owned()]),
            ..record(A, "new")
        },
        Record {
            last_seen: None,
            excluded: true,
            ..record(A, "older")
        },
    ];
    let found = Records::of(rows);
    let [one] = found.records.as_slice() else {
        panic!("{found:?}")
    };
    assert_eq!(
        (one.name.as_deref(), one.ips.len(), one.excluded),
        (Some("new"), 2, true)
    );
    assert_eq!(
        one.tags.as_ref().unwrap(),
        &["a", "b"],
        "a tag protects, whichever row has it"
    );
    assert_eq!(found.machine(), Some(&one.id));
}

#[test]
fn the_facts_of_a_record_are_what_it_says_and_no_more() {
    let facts = Record {
        ips: Vec::new(),
        health: None,
        ..record(A, "ws-1")
    }
    .facts();
    use crate::rules::Reading::{Absent, Present};
    assert_eq!(
        (facts.ips, facts.health, facts.tags),
        (Absent, Absent, Absent)
    );
    assert_eq!(facts.name, Present("ws-1".to_owned()));
}
