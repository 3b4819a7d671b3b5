//! In which decisions two policies differ, with examples.

use core::fmt::Write as _;

use crate::cli::output::plain;
use crate::cli::replay::args::{ReplayArgs, name};
use crate::cli::table::time;
use crate::replay::{Compared, Example, ReplayOutcome, ReplayReport};

pub(super) fn differences(report: &ReplayReport, args: &ReplayArgs) -> String {
    let Compared {
        with,
        compared,
        different,
        not_compared,
        groups,
    } = &report.differences;
    let from = match *with {
        "against" => name(args.against.as_ref()),
        "journal" => "what was decided".to_owned(),
        _ => return "\ncompared   with nothing: name another policy with --against\n".to_owned(),
    };
    let mut text =
        format!("\ncompared   with {from}: {different} of {compared} decisions differ\n");
    if *not_compared > 0 {
        let _ = writeln!(
            text,
            "           {not_compared} not compared: approved by a person, or not made in time"
        );
    }
    for group in groups.iter().take(args.top) {
        let _ = writeln!(
            text,
            "{:>9}  {}  ->  {}",
            group.count,
            outcome(&group.was),
            outcome(&group.now)
        );
        for example in &group.examples {
            let _ = writeln!(text, "           {}", shown(example));
        }
    }
    if groups.len() > args.top {
        let _ = writeln!(
            text,
            "           and {} more kinds of differences",
            groups.len() - args.top
        );
    }
    text
}

fn outcome(outcome: &ReplayOutcome) -> String {
    let rule = outcome
        .rule
        .as_ref()
        .map_or_else(|| "no rule".to_owned(), |rule| format!("`{}`", plain(rule)));
    let scan = outcome.scan.map_or("none", |kind| kind.code());
    let reason = outcome
        .reason
        .map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("{rule}: {scan}, {}{reason}", outcome.state)
}

fn shown(example: &Example) -> String {
    let Example {
        at,
        source,
        alert,
        title,
        device,
        place,
    } = example;
    let title = title
        .as_ref()
        .map_or_else(String::new, |title| format!(" \"{title}\""));
    plain(&format!(
        "{} {source} {alert}{title} on {device} ({place})",
        time(at)
    ))
}
