//! What came back for something that is written back: taken, later, or never; and whom that is about. A comment that its
//! incident refuses says nothing of the next one, a missing role does, and a 429 holds up these comments alone.

use core::time::Duration;

use super::state::SendingStep;
use crate::defender::client::TOO_LONG;
use crate::defender::write_back::has_comment;
use crate::defender::{Answer, header};
use crate::journal::MessageRow;
use crate::settings::WriteBackTarget;
use scanhook_core::message::{Heard, comment_mark};

/// How long a 429 holds up where it does not say.
const PAUSE: Duration = Duration::from_secs(60);

/// What an answer to a comment means.
pub(super) struct CommentReply {
    pub(super) heard: Heard,
    /// What somebody has to do, if anything.
    pub(super) remedy: Option<&'static str>,
    /// It says something of the receiver, and not of this comment alone.
    pub(super) of_receiver: bool,
    /// No other comment leaves for so long.
    pub(super) pause: Option<Duration>,
    /// The token is not taken any more.
    pub(super) unauthorized: bool,
    /// The alert was read, and the comment is not there: it may be written now.
    pub(super) is_absent: bool,
}

/// Reads an answer; `heard`: what its status says of any message.
pub(super) fn read(
    target: &WriteBackTarget,
    (message, step): (&MessageRow, &SendingStep),
    answer: &Answer,
    heard: Heard,
) -> CommentReply {
    let mut reply = CommentReply {
        heard,
        remedy: None,
        of_receiver: true,
        pause: None,
        unauthorized: false,
        is_absent: false,
    };
    let response = match answer {
        Answer::Http(response) => response,
        Answer::Unknown(code) if code == TOO_LONG => {
            reply.of_receiver = false;
            return reply;
        }
        _ => return reply,
    };
    match (response.status().as_u16(), step) {
        (200..=299, SendingStep::Look(words)) => {
            match has_comment(response, &comment_mark(message.uuid), words) {
                Some(true) => {}
                Some(false) => (reply.heard, reply.is_absent) = (Heard::NotNow, true),
                // Whether the comment is there is not known, so it is looked for once more.
                None => (reply.heard, reply.of_receiver) = (Heard::NotNow, false),
            }
        }
        (401, _) => (reply.heard, reply.unauthorized) = (Heard::NotNow, true),
        (403, _) => reply.remedy = Some(role(target)),
        (409 | 412, _) => (reply.heard, reply.of_receiver) = (Heard::NotNow, false),
        (429, _) => {
            reply.of_receiver = false;
            reply.pause = Some(header::pause(response.headers(), PAUSE));
        }
        (400 | 404 | 410 | 413 | 422, _) => reply.of_receiver = false,
        _ => {}
    }
    reply
}

/// The permission that a 403 misses.
fn role(target: &WriteBackTarget) -> &'static str {
    match target {
        WriteBackTarget::Sentinel { .. } => {
            "give the app the role Microsoft Sentinel Responder on the workspace, then `scanhook outbox retry`"
        }
        WriteBackTarget::DefenderAlert => {
            "give the app Alert.ReadWrite.All of WindowsDefenderATP and admin consent, then `scanhook outbox retry`"
        }
    }
}
