//! Whose action it is: what a scan that was sent leaves in its action, and whether an action bears it.

use uuid::Uuid;

use super::action::ActionView;
use scanhook_core::alert::MachineId;
use scanhook_core::time::Timestamp;

/// What was sent, to tell our action from somebody else's.
#[derive(Clone, Copy, Debug)]
pub struct SentScan<'a> {
    /// The machine in the call's path.
    pub machine: &'a MachineId,
    /// The `ExternalId` in the call's body; `None` if it was left out.
    pub external_id: Option<Uuid>,
    /// The 12 hex digits of the `[sh-…]` token that ends our comment.
    pub tail: &'a str,
    /// When the scan was first sent, minus the allowance for clocks that differ.
    pub since: Timestamp,
}

/// Whether this action came from what was sent. The correlation id decides where there is one: the uuid is of this
/// one scan, so even an old action that carries it is ours. Without it, the comment must end with our token and the
/// action must not be older than the sending, since a comment is the weaker proof.
#[must_use]
pub fn is_ours(action: &ActionView, sent: &SentScan<'_>) -> bool {
    if !action.is_scan() || action.machine.as_ref().is_some_and(|m| m != sent.machine) {
        return false;
    }
    if let Some(id) = &action.external_id {
        return sent
            .external_id
            .is_some_and(|ours| id.trim().parse::<Uuid>().is_ok_and(|theirs| theirs == ours));
    }
    let signed = action
        .comment
        .as_deref()
        .is_some_and(|c| ends_with_tail(c, sent.tail));
    signed && action.created.is_none_or(|c| c >= sent.since)
}

fn ends_with_tail(comment: &str, tail: &str) -> bool {
    tail_of(comment) == Some(tail)
}

/// The 12 characters of the token that ends a comment of ours.
pub(super) fn tail_of(comment: &str) -> Option<&str> {
    let token = comment.trim_end().strip_suffix(']')?;
    let (before, tail) = token.split_at_checked(token.len().checked_sub(12)?)?;
    before.ends_with("[sh-").then_some(tail)
}
