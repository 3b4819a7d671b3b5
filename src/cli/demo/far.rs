//! What the simulated Defender itself has on record: the proof that does not rest on our own word.

use std::collections::BTreeMap;

use scanhook_simulator::serve::SharedSimulator;
use scanhook_simulator::{CallRecord, Simulator};

/// Everything that reached the far side so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FarRecord {
    /// Every call, in order of arrival.
    pub(super) calls: Vec<CallRecord>,
    /// How often a scan was really started, by the id of ours that asked for it.
    pub(super) started: BTreeMap<String, u32>,
}

impl FarRecord {
    /// The record as it stands.
    pub(super) fn of(far: &SharedSimulator) -> FarRecord {
        far.with(|far: &mut Simulator| {
            let mut started = BTreeMap::new();
            for action in far.scans() {
                *started
                    .entry(action.external_id.clone().unwrap_or_default())
                    .or_default() += 1;
            }
            FarRecord {
                calls: far.calls().to_vec(),
                started,
            }
        })
    }

    /// The calls that asked for this scan, whatever came of them.
    pub(super) fn scan_calls<'f>(&'f self, scan: &'f str) -> impl Iterator<Item = &'f CallRecord> {
        self.calls
            .iter()
            .filter(move |call| call.route == "scan" && call.external_id.as_deref() == Some(scan))
    }

    /// Scans that were started for one of ours.
    pub(super) fn started(&self, scan: &str) -> u32 {
        self.started.get(scan).copied().unwrap_or(0)
    }

    /// Scans of ours that were started more than once.
    pub(super) fn doubled(&self) -> usize {
        self.started.values().filter(|times| **times > 1).count()
    }

    /// Calls that Defender refused because there were too many.
    pub(super) fn over_quota(&self) -> usize {
        self.calls
            .iter()
            .filter(|call| call.refused_by_quota)
            .count()
    }
}
