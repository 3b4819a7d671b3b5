//! One poll: what has become worth telling, for whom, and what leaves now.

use core::time::Duration;

use super::comment::{Composed, Departure};
use super::desk::MessagePart;
use super::render::content;
use super::state::{DueMessages, Notifier, OutgoingMessage, PLACES, SendingStep, SentMessage};
use crate::journal::{JournalError, MESSAGES, MessageRow, Occasion, ReceiverRow, Tx};
use crate::settings::Receiver;
use scanhook_core::message::{AFTER_BREAK, BREAKS_AFTER, MessageType, PublicUrl};
use scanhook_core::time::Timestamp;

/// How long before its end a hold is told of.
const HOLD_ENDS_IN: Duration = Duration::from_secs(3_600);
/// Due messages that are looked through for those that may leave: those by which a person tries a receiver that fails, and
/// comments on alerts at which no other is under way.
const LOOKED_THROUGH: usize = 64;

impl Notifier {
    /// Decides what leaves now. The messages may be sent once the transaction is committed.
    ///
    /// # Errors
    /// When the journal cannot be written; then this must be made anew.
    pub fn poll(
        &mut self,
        tx: &mut Tx<'_>,
        (receivers, part): (&[Receiver], &MessagePart),
        public: Option<&PublicUrl>,
        now: Timestamp,
    ) -> Result<DueMessages, JournalError> {
        tx.ask_usual(MESSAGES, now)?;
        let mut due = DueMessages {
            wake_at: Timestamp::NEVER,
            ..DueMessages::default()
        };
        if part.house {
            due.wake_at = self.keep_house(tx, receivers, now)?;
        }
        for receiver in receivers.iter().filter(|one| part.holds(&one.name)) {
            let before = tx.receiver(&receiver.name)?;
            let mut row = before.clone();
            if self.fan_out(tx, receiver, &mut row, now)? {
                due.wake_at = now;
            }
            due.wake_at = due.wake_at.min(self.digest(tx, receiver, &mut row, now)?);
            self.take_due(tx, (receiver, public), &mut row, &mut due, now)?;
            if row != before {
                tx.keep_receiver(&row)?;
            }
        }
        Ok(due)
    }

    /// What is told by the passing of time, and who may be told. When there is more of it.
    fn keep_house(
        &mut self,
        tx: &mut Tx<'_>,
        receivers: &[Receiver],
        now: Timestamp,
    ) -> Result<Timestamp, JournalError> {
        let overdue = tx.tell_overdue(now)?;
        let next = overdue.min(tx.tell_ending_holds(HOLD_ENDS_IN, now)?);
        tx.tell_ended_holds(now)?;
        tell_of_the_disk(tx, now)?;
        let names = receivers.iter().map(|receiver| receiver.name.clone());
        let names: Vec<String> = names.collect();
        if self.known.as_ref() != Some(&names) {
            tx.register_receivers(&names, now)?;
            self.known = Some(names);
        }
        Ok(next)
    }

    fn take_due(
        &mut self,
        tx: &mut Tx<'_>,
        (receiver, public): (&Receiver, Option<&PublicUrl>),
        row: &mut ReceiverRow,
        due: &mut DueMessages,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        if let Some(until) = row.paused_until.filter(|until| *until > now) {
            due.wake_at = due.wake_at.min(until);
            return Ok(());
        }
        let under_way = self.under_way_to(&receiver.name);
        let mut places = PLACES.saturating_sub(under_way.len());
        let back = receiver.channel.write_back();
        let fails = row.failures >= BREAKS_AFTER;
        let (messages, mut next) = if fails {
            probes(tx, row, &under_way, now)?
        } else {
            let most = match back {
                Some(_) if places > 0 => LOOKED_THROUGH,
                _ => places,
            };
            tx.due_messages(&receiver.name, &under_way, most, now)?
        };
        for message in messages {
            if places == 0 {
                break;
            }
            let composed = match back {
                Some(back) => {
                    let place = (receiver.name.as_str(), back, public);
                    self.compose(tx, place, &message, due, now)?
                }
                None => written(tx, (receiver, public), &message, now)?,
            };
            match composed {
                Composed::Leaves(departure) => {
                    if fails && message.what != MessageType::Test {
                        row.probe_at = Some(now.plus(AFTER_BREAK));
                    }
                    self.leaves(tx, receiver, (message, *departure), due, now)?;
                    places -= 1;
                }
                Composed::Never(why) => {
                    tx.message_ends(message.id, false, why, now)?;
                    if fails {
                        next = now;
                    }
                }
                Composed::Later(at) => {
                    next = at;
                    break;
                }
                // Should more than was looked through be due, that answer leads to it as well.
                Composed::AfterAnswer if next <= now => next = Timestamp::NEVER,
                Composed::AfterAnswer => {}
            }
        }
        // With no place free the answers that are waited for lead to the next poll.
        if places > 0 {
            due.wake_at = due.wake_at.min(next);
        }
        Ok(())
    }

    /// A message is about to leave.
    fn leaves(
        &mut self,
        tx: &mut Tx<'_>,
        receiver: &Receiver,
        (mut message, departure): (MessageRow, Departure),
        due: &mut DueMessages,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        tx.message_leaves(message.id, now)?;
        message.tries += 1;
        message.tried_at.get_or_insert(now);
        due.messages.push(OutgoingMessage {
            id: message.id,
            receiver: receiver.name.clone(),
            content: departure.content,
        });
        let sent = SentMessage {
            receiver: receiver.name.clone(),
            message,
            step: departure.step,
            call: departure.call,
            token: departure.token,
        };
        self.under_way.insert(sent.message.id, sent);
        Ok(())
    }
}

/// A message as its receiver reads it.
fn written(
    tx: &Tx<'_>,
    (receiver, public): (&Receiver, Option<&PublicUrl>),
    message: &MessageRow,
    now: Timestamp,
) -> Result<Composed, JournalError> {
    let mut notice = tx.notice(message)?;
    if message.what == MessageType::Digest {
        notice.digest = Some(tx.day(receiver.tenants.as_deref(), now)?);
        notice.at = now;
    }
    if message.what == MessageType::Test {
        notice.key.clone_from(&receiver.name);
    }
    let content = content(&receiver.channel, (&notice, message.uuid), public, now);
    Ok(
        content.map_or(Composed::Never("its address cannot be called"), |content| {
            Composed::Leaves(Box::new(Departure {
                content,
                step: SendingStep::Whole,
                call: None,
                token: None,
            }))
        }),
    )
}

/// To a receiver that fails one message leaves a minute, due or not; and those by which a person tries it. Only one that
/// leaves uses up the minute.
fn probes(
    tx: &Tx<'_>,
    row: &ReceiverRow,
    under_way: &[i64],
    now: Timestamp,
) -> Result<(Vec<MessageRow>, Timestamp), JournalError> {
    let (found, _) = tx.due_messages(&row.name, under_way, LOOKED_THROUGH, now)?;
    let mut messages: Vec<MessageRow> = found
        .into_iter()
        .filter(|message| message.what == MessageType::Test)
        .collect();
    let at = row.probe_at.unwrap_or(now);
    if !messages.is_empty() || !under_way.is_empty() || at > now {
        return Ok((messages, at.max(now.plus(Duration::from_secs(1)))));
    }
    messages.extend(tx.probing_message(&row.name, under_way)?);
    Ok((messages, now.plus(AFTER_BREAK)))
}

/// While only the room is left that is kept for running scans, senders are refused.
fn tell_of_the_disk(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), JournalError> {
    let what = MessageType::JournalFailing;
    if tx.is_tight() {
        let full = Occasion::new(what, None, "disk").because("The disk is full.");
        tx.begins(&full, Duration::ZERO, now)?;
    } else {
        tx.ends(what, &Occasion::new(what, None, "disk").resolved(), now)?;
    }
    Ok(())
}
