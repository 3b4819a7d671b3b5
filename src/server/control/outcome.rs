//! What is said once an order was carried out: to whoever gave it, and beside it in the log.

use std::collections::BTreeSet;

use crate::api::{ItemView, OrderView};
use crate::journal::Done;
use crate::server::order::MOST;
use scanhook_core::about::About;

/// The answer about these, of which it tells as many as it may: first those with which something is wrong.
pub(super) fn told(preview: bool, mut items: Vec<ItemView>) -> OrderView {
    let count = items.len();
    let about = items.iter().filter_map(|item| {
        Some((
            &item.tenant,
            item.machine.as_ref().or(item.device.as_ref())?,
        ))
    });
    let machines = about.collect::<BTreeSet<_>>().len();
    let decisions = items.iter().filter(|item| item.kind == "decision").count();
    if count > MOST {
        items.sort_by_key(|item| {
            item.result
                .as_deref()
                .and_then(Done::of_code)
                .is_none_or(Done::is_done)
        });
        items.truncate(MOST);
    }
    OrderView {
        preview,
        count,
        machines,
        decisions,
        shown: items.len(),
        second_person: None,
        needs: items.iter().filter_map(|item| item.needs).max(),
        digest: None,
        items,
        next: None,
    }
}

/// What the log says of it beside what became of the order.
pub(super) fn subject(item: &ItemView) -> About {
    let decision = (item.kind == "decision").then(|| item.id.clone());
    let named = item.device.clone().filter(|_| decision.is_some());
    About {
        tenant: item.tenant.clone(),
        alerts: item.alerts.clone(),
        decisions: decision.into_iter().collect(),
        devices: named.into_iter().collect(),
        name: item.name.clone(),
        machine: item.machine.clone(),
        scan: item.scan_id.clone(),
        rule: item.rule.clone(),
        ..About::default()
    }
}
