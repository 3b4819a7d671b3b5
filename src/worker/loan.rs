//! What a worker lends to whoever writes comments back: who it calls as, and its token while it may call itself. A pause after
//! a 429, a rest and a stop are the worker's alone, and so is the first call after a pause: should it have none to make within
//! a minute, the token is lent all the same.

use core::time::Duration;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::account::Account;
use super::state::TenantWorker;
use crate::defender::token::Bearer;
use crate::journal::{Lease, TenantId};
use scanhook_core::time::Timestamp;

/// How long after a pause the worker's own call comes first.
const OWN_FIRST: Duration = Duration::from_secs(60);

/// What each tenant's worker lends, by the tenant's name.
pub type Loans = BTreeMap<String, Loan>;

/// What one worker lends.
#[derive(Clone)]
pub struct Loan {
    pub tenant: TenantId,
    pub account: Arc<Account>,
    /// Under which the worker calls, where other processes could.
    pub lease: Option<Lease>,
    token: Option<LentToken>,
    /// Not to be used before this.
    from: Timestamp,
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
        let token = self.token.as_ref();
        let token = token.filter(|token| token.expires > now && self.from <= now)?;
        Some(&token.bearer)
    }

    /// When a token that may not be used yet may be.
    #[must_use]
    pub fn usable_at(&self, now: Timestamp) -> Timestamp {
        match self.from > now {
            true => self.from,
            false => Timestamp::NEVER,
        }
    }

    /// Whether it makes no difference which of the two is held.
    #[must_use]
    pub fn is_same(&self, other: &Loan) -> bool {
        let generation = |loan: &Loan| loan.token.as_ref().map(|token| token.generation);
        let fence = |loan: &Loan| loan.lease.as_ref().map(Lease::fence);
        Arc::ptr_eq(&self.account, &other.account)
            && fence(self) == fence(other)
            && (generation(self), self.from) == (generation(other), other.from)
    }
}

impl TenantWorker {
    /// What it lends now.
    #[must_use]
    pub fn loan(&self, now: Timestamp) -> Loan {
        let closed = self.backoff.closed_until(now);
        let mut from = Timestamp::from_millis(0);
        if closed > now {
            from = closed;
        }
        if self.backoff.throttle.holds_back() {
            from = from.max(self.backoff.memory.paused_until.plus(OWN_FIRST));
        }
        let lends = self.account.sends && self.moved_to.is_none();
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
            lease: self.lease.clone(),
            token: lent,
            from,
        }
    }
}
