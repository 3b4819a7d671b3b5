//! One line for each tenant and for each source, for whoever asked for no details.

use crate::api::{LaneView, ReceiverView, SourceView, TenantView};
use crate::cli::table::{Table, time_of};

/// A line for each tenant: what is open, and whether it can go on.
pub(super) fn tenants(tenants: &[TenantView]) -> Table {
    let mut table = Table::new(&[
        "TENANT", "MODE", "WAITING", "RUNNING", "HELD", "CALLS/H", "TOKEN",
    ]);
    let number = |number: u32| {
        if number == 0 {
            String::new()
        } else {
            number.to_string()
        }
    };
    for tenant in tenants {
        let scans = |states: &[&str]| {
            states
                .iter()
                .filter_map(|state| tenant.scans.get(*state))
                .sum()
        };
        let (waiting, running) = (
            number(scans(&["waiting"])),
            number(scans(&["sending", "unknown", "running"])),
        );
        let held = number(tenant.held);
        let calls = tenant.quota.get("scan").map_or_else(String::new, |used| {
            format!("{}/{}", used.hour, used.per_hour)
        });
        let token = match &tenant.lane {
            LaneView {
                stopped: Some(_), ..
            } => "STOPPED",
            LaneView { unreachable, .. } if !unreachable.is_empty() => "NO ANSWER",
            LaneView { audience: None, .. } => "none yet",
            LaneView { notes, .. } if !notes.is_empty() => "see above",
            _ => "good",
        };
        let cells = [
            &tenant.name,
            &tenant.mode,
            &waiting,
            &running,
            &held,
            &calls,
        ]
        .map(String::as_str);
        table.row(cells.into_iter().chain([token]), Vec::new());
    }
    table
}

/// A line for each receiver of messages.
pub(super) fn receivers(receivers: &[ReceiverView]) -> Table {
    let mut table = Table::new(&[
        "RECEIVER",
        "KIND",
        "WAITING",
        "DEAD",
        "LAST SENT (UTC)",
        "FAILING SINCE (UTC)",
    ]);
    for receiver in receivers {
        let [waiting, dead] = [receiver.waiting, receiver.dead].map(|count| count.to_string());
        let sent = time_of(receiver.last_sent_at.as_ref());
        let failing = time_of(receiver.failing_since.as_ref());
        let row = [
            receiver.name.as_str(),
            &receiver.kind,
            &waiting,
            &dead,
            &sent,
            &failing,
        ];
        table.row(row, Vec::new());
    }
    table.without_if_same("FAILING SINCE (UTC)")
}

/// A line for each source.
pub(super) fn sources(sources: &[SourceView]) -> Table {
    let mut table = Table::new(&[
        "SOURCE",
        "RECEIVED",
        "THE LAST (UTC)",
        "REFUSALS",
        "SILENT SINCE (UTC)",
    ]);
    for source in sources {
        let refused = match source.door.iter().map(|kind| kind.count).sum::<u64>() {
            0 => String::new(),
            refused => refused.to_string(),
        };
        let (last, silent) = (
            time_of(source.last_delivery_at.as_ref()),
            time_of(source.silent_since.as_ref()),
        );
        let received = source.deliveries.to_string();
        table.row(
            [source.name.as_str(), &received, &last, &refused, &silent],
            Vec::new(),
        );
    }
    table.without_if_same("SILENT SINCE (UTC)")
}
