//! Why each rule did or did not match, computed when somebody asks: nothing of it is needed to decide.

use super::condition::{Condition, Leaf};
use super::event::Event;
use super::sight::Sight;
use super::truth::Truths;
use super::{Facts, Rules};
use crate::domain::verdict::{Guarded, Seen, Verdict};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    /// Its name.
    pub name: String,
    /// Whether it matches.
    pub judged: Judged,
    /// The first condition that keeps it from matching; `None` where it matches, or where a window does.
    pub failing: Option<Failing>,
    /// What its own conditions saw.
    pub seen: Vec<Seen>,
}

/// How a rule or a protection was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It matches.
    True,
    /// It does not.
    False,
    /// It cannot be known.
    Unknown,
    /// The directory will tell.
    Open,
}

/// A condition that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
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
        let sight = match event.facts {
            Facts::NotAsked => Sight::open(event),
            Facts::Silent | Facts::Known(_) => Sight::plain(event),
        };
        let rules = self.rules.iter().map(|rule| {
            let truths = rule.truths(&sight, &self.windows);
            explained(&rule.name, truths, &rule.when, rule.unless.as_ref(), sight, text)
        });
        let protections = self.protections.iter().map(|protection| {
            let truths = protection.truths(sight, &self.windows);
            explained(&protection.name, truths, &protection.when, protection.unless.as_ref(), sight, text)
        });
        Explanation { rules: rules.collect(), protections: protections.collect(), verdict: self.decide(event) }
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
    sight: Sight<'_>,
    text: &str,
) -> Explained {
    let judged = match truths {
        Truths::TRUE => Judged::True,
        Truths::FALSE => Judged::False,
        Truths::UNKNOWN => Judged::Unknown,
        _ => Judged::Open,
    };
    let leaf = || {
        let failing = when.first_failing(&sight);
        failing.or_else(|| {
            let unless = unless.filter(|unless| unless.truths(&sight) != Truths::FALSE)?;
            unless.leaves().into_iter().find(|leaf| leaf.truths(&sight) != Truths::FALSE)
        })
    };
    let failing = if judged == Judged::True { None } else { leaf() };
    let failing = failing.map(|leaf| Failing {
        condition: written(leaf, text),
        seen: leaf.seen(&sight),
        excluded: leaf.truths(&sight) == Truths::TRUE,
    });
    let mut seen = when.seen(&sight);
    for more in unless.into_iter().flat_map(|unless| unless.seen(&sight)) {
        if seen.iter().all(|seen| seen.field != more.field) {
            seen.push(more);
        }
    }
    Explained { name: name.to_owned(), judged, failing, seen }
}

/// A condition as the file has it.
fn written(leaf: &Leaf, text: &str) -> String {
    let value = crate::domain::plain::one_line(text.get(leaf.span.clone()).unwrap_or("…"), 200);
    let operator = leaf.test.operator().map_or_else(String::new, |operator| format!(".{operator}"));
    format!("{}{operator} = {value}", leaf.field.name())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::rules::Given;

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
        let rules = Rules::parse(TEXT, &mut |_| Err(String::new())).unwrap().rules;
        let Given::Event(event) = &rules.tests()[0].steps[0].given else { unreachable!() };
        let explanation = rules.explain(&event.as_event(crate::domain::time::Timestamp::default()), TEXT);
        let said: Vec<_> = explanation
            .rules
            .iter()
            .map(|rule| {
                let failing = rule.failing.as_ref().unwrap();
                (rule.judged, failing.condition.as_str(), failing.seen.value.as_deref(), failing.excluded)
            })
            .collect();
        assert_eq!(
            said,
            [
                (Judged::False, "source = \"other\"", Some("test"), false),
                (Judged::False, "alert.status = [\"closed\"]", Some("Closed"), true),
                (Judged::Unknown, "device.tags = \"x\"", None, false),
                (Judged::False, "user = \"svc\"", Some("Svc"), true),
            ]
        );
        assert_eq!(explanation.protections[0].judged, Judged::True);
        assert_eq!(explanation.guarded()[0].name, "jewels");
        assert_eq!(explanation.verdict.rule, None);
    }
}
