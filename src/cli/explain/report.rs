//! All that is said of one delivery, and how much of it a person is shown.

use serde::Serialize;

use super::reading::AlertReading;
use crate::api::AlertReceipt;
use crate::cli::format::OutputFormat;
use crate::cli::output::plain;
use crate::cli::table::count;
use crate::explain::{AlertCase, Judgement};
use crate::journal::RememberedDecision;
use crate::settings::Source;

/// Alerts and decisions that are shown; the others are counted.
const MOST: usize = 10;

/// All that is said of one delivery.
#[derive(Serialize)]
pub(super) struct ExplainReport {
    /// Its id, where it is one of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delivery: Option<String>,
    pub(super) source: String,
    pub(super) preset: String,
    /// When it was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) received_at: Option<String>,
    /// What became of its alerts, where it is one of the journal: as a receipt has it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) alerts: Vec<AlertReceipt>,
    /// What is worth knowing about the explanation itself.
    pub(super) notes: Vec<String>,
    /// How the source's map reads it.
    pub(super) read: Vec<AlertReading>,
    /// How each alert about each device is decided.
    pub(super) decisions: Vec<Judgement>,
    /// Decisions that nobody would see.
    #[serde(skip)]
    pub(super) left_out: usize,
}

impl ExplainReport {
    pub(super) fn of(source: &Source) -> ExplainReport {
        ExplainReport {
            delivery: None,
            source: source.name.clone(),
            preset: source.preset.clone(),
            received_at: None,
            alerts: Vec::new(),
            notes: Vec::new(),
            read: Vec::new(),
            decisions: Vec::new(),
            left_out: 0,
        }
    }

    /// Explains a case, if it will be seen: with many alerts, devices and rules all together are too many to work out.
    pub(super) fn judge(
        &mut self,
        format: OutputFormat,
        case: &AlertCase<'_>,
        decision: Option<&RememberedDecision>,
    ) {
        if format == OutputFormat::Text && self.decisions.len() >= MOST {
            self.left_out += 1;
            return;
        }
        let judged = case.judge();
        self.decisions.push(match decision {
            Some(decision) => judged.stored(decision),
            None => judged,
        });
    }

    pub(super) fn text(&self) -> String {
        let by = if self.preset.is_empty() {
            String::new()
        } else {
            format!(", preset {}", self.preset)
        };
        let mut text = match (&self.delivery, &self.received_at) {
            (Some(id), Some(at)) => plain(&format!(
                "delivery {id} of source {}{by}, received {at}",
                self.source
            )),
            _ => plain(&format!("read by source {}{by}", self.source)),
        };
        text.push('\n');
        for alert in self.alerts.iter().take(MOST) {
            let why = alert.detail.as_ref().or(alert.reason.as_ref());
            let why = why.map_or_else(String::new, |why| format!(": {why}"));
            text.push_str(&format!(
                "{}\n",
                plain(&format!(
                    "stored: alert {} is {}{why}",
                    alert.id, alert.state
                ))
            ));
        }
        for note in &self.notes {
            text.push_str(&format!("note: {}\n", plain(note)));
        }
        for (n, reading) in self.read.iter().take(MOST).enumerate() {
            text.push_str(&format!("\n{}", reading.text(n + 1)));
        }
        text.push_str(&more(self.read.len().saturating_sub(MOST), "alert"));
        for judgement in &self.decisions {
            text.push_str(&format!("\n{}", judgement.text()));
        }
        text.push_str(&more(self.left_out, "decision"));
        text
    }
}

fn more(left: usize, what: &str) -> String {
    if left == 0 {
        String::new()
    } else {
        format!(
            "\nand {} more; -o json has all of them\n",
            count(left, what)
        )
    }
}
