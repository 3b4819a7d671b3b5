//! The policies that decided a delivery of the journal, or the one that is named in their place.

use std::collections::BTreeMap;

use super::args::ExplainArgs;
use crate::cli::load;
use crate::cli::trouble::{CliError, Exit};
use crate::journal::{Remembered, RememberedDecision};
use crate::policy::Policy;

/// The policies that decided, or the one that is named in their place.
pub(super) struct Policies {
    named: Option<Policy>,
    decided: BTreeMap<String, Policy>,
}

impl Policies {
    pub(super) fn of(
        args: &ExplainArgs,
        kept: &Remembered,
        notes: &mut Vec<String>,
    ) -> Result<Policies, CliError> {
        let mut policies = Policies {
            named: None,
            decided: BTreeMap::new(),
        };
        if let Some(path) = &args.rules {
            notes.push(format!(
                "decided by the rules of {}, not by those that decided then",
                path.display()
            ));
            policies.named = Some(load::policy(path, Exit::Configuration)?.policy);
            return Ok(policies);
        }
        for (fingerprint, record) in &kept.policies {
            match Policy::recall(record) {
                Ok(checked) => drop(policies.decided.insert(fingerprint.clone(), checked.policy)),
                Err(_) => notes.push(format!(
                    "the policy {fingerprint} that decided cannot be read by this version; name one with --rules"
                )),
            }
        }
        Ok(policies)
    }

    pub(super) fn of_decision(&self, decision: &RememberedDecision) -> Option<&Policy> {
        self.named
            .as_ref()
            .or_else(|| self.decided.get(&decision.policy))
    }
}
