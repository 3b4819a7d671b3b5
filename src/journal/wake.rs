//! Who is woken after a COMMIT: the workers and the loop of messages, each by its tenant. The writer of this process tells
//! of its own transactions; where other processes write to the same database, whoever hears of theirs tells as well.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

use super::keys::TenantId;

/// Whoever waits for something to change, by tenant; clones wake the same.
#[derive(Clone, Default)]
pub struct Wake(Arc<Mutex<HashMap<TenantId, Arc<Notify>>>>);

impl Wake {
    /// What is notified when something of this tenant has changed.
    #[must_use]
    pub fn of(&self, tenant: TenantId) -> Arc<Notify> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(tenant).or_default().clone()
    }

    /// Something may have changed, of whichever tenant.
    pub(super) fn tell_all(&self) {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.values().for_each(|waiting| waiting.notify_one());
    }

    /// Whether nobody else has it any more.
    pub(super) fn is_last(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Something of these tenants was changed by a transaction that is committed.
    pub fn tell(&self, touched: BTreeSet<TenantId>) {
        for tenant in touched {
            self.of(tenant).notify_one();
        }
    }
}
