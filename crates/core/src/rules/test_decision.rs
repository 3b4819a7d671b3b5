//! What becomes of one event in a test: it is decided and planned against the scans that the test itself has begun.

use super::compiled::Rules;
use super::event::OwnedEvent;
use crate::comment::Citation;
use crate::plan::{History, Past, Plan, plan};
use crate::scan::{DecisionState, Kind, Mode, Reason, ScanId};
use crate::time::Timestamp;
use crate::verdict::{Asks, Guard, Verdict, Wanted, needed};

/// The end of a scan's id, where a comment is tried out.
const TAIL: &str = "000000000000";

/// A scan that the test has begun; it counts as succeeded at once.
pub(super) struct TestScan {
    machine: String,
    rule: String,
    kind: Kind,
    at: Timestamp,
}

/// What became of one event.
pub(super) struct TestDecision {
    pub(super) rule: Option<String>,
    pub(super) wanted: Option<Wanted>,
    pub(super) state: DecisionState,
    pub(super) reason: Reason,
    pub(super) comment: Option<String>,
    /// How many people have to approve it, where it is held.
    pub(super) people: u8,
    /// The protections that apply.
    pub(super) protections: Vec<String>,
    /// Those among them that are known to be hit.
    pub(super) hit: Vec<String>,
}

pub(super) fn decided(
    rules: &Rules,
    event: &OwnedEvent,
    mode: Mode,
    now: Timestamp,
    begun: &mut Vec<TestScan>,
) -> TestDecision {
    let Verdict {
        rule,
        asks,
        protections,
        ..
    } = rules.decide_in(&event.as_event(now), mode);
    let name = rule.as_deref().unwrap_or_default();
    let (state, reason, wanted) = match asks {
        Asks::Nothing(reason) => (DecisionState::None, reason, None),
        Asks::Hold(reason, wanted) => (DecisionState::Held, reason, Some(wanted)),
        Asks::Resolve(_) => (DecisionState::Resolving, Reason::AwaitsDirectory, None),
        Asks::Scan(wanted) => {
            // The test's mode stands for that of the process: it can only make a rule's own stricter.
            let wanted = Wanted {
                mode: wanted.mode.min(mode),
                ..wanted
            };
            let machine = machine(event);
            let planned = plan(&history(begun, &machine, name, &wanted, now), &wanted, now);
            if matches!(planned, Plan::Begin { .. }) {
                begun.push(TestScan {
                    machine,
                    rule: name.to_owned(),
                    kind: wanted.kind,
                    at: now,
                });
            }
            let held = matches!(planned, Plan::Hold(_));
            let state = if held {
                DecisionState::Held
            } else {
                DecisionState::Scan
            };
            (state, planned.reason(), Some(wanted))
        }
    };
    let comment = wanted
        .as_ref()
        .map(|wanted| comment(rules, event, name, wanted.kind));
    let people = needed(&protections);
    let hit = protections
        .iter()
        .filter(|guarded| guarded.how == Guard::Hit)
        .map(|guarded| guarded.name.clone())
        .collect();
    let applies = protections
        .into_iter()
        .filter(|guarded| guarded.how != Guard::Skipped);
    let protections = applies.map(|guarded| guarded.name).collect();
    TestDecision {
        rule,
        wanted,
        state,
        reason,
        comment,
        people,
        protections,
        hit,
    }
}

/// What tells one machine of a test from another. The directory has answered in a test, so a device without a
/// machine id is resolved all the same, by whatever the event calls it.
fn machine(event: &OwnedEvent) -> String {
    format!("{}/{}", event.tenant, event.device.label().to_lowercase())
}

fn history(
    begun: &[TestScan],
    machine: &str,
    rule: &str,
    wanted: &Wanted,
    now: Timestamp,
) -> History {
    let last = |kind: Kind| {
        let mut ours = begun
            .iter()
            .enumerate()
            .filter(|(_, scan)| scan.machine == machine && scan.kind == kind);
        let number = |n: usize| ScanId(i64::try_from(n).unwrap_or(i64::MAX));
        ours.next_back().map(|(n, scan)| Past {
            scan: number(n),
            ended: scan.at,
        })
    };
    let since = wanted.limit.map_or(now, |limit| now.minus(limit.per));
    let used = begun
        .iter()
        .filter(|scan| scan.rule == rule && scan.at > since)
        .count();
    History {
        last_quick: last(Kind::Quick),
        last_full: last(Kind::Full),
        rule_used: u32::try_from(used).unwrap_or(u32::MAX),
        ..History::default()
    }
}

fn comment(rules: &Rules, event: &OwnedEvent, rule: &str, kind: Kind) -> String {
    let citation = Citation {
        kind,
        first: &event.alert.id,
        more: &[],
        source: &event.source,
        rule,
        tenant: &event.tenant,
        alert: &event.alert,
        device: &event.device,
        scan_tail: TAIL,
    };
    rules.comment().fill(citation).as_str().to_owned()
}
