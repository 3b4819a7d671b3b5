//! The tests embedded in rules.toml, run: by `check`, `test`, `serve` and each reload alike.

use std::path::Path;

use sha2::{Digest, Sha256};

use super::Policy;
use crate::file;
use crate::presets;
use crate::settings::Source;
use scanhook_core::mapping::{self, Item};
use scanhook_core::rules::{self, Facts, Given, OwnedEvent, RuleTest, TestRun};
use scanhook_core::strict_json;

/// An embedded test that was run.
pub struct Tried<'p> {
    pub test: &'p RuleTest,
    /// Its line in the rules file, from 1.
    pub line: usize,
    pub ran: TestRun,
}

impl Policy {
    /// Runs the tests that are wanted, in file order. Captured deliveries are read through `sources`, else the presets;
    /// their paths count from the folder of the rules file.
    pub fn try_tests<'p>(
        &'p self,
        rules: &Path,
        sources: &[Source],
        wanted: impl Fn(&RuleTest) -> bool,
    ) -> Vec<Tried<'p>> {
        let shipped = presets::names().filter_map(Source::of_preset);
        let sources: Vec<Source> = sources.iter().cloned().chain(shipped).collect();
        let (mut line, mut counted) = (1, 0);
        let run = |test: &'p RuleTest| {
            let begins = test.span.start;
            line += self
                .text()
                .get(counted..begins)
                .unwrap_or_default()
                .matches('\n')
                .count();
            counted = begins;
            Tried {
                test,
                line,
                ran: self.test(test, folder(rules), &sources),
            }
        };
        self.rules()
            .tests()
            .iter()
            .filter(|test| wanted(test))
            .map(run)
            .collect()
    }

    /// Runs one embedded test; payload files count from `base`, the folder of the rules file.
    pub fn test(&self, test: &RuleTest, base: &Path, sources: &[Source]) -> TestRun {
        rules::run(test, &self.rules, &mut |payload| {
            let source = sources
                .iter()
                .find(|source| source.name == payload.source)
                .map(Ok)
                .unwrap_or_else(|| {
                    Err(format!(
                        "no source and no preset is called `{}`",
                        payload.source
                    ))
                })?;
            let file = base.join(&payload.file);
            let body = file::read(&file, LARGEST_PAYLOAD)
                .map_err(|error| error.to_string())?
                .bytes;
            if body.len() as u64 > LARGEST_PAYLOAD {
                return Err("it is larger than any delivery can be".to_owned());
            }
            read(source, &body)
        })
    }
}

fn folder(rules: &Path) -> &Path {
    rules.parent().unwrap_or(Path::new(""))
}

/// The most that `[server] max_body` can be.
pub const LARGEST_PAYLOAD: u64 = 64 << 20;

/// The captured deliveries that a test reads, by their path from the folder of the rules file.
pub fn payloads(test: &RuleTest) -> impl Iterator<Item = &str> {
    test.steps.iter().filter_map(|step| match &step.given {
        Given::Payload(payload) => Some(payload.file.as_str()),
        _ => None,
    })
}

/// Whether every captured delivery that a test reads lies where the rules file says. The tests of some stay at home.
#[must_use]
pub fn has_payloads(test: &RuleTest, rules: &Path) -> bool {
    payloads(test).all(|file| folder(rules).join(file).exists())
}

/// A captured delivery as the events of a test.
fn read(source: &Source, body: &[u8]) -> Result<Vec<OwnedEvent>, String> {
    let json = strict_json::read(body)
        .map_err(|fault| format!("the payload is not strict JSON: {fault}"))?;
    let items = mapping::read(&source.mapping, source.caps, &json, &Sha256::digest(body));
    let events = items.into_iter().filter_map(|item| match item {
        Item::Alert(alert) => Some(alert),
        Item::Ignored { .. } | Item::Parked { .. } => None,
    });
    let events: Vec<_> = events
        .flat_map(|alert| {
            alert
                .devices
                .clone()
                .into_iter()
                .map(move |device| (alert.clone(), device))
        })
        .map(|(alert, device)| OwnedEvent {
            source: source.name.clone(),
            preset: source.preset.clone(),
            tenant: source.tenant_of(&alert).unwrap_or_default().to_owned(),
            alert,
            device,
            facts: Facts::default(),
            body: Some(rules::owned(&json)),
        })
        .collect();
    if events.is_empty() {
        Err("the payload holds no alert with a device".to_owned())
    } else {
        Ok(events)
    }
}
