//! Compares what a test expects with what became of its event.

use std::collections::BTreeSet;

use super::expect::{Begins, Expect, Protected};
use super::test_decision::TestDecision;
use crate::scan::{DecisionState, Kind, Reason};

/// Each expectation that is not met.
pub(super) fn unmet(expect: &Expect, got: &TestDecision) -> Vec<String> {
    let mut unmet = Vec::new();
    let rule = got.rule.as_ref().map_or_else(
        || "no rule matched".to_owned(),
        |rule| format!("rule `{rule}`"),
    );
    let mut compare = |what: &str, wanted: Option<&str>, got: &str| {
        if let Some(wanted) = wanted.filter(|wanted| *wanted != got) {
            unmet.push(format!("expected {what} {wanted}, got {got} ({rule})"));
        }
    };
    if let Some(wanted) = &expect.rule {
        compare(
            "rule",
            Some(&format!("`{wanted}`")),
            &got.rule
                .as_ref()
                .map_or("none".to_owned(), |r| format!("`{r}`")),
        );
    }
    let kind = |kind: Option<Kind>| kind.map_or("none", Kind::code);
    compare(
        "scan",
        expect.scan.map(kind),
        kind(got.wanted.as_ref().map(|wanted| wanted.kind)),
    );
    if let Some(priority) = expect.priority {
        let got = got
            .wanted
            .as_ref()
            .map_or("none".to_owned(), |wanted| wanted.priority.to_string());
        compare("priority", Some(&priority.to_string()), &got);
    }
    if let Some(start) = expect.start {
        let got = got.wanted.as_ref().map_or("none".to_owned(), |wanted| {
            Begins::of(wanted.start).to_string()
        });
        compare("start", Some(&start.to_string()), &got);
    }
    // A test that expects a scan expects that it happens, unless it says what else.
    let scan = matches!(expect.scan, Some(Some(_))).then_some(DecisionState::Scan);
    let right_kind = expect
        .scan
        .is_none_or(|scan| scan == got.wanted.as_ref().map(|wanted| wanted.kind));
    let held = expect.people.map(|_| DecisionState::Held);
    let state = expect.state.or(held).or(scan.filter(|_| right_kind));
    let state_got = format!("{} ({})", got.state.code(), got.reason.code());
    if state.is_some_and(|state| state != got.state) {
        compare("state", state.map(DecisionState::code), &state_got);
    }
    if got.state == DecisionState::Held {
        let people = expect.people.map(|people| people.to_string());
        compare("people", people.as_deref(), &got.people.to_string());
    }
    compare("reason", expect.reason.map(Reason::code), got.reason.code());
    unmet.extend(unmet_protection(expect, got, &rule));
    unmet.extend(unmet_comment(expect, got, &rule));
    unmet
}

/// The expectation of protections, if it is not met.
fn unmet_protection(expect: &Expect, got: &TestDecision, rule: &str) -> Option<String> {
    let names = |names: &[String]| match names {
        [] => "none".to_owned(),
        names => names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let sorted = |names: &[String]| names.iter().cloned().collect::<BTreeSet<_>>();
    let (met, wanted) = match expect.protect.as_ref()? {
        Protected::By(name) => (
            got.protections.contains(name),
            names(core::slice::from_ref(name)),
        ),
        Protected::Exactly(all) => (sorted(all) == sorted(&got.protections), names(all)),
    };
    let got = names(&got.protections);
    (!met).then(|| format!("expected protection {wanted}, got {got} ({rule})"))
}

/// The expectation of the scan's comment, if it is not met.
fn unmet_comment(expect: &Expect, got: &TestDecision, rule: &str) -> Option<String> {
    let part = expect.comment_contains.as_ref()?;
    match &got.comment {
        None => Some(format!(
            "expected a comment with `{part}`, got no scan ({rule})"
        )),
        Some(comment) if !comment.contains(part) => {
            Some(format!("expected a comment with `{part}`, got `{comment}`"))
        }
        Some(_) => None,
    }
}
