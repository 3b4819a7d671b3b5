//! One alert about one device is worked out here: by the policy alone, with what the directory may say side by side. What
//! came out is a judgement, which knows nothing of how it was found.

use super::judgement::{ExplainedOutcome, Judgement, World};
use crate::policy::{Policy, PolicyQuestion, Terms};
use crate::settings::Source;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::directory::{self, NoAnswer, Record, Resolution};
use scanhook_core::json::Json;
use scanhook_core::plan::{History, Plan, plan};
use scanhook_core::rules::{Explanation, Facts, GivenFact};
use scanhook_core::scan::{DecisionState, Kind, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Wanted};
use scanhook_core::why::Why;

/// One alert about one device, with all that bears on it.
pub(crate) struct AlertCase<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) source: &'a Source,
    pub(crate) terms: Terms,
    pub(crate) alert: &'a Alert,
    pub(crate) device: &'a Device,
    pub(crate) body: Option<&'a Json<'a>>,
    pub(crate) at: Timestamp,
    /// What the command line says of the machine.
    pub(crate) facts: &'a [GivenFact],
    /// What the directory said of it last.
    pub(crate) recorded: Option<&'a Record>,
}

impl AlertCase<'_> {
    pub(crate) fn judge(&self) -> Judgement {
        let first = self.policy.decide(self.question(Facts::NotAsked));
        let first = self.outcome(
            &Explanation {
                verdict: first,
                rules: Vec::new(),
                protections: Vec::new(),
            },
            None,
        );
        let mut worlds = Vec::new();
        if let Some(record) = self.recorded {
            let barred = record.bar().map(|bar| bar.reason());
            worlds.push(self.world("recorded", Facts::Known(record.facts()), barred));
        }
        let mut facts = self.policy.rules().unremarkable(self.device);
        self.facts.iter().for_each(|fact| facts.take(fact));
        let name = if self.facts.is_empty() {
            "unremarkable"
        } else {
            "given"
        };
        // No directory says anything of what it cannot be asked for.
        let asked =
            directory::DeviceClaims::of(self.device, self.at).can_ask() || !self.facts.is_empty();
        worlds.push(self.world(
            name,
            Facts::Known(facts),
            (!asked).then_some(Reason::UnresolvedDevice),
        ));
        let silent = Resolution::Silent(NoAnswer::Late).barred(self.device);
        worlds.push(self.world("silent", Facts::Silent, silent));
        Judgement {
            alert: self.alert.id.clone(),
            device: self.device.label().to_owned(),
            tenant: self
                .source
                .tenant_of(self.alert)
                .unwrap_or_default()
                .to_owned(),
            at: self.at.to_string(),
            policy: self.policy.fingerprint().to_owned(),
            stored: None,
            first,
            worlds,
        }
    }

    fn question(&self, facts: Facts) -> PolicyQuestion<'_> {
        let AlertCase {
            source,
            terms,
            alert,
            device,
            body,
            at,
            ..
        } = *self;
        let tenant = source.tenant_of(alert).unwrap_or_default();
        PolicyQuestion {
            source,
            tenant,
            terms,
            alert,
            device,
            facts,
            body,
            at,
            memo: None,
        }
    }

    fn world(&self, directory: &'static str, facts: Facts, barred: Option<Reason>) -> World {
        let explanation = self.policy.explain(self.question(facts));
        let (outcome, guarded) = (
            self.outcome(&explanation, barred),
            explanation.guarded().to_vec(),
        );
        let Explanation {
            protections, rules, ..
        } = explanation;
        World {
            directory,
            outcome,
            protections,
            rules,
            guarded,
        }
    }

    /// What a verdict comes to. `barred`: what stands in the way of a scan, whatever the rules say.
    fn outcome(&self, explanation: &Explanation, barred: Option<Reason>) -> ExplainedOutcome {
        let verdict = explanation.verdict.clone();
        let mut why = Why {
            seen: verdict.seen,
            protections: verdict.protections,
            ..Why::default()
        };
        let (state, reason, wanted) = match verdict.asks {
            Asks::Nothing(reason) => (DecisionState::None, reason, None),
            Asks::Resolve(_) => (DecisionState::Resolving, Reason::AwaitsDirectory, None),
            Asks::Hold(reason, wanted) => (DecisionState::Held, reason, Some(wanted)),
            Asks::Scan(wanted) => match plan(&History::default(), &wanted, self.at) {
                Plan::Hold(reason) => (DecisionState::Held, reason, Some(wanted)),
                planned => (DecisionState::Scan, planned.reason(), Some(wanted)),
            },
        };
        let (state, reason) = match barred.filter(|_| wanted.is_some()) {
            None => (state, reason),
            Some(reason @ (Reason::UnresolvedDevice | Reason::AmbiguousDevice)) => {
                (DecisionState::Held, reason)
            }
            Some(reason) => (DecisionState::Dropped, reason),
        };
        why.mode = wanted.as_ref().map(|wanted| wanted.mode);
        why.start = wanted
            .as_ref()
            .and_then(|wanted| wanted.start)
            .filter(|start| *start > self.at);
        let names = |wanted: &Wanted| wanted.openings.names();
        why.windows = wanted
            .as_ref()
            .filter(|_| why.start.is_some())
            .map(names)
            .unwrap_or_default();
        let kind = wanted.as_ref().map(|wanted| wanted.kind);
        ExplainedOutcome {
            state,
            reason,
            scan: kind.map_or("none", Kind::code),
            priority: wanted.as_ref().map(|wanted| wanted.priority),
            mode: why.mode,
            start: wanted
                .and_then(|wanted| wanted.start)
                .map(|start| start.to_string()),
            why: why.sentence(reason, verdict.rule.as_deref(), kind, self.device.label()),
            rule: verdict.rule,
        }
    }
}
