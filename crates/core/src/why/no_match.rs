//! What is said where no rule was true: which rules could not be judged, and which fields they miss.

use super::enumeration::joined;
use crate::verdict::Seen;

/// Rules that a sentence names.
const NAMED: usize = 4;

/// No rule is true; those that nobody could judge are named, with the fields that are missing.
pub(super) fn no_match(seen: &[Seen]) -> String {
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
