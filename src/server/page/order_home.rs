//! Where the forms of an order stand: answers beside what is held, everything else beside the scans.

use super::shell::NavPage;
use crate::server::control::OrderVerb;

/// Whether an order answers what is held.
pub(super) const fn is_answer(verb: OrderVerb) -> bool {
    matches!(verb, OrderVerb::Approve | OrderVerb::Deny)
}

/// The page that an order comes from, and its path, below which the order has its own.
pub(super) const fn home(verb: OrderVerb) -> (NavPage, &'static str) {
    if is_answer(verb) {
        (NavPage::Held, "/held")
    } else {
        (NavPage::Scans, "/scans")
    }
}
