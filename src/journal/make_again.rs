//! One decision is made once more, on the terms of today. What it was held for before it was dropped holds it again: a
//! retry is no approval.

use core::time::Duration;

use super::error::JournalError;
use super::held_decision::HeldDecision;
use super::new_decision::Again;
use super::outcome::OnTerms;
use super::tx::Tx;
use scanhook_core::person::{By, Did, Said};
use scanhook_core::scan::{Kind, Priority, Reason, ScanId};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict};

/// How long the directory may take for a decision that is made once more.
const RESOLVE_WITHIN: Duration = Duration::from_secs(300);

/// What a person orders.
#[derive(Clone, Copy)]
pub(super) struct RetryOrder<'o> {
    pub(super) by: &'o By,
    /// Now, whatever the windows say.
    pub(super) at_once: bool,
    pub(super) terms: &'o OnTerms<'o>,
    pub(super) now: Timestamp,
}

impl Tx<'_> {
    /// One decision, made once more. What it was held for before it was dropped holds it again: a retry is no approval.
    /// `None`: its tenant is not configured any more; otherwise the scan that answers now, if one does.
    pub(super) fn make_again(
        &mut self,
        decided: &HeldDecision,
        order: &RetryOrder<'_>,
    ) -> Result<Option<Option<ScanId>>, JournalError> {
        let RetryOrder {
            by,
            at_once,
            terms,
            now,
        } = *order;
        let why = decided.why();
        let wanted = if decided.lost_its_source() {
            // No rule was asked yet, so nothing says what it wants; only whether its tenant is still there is asked here.
            let any = Some((Kind::Quick, Priority::of_severity(None)));
            decided.wanting(any).on_terms(&why, terms, at_once, now)
        } else {
            decided.on_terms(&why, terms, at_once, now)
        };
        let Some(wanted) = wanted else {
            return Ok(None);
        };
        let asks = match (why.held, decided.reason) {
            _ if decided.lost_its_source() => Asks::Resolve(RESOLVE_WITHIN),
            // The directory spoke against it: it is asked again what it says now, and nothing older is believed.
            (
                None,
                Reason::NoSuchMachine | Reason::Unsupported | Reason::Excluded | Reason::TooOld,
            ) => Asks::Resolve(RESOLVE_WITHIN),
            // Those who approved the scan that came to nothing did not approve this one.
            (held, _) if decided.people().is_some() => {
                Asks::Hold(held.unwrap_or(Reason::Protection), wanted)
            }
            // A record of schema 1 does not say what it was held for.
            (None, Reason::Expired) => Asks::Hold(Reason::Approval, wanted),
            // These come back by themselves where they still stand.
            (None | Some(Reason::Approval | Reason::Limit | Reason::UnresolvedDevice), _) => {
                Asks::Scan(wanted)
            }
            (Some(reason), _) => Asks::Hold(reason, wanted),
        };
        let verdict = Verdict {
            rule: decided.rule.clone(),
            asks,
            seen: why.seen,
            protections: why.protections,
        };
        let said = Said {
            did: Did::Retried,
            by: by.clone(),
            at_once,
        };
        let again = Again {
            decision: decided.id,
            from: decided.state,
            said: Some(said),
            approvals: Vec::new(),
            counted: true,
            renewed: true,
        };
        let scan = self
            .admit(
                &decided.anew(decided.machine.as_ref(), again),
                &verdict,
                now,
            )?
            .scan;
        let detail = at_once.then_some("regardless of windows");
        self.person_did(
            "retried",
            by,
            (decided.tenant, None, Some(decided.id)),
            detail,
            now,
        )?;
        Ok(Some(scan))
    }
}
