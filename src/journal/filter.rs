//! What a list is narrowed to, in the words of whoever asks. The conditions that this comes to stand in `narrowed`.

use uuid::Uuid;

use super::keys::TenantId;
use super::selector::listed;
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
            ListKind::Alerts => {
                let own = AlertReason::ALL.iter().map(|reason| reason.code());
                own.chain(Reason::ALL.iter().map(|reason| reason.code()))
                    .collect()
            }
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
    /// Text in the title of the alert, whatever its case.
    pub title: Option<String>,
    /// Of alerts: one of its decisions is in this state.
    pub decision_state: Option<String>,
    /// Of decisions: about this machine.
    pub machine: Option<String>,
    /// Of decisions: answered by this scan.
    pub scan: Option<Uuid>,
    /// Of scans: quick or full.
    pub kind: Option<String>,
    /// Of scans: whether a pause keeps it from being sent.
    pub paused: Option<bool>,
    /// Of these tenants alone, whatever else is asked for.
    pub tenants: Option<Vec<TenantId>>,
    /// Beside what was decided for those: alerts of these sources of which nothing was decided.
    pub sources: Vec<String>,
    /// Received, decided or begun at this time or later.
    pub since: Option<Timestamp>,
    /// Received, decided or begun at this time or earlier.
    pub until: Option<Timestamp>,
    pub after: Option<i64>,
    /// Rows of a page; the usual number where nothing is said.
    pub limit: Option<u16>,
}

impl Filter {
    /// The tenants that are meant, as a condition about a column.
    pub(super) fn of_tenants(&self, column: &str) -> Option<String> {
        let tenants = self.tenants.as_ref()?;
        Some(format!("+{column} IN ({})", listed(tenants)))
    }

    /// Whether an alert of this title is meant.
    pub(super) fn means_title(&self, title: Option<&str>) -> bool {
        self.title.as_ref().is_none_or(|text| {
            title.is_some_and(|title| title.to_lowercase().contains(&text.to_lowercase()))
        })
    }

    pub(super) fn severity(&self) -> Option<String> {
        self.severity.map(|severity| severity.code().to_owned())
    }
}
