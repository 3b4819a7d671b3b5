//! What the policy says of one alert about one device: the verdict, on the terms of its tenant, and why it is so.

use super::Policy;
use super::terms::Terms;
use super::terms::restrain;
use crate::settings::Source;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::comment::{Citation, Comment};
use scanhook_core::directory;
use scanhook_core::json::Json;
use scanhook_core::rules::{Event, Explanation, Facts, Memo};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{AskedFor, Asks, Verdict, Wanted};

/// One (alert, device) of a source, with all that may bear on it.
pub struct PolicyQuestion<'a> {
    pub source: &'a Source,
    /// The configured name of the tenant that acts. Once a decision is recorded it is that of the record, whatever the
    /// source says by now.
    pub tenant: &'a str,
    pub terms: Terms,
    pub alert: &'a Alert,
    pub device: &'a Device,
    /// What the directory says of the machine.
    pub facts: Facts,
    pub body: Option<&'a Json<'a>>,
    pub at: Timestamp,
    /// What was found out about the same delivery before: only where the body, the policy and the time are the same.
    pub memo: Option<&'a Memo>,
}

impl Policy {
    /// Decides one (alert, device) of a source. Where the machine is not known and the directory has not been asked
    /// which it is, it is asked before a scan is planned or a person is.
    #[must_use]
    pub fn decide(&self, question: PolicyQuestion<'_>) -> Verdict {
        let PolicyQuestion {
            source,
            tenant,
            terms,
            alert,
            device,
            mut facts,
            body,
            at,
            memo,
        } = question;
        let nameless = facts == Facts::NotAsked && device.machine.is_none();
        let unknown = nameless && directory::DeviceClaims::of(device, at).can_ask();
        if nameless && !unknown {
            facts = Facts::Silent;
        }
        let (name, preset) = (&source.name, &source.preset);
        let event = Event {
            source: name,
            preset,
            tenant,
            alert,
            device,
            facts,
            body,
            memo,
            at,
        };
        let mut verdict = self.rules.decide(&event);
        match &mut verdict.asks {
            Asks::Nothing(_) | Asks::Resolve(_) => {}
            Asks::Hold(..) | Asks::Scan(_) if unknown => {
                let asks = Asks::Resolve(self.rules.resolve_within());
                return Verdict {
                    rule: None,
                    asks,
                    seen: Vec::new(),
                    protections: Vec::new(),
                };
            }
            Asks::Hold(_, wanted) | Asks::Scan(wanted) => restrain(wanted, terms),
        }
        verdict
    }

    /// A scan on the terms that this rule and this tenant have now, with no rule asked again.
    #[must_use]
    pub fn wanted(&self, terms: Terms, asked: AskedFor<'_>) -> Wanted {
        let mut wanted = self.rules.wanted_by(asked);
        restrain(&mut wanted, terms);
        wanted
    }

    /// The comment of a scan.
    #[must_use]
    pub fn comment(&self, citation: Citation<'_>) -> Comment {
        self.rules.comment().fill(citation)
    }

    /// Why each rule and protection does or does not match, with what [`Policy::decide`] says.
    #[must_use]
    pub fn explain(&self, question: PolicyQuestion<'_>) -> Explanation {
        let PolicyQuestion {
            source,
            tenant,
            terms,
            alert,
            device,
            facts,
            body,
            at,
            memo,
        } = question;
        let (name, preset) = (&source.name, &source.preset);
        let event = Event {
            source: name,
            preset,
            tenant,
            alert,
            device,
            facts,
            body,
            memo,
            at,
        };
        let mut explanation = self.rules.explain(&event, &self.text);
        if let Asks::Hold(_, wanted) | Asks::Scan(wanted) = &mut explanation.verdict.asks {
            restrain(wanted, terms);
        }
        explanation
    }
}
