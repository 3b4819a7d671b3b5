//! A decision that is made anew, with all that it is decided from: the policy of the moment, the stored alert, and what
//! the directory says.

use crate::in_force::SourceBinding;
use crate::journal::{Again, PolicyId, Resolving};
use crate::policy::{Policy, PolicyQuestion as Asked, Terms};
use scanhook_core::alert::Device;
use scanhook_core::directory::Resolution;
use scanhook_core::json::Json;
use scanhook_core::rules::{Facts, Memo};
use scanhook_core::scan::{Priority, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Openings, Verdict};

/// A decision with all that it is decided from.
pub(super) struct Pending<'a> {
    pub(super) policy: &'a Policy,
    pub(super) id: PolicyId,
    pub(super) row: &'a Resolving,
    pub(super) binding: &'a SourceBinding,
    pub(super) tenant: &'a str,
    pub(super) terms: Terms,
    pub(super) device: Device,
    pub(super) body: Option<&'a Json<'a>>,
    pub(super) memo: &'a Memo,
}

impl Pending<'_> {
    fn verdict(&self, facts: Facts) -> Verdict {
        let (source, terms, alert) = (&self.binding.source, self.terms, &self.row.alert);
        self.policy.decide(Asked {
            source,
            tenant: self.tenant,
            terms,
            alert,
            device: &self.device,
            facts,
            body: self.body,
            at: self.row.received,
            memo: Some(self.memo),
        })
    }

    /// The verdict by what the directory says, and why no scan can begin, if none can.
    pub(super) fn verdict_by(
        &self,
        resolution: &Resolution,
        now: Timestamp,
    ) -> (Verdict, Option<Reason>) {
        let mut verdict = self.verdict(resolution.facts());
        let mut barred = resolution.barred(&self.device);
        if let Asks::Scan(wanted) = &mut verdict.asks {
            if self.row.said.as_ref().is_some_and(|said| said.at_once) {
                (wanted.start, wanted.openings) = (None, Openings::always());
            }
            // Its age counts from the receipt, or from a retry, not from the directory's answer.
            let age = now.since(self.row.since);
            barred = barred.or((age >= wanted.max_age).then_some(Reason::TooOld));
            wanted.max_age = wanted.max_age.saturating_sub(age);
        }
        (verdict, barred)
    }

    /// The decision as one that is made once more.
    pub(super) fn again(&self) -> Again {
        Again {
            decision: self.row.decision,
            from: self.row.from,
            said: self.row.said.clone(),
            approvals: Vec::new(),
            counted: true,
            renewed: false,
        }
    }

    /// How urgent it would be if the directory had nothing to say.
    pub(super) fn priority(&self) -> Priority {
        match self.verdict(Facts::Silent).asks {
            Asks::Hold(_, wanted) | Asks::Scan(wanted) => wanted.priority,
            Asks::Nothing(_) | Asks::Resolve(_) => Priority::of_severity(self.row.alert.severity),
        }
    }
}
