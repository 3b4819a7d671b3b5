#![allow(clippy::too_many_lines, reason = "a table of every sentence")]

use super::*;
use crate::directory::Looked;
use crate::person::{Approval, By, Did, Said};
use crate::rules::AtMost;
use crate::scan::{Kind, Mode, Reason};
use crate::time::Timestamp;
use crate::verdict::{Guard, Guarded, Seen};

#[test]
fn the_last_word_of_a_person_ends_the_sentence() {
    let said = |did, words| Why {
        said: Some(Said {
            did,
            by: By::new("anna", words),
            at_once: false,
        }),
        ..Why::default()
    };
    assert_eq!(
        said(Did::Approved, Some("INC-7")).sentence(
            Reason::New,
            Some("high"),
            Some(Kind::Full),
            "lt-042"
        ),
        "rule `high` asks for a full scan; it is sent in its turn; approved by anna (INC-7)"
    );
    assert_eq!(
        said(Did::Denied, None).sentence(Reason::Denied, Some("high"), Some(Kind::Quick), "lt-042"),
        "rule `high` asks for a quick scan; a person decided against it; `scanhook retry` holds it again; denied by anna"
    );
}

fn noon() -> Timestamp {
    Timestamp::parse("2026-11-02T12:00:00Z").unwrap_or_default()
}

fn seen(field: &str, value: Option<&str>, unknown: bool) -> Seen {
    Seen {
        field: field.to_owned(),
        value: value.map(str::to_owned),
        unknown,
    }
}

fn guarded(name: &str, how: Guard, at_most: Option<AtMost>) -> Guarded {
    Guarded {
        name: name.to_owned(),
        how,
        at_most,
        people: 1,
        start: None,
        windows: Vec::new(),
    }
}

fn two(how: Guard) -> Vec<Guarded> {
    vec![Guarded {
        people: 2,
        ..guarded("jewels", how, Some(AtMost::Hold))
    }]
}

fn approval(who: &str, words: Option<&str>) -> Approval {
    Approval {
        by: By::new(who, words),
        at: noon(),
    }
}

fn held() -> Why {
    Why {
        until: Some(noon()),
        ..Why::default()
    }
}

/// Every reason with the whole sentence: who or what, the number or the time, and what to do.
fn told() -> Vec<(Reason, Option<Kind>, Why, &'static str)> {
    let high = || vec![seen("severity", Some("high"), false)];
    let (quick, full) = (Some(Kind::Quick), Some(Kind::Full));
    let looked = Looked::default();
    let several = Looked {
        candidates: vec!["ws-1 (Active)".to_owned(), "ws-1.lab (Inactive)".to_owned()],
        ..looked.clone()
    };
    let none = || Why::default();
    vec![
        (
            Reason::Rule,
            None,
            Why {
                seen: high(),
                ..none()
            },
            "rule `r` says that no scan is needed (severity is high); to scan such alerts, change the rule",
        ),
        (
            Reason::NoMatch,
            None,
            none(),
            "no rule matched; a last rule without conditions catches such alerts",
        ),
        (
            Reason::NoMatch,
            None,
            Why {
                seen: vec![
                    seen("rule high: severity", None, true),
                    seen("rule tagged: severity", None, true),
                    seen("rule tagged: device.tags", None, true),
                    seen("rule medium: severity", None, true),
                ],
                ..none()
            },
            "no rule matched; rule `high` and rule `medium` could not be judged, because severity is unknown; rule `tagged` could \
             not be judged, because severity and device.tags are unknown; the alert states no severity, or one off the scale: \
             map it in `[sources.x.map]`, or end the rules with one without conditions",
        ),
        (
            Reason::Protection,
            None,
            Why {
                seen: high(),
                protections: vec![guarded("kiosks", Guard::Hit, Some(AtMost::None))],
                ..none()
            },
            "rule `r` asks for a scan (severity is high), and protection `kiosks` allows none; to scan such devices, change the \
             protection",
        ),
        (
            Reason::Protection,
            full,
            Why {
                protections: vec![
                    guarded("jewels", Guard::Hit, Some(AtMost::Hold)),
                    Guarded {
                        start: Some(noon()),
                        windows: vec!["nights".to_owned()],
                        ..guarded("servers", Guard::Hit, None)
                    },
                ],
                start: Some(noon()),
                windows: vec!["nights".to_owned()],
                ..held()
            },
            "rule `r` asks for a full scan; protection `jewels` holds it for a person, not before 2026-11-02 12:00:00 UTC, for \
             window `nights` of protection `servers`; a person decides until 2026-11-02 12:00:00 UTC: `scanhook approve` or \
             `scanhook deny`",
        ),
        (
            Reason::Protection,
            full,
            Why {
                protections: two(Guard::Hit),
                ..held()
            },
            "rule `r` asks for a full scan; protection `jewels` holds it for two people; two people decide until 2026-11-02 \
             12:00:00 UTC: each with `scanhook approve`, or one with `scanhook deny`",
        ),
        (
            Reason::Protection,
            full,
            Why {
                protections: two(Guard::Hit),
                approvals: vec![approval("anna", Some("INC-7"))],
                ..held()
            },
            "rule `r` asks for a full scan; protection `jewels` holds it for two people; approved by anna (INC-7) at 2026-11-02 \
             12:00:00 UTC; needs one more person until 2026-11-02 12:00:00 UTC: `scanhook approve` or `scanhook deny`",
        ),
        (
            Reason::New,
            full,
            Why {
                protections: two(Guard::Hit),
                approvals: vec![approval("anna", None), approval("bob", None)],
                said: Some(Said {
                    did: Did::Approved,
                    by: By::new("bob", None),
                    at_once: false,
                }),
                ..none()
            },
            "rule `r` asks for a full scan; it is sent in its turn; approved by anna at 2026-11-02 12:00:00 UTC; approved by bob",
        ),
        (
            Reason::Expired,
            full,
            Why {
                protections: two(Guard::Unknown),
                approvals: vec![approval("anna", None)],
                held: Some(Reason::Undecided),
                ..held()
            },
            "rule `r` asks for a full scan; no second person decided while it was held (`undecided`) until 2026-11-02 12:00:00 \
             UTC; approved by anna at 2026-11-02 12:00:00 UTC; `scanhook retry` holds it again",
        ),
        (
            Reason::AwaitsDirectory,
            None,
            held(),
            "Defender's directory is asked which machine `ws-1` is, and then it is decided; decided without an answer from \
             2026-11-02 12:00:00 UTC on",
        ),
        (
            Reason::Approval,
            quick,
            held(),
            "rule `r` asks for a quick scan; its mode is `approve`; a person decides until 2026-11-02 12:00:00 UTC: `scanhook \
             approve` or `scanhook deny`",
        ),
        (
            Reason::Undecided,
            full,
            Why {
                seen: vec![seen("protection jewels: device.tags", None, true)],
                protections: vec![guarded("jewels", Guard::Unknown, None)],
                ..held()
            },
            "rule `r` would win, but protection `jewels` could not be judged (protection jewels: device.tags is unknown); a \
             person decides until 2026-11-02 12:00:00 UTC: `scanhook approve` or `scanhook deny`",
        ),
        (
            Reason::Limit,
            full,
            Why {
                limit: Some((50, 50)),
                limit_per: Some(3600),
                ..held()
            },
            "rule `r` asks for a full scan; rule `r` has begun 50 of the 50 scans that its limit allows in 1h; a person decides \
             until 2026-11-02 12:00:00 UTC: `scanhook approve` or `scanhook deny`",
        ),
        (
            Reason::Limit,
            full,
            Why {
                limit: Some((300, 300)),
                limit_per: Some(3600),
                limit_of_tenant: true,
                ..held()
            },
            "rule `r` asks for a full scan; the tenant has begun 300 of the 300 scans that its limit allows in 1h; a person \
             decides until 2026-11-02 12:00:00 UTC: `scanhook approve` or `scanhook deny`",
        ),
        (
            Reason::UnresolvedDevice,
            full,
            Why {
                directory: Some(looked),
                ..held()
            },
            "rule `r` asks for a full scan; Defender's directory knows no machine that `ws-1` could be, and none is guessed; a \
             person decides until 2026-11-02 12:00:00 UTC: `scanhook approve --machine ID` or `scanhook deny`",
        ),
        (
            Reason::AmbiguousDevice,
            full,
            Why {
                directory: Some(several),
                ..held()
            },
            "rule `r` asks for a full scan; `ws-1` could be each of ws-1 (Active) and ws-1.lab (Inactive), and none is guessed; a \
             person decides until 2026-11-02 12:00:00 UTC: `scanhook approve --machine ID` or `scanhook deny`",
        ),
        (
            Reason::SourceRemoved,
            None,
            none(),
            "the alert's source was taken out of the configuration before it could be decided; put the source back, then \
             `scanhook retry`",
        ),
        (
            Reason::New,
            quick,
            none(),
            "rule `r` asks for a quick scan; it is sent in its turn",
        ),
        (
            Reason::New,
            quick,
            Why {
                protections: vec![guarded("vdi", Guard::Hit, Some(AtMost::Quick))],
                start: Some(noon()),
                windows: vec!["nights".to_owned()],
                ..none()
            },
            "rule `r` asks for a full scan; protection `vdi` makes it a quick one; it waits, not before 2026-11-02 12:00:00 UTC, \
             for window `nights` of rule `r`",
        ),
        (
            Reason::New,
            full,
            Why {
                behind: Some(("01a1".to_owned(), Kind::Quick)),
                ..none()
            },
            "rule `r` asks for a full scan; it waits for the end of the quick scan 01a1 of this machine",
        ),
        (
            Reason::New,
            full,
            Why {
                mode: Some(Mode::DryRun),
                ..none()
            },
            "rule `r` asks for a full scan; it is a dry run: nothing is sent; `mode = \"enforce\"` sends it",
        ),
        (
            Reason::Merged,
            quick,
            none(),
            "rule `r` asks for a quick scan; a scan of this machine was waiting and takes the alert along",
        ),
        (
            Reason::Running,
            quick,
            none(),
            "rule `r` asks for a quick scan; one as strong is under way and answers",
        ),
        (
            Reason::Cooldown,
            quick,
            Why {
                cooled_by: Some(noon()),
                ..none()
            },
            "rule `r` asks for a quick scan; one as strong ended at 2026-11-02 12:00:00 UTC, within the cool-down",
        ),
        (
            Reason::Foreign,
            quick,
            none(),
            "rule `r` asks for a quick scan; somebody else's scan of this machine covers it",
        ),
        (
            Reason::Expired,
            quick,
            Why {
                held: Some(Reason::Limit),
                ..held()
            },
            "rule `r` asks for a quick scan; nobody decided while it was held (`limit`) until 2026-11-02 12:00:00 UTC; `scanhook \
             retry` holds it again",
        ),
        (
            Reason::Denied,
            quick,
            none(),
            "rule `r` asks for a quick scan; a person decided against it; `scanhook retry` holds it again",
        ),
        (
            Reason::TooOld,
            quick,
            none(),
            "rule `r` asks for a quick scan; it was too old (`max_age`) before it could be sent; `scanhook retry` decides it again, \
             a longer `max_age` lets the next one wait",
        ),
        (
            Reason::NoSuchMachine,
            quick,
            none(),
            "rule `r` asks for a quick scan; Defender does not know the machine; `scanhook retry` asks the directory again",
        ),
        (
            Reason::Unsupported,
            quick,
            none(),
            "rule `r` asks for a quick scan; Defender cannot scan the machine; onboard the machine, then `scanhook retry`",
        ),
        (
            Reason::Excluded,
            quick,
            none(),
            "rule `r` asks for a quick scan; somebody has excluded the machine at Defender; take the exclusion back at Defender, \
             then `scanhook retry`",
        ),
    ]
}

#[test]
fn every_reason_says_who_or_what_when_and_what_to_do() {
    let told = told();
    for (reason, kind, why, sentence) in &told {
        let rule = (!matches!(reason, Reason::NoMatch)).then_some("r");
        assert_eq!(
            why.sentence(*reason, rule, *kind, "ws-1"),
            *sentence,
            "{reason}"
        );
    }
    for reason in Reason::ALL {
        assert!(
            told.iter().any(|(told, ..)| told == reason),
            "{reason} is told nowhere"
        );
    }
}

#[test]
fn a_record_of_an_earlier_version_is_still_told() {
    let old = r#"{"protections":[{"name":"jewels","how":"hit"}],"limit":[2,2]}"#;
    let why: Why = serde_json::from_str(old).unwrap_or_default();
    let said = why.sentence(Reason::Protection, Some("r"), Some(Kind::Full), "ws-1");
    assert!(
        said.contains(
            "protection `jewels` holds it for a person; a person decides: `scanhook approve`"
        ),
        "{said}"
    );
    let said = why.sentence(Reason::Limit, Some("r"), Some(Kind::Full), "ws-1");
    assert!(
        said.contains("has begun 2 of the 2 scans that its limit allows;"),
        "{said}"
    );
}
