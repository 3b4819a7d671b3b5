//! What conditions came to for one delivery. A condition on the body is the same for all its alerts, one on the alert's
//! own text is the same for all its devices: each is judged once, however many devices a sender names.

use core::cell::RefCell;
use std::collections::BTreeMap;

use super::truth::Truths;
use crate::verdict::Seen;

/// For how long a condition comes to the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MemoScope {
    /// For all alerts of the body.
    Body,
    /// For all devices of the alert.
    Alert,
}

/// For one body, one policy and one time of receipt. [`Memo::next_alert`] has to be called before another alert is
/// judged.
#[derive(Debug, Default)]
pub struct Memo {
    of_body: MemoEntries,
    of_alert: MemoEntries,
}

/// Conditions and places of the index by where they lie in memory, which is where the policy keeps them.
#[derive(Debug, Default)]
struct MemoEntries {
    truths: RefCell<BTreeMap<usize, Truths>>,
    seen: RefCell<BTreeMap<usize, Seen>>,
    found: RefCell<BTreeMap<usize, Vec<usize>>>,
}

impl Memo {
    /// What was found out about the alert before is forgotten.
    pub fn next_alert(&self) {
        self.of_alert.truths.borrow_mut().clear();
        self.of_alert.seen.borrow_mut().clear();
        self.of_alert.found.borrow_mut().clear();
    }

    fn of(&self, scope: MemoScope) -> &MemoEntries {
        match scope {
            MemoScope::Body => &self.of_body,
            MemoScope::Alert => &self.of_alert,
        }
    }
}

/// What a comparison came to.
pub(super) fn truths<T>(
    memo: Option<&Memo>,
    scope: Option<MemoScope>,
    place: &T,
    judge: impl FnOnce() -> Truths,
) -> Truths {
    let Some(known) = memo.zip(scope).map(|(memo, scope)| memo.of(scope)) else {
        return judge();
    };
    recall(&known.truths, place, judge)
}

/// What a comparison saw.
pub(super) fn seen<T>(
    memo: Option<&Memo>,
    scope: Option<MemoScope>,
    place: &T,
    look: impl FnOnce() -> Seen,
) -> Seen {
    let Some(known) = memo.zip(scope).map(|(memo, scope)| memo.of(scope)) else {
        return look();
    };
    recall(&known.seen, place, look)
}

/// The rules that a place of the index finds.
pub(super) fn found<T>(
    memo: Option<&Memo>,
    scope: Option<MemoScope>,
    place: &T,
    all: &mut Vec<usize>,
    find: impl FnOnce(&mut Vec<usize>),
) {
    let Some(known) = memo.zip(scope).map(|(memo, scope)| memo.of(scope)) else {
        return find(all);
    };
    all.extend(recall(&known.found, place, || {
        let mut found = Vec::new();
        find(&mut found);
        found
    }));
}

fn recall<T, V: Clone>(
    known: &RefCell<BTreeMap<usize, V>>,
    place: &T,
    make: impl FnOnce() -> V,
) -> V {
    let place = core::ptr::from_ref(place).addr();
    if let Some(value) = known.borrow().get(&place) {
        return value.clone();
    }
    let value = make();
    known.borrow_mut().insert(place, value.clone());
    value
}
