//! A machine's record as the directory shows it, and whether a scan of it can work.

use serde::{Deserialize, Serialize};

use super::question::HostName;
use crate::alert::MachineId;
use crate::rules::{MachineFacts, Reading};
use crate::scan::Reason;
use crate::time::Timestamp;

/// Records of one answer that are kept; an answer with more is ambiguous whoever they are.
const MOST: usize = 20;

/// What is kept of a machine's record. `None`: the record does not say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The machine's id.
    pub id: MachineId,
    /// `computerDnsName`, as a rule fully qualified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The record is a stale one, of the machine with this id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// Defender takes it for a possible double of another record.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub duplicate: bool,
    /// Somebody has excluded it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub excluded: bool,
    /// `Onboarded`, `CanBeOnboarded`, …; an open set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onboarding: Option<String>,
    /// `Active`, `Inactive`, …; an open set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<String>,
    /// Its last full report, made about once a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Timestamp>,
    /// Its internal addresses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ips: Vec<String>,
    /// The address others see it with. It is everybody's behind the same router: no machine is told by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ip: Option<String>,
    /// Entra device id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aad_id: Option<String>,
    /// Tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// Device group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
}

/// Why a machine that is known is not scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bar {
    /// Somebody has excluded it.
    Excluded,
    /// It is not onboarded, or cannot be.
    NotOnboarded,
}

impl Bar {
    /// The reason of the decision.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Bar::Excluded => Reason::Excluded,
            Bar::NotOnboarded => Reason::Unsupported,
        }
    }
}

impl Record {
    /// What keeps it from being scanned (defender-api: will a scan work?).
    #[must_use]
    pub fn bar(&self) -> Option<Bar> {
        let refused = ["canbeonboarded", "unsupported", "insufficientinfo"];
        match &self.onboarding {
            _ if self.excluded => Some(Bar::Excluded),
            Some(word) if refused.contains(&word.to_ascii_lowercase().as_str()) => {
                Some(Bar::NotOnboarded)
            }
            _ => None,
        }
    }

    /// Whether it takes commands late, if at all: nothing has been heard of it for a week or more.
    #[must_use]
    pub fn is_slow(&self) -> bool {
        let slow = ["inactive", "nosensordataimpairedcommunication", "unknown"];
        self.health
            .as_ref()
            .is_some_and(|word| slow.contains(&word.to_ascii_lowercase().as_str()))
    }

    /// What rules may ask of it. The external address is none of its addresses.
    #[must_use]
    pub fn facts(&self) -> MachineFacts {
        MachineFacts {
            id: Reading::Present(self.id.clone()),
            name: Reading::or_absent(self.name.clone()),
            ips: Reading::or_absent(Some(self.ips.clone()).filter(|ips| !ips.is_empty())),
            aad_id: Reading::or_absent(self.aad_id.clone()),
            tags: Reading::or_absent(self.tags.clone()),
            group: Reading::or_absent(self.group.clone()),
            os: Reading::or_absent(self.os.clone()),
            health: Reading::or_absent(self.health.clone()),
        }
    }

    pub(super) fn host(&self) -> Option<HostName> {
        self.name.as_deref().and_then(HostName::parse)
    }

    /// Another, older row of the same machine: what it says beyond this one counts.
    fn absorb(&mut self, other: Record) {
        for ip in other.ips {
            if !self.ips.contains(&ip) {
                self.ips.push(ip);
            }
        }
        self.excluded |= other.excluded;
        self.duplicate |= other.duplicate;
        self.merged_into = self.merged_into.take().or(other.merged_into);
        self.name = self.name.take().or(other.name);
        self.onboarding = self.onboarding.take().or(other.onboarding);
        self.health = self.health.take().or(other.health);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.external_ip = self.external_ip.take().or(other.external_ip);
        self.aad_id = self.aad_id.take().or(other.aad_id);
        self.tags = match (self.tags.take(), other.tags) {
            (Some(mut tags), Some(others)) => {
                tags.extend(others);
                tags.sort();
                tags.dedup();
                Some(tags)
            }
            (tags, others) => tags.or(others),
        };
        self.group = self.group.take().or(other.group);
        self.os = self.os.take().or(other.os);
    }
}

/// What the directory said to one question: a record for each machine, however many rows it had.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// The machines; none: there is no such machine.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<Record>,
    /// There are more than are kept.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// It refused the question, so nothing is known.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
}

impl Records {
    /// The machines of these rows, the one that reported last first.
    #[must_use]
    pub fn of(mut rows: Vec<Record>) -> Records {
        rows.sort_by(|a, b| b.last_seen.cmp(&a.last_seen).then_with(|| a.id.cmp(&b.id)));
        let mut records: Vec<Record> = Vec::new();
        for row in rows {
            match records.iter_mut().find(|known| known.id == row.id) {
                Some(known) => known.absorb(row),
                None => records.push(row),
            }
        }
        let more = records.len() > MOST;
        records.truncate(MOST);
        Records {
            records,
            more,
            refused: false,
        }
    }

    /// A question that was refused.
    #[must_use]
    pub fn refused() -> Records {
        Records {
            refused: true,
            ..Records::default()
        }
    }

    /// The one machine, if it is one.
    #[must_use]
    pub fn machine(&self) -> Option<&MachineId> {
        match self.records.as_slice() {
            [only] if !self.more => Some(&only.id),
            _ => None,
        }
    }
}
