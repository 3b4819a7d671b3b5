//! A running scan of ours that is called off.

use crate::journal::CalledOff;
use scanhook_core::scan::ScanId;

/// A call under way that calls a scan off.
#[derive(Clone, Debug)]
pub struct CancelCall {
    pub(super) of: CalledOff,
    pub(super) generation: u64,
}

impl CancelCall {
    pub(super) fn scan(&self) -> ScanId {
        self.of.scan.id
    }
}
