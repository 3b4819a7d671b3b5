//! How the responder is as a whole.

use super::access::AskedBy;
use super::query::{self, Pairs};
use super::refusal::{AccessError, HttpError};
use super::state::Admin;
use crate::api::{CertificateView, StatusView};
use crate::certificate::{PlacedCertificate, concerns};
use crate::clock;
use crate::settings::Settings;
use scanhook_core::access::Permission;

impl Admin {
    /// How the responder is, as far as a grant reaches.
    pub(super) async fn status_view(
        &self,
        asked: &AskedBy,
        pairs: Pairs,
    ) -> Result<StatusView, HttpError> {
        let source = query::source(pairs)?;
        let in_force = self.intake.in_force();
        if source.is_some() && !asked.sees_all() {
            return Err(AccessError::ForAllTenants.into());
        }
        if source
            .as_ref()
            .is_some_and(|source| !in_force.bindings.contains_key(source))
        {
            return Err(HttpError::UnknownSource);
        }
        let tenants = self.tenants().await?;
        let names: Vec<String> = match &source {
            Some(source) => vec![source.clone()],
            None => in_force.bindings.keys().cloned().collect(),
        };
        let mut sources = self
            .read(move |reader| {
                names
                    .iter()
                    .map(|name| reader.source(name))
                    .collect::<Result<Vec<_>, _>>()
            })
            .await?;
        for source in &mut sources {
            self.silence(source);
            source.door = self.traces.of(Some(&source.name));
        }
        // What was refused tells of the senders' secrets, and bodies that could not be read may hold anything.
        if source.is_some() && asked.caller.grant.allows(Permission::Administer) {
            for source in &mut sources {
                source.refusals = self.refusals.of(&source.name);
                let name = source.name.clone();
                source.unread = self.read(move |reader| reader.unread(&name)).await?;
            }
        }
        let pauses = self.pauses().await?;
        let certificates = in_force.settings.certificates();
        let warnings = self.warnings(&in_force.settings, &certificates);
        let (parked, parked_at) = self.read(|reader| reader.parked()).await?;
        let receivers = self.receivers().await?;
        let replicas = self.replicas().await?;
        let mine = self.membership.replica.0;
        let replica = replicas.iter().find(|view| view.id == mine).cloned();
        let armed = in_force.armed_for(|tenant| asked.sees(tenant));
        let view = StatusView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: self.started.to_string(),
            replica,
            replicas,
            ready: *self.ready.borrow(),
            dry_run: in_force.settings.dry_run,
            mode: armed.mode.to_owned(),
            armed: armed.sentence,
            parked,
            parked_at: parked_at.map(|at| at.to_string()),
            policy: in_force.policy.fingerprint().to_owned(),
            reload: Some(self.reloads.last()),
            warnings,
            certificates: certificates.iter().map(shown).collect(),
            pauses,
            tenants,
            sources,
            receivers,
            door: self.traces.of(None),
        };
        Ok(within(view, asked))
    }
}

impl Admin {
    fn warnings(&self, settings: &Settings, certificates: &[PlacedCertificate]) -> Vec<String> {
        let mut warnings = settings.warnings.clone();
        warnings.extend(concerns(certificates, clock::now()));
        warnings.extend(self.traces.warnings());
        warnings.extend(self.journal.space().room().warning());
        warnings
    }
}

/// What a grant for some tenants sees of it: rows of those, and nothing that belongs to all.
fn within(mut view: StatusView, asked: &AskedBy) -> StatusView {
    if asked.sees_all() {
        return view;
    }
    view.tenants.retain(|tenant| asked.sees(&tenant.name));
    view.pauses.retain(|pause| asked.sees_pause(pause));
    view.sources.clear();
    view.receivers.clear();
    view.warnings.clear();
    view.certificates.clear();
    view.replicas.clear();
    view.replica = None;
    (view.reload, view.parked, view.parked_at) = (None, 0, None);
    view.door = Default::default();
    view
}

fn shown((place, valid): &PlacedCertificate) -> CertificateView {
    CertificateView {
        place: place.clone(),
        ends: valid.last_day(),
    }
}
