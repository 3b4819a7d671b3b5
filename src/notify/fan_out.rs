//! From what happened to messages: whom it concerns, what it is told together with.

use super::state::Notifier;
use super::targets::write_back;
use crate::journal::{JournalError, NewMessage, OccasionRow, ReceiverRow, Tx};
use crate::settings::{Channel, Receiver};
use scanhook_core::message::{MessageType, Topic};
use scanhook_core::time::Timestamp;

/// Occasions that are gone through in one poll.
const STEP: usize = 500;
/// Messages that may wait for one receiver.
const MOST: u32 = 10_000;

impl Notifier {
    /// Makes messages of what happened since the last poll. Returns whether there is more.
    pub(super) fn fan_out(
        &self,
        tx: &mut Tx<'_>,
        receiver: &Receiver,
        row: &mut ReceiverRow,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        let happened = tx.occasions_after(row.seen, STEP)?;
        for occasion in &happened {
            row.seen = occasion.id;
            if let Some(back) = receiver.channel.write_back() {
                write_back(tx, (receiver, back), occasion, now)?;
            } else if concerns(receiver, occasion) {
                let topic = topic(receiver, occasion);
                let message = NewMessage {
                    receiver: &receiver.name,
                    what: occasion.what,
                    topic: &topic,
                    occasion: Some(occasion.id),
                    count: occasion.said.count.unwrap_or(1),
                    for_person: occasion.what.needs_a_person(occasion.said.outcome),
                    repeat: Topic::pause(occasion.what, receiver.repeat),
                };
                tx.enqueue(&message, now)?;
            }
        }
        if !happened.is_empty() {
            let under_way = self.under_way_to(&receiver.name);
            let gone = tx.bound_messages(&receiver.name, &under_way, MOST)?;
            row.dropped = row.dropped.saturating_add(gone);
        }
        Ok(happened.len() == STEP)
    }

    /// Makes the digest of a day, when its time has come. The first is due at the next time of day.
    pub(super) fn digest(
        &self,
        tx: &mut Tx<'_>,
        receiver: &Receiver,
        row: &mut ReceiverRow,
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        if !receiver.events.wants_digest() {
            row.digest_at = None;
            return Ok(Timestamp::NEVER);
        }
        let next = receiver.digest.after(now);
        if row.digest_at.is_some_and(|at| at <= now) {
            let what = MessageType::Digest;
            let topic = Topic::of(what, None, "", false);
            let message = NewMessage {
                receiver: &receiver.name,
                what,
                topic: &topic,
                occasion: None,
                count: 1,
                for_person: false,
                repeat: receiver.repeat,
            };
            tx.enqueue(&message, now)?;
        }
        row.digest_at = Some(next);
        Ok(next)
    }
}

/// Whether a receiver is told of it.
fn concerns(receiver: &Receiver, occasion: &OccasionRow) -> bool {
    let tenant = occasion.tenant.as_ref();
    let mine = receiver
        .tenants
        .as_ref()
        .is_none_or(|mine| tenant.is_some_and(|tenant| mine.contains(tenant)));
    let of_itself = occasion.what == MessageType::ReceiverFailing && occasion.key == receiver.name;
    // That a group is empty again closes an incident; nobody needs to read it.
    let only_closes = occasion.what == MessageType::DecisionHeld && occasion.said.resolved;
    mine && !of_itself
        && (!only_closes || matches!(receiver.channel, Channel::PagerDuty { .. }))
        && receiver.events.wants(occasion.what, occasion.said.outcome)
}

/// A program may be told of each scan; people never are.
fn topic(receiver: &Receiver, occasion: &OccasionRow) -> Topic {
    let each = matches!(receiver.channel, Channel::Webhook { .. })
        && receiver.events.wants_each_scan()
        && occasion.what == MessageType::ScanEnded;
    match occasion.scan.filter(|_| each) {
        Some(scan) => Topic::of_scan(&scan.0.to_string()),
        None => Topic::of(
            occasion.what,
            occasion.tenant.as_deref(),
            &occasion.key,
            occasion.said.resolved,
        ),
    }
}
