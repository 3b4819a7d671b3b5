//! A request whose sender is known and may ask for it; and what the audit keeps of it.

use core::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use crate::api::{MeView, PauseView};
use crate::in_force::ActiveConfig;
use crate::journal::{Filter, TenantId};
use crate::server::refusal::HttpError;
use scanhook_core::access::{AuditEntry, Caller, TenantScope};

/// Who asks.
#[derive(Clone)]
pub(in crate::server) struct AskedBy {
    pub(in crate::server) caller: Arc<Caller>,
    pub(in crate::server) address: IpAddr,
    /// What was done is in the audit already, with whatever came of it.
    audited: Arc<AtomicBool>,
}

/// `guard` has put it there.
impl<S: Sync> FromRequestParts<S> for AskedBy {
    type Rejection = HttpError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<AskedBy, HttpError> {
        parts.extensions.get().cloned().ok_or(HttpError::Internal)
    }
}

impl AskedBy {
    pub(in crate::server) fn new(caller: Caller, address: IpAddr) -> AskedBy {
        AskedBy {
            caller: Arc::new(caller),
            address,
            audited: Arc::default(),
        }
    }

    /// A row for what they do, to be filled in.
    pub(in crate::server) fn entry(&self, what: &str, policy: &str) -> AuditEntry {
        AuditEntry {
            subject: self.caller.subject.clone(),
            name: self.caller.name.clone(),
            how: self.caller.how.shown(),
            address: self.address.to_string(),
            what: what.to_owned(),
            policy: policy.to_owned(),
            ..AuditEntry::default()
        }
    }

    /// Who it is, as they are told themselves.
    pub(in crate::server) fn view(&self) -> MeView {
        let caller = &self.caller;
        MeView {
            name: caller.name.clone(),
            subject: caller.subject.clone(),
            how: caller.how.shown(),
            role: caller.grant.role.code().to_owned(),
            until: caller.until.map(|until| until.to_string()),
            tenants: caller
                .grant
                .tenants
                .names()
                .map(|names| names.iter().cloned().collect()),
        }
    }

    /// Whether rows of this tenant are within the grant. What is outside is answered as if it were not there.
    pub(in crate::server) fn sees(&self, tenant: &str) -> bool {
        self.caller.grant.tenants.includes(tenant)
    }

    pub(in crate::server) fn sees_all(&self) -> bool {
        self.caller.grant.tenants == TenantScope::All
    }

    /// Whether a pause is one of a tenant in the grant.
    pub(in crate::server) fn sees_pause(&self, pause: &PauseView) -> bool {
        self.sees_all() || pause.tenant.as_deref().is_some_and(|name| self.sees(name))
    }

    /// The tenants whose rows are within the grant, by their rows in the journal; `None`: all, and what belongs to none.
    pub(in crate::server) fn tenants(&self, in_force: &ActiveConfig) -> Option<Vec<TenantId>> {
        let names = self.caller.grant.tenants.names()?;
        let within = in_force
            .tenants
            .iter()
            .filter(|tenant| names.contains(&tenant.name));
        Some(within.map(|tenant| tenant.id).collect())
    }

    /// Narrows a list to what is within the grant: what was decided for its tenants, and alerts of sources that deliver for
    /// no others.
    pub(in crate::server) fn narrow(&self, filter: &mut Filter, in_force: &ActiveConfig) {
        filter.tenants = self.tenants(in_force);
        let sources = in_force.bindings.values().map(|binding| &binding.source);
        filter.sources = sources
            .filter(|source| !self.sees_all() && self.sees_source(&source.tenants))
            .map(|source| source.name.clone())
            .collect();
    }

    /// Whether a source delivers for tenants in the grant and for no others.
    pub(in crate::server) fn sees_source(&self, tenants: &[String]) -> bool {
        !tenants.is_empty() && tenants.iter().all(|tenant| self.sees(tenant))
    }

    /// A transaction that writes the row itself was committed.
    pub(in crate::server) fn is_audited(&self) {
        self.audited.store(true, Ordering::Relaxed);
    }

    /// Whether what they did is in the audit.
    pub(super) fn was_audited(&self) -> bool {
        self.audited.load(Ordering::Relaxed)
    }
}
