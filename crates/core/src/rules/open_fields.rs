//! What the directory is asked for: the fields that are open, under the names of those who want to know.

use super::compiled::Rules;
use super::fact_view::FactView;
use super::truth::Truths;
use crate::verdict::Seen;

/// Fields named in a decision that waits for the directory; more would tell nobody more.
const OPEN_SHOWN: usize = 8;

impl Rules {
    /// What the directory is asked for: the fields that are open, under the names of those who want to know.
    pub(super) fn open_fields(&self, view: FactView<'_>) -> Vec<Seen> {
        let is_open = |truths: Truths| truths.may_be_true() && truths.may_be_false();
        let protections = self
            .protections
            .iter()
            .filter(|one| is_open(one.truths(view, &self.windows)));
        let mut seen: Vec<Seen> = protections
            .flat_map(|one| one.unknown(view))
            .take(OPEN_SHOWN)
            .collect();
        for number in self.index.candidates(&view) {
            let Some(rule) = self.rules.get(number) else {
                continue;
            };
            let truths = rule.truths(&view, &self.windows);
            if is_open(truths) {
                seen.extend(rule.unknown(&view));
            }
            if truths == Truths::TRUE || seen.len() >= OPEN_SHOWN {
                break;
            }
        }
        seen.truncate(OPEN_SHOWN);
        seen
    }
}
