//! What the pages of an order are headed with, before and after.

use crate::api::{ItemView, OrderView};
use crate::server::control::OrderVerb;
use scanhook_core::counted::counted;

/// The kind of scan of all of them, if it is one.
fn scan_kind(order: &OrderView) -> Option<&str> {
    let mut kinds = order.items.iter().filter_map(|item| item.scan.as_deref());
    let first = kinds.next()?;
    kinds.all(|kind| kind == first).then_some(first)
}

/// What all of them are, if it is one.
fn noun(items: &[ItemView]) -> &str {
    let first = items.first().map_or("", |item| &item.kind);
    match items.iter().all(|item| item.kind == first) {
        true if !first.is_empty() => first,
        _ => "thing",
    }
}

/// What the page asks. `about`: how many machines something happens to.
pub(super) fn heading(verb: OrderVerb, order: &OrderView, about: usize) -> String {
    let things = counted(order.count, noun(&order.items));
    match (verb, scan_kind(order)) {
        (OrderVerb::Approve, Some(kind)) => {
            format!("Begin a {kind} scan of {}?", counted(about, "machine"))
        }
        (OrderVerb::Approve, None) => format!("Begin scans of {}?", counted(about, "machine")),
        (OrderVerb::Deny, _) => {
            let decisions = counted(order.decisions, "decision");
            format!(
                "Deny {decisions} about {}?",
                counted(order.machines, "machine")
            )
        }
        (OrderVerb::Cancel, _) => format!("Cancel {things}?"),
        (OrderVerb::Retry, _) => format!("Try {things} again?"),
    }
}

/// What the button says. `about`: how many things something happens to.
pub(super) fn button(verb: OrderVerb, order: &OrderView, about: usize) -> String {
    match verb {
        OrderVerb::Approve => format!("Begin {}", counted(about, "scan")),
        OrderVerb::Deny => format!("Deny {}", counted(order.decisions, "decision")),
        OrderVerb::Cancel => format!("Cancel {}", counted(about, noun(&order.items))),
        OrderVerb::Retry => format!("Try {} again", counted(about, noun(&order.items))),
    }
}

/// What was done.
pub(super) fn told(verb: OrderVerb, order: &OrderView) -> String {
    let came = |codes: &[&str]| {
        let results = order.items.iter().filter_map(|item| item.result.as_deref());
        results.filter(|result| codes.contains(result)).count()
    };
    let were = |number: usize| if number == 1 { "was" } else { "were" };
    let things = |number: usize| counted(number, noun(&order.items));
    match verb {
        OrderVerb::Approve | OrderVerb::Deny => {
            let done = came(&["approved", "approved_once", "denied"]);
            let word = if verb == OrderVerb::Approve {
                "approved"
            } else {
                "denied"
            };
            format!("{} {} {word}", counted(done, "decision"), were(done))
        }
        OrderVerb::Cancel => match (came(&["cancelled"]), came(&["cancelling"])) {
            (done, 0) => format!("{} {} cancelled", things(done), were(done)),
            (0, asked) => format!("Defender is asked to cancel {}", things(asked)),
            (done, asked) => format!(
                "{} {} cancelled, and Defender is asked to cancel {}",
                things(done),
                were(done),
                things(asked)
            ),
        },
        OrderVerb::Retry => {
            let done = came(&["retried"]);
            format!("{} {} tried again", things(done), were(done))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(results: &[(&str, &str)]) -> OrderView {
        let items = results.iter().map(|(kind, result)| ItemView {
            kind: (*kind).to_owned(),
            result: Some((*result).to_owned()),
            ..ItemView::default()
        });
        OrderView {
            preview: false,
            count: results.len(),
            machines: results.len(),
            decisions: 0,
            shown: results.len(),
            second_person: None,
            needs: None,
            digest: None,
            items: items.collect(),
            next: None,
        }
    }

    #[test]
    fn an_order_says_how_many_of_what_it_did() {
        for (verb, results, asks, said) in [
            (
                OrderVerb::Cancel,
                vec![("scan", "cancelled"), ("scan", "already-over")],
                "Cancel 2 scans?",
                "1 scan was cancelled",
            ),
            (
                OrderVerb::Cancel,
                vec![("scan", "cancelled"), ("scan", "cancelling")],
                "Cancel 2 scans?",
                "1 scan was cancelled, and Defender is asked to cancel 1 scan",
            ),
            (
                OrderVerb::Retry,
                vec![("delivery", "retried"), ("delivery", "retried")],
                "Try 2 deliveries again?",
                "2 deliveries were tried again",
            ),
            (
                OrderVerb::Retry,
                vec![("scan", "already"), ("decision", "retried")],
                "Try 2 things again?",
                "1 thing was tried again",
            ),
        ] {
            let order = order(&results);
            assert_eq!(heading(verb, &order, 0), asks);
            assert_eq!(told(verb, &order), said);
        }
    }
}
