//! The reckoning at the end: each sample alert by its name, against what had to become of it.

use crate::api::{AlertReceipt, AlertView, DecisionReceipt, ScanView};

use super::far::FarRecord;
use super::samples::{Expected, Sample};
use super::screen::ScreenRow;

/// What became of one sample alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AlertStory {
    name: String,
    device: String,
    rule: String,
    decision: String,
    scan: String,
    /// Why this is not what had to become of it.
    pub(super) wrong: Option<String>,
}

impl AlertStory {
    /// As a row of the table.
    pub(super) fn row(&self) -> ScreenRow {
        let mark = if self.wrong.is_none() {
            "\u{2713}"
        } else {
            "\u{2717}"
        };
        let cells = [
            mark,
            &self.name,
            &self.device,
            &self.decision,
            &self.scan,
            &self.rule,
        ];
        ScreenRow {
            key: self.name.clone(),
            cells: cells.map(str::to_owned).to_vec(),
        }
    }
}

/// The head of the table. The first column says whether all is as expected.
pub(super) fn head() -> ScreenRow {
    let cells = ["", "alert", "device", "decision", "scan", "rule"].map(str::to_owned);
    ScreenRow {
        key: String::new(),
        cells: cells.to_vec(),
    }
}

/// Accounts for one sample: `alerts` is what the journal holds under its name, `scans` all scans there are.
pub(super) fn account(
    sample: &Sample,
    alerts: &[AlertView],
    scans: &[ScanView],
    far: &FarRecord,
) -> AlertStory {
    let mut account = AlertStory {
        name: sample.name.clone(),
        device: sample.device.name.clone(),
        rule: "-".to_owned(),
        decision: "-".to_owned(),
        scan: "-".to_owned(),
        wrong: None,
    };
    let judged = match (alerts, sample.expected) {
        ([], Expected::Refused) => {
            account.decision = "refused, not stored".to_owned();
            Ok(())
        }
        ([one], _) => account.judge(sample, &one.receipt, scans, far),
        (all, _) => Err(format!("the journal holds it {} times", all.len())),
    };
    account.wrong = judged
        .err()
        .map(|why| format!("alert {}: {why}", account.name));
    account
}

impl AlertStory {
    fn judge(
        &mut self,
        sample: &Sample,
        alert: &AlertReceipt,
        scans: &[ScanView],
        far: &FarRecord,
    ) -> Result<(), String> {
        self.decision = alert.state.clone();
        let (rule, wanted, reasons, kind) = match sample.expected {
            Expected::Refused => {
                return Err("it is in the journal, though it had to be refused".to_owned());
            }
            Expected::Ignored => return same("its state", "ignored", &alert.state),
            Expected::Held { rule, reason } => (rule, "held", vec![reason], None),
            Expected::Scan {
                rule,
                kind,
                reasons,
            } => (rule, "scan", reasons.to_vec(), Some(kind)),
        };
        let [decision] = alert.decisions.as_slice() else {
            return Err(format!(
                "it has {} decisions, and one device",
                alert.decisions.len()
            ));
        };
        self.rule = decision.rule.clone().unwrap_or_else(|| "-".to_owned());
        self.decision = format!("{} ({})", decision.state, decision.reason);
        same("its rule", rule, &self.rule)?;
        same("its decision", wanted, &decision.state)?;
        if !reasons.contains(&decision.reason.as_str()) {
            return Err(format!(
                "its reason is `{}`, not {}",
                decision.reason,
                reasons.join(" or ")
            ));
        }
        kind.map_or(Ok(()), |kind| {
            self.judge_scan(sample, decision, kind, scans, far)
        })
    }

    fn judge_scan(
        &mut self,
        sample: &Sample,
        decision: &DecisionReceipt,
        kind: &str,
        scans: &[ScanView],
        far: &FarRecord,
    ) -> Result<(), String> {
        let scan = decision
            .scan_id
            .as_ref()
            .and_then(|id| scans.iter().find(|scan| scan.id == *id));
        let scan = scan.ok_or("no scan answers it")?;
        let end = scan.outcome.as_ref().unwrap_or(&scan.state);
        self.scan = format!("{} {end}", scan.kind);
        same(
            "the machine of its scan",
            &sample.device.machine,
            &scan.machine,
        )?;
        same("the kind of its scan", kind, &scan.kind)?;
        same("the end of its scan", "succeeded", end)?;
        if !scan.alerts.contains(&sample.name) {
            return Err("its scan does not cite it".to_owned());
        }
        match far.started(&scan.id) {
            1 => Ok(()),
            times => Err(format!(
                "by Defender's own log its scan was started {times} times"
            )),
        }
    }
}

fn same(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{what} is `{found}`, not `{expected}`"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::cli::demo::samples;

    fn held(reason: &str, rule: &str) -> AlertView {
        let decision = serde_json::json!({
            "id": "d", "device": "sql-prod-7", "rule": rule, "scan": "full", "state": "held", "reason": reason,
            "scan_id": null, "why": "",
        });
        serde_json::from_value(serde_json::json!({
            "delivery": "x", "received_at": "", "source": "soar", "title": null, "severity": null,
            "id": "host-only-1", "state": "decided", "decisions": [decision],
        }))
        .unwrap()
    }

    fn wrong(sample: &Sample, alerts: &[AlertView]) -> Option<String> {
        account(sample, alerts, &[], &FarRecord::default()).wrong
    }

    #[test]
    fn an_alert_that_is_lost_doubled_or_decided_otherwise_is_named() {
        let sample = samples::host_only();
        assert_eq!(wrong(&sample, &[held("unresolved_device", "high")]), None);
        for (alerts, why) in [
            (vec![], "alert host-only-1: the journal holds it 0 times"),
            (
                vec![held("unresolved_device", "high"); 2],
                "alert host-only-1: the journal holds it 2 times",
            ),
            (
                vec![held("limit", "high")],
                "alert host-only-1: its reason is `limit`, not unresolved_device",
            ),
            (
                vec![held("unresolved_device", "medium")],
                "alert host-only-1: its rule is `medium`, not `high`",
            ),
        ] {
            assert_eq!(wrong(&sample, &alerts).as_deref(), Some(why));
        }
    }

    #[test]
    fn what_had_to_be_refused_must_not_be_there() {
        assert_eq!(wrong(&samples::forged(), &[]), None);
        assert!(wrong(&samples::forged(), &[held("limit", "high")]).is_some());
    }

    #[test]
    fn a_wanted_scan_that_nobody_began_is_missed() {
        let mut alert = held("new", "ransomware or credential theft");
        alert.receipt.decisions[0].state = "scan".to_owned();
        assert_eq!(
            wrong(&samples::incident(), &[alert]).as_deref(),
            Some("alert 3212: no scan answers it")
        );
    }
}
