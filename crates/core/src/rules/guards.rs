//! What the protections make of an event: what is certain, and what the directory could make of it.

use super::compiled::Rules;
use super::fact_view::FactView;
use super::protect::ScanBounds;
use super::truth::Truths;
use crate::verdict::{Guarded, Seen};

/// What the protections make of an event.
pub(super) struct Guards {
    /// What is certain.
    pub(super) least: ScanBounds,
    /// What the directory could make of it.
    pub(super) most: ScanBounds,
    pub(super) hit: Vec<Guarded>,
    pub(super) unknown: Vec<Seen>,
}

impl Rules {
    pub(super) fn guards(&self, view: FactView<'_>) -> Guards {
        let mut guards = Guards {
            least: ScanBounds::FREE,
            most: ScanBounds::FREE,
            hit: Vec::new(),
            unknown: Vec::new(),
        };
        for protection in &self.protections {
            let truths = protection.truths(view, &self.windows);
            if truths == Truths::FALSE {
                continue;
            }
            let (least, most) = protection.caps(truths, view.event, &self.windows);
            guards.least = guards.least.join(least);
            guards.most = guards.most.join(most);
            guards
                .hit
                .extend(protection.guarded(truths, view.event, &self.windows));
            if truths.may_be_unknown() {
                guards.unknown.extend(protection.unknown(view));
            }
        }
        guards
    }
}
