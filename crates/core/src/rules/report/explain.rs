//! Why each rule did or did not match, computed when somebody asks: nothing of it is needed to decide.

use serde::Serialize;

use crate::rules::Facts;
use crate::rules::compiled::Rules;
use crate::rules::condition::Condition;
use crate::rules::event::Event;
use crate::rules::fact_view::FactView;
use crate::rules::leaf::Leaf;
use crate::rules::named::Named;
use crate::rules::rule::{Calendar, Times};
use crate::rules::truth::Truths;
use crate::time::Timestamp;
use crate::verdict::{Guarded, Seen, Verdict};

/// A decision with everything that was looked at on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub verdict: Verdict,
    /// Every rule, in file order.
    pub rules: Vec<Explained>,
    /// Every protection, in file order.
    pub protections: Vec<Explained>,
}

/// One rule or protection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explained {
    /// Its name.
    pub name: String,
    /// Whether it matches.
    pub judged: Judged,
    /// The first condition that keeps it from matching; `None` where it matches, or where a window does.
    pub failing: Option<Failing>,
    /// What its own conditions saw.
    pub seen: Vec<Seen>,
    /// The windows it names, and how they stand at the time of the event.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub windows: Vec<Glance>,
    /// Whether it may match any event of this tenant; one that names other tenants alone is none of its business.
    #[serde(skip)]
    pub concerns_tenant: bool,
    /// Whether its conditions name tenants.
    #[serde(skip)]
    pub names_tenants: bool,
}

codes! {
    /// How a rule or a protection was judged.
    pub enum Judged {
        /// It matches.
        True = "true",
        /// It does not.
        False = "false",
        /// It cannot be known.
        Unknown = "unknown",
        /// The directory will tell.
        Open = "open",
    }
}

/// A window at one time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Glance {
    /// What it is named for: `during`, `outside` or `start`.
    pub key: &'static str,
    /// Its name.
    pub window: String,
    /// Whether it is open.
    pub open: bool,
    /// When it opens next, where it is closed and ever opens, as RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens: Option<String>,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failing {
    /// As it stands in the file: the field, its operator, and the value behind them.
    pub condition: String,
    /// The value seen.
    pub seen: Seen,
    /// True: it does hold, inside a `none` or an `unless`, and must not.
    pub excluded: bool,
}

impl Rules {
    /// Judges every rule and every protection for an event. `text` is the text of the rules file.
    #[must_use]
    pub fn explain(&self, event: &Event<'_>, text: &str) -> Explanation {
        let view = match event.facts {
            Facts::NotAsked => FactView::open(event),
            Facts::Silent | Facts::Known(_) => FactView::plain(event),
        };
        let rules = self.rules.iter().map(|rule| {
            let truths = rule.truths(&view, &self.windows);
            let windows = rule.times.glances(event.at, &self.windows);
            Explained {
                windows,
                ..explained(
                    &rule.name,
                    truths,
                    &rule.when,
                    rule.unless.as_ref(),
                    view,
                    text,
                )
            }
        });
        let protections = self.protections.iter().map(|one| {
            let truths = one.truths(view, &self.windows);
            let windows = one.times.glances(event.at, &self.windows);
            let told = one.telling(view);
            Explained {
                windows,
                ..explained(
                    &one.name,
                    truths,
                    &one.when,
                    one.unless.as_ref(),
                    told,
                    text,
                )
            }
        });
        Explanation {
            rules: rules.collect(),
            protections: protections.collect(),
            verdict: self.decide(event),
        }
    }
}

impl Explanation {
    /// What the protections came to.
    #[must_use]
    pub fn guarded(&self) -> &[Guarded] {
        &self.verdict.protections
    }
}

fn explained(
    name: &str,
    truths: Truths,
    when: &Condition,
    unless: Option<&Condition>,
    view: FactView<'_>,
    text: &str,
) -> Explained {
    let judged = match truths {
        Truths::TRUE => Judged::True,
        Truths::FALSE => Judged::False,
        Truths::UNKNOWN => Judged::Unknown,
        _ => Judged::Open,
    };
    let failing = match judged {
        Judged::True => None,
        // Its condition would hold, or might: what keeps it from matching is its exception, or a window.
        Judged::False if when.truths(&view) != Truths::FALSE => unless
            .filter(|unless| unless.truths(&view) == Truths::TRUE)
            .and_then(|unless| excluding(unless, &view)),
        _ => when
            .first_failing(&view)
            .or_else(|| unless.and_then(|unless| excluding(unless, &view))),
    };
    let failing = failing.map(|leaf| Failing {
        condition: written(leaf, text),
        seen: leaf.seen(&view),
        excluded: leaf.truths(&view) == Truths::TRUE,
    });
    let mut seen = when.seen(&view);
    for more in unless.into_iter().flat_map(|unless| unless.seen(&view)) {
        if seen.iter().all(|seen| seen.field != more.field) {
            seen.push(more);
        }
    }
    let concerns_tenant = when.truths_for_tenant(&view).may_be_true()
        && unless.is_none_or(|unless| unless.truths_for_tenant(&view) != Truths::TRUE);
    Explained {
        name: name.to_owned(),
        judged,
        failing,
        seen,
        windows: Vec::new(),
        concerns_tenant,
        names_tenants: when.mentions(Named::Tenant)
            || unless.is_some_and(|unless| unless.mentions(Named::Tenant)),
    }
}

/// What says best why an exception holds, or why nobody can tell.
fn excluding<'c>(unless: &'c Condition, view: &FactView<'_>) -> Option<&'c Leaf> {
    match unless.truths(view) {
        Truths::TRUE => unless
            .leaves()
            .into_iter()
            .find(|leaf| leaf.truths(view) == Truths::TRUE),
        _ => unless.first_failing(view),
    }
}

impl Times {
    /// How each of its windows stands.
    fn glances(&self, at: Timestamp, calendar: Calendar<'_>) -> Vec<Glance> {
        let keys = [
            ("during", &self.during),
            ("outside", &self.outside),
            ("start", &self.start),
        ];
        let places = keys
            .into_iter()
            .flat_map(|(key, places)| places.iter().map(move |place| (key, *place)));
        let windows = places.filter_map(|(key, place)| Some((key, calendar.get(place)?)));
        let glance = |(key, window): (_, &crate::rules::window::Window)| {
            let (open, opens) = (window.is_open(at), window.next_opening(at));
            let opens = (!open && opens != Timestamp::NEVER).then(|| opens.to_string());
            Glance {
                key,
                window: window.name.clone(),
                open,
                opens,
            }
        };
        windows.map(glance).collect()
    }
}

/// A condition as the file has it.
pub(super) fn written(leaf: &Leaf, text: &str) -> String {
    let value = crate::plain::one_line(text.get(leaf.span.clone()).unwrap_or("…"), 200);
    let operator = leaf
        .test
        .operator()
        .map_or_else(String::new, |operator| format!(".{operator}"));
    format!("{}{operator} = {value}", leaf.field.name())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::rules::Given;

    const TEXT: &str = r#"version = 1
[[protect]]
name = "jewels"
when = { device.name.glob = "dc-*" }
at_most = "hold"
[[rule]]
name = "elsewhere"
scan = "full"
when = { severity.gte = "low", source = "other" }
[[rule]]
name = "closed"
scan = "full"
when = { severity.gte = "low", none = [ { alert.status = ["closed"] } ] }
[[rule]]
name = "tagged"
scan = "full"
when = { device.tags = "x" }
[[rule]]
name = "all"
scan = "quick"
when = { severity = "high" }
unless = { user = "svc" }
[[test]]
name = "t"
event = { severity = "high", alert.status = "Closed", device.name = "dc-1", device.tags = "unknown", user = "Svc" }
expect = { scan = "none" }
"#;

    #[test]
    fn each_rule_says_the_first_condition_that_fails_and_the_value_it_saw() {
        let rules = Rules::parse(TEXT, &mut |_| Err(String::new()))
            .unwrap()
            .rules;
        let Given::Event(event) = &rules.tests()[0].steps[0].given else {
            unreachable!()
        };
        let explanation = rules.explain(&event.as_event(crate::time::Timestamp::default()), TEXT);
        let said: Vec<_> = explanation
            .rules
            .iter()
            .map(|rule| {
                let failing = rule.failing.as_ref().unwrap();
                (
                    rule.judged,
                    failing.condition.as_str(),
                    failing.seen.value.as_deref(),
                    failing.excluded,
                )
            })
            .collect();
        assert_eq!(
            said,
            [
                (Judged::False, "source = \"other\"", Some("test"), false),
                (
                    Judged::False,
                    "alert.status = [\"closed\"]",
                    Some("Closed"),
                    true
                ),
                (Judged::Unknown, "device.tags = \"x\"", None, false),
                (Judged::False, "user = \"svc\"", Some("Svc"), true),
            ]
        );
        assert_eq!(explanation.protections[0].judged, Judged::True);
        assert_eq!(explanation.guarded()[0].name, "jewels");
        assert_eq!(explanation.verdict.rule, None);
    }

    const SILENT: &str = r#"version = 1
[windows.nights]
timezone = "UTC"
hours = ["22:00-05:00"]
[[protect]]
name = "by name"
when = { device.name.glob = "dc-*" }
at_most = "hold"
[[protect]]
name = "servers"
when = { device.os.glob = "WindowsServer*" }
start = "nights"
unless = { alert.techniques = "T1486" }
[[rule]]
name = "by night"
scan = "full"
when = { severity = "high" }
during = "nights"
[[test]]
name = "t"
event = { severity = "high", device.name = "lt-1", device.os = "unknown", alert.techniques = "T1486" }
expect = { scan = "none" }
"#;

    #[test]
    fn what_decides_is_told_an_exception_a_window_or_a_name_that_nobody_can_tell() {
        let rules = Rules::parse(SILENT, &mut |_| Err(String::new()))
            .unwrap()
            .rules;
        let Given::Event(event) = &rules.tests()[0].steps[0].given else {
            unreachable!()
        };
        let noon = crate::time::Timestamp::parse("2026-01-05T12:00:00Z").unwrap();
        let mut event = event.as_event(noon);
        let servers = rules.explain(&event, SILENT).protections.swap_remove(1);
        let failing = servers.failing.unwrap();
        assert_eq!(
            (servers.judged, failing.condition.as_str(), failing.excluded),
            (Judged::False, "alert.techniques = \"T1486\"", true)
        );
        let glance = |key, opens: &str| Glance {
            key,
            window: "nights".to_owned(),
            open: false,
            opens: Some(opens.to_owned()),
        };
        assert_eq!(
            servers.windows,
            [glance("start", "2026-01-05T22:00:00.000Z")]
        );
        let night = rules.explain(&event, SILENT).rules.swap_remove(0);
        assert_eq!(
            (night.judged, night.failing),
            (Judged::False, None),
            "only the window is in the way"
        );
        assert_eq!(
            night.windows,
            [glance("during", "2026-01-05T22:00:00.000Z")]
        );
        event.facts = Facts::Silent;
        let by_name = rules.explain(&event, SILENT).protections.swap_remove(0);
        assert_eq!(by_name.judged, Judged::Unknown);
        assert!(
            by_name.failing.unwrap().seen.unknown,
            "the alert's name is not what could not be judged"
        );
    }

    const NESTED: &str = r#"version = 1
[[protect]]
name = "domain controllers"
when = { any = [ { device.name.glob = "dc-*" }, { device.tags = "tier0" } ] }
at_most = "hold"
[[rule]]
name = "none of them"
scan = "full"
when = { severity = "high", none = [ { user = "svc", device.tags = "lab" } ] }
[[rule]]
name = "unless"
scan = "full"
when = { severity = "high" }
unless = { user = "svc", any = [ { device.ip = "10.0.0.1" }, { device.tags = "lab" } ] }
[[test]]
name = "t"
event = { severity = "high", device.name = "lt-042", device.ip = "10.0.0.2", device.tags = "unknown", user = "svc" }
expect = { scan = "none" }
"#;

    #[test]
    fn the_condition_that_nobody_could_judge_is_named_inside_any_none_and_unless() {
        let rules = Rules::parse(NESTED, &mut |_| Err(String::new()))
            .unwrap()
            .rules;
        let Given::Event(event) = &rules.tests()[0].steps[0].given else {
            unreachable!()
        };
        let explanation = rules.explain(&event.as_event(Timestamp::default()), NESTED);
        let said = explanation
            .protections
            .iter()
            .chain(&explanation.rules)
            .map(|one| {
                let failing = one.failing.as_ref().unwrap();
                (
                    one.judged,
                    failing.condition.as_str(),
                    failing.seen.unknown,
                    failing.excluded,
                )
            });
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                (Judged::Unknown, "device.tags = \"tier0\"", true, false),
                (Judged::Unknown, "device.tags = \"lab\"", true, false),
                (Judged::Unknown, "device.tags = \"lab\"", true, false),
            ]
        );
    }
}
