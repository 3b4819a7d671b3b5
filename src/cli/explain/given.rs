//! A body that lies here: read by its source's map, and decided by the rules that lie here.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::args::ExplainArgs;
use super::office::Office;
use super::reading::AlertReading;
use super::report::ExplainReport;
use crate::cli::load;
use crate::cli::send;
use crate::cli::trouble::{CliError, Exit};
use crate::clock;
use crate::explain::AlertCase;
use crate::settings::Source;
use scanhook_core::alert::Alert;
use scanhook_core::json::Json;
use scanhook_core::mapping::{self, Delivered, Headers};
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

/// A body that lies here.
pub(super) fn given(
    args: &ExplainArgs,
    office: &Office,
    payload: &Path,
) -> anyhow::Result<ExplainReport> {
    let source = args
        .source
        .as_ref()
        .map_or_else(|| office.usual(), |name| office.source(name))?;
    let body = send::payload(payload)?;
    let json = strict_json::read(&body).map_err(|fault| {
        let sentence = format!(
            "{}: a receiver answers 400, it is not strict JSON: {fault}",
            payload.display()
        );
        CliError::new(Exit::BadData, sentence)
    })?;
    let mut report = ExplainReport::of(&source);
    if body.len() > source.max_body {
        let sentence = format!(
            "a receiver answers 413: more than the {} bytes of the source's max_body",
            source.max_body
        );
        report.notes.push(sentence);
    }
    report.read(&source, &body, &json);
    let at = args.at.unwrap_or_else(clock::now);
    report.decide(args, office, &source, &json, at)?;
    Ok(report)
}

impl ExplainReport {
    /// Has the map of a source read it.
    pub(super) fn read(&mut self, source: &Source, body: &[u8], json: &Json<'_>) {
        let hash = Sha256::digest(body);
        let delivered = Delivered {
            body: json,
            hash: &hash,
            headers: &Headers::new(),
        };
        self.read = mapping::explain(&source.mapping, source.caps, delivered)
            .into_iter()
            .map(AlertReading::from)
            .collect();
        let headers: Vec<String> = source.mapping.headers().iter().cloned().collect();
        if !headers.is_empty() {
            self.notes.push(format!(
                "the map reads headers, which are not kept: {}",
                headers.join(", ")
            ));
        }
    }

    /// Decides what was read by the rules that lie here.
    pub(super) fn decide(
        &mut self,
        args: &ExplainArgs,
        office: &Office,
        source: &Source,
        json: &Json<'_>,
        at: Timestamp,
    ) -> Result<(), CliError> {
        let Some(rules) = &office.rules else {
            self.notes.push(
                "no rules.toml is here, so nothing is decided; name one with --rules".to_owned(),
            );
            return Ok(());
        };
        let policy = load::policy(rules, Exit::Configuration)?.policy;
        let alerts: Vec<Alert> = self
            .read
            .iter()
            .filter_map(AlertReading::alert)
            .cloned()
            .collect();
        for alert in &alerts {
            let tenant = source.tenant_of(alert).unwrap_or_default();
            let terms = office.terms(tenant);
            for device in &alert.devices {
                let (body, facts) = (Some(json), args.facts.as_slice());
                let case = AlertCase {
                    policy: &policy,
                    source,
                    terms,
                    alert,
                    device,
                    body,
                    at,
                    facts,
                    recorded: None,
                };
                self.judge(args.output, &case, None);
            }
        }
        Ok(())
    }
}
