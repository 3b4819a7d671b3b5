//! Which ends of scans may be tried again.

use scanhook_core::scan::Outcome;

/// How a scan may have ended to be tried again: whatever is no success, and no dry run.
pub(super) const AGAIN: &[Outcome] = &[
    Outcome::Failed,
    Outcome::Timeout,
    Outcome::Cancelled,
    Outcome::Lost,
    Outcome::TooOld,
    Outcome::NoSuchMachine,
    Outcome::Unsupported,
    Outcome::Refused,
];
