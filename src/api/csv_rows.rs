//! The columns of each list as a spreadsheet shows it. Names of columns are relied on: one is added at the end, none is
//! renamed.

use scanhook_core::access::AuditLink;
use scanhook_core::time::Timestamp;

use super::alert::AlertView;
use super::csv::CsvRow;
use super::decision::DecisionView;
use super::held::HeldGroupView;
use super::message::MessageView;
use super::scan::ScanView;

impl CsvRow for AlertView {
    const HEADS: &'static [&'static str] = &[
        "received_at",
        "source",
        "alert",
        "severity",
        "state",
        "reason",
        "detail",
        "title",
        "devices",
        "machines",
        "url",
        "delivery",
    ];

    fn cells(self) -> Vec<String> {
        let devices = self.devices.iter();
        let names: Vec<_> = devices
            .clone()
            .map(|one| one.name.as_deref().unwrap_or(&one.label))
            .collect();
        let machines: Vec<_> = devices.filter_map(|one| one.machine.as_deref()).collect();
        let (names, machines, receipt) = (names.join(" "), machines.join(" "), self.receipt);
        vec![
            self.received_at,
            self.source,
            receipt.id,
            self.severity.unwrap_or_default(),
            receipt.state,
            receipt.reason.unwrap_or_default(),
            receipt.detail.unwrap_or_default(),
            self.title.unwrap_or_default(),
            names,
            machines,
            self.url.unwrap_or_default(),
            self.delivery,
        ]
    }
}

impl CsvRow for DecisionView {
    const HEADS: &'static [&'static str] = &[
        "at",
        "tenant",
        "source",
        "alert",
        "severity",
        "title",
        "device",
        "name",
        "machine",
        "state",
        "reason",
        "rule",
        "scan",
        "scan_id",
        "hold_ends",
        "whose_move",
        "why",
        "url",
        "id",
    ];

    fn cells(self) -> Vec<String> {
        vec![
            self.at,
            self.tenant,
            self.source,
            self.alert,
            self.severity.unwrap_or_default(),
            self.title.unwrap_or_default(),
            self.device.said.unwrap_or_default(),
            self.name.unwrap_or_default(),
            self.machine.unwrap_or_default(),
            self.state,
            self.reason,
            self.rule.unwrap_or_default(),
            self.scan,
            self.scan_id.unwrap_or_default(),
            self.hold_ends.unwrap_or_default(),
            self.whose_move,
            self.why,
            self.url.unwrap_or_default(),
            self.id,
        ]
    }
}

impl CsvRow for ScanView {
    const HEADS: &'static [&'static str] = &[
        "created_at",
        "tenant",
        "name",
        "machine",
        "kind",
        "state",
        "outcome",
        "detail",
        "rule",
        "priority",
        "alerts",
        "sent_at",
        "ended_at",
        "tries",
        "action",
        "id",
    ];

    fn cells(self) -> Vec<String> {
        vec![
            self.created_at,
            self.tenant,
            self.name.unwrap_or_default(),
            self.machine,
            self.kind,
            self.state,
            self.outcome.unwrap_or_default(),
            self.detail.unwrap_or_default(),
            self.rule.unwrap_or_default(),
            self.priority.to_string(),
            self.alerts.join(" "),
            self.sent_at.unwrap_or_default(),
            self.ended_at.unwrap_or_default(),
            self.tries.to_string(),
            self.action.unwrap_or_default(),
            self.id,
        ]
    }
}

impl CsvRow for HeldGroupView {
    const HEADS: &'static [&'static str] = &[
        "tenant",
        "severity",
        "title",
        "source",
        "rule",
        "reason",
        "scan",
        "machines",
        "decisions",
        "names",
        "oldest",
        "first_ends_at",
        "whose_move",
        "why",
        "key",
    ];

    fn cells(self) -> Vec<String> {
        vec![
            self.tenant.unwrap_or_default(),
            self.severity.unwrap_or_default(),
            self.title.unwrap_or_default(),
            self.source.unwrap_or_default(),
            self.rule.unwrap_or_default(),
            self.reason.unwrap_or_default(),
            self.kind.unwrap_or_default(),
            self.machines.to_string(),
            self.decisions.to_string(),
            self.names.join(" "),
            self.oldest,
            self.first_ends_at.unwrap_or_default(),
            self.whose_move,
            self.why,
            self.key,
        ]
    }
}

impl CsvRow for MessageView {
    const HEADS: &'static [&'static str] = &[
        "at", "receiver", "type", "subject", "state", "more", "tries", "due", "ended_at", "answer",
        "id",
    ];

    fn cells(self) -> Vec<String> {
        vec![
            self.at,
            self.receiver,
            self.kind,
            self.subject,
            self.state,
            self.more.to_string(),
            self.tries.to_string(),
            self.due.unwrap_or_default(),
            self.ended_at.unwrap_or_default(),
            self.answer.unwrap_or_default(),
            self.id,
        ]
    }
}

impl CsvRow for AuditLink {
    const HEADS: &'static [&'static str] = &[
        "row", "at", "subject", "name", "how", "for", "address", "what", "scope", "reason",
        "count", "ids", "result", "policy", "prev", "hash",
    ];

    fn cells(self) -> Vec<String> {
        let entry = self.entry;
        vec![
            entry.id.to_string(),
            Timestamp::from_millis(entry.at).to_string(),
            entry.subject,
            entry.name,
            entry.how,
            entry.on_behalf_of.unwrap_or_default(),
            entry.address,
            entry.what,
            entry.scope,
            entry.reason.unwrap_or_default(),
            entry.count.to_string(),
            entry.ids.join(" "),
            entry.result,
            entry.policy,
            self.prev,
            self.hash,
        ]
    }
}
