//! What has to be told because time passes, and what ends: in virtual time.

use std::time::Duration;

use scanhook::journal::{EndingCredential, PauseScope};
use scanhook::policy::Policy;
use scanhook_core::message::{EventSet, MessageType, certificate_key, token_key};
use scanhook_core::person::By;
use scanhook_core::time::Timestamp;
use serde_json::Value;

use super::desk::{Desk, receiver};
use crate::desk::Counter;

const DAY: u64 = 86_400;
const HOUR: u64 = 3_600;

fn types(told: &[Value]) -> Vec<&str> {
    told.iter()
        .map(|body| body["type"].as_str().unwrap())
        .collect()
}

/// A desk whose receiver is told of everything but the day.
fn without_digests() -> Desk {
    let mut desk = Desk::open();
    desk.receivers[0].events = EventSet::parse(&["all".to_owned()]).unwrap();
    desk
}

#[test]
fn a_pause_that_is_still_there_after_a_day_is_told_once_more_and_its_end_by_time_as_well() {
    let mut desk = without_digests();
    let (now, tenant) = (desk.now, desk.tenant);
    let scope = PauseScope {
        tenant: Some(tenant),
        ..PauseScope::default()
    };
    let until = Some(now.plus(Duration::from_secs(2 * DAY)));
    desk.journal(move |tx| tx.pause(&scope, &By::new("anna", Some("freeze")), until, now));
    assert_eq!(types(&desk.told()), ["pause.set"]);
    desk.after(DAY - 1);
    assert!(desk.told().is_empty());
    desk.restarts();
    desk.after(1);
    let still = desk.told();
    assert_eq!(types(&still), ["pause.set"]);
    assert_eq!(
        still[0]["data"]["detail"],
        "It is still in force after a day."
    );
    assert_eq!(still[0]["data"]["by"], "anna");
    desk.after(DAY - 1);
    assert!(desk.told().is_empty(), "once");
    desk.after(1);
    let now = desk.now;
    desk.journal(move |tx| tx.pauses_in_force(tenant, Vec::new(), now));
    let ended = desk.told();
    assert_eq!(types(&ended), ["pause.ended"]);
    assert_eq!(ended[0]["data"]["detail"], "Its time is over.");
    assert_eq!(ended[0]["data"]["subject"], still[0]["data"]["subject"]);
}

#[test]
fn a_pause_that_ended_within_the_day_is_not_told_again() {
    let mut desk = without_digests();
    let now = desk.now;
    desk.journal(move |tx| tx.pause(&PauseScope::default(), &By::new("anna", None), None, now));
    desk.journal(move |tx| tx.resume(&PauseScope::default(), &By::new("ben", None), now));
    assert_eq!(types(&desk.told()), ["pause.set", "pause.ended"]);
    desk.after(2 * DAY);
    assert!(desk.told().is_empty());
}

/// A desk whose rule asks a person about everything, and holds it this long.
fn asking(hold_for: &str) -> (Desk, Counter) {
    let mut desk = Desk::open();
    let mut counter = Counter::new(&mut desk.store);
    let rules = format!(
        "version = 1\n[defaults]\nhold_for = \"{hold_for}\"\n[[rule]]\nname = \"all\"\nscan = \"quick\"\nmode = \"approve\"\n\
         limit = false\nwhen = {{ source.exists = true }}\n"
    );
    let policy = Policy::parse(rules).map_err(|_| "rules").unwrap().policy;
    let (print, text, now) = (
        policy.fingerprint().to_owned(),
        policy.text().to_owned(),
        desk.now,
    );
    counter.id = desk.journal(move |tx| tx.policy(&print, &text, now));
    counter.policy = std::sync::Arc::new(policy);
    (desk, counter)
}

fn hold(desk: &mut Desk, counter: &Counter, n: u64) {
    let (accepted, now) = (counter.alert(n, "high", 0, desk.now), desk.now);
    desk.journal(move |tx| tx.accept(&accepted, now));
}

#[test]
fn holds_are_told_together_an_hour_before_the_first_of_them_ends_and_each_once() {
    let (mut desk, counter) = asking("24h");
    for n in 1..=3 {
        hold(&mut desk, &counter, n);
    }
    desk.after(HOUR / 2);
    hold(&mut desk, &counter, 4);
    assert!(
        types(&desk.told())
            .iter()
            .all(|kind| *kind == "decision.held")
    );
    desk.after(22 * HOUR + HOUR / 2 - 1);
    desk.told();
    assert!(desk.told().is_empty());
    desk.after(1);
    let ending = desk.told();
    assert_eq!(types(&ending), ["hold.ending"]);
    assert_eq!(ending[0]["data"]["more"], 2);
    assert_eq!(ending[0]["data"]["decision"]["state"], "held");
    assert_eq!(ending[0]["data"]["until"], "2026-12-01T05:00:00.000Z");
    desk.restarts();
    desk.after(HOUR / 2 - 1);
    assert!(desk.told().is_empty(), "each once");
    desk.after(1);
    let ending = desk.told();
    assert_eq!(types(&ending), ["hold.ending"]);
    assert_eq!(ending[0]["data"]["more"], 0);
}

#[test]
fn a_hold_that_is_shorter_than_an_hour_is_told_once_with_its_end() {
    let (mut desk, counter) = asking("30m");
    hold(&mut desk, &counter, 1);
    let told = desk.told();
    assert_eq!(types(&told), ["decision.held"]);
    assert!(told[0]["data"]["decision"]["ends_at"].is_string());
    desk.after(600);
    hold(&mut desk, &counter, 2);
    assert_eq!(types(&desk.told()), ["decision.held"]);
}

#[test]
fn a_receiver_that_fails_and_leaves_the_configuration_fails_no_more() {
    let mut desk = Desk::open();
    desk.receivers.push(receiver("soc"));
    desk.told();
    desk.tell(MessageType::SourceSilent, "siem");
    for (id, body) in desk.poll() {
        assert_eq!(body["type"], "source.silent");
        // The first of them is that of `soar`.
        desk.answered(id, if id == 1 { 410 } else { 200 });
    }
    let failing = desk.told();
    assert_eq!(types(&failing), ["receiver.failing"]);
    assert_eq!(failing[0]["data"]["receiver"], "soar");
    desk.receivers.remove(0);
    desk.restarts();
    let over = desk.told();
    assert_eq!(types(&over), ["receiver.failing"]);
    assert_eq!(over[0]["data"]["resolved"], true);
    assert_eq!(over[0]["data"]["subject"], failing[0]["data"]["subject"]);
    assert_eq!(over[0]["data"]["detail"], "It is not configured any more.");
}

#[test]
fn a_credential_is_told_when_two_weeks_a_week_and_a_day_are_left_and_at_its_end() {
    let mut desk = Desk::open();
    let end = desk.now.plus(Duration::from_secs(30 * DAY));
    let (tenant, mut told) = (desk.tenant, Vec::new());
    let credentials = vec![EndingCredential {
        key: certificate_key("tenant/berlin"),
        tenant: Some(tenant),
        until: end,
    }];
    for hour in 0..=31 * 24 {
        let (credentials, now) = (credentials.clone(), desk.now);
        desk.journal(move |tx| tx.tell_ending_credentials(&credentials, now));
        if hour % 7 == 0 {
            desk.restarts();
        }
        for body in desk.told() {
            if body["type"] == "credential.ending" {
                let text = body["data"]["text"].as_str().unwrap().to_owned();
                assert_eq!(body["data"]["credential"], "certificate/tenant/berlin");
                assert_eq!(body["data"]["tenant"], "berlin");
                told.push((hour, text));
            }
        }
        desk.after(HOUR);
    }
    let name = "The certificate of tenant `berlin`";
    let at = end.shown();
    let days = |days: i32| (30 - days) * 24;
    assert_eq!(
        told,
        [
            (
                days(14),
                format!("{name} ends at {at}. Less than 14 days are left.")
            ),
            (
                days(7),
                format!("{name} ends at {at}. Less than 7 days are left.")
            ),
            (
                days(1),
                format!("{name} ends at {at}. Less than a day is left.")
            ),
            (
                days(0),
                format!("{name} ended at {at}. Renew it: what it is for fails.")
            ),
        ]
    );
    let now = desk.now;
    desk.journal(move |tx| tx.tell_ending_credentials(&[], now));
    let renewed = desk.told();
    let renewed: Vec<&Value> = renewed
        .iter()
        .filter(|body| body["type"] == "credential.ending")
        .collect();
    assert_eq!(renewed.len(), 1);
    assert_eq!(renewed[0]["data"]["resolved"], true);
}

#[test]
fn the_digest_of_a_day_comes_at_its_time_and_once() {
    let mut desk = Desk::open();
    desk.after(3 * HOUR - 1);
    assert!(desk.told().is_empty());
    desk.after(1);
    let told = desk.told();
    assert_eq!(types(&told), ["digest"]);
    assert_eq!(told[0]["data"]["digest"]["held"], 0);
    desk.restarts();
    desk.after(60);
    assert!(desk.told().is_empty());
    desk.after(DAY);
    assert_eq!(types(&desk.told()), ["digest"]);
}

/// Over both changes of the clock, and with a restart each half hour.
#[test]
fn a_digest_comes_once_a_day_by_the_clock_on_the_wall() {
    use scanhook_core::message::DigestTime;
    for (from, time, expected) in [
        (
            "2026-03-28T00:00:00Z",
            "02:30",
            [
                "2026-03-28T01:30:00.000Z",
                "2026-03-29T01:30:00.000Z",
                "2026-03-30T00:30:00.000Z",
            ],
        ),
        (
            "2026-10-24T00:00:00Z",
            "02:30",
            [
                "2026-10-24T00:30:00.000Z",
                "2026-10-25T00:30:00.000Z",
                "2026-10-26T01:30:00.000Z",
            ],
        ),
        (
            "2026-10-24T00:00:00Z",
            "08:00",
            [
                "2026-10-24T06:00:00.000Z",
                "2026-10-25T07:00:00.000Z",
                "2026-10-26T07:00:00.000Z",
            ],
        ),
    ] {
        let mut desk = Desk::open();
        desk.now = Timestamp::parse(from).unwrap();
        for receiver in &mut desk.receivers {
            receiver.digest =
                DigestTime::of(DigestTime::time(time), DigestTime::zone("Europe/Berlin"));
        }
        desk.told();
        let mut told = Vec::new();
        for _ in 0..3 * 48 {
            desk.restarts();
            let bodies = desk.told();
            let digests = bodies.iter().filter(|body| body["type"] == "digest");
            told.extend(digests.map(|body| body["timestamp"].as_str().unwrap().to_owned()));
            desk.after(HOUR / 2);
        }
        assert_eq!(told, expected, "{time} after {from}");
    }
}

#[test]
fn a_digest_says_what_somebody_has_to_look_at_and_proves_the_audit() {
    let mut desk = Desk::open();
    let now = desk.now;
    desk.journal(move |tx| tx.pause(&PauseScope::default(), &By::new("anna", None), None, now));
    let tokens = vec![EndingCredential {
        key: token_key("soar"),
        tenant: None,
        until: now.plus(Duration::from_secs(5 * DAY)),
    }];
    desk.journal(move |tx| tx.tell_ending_credentials(&tokens, now));
    for key in ["siem/no-device", "siem/no-device", "soar/bad-field"] {
        desk.tell_of_nobody(MessageType::AlertParked, key);
    }
    let head = desk.audited();
    desk.told();
    // A receiver of one tenant is told of what is that tenant's, and of a pause that holds it as well.
    let mut of_one = receiver("berlin");
    of_one.tenants = Some(vec!["berlin".to_owned()]);
    desk.receivers.push(of_one);
    desk.told();
    desk.after(3 * HOUR);
    let digests: Vec<Value> = desk
        .told()
        .into_iter()
        .filter(|body| body["type"] == "digest")
        .collect();
    assert_eq!(digests.len(), 2);
    let (all, one) = (&digests[0]["data"]["digest"], &digests[1]["data"]["digest"]);
    assert_eq!(all["pauses"], 1);
    assert_eq!(all["audit_head"], head.as_str());
    assert_eq!(
        all["parked"],
        serde_json::json!({ "siem/no-device": 2, "soar/bad-field": 1 })
    );
    assert_eq!(
        all["credentials"],
        serde_json::json!({ "token/soar": "2026-12-05T05:00:00.000Z" })
    );
    let text = digests[0]["data"]["text"].as_str().unwrap();
    for part in [
        "alerts parked: 2 siem/no-device, 1 soar/bad-field",
        "Pauses in force: 1.",
        "Token `soar` ends on 2026-12-05",
        &format!("Head of the audit: {head}"),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(
        (&one["pauses"], &one["parked"]),
        (&1.into(), &serde_json::json!({}))
    );
    assert!(one["audit_head"].is_null() && one["credentials"].is_null());
}
