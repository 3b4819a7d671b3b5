//! What a list is narrowed to, in the words of whoever asks. The conditions that this comes to stand in `narrowed`.

use scanhook_core::alert::{AlertReason, AlertState, Severity};
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::scan::{DecisionState, Outcome, Reason, ScanState};
use scanhook_core::time::Timestamp;

/// The lists of the admin API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListKind {
    Alerts,
    Decisions,
    Scans,
}

impl ListKind {
    /// The states that its rows may be in.
    #[must_use]
    pub fn states(self) -> Vec<&'static str> {
        match self {
            ListKind::Alerts => AlertState::ALL.iter().map(|state| state.code()).collect(),
            ListKind::Decisions => DecisionState::ALL
                .iter()
                .map(|state| state.code())
                .collect(),
            ListKind::Scans => ScanState::ALL.iter().map(|state| state.code()).collect(),
        }
    }

    /// The reasons that its rows may have; of a scan that is its outcome.
    #[must_use]
    pub fn reasons(self) -> Vec<&'static str> {
        match self {
            ListKind::Alerts => AlertReason::ALL
                .iter()
                .map(|reason| reason.code())
                .collect(),
            ListKind::Decisions => Reason::ALL.iter().map(|reason| reason.code()).collect(),
            ListKind::Scans => Outcome::ALL.iter().map(|outcome| outcome.code()).collect(),
        }
    }
}

/// What a list is narrowed to; empty fields narrow nothing.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A device, by any of its names.
    pub device: Option<DeviceGlob>,
    /// The alert's id, as its sender calls it.
    pub alert: Option<String>,
    pub source: Option<String>,
    pub tenant: Option<String>,
    pub rule: Option<String>,
    pub state: Option<String>,
    /// A reason; of scans an outcome.
    pub reason: Option<String>,
    pub severity: Option<Severity>,
    /// Received, decided or begun at this time or later.
    pub since: Option<Timestamp>,
    /// Received, decided or begun at this time or earlier.
    pub until: Option<Timestamp>,
    pub after: Option<i64>,
    /// Rows of a page; the usual number where nothing is said.
    pub limit: Option<u16>,
}

impl Filter {
    pub(super) fn severity(&self) -> Option<String> {
        self.severity.map(|severity| severity.code().to_owned())
    }
}
