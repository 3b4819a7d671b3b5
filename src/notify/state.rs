//! What the loop of messages remembers, what leaves, and what happened.

use std::collections::BTreeMap;

use bytes::Bytes;

use lettre::address::Envelope;

use crate::defender::Answer;
use crate::journal::MessageRow;
use crate::settings::MailRelay;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

/// Messages under way at once to one receiver.
pub(super) const PLACES: usize = 2;

/// Sends messages.
#[derive(Default)]
pub struct Notifier {
    /// By the rows of the messages: to whom, and what is known of each.
    pub(super) under_way: BTreeMap<i64, (String, MessageRow)>,
    /// The receivers that the journal was told of.
    pub(super) known: Option<Vec<String>>,
}

/// A message that may leave once the transaction is committed.
pub struct OutgoingMessage {
    pub id: i64,
    pub receiver: String,
    pub content: MessageContent,
}

/// A message in the form of its receiver.
pub enum MessageContent {
    Http(http::Request<Bytes>),
    Mail(OutgoingMail),
}

/// A mail, as its relay gets it.
pub struct OutgoingMail {
    pub relay: MailRelay,
    pub envelope: Envelope,
    pub text: Vec<u8>,
}

/// What came back for a message.
pub enum ReceiverAnswer {
    Http(Answer),
    /// The reply of a relay, or what came instead of one.
    Mail {
        code: Option<u16>,
        text: String,
    },
}

/// What a poll came to.
#[derive(Default)]
pub struct DueMessages {
    pub messages: Vec<OutgoingMessage>,
    /// When to poll again, at the latest.
    pub wake_at: Timestamp,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    pub receiver: String,
    pub kind: MessageType,
    /// sent, failed (it is tried again) or dead.
    pub result: &'static str,
    /// The status, or what came instead of an answer.
    pub answer: String,
}

impl Notifier {
    /// The messages under way to a receiver.
    pub(super) fn under_way_to(&self, receiver: &str) -> Vec<i64> {
        let mine = self.under_way.iter().filter(|(_, (to, _))| to == receiver);
        mine.map(|(id, _)| *id).collect()
    }
}
