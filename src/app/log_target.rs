//! The name under which lines of the log say that the app itself says them.

/// The target of the lines.
pub(super) const APP: &str = "scanhook::app";
