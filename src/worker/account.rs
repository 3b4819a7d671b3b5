//! Who the worker calls as, and how much it may.

use core::time::Duration;
use std::sync::Arc;

use crate::defender::Endpoints;
use crate::defender::acquisition::Applicant;
use crate::defender::credential::Credential;
use crate::settings::app_of;
use scanhook_core::quota::Share;
use scanhook_core::scan::OnUnknown;

/// Who the worker calls as, and how much it may.
pub struct Account {
    pub name: String,
    pub endpoints: Endpoints,
    /// Entra's id or domain of the tenant.
    pub tenant_id: String,
    pub client_id: String,
    /// How it proves itself, or why it cannot: what is missing, and what to do.
    pub credential: Result<Arc<Credential>, String>,
    /// Other tenants' names for the same app, should their Entra tenant be the same one: they call, and this one does not.
    pub gives_way_to: Vec<String>,
    /// Our share of each API's own budget.
    pub share: Share,
    /// What becomes of a call whose answer was lost, where the app may not read machine actions.
    pub on_unknown: OnUnknown,
    /// Where Azure is, where it is played as well.
    pub azure: Option<String>,
    /// Comments are written on alerts.
    pub comments: bool,
    /// Scan calls carry `ExternalId`, unless the far side refuses it.
    pub external_id: bool,
    /// Not followed any longer than this: the outcome is *lost*.
    pub follow_for: Duration,
    /// False while process or tenant is in dry run: what was decided before stays waiting, and is not sent.
    pub sends: bool,
}

impl Account {
    /// The app as which it calls, in its Entra tenant: the quota is the app's, whatever its names here.
    #[must_use]
    pub fn app(&self) -> String {
        app_of(&self.tenant_id, &self.client_id)
    }

    /// Who asks for a token.
    ///
    /// # Errors
    /// Why nobody can.
    pub(super) fn applicant(&self) -> Result<Applicant<'_>, &str> {
        let credential = self.credential.as_ref().map_err(String::as_str)?;
        Ok(Applicant {
            endpoints: &self.endpoints,
            tenant_id: &self.tenant_id,
            client_id: &self.client_id,
            credential,
        })
    }

    /// Whether it makes no difference which of the two calls.
    #[must_use]
    pub fn is_same(&self, other: &Account) -> bool {
        let who = |account: &Account| {
            (
                account.tenant_id.clone(),
                account.client_id.clone(),
                account.endpoints.clone(),
            )
        };
        let how = |account: &Account| {
            (
                account.share,
                account.on_unknown,
                account.external_id,
                account.follow_for,
                account.sends,
                account.comments,
            )
        };
        self.name == other.name
            && self.gives_way_to == other.gives_way_to
            && who(self) == who(other)
            && how(self) == how(other)
            && match (&self.credential, &other.credential) {
                (Ok(one), Ok(other)) => one.is_same(other),
                (Err(one), Err(other)) => one == other,
                _ => false,
            }
    }
}
