//! What is in force at one moment: one complete policy, and the sources and tenants it is applied to. Nothing in it ever
//! changes; a reload puts another in its place. Whoever decides takes it once and stays with it to the end.

pub mod armed;
pub mod door;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use crate::api::{LaneView, QuotaView};
use crate::journal::{PolicyId, Retention, TenantId};
use crate::policy::{Ceiling, Policy, Terms};
use crate::settings::{Settings, Source, Tenant};
use scanhook_core::scan::Mode;

/// What is in force; to be taken once for each piece of work.
pub type Current = watch::Receiver<Arc<ActiveConfig>>;

/// A tenant with what its worker shows.
#[derive(Clone)]
pub struct ActiveTenant {
    pub name: String,
    pub id: TenantId,
    /// What its worker says of itself.
    pub board: watch::Receiver<(LaneView, BTreeMap<String, QuotaView>)>,
    pub terms: Terms,
}

/// All that decisions of one moment are made by.
pub struct ActiveConfig {
    pub policy: Arc<Policy>,
    /// Its row in the journal, which holds the whole of it.
    pub id: PolicyId,
    /// The sources, each with the tenants it may act on.
    pub bindings: Arc<SourceBindings>,
    pub tenants: Vec<ActiveTenant>,
    /// The settings that all of it was made from.
    pub settings: Arc<Settings>,
}

impl ActiveConfig {
    /// A recorded policy, with the sources of these settings and these of their tenants.
    #[must_use]
    pub fn of(
        policy: Arc<Policy>,
        id: PolicyId,
        settings: Arc<Settings>,
        tenants: Vec<ActiveTenant>,
    ) -> ActiveConfig {
        let bindings = settings.sources.iter().map(|source| {
            let acts_for = source.tenants.iter().filter_map(|name| {
                let tenant = tenants.iter().find(|tenant| tenant.name == *name)?;
                Some((
                    name.clone(),
                    TenantBinding {
                        tenant: tenant.id,
                        terms: tenant.terms,
                    },
                ))
            });
            (
                source.name.clone(),
                SourceBinding {
                    source: source.clone(),
                    tenants: acts_for.collect(),
                },
            )
        });
        let bindings = Arc::new(bindings.collect());
        ActiveConfig {
            policy,
            id,
            bindings,
            tenants,
            settings,
        }
    }

    /// How long things are kept.
    #[must_use]
    pub fn retention(&self) -> Retention {
        let Settings {
            journal, sources, ..
        } = &*self.settings;
        Retention {
            bodies: journal.bodies,
            records: journal.records,
            audit: journal.audit,
            idle: self.settings.admin.session.idle,
            policy: self.id,
            remember: sources
                .iter()
                .map(|source| (source.name.clone(), source.remember))
                .collect(),
        }
    }
}

/// How far a tenant's decisions may go: the built-in simulator is never dry; otherwise the stricter of process and tenant.
#[must_use]
pub fn ceiling(settings: &Settings, tenant: &Tenant) -> Ceiling {
    if settings.simulate {
        return Ceiling::Simulated;
    }
    let process = if settings.dry_run {
        Mode::DryRun
    } else {
        Mode::Enforce
    };
    Ceiling::AtMost(process.min(tenant.mode.unwrap_or(Mode::Enforce)))
}

/// What a source is allowed and whom it acts for.
pub struct SourceBinding {
    pub source: Source,
    /// The tenants it may act on, by their configured name.
    pub tenants: BTreeMap<String, TenantBinding>,
}

impl SourceBinding {
    /// For a source that acts on one tenant.
    #[must_use]
    pub fn of_one(source: Source, tenant: TenantId, terms: Terms) -> SourceBinding {
        let tenants = source
            .tenants
            .iter()
            .map(|name| (name.clone(), TenantBinding { tenant, terms }))
            .collect();
        SourceBinding { source, tenants }
    }
}

/// A tenant a source may act on.
#[derive(Clone, Copy)]
pub struct TenantBinding {
    pub tenant: TenantId,
    pub terms: Terms,
}

/// What every source is allowed, by its name.
pub type SourceBindings = BTreeMap<String, SourceBinding>;
