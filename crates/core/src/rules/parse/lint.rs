//! What is allowed and probably not meant: rules that can never win, sources that are not configured, pointers that
//! lead nowhere.

use std::collections::HashMap;

use super::walk::Walk;
use crate::alert::Severity;
use crate::json::Json;
use crate::rules::Rules;
use crate::rules::condition::{Condition, Leaf, Relation, Test};
use crate::rules::field::{Field, Named};
use crate::rules::finding::{Finding, Level, code, quoted, suggest};
use crate::rules::list::{Ending, ListSummary};
use crate::rules::operand::Operand;
use crate::rules::rule::Rule;
use crate::time::Timestamp;

/// Comparisons of two rules that one file may cost; beyond them nothing more is found.
const WORK: usize = 400_000;

impl Walk<'_> {
    /// Rules that can never win, because an earlier one is true whenever they are, or because they contradict
    /// themselves. Only what can be seen from the shape of the conditions is found.
    pub(super) fn unreachable(&mut self, rules: &[Rule]) {
        let mut earlier = EarlierRules::default();
        for (number, rule) in rules.iter().enumerate() {
            if let Some(why) = contradiction(rule) {
                self.lint(
                    code::UNREACHABLE,
                    rule.span.clone(),
                    &format!("rule {} can never match: {why}", quoted(&rule.name)),
                    "remove it",
                );
                continue;
            }
            if let Some(cover) = earlier.covering(rule, rules) {
                let message = format!(
                    "rule {} can never win: {} always wins before",
                    quoted(&rule.name),
                    quoted(&cover.name)
                );
                self.lint(
                    code::UNREACHABLE,
                    rule.span.clone(),
                    &message,
                    "move it up, or remove it",
                );
            }
            earlier.add(rule, number);
        }
    }
}

/// The rules before, by a comparison that a covered rule must share.
#[derive(Default)]
struct EarlierRules {
    by_value: HashMap<(String, String), Vec<usize>>,
    others: Vec<usize>,
    spent: usize,
}

impl EarlierRules {
    fn add(&mut self, rule: &Rule, number: usize) {
        if rule.unless.is_some() {
            return;
        }
        match equalities(rule).min_by_key(|keys| {
            keys.iter()
                .filter_map(|key| self.by_value.get(key))
                .map(Vec::len)
                .sum::<usize>()
        }) {
            Some(keys) => keys
                .into_iter()
                .for_each(|key| self.by_value.entry(key).or_default().push(number)),
            None => self.others.push(number),
        }
    }

    /// An earlier rule that is true whenever this one is.
    fn covering<'r>(&mut self, rule: &Rule, rules: &'r [Rule]) -> Option<&'r Rule> {
        let first = equalities(rule).filter_map(|keys| keys.into_iter().next());
        let near = first.filter_map(|key| self.by_value.get(&key)).flatten();
        for number in near.chain(&self.others) {
            self.spent += 1;
            if self.spent > WORK {
                return None;
            }
            let Some(other) = rules.get(*number) else {
                continue;
            };
            let times = other.times.during.is_empty() && other.times.outside.is_empty();
            let same = other.times.during == rule.times.during
                && other.times.outside == rule.times.outside;
            if (times || same) && implies(&rule.when, &other.when) {
                return Some(other);
            }
        }
        None
    }
}

/// The keys of each equality that must hold.
fn equalities(rule: &Rule) -> impl Iterator<Item = Vec<(String, String)>> {
    rule.when.conjuncts().iter().filter_map(|part| match part {
        Condition::Leaf(Leaf {
            field,
            test: Test::Equals(operands),
            ..
        }) => {
            let keys: Option<Vec<_>> = operands.iter().map(Operand::keys).collect();
            let keys: Vec<_> = keys?
                .concat()
                .into_iter()
                .map(|key| (field.name().to_owned(), key))
                .collect();
            (!keys.is_empty()).then_some(keys)
        }
        _ => None,
    })
}

impl Condition {
    fn conjuncts(&self) -> &[Condition] {
        match self {
            Condition::All(parts) => parts,
            other => core::slice::from_ref(other),
        }
    }

    /// Whether it holds for whatever comes.
    pub(super) fn is_everything(&self) -> bool {
        match self {
            Condition::All(parts) => {
                !parts.is_empty() && parts.iter().all(Condition::is_everything)
            }
            Condition::Any(parts) => parts.iter().any(Condition::is_everything),
            Condition::None(_) => false,
            Condition::Leaf(leaf) => {
                let always = matches!(leaf.field, Field::Named(Named::Source | Named::Tenant));
                let any = |test: &Test| match test {
                    Test::Exists(wanted) => *wanted,
                    Test::Globs(globs) => globs.iter().any(|glob| glob.pattern.is_everything()),
                    Test::Matches(patterns) => patterns.iter().any(|one| {
                        matches!(
                            one.pattern.as_str(),
                            ".*" | "^.*$" | ".+" | "^.+$" | "^" | "$"
                        )
                    }),
                    _ => false,
                };
                always && any(&leaf.test)
            }
        }
    }
}

/// Whether the second is true whenever the first is.
fn implies(first: &Condition, second: &Condition) -> bool {
    let (have, wanted) = (first.conjuncts(), second.conjuncts());
    wanted
        .iter()
        .all(|wanted| wanted.is_everything() || have.iter().any(|have| part_implies(have, wanted)))
}

fn part_implies(have: &Condition, wanted: &Condition) -> bool {
    match (have, wanted) {
        (Condition::Leaf(have), Condition::Leaf(wanted)) => {
            have.field == wanted.field && test_implies(&have.test, &wanted.test)
        }
        // Each way in which the one can hold is a way in which the other does.
        (Condition::Any(have), wanted) => have.iter().all(|have| implies(have, wanted)),
        (have, Condition::Any(wanted)) => wanted.iter().any(|wanted| implies(have, wanted)),
        // What is excluded there is excluded here as well.
        (Condition::None(have), Condition::None(wanted)) => wanted
            .iter()
            .all(|wanted| have.iter().any(|have| implies(wanted, have))),
        (Condition::All(have), wanted) => have.iter().any(|have| part_implies(have, wanted)),
        (have, Condition::All(wanted)) => wanted.iter().all(|wanted| part_implies(have, wanted)),
        _ => false,
    }
}

fn test_implies(have: &Test, wanted: &Test) -> bool {
    let severities = |test: &Test| {
        Severity::ALL
            .iter()
            .map(|severity| allows(test, *severity))
            .collect::<Option<Vec<_>>>()
    };
    if let (Some(have), Some(wanted)) = (severities(have), severities(wanted)) {
        return have
            .iter()
            .zip(&wanted)
            .all(|(have, wanted)| !have || *wanted);
    }
    match (have, wanted) {
        (Test::Equals(have), Test::Equals(wanted)) => have.iter().all(|one| wanted.contains(one)),
        (Test::AllOf(have), Test::AllOf(wanted)) => wanted.iter().all(|one| have.contains(one)),
        (Test::AllOf(have), Test::Equals(wanted)) => have.iter().any(|one| wanted.contains(one)),
        (Test::Contains(have), Test::Contains(wanted)) => have.iter().all(|have| {
            wanted.iter().any(|wanted| {
                have.pattern.as_str().contains(wanted.pattern.as_str())
                    && have.first_label == wanted.first_label
            })
        }),
        (Test::Globs(have), Test::Globs(wanted)) => have
            .iter()
            .all(|have| wanted.iter().any(|wanted| wanted.pattern == have.pattern)),
        (Test::Matches(have), Test::Matches(wanted)) => have.iter().all(|have| {
            wanted
                .iter()
                .any(|wanted| wanted.pattern.as_str() == have.pattern.as_str())
        }),
        (Test::Inside(have), Test::Inside(wanted)) => have.iter().all(|one| wanted.contains(one)),
        (Test::OlderThan(have), Test::OlderThan(wanted)) => have >= wanted,
        (Test::Exists(have), Test::Exists(wanted)) => have == wanted,
        _ => false,
    }
}

/// Whether a comparison lets a severity pass; `None`: it is none of severities.
fn allows(test: &Test, severity: Severity) -> Option<bool> {
    let stands = |operand: &Operand| match operand {
        Operand::Severity(wanted) => Some(severity.cmp(wanted)),
        _ => None,
    };
    match test {
        Test::Equals(operands) => {
            let orders: Option<Vec<_>> = operands.iter().map(stands).collect();
            orders.map(|orders| orders.iter().any(|order| order.is_eq()))
        }
        Test::Order(relation, operand) => {
            stands(operand).map(|order| Relation::holds(*relation, order))
        }
        _ => None,
    }
}

/// Why a rule can never match.
fn contradiction(rule: &Rule) -> Option<&'static str> {
    let leaves: Vec<&Leaf> = rule
        .when
        .conjuncts()
        .iter()
        .filter_map(|part| match part {
            Condition::Leaf(leaf) => Some(leaf),
            _ => None,
        })
        .collect();
    let severity = leaves
        .iter()
        .filter(|leaf| leaf.field == Field::Named(Named::Severity));
    let tests: Vec<&Test> = severity.map(|leaf| &leaf.test).collect();
    if !Severity::ALL.iter().any(|severity| {
        tests
            .iter()
            .all(|test| allows(test, *severity) != Some(false))
    }) {
        return Some("no severity satisfies all that it asks");
    }
    let exists = |leaf: &&Leaf, wanted: bool| matches!(leaf.test, Test::Exists(is) if is == wanted);
    let is_denied = |leaf: &&Leaf| {
        exists(leaf, false)
            && leaves
                .iter()
                .any(|other| other.field == leaf.field && !exists(other, false))
    };
    if leaves.iter().any(is_denied) {
        return Some("it asks for something of a field that must not be there");
    }
    let during = &rule.times.during;
    if !during.is_empty()
        && during
            .iter()
            .all(|window| rule.times.outside.contains(window))
    {
        return Some("it applies during a window and outside the same one");
    }
    None
}

impl Rules {
    /// A lint for each source that a condition names and nobody configured. `known` are the sources' names.
    #[must_use]
    pub fn unknown_sources(&self, known: &[&str]) -> Vec<Finding> {
        let folded: Vec<String> = known.iter().map(|name| name.to_lowercase()).collect();
        let mut findings = Vec::new();
        for leaf in self
            .leaves()
            .filter(|leaf| leaf.field == Field::Named(Named::Source))
        {
            let (Test::Equals(operands) | Test::AllOf(operands)) = &leaf.test else {
                continue;
            };
            for name in operands
                .iter()
                .filter_map(Operand::keys)
                .flatten()
                .filter(|name| !folded.contains(name))
            {
                let message = format!("no source is named {}, so this never holds", quoted(&name));
                findings.push(Finding {
                    code: code::UNKNOWN_SOURCE,
                    level: Level::Lint,
                    span: leaf.span.clone(),
                    message,
                    remedy: Some(suggest(&name, known)),
                });
            }
        }
        findings
    }

    /// A lint for each JSON pointer that leads nowhere in any of these bodies; none where there is no body.
    #[must_use]
    pub fn unseen_pointers(&self, bodies: &[Json<'_>]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for leaf in self.leaves() {
            let Field::Pointer { text, pointer } = &leaf.field else {
                continue;
            };
            if bodies.is_empty() || bodies.iter().any(|body| !pointer.all(body).is_empty()) {
                continue;
            }
            findings.push(Finding {
                code: code::UNSEEN_POINTER,
                level: Level::Lint,
                span: leaf.span.clone(),
                message: format!(
                    "{} leads nowhere in {} stored deliveries",
                    quoted(text),
                    bodies.len()
                ),
                remedy: Some("compare it with a body that the source really sends".to_owned()),
            });
        }
        findings
    }

    /// A lint for each entry of a list that has ended by then.
    #[must_use]
    pub fn ended_entries(&self, at: Timestamp) -> Vec<Finding> {
        let entries = self
            .lists
            .iter()
            .flat_map(|list| list.ends.iter().map(move |ending| (list, ending)));
        let lint = |(list, ending): (&ListSummary, &Ending)| Finding {
            code: code::ENTRY_OVER,
            level: Level::Lint,
            span: ending.span.clone(),
            message: format!(
                "{} has left the list `{}`: its `until` is over",
                quoted(&ending.value),
                list.name
            ),
            remedy: Some("remove it, or give it a later `until`".to_owned()),
        };
        entries
            .filter(|(_, ending)| ending.until <= at)
            .map(lint)
            .collect()
    }

    /// A lint where rules scan by severity and none is for an alert that states none, or one off the scale: such an alert
    /// would pass unseen.
    #[must_use]
    pub fn unknown_severity(&self) -> Option<Finding> {
        let asks = |rule: &&Rule| rule.scan.is_some() && rule.when.mentions(Named::Severity);
        let takes_all = |rule: &Rule| {
            rule.unless.is_none()
                && rule.times.during.is_empty()
                && rule.times.outside.is_empty()
                && rule.when.is_everything()
        };
        let last = self
            .rules
            .iter()
            .rfind(asks)
            .filter(|_| !self.rules.iter().any(takes_all))?;
        Some(Finding {
            code: code::SEVERITY_UNKNOWN,
            level: Level::Lint,
            span: last.span.clone(),
            message: "no rule is for an alert whose severity is missing or off the scale: it gets no scan, and nobody hears of it"
                .to_owned(),
            remedy: Some(
                "give what needs no scan a rule of its own (`scan = \"none\"`), and end with one for all the rest: \
                 `when = { source.exists = true }`; an alert without a severity is then held for a person"
                    .to_owned(),
            ),
        })
    }

    /// Whether a condition looks at the raw body.
    #[must_use]
    pub fn reads_body(&self) -> bool {
        self.leaves()
            .any(|leaf| matches!(leaf.field, Field::Pointer { .. }))
    }

    /// A lint for each rule that is not among those that won in a test.
    pub fn untested<'w>(&self, won: impl IntoIterator<Item = &'w str>) -> Vec<Finding> {
        let won: std::collections::HashSet<&str> = won.into_iter().collect();
        let untested = self
            .rules
            .iter()
            .filter(|rule| !won.contains(rule.name.as_str()));
        let lint = |rule: &Rule| Finding {
            code: code::UNTESTED,
            level: Level::Lint,
            span: rule.span.clone(),
            message: format!("no test reaches rule {}", quoted(&rule.name)),
            remedy: Some("write a `[[test]]` in which it wins".to_owned()),
        };
        untested.map(lint).collect()
    }

    fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        let rules = self.rules.iter().flat_map(Rule::conditions);
        rules
            .chain(self.protections.iter().flat_map(|one| one.conditions()))
            .flat_map(Condition::leaves)
    }
}

#[cfg(test)]
mod tests;
