//! What can be seen of the writer without waiting for it: its room, its pulse, how many jobs wait, and what wakes a
//! worker. Whoever looks asks nothing of the journal, so a busy one answers as well.

use std::sync::Arc;

use tokio::sync::Notify;

use super::Journal;
use super::keys::TenantId;
use super::pulse::Pulse;
use super::space::Space;
use super::wake::Wake;

impl Journal {
    /// What wakes the worker of this tenant: notified after each COMMIT that changed something of it.
    #[must_use]
    pub fn wake(&self, tenant: TenantId) -> Arc<Notify> {
        self.inner.wakes.of(tenant)
    }

    /// All that wait, for whoever hears what other processes have changed.
    #[must_use]
    pub fn wakes(&self) -> Wake {
        self.inner.wakes.clone()
    }

    /// What room the journal has.
    #[must_use]
    pub fn space(&self) -> &Space {
        &self.inner.space
    }

    /// How the writer is.
    #[must_use]
    pub fn pulse(&self) -> &Pulse {
        &self.inner.pulse
    }

    /// Jobs that wait for the writer to begin them.
    #[must_use]
    pub fn waiting(&self) -> usize {
        let queue = &self.inner.queue;
        queue.max_capacity().saturating_sub(queue.capacity()) + self.inner.pulse.waiting()
    }

    /// False once the writer has ended.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.inner.queue.is_closed()
    }
}
