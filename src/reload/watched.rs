//! What is read again, and how often it is looked at.

use core::time::Duration;

use crate::settings::Inputs;

/// What is read again, and how often it is looked at.
#[derive(Clone)]
pub struct WatchedFiles {
    /// All that the settings were made from.
    pub inputs: Inputs,
    /// The time between two looks; a change is taken in once two looks show the same.
    pub every: Duration,
}

impl WatchedFiles {
    /// What was read at the start, looked at every second.
    #[must_use]
    pub fn of(inputs: Inputs) -> WatchedFiles {
        WatchedFiles {
            inputs,
            every: Duration::from_secs(1),
        }
    }
}
