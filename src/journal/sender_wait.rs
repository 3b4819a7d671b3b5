//! The wait of a sender for the writer to begin its job: it is withdrawn, or it is begun, and never both.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

const WAITS: u8 = 0;
const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

/// Shared by whoever waits and the writer.
#[derive(Clone, Default)]
pub(super) struct SenderWait(Arc<AtomicU8>);

impl SenderWait {
    /// The writer begins. False: nobody waits any more.
    pub(super) fn begin(&self) -> bool {
        self.leaves(BEGUN)
    }

    /// Nobody waits any more. False: the writer has begun.
    pub(super) fn give_up(&self) -> bool {
        self.leaves(GIVEN_UP)
    }

    /// Nobody waits any more.
    pub(super) fn is_given_up(&self) -> bool {
        self.0.load(Ordering::SeqCst) == GIVEN_UP
    }

    fn leaves(&self, to: u8) -> bool {
        self.0
            .compare_exchange(WAITS, to, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
    }
}
