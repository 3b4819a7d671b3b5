//! The things of an order as a table.

use crate::api::ItemView;
use crate::cli::table::{Table, device, time_of};

pub(super) fn table(items: &[ItemView], columns: Option<usize>) -> String {
    let heads = [
        "RESULT",
        "TENANT",
        "DEVICE",
        "SEVERITY",
        "RULE",
        "SCAN",
        "STATE",
        "ALERTS",
        "HOLD ENDS (UTC)",
        "ID",
    ];
    let mut table = Table::new(&heads);
    for item in items {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let state = match (&item.state, &item.reason) {
            (Some(state), Some(reason)) => format!("{state}: {reason}"),
            (state, _) => text(state),
        };
        let mut below: Vec<String> = item.title.iter().chain(&item.why).cloned().collect();
        if !item.candidates.is_empty() {
            below.push(format!("it may be: {}", item.candidates.join("; ")));
        }
        let named = device(
            item.name.as_deref(),
            item.device.as_deref().unwrap_or_default(),
            item.machine.as_deref(),
        );
        let (result, tenant, severity) =
            (text(&item.result), text(&item.tenant), text(&item.severity));
        let (rule, scan, alerts, ends) = (
            text(&item.rule),
            text(&item.scan),
            item.alerts.join(", "),
            time_of(item.hold_ends.as_ref()),
        );
        let cells = [
            &result, &tenant, &named, &severity, &rule, &scan, &state, &alerts, &ends, &item.id,
        ];
        table.row(cells.map(String::as_str), below);
    }
    ["TENANT", "SEVERITY", "HOLD ENDS (UTC)"]
        .into_iter()
        .fold(table, Table::without_if_same)
        .text(columns)
}
