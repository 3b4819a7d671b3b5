//! What is allowed and probably not meant: rules that can never win, sources that are not configured, pointers that
//! lead nowhere.

use crate::json::Json;
use crate::rules::comparison::Test;
use crate::rules::compiled::Rules;
use crate::rules::condition::Condition;
use crate::rules::field::Field;
use crate::rules::finding::{Finding, Level, code, quoted, suggest};
use crate::rules::leaf::Leaf;
use crate::rules::list::{Ending, ListSummary};
use crate::rules::named::Named;
use crate::rules::operand::Operand;
use crate::rules::rule::Rule;
use crate::time::Timestamp;

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
