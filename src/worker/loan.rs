//! What a worker lends to whoever writes comments back: who it calls as, and its token while it may call itself. A pause after
//! a 429, a rest, a stop and the way back from each are the worker's alone: meanwhile nothing is lent.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::Account;
use super::state::TenantWorker;
use crate::defender::token::Bearer;
use crate::journal::TenantId;
use scanhook_core::time::Timestamp;

/// What each tenant's worker lends, by the tenant's name.
pub type Loans = BTreeMap<String, Loan>;

/// What one worker lends.
#[derive(Clone)]
pub struct Loan {
    pub tenant: TenantId,
    pub account: Arc<Account>,
    token: Option<LentToken>,
}

#[derive(Clone)]
struct LentToken {
    bearer: Bearer,
    generation: u64,
    expires: Timestamp,
}

impl Loan {
    /// The token for a call to Defender that leaves now.
    #[must_use]
    pub fn bearer(&self, now: Timestamp) -> Option<&Bearer> {
        let token = self.token.as_ref().filter(|token| token.expires > now)?;
        Some(&token.bearer)
    }

    /// Whether it makes no difference which of the two is held.
    #[must_use]
    pub fn is_same(&self, other: &Loan) -> bool {
        let generation = |loan: &Loan| loan.token.as_ref().map(|token| token.generation);
        Arc::ptr_eq(&self.account, &other.account) && generation(self) == generation(other)
    }
}

impl TenantWorker {
    /// What it lends now.
    #[must_use]
    pub fn loan(&self, now: Timestamp) -> Loan {
        let calls = self.backoff.closed_until(now) <= now && !self.backoff.throttle.holds_back();
        let lends = calls && self.account.sends && self.moved_to.is_none();
        let token = self.backoff.token.as_ref().filter(|_| lends);
        let lent = self
            .backoff
            .bearer(now)
            .zip(token)
            .map(|((bearer, generation), token)| LentToken {
                bearer: bearer.clone(),
                generation,
                expires: token.expires,
            });
        Loan {
            tenant: self.id,
            account: self.account.clone(),
            token: lent,
        }
    }
}
