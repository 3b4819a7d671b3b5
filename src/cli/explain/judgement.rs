//! How one alert about one device is decided: what each rule and protection saw, with an unremarkable machine and with
//! a directory that cannot answer side by side.

use serde::Serialize;

use crate::api::DecisionReceipt;
use crate::cli::output::{self, plain};
use crate::cli::table::{Table, time};
use crate::journal::RememberedDecision;
use crate::policy::{Policy, PolicyQuestion, Terms};
use crate::settings::Source;
use scanhook_core::alert::{Alert, Device};
use scanhook_core::directory::{self, NoAnswer, Record, Resolution};
use scanhook_core::json::Json;
use scanhook_core::plan::{History, Plan, plan};
use scanhook_core::rules::{Explained, Explanation, Facts, Failing, GivenFact, Glance, Judged};
use scanhook_core::scan::{DecisionState, Kind, Mode, Priority, Reason};
use scanhook_core::time::Timestamp;
use scanhook_core::verdict::{Asks, Guard, Guarded, Seen, Wanted};
use scanhook_core::why::Why;

/// One alert about one device, with all that bears on it.
pub(super) struct AlertCase<'a> {
    pub(super) policy: &'a Policy,
    pub(super) source: &'a Source,
    pub(super) terms: Terms,
    pub(super) alert: &'a Alert,
    pub(super) device: &'a Device,
    pub(super) body: Option<&'a Json<'a>>,
    pub(super) at: Timestamp,
    /// What the command line says of the machine.
    pub(super) facts: &'a [GivenFact],
    /// What the directory said of it last.
    pub(super) recorded: Option<&'a Record>,
}

/// What came out.
#[derive(Serialize)]
pub(super) struct Judgement {
    alert: String,
    device: String,
    tenant: String,
    /// As if received then.
    at: String,
    /// The fingerprint of the policy.
    policy: String,
    /// The decision of the journal that this explains.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<Stored>,
    /// What happens at receipt, before the directory has been asked.
    first: ExplainedOutcome,
    /// What happens then, by what the directory says.
    worlds: Vec<World>,
}

/// A decision of the journal.
#[derive(Serialize)]
struct Stored {
    at: String,
    policy: String,
    #[serde(flatten)]
    decision: DecisionReceipt,
    /// When the directory said what is shown as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    recorded_at: Option<String>,
}

/// One thing that the directory may say.
#[derive(Serialize)]
struct World {
    /// recorded, given, unremarkable or silent.
    directory: &'static str,
    outcome: ExplainedOutcome,
    protections: Vec<Explained>,
    rules: Vec<Explained>,
    #[serde(skip)]
    guarded: Vec<Guarded>,
}

/// What becomes of it where no scan of that machine has been before.
#[derive(Serialize)]
struct ExplainedOutcome {
    state: DecisionState,
    reason: Reason,
    rule: Option<String>,
    /// quick, full or none.
    scan: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    priority: Option<Priority>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<Mode>,
    /// Not sent before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    why: String,
}

impl AlertCase<'_> {
    pub(super) fn judge(&self) -> Judgement {
        let first = self.policy.decide(self.question(Facts::NotAsked));
        let first = self.outcome(
            &Explanation {
                verdict: first,
                rules: Vec::new(),
                protections: Vec::new(),
            },
            None,
        );
        let mut worlds = Vec::new();
        if let Some(record) = self.recorded {
            let barred = record.bar().map(|bar| bar.reason());
            worlds.push(self.world("recorded", Facts::Known(record.facts()), barred));
        }
        let mut facts = self.policy.rules().unremarkable(self.device);
        self.facts.iter().for_each(|fact| facts.take(fact));
        let name = if self.facts.is_empty() {
            "unremarkable"
        } else {
            "given"
        };
        // No directory says anything of what it cannot be asked for.
        let asked =
            directory::DeviceClaims::of(self.device, self.at).can_ask() || !self.facts.is_empty();
        worlds.push(self.world(
            name,
            Facts::Known(facts),
            (!asked).then_some(Reason::UnresolvedDevice),
        ));
        let silent = Resolution::Silent(NoAnswer::Late).barred(self.device);
        worlds.push(self.world("silent", Facts::Silent, silent));
        Judgement {
            alert: self.alert.id.clone(),
            device: self.device.label().to_owned(),
            tenant: self
                .source
                .tenant_of(self.alert)
                .unwrap_or_default()
                .to_owned(),
            at: self.at.to_string(),
            policy: self.policy.fingerprint().to_owned(),
            stored: None,
            first,
            worlds,
        }
    }

    fn question(&self, facts: Facts) -> PolicyQuestion<'_> {
        let AlertCase {
            source,
            terms,
            alert,
            device,
            body,
            at,
            ..
        } = *self;
        let tenant = source.tenant_of(alert).unwrap_or_default();
        PolicyQuestion {
            source,
            tenant,
            terms,
            alert,
            device,
            facts,
            body,
            at,
            memo: None,
        }
    }

    fn world(&self, directory: &'static str, facts: Facts, barred: Option<Reason>) -> World {
        let explanation = self.policy.explain(self.question(facts));
        let (outcome, guarded) = (
            self.outcome(&explanation, barred),
            explanation.guarded().to_vec(),
        );
        let Explanation {
            protections, rules, ..
        } = explanation;
        World {
            directory,
            outcome,
            protections,
            rules,
            guarded,
        }
    }

    /// What a verdict comes to. `barred`: what stands in the way of a scan, whatever the rules say.
    fn outcome(&self, explanation: &Explanation, barred: Option<Reason>) -> ExplainedOutcome {
        let verdict = explanation.verdict.clone();
        let mut why = Why {
            seen: verdict.seen,
            protections: verdict.protections,
            ..Why::default()
        };
        let (state, reason, wanted) = match verdict.asks {
            Asks::Nothing(reason) => (DecisionState::None, reason, None),
            Asks::Resolve(_) => (DecisionState::Resolving, Reason::AwaitsDirectory, None),
            Asks::Hold(reason, wanted) => (DecisionState::Held, reason, Some(wanted)),
            Asks::Scan(wanted) => match plan(&History::default(), &wanted, self.at) {
                Plan::Hold(reason) => (DecisionState::Held, reason, Some(wanted)),
                planned => (DecisionState::Scan, planned.reason(), Some(wanted)),
            },
        };
        let (state, reason) = match barred.filter(|_| wanted.is_some()) {
            None => (state, reason),
            Some(reason @ (Reason::UnresolvedDevice | Reason::AmbiguousDevice)) => {
                (DecisionState::Held, reason)
            }
            Some(reason) => (DecisionState::Dropped, reason),
        };
        why.mode = wanted.as_ref().map(|wanted| wanted.mode);
        why.start = wanted
            .as_ref()
            .and_then(|wanted| wanted.start)
            .filter(|start| *start > self.at);
        let names = |wanted: &Wanted| wanted.openings.names();
        why.windows = wanted
            .as_ref()
            .filter(|_| why.start.is_some())
            .map(names)
            .unwrap_or_default();
        let kind = wanted.as_ref().map(|wanted| wanted.kind);
        ExplainedOutcome {
            state,
            reason,
            scan: kind.map_or("none", Kind::code),
            priority: wanted.as_ref().map(|wanted| wanted.priority),
            mode: why.mode,
            start: wanted
                .and_then(|wanted| wanted.start)
                .map(|start| start.to_string()),
            why: why.sentence(reason, verdict.rule.as_deref(), kind, self.device.label()),
            rule: verdict.rule,
        }
    }
}

impl Judgement {
    /// The same as an explanation of what the journal holds.
    pub(super) fn stored(mut self, decision: &RememberedDecision) -> Judgement {
        self.stored = Some(Stored {
            at: decision.at.to_string(),
            policy: decision.policy.clone(),
            decision: decision.receipt.clone(),
            recorded_at: decision.machine.as_ref().map(|(at, _)| at.to_string()),
        });
        self
    }

    pub(super) fn text(&self) -> String {
        let head = format!(
            "alert {}, device {}, tenant {}",
            self.alert, self.device, self.tenant
        );
        let mut text = format!("{}\n", plain(&head));
        let mut say =
            |key: &str, value: &str| text.push_str(&format!("  {key:<9} {}\n", plain(value)));
        if let Some(stored) = &self.stored {
            let one = &stored.decision;
            say(
                "decided",
                &format!(
                    "{} UTC: {} ({}). {}",
                    time(&stored.at),
                    one.state,
                    one.reason,
                    one.why
                ),
            );
            one.waits.iter().for_each(|wait| say("waits", &wait.why));
            let then = if stored.policy == self.policy {
                "the policy that decided"
            } else {
                "another policy"
            };
            say(
                "below",
                &format!("worked out now, from the stored alert and {then}"),
            );
            if let Some(at) = &stored.recorded_at {
                say(
                    "recorded",
                    &format!("what Defender's directory said at {} UTC", time(at)),
                );
            }
        }
        say("policy", &self.policy);
        say("at", &format!("{} UTC", time(&self.at)));
        let at_once = if self.first.state == DecisionState::Resolving {
            ""
        } else {
            "decided at once: "
        };
        say("receipt", &format!("{at_once}{}", self.first.why));
        text + &self.table()
    }

    /// One column for each thing the directory may say.
    fn table(&self) -> String {
        let names: Vec<&str> = self.worlds.iter().map(|world| world.directory).collect();
        let mut table = Table::new(match names.as_slice() {
            ["recorded", "given", _] => &["", "AS RECORDED", "AS GIVEN", "SILENT DIRECTORY"],
            ["recorded", _, _] => &["", "AS RECORDED", "UNREMARKABLE DEVICE", "SILENT DIRECTORY"],
            ["given", _] => &["", "AS GIVEN", "SILENT DIRECTORY"],
            _ => &["", "UNREMARKABLE DEVICE", "SILENT DIRECTORY"],
        });
        let mut add = |label: String, cells: Vec<String>, below: Vec<String>| {
            table.row(
                core::iter::once(label.as_str()).chain(cells.iter().map(String::as_str)),
                below,
            );
        };
        let cells = self
            .worlds
            .iter()
            .map(|world| world.outcome.cell())
            .collect();
        add(
            "outcome".to_owned(),
            cells,
            self.below(|world| Some(world.outcome.sentence())),
        );
        let protections = self
            .worlds
            .first()
            .map_or(0, |world| world.protections.len());
        for n in 0..protections {
            let Some(name) = self.name(n, |world| &world.protections) else {
                continue;
            };
            let cells = self
                .worlds
                .iter()
                .map(|world| world.guard(&name).to_owned())
                .collect();
            add(
                format!("protection {name}"),
                cells,
                self.about(n, |world| &world.protections),
            );
        }
        let rules = self.worlds.first().map_or(0, |world| world.rules.len());
        for n in 0..rules {
            let Some(name) = self.name(n, |world| &world.rules) else {
                continue;
            };
            let cells = self
                .worlds
                .iter()
                .map(|world| world.verdict(n).to_owned())
                .collect();
            add(
                format!("{}. {name}", n + 1),
                cells,
                self.about(n, |world| &world.rules),
            );
        }
        table.text(output::columns())
    }

    fn name(&self, n: usize, of: fn(&World) -> &Vec<Explained>) -> Option<String> {
        self.worlds
            .first()
            .and_then(|world| of(world).get(n))
            .map(|one| one.name.clone())
    }

    /// What is to be said, once for all the things the directory may say where it is the same.
    fn below(&self, of: impl Fn(&World) -> Option<String>) -> Vec<String> {
        let mut groups: Vec<(Vec<&str>, Option<String>)> = Vec::new();
        for world in &self.worlds {
            let said = of(world);
            match groups.iter_mut().find(|(_, other)| *other == said) {
                Some((names, _)) => names.push(world.directory),
                None => groups.push((vec![world.directory], said)),
            }
        }
        let all = groups.len() == 1;
        let line = |(names, said): (Vec<&str>, Option<String>)| {
            said.map(|said| {
                if all {
                    said
                } else {
                    format!("{}: {said}", names.join(", "))
                }
            })
        };
        groups.into_iter().filter_map(line).collect()
    }

    /// What is said below a rule or a protection. Windows do not depend on the directory.
    fn about(&self, n: usize, of: fn(&World) -> &Vec<Explained>) -> Vec<String> {
        let mut lines = self.below(|world| of(world).get(n).and_then(detail));
        let first = self.worlds.first().and_then(|world| of(world).get(n));
        lines.extend(first.into_iter().flat_map(|one| &one.windows).map(window));
        lines
    }
}

impl World {
    fn guard(&self, name: &str) -> &'static str {
        let guarded = self.guarded.iter().find(|guarded| guarded.name == name);
        guarded.map_or("no", |guarded| match guarded.how {
            Guard::Hit => "applies",
            Guard::Unknown => "unknown: a person decides",
            Guard::Applied => "unknown: applies",
            Guard::Skipped => "unknown: left out",
        })
    }

    fn verdict(&self, n: usize) -> &'static str {
        let Some(rule) = self.rules.get(n) else {
            return "";
        };
        match rule.judged {
            _ if self.outcome.rule.as_ref() == Some(&rule.name) => "wins",
            Judged::True => "an earlier rule wins",
            Judged::False => "no",
            Judged::Unknown | Judged::Open => "unknown",
        }
    }
}

impl ExplainedOutcome {
    fn cell(&self) -> String {
        match self.state {
            DecisionState::Scan if self.mode == Some(Mode::DryRun) => {
                format!("{} scan, dry run", self.scan)
            }
            DecisionState::Scan => format!("{} scan", self.scan),
            state => format!("{state}: {}", self.reason),
        }
    }

    fn sentence(&self) -> String {
        let priority = self
            .priority
            .map_or_else(String::new, |priority| format!("; priority {priority}"));
        format!("{}{priority}", self.why)
    }
}

/// The condition that fails, or what was seen.
fn detail(one: &Explained) -> Option<String> {
    let seen = one
        .seen
        .iter()
        .map(|seen| format!("{} is {}", seen.field, value(seen)));
    match (&one.failing, one.judged) {
        (
            Some(Failing {
                condition,
                seen,
                excluded: true,
            }),
            _,
        ) => Some(format!(
            "{condition} holds, and must not: {} is {}",
            seen.field,
            value(seen)
        )),
        (
            Some(Failing {
                condition, seen, ..
            }),
            _,
        ) => Some(format!("{condition}: it is {}", value(seen))),
        (None, Judged::True) => Some(seen.collect::<Vec<_>>().join(", ")),
        (None, _) => None,
    }
}

fn value(seen: &Seen) -> String {
    match (&seen.value, seen.unknown) {
        (_, true) => "unknown".to_owned(),
        (Some(value), _) if value.is_empty() => "empty".to_owned(),
        (Some(value), _) => format!("`{value}`"),
        (None, _) => "absent".to_owned(),
    }
}

fn window(glance: &Glance) -> String {
    let state = match (glance.open, &glance.opens) {
        (true, _) => "open".to_owned(),
        (false, Some(opens)) => format!("closed, opens {} UTC", time(opens)),
        (false, None) => "closed, and never opens".to_owned(),
    };
    format!("{} {}: {state}", glance.key, glance.window)
}
