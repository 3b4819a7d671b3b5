//! What the policies are played on: sources, tenants, and what is taken for granted.

use core::time::Duration;
use std::collections::BTreeMap;

use serde::Serialize;

use super::queue::Takes;
use crate::policy::{Ceiling, Terms};
use crate::settings::{Source, Tenant};
use scanhook_core::quota::Share;
use scanhook_core::scan::Mode;
use scanhook_core::verdict::Limit;

/// What the directory is taken to say of a machine where nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Assumed {
    /// It is the one machine of that name, and unremarkable, as in the embedded tests.
    Unremarkable,
    Silent,
}

/// What a tenant holds its rules to.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) limit: Limit,
    pub(super) share: Share,
    /// A person approves every scan.
    pub(super) approval: bool,
}

impl Bounds {
    /// Dry runs are played as if they were enforced, because that is what is to be seen.
    pub(super) const fn terms(self) -> Terms {
        Terms {
            ceiling: Ceiling::Simulated,
            limit: Some(self.limit),
        }
    }
}

/// What the policies are played on.
pub struct ReplayStage {
    pub(super) sources: BTreeMap<String, Source>,
    pub(super) tenants: BTreeMap<String, Bounds>,
    /// What the directory is taken to say.
    pub assumed: Assumed,
    /// How long scans are taken to last.
    pub takes: Takes,
}

impl ReplayStage {
    /// With these sources and tenants.
    #[must_use]
    pub fn new(
        sources: &[Source],
        tenants: &[Tenant],
        assumed: Assumed,
        takes: Takes,
    ) -> ReplayStage {
        let tenant = |tenant: &Tenant| {
            let approval = tenant.mode == Some(Mode::Approve);
            (
                tenant.name.clone(),
                Bounds {
                    limit: tenant.limit,
                    share: tenant.quota,
                    approval,
                },
            )
        };
        ReplayStage {
            sources: sources
                .iter()
                .map(|source| (source.name.clone(), source.clone()))
                .collect(),
            tenants: tenants.iter().map(tenant).collect(),
            assumed,
            takes,
        }
    }

    /// One that is not configured has what the file's defaults say.
    pub(super) fn tenant(&self, name: &str) -> Bounds {
        let limit = Limit {
            scans: 300,
            per: Duration::from_secs(3_600),
        };
        self.tenants.get(name).copied().unwrap_or(Bounds {
            limit,
            share: Share::WHOLE,
            approval: false,
        })
    }

    /// A source that is not configured any more goes by its name alone.
    pub(super) fn know(&mut self, name: &str) {
        if self.sources.contains_key(name) {
            return;
        }
        let shipped = Source::of_preset(name);
        let nameless = || {
            Source::of_preset("generic").map(|source| Source {
                preset: String::new(),
                ..source
            })
        };
        if let Some(source) = shipped.or_else(nameless) {
            self.sources.insert(
                name.to_owned(),
                Source {
                    name: name.to_owned(),
                    ..source
                },
            );
        }
    }
}
