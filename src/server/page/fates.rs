//! What will become of each thing that an order is about, or has, in words.

use super::order_home::is_answer;
use crate::api::ItemView;
use crate::server::control::OrderVerb;

/// A thing with what will become of it, or has. What is answered for a machine is one line, with the first of its decisions,
/// which tells most.
pub(super) struct Fate {
    pub(super) item: ItemView,
    pub(super) words: &'static str,
    pub(super) decisions: usize,
}

impl Fate {
    /// Whether this is what will become of it.
    pub(super) fn will(&self, code: &str) -> bool {
        self.item.will.as_deref() == Some(code)
    }

    /// Whether the order will do anything to it.
    pub(super) fn is_able(&self) -> bool {
        ["cancelled", "cancelling", "retried"]
            .iter()
            .any(|code| self.will(code))
    }
}

/// The lines of what would become of each thing.
pub(super) fn foreseen(verb: OrderVerb, items: &[ItemView]) -> Vec<Fate> {
    lines(
        verb,
        items,
        match verb {
            OrderVerb::Approve | OrderVerb::Deny => will_be_answered,
            OrderVerb::Cancel => will_be_cancelled,
            OrderVerb::Retry => will_be_retried,
        },
    )
}

/// The lines of what became of each thing.
pub(super) fn done(verb: OrderVerb, items: &[ItemView]) -> Vec<Fate> {
    lines(
        verb,
        items,
        if is_answer(verb) {
            was_answered
        } else {
            was_ordered
        },
    )
}

fn lines(verb: OrderVerb, items: &[ItemView], words: fn(&ItemView) -> &'static str) -> Vec<Fate> {
    let mut fates: Vec<Fate> = Vec::new();
    let about = |item: &ItemView| {
        let device = item.machine.clone().or_else(|| item.device.clone());
        (item.tenant.clone(), device, item.reason.clone())
    };
    for item in items {
        let known = fates
            .iter_mut()
            .find(|fate| is_answer(verb) && about(&fate.item) == about(item));
        match known {
            Some(fate) => fate.decisions += 1,
            None => fates.push(Fate {
                words: words(item),
                item: item.clone(),
                decisions: 1,
            }),
        }
    }
    fates
}

fn will_be_answered(item: &ItemView) -> &'static str {
    match item.will.as_deref() {
        Some("new") => "a new scan begins",
        Some("merged") => "joins the scan that waits",
        Some("running") => "answered by the running scan",
        Some("foreign") => "answered by a scan that somebody else began",
        Some("cooldown") => "answered by the last scan, which still counts",
        Some("approved_once") => "is approved once: one more person has to approve",
        Some("second-person-needed") => {
            "waits for another person: this approval does not count beside the first"
        }
        Some("machine-needed") => "needs a machine: nothing happens to it",
        Some("not-configured") => "its tenant is not configured any more: nothing happens to it",
        Some("not-held") => "is not held any more: nothing happens to it",
        Some(_) => "stays held",
        None if item.kind == "decision" => "is denied: no scan",
        None => "nothing has this id",
    }
}

fn was_answered(item: &ItemView) -> &'static str {
    match (item.result.as_deref(), item.reason.as_deref()) {
        (Some("approved"), Some("new")) => "approved: a scan was begun",
        (Some("approved"), Some("merged")) => "approved: joined the scan that waits",
        (Some("approved"), Some("running")) => "approved: answered by the running scan",
        (Some("approved"), Some("cooldown")) => "approved: answered by the last scan",
        (Some("approved"), Some("foreign")) => {
            "approved: answered by a scan that somebody else began"
        }
        (Some("approved"), _) => "approved",
        (Some("approved_once"), _) => "approved once: one more person has to approve",
        (Some("second-person-needed"), _) => {
            "waits for another person: this approval does not count beside the first"
        }
        (Some("denied"), _) => "denied",
        (Some("already"), _) => "was answered so before",
        (Some("machine-needed"), _) => "needs a machine: choose it first",
        (Some("not-held"), _) => "was not held any more",
        (Some("not-configured"), _) => "its tenant is not configured any more",
        _ => "nothing was done",
    }
}

fn will_be_cancelled(item: &ItemView) -> &'static str {
    match item.will.as_deref() {
        Some("cancelled") => "is cancelled before it begins",
        Some("cancelling") => "Defender is asked to cancel it",
        Some("already") => "was cancelled before: nothing happens to it",
        Some("already-over") => "is over: nothing happens to it",
        Some("foreign-action") => "is a scan of somebody else: nothing happens to it",
        Some("dry-run") => "nothing may be sent for its tenant: nothing happens to it",
        _ => "no scan has this id",
    }
}

fn will_be_retried(item: &ItemView) -> &'static str {
    match item.will.as_deref() {
        Some("retried") if item.kind == "delivery" => "is read again, with the rules of today",
        Some("retried") => "is decided again: a new scan, unless something answers or holds it",
        Some("already") => "was tried again before: nothing happens to it",
        Some("not-configured") => "its tenant is not configured any more: nothing happens to it",
        Some("body-gone") => "its body is not kept any more: nothing happens to it",
        Some(_) => "has not failed: nothing happens to it",
        None => "nothing has this id",
    }
}

fn was_ordered(item: &ItemView) -> &'static str {
    match item.result.as_deref() {
        Some("cancelled") => "cancelled",
        Some("cancelling") => "Defender is asked to cancel it",
        Some("retried") if item.kind == "delivery" => "was read again",
        Some("retried") => "was decided again",
        Some("already") => "had been done before",
        Some("already-over") => "was over",
        Some("foreign-action") => "is a scan of somebody else",
        Some("dry-run") => "nothing may be sent for its tenant",
        Some("not-retryable") => "has not failed",
        Some("not-configured") => "its tenant or source is not configured any more",
        Some("body-gone") => "its body is not kept any more",
        _ => "nothing was done",
    }
}
