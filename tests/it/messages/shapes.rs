//! Whatever a message holds, its body has the shape that its receiver documents, and is no larger than it takes. The
//! schemas are written after the vendors' pages: adaptive cards in a Workflows webhook, blocks of Slack, the Events API v2.

use std::collections::BTreeMap;

use jsonschema::Validator;
use scanhook_core::message::{
    AlertNote, DecisionNote, DigestCounts, MachineNote, MessageType, Notice, Particulars,
    PublicUrl, ScanNote, mail, pagerduty, slack, teams,
};
use scanhook_core::scan::{Kind, Outcome};
use scanhook_core::time::Timestamp;
use serde_json::Value;

/// Bytes that Teams takes, and PagerDuty.
const TEAMS: usize = 28 * 1024;
const PAGERDUTY: usize = 512 * 1024;

fn schema(text: &str) -> Validator {
    jsonschema::draft7::new(&serde_json::from_str(text).unwrap()).unwrap()
}

fn fits(schema: &Validator, body: &Value, kind: MessageType) {
    let faults: Vec<String> = schema
        .iter_errors(body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(faults, Vec::<String>::new(), "{kind}");
}

/// A message of this type about 5,000 machines, in which every text is as long and as odd as a sender can make it.
fn largest(kind: MessageType, resolved: bool) -> Notice {
    let long = || "\u{1f480}<!channel>[x](https://evil.example)\r\n\"".repeat(400);
    let at = Timestamp::parse("2026-11-29T05:41:07Z").unwrap();
    let alert = AlertNote {
        source: "siem".to_owned(),
        id: "i".repeat(3_900),
        title: Some(long()),
        url: Some(format!("https://siem.example/{}", "x".repeat(3_900))),
        references: (0..50)
            .map(|n| (format!("kind-{n}"), vec!["y".repeat(900); 50]))
            .collect(),
    };
    let parked: BTreeMap<String, u32> = (0..100)
        .map(|n| (format!("{}/{n}", "s".repeat(200)), n))
        .collect();
    Notice {
        tenant: Some("t".repeat(60)),
        key: long(),
        subject: "s".repeat(250),
        more: 4_999,
        said: Particulars {
            resolved,
            detail: Some(long()),
            who: Some(long()),
            until: Some(at),
            since: Some(at),
            outcome: Some(Outcome::Failed),
            ..Particulars::default()
        },
        scan: Some(ScanNote {
            id: "311".to_owned(),
            kind: Kind::Full,
            outcome: Some(Outcome::Failed),
            detail: Some(long()),
            rule: Some("high".to_owned()),
            sent_at: None,
            ended_at: None,
            action: None,
        }),
        decision: Some(DecisionNote {
            id: "d".repeat(36),
            state: "held".to_owned(),
            reason: "protection".to_owned(),
            rule: Some(long()),
            kind: Some(Kind::Full),
            ends_at: Some(at.to_string()),
            why: long(),
            people: None,
        }),
        machine: Some(MachineNote {
            id: None,
            name: long(),
        }),
        alerts: vec![alert; 10],
        more_alerts: 4_990,
        digest: (kind == MessageType::Digest).then(|| DigestCounts {
            credentials: parked
                .keys()
                .map(|key| (key.clone(), at.to_string()))
                .collect(),
            parked,
            audit_head: Some("a".repeat(64)),
            ..DigestCounts::default()
        }),
        ..Notice::new(kind, at)
    }
}

fn all() -> impl Iterator<Item = Notice> {
    let kinds = MessageType::ALL.iter();
    kinds.flat_map(|kind| [largest(*kind, false), largest(*kind, true)])
}

fn public() -> PublicUrl {
    PublicUrl::parse("https://scanhook.corp.example").unwrap()
}

#[test]
fn a_card_of_teams_is_an_adaptive_card_of_less_than_28_kb_whatever_it_holds() {
    let schema = schema(include_str!("schemas/teams.json"));
    for notice in all() {
        let card = teams(&notice, Some(&public()));
        fits(&schema, &card, notice.kind);
        let size = card.to_string().len();
        assert!(size < TEAMS, "{}: {size} bytes", notice.kind);
    }
}

#[test]
fn a_message_of_slack_has_blocks_within_its_limits_and_no_markup() {
    let schema = schema(include_str!("schemas/slack.json"));
    for notice in all() {
        let body = slack(&notice, Some(&public()));
        fits(&schema, &body, notice.kind);
        let text = body["text"].as_str().unwrap();
        assert!(!text.contains(['<', '>']), "{text}");
    }
}

#[test]
fn an_event_of_pagerduty_has_the_shape_of_the_events_api_and_what_ends_resolves() {
    let schema = schema(include_str!("schemas/pagerduty.json"));
    for notice in all() {
        let event = pagerduty(&notice, &"k".repeat(32), Some(&public()));
        fits(&schema, &event, notice.kind);
        let size = event.to_string().len();
        assert!(size < PAGERDUTY, "{}: {size} bytes", notice.kind);
        let over = notice.said.resolved || notice.kind.is_an_end();
        assert_eq!(event["event_action"] == "resolve", over, "{}", notice.kind);
    }
}

#[test]
fn a_mail_has_a_subject_of_one_short_line_and_is_small() {
    for notice in all() {
        let text = mail(&notice, Some(&public()));
        let subject = &text.subject;
        assert!(
            subject.chars().count() <= 150 && !subject.contains(char::is_control),
            "{subject}"
        );
        assert!(
            text.body.len() < 64 << 10,
            "{}: {}",
            notice.kind,
            text.body.len()
        );
        assert!(!text.body.contains('\r'), "{}", notice.kind);
    }
}
