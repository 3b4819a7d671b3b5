//! What the loop of messages remembers, what leaves, and what happened.

use std::collections::BTreeMap;

use bytes::Bytes;

use lettre::address::Envelope;
use uuid::Uuid;

use super::azure_access::AzureAccess;
use crate::defender::Answer;
use crate::defender::token_file::FileInsert;
use crate::journal::{CallId, MessageRow};
use crate::settings::MailRelay;
use crate::worker::Loans;
use scanhook_core::message::MessageType;
use scanhook_core::time::Timestamp;

/// Messages under way at once to one receiver.
pub(super) const PLACES: usize = 2;

/// Sends messages.
#[derive(Default)]
pub struct Notifier {
    /// By the rows of the messages.
    pub(super) under_way: BTreeMap<i64, SentMessage>,
    /// The receivers that the journal was told of.
    pub(super) known: Option<Vec<String>>,
    /// What comments are written back with, by tenant.
    pub(super) loans: Loans,
    /// The tokens for Azure, by tenant.
    pub(super) azure: BTreeMap<String, AzureAccess>,
    /// Messages whose alert was read since anything was last written to it, and has no such comment; with its words.
    pub(super) absent: BTreeMap<i64, AbsentComment>,
}

/// A comment that an alert does not have.
#[derive(PartialEq, Eq)]
pub(super) struct AbsentComment {
    pub(super) target: String,
    pub(super) words: String,
}

/// A message that is under way.
pub(super) struct SentMessage {
    pub(super) receiver: String,
    pub(super) message: MessageRow,
    pub(super) step: SendingStep,
    /// Where it is counted, if it is.
    pub(super) call: Option<CallId>,
    /// The token for Azure that it left with.
    pub(super) token: Option<Uuid>,
}

/// What left for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SendingStep {
    /// The message itself.
    Whole,
    /// A question whether it came before, or another one with these words.
    Look(String),
}

/// Asks for a token for Azure; may leave once the transaction is committed.
pub struct AzureTokenCall {
    pub tenant: String,
    /// What its answer is told apart by.
    pub id: Uuid,
    pub request: http::Request<Bytes>,
    /// The file that completes it, if one does.
    pub file: Option<FileInsert>,
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
    pub tokens: Vec<AzureTokenCall>,
    /// When to poll again, at the latest.
    pub wake_at: Timestamp,
}

/// What became of a try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageEvent {
    pub receiver: String,
    pub kind: MessageType,
    /// Where it is written back to, if it is.
    pub target: Option<&'static str>,
    /// sent, failed (it is tried again) or dead.
    pub result: &'static str,
    /// The status, or what came instead of an answer.
    pub answer: String,
}

impl Notifier {
    /// Takes what the workers lend from now on.
    pub fn borrow_from(&mut self, loans: Loans) {
        self.loans = loans;
    }

    /// Whether something is under way to a target of a receiver.
    pub(super) fn is_under_way_at(&self, receiver: &str, target: &str) -> bool {
        self.under_way.values().any(|sent| {
            let at = sent.message.subject.split_once('/');
            sent.receiver == receiver && at.is_some_and(|(at, _)| at == target)
        })
    }

    /// The messages under way to a receiver.
    pub(super) fn under_way_to(&self, receiver: &str) -> Vec<i64> {
        let mine = self
            .under_way
            .iter()
            .filter(|(_, sent)| sent.receiver == receiver);
        mine.map(|(id, _)| *id).collect()
    }
}
