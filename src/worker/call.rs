//! Calls that leave, and what a poll asks for.

use bytes::Bytes;

use super::event::WorkerEvent;
use super::intent::Intent;
use super::lists::ListCall;
use super::looks::Lookup;
use super::probe_call::Probe;
use super::withdrawal::CancelCall;
use crate::defender::Answer;
use crate::defender::delegated::{Renewal, TokenHash};
use crate::defender::token_file::FileInsert;
use crate::file::replace::FileStep;
use crate::journal::{Blocked, CallId, OpenScan};
use scanhook_core::time::Timestamp;

/// A call that leaves, and what its answer is read against.
#[derive(Clone, Debug)]
pub enum Call {
    /// A token is asked for; with a person's refresh token, this one.
    Token(Option<TokenHash>),
    Scan(Intent),
    /// The machine actions are listed.
    List(Box<ListCall>),
    /// One machine action is read by its id, because lists do not hold it.
    Get(Box<OpenScan>, u64),
    /// The action is read that occupies a machine for which a scan waits.
    Blocked(Box<Blocked>, u64),
    /// A running scan of ours is called off.
    Cancel(CancelCall),
    Look(Lookup),
    /// A Defender that cannot be reached is tried.
    Probe(Probe),
}

impl Call {
    /// Takes down which refresh token it leaves with.
    pub fn leaves_with(&mut self, renewal: &Renewal) {
        if let Call::Token(used) = self {
            *used = Some(renewal.used());
        }
    }

    /// Reads of an answer what needs no journal, before the transaction that takes it: a list may hold ten thousand rows.
    pub fn hear(&mut self, answer: &Answer) {
        if let Call::List(call) = self {
            call.hear(answer);
        }
    }
}

/// A call with the bytes that leave. No `Debug`: a token request holds the secret.
pub struct OutgoingCall {
    pub id: CallId,
    pub call: Call,
    pub request: http::Request<Bytes>,
    /// The file that completes it as it leaves, if one does.
    pub file: Option<FileInsert>,
}

/// What a poll asks for.
pub struct PollResult {
    /// Calls to send; each is in the ledger.
    pub calls: Vec<OutgoingCall>,
    /// When to poll again if nothing else happens.
    pub wake_at: Timestamp,
    /// What is done with files, if anything: a refresh token is needed no longer.
    pub files: Vec<FileStep>,
    /// What happened, for logs and metrics.
    pub happened: Vec<WorkerEvent>,
}
