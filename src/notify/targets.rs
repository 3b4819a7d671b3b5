//! From what happened to what goes back: which incidents or alerts of a source are to hear of it. A target is named by the
//! sender's body, so what it says is compared with what the settings allow, and what does not fit leads to no call.

use std::collections::BTreeSet;

use crate::journal::{
    AnsweredAlert, ENDED_HOLDS, JournalError, NewMessage, OccasionRow, ToldMachine, Tx,
};
use crate::settings::{
    ALERT_REFERENCE, INCIDENT_REFERENCE, Receiver, TenantWriteBack, WriteBackTarget,
};
use scanhook_core::message::{MessageType, Topic, WriteBackMoment};
use scanhook_core::scan::Outcome;
use scanhook_core::time::Timestamp;

/// The target of what is not to be written: nothing.
pub(super) const NOWHERE: &str = "";
/// The longest id of an alert that is taken.
const LONGEST_ID: usize = 128;

/// Makes messages of an event for all incidents and alerts that it concerns.
pub(super) fn write_back(
    tx: &mut Tx<'_>,
    (receiver, back): (&Receiver, &TenantWriteBack),
    occasion: &OccasionRow,
    now: Timestamp,
) -> Result<(), JournalError> {
    if occasion.tenant.as_ref() != Some(&back.tenant) {
        return Ok(());
    }
    let shares = matches!(back.to.target, WriteBackTarget::Sentinel { .. });
    let enqueue = |tx: &mut Tx<'_>, topic: &Topic| {
        let message = NewMessage {
            receiver: &receiver.name,
            what: occasion.what,
            topic,
            occasion: Some(occasion.id),
            count: 1,
            for_person: false,
            repeat: receiver.repeat,
        };
        tx.enqueue(&message, now)
    };
    let topic = |told: &ToldMachine| {
        let machine = if shares && told.shares() {
            ""
        } else {
            told.machine.as_str()
        };
        Topic::of_target(&told.target, machine)
    };
    if matches!(
        occasion.what,
        MessageType::DecisionApproved | MessageType::DecisionDenied | MessageType::DecisionExpired
    ) {
        loop {
            let over = tx.held_no_more(&receiver.name, now)?;
            for told in &over {
                enqueue(tx, &topic(told))?;
            }
            if over.len() < ENDED_HOLDS {
                return Ok(());
            }
        }
    }
    let moment = WriteBackMoment::of(occasion.what).filter(|moment| back.to.when.contains(moment));
    if moment.is_none() || occasion.said.resolved || occasion.said.outcome == Some(Outcome::DryRun)
    {
        return Ok(());
    }
    // A device may have been told of by several names before its machine was known. At an incident each has a comment, and all
    // of them are changed; an alert hears once.
    let (mut seen, mut done) = (BTreeSet::new(), BTreeSet::new());
    for alert in tx.answered_alerts(&back.source, occasion)? {
        for target in targets(&back.to.target, &alert) {
            if !seen.insert((target.clone(), alert.machine.clone(), alert.device.clone())) {
                continue;
            }
            if target == NOWHERE {
                enqueue(tx, &Topic::of_target(NOWHERE, &alert.machine))?;
                continue;
            }
            let told = tx.tell_target(&receiver.name, &target, &alert, now)?;
            let one = if shares { told.machine.as_str() } else { "" };
            if done.insert((told.target.clone(), one.to_owned())) {
                let mut topic = topic(&told);
                // An alert hears of each scan by itself.
                if let (Some(scan), false) = (occasion.scan, shares) {
                    topic.group = format!("{}/{}", topic.subject, scan.0);
                }
                enqueue(tx, &topic)?;
            }
        }
    }
    Ok(())
}

/// Where an alert came from. What is named but not allowed is [`NOWHERE`].
fn targets(target: &WriteBackTarget, alert: &AnsweredAlert) -> Vec<String> {
    let named =
        |name: &str| -> Vec<String> { alert.references.get(name).cloned().unwrap_or_default() };
    match target {
        WriteBackTarget::Sentinel { workspace, .. } => named(INCIDENT_REFERENCE)
            .iter()
            .map(|id| {
                workspace
                    .incident(id)
                    .unwrap_or(NOWHERE)
                    .to_ascii_lowercase()
            })
            .collect(),
        WriteBackTarget::DefenderAlert => {
            let mut ids = named(ALERT_REFERENCE);
            if ids.is_empty() {
                ids.push(alert.alert_id.clone());
            }
            ids.into_iter()
                .map(|id| {
                    if is_alert_id(&id) {
                        id
                    } else {
                        NOWHERE.to_owned()
                    }
                })
                .collect()
        }
    }
}

/// Ids of alerts are not taken apart, but fit into a path.
fn is_alert_id(id: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    (1..=LONGEST_ID).contains(&id.len()) && id.chars().all(plain)
}
