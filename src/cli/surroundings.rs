//! The environment, for verbs that need no configuration.

use crate::settings::{Flags, Inputs};

/// The environment, for verbs that need no configuration.
pub(super) fn surroundings() -> Inputs {
    Inputs::from_process(None, Flags::default())
}
