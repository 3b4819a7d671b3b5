//! What a worker must not forget over a restart: pauses, what refusals have taught, and where both clocks stood.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::wall_clock::WallClock;
use scanhook_core::quota::Learnt;
use scanhook_core::time::Timestamp;

/// What a restart must not forget.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Memory {
    /// End of the pause after a 429.
    pub(super) paused_until: Timestamp,
    /// The tenant has not come all the way back from it.
    pub(super) probe: bool,
    /// Probes that were refused in a row, although each left when the far side had said.
    pub(super) refused_probes: u32,
    /// What refusals have told of others who use the same quota, by API.
    pub(super) learnt: BTreeMap<String, Learnt>,
    /// For how long the directory could be asked, in milliseconds.
    pub(super) asked_for: u64,
    /// Where both clocks stood when this was written.
    pub(super) clock: Option<WallClock>,
    /// Who signed in, and when that sign-in was last renewed.
    pub(super) person: Option<LastRenewal>,
}

/// Whose sign-in was last renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastRenewal {
    pub(super) account: String,
    pub(super) at: Timestamp,
}
