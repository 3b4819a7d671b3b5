//! What a message says, before it is written for anybody: the event, and what the journal knows of the things that it is
//! about at the moment of writing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::kind::MessageType;
use super::topic::Topic;
use crate::person::PeopleNeeded;
use crate::scan::{Kind, Outcome};
use crate::time::Timestamp;

/// One message, or one event of the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// What it is about.
    pub kind: MessageType,
    /// When it happened; of several events the last.
    pub at: Timestamp,
    /// The number of the event; of several the last.
    pub seq: i64,
    /// The configured tenant.
    pub tenant: Option<String>,
    /// What else it is about: a source, a file, a receiver, a rule, a pause.
    pub key: String,
    /// Messages of one subject arrive in order.
    pub subject: String,
    /// Further events that it tells.
    pub more: u32,
    /// What was known when it happened.
    pub said: Particulars,
    /// The scan.
    pub scan: Option<ScanNote>,
    /// The decision.
    pub decision: Option<DecisionNote>,
    /// The machine of the scan or the decision.
    pub machine: Option<MachineNote>,
    /// The first alerts behind it.
    pub alerts: Vec<AlertNote>,
    /// Alerts beyond those.
    pub more_alerts: u32,
    /// The numbers of a day.
    pub digest: Option<DigestCounts>,
}

/// What is known of an event when it happens, and kept with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Particulars {
    /// It tells that what was told before by the same type is over.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub resolved: bool,
    /// Why, in words that hold nothing of an alert.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The person behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Until when it goes on, or when it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Since when it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How many things the event is about, where it is not one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// How a scan ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
}

/// The scan of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ScanNote {
    /// The id that Defender sees as `ExternalId`.
    pub id: String,
    /// Quick or full.
    pub kind: Kind,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// What is known of that.
    pub detail: Option<String>,
    /// The rule that asked for it.
    pub rule: Option<String>,
    /// When it was sent.
    pub sent_at: Option<String>,
    /// When it ended.
    pub ended_at: Option<String>,
    /// Defender's id of its machine action.
    pub action: Option<String>,
}

/// The decision of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DecisionNote {
    /// Its id, as lists show it.
    pub id: String,
    /// Its state now.
    pub state: String,
    /// Why.
    pub reason: String,
    /// The rule that decided.
    pub rule: Option<String>,
    /// The scan that is wanted.
    pub kind: Option<Kind>,
    /// When it is dropped, should nobody answer.
    pub ends_at: Option<String>,
    /// How many people have to approve, and who has; left out where one is enough.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub people: Option<PeopleNeeded>,
    /// Why, in a sentence.
    pub why: String,
}

/// The machine of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MachineNote {
    /// Its id at Defender, once known.
    pub id: Option<String>,
    /// Its name, as the directory or else an alert says it.
    pub name: String,
}

/// An alert behind a message: text of a sender.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AlertNote {
    /// The source that delivered it.
    pub source: String,
    /// The sender's id.
    pub id: String,
    /// Its headline.
    pub title: Option<String>,
    /// Where a person reads on, as the sender says.
    pub url: Option<String>,
    /// Other ids of the same thing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub references: BTreeMap<String, Vec<String>>,
}

/// What a day came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DigestCounts {
    /// Decisions that wait for a person now.
    pub held: u32,
    /// Those of them that end within the hour.
    pub ending: u32,
    /// Decisions that nobody answered in time, in this day.
    pub expired: u32,
    /// Alerts that were parked in this day, by source and reason.
    pub parked: BTreeMap<String, u32>,
    /// Scans that ended in this day, by outcome.
    pub scans: BTreeMap<String, u32>,
    /// Scans that wait to be sent now.
    pub waiting: u32,
    /// Scans that run now.
    pub running: u32,
    /// Pauses in force now.
    pub pauses: u32,
    /// Credentials that end soon or have ended, each with its end.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub credentials: BTreeMap<String, String>,
    /// The newest hash of the audit: whoever cuts rows off its end is found by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audit_head: Option<String>,
}

impl Notice {
    /// Of what belongs to nothing else.
    #[must_use]
    pub fn new(kind: MessageType, at: Timestamp) -> Notice {
        Notice {
            kind,
            at,
            seq: 0,
            tenant: None,
            key: String::new(),
            subject: Topic::of(kind, None, "", false).subject,
            more: 0,
            said: Particulars::default(),
            scan: None,
            decision: None,
            machine: None,
            alerts: Vec::new(),
            more_alerts: 0,
            digest: None,
        }
    }

    /// The page that it leads to, as a path.
    #[must_use]
    pub fn path(&self) -> String {
        match (self.kind, &self.decision, &self.scan) {
            (
                MessageType::DecisionHeld
                | MessageType::DecisionApproved
                | MessageType::DecisionDenied,
                Some(decision),
                _,
            ) => format!("/held/{}", decision.id),
            (
                MessageType::DecisionHeld
                | MessageType::HoldEnding
                | MessageType::DecisionExpired
                | MessageType::LimitReached,
                ..,
            ) => "/held".to_owned(),
            (
                MessageType::ScanEnded | MessageType::ScanBegun | MessageType::ScanSent,
                _,
                Some(scan),
            ) => format!("/scans/{}", scan.id),
            (MessageType::ScanEnded, ..) => "/scans".to_owned(),
            (MessageType::AlertParked, ..) => "/alerts?state=parked".to_owned(),
            (MessageType::ReloadRefused | MessageType::ReloadAccepted, ..) => "/rules".to_owned(),
            (MessageType::StormBegun | MessageType::StormOver | MessageType::Digest, ..) => {
                "/".to_owned()
            }
            _ => "/system".to_owned(),
        }
    }

    /// What the machine is called, as it may be shown.
    #[must_use]
    pub fn device(&self) -> &str {
        self.machine
            .as_ref()
            .map_or("a device", |machine| machine.name.as_str())
    }
}
