//! What leaves for something that goes back: a comment on an incident, which is written over by its id; or one on an alert,
//! where the alert is read first once anything was tried there: the comment may stand there by its mark, or the same words by
//! that of another.

use core::time::Duration;

use uuid::Uuid;

use super::state::{AbsentComment, DueMessages, MessageContent, Notifier, SendingStep};
use super::targets::NOWHERE;
use crate::defender::write_back::{alert, alert_comment, incident_comment};
use crate::journal::{Api, CallId, JournalError, MessageRow, Tx};
use crate::settings::{TenantWriteBack, WriteBackTarget};
use crate::worker::Loan;
use scanhook_core::message::{
    MessageType, PublicUrl, Workspace, comment_id, comment_mark, comment_text, escaped,
    shared_comment,
};
use scanhook_core::quota::{Budget, Learnt, Share};
use scanhook_core::time::Timestamp;

/// How long after a try it is looked whether it was carried out, should nobody hear of it.
const SETTLE: Duration = Duration::from_secs(5);
/// Machines that a shared comment names.
const MOST_NAMED: usize = 200;

/// A request for a message, with what its answer means.
pub(super) struct Departure {
    pub(super) content: MessageContent,
    pub(super) step: SendingStep,
    pub(super) call: Option<CallId>,
    /// The token for Azure that it leaves with.
    pub(super) token: Option<Uuid>,
}

/// What becomes of a message whose turn it is.
pub(super) enum Composed {
    Leaves(Box<Departure>),
    /// It waits, and with it all to this receiver, at least until then.
    Later(Timestamp),
    /// It waits for the answer to another message about the same alert, which leads to the next poll.
    AfterAnswer,
    /// It never leaves, and why.
    Never(&'static str),
}

/// The tenant that writes, the workspace of the incident, and where Azure is called.
type IncidentPlace<'p> = (&'p str, &'p Workspace, Option<&'p str>);

impl Notifier {
    /// What leaves for a message that is written back.
    pub(super) fn compose(
        &mut self,
        tx: &mut Tx<'_>,
        (receiver, back, public): (&str, &TenantWriteBack, Option<&PublicUrl>),
        message: &MessageRow,
        due: &mut DueMessages,
        now: Timestamp,
    ) -> Result<Composed, JournalError> {
        let named = message.subject.split_once('/');
        let Some((target, machine)) = named.filter(|_| message.what != MessageType::Test) else {
            return Ok(Composed::Never(
                "it is written when an alert is answered, and cannot be tried",
            ));
        };
        if target == NOWHERE {
            return Ok(Composed::Never(match back.to.target {
                WriteBackTarget::Sentinel { .. } => {
                    "nothing is written: the alert names no incident of the configured workspace"
                }
                WriteBackTarget::DefenderAlert => {
                    "nothing is written: the alert's id is none of Defender's"
                }
            }));
        }
        // While nothing may be sent for a tenant, and until its worker has begun, comments wait.
        let loan = self.loans.get(&back.tenant).cloned();
        let Some(loan) = loan.filter(|loan| loan.account.sends) else {
            return Ok(Composed::Later(Timestamp::NEVER));
        };
        let place = (receiver, target, machine);
        match &back.to.target {
            WriteBackTarget::Sentinel { workspace, base } => {
                let to = (back.tenant.as_str(), workspace, base.as_deref());
                self.on_incident(tx, (to, public, &loan), place, due, now)
            }
            WriteBackTarget::DefenderAlert => {
                self.on_alert(tx, (public, &loan), (message, place), now)
            }
        }
    }

    fn on_incident(
        &mut self,
        tx: &mut Tx<'_>,
        ((tenant, workspace, base), public, loan): (IncidentPlace<'_>, Option<&PublicUrl>, &Loan),
        (receiver, incident, machine): (&str, &str, &str),
        due: &mut DueMessages,
        now: Timestamp,
    ) -> Result<Composed, JournalError> {
        let text = if machine.is_empty() {
            let (told, more) = tx.told_together(receiver, incident, MOST_NAMED)?;
            shared_comment(&told, more, public)
        } else {
            let Some(told) = tx.told_machine(receiver, (incident, machine), None)? else {
                return Ok(Composed::Never(FORGOTTEN));
            };
            comment_text(&told, public)
        };
        let Some((token, bearer)) = self.azure_bearer(tx, tenant, due, now) else {
            return Ok(Composed::Later(Timestamp::NEVER));
        };
        let (usual, _) = loan.account.endpoints.of_azure();
        let azure = loan.account.azure.as_deref().or(base);
        let place = (azure.unwrap_or(usual), workspace);
        let comment = (incident, comment_id(incident, machine));
        Ok(Composed::Leaves(Box::new(Departure {
            content: MessageContent::Http(incident_comment(
                place,
                comment,
                &bearer,
                &escaped(&text),
            )),
            step: SendingStep::Whole,
            call: None,
            token: Some(token),
        })))
    }

    fn on_alert(
        &mut self,
        tx: &mut Tx<'_>,
        (public, loan): (Option<&PublicUrl>, &Loan),
        (message, (receiver, id, machine)): (&MessageRow, (&str, &str, &str)),
        now: Timestamp,
    ) -> Result<Composed, JournalError> {
        if self.is_under_way_at(receiver, id) {
            return Ok(Composed::AfterAnswer);
        }
        // Comments on alerts are not changed, so each scan has its own.
        let of_scan = matches!(
            message.what,
            MessageType::ScanBegun | MessageType::ScanEnded
        );
        let event = message.events.map(|(first, _)| first).filter(|_| of_scan);
        let Some(told) = tx.told_machine(receiver, (id, machine), event)? else {
            return Ok(Composed::Never(FORGOTTEN));
        };
        let Some(bearer) = loan.bearer(now) else {
            return Ok(Composed::Later(loan.usable_at(now)));
        };
        let past = tx.past_calls(loan.tenant, Api::Alert, now)?;
        let free = Budget::load(past, Learnt::default()).free_at(share(loan), now);
        if free > now {
            return Ok(Composed::Later(free));
        }
        let endpoints = &loan.account.endpoints;
        // Also a try of which nobody knows may have been carried out.
        tx.message_settles(message.id, now.plus(SETTLE))?;
        let comment = AbsentComment {
            target: id.to_owned(),
            words: comment_text(&told, public),
        };
        let may_be_there = message.tries > 0 || tx.is_target_tried(receiver, id, message.id)?;
        let is_absent = self.absent.remove(&message.id).as_ref() == Some(&comment);
        let (request, step) = if may_be_there && !is_absent {
            let request = alert(endpoints, bearer, id);
            (request, SendingStep::Look(comment.words))
        } else {
            self.absent
                .retain(|_, other| other.target != comment.target);
            let text = format!("{} {}", comment.words, comment_mark(message.uuid));
            let request = alert_comment(endpoints, bearer, id, &text);
            (request, SendingStep::Whole)
        };
        let call = tx.enter_call(loan.tenant, Api::Alert, None, None, now)?;
        Ok(Composed::Leaves(Box::new(Departure {
            content: MessageContent::Http(request),
            step,
            call: Some(call),
            token: None,
        })))
    }
}

const FORGOTTEN: &str = "nothing is written: what it is about is past its retention";

/// Half of what Defender allows, and no more than the tenant's own share.
fn share(loan: &Loan) -> Share {
    let whole = Share::WHOLE;
    Share {
        per_minute: loan.account.share.per_minute.min(whole.per_minute / 2),
        per_hour: loan.account.share.per_hour.min(whole.per_hour / 2),
    }
}
