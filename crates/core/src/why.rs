//! The decision record in words: what a person reads when they ask why there was, or was not, a scan.

use core::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::alert::MachineId;
use super::directory::{FoundBy, HostName, Looked};
use super::person::{Did, Said};
use super::rules::{AtMost, duration};
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
    /// The span of that limit, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_per: Option<u64>,
    /// It is the tenant's limit, and not the rule's.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub limit_of_tenant: bool,
    /// Not sent before this: a window of the rule or of a protection opens then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    /// The windows in which it may leave.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<String>,
    /// The scan of the machine that must end first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behind: Option<(String, Kind)>,
    /// Until when a person can decide, or the directory is waited for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
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
    /// One sentence for this decision: who or what decided, the number or the time, and what can be done about it. Text
    /// of alerts stands in it as data: control characters were replaced when it was recorded.
    #[must_use]
    pub fn sentence(
        &self,
        reason: Reason,
        rule: Option<&str>,
        kind: Option<Kind>,
        device: &str,
    ) -> String {
        let of = Of {
            why: self,
            rule,
            kind,
            device,
        };
        let mut clauses = vec![of.decided(reason)];
        clauses.extend(self.found());
        if matches!(reason, Reason::Undecided | Reason::Protection) && cannot_be_a_name(device) {
            clauses.push(format!(
                "`{device}` cannot be a host name, so nobody is asked for it"
            ));
        }
        clauses.extend(of.next(reason));
        clauses.extend(self.said.as_ref().map(spoken));
        clauses.join("; ")
    }

    /// What the directory says of the machine, a clause each.
    fn found(&self) -> Vec<String> {
        let Some(looked) = &self.directory else {
            return Vec::new();
        };
        let by = looked.by.map(|by| {
            let name = looked
                .name
                .as_ref()
                .map_or("a machine without a name".to_owned(), |name| {
                    format!("`{name}`")
                });
            match by {
                FoundBy::Id => format!("its id is that of {name}"),
                FoundBy::Name => format!("its name is that of {name}"),
                FoundBy::Entra => format!("its Entra device id is that of {name}"),
                FoundBy::Address => format!("its address was that of {name}"),
            }
        });
        by.into_iter().chain(looked.notes.iter().cloned()).collect()
    }
}

/// A decision's record with what it is about.
struct Of<'a> {
    why: &'a Why,
    rule: Option<&'a str>,
    kind: Option<Kind>,
    device: &'a str,
}

impl Of<'_> {
    fn decided(&self, reason: Reason) -> String {
        let Of { why, device, .. } = self;
        let (rule, because) = (self.rule(), listed(why.seen.iter()));
        match reason {
            Reason::Rule => format!("{rule} says that no scan is needed{because}"),
            Reason::NoMatch => no_match(&why.seen),
            Reason::AwaitsDirectory if why.seen.is_empty() => {
                format!(
                    "Defender's directory is asked which machine `{device}` is, and then it is decided"
                )
            }
            Reason::AwaitsDirectory => {
                format!(
                    "what Defender's directory says of `{device}` could change the outcome{because}"
                )
            }
            Reason::Undecided => {
                let names = self.names(|guarded| guarded.how == Guard::Unknown);
                let what = if names.is_empty() {
                    "a milder rule".to_owned()
                } else {
                    names
                };
                let unknown = listed(why.seen.iter().filter(|seen| seen.unknown));
                format!(
                    "{rule} would win, but {what} could not be judged{unknown}{}",
                    self.delays()
                )
            }
            Reason::Protection if self.kind.is_none() => {
                format!(
                    "{rule} asks for a scan{because}, and {} allows none",
                    self.holders(AtMost::None)
                )
            }
            Reason::Protection => {
                format!(
                    "{}; {} holds it for a person{}",
                    self.asks(),
                    self.holders(AtMost::Hold),
                    self.delays()
                )
            }
            Reason::SourceRemoved => {
                "the alert's source was taken out of the configuration before it could be decided"
                    .to_owned()
            }
            _ => format!("{}; {}", self.asks(), self.became(reason)),
        }
    }

    /// What became of a scan that a rule asks for.
    fn became(&self, reason: Reason) -> String {
        let Of { why, device, .. } = self;
        let delays = self.delays();
        match reason {
            Reason::Approval => format!("its mode is `approve`{delays}"),
            Reason::Limit => format!("{}{delays}", self.limit()),
            Reason::UnresolvedDevice => self.unresolved(),
            Reason::AmbiguousDevice => {
                let candidates = why
                    .directory
                    .as_ref()
                    .map_or(&[][..], |looked| &looked.candidates);
                format!(
                    "`{device}` could be each of {}, and none is guessed",
                    candidates.join(" and ")
                )
            }
            Reason::New if why.mode == Some(Mode::DryRun) => {
                format!("it is a dry run: nothing is sent{delays}")
            }
            Reason::New => match &why.behind {
                Some((scan, kind)) => format!(
                    "it waits for the end of the {kind} scan {scan} of this machine{delays}"
                ),
                None if delays.is_empty() => "it is sent in its turn".to_owned(),
                None => format!("it waits{delays}"),
            },
            Reason::Merged => {
                format!("a scan of this machine was waiting and takes the alert along{delays}")
            }
            Reason::Running => "one as strong is under way and answers".to_owned(),
            Reason::Cooldown => match why.cooled_by {
                Some(ended) => format!(
                    "one as strong ended at {}, within the cool-down",
                    ended.shown()
                ),
                None => "one as strong ended within the cool-down".to_owned(),
            },
            Reason::Foreign => "somebody else's scan of this machine covers it".to_owned(),
            Reason::Expired => match why.held {
                Some(held) => format!(
                    "nobody decided while it was held (`{held}`){}",
                    self.until()
                ),
                None => format!("nobody decided while it was held{}", self.until()),
            },
            Reason::Denied => "a person decided against it".to_owned(),
            Reason::TooOld => "it was too old (`max_age`) before it could be sent".to_owned(),
            Reason::NoSuchMachine => "Defender does not know the machine".to_owned(),
            Reason::Unsupported => "Defender cannot scan the machine".to_owned(),
            Reason::Excluded => "somebody has excluded the machine at Defender".to_owned(),
            // Told above: no scan was asked for.
            _ => reason.code().to_owned(),
        }
    }

    /// Why nobody knows which machine the alert means.
    fn unresolved(&self) -> String {
        let Of { why, device, .. } = self;
        if cannot_be_a_name(device) {
            return format!(
                "the alert names `{device}`, which cannot be a host name, and none is guessed"
            );
        }
        match &why.directory {
            Some(looked) if looked.notes.is_empty() => format!(
                "Defender's directory knows no machine that `{device}` could be, and none is guessed"
            ),
            _ => format!(
                "the alert names `{device}`, which is not the id of a machine, and none is guessed"
            ),
        }
    }

    /// What can be done about it; nothing, where nothing is to be done.
    fn next(&self, reason: Reason) -> Option<String> {
        let a_person = |how: &str| {
            Some(format!(
                "a person decides{}: `scanhook approve{how}` or `scanhook deny`",
                self.until()
            ))
        };
        match reason {
            Reason::Rule => Some("to scan such alerts, change the rule".to_owned()),
            Reason::NoMatch if self.why.seen.iter().any(|seen| seen.field.ends_with(": severity")) => Some(
                "the alert states no severity, or one off the scale: map it in `[sources.x.map]`, or end the rules with one \
                 without conditions"
                    .to_owned(),
            ),
            Reason::NoMatch => Some("a last rule without conditions catches such alerts".to_owned()),
            Reason::Protection if self.kind.is_none() => {
                Some("to scan such devices, change the protection".to_owned())
            }
            Reason::AwaitsDirectory => {
                self.why.until.map(|until| format!("decided without an answer from {} on", until.shown()))
            }
            Reason::Protection | Reason::Approval | Reason::Undecided | Reason::Limit => a_person(""),
            Reason::UnresolvedDevice | Reason::AmbiguousDevice => a_person(" --machine ID"),
            Reason::SourceRemoved => Some("put the source back, then `scanhook retry`".to_owned()),
            Reason::New if self.why.mode == Some(Mode::DryRun) => Some("`mode = \"enforce\"` sends it".to_owned()),
            Reason::Expired | Reason::Denied => Some("`scanhook retry` holds it again".to_owned()),
            Reason::TooOld => Some("`scanhook retry` decides it again, a longer `max_age` lets the next one wait".to_owned()),
            Reason::NoSuchMachine => Some("`scanhook retry` asks the directory again".to_owned()),
            Reason::Unsupported => Some("onboard the machine, then `scanhook retry`".to_owned()),
            Reason::Excluded => Some("take the exclusion back at Defender, then `scanhook retry`".to_owned()),
            Reason::New | Reason::Merged | Reason::Running | Reason::Cooldown | Reason::Foreign => None,
        }
    }

    fn rule(&self) -> String {
        self.rule
            .map_or_else(|| "no rule".to_owned(), |rule| format!("rule `{rule}`"))
    }

    /// What the rule asks for, and which protection makes less of it.
    fn asks(&self) -> String {
        let made_quick =
            self.names(|guarded| guarded.applies() && guarded.at_most == Some(AtMost::Quick));
        let kind = if made_quick.is_empty() {
            self.kind
        } else {
            Some(Kind::Full)
        };
        let scan = kind.map_or("a", |kind| match kind {
            Kind::Quick => "a quick",
            Kind::Full => "a full",
        });
        let asks = format!(
            "{} asks for {scan} scan{}",
            self.rule(),
            listed(self.why.seen.iter())
        );
        if made_quick.is_empty() {
            asks
        } else {
            format!("{asks}; {made_quick} makes it a quick one")
        }
    }

    /// Who lets it go no further than this; records of earlier versions do not tell, so all that apply.
    fn holders(&self, at_most: AtMost) -> String {
        let names = self.names(|guarded| guarded.applies() && guarded.at_most == Some(at_most));
        if names.is_empty() {
            self.names(Guarded::applies)
        } else {
            names
        }
    }

    fn names(&self, which: impl Fn(&Guarded) -> bool) -> String {
        let names = self.why.protections.iter().filter(|guarded| which(guarded));
        joined(
            names
                .map(|guarded| format!("protection `{}`", guarded.name))
                .collect(),
        )
    }

    /// Until when it waits, for which windows, and who says so.
    fn delays(&self) -> String {
        let Some(start) = self.why.start else {
            return String::new();
        };
        let windows = self.why.windows.iter().map(|window| {
            let whose = self
                .why
                .protections
                .iter()
                .find(|guarded| guarded.windows.contains(window));
            let whose = whose.map_or_else(
                || self.rule(),
                |guarded| format!("protection `{}`", guarded.name),
            );
            format!("window `{window}` of {whose}")
        });
        let windows: Vec<_> = windows.collect();
        let windows = if windows.is_empty() {
            String::new()
        } else {
            format!(", for {}", joined(windows))
        };
        format!(", not before {}{windows}", start.shown())
    }

    fn until(&self) -> String {
        self.why
            .until
            .map_or_else(String::new, |until| format!(" until {}", until.shown()))
    }

    fn limit(&self) -> String {
        let whose = if self.why.limit_of_tenant {
            "the tenant".to_owned()
        } else {
            self.rule()
        };
        let per = self.why.limit_per.map_or_else(String::new, |seconds| {
            format!(
                " in {}",
                duration::show(core::time::Duration::from_secs(seconds))
            )
        });
        match self.why.limit {
            Some((used, of)) => {
                format!("{whose} has begun {used} of the {of} scans that its limit allows{per}")
            }
            None => "the limit is spent".to_owned(),
        }
    }
}

/// Rules that a sentence names.
const NAMED: usize = 4;

/// No rule is true; those that nobody could judge are named, with the fields that are missing.
fn no_match(seen: &[Seen]) -> String {
    let mut of_rules: Vec<(&str, Vec<&str>)> = Vec::new();
    for seen in seen.iter().filter(|seen| seen.unknown) {
        let Some((rule, field)) = seen
            .field
            .strip_prefix("rule ")
            .and_then(|text| text.rsplit_once(": "))
        else {
            continue;
        };
        match of_rules.iter_mut().find(|(name, _)| *name == rule) {
            Some((_, fields)) => fields.push(field),
            None => of_rules.push((rule, vec![field])),
        }
    }
    let mut by_fields: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
    for (rule, fields) in of_rules {
        match by_fields.iter_mut().find(|(same, _)| *same == fields) {
            Some((_, rules)) => rules.push(rule),
            None => by_fields.push((fields, vec![rule])),
        }
    }
    let clauses = by_fields.iter().map(|(fields, rules)| {
        let mut names: Vec<_> = rules
            .iter()
            .take(NAMED)
            .map(|rule| format!("rule `{rule}`"))
            .collect();
        if rules.len() > NAMED {
            names.push(format!("{} more", rules.len() - NAMED));
        }
        let verb = if fields.len() == 1 { "is" } else { "are" };
        format!(
            "{} could not be judged, because {} {verb} unknown",
            joined(names),
            fields.join(" and ")
        )
    });
    core::iter::once("no rule matched".to_owned())
        .chain(clauses)
        .collect::<Vec<_>>()
        .join("; ")
}

/// `a`, `a and b`, `a, b and c`.
fn joined(mut parts: Vec<String>) -> String {
    match parts.pop() {
        Some(last) if !parts.is_empty() => format!("{} and {last}", parts.join(", ")),
        last => last.unwrap_or_default(),
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
    let did = if said.at_once {
        format!("{did} regardless of windows")
    } else {
        did.to_owned()
    };
    let words = said
        .by
        .words
        .as_ref()
        .map_or_else(String::new, |words| format!(" ({words})"));
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
    if shown.is_empty() {
        shown
    } else {
        format!(" ({shown})")
    }
}

#[cfg(test)]
mod tests;
