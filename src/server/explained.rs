//! Why a decision is as it is: each rule and protection with what it saw, worked out from the stored alert by the policy
//! that decided, as `scanhook explain --delivery` does it.

use std::sync::Arc;

use uuid::Uuid;

use super::access::AskedBy;
use super::refusal::{CommandError, HttpError};
use super::state::Admin;
use crate::explain::{AlertCase, Judgement};
use crate::in_force::ActiveConfig;
use crate::journal::{Done, Remembered, RememberedAlert, RememberedDecision};
use crate::policy::{Ceiling, Policy, Terms};
use crate::settings::Source;
use scanhook_core::alert::Alert;
use scanhook_core::scan::Mode;
use scanhook_core::strict_json;

impl Admin {
    /// Explains the decision with this id.
    pub(super) async fn explained(
        &self,
        asked: &AskedBy,
        id: Uuid,
    ) -> Result<Judgement, HttpError> {
        let in_force = self.intake.in_force();
        let unknown = || CommandError::NotDone(Done::UnknownId, Box::default());
        // Policies are read again and tried, so it is done where the journal is read.
        let judged = self.read(move |reader| {
            let kept = reader.remembered(id)?;
            Ok(kept.map(|kept| judged(&kept, &in_force)))
        });
        match judged.await? {
            Some(Some(judged)) if asked.sees_all() => Ok(judged),
            Some(Some(judged)) if asked.sees(&judged.tenant) => Ok(judged.for_its_tenant()),
            Some(Some(_)) => Err(unknown().into()),
            // The policy or the alert is stored as this version cannot read it.
            Some(None) => Err(HttpError::NotFound),
            None => Err(unknown().into()),
        }
    }
}

/// `None`: what is stored cannot be read by this version.
fn judged(kept: &Remembered, in_force: &Arc<ActiveConfig>) -> Option<Judgement> {
    let (one, decision) = decided(kept)?;
    let policy = Policy::recall(kept.policies.get(&decision.policy)?)
        .ok()?
        .policy;
    let binding = in_force.bindings.get(&kept.source);
    let source = binding.map_or_else(|| stranger(kept), |binding| Some(binding.source.clone()))?;
    // By now its source may act for another tenant.
    let alert = &Alert {
        acts_for: Some(decision.tenant.clone()),
        ..one.alert.clone()?
    };
    let label = &decision.receipt.device;
    let device = alert
        .devices
        .iter()
        .find(|device| device.label() == label)?;
    let known = in_force.tenants.iter();
    let terms = known
        .filter(|tenant| tenant.name == decision.tenant)
        .map(|tenant| tenant.terms)
        .next();
    let body = kept.body.as_deref();
    let body = body.and_then(|body| strict_json::read(body).ok());
    let case = AlertCase {
        policy: &policy,
        source: &source,
        terms: terms.unwrap_or(Terms {
            ceiling: Ceiling::AtMost(Mode::Enforce),
            limit: None,
        }),
        alert,
        device,
        body: body.as_ref(),
        at: kept.received,
        facts: &[],
        recorded: decision.machine.as_ref().map(|(_, record)| record),
    };
    Some(case.judge().stored(decision))
}

fn decided(kept: &Remembered) -> Option<(&RememberedAlert, &RememberedDecision)> {
    kept.alerts
        .iter()
        .find_map(|one| Some((one, one.decisions.first()?)))
}

/// Stands for a source that is not configured any more.
fn stranger(kept: &Remembered) -> Option<Source> {
    Some(Source {
        name: kept.source.clone(),
        preset: String::new(),
        tenants: Vec::new(),
        ..Source::of_preset("generic")?
    })
}
