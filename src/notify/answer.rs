//! What came back for a message: taken, later, or never.

use core::time::Duration;

use http::header::RETRY_AFTER;

use super::comment_answer::{self, CommentReply};
use super::state::{AbsentComment, MessageEvent, Notifier, ReceiverAnswer, SendingStep};
use crate::defender::{Answer, header};
use crate::journal::{CallId, JournalError, MessageRow, Occasion, ReceiverRow, Tx};
use crate::settings::{Receiver, TenantWriteBack};
use scanhook_core::message::{
    AFTER_BREAK, BREAKS_AFTER, Heard, MessageType, PLAIN_ANSWER, heard, heard_by_mail, pause_before,
};
use scanhook_core::plain::one_line;
use scanhook_core::time::Timestamp;

/// How long messages are tried to a receiver that is not configured any more.
const GIVE_UP: Duration = Duration::from_secs(86_400);

impl Notifier {
    /// Takes what came back for a message.
    ///
    /// # Errors
    /// When the journal cannot be written; then this must be made anew.
    pub fn answer(
        &mut self,
        tx: &mut Tx<'_>,
        receivers: &[Receiver],
        id: i64,
        answer: &ReceiverAnswer,
        now: Timestamp,
    ) -> Result<Option<MessageEvent>, JournalError> {
        let Some(sent) = self.under_way.remove(&id) else {
            return Ok(None);
        };
        let (name, message) = (sent.receiver, sent.message);
        let receiver = receivers.iter().find(|receiver| receiver.name == name);
        let back = receiver.and_then(|receiver| receiver.channel.write_back());
        let (heard, mut text) = read(answer);
        if let Some(call) = sent.call {
            end_call(tx, call, &text, now)?;
        }
        let reply = match (back, answer) {
            (None, _) | (_, ReceiverAnswer::Mail { .. }) => HeardReply {
                heard,
                of_receiver: true,
            },
            (Some(back), ReceiverAnswer::Http(answer)) => {
                let target = &back.to.target;
                let reply = comment_answer::read(target, (&message, &sent.step), answer, heard);
                if let (true, SendingStep::Look(words)) = (reply.is_absent, sent.step) {
                    let target = message.subject.split('/').next().unwrap_or_default();
                    let target = target.to_owned();
                    self.absent.insert(id, AbsentComment { target, words });
                    tx.message_waits(id, "the comment is not there: it is written", now)?;
                    return Ok(None);
                }
                if let (true, Some(token)) = (reply.unauthorized, sent.token) {
                    self.azure_refused(&back.tenant, token);
                }
                heed(tx, (receivers, back), &reply, &mut text, now)?;
                HeardReply {
                    heard: reply.heard,
                    of_receiver: reply.of_receiver,
                }
            }
        };
        let give_up = receiver.map_or(GIVE_UP, |receiver| receiver.give_up);
        let tried_again = reply.heard == Heard::NotNow
            && message.what != MessageType::Test
            && !is_old(&message, give_up, now);
        let result = match (reply.heard, tried_again) {
            (Heard::Taken, _) => "sent",
            (_, true) => "failed",
            _ => "dead",
        };
        match result {
            "failed" => tx.message_waits(id, &text, again(&message, answer, now))?,
            _ => tx.message_ends(id, result == "sent", &text, now)?,
        }
        // One that was taken out of the configuration meanwhile has no row, and gets none.
        if self.known.iter().flatten().any(|known| *known == name) {
            let mut row = tx.receiver(&name)?;
            if result == "sent" || reply.of_receiver {
                settle(tx, &mut row, &message, (result, &text), now)?;
            } else {
                row.answer = Some(text.clone());
            }
            tx.keep_receiver(&row)?;
        }
        Ok(Some(MessageEvent {
            receiver: name,
            kind: message.what,
            target: back.map(|back| back.to.target.kind()),
            result,
            answer: status_of(&text).to_owned(),
        }))
    }
}

/// What an answer to a comment says beyond the comment itself.
fn heed(
    tx: &mut Tx<'_>,
    (receivers, back): (&[Receiver], &TenantWriteBack),
    reply: &CommentReply,
    text: &mut String,
    now: Timestamp,
) -> Result<(), JournalError> {
    if let Some(pause) = reply.pause {
        pause_all(tx, receivers, back, now.plus(pause))?;
    }
    if let Some(remedy) = reply.remedy {
        let (status, rest) = text.split_once(": ").unwrap_or((text, ""));
        *text = one_line(&format!("{status}: {remedy}; {rest}"), PLAIN_ANSWER);
    }
    Ok(())
}

/// What an answer means.
struct HeardReply {
    heard: Heard,
    /// It says something of the receiver, and not of one message alone.
    of_receiver: bool,
}

/// Nothing is written back for this tenant and to this kind of target until then, or longer where a pause before says so.
fn pause_all(
    tx: &mut Tx<'_>,
    receivers: &[Receiver],
    back: &TenantWriteBack,
    until: Timestamp,
) -> Result<(), JournalError> {
    let kind = back.to.target.kind();
    let same = |other: &&Receiver| {
        let other = other.channel.write_back();
        other.is_some_and(|other| other.tenant == back.tenant && other.to.target.kind() == kind)
    };
    for receiver in receivers.iter().filter(same) {
        let mut row = tx.receiver(&receiver.name)?;
        row.paused_until = row.paused_until.max(Some(until));
        tx.keep_receiver(&row)?;
    }
    Ok(())
}

/// A call of the ledger is over. The tenant's worker may have ended it already, when it was loaded anew.
fn end_call(
    tx: &mut Tx<'_>,
    call: CallId,
    answer: &str,
    now: Timestamp,
) -> Result<(), JournalError> {
    match tx.end_call(call, status_of(answer), now) {
        Err(JournalError::Conflict(_)) => Ok(()),
        other => other,
    }
}

/// How the receiver is after this.
fn settle(
    tx: &mut Tx<'_>,
    row: &mut ReceiverRow,
    message: &MessageRow,
    (result, text): (&str, &str),
    now: Timestamp,
) -> Result<(), JournalError> {
    let failing = MessageType::ReceiverFailing;
    if result == "sent" {
        if row.failures >= BREAKS_AFTER {
            tx.messages_are_due(&row.name, now)?;
        }
        (row.failures, row.probe_at, row.failing) = (0, None, None);
        (row.sent_at, row.answer) = (Some(now), None);
        let works = Occasion::new(failing, None, &row.name).resolved();
        tx.ends(failing, &works, now)?;
        return Ok(());
    }
    row.answer = Some(text.to_owned());
    if message.what == MessageType::Test {
        return Ok(());
    }
    row.failures = row.failures.saturating_add(1);
    if row.failures >= BREAKS_AFTER {
        row.probe_at = Some(now.plus(AFTER_BREAK));
    }
    if result == "dead" || row.failures >= BREAKS_AFTER {
        row.failing.get_or_insert(now);
        let answer = status_of(text);
        let fails =
            Occasion::new(failing, None, &row.name).because(format!("Its answer: {answer}."));
        tx.begins(&fails, Duration::ZERO, now)?;
    }
    Ok(())
}

fn is_old(message: &MessageRow, give_up: Duration, now: Timestamp) -> bool {
    message
        .tried_at
        .is_some_and(|first| now.since(first) >= give_up)
}

/// When it is tried again: as the receiver asks, for up to an hour, or by the table.
fn again(message: &MessageRow, answer: &ReceiverAnswer, now: Timestamp) -> Timestamp {
    let bytes = message.uuid.as_bytes();
    let chance = u16::from_be_bytes([bytes[14], bytes[15]]).wrapping_add(
        u16::try_from(message.tries)
            .unwrap_or(u16::MAX)
            .wrapping_mul(7_919),
    );
    let table = pause_before(message.tries, chance);
    let pause = match answer {
        ReceiverAnswer::Http(Answer::Http(response))
            if response.headers().contains_key(RETRY_AFTER) =>
        {
            header::pause(response.headers(), table)
        }
        _ => table,
    };
    now.plus(pause)
}

/// An answer without its text, which may repeat what was sent: nobody but who asks for the outbox is shown that.
fn status_of(answer: &str) -> &str {
    answer.split(':').next().unwrap_or_default()
}

/// What an answer means, and how it is kept: the status with the beginning of its text, or what came instead.
fn read(answer: &ReceiverAnswer) -> (Heard, String) {
    let answer = match answer {
        ReceiverAnswer::Http(answer) => answer,
        ReceiverAnswer::Mail { code, text } => {
            let verdict = code.map_or(Heard::NotNow, heard_by_mail);
            let code = code.map_or_else(String::new, |code| format!("{code}: "));
            return (verdict, one_line(&format!("{code}{text}"), PLAIN_ANSWER));
        }
    };
    match answer {
        Answer::Http(response) => {
            let status = response.status();
            let body = String::from_utf8_lossy(response.body());
            let text = format!("{}: {}", status.as_u16(), body.trim());
            let text = text.trim_end_matches([':', ' ']);
            (heard(status.as_u16()), one_line(text, PLAIN_ANSWER))
        }
        Answer::NotSent(unsent) => (Heard::NotNow, unsent.code.to_owned()),
        Answer::Unknown(code) => (Heard::NotNow, code.clone()),
    }
}
