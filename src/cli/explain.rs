//! `scanhook explain`: why an alert is, or was, decided as it is. From files and the journal alone: nobody is called.

mod judgement;
mod reading;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::format::OutputFormat;
use super::output::{self, plain};
use super::table::count;
use super::trouble::{CliError, Exit};
use super::{load, send};
use crate::api::AlertReceipt;
use crate::clock;
use crate::journal::{
    Archive, IdPrefix, JournalError, Remembered, RememberedAlert, RememberedDecision,
};
use crate::policy::{Ceiling, Policy, Terms};
use crate::presets;
use crate::settings::{Flags, Inputs, Source, Tenant, there_is};
use judgement::{AlertCase, Judgement};
use reading::AlertReading;
use scanhook_core::alert::{Alert, AlertState};
use scanhook_core::device_glob::DeviceGlob;
use scanhook_core::json::Json;
use scanhook_core::mapping::{self, Delivered, Headers};
use scanhook_core::rules::GivenFact;
use scanhook_core::scan::Mode;
use scanhook_core::strict_json;
use scanhook_core::time::Timestamp;

/// The sentence for a command line that names nothing to explain.
const NOTHING_NAMED: &str = "what is to be explained? Name the file with a delivery's body, `-`, or one of the journal with --delivery ID or --device \
     NAME";
/// Alerts and decisions that are shown; the others are counted.
const MOST: usize = 10;
/// Earlier decisions about a device that are named.
const EARLIER: usize = 5;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ExplainArgs {
    /// The body of a delivery; `-` for standard input.
    #[arg(conflicts_with = "delivery")]
    payload: Option<PathBuf>,
    /// Whose map reads it: a source of scanhook.toml or, without one, a preset [default: the only source, or generic].
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// One in the journal, by its id or by the id of one of its decisions; 6 digits of the beginning may be enough.
    #[arg(long, value_name = "ID")]
    delivery: Option<String>,
    /// The latest in the journal about this device: any name, address or id of it, or a pattern such as dc-*.
    #[arg(long, value_name = "DEVICE", value_parser = DeviceGlob::parse, conflicts_with_all = ["delivery", "payload"])]
    device: Option<DeviceGlob>,
    /// Says how sources read and where the journal lies; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The policy; without it, rules.toml beside the configuration or, for a decision of the journal, the policy that decided.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Where a journal with a relative path lies.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// As if received then: 2026-11-02T08:00:00Z [default: now, or when it was received].
    #[arg(long, value_name = "TIME", value_parser = instant)]
    at: Option<Timestamp>,
    /// What Defender's directory says of the machine, such as device.tags=a,b; `unknown` for what it cannot tell.
    #[arg(long = "fact", value_name = "KEY=VALUE", value_parser = str::parse::<GivenFact>)]
    facts: Vec<GivenFact>,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

impl ExplainArgs {
    /// When a delivery of the journal counts as received.
    fn received(&self, kept: &Remembered) -> Timestamp {
        self.at.unwrap_or(kept.received)
    }
}

fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text)
        .ok_or_else(|| "a time needs a date, a time and an offset: 2026-11-02T08:00:00Z".to_owned())
}

pub(super) fn run(args: &ExplainArgs) -> anyhow::Result<ExitCode> {
    let office = Office::of(args)?;
    let report = match (&args.delivery, &args.device, &args.payload) {
        (Some(id), ..) => stored(args, &office, remember(&office.journal, id)?, Vec::new())?,
        (None, Some(device), _) => {
            let (kept, notes) = latest(&office.journal, device)?;
            stored(args, &office, kept, notes)?
        }
        (None, None, Some(payload)) => given(args, &office, payload)?,
        (None, None, None) => return Err(CliError::new(Exit::Usage, NOTHING_NAMED).into()),
    };
    match args.output {
        OutputFormat::Json => output::json(&serde_json::to_string_pretty(&report)?)?,
        OutputFormat::Text => output::tell(&report.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// What is configured, as far as it matters here.
struct Office {
    /// Whether there is a scanhook.toml.
    configured: bool,
    sources: Vec<Source>,
    tenants: Vec<Tenant>,
    journal: PathBuf,
    /// The rules file, where there is one.
    rules: Option<PathBuf>,
}

impl Office {
    fn of(args: &ExplainArgs) -> Result<Office, CliError> {
        let (data_dir, rules) = (args.data_dir.clone(), args.rules.clone());
        // Nothing is called, so no tenant needs its credential.
        let flags = Flags {
            credential_free: true,
            data_dir,
            rules,
            ..Flags::default()
        };
        let inputs = Inputs::from_process(args.config.clone(), flags);
        let (configured, rules) = (inputs.file.is_some(), inputs.rules_if_any());
        if !configured && args.delivery.is_none() && args.device.is_none() {
            return Ok(Office {
                configured,
                sources: Vec::new(),
                tenants: Vec::new(),
                journal: PathBuf::new(),
                rules,
            });
        }
        let settings = load::settings(&inputs)?;
        let (sources, tenants, journal) = (
            settings.sources,
            settings.tenants,
            there_is(&settings.journal.path),
        );
        Ok(Office {
            configured,
            sources,
            tenants,
            journal,
            rules,
        })
    }

    /// A source by its name.
    fn source(&self, name: &str) -> Result<Source, CliError> {
        if !self.configured {
            let names: Vec<_> = presets::names().map(str::to_owned).collect();
            return Source::of_preset(name).ok_or_else(|| send::unknown(name, "preset", &names));
        }
        let found = self
            .sources
            .iter()
            .find(|source| source.name == name)
            .cloned();
        found.ok_or_else(|| send::unknown(name, "source", &self.names()))
    }

    /// The source that is meant where none is named.
    fn usual(&self) -> Result<Source, CliError> {
        match self.sources.as_slice() {
            [] if !self.configured => self.source("generic"),
            [only] => Ok(only.clone()),
            _ => {
                let sentence = format!(
                    "whose map reads it? Name one with --source: {}",
                    self.names().join(", ")
                );
                Err(CliError::new(Exit::Usage, sentence))
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.sources
            .iter()
            .map(|source| source.name.clone())
            .collect()
    }

    /// What a tenant allows its rules.
    fn terms(&self, tenant: &str) -> Terms {
        let tenant = self.tenants.iter().find(|known| known.name == tenant);
        let mode = tenant
            .and_then(|tenant| tenant.mode)
            .unwrap_or(Mode::Enforce);
        Terms {
            ceiling: Ceiling::AtMost(mode),
            limit: tenant.map(|tenant| tenant.limit),
        }
    }
}

/// All that is said of one delivery.
#[derive(Serialize)]
struct ExplainReport {
    /// Its id, where it is one of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery: Option<String>,
    source: String,
    preset: String,
    /// When it was received.
    #[serde(skip_serializing_if = "Option::is_none")]
    received_at: Option<String>,
    /// What became of its alerts, where it is one of the journal: as a receipt has it now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    alerts: Vec<AlertReceipt>,
    /// What is worth knowing about the explanation itself.
    notes: Vec<String>,
    /// How the source's map reads it.
    read: Vec<AlertReading>,
    /// How each alert about each device is decided.
    decisions: Vec<Judgement>,
    /// Decisions that nobody would see.
    #[serde(skip)]
    left_out: usize,
}

impl ExplainReport {
    fn of(source: &Source) -> ExplainReport {
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
    fn judge(
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

    fn text(&self) -> String {
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

/// A body that lies here.
fn given(args: &ExplainArgs, office: &Office, payload: &Path) -> anyhow::Result<ExplainReport> {
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
    fn read(&mut self, source: &Source, body: &[u8], json: &Json<'_>) {
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
    fn decide(
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
fn stored(
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

fn remember(path: &Path, id: &str) -> Result<Remembered, CliError> {
    let nothing = || {
        let sentence = format!(
            "the journal {} knows no delivery and no decision with the id {}; `scanhook alerts` and `scanhook decisions` \
             show them",
            path.display(),
            plain(id)
        );
        CliError::new(Exit::NoInput, sentence)
    };
    let archive = archive(path)?;
    let named = IdPrefix::parse(id).ok_or_else(nothing)?;
    match archive
        .named(&named)
        .map_err(|error| unreadable(path, &error))?
        .as_slice()
    {
        [] => Err(nothing()),
        [one] => archive
            .delivery(*one)
            .map_err(|error| unreadable(path, &error))?
            .ok_or_else(nothing),
        several => {
            let ids = several
                .iter()
                .map(Uuid::to_string)
                .collect::<Vec<_>>()
                .join(", ");
            let sentence = format!("several ids begin with {}: {ids}", plain(id));
            Err(CliError::new(Exit::BadData, sentence))
        }
    }
}

/// The latest about a device, and which others there are.
fn latest(path: &Path, device: &DeviceGlob) -> Result<(Remembered, Vec<String>), CliError> {
    let archive = archive(path)?;
    let found = archive
        .of_device(device, EARLIER + 1)
        .map_err(|error| unreadable(path, &error))?;
    let nothing = || {
        let sentence = format!(
            "the journal {} knows no alert about {}",
            path.display(),
            plain(device.as_str())
        );
        CliError::new(Exit::NoInput, sentence)
    };
    let (newest, earlier) = found.split_first().ok_or_else(nothing)?;
    let mut notes = vec![format!("the latest about {device}: {newest}")];
    if !earlier.is_empty() {
        let ids = earlier
            .iter()
            .map(Uuid::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        notes.push(format!("earlier ones, for --delivery: {ids}"));
    }
    let kept = archive
        .delivery(*newest)
        .map_err(|error| unreadable(path, &error))?;
    Ok((kept.ok_or_else(nothing)?, notes))
}

fn archive(path: &Path) -> Result<Archive, CliError> {
    if !path.exists() {
        let sentence = format!(
            "no journal is at {}; name its scanhook.toml with --config, or --data-dir",
            path.display()
        );
        return Err(CliError::new(Exit::NoInput, sentence));
    }
    load::readable(path)?;
    Archive::open(path, None, true).map_err(|error| CliError::opening(path, &error))
}

fn unreadable(path: &Path, error: &JournalError) -> CliError {
    let exit = if matches!(error, JournalError::Busy) {
        Exit::Unavailable
    } else {
        Exit::Io
    };
    CliError::new(exit, format!("{}: {error}", path.display()))
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

/// The policies that decided, or the one that is named in their place.
struct Policies {
    named: Option<Policy>,
    decided: BTreeMap<String, Policy>,
}

impl Policies {
    fn of(
        args: &ExplainArgs,
        kept: &Remembered,
        notes: &mut Vec<String>,
    ) -> Result<Policies, CliError> {
        let mut policies = Policies {
            named: None,
            decided: BTreeMap::new(),
        };
        if let Some(path) = &args.rules {
            notes.push(format!(
                "decided by the rules of {}, not by those that decided then",
                path.display()
            ));
            policies.named = Some(load::policy(path, Exit::Configuration)?.policy);
            return Ok(policies);
        }
        for (fingerprint, record) in &kept.policies {
            match Policy::recall(record) {
                Ok(checked) => drop(policies.decided.insert(fingerprint.clone(), checked.policy)),
                Err(_) => notes.push(format!(
                    "the policy {fingerprint} that decided cannot be read by this version; name one with --rules"
                )),
            }
        }
        Ok(policies)
    }

    fn of_decision(&self, decision: &RememberedDecision) -> Option<&Policy> {
        self.named
            .as_ref()
            .or_else(|| self.decided.get(&decision.policy))
    }
}
