//! Counters that can come are there from the start, as 0: otherwise the first count would be no increase to whoever
//! compares two scrapes. Their labels are known from the configuration and from fixed words. A reload adds those of new
//! names; counters of names that are gone stay as they are until the process ends, so that no sum ever falls.

use std::collections::BTreeSet;

use prometheus_client::metrics::family::MetricConstructor;

use super::{Family, Labels, Metrics};
use crate::api::refusals;
use crate::in_force::ActiveConfig;
use crate::journal::Api;
use crate::settings::Source;
use crate::worker::ANSWERS;
use scanhook_core::alert::{AlertReason, AlertState};
use scanhook_core::scan::{DecisionState, Kind, Outcome, Reason};
use scanhook_core::strict_json::JsonFault;

/// Pairs of a tenant and a rule whose decisions are there from the start. Where there are more, those of a rule come with
/// its first decision: ten thousand rules must not be a hundred thousand series.
const MOST_PAIRS: usize = 400;

impl Metrics {
    /// Makes sure that whatever can be counted from now on is there.
    pub fn expect(&self, in_force: &ActiveConfig) {
        self.expect_words();
        self.access.expect(&in_force.settings.admin);
        self.telemetry.expect();
        self.certificate_expiry.clear();
        // A source may have lost the key, too.
        self.expect_every.clear();
        for (place, valid) in in_force.settings.certificates() {
            let labels = vec![("where", place)];
            let end = self.certificate_expiry.get_or_create(&labels);
            end.set(super::unix(valid.until));
        }
        for source in &in_force.settings.sources {
            self.expect_source(source);
        }
        let rules: Vec<&str> = in_force.policy.rules().names().collect();
        let known = if in_force.tenants.len() * rules.len() <= MOST_PAIRS {
            rules.as_slice()
        } else {
            &[]
        };
        for tenant in in_force.tenants.iter().map(|tenant| tenant.name.as_str()) {
            for kind in Kind::ALL {
                for outcome in ANSWERS {
                    let labels = [
                        ("tenant", tenant),
                        ("type", kind.code()),
                        ("outcome", outcome),
                    ];
                    there(&self.scan_requests, &labels);
                }
                for outcome in Outcome::ALL {
                    let labels = [
                        ("tenant", tenant),
                        ("type", kind.code()),
                        ("outcome", outcome.code()),
                    ];
                    there(&self.scan_outcomes, &labels);
                }
            }
            for rule in known.iter().copied().chain([""]) {
                for state in DecisionState::ALL {
                    there(
                        &self.decisions,
                        &[("tenant", tenant), ("rule", rule), ("state", state.code())],
                    );
                }
            }
        }
    }

    fn expect_words(&self) {
        let codes = refusals::ALL
            .iter()
            .map(|entry| entry.code)
            .chain(unreadable());
        codes.for_each(|code| there(&self.refused, &[("code", code)]));
        let decisions = Reason::ALL
            .iter()
            .filter(|reason| reason.leaves_unscanned())
            .map(|reason| reason.code());
        let reasons = decisions.chain(AlertReason::ALL.iter().map(|reason| reason.code()));
        reasons.for_each(|reason| there(&self.not_scanned, &[("reason", reason)]));
        for kind in Kind::ALL {
            there(&self.action_duration, &[("type", kind.code())]);
        }
        for api in Api::ALL.iter().filter(|api| **api != Api::Alert) {
            let done = if *api == Api::Scan { "201" } else { "200" };
            for status in [done, "429"] {
                there(
                    &self.request_duration,
                    &[("operation", api.code()), ("status", status)],
                );
            }
        }
    }

    fn expect_source(&self, source: &Source) {
        let name = ("source", source.name.as_str());
        if let Some(every) = source.expect_every {
            self.expect_every
                .get_or_create(&vec![("source", source.name.clone())])
                .set(every.as_secs_f64());
        }
        // A source that is not known has no name here.
        let refused = refusals::ALL
            .iter()
            .map(|entry| entry.status.as_u16())
            .filter(|status| *status != 404);
        for status in refused.chain([200, 202]).collect::<BTreeSet<u16>>() {
            there(&self.deliveries, &[name, ("status", &status.to_string())]);
        }
        for code in unreadable() {
            there(&self.unread, &[name, ("code", code)]);
        }
        for state in AlertState::ALL {
            there(&self.alerts, &[name, ("state", state.code())]);
        }
        // Of several checks together only a request shows which secrets prove it.
        for check in source
            .auth
            .alternatives
            .iter()
            .filter_map(|all| <&[_; 1]>::try_from(all.as_slice()).ok())
        {
            for old in check[0].keys().iter().skip(1) {
                there(&self.old_secrets, &[name, ("credential", old.id())]);
            }
        }
    }
}

/// What is wrong with bodies of senders.
fn unreadable() -> impl Iterator<Item = &'static str> {
    JsonFault::ALL
        .iter()
        .filter(|fault| **fault != JsonFault::DuplicateKey)
        .map(|fault| fault.code())
}

fn there<M, C: MetricConstructor<M>>(
    family: &Family<Labels, M, C>,
    labels: &[(&'static str, &str)],
) {
    let labels = labels
        .iter()
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect();
    drop(family.get_or_create(&labels));
}
