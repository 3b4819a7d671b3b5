//! The outbox itself, in virtual time: what is told together, in which order, and what goes where there is no room.

use std::collections::BTreeMap;
use std::time::Duration;

use scanhook::journal::{AnsweredAlert, Occasion, OutboxFilter, ReceiverRow};
use scanhook::settings::{Channel, Receiver, TenantWriteBack, WriteBack, WriteBackTarget};
use scanhook_core::message::{MessageType, WriteBackMoment};

use super::desk::{Desk, kinds, receiver};
use crate::desk::write;

#[test]
fn stopped_recovered_and_stopped_again_is_never_told_as_an_end() {
    let mut desk = Desk::open();
    for what in [
        MessageType::TenantStopped,
        MessageType::TenantRecovered,
        MessageType::TenantStopped,
    ] {
        desk.tell(what, "");
    }
    let mut told = Vec::new();
    for _ in 0..3 {
        let leaves = desk.poll();
        assert_eq!(leaves.len(), 1, "one of a subject at a time");
        told.push(leaves[0].1["type"].as_str().unwrap().to_owned());
        desk.answered(leaves[0].0, 204);
    }
    assert_eq!(
        told,
        ["tenant.stopped", "tenant.recovered", "tenant.stopped"]
    );
    assert!(desk.poll().is_empty());
}

#[test]
fn a_message_that_is_tried_takes_no_event_along_and_keeps_its_place() {
    let mut desk = Desk::open();
    desk.tell(MessageType::SourceSilent, "siem");
    let first = desk.poll();
    desk.tell(MessageType::SourceSilent, "siem");
    desk.tell(MessageType::SourceSilent, "siem");
    assert!(desk.poll().is_empty(), "what is under way goes first");
    assert_eq!(desk.answered(first[0].0, 503).result, "failed");
    assert!(desk.poll().is_empty(), "it waits to be tried again");
    desk.after(7);
    let again = desk.poll();
    assert_eq!(again, first, "the same message");
    desk.answered(again[0].0, 200);
    assert_eq!(kinds(&desk.poll()), ["source.silent 1"]);
}

#[test]
fn a_group_is_told_at_once_and_then_no_more_often_than_asked() {
    let mut desk = Desk::open();
    desk.tell(MessageType::DecisionHeld, "approval/ask");
    let first = desk.poll();
    assert_eq!(kinds(&first), ["decision.held 0"]);
    desk.answered(first[0].0, 200);
    for _ in 0..40 {
        desk.after(5);
        desk.tell(MessageType::DecisionHeld, "approval/ask");
        assert!(desk.poll().is_empty());
    }
    desk.tell(MessageType::DecisionHeld, "limit/ask");
    let other = desk.poll();
    assert_eq!(kinds(&other), ["decision.held 0"], "another group");
    desk.answered(other[0].0, 200);
    desk.after(100);
    assert_eq!(kinds(&desk.poll()), ["decision.held 39"]);
}

#[test]
fn a_receiver_that_fails_five_times_is_probed_once_a_minute_until_it_works() {
    let mut desk = Desk::open();
    for key in ["a", "b", "c", "d", "e", "f"] {
        desk.tell(MessageType::SourceSilent, key);
    }
    let mut failures = 0;
    while failures < 5 {
        let leaves = desk.poll();
        assert!(leaves.len() <= 2, "two connections");
        for (id, _) in leaves {
            desk.answered(id, 500);
            failures += 1;
        }
    }
    for _ in 0..3 {
        assert!(desk.poll().is_empty(), "it is left alone");
        desk.after(61);
        let probe = desk.poll();
        assert_eq!(probe.len(), 1, "one probe");
        desk.answered(probe[0].0, 500);
    }
    desk.after(61);
    let probe = desk.poll();
    desk.answered(probe[0].0, 200);
    let mut told = 1;
    loop {
        let leaves = desk.poll();
        if leaves.is_empty() {
            break;
        }
        for (id, _) in leaves {
            desk.answered(id, 200);
            told += 1;
        }
    }
    assert_eq!(told, 6, "all that waited is due at once");
}

#[test]
fn where_there_is_no_room_goes_first_what_nobody_has_to_hear_of() {
    let mut desk = Desk::open();
    desk.tell(MessageType::TenantStopped, "");
    let (tenant, now) = (desk.tenant, desk.now);
    write(&mut desk.store, move |tx| {
        for n in 0..10_400 {
            let key = format!("siem/{n}");
            tx.tell(&Occasion::new(MessageType::AlertParked, tenant, &key), now)?;
        }
        Ok(())
    });
    while desk.poll_whole().wake_at <= desk.now {}
    let dropped = write(&mut desk.store, |tx| Ok(tx.receiver("soar")?.dropped));
    assert!((400..=402).contains(&dropped), "{dropped} were dropped");
    assert!(desk.waiting() == 100, "a page of those that wait");
    let filter = OutboxFilter::default();
    let rows = desk.store.read(|reader| reader.outbox(&filter).unwrap());
    assert!(rows.items.iter().all(|row| row.state == "waiting"));
}

#[test]
fn the_head_of_the_audit_is_an_event_and_no_message() {
    let mut desk = Desk::open();
    desk.tell(MessageType::AuditHead, "");
    assert!(desk.poll().is_empty() && desk.waiting() == 0);
    let told = desk.store.read(|reader| reader.events_after(0, 10, None));
    let kinds: Vec<_> = told.unwrap().iter().map(|notice| notice.kind).collect();
    assert_eq!(kinds, [MessageType::AuditHead]);
}

#[test]
fn a_receiver_that_is_paused_keeps_the_try_that_tells_whether_it_works() {
    let mut desk = Desk::open();
    desk.tell(MessageType::SourceSilent, "siem");
    let now = desk.now;
    let until = now.plus(Duration::from_secs(30));
    desk.journal(move |tx| {
        let row = tx.receiver("soar")?;
        tx.keep_receiver(&ReceiverRow {
            failures: 5,
            probe_at: Some(now),
            paused_until: Some(until),
            ..row
        })
    });
    assert!(desk.poll().is_empty(), "it is paused");
    desk.after(29);
    assert!(desk.poll().is_empty());
    desk.after(1);
    assert_eq!(kinds(&desk.poll()), ["source.silent 0"]);
}

#[test]
fn every_comment_on_what_is_held_no_more_is_due_however_many_there_are() {
    let mut desk = Desk::open();
    desk.receivers = vec![Receiver {
        channel: Channel::WriteBack(TenantWriteBack {
            source: "siem".to_owned(),
            tenant: "berlin".to_owned(),
            to: WriteBack {
                target: WriteBackTarget::DefenderAlert,
                when: [WriteBackMoment::Held].into(),
            },
        }),
        ..receiver("siem write_back")
    }];
    assert!(desk.poll().is_empty());
    let now = desk.now;
    desk.journal(move |tx| {
        // Of a decision that is gone by now.
        let alert = AnsweredAlert {
            decision: 4_711,
            scan: None,
            machine: "lt-042".to_owned(),
            device: "lt-042".to_owned(),
            alert_id: String::new(),
            references: BTreeMap::new(),
        };
        for n in 0..2_001 {
            tx.tell_target("siem write_back", &format!("da{n}"), &alert, now)?;
        }
        Ok(())
    });
    desk.tell(MessageType::DecisionDenied, "");
    assert!(desk.poll().is_empty(), "no token is lent");
    let told = desk
        .store
        .read(|reader| reader.receiver_view("siem write_back", "").unwrap());
    assert_eq!(told.waiting, 2_001);
}
