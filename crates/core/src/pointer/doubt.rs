//! Whether two readers of a body could see two values at the place that a pointer names.

use super::find::children;
use super::parse::{Pointer, PointerStep};
use crate::json::{Doubt, Json};

impl Pointer {
    /// A key it reads that the same object holds twice, or also in another letter case: two readers could see two
    /// values. One that occurs twice is named before one that is only alike.
    #[must_use]
    pub fn doubt<'p>(&'p self, root: &'p Json<'_>) -> Option<Doubt<'p>> {
        let mut alike = None;
        let mut found = vec![root];
        for step in &self.steps {
            if let (PointerStep::Key(key), [only]) = (step, found.as_mut_slice()) {
                let value = *only;
                match step.doubt(value) {
                    Some(doubt @ Doubt::Twice(_)) => return Some(doubt),
                    doubt => alike = alike.or(doubt),
                }
                match value.member(key) {
                    Some(member) => *only = member,
                    None => return alike,
                }
                continue;
            }
            for doubt in found.iter().filter_map(|value| step.doubt(value)) {
                match doubt {
                    Doubt::Twice(_) => return Some(doubt),
                    Doubt::TwoCases(_) => alike = alike.or(Some(doubt)),
                }
            }
            found = match step {
                PointerStep::Key(key) => found.into_iter().filter_map(|v| v.member(key)).collect(),
                PointerStep::Each => found.into_iter().flat_map(children).collect(),
            };
        }
        alike
    }
}

impl PointerStep {
    /// What is in doubt where this step is taken from a value.
    fn doubt<'p>(&'p self, value: &'p Json<'_>) -> Option<Doubt<'p>> {
        let Json::Object(members) = value else {
            return None;
        };
        match self {
            PointerStep::Key(key) => members.doubt(key),
            PointerStep::Each => members.twice().map(Doubt::Twice),
        }
    }
}
