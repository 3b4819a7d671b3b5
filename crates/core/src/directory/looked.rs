//! What the record of a decision keeps of a look-up, in words.

use serde::{Deserialize, Serialize};

use super::question::HostName;
use super::record::{Bar, Record};
use super::resolution::{FoundBy, Resolution};
use crate::alert::Device;
use crate::plain::one_line;

/// Candidates that a decision lists.
const LISTED: usize = 5;

/// Characters of a foreign text that a record shows.
const SHOWN: usize = 120;

/// What the decision record keeps of a look-up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Looked {
    /// What the machine was found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<FoundBy>,
    /// The name the directory gives it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is worth knowing about it, a clause each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The machines it could be, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
}

impl Resolution {
    /// What the decision record keeps of it.
    #[must_use]
    pub fn looked(&self, device: &Device) -> Looked {
        match self {
            Resolution::Machine(by, record) | Resolution::Barred(by, record, _) => Looked {
                by: Some(*by),
                name: record.name.as_deref().map(|name| one_line(name, SHOWN)),
                notes: notes(device, record),
                candidates: Vec::new(),
            },
            Resolution::Several(records) => {
                let mut candidates: Vec<String> =
                    records.iter().take(LISTED).map(described).collect();
                if records.len() > LISTED {
                    candidates.push(format!("{} more", records.len() - LISTED));
                }
                Looked {
                    candidates,
                    ..Looked::default()
                }
            }
            Resolution::Nobody => Looked::default(),
            Resolution::Silent(silence) => {
                let unchecked = if device.machine.is_some() {
                    ", so whether a scan can work was not checked"
                } else {
                    ""
                };
                Looked {
                    notes: vec![format!("{}{unchecked}", silence.words())],
                    ..Looked::default()
                }
            }
        }
    }
}

/// What is worth knowing about a machine that was found.
fn notes(device: &Device, record: &Record) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(id) = device.machine.as_ref().filter(|id| **id != record.id) {
        notes.push(format!("{id} was merged into {}", record.id));
    }
    if let (Some(said), Some(host)) = (&device.name, record.host())
        && HostName::parse(said).is_none_or(|said| !said.agrees(&host))
    {
        notes.push(format!(
            "the alert calls it `{}`; the directory's name counts",
            one_line(said, SHOWN)
        ));
    }
    if let Some(word) = record
        .onboarding
        .as_deref()
        .filter(|_| record.bar() == Some(Bar::NotOnboarded))
    {
        notes.push(format!("it is `{}`, not onboarded", one_line(word, SHOWN)));
    }
    if record.duplicate {
        notes.push("Defender takes it for a possible double of another record".to_owned());
    }
    if let Some(word) = record.health.as_deref().filter(|_| record.is_slow()) {
        notes.push(format!(
            "it is `{}`: a scan may stay pending for days",
            one_line(word, SHOWN)
        ));
    }
    notes
}

/// A candidate as a person tells it from the others.
fn described(record: &Record) -> String {
    let mut about = vec![
        record
            .name
            .as_deref()
            .map_or("no name".to_owned(), |name| one_line(name, SHOWN)),
    ];
    about.push(
        record
            .last_seen
            .map_or("never seen".to_owned(), |at| format!("last seen {at}")),
    );
    about.extend(
        record
            .health
            .as_deref()
            .map(|health| one_line(health, SHOWN)),
    );
    about.extend(match record.bar() {
        Some(Bar::Excluded) => Some("excluded".to_owned()),
        Some(Bar::NotOnboarded) => Some("not onboarded".to_owned()),
        None => None,
    });
    format!("{} ({})", record.id, about.join(", "))
}
