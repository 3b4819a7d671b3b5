//! Rules that can never win, because an earlier one always does or because they contradict themselves.

use std::collections::HashMap;

use super::implication::{allows, implies};
use super::walk::Walk;
use crate::alert::Severity;
use crate::rules::comparison::Test;
use crate::rules::condition::Condition;
use crate::rules::field::Field;
use crate::rules::finding::{code, quoted};
use crate::rules::leaf::Leaf;
use crate::rules::named::Named;
use crate::rules::operand::Operand;
use crate::rules::rule::Rule;

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
