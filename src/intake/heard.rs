//! When each source was last heard.

use std::sync::{Arc, Mutex, PoisonError};

use scanhook_core::silence::SourceSilence;

/// When each source was last heard, shared by whoever hears, looks and shows.
#[derive(Clone)]
pub struct LastSeen(Arc<Mutex<SourceSilence>>);

impl LastSeen {
    /// Begins with what is known at the start.
    #[must_use]
    pub fn new(silence: SourceSilence) -> LastSeen {
        LastSeen(Arc::new(Mutex::new(silence)))
    }

    /// Looks at it, or notes something.
    pub fn with<T>(&self, look: impl FnOnce(&mut SourceSilence) -> T) -> T {
        look(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
