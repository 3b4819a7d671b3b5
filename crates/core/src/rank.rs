//! The order of the queue, in its one definition: the most urgent scan first, then the one that waits longest. The journal
//! asks for it by [`Rank::ORDER_BY`], which its index `scan_queue` holds; a replay keeps its scans by [`Rank`] itself.

use core::cmp::Reverse;

use crate::scan::{Priority, ScanId};

/// Where a waiting scan stands; the least comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    priority: Reverse<Priority>,
    turn: i64,
    id: ScanId,
}

impl Rank {
    /// The same order of rows of the table `scan`. Whoever was tried in vain has a later `turn` than its id.
    pub const ORDER_BY: &str = "priority DESC, coalesce(turn, id), id";

    /// Of a scan that was not tried yet.
    #[must_use]
    pub const fn new(priority: Priority, id: ScanId) -> Rank {
        Rank {
            priority: Reverse(priority),
            turn: id.0,
            id,
        }
    }

    /// Of a scan that was tried in vain, and put behind those of its priority that waited then.
    #[must_use]
    pub const fn behind(self, turn: i64) -> Rank {
        Rank { turn, ..self }
    }

    /// How urgent it is.
    #[must_use]
    pub const fn priority(self) -> Priority {
        self.priority.0
    }

    /// Which scan it is.
    #[must_use]
    pub const fn id(self) -> ScanId {
        self.id
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn urgency_comes_first_then_age_and_who_was_tried_in_vain_goes_behind() {
        let rank = |priority: u8, id: i64| Rank::new(Priority::new(priority).unwrap(), ScanId(id));
        let mut queue = [
            rank(50, 1).behind(9),
            rank(50, 3),
            rank(90, 8),
            rank(50, 2),
            rank(95, 9),
        ];
        queue.sort_unstable();
        assert_eq!(queue.map(|rank| rank.id().0), [9, 8, 2, 3, 1]);
    }
}
