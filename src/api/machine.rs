//! A machine with all that is known of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::alert::AlertView;
use super::control::PauseView;
use super::decision::DecisionView;
use super::device_row::DeviceRow;
use super::scan::ScanView;

/// A machine by its names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineName {
    /// Whose it is.
    pub tenant: String,
    /// Its id at Defender.
    pub id: String,
    /// Its name, as the directory or else an alert says it.
    pub name: Option<String>,
}

/// What is known of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MachineView {
    /// Whose it is.
    pub tenant: String,
    /// Its id at Defender.
    pub id: String,
    /// As rows show it.
    pub device: DeviceRow,
    /// All that alerts and the directory call it.
    pub names: Vec<String>,
    /// What the directory said of it last; null: it was not asked for a day.
    pub directory: Option<DirectoryView>,
    /// The scan by which new alerts about it are answered.
    pub cooling: Option<CoolingView>,
    /// The pauses in force that keep its scans back.
    pub pauses: Vec<PauseView>,
    /// The protections that were hit by its latest decisions.
    pub protections: Vec<String>,
    /// Its latest scans, newest first.
    pub scans: Vec<ScanView>,
    /// Its latest decisions, newest first.
    pub decisions: Vec<DecisionView>,
    /// The latest alerts that name it, newest first.
    pub alerts: Vec<AlertView>,
}

/// A machine's record, as the directory said it last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DirectoryView {
    /// When it was asked.
    pub asked_at: String,
    /// Its name.
    pub name: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Active, Inactive, and so on.
    pub health: Option<String>,
    /// Onboarded, CanBeOnboarded, and so on.
    pub onboarding: Option<String>,
    /// Somebody has excluded it.
    pub excluded: bool,
    /// Its last full report.
    pub seen_at: Option<String>,
    /// Tags.
    pub tags: Vec<String>,
    /// Device group.
    pub group: Option<String>,
    /// Internal addresses.
    pub ips: Vec<String>,
    /// Entra device id.
    pub aad_id: Option<String>,
}

/// A scan that succeeded lately: new alerts are answered by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoolingView {
    /// The scan.
    pub scan: String,
    /// quick or full.
    pub kind: String,
    /// When it was over.
    pub ended_at: String,
    /// Until when it answers.
    pub until: String,
    /// The same in words.
    pub why: String,
}
