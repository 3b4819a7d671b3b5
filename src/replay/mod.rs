//! What a policy would have made of alerts that came before: each is decided by it, and its scans go through the planner
//! and the quota in virtual time. Nothing is sent, and nothing is written.
//!
//! Deliveries come one after the other, so what is kept grows with devices, open scans and the window of repeats, never
//! with the alerts. What no replay can know is assumed, and said: that Defender answers soon, that scans succeed after
//! a fixed time, and what the directory would say where the journal does not tell.
//!
//! The worker itself is not run: a month of alerts would list and follow every scan. What decides in it is:
//! `scanhook_core::plan` and `quota`, the order of the queue and the places under way (`Queue::poll` reads like
//! `TenantWorker::poll_scans`, and changes with it). `tests/it/replay/worker.rs` serves random alerts with the real
//! journal and worker, replays what the journal then holds, and wants the same decisions, the same number of scans, and
//! peaks that differ by no more than two.
//!
//! `journal::stored` reads in short steps, each a transaction of its own. A journal that nobody has open is read as a
//! file that does not change, because SQLite would otherwise make files beside it; at the end it must not have changed.

mod bodies;
mod differences;
mod load;
mod play;
mod queue;
mod repeats;
mod report;
mod stage;
mod tally;

pub use bodies::{Bodies, Unusable};
pub use differences::{Example, Group};
pub use load::{Load, Peak, QuotaWait, Waits};
pub use queue::Takes;
pub use report::{Alerts, Asked, Compared, HeldBy, ReplayReport, RuleReport, StateCount, Title};
pub use stage::{Assumed, ReplayStage};
pub use tally::{Hold, OfRule, ReplayOutcome};

use crate::journal::{StoredAlert, StoredDecision, StoredDelivery};
use crate::policy::{Policy, PolicyQuestion};
use crate::settings::Source;
use differences::Differences;
use play::{Play, ReplayCase};
use scanhook_core::alert::{Alert, AlertState, Device, MachineId};
use scanhook_core::directory::Record;
use scanhook_core::json::Json;
use scanhook_core::rules::Facts;
use scanhook_core::scan::{DecisionState, Reason};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

/// What the directory of a tenant once said of a machine.
pub type RecordOf<'r, E> = &'r mut dyn FnMut(&str, &MachineId) -> Result<Option<Record>, E>;

/// A replay under way.
pub struct Replay<'p> {
    stage: ReplayStage,
    play: Play<'p>,
    against: Option<Play<'p>>,
    differences: Differences,
    alerts: Alerts,
    deliveries: u64,
    /// Alerts whose body a condition would look at, and that have none any more.
    bodiless: u64,
    /// Decisions that a person approved, or that are not made yet: they are compared with nothing.
    not_compared: u64,
    from: Option<Timestamp>,
    now: Timestamp,
}

impl<'p> Replay<'p> {
    /// A policy, and the one it is compared with; without that one it is compared with what was decided.
    #[must_use]
    pub fn new(stage: ReplayStage, policy: &'p Policy, against: Option<&'p Policy>) -> Replay<'p> {
        Replay {
            stage,
            play: Play::new(policy),
            against: against.map(Play::new),
            differences: Differences::default(),
            alerts: Alerts::default(),
            deliveries: 0,
            bodiless: 0,
            not_compared: 0,
            from: None,
            now: Timestamp::default(),
        }
    }

    /// Plays one delivery; `record` tells what the directory once said of a machine of a tenant.
    ///
    /// # Errors
    /// What `record` fails with.
    pub fn take<E>(&mut self, delivery: &StoredDelivery, record: RecordOf<'_, E>) -> Result<(), E> {
        self.deliveries += 1;
        self.from = self.from.or(Some(delivery.at));
        // Where the clock was set back, time stands still until it is caught up with.
        self.now = if self.deliveries == 1 {
            delivery.at
        } else {
            self.now.max(delivery.at)
        };
        self.play.run_until(self.now);
        if let Some(against) = &mut self.against {
            against.run_until(self.now);
        }
        self.stage.know(&delivery.source);
        let body = delivery
            .body
            .as_deref()
            .and_then(|body| strict_json::read(body).ok());
        for stored in &delivery.alerts {
            self.alerts.see(stored.state, stored.reason);
            if stored.state == AlertState::Decided {
                self.bodiless += u64::from(body.is_none() && self.reads_body());
                self.decide(delivery, stored, body.as_ref(), record)?;
            }
        }
        self.play.poll(self.now);
        if let Some(against) = &mut self.against {
            against.poll(self.now);
        }
        Ok(())
    }

    fn reads_body(&self) -> bool {
        self.play.policy.rules().reads_body()
    }

    fn decide<E>(
        &mut self,
        delivery: &StoredDelivery,
        stored: &StoredAlert,
        body: Option<&Json<'_>>,
        record: RecordOf<'_, E>,
    ) -> Result<(), E> {
        let Replay {
            stage,
            play,
            against,
            differences,
            not_compared,
            now,
            ..
        } = self;
        let Some(source) = stage.sources.get(&delivery.source) else {
            return Ok(());
        };
        let alert = &stored.alert;
        let mut unmatched = false;
        for device in &alert.devices {
            let made = stored
                .decisions
                .iter()
                .find(|made| made.device == device.label());
            let (tenant, machine) = meant(made, source, alert, device);
            let record = match machine {
                Some(machine) => record(tenant, machine)?,
                None => None,
            };
            let case = ReplayCase {
                question: PolicyQuestion {
                    source,
                    tenant,
                    terms: stage.tenant(tenant).terms(),
                    alert,
                    device,
                    facts: Facts::NotAsked,
                    body,
                    at: delivery.at,
                    memo: None,
                },
                tenant,
                machine,
                record: record.as_ref(),
                barred: barred(made, record.as_ref()),
                now: *now,
            };
            let decided = play.decide(&case, stage);
            unmatched |= decided.reason == Some(Reason::NoMatch);
            let example = || {
                Example::new(
                    delivery.at,
                    &delivery.source,
                    alert,
                    &shown(device),
                    &delivery.place,
                )
            };
            match (against.as_mut(), made) {
                (Some(against), _) => {
                    differences.see(&against.decide(&case, stage), &decided, example)
                }
                (None, Some(made)) => match outcome(made) {
                    Some(was) => differences.see(&was, &decided, example),
                    None => *not_compared += 1,
                },
                (None, None) => {}
            }
        }
        if unmatched {
            play.tally.unmatched(alert.title.as_deref());
        }
        Ok(())
    }
}

/// Which tenant acts on which machine: as was decided then, otherwise as the alert says.
fn meant<'a>(
    made: Option<&'a StoredDecision>,
    source: &'a Source,
    alert: &'a Alert,
    device: &'a Device,
) -> (&'a str, Option<&'a MachineId>) {
    let tenant = made
        .map(|made| made.tenant.as_str())
        .or(source.tenant_of(alert))
        .unwrap_or("default");
    let machine = made
        .and_then(|made| made.machine.as_ref())
        .or(device.machine.as_ref());
    (tenant, machine)
}

fn shown(device: &Device) -> String {
    device
        .name
        .clone()
        .unwrap_or_else(|| device.label().to_owned())
}

/// What the directory said that stands in a scan's way, as far as the journal tells.
fn barred(made: Option<&StoredDecision>, record: Option<&Record>) -> Option<Reason> {
    let says_so = |reason: &Reason| {
        use Reason::{AmbiguousDevice, Excluded, NoSuchMachine, UnresolvedDevice, Unsupported};
        matches!(
            reason,
            AmbiguousDevice | Excluded | NoSuchMachine | UnresolvedDevice | Unsupported
        )
    };
    let made = made
        .map(|made| made.held.unwrap_or(made.reason))
        .filter(says_so);
    made.or_else(|| record.and_then(Record::bar).map(|bar| bar.reason()))
}

/// What was decided, before time or a person ended it. `None`: nothing that could be compared.
fn outcome(made: &StoredDecision) -> Option<ReplayOutcome> {
    let (state, reason) = match (made.state, made.reason) {
        _ if made.approved => return None,
        (DecisionState::Resolving, _) | (DecisionState::Dropped, Reason::TooOld) => return None,
        (DecisionState::Dropped, Reason::Expired | Reason::Denied) => {
            (DecisionState::Held, made.held?)
        }
        (state, reason) => (state, reason),
    };
    let reason = Some(reason).filter(|_| state != DecisionState::Scan);
    Some(ReplayOutcome {
        rule: made.rule.clone(),
        scan: made.kind,
        state,
        reason,
    })
}
