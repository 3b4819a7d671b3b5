//! The result of a replay for people.

mod differences;
mod load;
mod words;

use core::fmt::Write as _;

use super::super::output::{self, plain};
use super::super::table::{Table, time};
use super::args::{ReplayArgs, name};
use crate::replay::{Assumed, Hold, ReplayReport};
use differences::differences;
use load::of_load;
use scanhook_core::counted::counted;
use scanhook_core::scan::Reason;
use words::{millis, seconds};

/// All of it, as text.
pub(super) fn text(report: &ReplayReport, args: &ReplayArgs) -> String {
    let mut text = head(report, args);
    text.push_str(&rules(report));
    text.push_str(&outcomes(report));
    for (tenant, load) in &report.tenants {
        let _ = writeln!(text, "\ntenant {}", plain(tenant));
        text.push_str(&of_load(load));
        if let Some(other) = report
            .tenants_against
            .as_ref()
            .and_then(|all| all.get(tenant))
        {
            let _ = writeln!(text, "  by {}:", name(args.against.as_ref()));
            text.push_str(&of_load(other));
        }
    }
    text.push_str(&unmatched(report));
    text.push_str(&differences(report, args));
    text
}

fn head(report: &ReplayReport, args: &ReplayArgs) -> String {
    let states = report
        .alerts
        .by_state
        .iter()
        .map(|(state, count)| format!("{count} {state}"));
    let states = states.collect::<Vec<_>>().join(", ");
    let span = |at: &Option<String>| at.as_deref().map(time).unwrap_or_default();
    let mut text = format!(
        "policy     {} ({})\nreplayed   {}, {}: {states}\n           from {} to {}\n",
        name(args.rules.as_ref()),
        report.policy.get(..12).unwrap_or_default(),
        counted(report.deliveries, "delivery"),
        counted(report.alerts.total, "alert"),
        span(&report.from),
        span(&report.to),
    );
    let _ = writeln!(
        text,
        "assumed    dry runs count as enforced; Defender answers in 0.2 s; a Quick takes {}, a Full {}, and each succeeds",
        seconds(millis(args.quick)),
        seconds(millis(args.full)),
    );
    let asked = &report.directory;
    let assumed = match asked.assumption {
        Assumed::Unremarkable => "taken for unremarkable machines",
        Assumed::Silent => "decided as if it were silent",
    };
    let _ = writeln!(
        text,
        "directory  {} of {} decisions depend on it: {} by what the journal knows of it, {} {assumed}",
        asked.needed, report.decisions, asked.from_journal, asked.assumed,
    );
    if report.bodies_forgotten > 0 {
        let _ = writeln!(
            text,
            "bodies     {} alerts have none any more: conditions on the raw body found nothing",
            report.bodies_forgotten
        );
    }
    text
}

fn rules(report: &ReplayReport) -> String {
    let mut table = Table::new(&[
        "RULE",
        "DECISIONS",
        "FULL",
        "QUICK",
        "NONE",
        "HELD",
        "BEGUN",
    ]);
    for rule in &report.rules {
        let numbers = [
            rule.did.decisions,
            rule.did.full,
            rule.did.quick,
            rule.did.none,
            rule.did.held,
            rule.did.begun,
        ];
        let numbers = numbers.map(|number| number.to_string());
        table.row(
            core::iter::once(rule.rule.as_str()).chain(numbers.iter().map(String::as_str)),
            Vec::new(),
        );
    }
    below(table)
}

fn outcomes(report: &ReplayReport) -> String {
    let mut table = Table::new(&["STATE", "REASON", "DECISIONS"]);
    for outcome in &report.outcomes {
        table.row(
            [
                outcome.state.code(),
                outcome.reason.code(),
                &outcome.count.to_string(),
            ],
            Vec::new(),
        );
    }
    below(table) + &below(holds(report))
}

/// What holds decisions. A protection that holds says more than the rules that asked, which are many.
fn holds(report: &ReplayReport) -> Table {
    let mut groups: Vec<(Reason, String, u64)> = Vec::new();
    for held in &report.holds {
        let Hold {
            reason,
            rule,
            protections,
        } = &held.by;
        let by_protection =
            matches!(reason, Reason::Protection | Reason::Undecided) && !protections.is_empty();
        let by: Vec<_> = match by_protection {
            true => protections
                .iter()
                .map(|name| format!("protection `{name}`"))
                .collect(),
            false => rule.iter().map(|rule| format!("rule `{rule}`")).collect(),
        };
        let by = by.join(", ");
        match groups
            .iter_mut()
            .find(|(other, others, _)| (other, others) == (reason, &by))
        {
            Some((_, _, count)) => *count += held.count,
            None => groups.push((*reason, by, held.count)),
        }
    }
    groups.sort_by_key(|(_, _, count)| core::cmp::Reverse(*count));
    let mut table = Table::new(&["HELD FOR", "DECISIONS", "BY"]);
    for (reason, by, count) in &groups {
        table.row([reason.code(), &count.to_string(), by], Vec::new());
    }
    table
}

fn unmatched(report: &ReplayReport) -> String {
    if report.unmatched == 0 {
        return String::new();
    }
    let mut table = Table::new(&["ALERTS", "TITLE"]);
    for title in &report.titles {
        table.row([title.count.to_string().as_str(), &title.title], Vec::new());
    }
    let others = match report.other_titles {
        0 => String::new(),
        others => format!("{others} more under other titles\n"),
    };
    format!(
        "\nno rule    {}\n{}{others}",
        counted(report.unmatched, "alert"),
        table.text(output::columns())
    )
}

/// A table with an empty line above it; nothing where it has no rows.
fn below(table: Table) -> String {
    let text = table.text(output::columns());
    if text.is_empty() {
        text
    } else {
        format!("\n{text}")
    }
}
