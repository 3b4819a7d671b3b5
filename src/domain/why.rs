//! The decision record in words: what a person reads when they ask why there was, or was not, a scan.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::alert::MachineId;
use super::directory::{By, HostName, Looked};
use super::person::{Did, Said};
use super::scan::{Kind, Mode, Reason};
use super::time::Timestamp;
use super::verdict::{Guard, Guarded, Seen};

/// What a decision keeps of its making; the journal stores it as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Why {
    /// The values the winning rule's conditions saw, or those that stayed unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<Seen>,
    /// The protections that were hit or could not be judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protections: Vec<Guarded>,
    /// The strictest of process, tenant and rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
    /// Scans begun within the limit's window and what the limit allows, where it was spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<(u32, u32)>,
    /// When the scan ended whose cool-down answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cooled_by: Option<Timestamp>,
    /// What it was held for, once it is not held any more without having been approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held: Option<Reason>,
    /// The last word of a person on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<Said>,
    /// What the tenant's directory said, where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<Looked>,
}

impl Why {
    /// One sentence for this decision. Text of alerts stands in it as data: control characters were replaced when
    /// it was recorded.
    #[must_use]
    pub fn sentence(&self, reason: Reason, rule: Option<&str>, kind: Option<Kind>, device: &str) -> String {
        let mut sentence = self.decided(reason, rule, kind, device) + &self.found();
        if matches!(reason, Reason::Undecided | Reason::Protection) && cannot_be_a_name(device) {
            sentence.push_str(&format!("; `{device}` cannot be a host name, so nobody is asked for it"));
        }
        self.said.as_ref().map_or_else(|| sentence.clone(), |said| format!("{sentence}; {}", spoken(said)))
    }

    fn decided(&self, reason: Reason, rule: Option<&str>, kind: Option<Kind>, device: &str) -> String {
        let rule = rule.map_or_else(|| "no rule".to_owned(), |rule| format!("rule `{rule}`"));
        let scan = kind.map_or("a", |kind| match kind {
            Kind::Quick => "a quick",
            Kind::Full => "a full",
        });
        let asks = format!("{rule} asks for {scan} scan{}", self.because());
        match reason {
            Reason::Rule => format!("{rule} says that no scan is needed{}", self.because()),
            Reason::NoMatch => "no rule matched".to_owned(),
            Reason::AwaitsDirectory if self.seen.is_empty() => {
                format!("Defender's directory is asked which machine `{device}` is, and then it is decided")
            }
            Reason::AwaitsDirectory => {
                format!("what Defender's directory says of `{device}` could change the outcome{}", self.because())
            }
            Reason::Approval => format!("{asks}; its mode wants a person's approval"),
            Reason::Undecided if self.names(&[Guard::Unknown]).is_empty() => {
                format!("{rule} would win, but a milder rule could not be judged{}", self.unknown())
            }
            Reason::Undecided => {
                let names = self.names(&[Guard::Unknown]);
                format!("{rule} would win, but {names} could not be judged{}", self.unknown())
            }
            Reason::Protection if kind.is_none() => {
                format!(
                    "{rule} asks for a scan, and {} allows none{}",
                    self.names(&[Guard::Hit, Guard::Applied]),
                    self.because()
                )
            }
            Reason::Protection => {
                format!("{asks}; {} holds it for a person", self.names(&[Guard::Hit, Guard::Applied]))
            }
            Reason::Limit => match self.limit {
                Some((used, of)) => format!("{asks}; {used} of {of} scans of the limit are begun, a person decides"),
                None => format!("{asks}; the limit is spent, a person decides"),
            },
            Reason::UnresolvedDevice
                if !cannot_be_a_name(device)
                    && self.directory.as_ref().is_some_and(|looked| looked.notes.is_empty()) =>
            {
                format!("{asks}; Defender's directory knows no machine that `{device}` could be, and none is guessed")
            }
            Reason::AmbiguousDevice => {
                let candidates = self.directory.as_ref().map_or(&[][..], |looked| &looked.candidates);
                format!("{asks}; `{device}` could be each of {}, and none is guessed", candidates.join(" and "))
            }
            Reason::SourceRemoved => {
                "the alert's source was taken out of the configuration before it could be decided".to_owned()
            }
            Reason::UnresolvedDevice => {
                let what =
                    if cannot_be_a_name(device) { "cannot be a host name" } else { "is not the id of a machine" };
                format!("{asks}; the alert names `{device}`, which {what}, and none is guessed")
            }
            Reason::New => format!("{asks}; it begins{}", self.dry()),
            Reason::Merged => format!("{asks}; a scan of this machine was waiting and takes the alert along"),
            Reason::Running => format!("{asks}; one as strong is under way and answers"),
            Reason::Cooldown => match self.cooled_by {
                Some(ended) => format!("{asks}; one as strong ended at {ended}, within the cool-down"),
                None => format!("{asks}; one as strong ended within the cool-down"),
            },
            Reason::Foreign => format!("{asks}; somebody else's scan of this machine covers it"),
            Reason::Expired => format!("{asks}; nobody decided while it was held"),
            Reason::Denied => format!("{asks}; a person decided against it"),
            Reason::TooOld => format!("{asks}; it was too old before it could be sent"),
            Reason::NoSuchMachine => format!("{asks}; Defender does not know the machine"),
            Reason::Unsupported => format!("{asks}; Defender cannot scan the machine"),
            Reason::Excluded => format!("{asks}; somebody has excluded the machine at Defender"),
        }
    }

    /// The protections that came to one of these.
    fn names(&self, how: &[Guard]) -> String {
        let names = self.protections.iter().filter(|guarded| how.contains(&guarded.how));
        let names: Vec<_> = names.map(|guarded| format!("protection `{}`", guarded.name)).collect();
        names.join(" and ")
    }

    /// What the directory says of the machine.
    fn found(&self) -> String {
        let Some(looked) = &self.directory else { return String::new() };
        let by = looked.by.map(|by| {
            let name = looked.name.as_ref().map_or("a machine without a name".to_owned(), |name| format!("`{name}`"));
            match by {
                By::Id => format!("its id is that of {name}"),
                By::Name => format!("its name is that of {name}"),
                By::Entra => format!("its Entra device id is that of {name}"),
                By::Address => format!("its address was that of {name}"),
            }
        });
        let clauses: Vec<String> = by.into_iter().chain(looked.notes.iter().cloned()).collect();
        if clauses.is_empty() { String::new() } else { format!("; {}", clauses.join("; ")) }
    }

    fn because(&self) -> String {
        listed(self.seen.iter())
    }

    fn unknown(&self) -> String {
        listed(self.seen.iter().filter(|seen| seen.unknown))
    }

    fn dry(&self) -> &'static str {
        if self.mode == Some(Mode::DryRun) { " as a dry run: nothing is sent" } else { "" }
    }
}

/// Whether a device is called what no host can be called, so that nobody is asked for it.
fn cannot_be_a_name(device: &str) -> bool {
    let otherwise = device.parse::<IpAddr>().is_ok() || MachineId::parse(device).is_some();
    !otherwise && !device.is_empty() && HostName::parse(device).is_none()
}

fn spoken(said: &Said) -> String {
    let did = match said.did {
        Did::Approved => "approved",
        Did::Denied => "denied",
        Did::Retried => "tried again",
    };
    let did = if said.at_once { format!("{did} regardless of windows") } else { did.to_owned() };
    let words = said.by.words.as_ref().map_or_else(String::new, |words| format!(" ({words})"));
    format!("{did} by {}{words}", said.by.who)
}

/// The first of them, in brackets.
fn listed<'s>(seen: impl Iterator<Item = &'s Seen>) -> String {
    let shown = seen.take(4).map(|seen| match (&seen.value, seen.unknown) {
        (_, true) => format!("{} is unknown", seen.field),
        (Some(value), _) => format!("{} is {value}", seen.field),
        (None, _) => format!("{} is absent", seen.field),
    });
    let shown = shown.collect::<Vec<_>>().join(", ");
    if shown.is_empty() { shown } else { format!(" ({shown})") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::person::By;

    #[test]
    fn the_last_word_of_a_person_ends_the_sentence() {
        let said =
            |did, words| Why { said: Some(Said { did, by: By::new("anna", words), at_once: false }), ..Why::default() };
        assert_eq!(
            said(Did::Approved, Some("INC-7")).sentence(Reason::New, Some("high"), Some(Kind::Full), "lt-042"),
            "rule `high` asks for a full scan; it begins; approved by anna (INC-7)"
        );
        assert_eq!(
            said(Did::Denied, None).sentence(Reason::Denied, Some("high"), Some(Kind::Quick), "lt-042"),
            "rule `high` asks for a quick scan; a person decided against it; denied by anna"
        );
    }
}
