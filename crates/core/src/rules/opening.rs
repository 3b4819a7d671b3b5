//! When a scan may leave, by the windows of the rules: they were named when it was decided, and are looked up when its
//! turn comes.

use core::time::Duration;

use super::compiled::Rules;
use crate::time::Timestamp;
use crate::verdict::{Guard, Guarded, Openings};

/// Windows come round each week. What could leave in none of the openings for so long after it was asked for grows too old.
pub const EXTENDED_FOR: Duration = Duration::from_secs(8 * 86_400);

/// Openings that are tried until all windows of a case are open at once; more are a case that never is.
const TRIES: usize = 512;

impl Rules {
    /// When a scan with these openings may leave next; this very instant if it may now, [`Timestamp::NEVER`] if it never
    /// may. A window that these rules do not have is closed: nobody knows what it protects.
    #[must_use]
    pub fn opens(&self, openings: &Openings, at: Timestamp) -> Timestamp {
        if openings.is_always() {
            return at;
        }
        openings
            .cases()
            .iter()
            .map(|case| self.case_opens(case, at))
            .min()
            .unwrap_or(at)
    }

    /// When of each group a window is open.
    fn case_opens(&self, groups: &[Vec<String>], at: Timestamp) -> Timestamp {
        let mut at = at;
        for _ in 0..TRIES {
            let all = groups
                .iter()
                .map(|group| self.group_opens(group, at))
                .max()
                .unwrap_or(at);
            if all == at || all == Timestamp::NEVER {
                return all;
            }
            at = all;
        }
        Timestamp::NEVER
    }

    fn group_opens(&self, group: &[String], at: Timestamp) -> Timestamp {
        let named = |name: &String| self.windows.iter().find(|window| window.name == *name);
        let opens = group
            .iter()
            .filter_map(named)
            .map(|window| window.next_opening(at));
        opens.min().unwrap_or(Timestamp::NEVER)
    }

    /// Groups of windows by their names.
    pub(super) fn named<'g>(&self, groups: impl Iterator<Item = &'g [usize]>) -> Openings {
        let name = |place: &usize| self.windows.get(*place).map(|window| window.name.clone());
        let mut named: Vec<Vec<String>> = groups
            .map(|group| group.iter().filter_map(name).collect())
            .collect();
        named.sort_unstable();
        named.dedup();
        Openings::while_open(named)
    }

    /// The windows of a rule and of the protections that had a say in its decision, as these rules have them.
    pub(super) fn openings_of(&self, rule: Option<&str>, protections: &[Guarded]) -> Openings {
        let rule = rule.and_then(|name| self.rules.iter().find(|rule| rule.name == name));
        let had_a_say = |name: &str| {
            let mut of_this = protections.iter().filter(|guarded| guarded.name == name);
            of_this.any(|guarded| guarded.how != Guard::Skipped)
        };
        let protections = self
            .protections
            .iter()
            .filter(|protection| had_a_say(&protection.name));
        let times = rule
            .map(|rule| &rule.times)
            .into_iter()
            .chain(protections.map(|protection| &protection.times));
        self.named(times.filter_map(|times| times.group()))
    }
}
