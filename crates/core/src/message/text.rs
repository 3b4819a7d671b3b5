//! What a message says in words. Text of senders stands in it as one line without control characters.

use super::credential_name::credential;
use super::digest_text;
use super::kind::MessageType;
use super::notice::{DecisionNote, Notice};
use super::title::outcome;
use crate::person::people;
use crate::plain::one_line;
use crate::scan::{Kind, Outcome};
use crate::time::Timestamp;

/// Characters of a name that stands in a sentence.
const NAME: usize = 100;
/// Characters of a reason.
const DETAIL: usize = 400;

/// The message in one or two sentences.
#[must_use]
pub fn sentence(notice: &Notice) -> String {
    let text = match notice.kind {
        MessageType::DecisionHeld
        | MessageType::HoldEnding
        | MessageType::DecisionExpired
        | MessageType::DecisionApproved
        | MessageType::DecisionDenied => of_decision(notice),
        MessageType::ScanEnded | MessageType::ScanBegun | MessageType::ScanSent => of_scan(notice),
        MessageType::TenantStopped
        | MessageType::TenantRecovered
        | MessageType::TenantThrottled
        | MessageType::LimitReached
        | MessageType::StormBegun
        | MessageType::StormOver => of_tenant(notice),
        MessageType::Digest => {
            let lines = notice.digest.as_ref().map(digest_text::lines);
            lines.unwrap_or_default().join(" ")
        }
        _ => of_house(notice),
    };
    let detail = &notice.said.detail;
    match detail.as_deref().filter(|detail| !detail.is_empty()) {
        Some(detail) => format!("{text} {}", ended(&one_line(detail, DETAIL))),
        None => text,
    }
}

fn of_decision(notice: &Notice) -> String {
    let (device, kind) = (one_line(notice.device(), NAME), wanted(notice));
    let by = by(notice);
    match notice.kind {
        MessageType::DecisionApproved => format!("{kind} of {device} was approved{by}."),
        MessageType::DecisionDenied => format!("{kind} of {device} was denied{by}."),
        MessageType::HoldEnding => format!(
            "{} within the hour unless somebody answers; the first is for {device}, at {}.",
            many(
                1 + notice.more,
                "held decision is dropped",
                "held decisions are dropped"
            ),
            notice.said.until.unwrap_or(notice.at).shown()
        ),
        MessageType::DecisionExpired => format!(
            "{}: nobody answered in time. The first is for {device}.",
            many(
                1 + notice.more,
                "held decision was dropped",
                "held decisions were dropped"
            )
        ),
        _ if notice.said.resolved => {
            "No decision of this group waits for a person any more.".to_owned()
        }
        _ => {
            let Some(decision) = &notice.decision else {
                return format!("{kind} of {device} is held for a person.");
            };
            let rule = decision.rule.as_ref().map_or_else(String::new, |rule| {
                format!(", rule `{}`", one_line(rule, NAME))
            });
            let now = if decision.state == "held" {
                format!("{} ({}{rule})", waits_for(decision), decision.reason)
            } else {
                format!("was held for a person and is now {}", decision.state)
            };
            let ends = decision
                .ends_at
                .as_deref()
                .and_then(Timestamp::parse)
                .filter(|_| decision.state == "held");
            format!(
                "{kind} of {device} {now}{}.{}",
                until(ends),
                more(
                    notice.more,
                    "decision waits as well",
                    "decisions wait as well"
                )
            )
        }
    }
}

/// For whom it is held, and who of them has approved it.
fn waits_for(decision: &DecisionNote) -> String {
    match &decision.people {
        Some(people) if !people.given.is_empty() => {
            let given = people.given.iter().map(|name| one_line(name, NAME));
            let given = given.collect::<Vec<_>>().join(", ");
            format!("was approved by {given} and needs one more person")
        }
        Some(needed) => format!("is held for {}", people(needed.needed)),
        None => "is held for a person".to_owned(),
    }
}

fn of_scan(notice: &Notice) -> String {
    let (device, kind) = (one_line(notice.device(), NAME), wanted(notice));
    match notice.kind {
        MessageType::ScanBegun => format!("{kind} of {device} was begun and waits for its turn."),
        MessageType::ScanSent => format!("{kind} of {device} was sent to Defender."),
        _ => format!(
            "{kind} of {device} {}.{}",
            outcome(notice).map_or("is over", over),
            more(notice.more, "scan ended so", "scans ended so")
        ),
    }
}

fn of_tenant(notice: &Notice) -> String {
    let tenant = notice.tenant.as_deref().unwrap_or("every tenant");
    match notice.kind {
        MessageType::TenantStopped => {
            format!("Nothing is sent for tenant {tenant} until somebody mends something.")
        }
        MessageType::TenantRecovered => format!("Scans are sent for tenant {tenant} again."),
        MessageType::TenantThrottled if notice.said.resolved => {
            format!("Defender takes the calls for tenant {tenant} again.")
        }
        MessageType::TenantThrottled => format!(
            "Calls for tenant {tenant} are held up by Defender's limits{}.",
            since(notice.said.since)
        ),
        MessageType::StormBegun => {
            format!("More alerts came for tenant {tenant} than can be decided or sent in time.")
        }
        MessageType::StormOver => format!("The storm of alerts for tenant {tenant} is over."),
        _ => {
            let whose = if notice.key.is_empty() {
                format!("of tenant {tenant}")
            } else {
                format!(
                    "of rule `{}` for tenant {tenant}",
                    one_line(&notice.key, NAME)
                )
            };
            format!(
                "The limit {whose} is spent: {} for a person.",
                many(1 + notice.more, "decision is held", "decisions are held")
            )
        }
    }
}

/// Of what belongs to no machine: sources, pauses, files, receivers, credentials.
fn of_house(notice: &Notice) -> String {
    let key = one_line(&notice.key, NAME);
    match notice.kind {
        MessageType::SourceSilent => match notice.said.since {
            Some(since) => format!("Source {key} was last heard at {}.", since.shown()),
            None => format!("Source {key} was never heard."),
        },
        MessageType::SourceHeard => format!("Source {key} is heard again."),
        MessageType::PauseSet => format!(
            "Scans are paused{}{}: {key}.",
            by(notice),
            notice.said.until.map_or_else(
                || " until somebody resumes".to_owned(),
                |at| until(Some(at))
            )
        ),
        MessageType::PauseEnded => format!("A pause is over{}: {key}.", by(notice)),
        MessageType::ReloadRefused => {
            "Changed files have faults: what was in force stays in force.".to_owned()
        }
        MessageType::ReloadAccepted => "The files are without fault again and in force.".to_owned(),
        MessageType::JournalFailing if notice.said.resolved => {
            "The journal can be written again.".to_owned()
        }
        MessageType::JournalFailing => {
            "The journal cannot be written: senders are refused and no scan is sent.".to_owned()
        }
        MessageType::ReceiverFailing if notice.said.resolved => {
            format!("That messages do not reach receiver {key} is over.")
        }
        MessageType::ReceiverFailing => format!("Messages do not reach receiver {key}."),
        MessageType::CredentialEnding if notice.said.resolved => {
            format!(
                "{} was renewed, or is not used any more.",
                credential(&notice.key)
            )
        }
        MessageType::CredentialEnding => {
            let (name, until) = (credential(&notice.key), notice.said.until);
            let over = until.is_some_and(|until| until <= notice.at);
            let at = until.map_or_else(String::new, |at| format!(" at {}", at.shown()));
            format!("{name} {}{at}.", if over { "ended" } else { "ends" })
        }
        MessageType::AlertParked => format!(
            "{} and cannot be acted on as read: {key}.",
            many(1 + notice.more, "alert is parked", "alerts are parked")
        ),
        MessageType::AuditHead => "This is the hash of the newest row of the audit:".to_owned(),
        _ => "A person tries this receiver: nothing has happened.".to_owned(),
    }
}

const fn over(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded => "succeeded: the device carried out the command",
        Outcome::Failed => "failed: the device could not carry it out",
        Outcome::Timeout => "timed out: the device did not take the command in time",
        Outcome::Cancelled => "was called off",
        Outcome::Lost => "is lost: no final status was seen in time",
        Outcome::DryRun => "would have been sent, had the mode allowed it",
        Outcome::TooOld => "was not sent: it was too old before its turn came",
        Outcome::Merged => "was merged into a stronger one",
        Outcome::NoSuchMachine => "was not sent: Defender does not know the machine",
        Outcome::Unsupported => "was not sent: Defender cannot scan the machine",
        Outcome::Refused => "was refused by Defender",
    }
}

fn wanted(notice: &Notice) -> &'static str {
    let scan = notice.scan.as_ref().map(|scan| scan.kind);
    let decision = notice.decision.as_ref().and_then(|decision| decision.kind);
    match scan.or(decision) {
        Some(Kind::Full) => "Full scan",
        Some(Kind::Quick) => "Quick scan",
        None => "A scan",
    }
}

fn by(notice: &Notice) -> String {
    let who = notice.said.who.as_ref();
    who.map_or_else(String::new, |who| format!(" by {}", one_line(who, NAME)))
}

fn since(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!(" since {}", at.shown()))
}

fn until(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| format!(" until {}", at.shown()))
}

fn many(count: u32, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn more(count: u32, one: &str, several: &str) -> String {
    match count {
        0 => String::new(),
        1 => format!(" 1 more {one}."),
        _ => format!(" {count} more {several}."),
    }
}

/// With a full stop.
fn ended(text: &str) -> String {
    if text.ends_with(['.', '!', '?', '…']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}
