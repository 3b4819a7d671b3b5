//! What a worker says of itself, for status.

use std::collections::BTreeMap;

use super::state::TenantWorker;
use crate::api::{CredentialView, LaneView, OutageView, QuotaView};
use crate::defender::credential::Credential;
use crate::journal::Api;
use scanhook_core::quota::Share;
use scanhook_core::time::Timestamp;

impl TenantWorker {
    fn credential(&self, credential: &Credential) -> CredentialView {
        let certificate = credential.certificate();
        let uses = match credential {
            Credential::FederatedToken { path } => Some(path.display().to_string()),
            Credential::User(user) => Some(user.token_file.display().to_string()),
            _ => certificate
                .map(|certificate| certificate.name.as_str())
                .or(self.backoff.acquisition.in_use(credential))
                .map(str::to_owned),
        };
        let person = credential.user().and(self.backoff.memory.person.as_ref());
        CredentialView {
            account: person.map(|person| person.account.clone()),
            renewed_at: person.map(|person| person.at.to_string()),
            kind: credential.kind().to_owned(),
            uses,
            platform: credential
                .identity()
                .map(|identity| identity.platform.name().to_owned()),
            ends: certificate.map(|certificate| certificate.valid.last_day()),
        }
    }

    /// The account's configured name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.account.name
    }

    /// What the worker says of itself, for status.
    #[must_use]
    pub fn view(&self, now: Timestamp) -> (LaneView, BTreeMap<String, QuotaView>) {
        let share = self.account.share;
        let quota = self
            .budgets
            .iter()
            .filter(|(api, _)| **api != Api::Token)
            .map(|(api, budget)| {
                let (minute, hour) = budget.used(now);
                let Share {
                    per_minute,
                    per_hour,
                } = share;
                let left = budget.left(share, now);
                let view = QuotaView {
                    minute,
                    per_minute,
                    hour,
                    per_hour,
                    effective_per_minute: left.per_minute,
                    effective_per_hour: left.per_hour,
                    used_by_others_per_minute: per_minute - left.per_minute,
                    used_by_others_per_hour: per_hour - left.per_hour,
                };
                (api.code().to_owned(), view)
            });
        let mut view = self.backoff.view(now);
        view.notes.extend(self.lists.note.clone());
        view.notes.extend(self.note_of_clocks());
        view.notes.extend(self.note_of_database());
        view.credential = self
            .account
            .credential
            .as_ref()
            .ok()
            .map(|credential| self.credential(credential));
        view.unreachable = self
            .obstacles(now, false)
            .outages
            .iter()
            .map(OutageView::of)
            .collect();
        view.remote_up = self.reach.up();
        (view, quota.collect())
    }
}
