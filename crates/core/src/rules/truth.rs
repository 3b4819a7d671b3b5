//! Kleene's three truth values, as sets: what a condition may turn out to be. Of an event that is known well enough a
//! condition is exactly one of them; while the directory has not been asked it may be several.

use core::fmt;

/// A set of truth values that is never empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Truths(u8);

const FALSE: u8 = 1;
const UNKNOWN: u8 = 2;
const TRUE: u8 = 4;

impl Truths {
    pub(super) const FALSE: Truths = Truths(FALSE);
    pub(super) const UNKNOWN: Truths = Truths(UNKNOWN);
    pub(super) const TRUE: Truths = Truths(TRUE);
    /// The directory will tell.
    pub(super) const EITHER: Truths = Truths(FALSE | TRUE);

    pub(super) const fn of(value: bool) -> Truths {
        if value { Truths::TRUE } else { Truths::FALSE }
    }

    pub(super) const fn may_be_true(self) -> bool {
        self.0 & TRUE != 0
    }

    pub(super) const fn may_be_unknown(self) -> bool {
        self.0 & UNKNOWN != 0
    }

    pub(super) const fn may_be_false(self) -> bool {
        self.0 & FALSE != 0
    }

    const fn may_hold(self) -> bool {
        self.0 & (UNKNOWN | TRUE) != 0
    }

    /// What is left of it where it is known not to be true; `None`: nothing.
    pub(super) const fn but_true(self) -> Option<Truths> {
        match self.0 & !TRUE {
            0 => None,
            left => Some(Truths(left)),
        }
    }

    /// The same, with false for unknown: for what counts only when it is true.
    pub(super) const fn unknown_is_false(self) -> Truths {
        if self.may_be_unknown() {
            Truths(self.0 & !UNKNOWN | FALSE)
        } else {
            self
        }
    }

    pub(super) const fn not(self) -> Truths {
        let mut swapped = self.0 & UNKNOWN;
        if self.may_be_false() {
            swapped |= TRUE;
        }
        if self.may_be_true() {
            swapped |= FALSE;
        }
        Truths(swapped)
    }

    /// The lesser of one of these and one of those, in the order false, unknown, true.
    pub(super) const fn and(self, other: Truths) -> Truths {
        let mut both = (self.0 | other.0) & FALSE | (self.0 & other.0 & TRUE);
        let unknown = (self.may_be_unknown() && other.may_hold())
            || (other.may_be_unknown() && self.may_hold());
        if unknown {
            both |= UNKNOWN;
        }
        Truths(both)
    }

    pub(super) const fn or(self, other: Truths) -> Truths {
        self.not().and(other.not()).not()
    }

    /// Whether one of them holds; nothing asked holds not.
    pub(super) fn any(truths: impl Iterator<Item = Truths>) -> Truths {
        let mut best = Truths::FALSE;
        for truth in truths {
            best = best.or(truth);
            if best == Truths::TRUE {
                break;
            }
        }
        best
    }

    /// Whether all of them hold; nothing asked holds.
    pub(super) fn all(truths: impl Iterator<Item = Truths>) -> Truths {
        let mut worst = Truths::TRUE;
        for truth in truths {
            worst = worst.and(truth);
            if worst == Truths::FALSE {
                break;
            }
        }
        worst
    }
}

impl fmt::Debug for Truths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (bit, name) in [(FALSE, "false"), (UNKNOWN, "unknown"), (TRUE, "true")] {
            if self.0 & bit != 0 {
                write!(f, "[{name}]")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

    fn elements(truths: u8) -> impl Iterator<Item = u8> {
        [FALSE, UNKNOWN, TRUE]
            .into_iter()
            .filter(move |bit| truths & bit != 0)
    }

    #[test]
    fn a_connective_of_sets_is_the_connective_of_every_pair() {
        for a in ALL {
            assert_eq!(Truths(a).not().0, elements(a).map(|t| TRUE / t).sum::<u8>());
            for b in ALL {
                let pairs = || elements(a).flat_map(|x| elements(b).map(move |y| (x, y)));
                assert_eq!(
                    Truths(a).and(Truths(b)).0,
                    pairs().fold(0, |set, (x, y)| set | x.min(y)),
                    "{a} and {b}"
                );
                assert_eq!(
                    Truths(a).or(Truths(b)).0,
                    pairs().fold(0, |set, (x, y)| set | x.max(y)),
                    "{a} or {b}"
                );
            }
        }
    }
}
