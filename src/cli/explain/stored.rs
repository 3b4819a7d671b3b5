//! A delivery of the journal: explained by what decided it, or as if it were new where nothing has.

use super::args::ExplainArgs;
use super::office::Office;
use super::policies::Policies;
use super::report::ExplainReport;
use crate::cli::trouble::{CliError, Exit};
use crate::explain::AlertCase;
use crate::journal::{Remembered, RememberedAlert};
use crate::settings::Source;
use scanhook_core::alert::{Alert, AlertState};
use scanhook_core::json::Json;
use scanhook_core::strict_json;

impl ExplainReport {
    /// Explains the decisions that the journal has of a delivery.
    fn judge_kept(
        &mut self,
        args: &ExplainArgs,
        office: &Office,
        source: &Source,
        kept: &Remembered,
        body: Option<&Json<'_>>,
    ) -> Result<(), CliError> {
        let policies = Policies::of(args, kept, &mut self.notes)?;
        for one in &kept.alerts {
            let Some(alert) = &one.alert else {
                let sentence =
                    "as it is stored this version cannot read it, so it is not explained";
                self.notes
                    .push(format!("alert {}: {sentence}", one.receipt.id));
                continue;
            };
            for decision in &one.decisions {
                let Some(policy) = policies.of_decision(decision) else {
                    continue;
                };
                let name = &decision.receipt.device;
                let Some(device) = alert.devices.iter().find(|device| device.label() == name)
                else {
                    self.notes.push(format!(
                        "alert {} as it is stored has no device {name}",
                        one.receipt.id
                    ));
                    continue;
                };
                // By now its source may act for another tenant.
                let alert = &Alert {
                    acts_for: Some(decision.tenant.clone()),
                    ..alert.clone()
                };
                let (terms, facts) = (office.terms(&decision.tenant), args.facts.as_slice());
                let recorded = decision.machine.as_ref().map(|(_, record)| record);
                let case = AlertCase {
                    policy,
                    source,
                    terms,
                    alert,
                    device,
                    body,
                    at: args.received(kept),
                    facts,
                    recorded,
                };
                self.judge(args.output, &case, Some(decision));
            }
        }
        Ok(())
    }
}

/// A delivery of the journal.
pub(super) fn stored(
    args: &ExplainArgs,
    office: &Office,
    kept: Remembered,
    mut notes: Vec<String>,
) -> anyhow::Result<ExplainReport> {
    let name = args.source.as_deref().unwrap_or(&kept.source);
    let source = match office.source(name) {
        Ok(source) => Some(source),
        Err(trouble) if args.source.is_some() => return Err(trouble.into()),
        Err(_) => {
            notes.push(format!(
                "source {name} is not configured here, so how it reads the body cannot be shown, and its preset is not \
                 known: conditions on `preset` are judged as if it had none"
            ));
            None
        }
    };
    if name != kept.source {
        notes.push(format!(
            "read as if it came from source {name}; it came from {}",
            kept.source
        ));
    }
    let known = source.is_some();
    let source = source.map_or_else(|| stranger(&kept), Ok)?;
    let mut report = ExplainReport {
        notes,
        ..ExplainReport::of(&source)
    };
    report.delivery = Some(kept.id.to_string());
    report.received_at = Some(kept.received.to_string());
    let json = kept
        .body
        .as_deref()
        .and_then(|body| strict_json::read(body).ok());
    match (&kept.body, &json) {
        (Some(body), Some(json)) if known => report.read(&source, body, json),
        (None, _) => report
            .notes
            .push("its body is past retention, so conditions on pointers see nothing".to_owned()),
        _ => {}
    }
    report.alerts = kept.alerts.iter().map(RememberedAlert::whole).collect();
    report.judge_kept(args, office, &source, &kept, json.as_ref())?;
    let undecided = kept.alerts.iter().all(|one| one.decisions.is_empty());
    if let (true, Some(json)) = (undecided, &json) {
        report.decide(args, office, &source, json, args.received(&kept))?;
        if !report.decisions.is_empty() {
            report.notes.push(
                if kept
                    .alerts
                    .iter()
                    .any(|one| one.receipt.state == AlertState::Parked.code())
                {
                    format!(
                        "the map as it is now reads alerts; `scanhook retry {}` does so",
                        kept.id
                    )
                } else {
                    "nothing was decided for it; below it is as if it were new".to_owned()
                },
            );
        }
    }
    Ok(report)
}

/// Stands for a source that is not configured any more.
fn stranger(kept: &Remembered) -> Result<Source, CliError> {
    let base = Source::of_preset("generic")
        .ok_or_else(|| CliError::new(Exit::Internal, "no preset is there"))?;
    Ok(Source {
        name: kept.source.clone(),
        preset: String::new(),
        tenants: Vec::new(),
        ..base
    })
}
