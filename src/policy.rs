//! The policy: rules.toml loaded, checked, fingerprinted. The one loader of `serve`, `check` and `test`.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::domain::alert::{Alert, Device};
use crate::domain::comment::{Citation, Comment};
use crate::domain::json::Json;
use crate::domain::mapping::{self, Item};
use crate::domain::rules::{self, Event, Facts, Finding, OwnedEvent, RuleTest, Rules};
use crate::domain::scan::Mode;
use crate::domain::strict_json;
use crate::domain::time::Timestamp;
use crate::domain::verdict::{Asks, Limit, Verdict, Wanted};
use crate::settings::Source;

/// How far decisions may go, whatever the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ceiling {
    /// No further than this mode.
    AtMost(Mode),
    /// The far side is the built-in simulator: what would be a dry run is sent there.
    Simulated,
}

impl Ceiling {
    fn lower(self, mode: Mode) -> Mode {
        match self {
            Ceiling::AtMost(ceiling) => mode.min(ceiling),
            Ceiling::Simulated if mode == Mode::DryRun => Mode::Enforce,
            Ceiling::Simulated => mode,
        }
    }
}

/// What a tenant allows its rules.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The strictest of the process's and the tenant's mode.
    pub ceiling: Ceiling,
    /// Scans all rules together may begin.
    pub limit: Option<Limit>,
}

/// One (alert, device) of a source, with all that may bear on it.
pub struct Question<'a> {
    /// The sender.
    pub source: &'a Source,
    /// What the tenant allows.
    pub terms: Terms,
    /// The alert.
    pub alert: &'a Alert,
    /// Which of its devices.
    pub device: &'a Device,
    /// What the directory says of the machine.
    pub facts: Facts,
    /// The raw body.
    pub body: Option<&'a Json<'a>>,
    /// When it was received.
    pub at: Timestamp,
}

/// The rules in force.
pub struct Policy {
    rules: Rules,
    hash: String,
    text: String,
}

/// Why a policy could not be loaded.
#[derive(Debug)]
pub enum PolicyError {
    /// The file could not be read.
    Unreadable(PathBuf, std::io::Error),
    /// It has faults; all of them, and the text they point into.
    Faulty(PathBuf, String, Vec<Finding>),
}

/// A policy with what `check` says of it beyond errors.
pub struct Checked {
    /// The policy.
    pub policy: Policy,
    /// Lints.
    pub lints: Vec<Finding>,
}

/// A rules file larger than this is a mistake.
const LARGEST: u64 = 4 << 20;

impl Policy {
    /// Loads and compiles a rules file.
    ///
    /// # Errors
    /// Every fault of the file at once.
    pub fn load(path: &Path) -> Result<Checked, PolicyError> {
        let unreadable = |error| PolicyError::Unreadable(path.to_owned(), error);
        let size = std::fs::metadata(path).map_err(unreadable)?.len();
        if size > LARGEST {
            return Err(unreadable(std::io::Error::other("a rules file has at most 4 MiB")));
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Policy::parse(text).map_err(|(text, findings)| PolicyError::Faulty(path.to_owned(), text, findings))
    }

    /// Compiles the text of a rules file.
    ///
    /// # Errors
    /// The text again, with every fault in it.
    pub fn parse(text: String) -> Result<Checked, (String, Vec<Finding>)> {
        match Rules::parse(&text) {
            Ok(loaded) => {
                let hash = hex::encode(Sha256::digest(text.as_bytes()));
                Ok(Checked { policy: Policy { rules: loaded.rules, hash, text }, lints: loaded.lints })
            }
            Err(findings) => Err((text, findings)),
        }
    }

    /// SHA-256 of the rules, in hex: what decisions record.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.hash
    }

    /// The rules as written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The compiled rules.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Decides one (alert, device) of a source.
    #[must_use]
    pub fn decide(&self, question: Question<'_>) -> Verdict {
        let Question { source, terms, alert, device, facts, body, at } = question;
        let event = Event {
            source: &source.name,
            preset: &source.preset,
            tenant: source.tenant_of(alert).unwrap_or_default(),
            alert,
            device,
            facts,
            body,
            at,
        };
        let mut verdict = self.rules.decide(&event);
        match &mut verdict.asks {
            Asks::Nothing(_) | Asks::Resolve(_) => {}
            Asks::Hold(_, wanted) | Asks::Scan(wanted) => restrain(wanted, terms),
        }
        verdict
    }

    /// The comment of a scan.
    #[must_use]
    pub fn comment(&self, citation: Citation<'_>) -> Comment {
        self.rules.comment().fill(citation)
    }

    /// Runs one embedded test; payload files count from `base`, the folder of the rules file.
    ///
    /// # Errors
    /// What was expected and what came instead, a sentence each.
    pub fn test(&self, test: &RuleTest, base: &Path, sources: &[Source]) -> Result<(), Vec<String>> {
        rules::run(test, &self.rules, &mut |payload| {
            let source = sources
                .iter()
                .find(|source| source.name == payload.source)
                .map(Ok)
                .unwrap_or_else(|| Err(format!("no source and no preset is called `{}`", payload.source)))?;
            let file = base.join(&payload.file);
            let body = std::fs::read(&file).map_err(|error| error.to_string())?;
            read(source, &body)
        })
    }
}

fn restrain(wanted: &mut Wanted, terms: Terms) {
    wanted.mode = terms.ceiling.lower(wanted.mode);
    wanted.tenant_limit = terms.limit;
}

/// A captured delivery as the events of a test.
fn read(source: &Source, body: &[u8]) -> Result<Vec<OwnedEvent>, String> {
    let json = strict_json::read(body).map_err(|fault| format!("the payload is no strict JSON: {fault}"))?;
    let items = mapping::read(&source.mapping, source.caps, &json, &Sha256::digest(body));
    let events = items.into_iter().filter_map(|item| match item {
        Item::Alert(alert) => Some(alert),
        Item::Ignored { .. } | Item::Parked { .. } => None,
    });
    let events: Vec<_> = events
        .flat_map(|alert| alert.devices.clone().into_iter().map(move |device| (alert.clone(), device)))
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
    if events.is_empty() { Err("the payload holds no alert with a device".to_owned()) } else { Ok(events) }
}
