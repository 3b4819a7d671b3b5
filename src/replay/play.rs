//! One policy, played: it decides, the queue of the tenant plans, and all is counted.

use std::collections::BTreeMap;

use super::queue::Queue;
use super::stage::{Assumed, ReplayStage};
use super::tally::{ReplayOutcome, Tally};
use crate::policy::{Policy, PolicyQuestion};
use scanhook_core::alert::{Device, MachineId};
use scanhook_core::directory::Record;
use scanhook_core::rules::Facts;
use scanhook_core::scan::{DecisionState, Mode, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Verdict, Wanted};

/// One (alert, device), with what the journal knows of it.
pub(super) struct ReplayCase<'a> {
    /// The alert as the policy is asked about it; its facts are not asked yet.
    pub(super) question: PolicyQuestion<'a>,
    pub(super) tenant: &'a str,
    /// The machine, as the alert or the journal says.
    pub(super) machine: Option<&'a MachineId>,
    /// The machine's record, as the directory gave it.
    pub(super) record: Option<&'a Record>,
    /// What the directory said that stands in a scan's way.
    pub(super) barred: Option<Reason>,
    pub(super) now: Timestamp,
}

/// A policy with the queues of its tenants.
pub(super) struct Play<'p> {
    pub(super) policy: &'p Policy,
    pub(super) queues: BTreeMap<String, Queue<'p>>,
    pub(super) tally: Tally,
}

impl<'p> Play<'p> {
    pub(super) fn new(policy: &'p Policy) -> Play<'p> {
        Play {
            policy,
            queues: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    pub(super) fn run_until(&mut self, now: Timestamp) {
        self.queues
            .values_mut()
            .for_each(|queue| queue.run_until(now));
    }

    /// What was decided together is sent together.
    pub(super) fn poll(&mut self, now: Timestamp) {
        self.queues.values_mut().for_each(|queue| queue.poll(now));
    }

    /// Decides one (alert, device), as intake and worker do between them.
    pub(super) fn decide(&mut self, case: &ReplayCase<'_>, stage: &ReplayStage) -> ReplayOutcome {
        let JudgedCase {
            verdict,
            barred,
            one_machine,
        } = self.verdict(case, stage);
        let (state, reason, wanted) = match (&verdict.asks, barred) {
            (Asks::Hold(_, wanted) | Asks::Scan(wanted), Some(reason)) => {
                (barred_state(reason), reason, Some(wanted))
            }
            (Asks::Nothing(reason), _) => (DecisionState::None, *reason, None),
            (Asks::Resolve(_), _) => (DecisionState::Resolving, Reason::AwaitsDirectory, None),
            (Asks::Hold(reason, wanted), None) => (DecisionState::Held, *reason, Some(wanted)),
            (Asks::Scan(wanted), None) => {
                let known = case.machine.map(|id| id.as_str().to_owned());
                let machine = known.or_else(|| one_machine.then(|| named(case.question.device)));
                let reason = match machine {
                    Some(machine) => {
                        let bounds = stage.tenant(case.tenant);
                        let mode = if bounds.approval {
                            wanted.mode.min(Mode::Approve)
                        } else {
                            wanted.mode
                        };
                        let new = || Queue::new(self.policy, bounds.share, stage.takes);
                        let queue = self
                            .queues
                            .entry(case.tenant.to_owned())
                            .or_insert_with(new);
                        let wanted = Wanted {
                            mode,
                            ..wanted.clone()
                        };
                        queue.admit(&machine, verdict.rule.as_deref(), &wanted, case.now)
                    }
                    None => Reason::UnresolvedDevice,
                };
                let held = matches!(
                    reason,
                    Reason::Approval | Reason::Limit | Reason::UnresolvedDevice
                );
                (
                    if held {
                        DecisionState::Held
                    } else {
                        DecisionState::Scan
                    },
                    reason,
                    Some(wanted),
                )
            }
        };
        let scan = wanted.map(|wanted| wanted.kind);
        self.tally.decided(&verdict, scan, state, reason);
        ReplayOutcome {
            rule: verdict.rule,
            scan,
            state,
            reason: Some(reason).filter(|_| state != DecisionState::Scan),
        }
    }

    /// The verdict, once the directory has answered as far as is known, or as is assumed.
    fn verdict(&mut self, case: &ReplayCase<'_>, stage: &ReplayStage) -> JudgedCase {
        let ask = |facts| {
            self.policy.decide(PolicyQuestion {
                facts,
                ..case.question
            })
        };
        let verdict = ask(Facts::NotAsked);
        if !matches!(verdict.asks, Asks::Resolve(_)) {
            return JudgedCase {
                verdict,
                barred: None,
                one_machine: false,
            };
        }
        self.tally.asked += 1;
        if case.record.is_some() || case.barred.is_some() {
            self.tally.recorded += 1;
            let facts = case
                .record
                .map_or(Facts::Silent, |record| Facts::Known(record.facts()));
            return JudgedCase {
                verdict: ask(facts),
                barred: case.barred,
                one_machine: false,
            };
        }
        match stage.assumed {
            Assumed::Unremarkable => {
                let facts = self.policy.rules().unremarkable(case.question.device);
                JudgedCase {
                    verdict: ask(Facts::Known(facts)),
                    barred: None,
                    one_machine: true,
                }
            }
            Assumed::Silent => {
                let barred = case.machine.is_none().then_some(Reason::UnresolvedDevice);
                JudgedCase {
                    verdict: ask(Facts::Silent),
                    barred,
                    one_machine: false,
                }
            }
        }
    }
}

/// A verdict, and what else bears on it.
struct JudgedCase {
    verdict: Verdict,
    /// Why no scan of the device can begin.
    barred: Option<Reason>,
    /// A device without an id is taken to be one machine.
    one_machine: bool,
}

/// A device that is only named, as a machine of its own.
fn named(device: &Device) -> String {
    device.label().to_lowercase()
}

/// A person can still decide about a device that is not resolved; a machine that cannot be scanned is dropped.
const fn barred_state(reason: Reason) -> DecisionState {
    match reason {
        Reason::NoSuchMachine | Reason::Unsupported | Reason::Excluded | Reason::TooOld => {
            DecisionState::Dropped
        }
        _ => DecisionState::Held,
    }
}
