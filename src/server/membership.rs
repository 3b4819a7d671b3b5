//! This process among those that have the same journal, and who of them calls for which tenant.

use crate::api::{HolderView, ReplicaView, TenantView};
use crate::journal::{LeaseRow, ReplicaId, ReplicaRow, Seat};
use crate::settings::Settings;
use scanhook_core::lease::LeaseTerms;
use scanhook_core::rules::duration;

/// Who this process is in its journal, and whether others may be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub replica: ReplicaId,
    /// `None`: no other process can have the journal.
    pub lease: Option<LeaseTerms>,
}

impl Membership {
    /// In whose name workers ask for leases, if they have to.
    #[must_use]
    pub fn seat(self) -> Option<Seat> {
        let replica = self.replica;
        self.lease.map(|terms| Seat { replica, terms })
    }

    /// A replica as others see it.
    pub(super) fn view(self, row: &ReplicaRow) -> ReplicaView {
        ReplicaView {
            id: row.id.0,
            name: row.about.name.clone(),
            version: row.about.version.clone(),
            policy: row.about.policy.clone(),
            settings: row.about.settings.clone(),
            started_at: row.started_at.to_string(),
            seen_at: row.seen_at.to_string(),
            lease: self.lease.map(|terms| duration::show(terms.lasts())),
        }
    }
}

/// Says of each configured tenant who calls for it.
pub(super) fn name_holders(
    membership: Membership,
    leases: &[LeaseRow],
    settings: &Settings,
    views: &mut [TenantView],
) {
    for view in views {
        let tenant = settings.tenants.iter().find(|one| one.name == view.name);
        let id = match (tenant, membership.lease) {
            (None, _) => None,
            (Some(_), None) => Some(membership.replica),
            (Some(tenant), Some(_)) => {
                let lease = leases.iter().find(|lease| lease.app == tenant.app());
                lease.and_then(|lease| lease.holder)
            }
        };
        view.holder = id.map(|id| HolderView { id: id.0 });
    }
}
