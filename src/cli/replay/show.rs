//! The result of a replay for people.

use core::fmt::Write as _;

use super::super::output::{self, plain};
use super::super::table::{Table, time};
use super::args::{ReplayArgs, name};
use crate::replay::{
    Assumed, Compared, Example, Hold, Load, Peak, QuotaWait, ReplayOutcome, ReplayReport, Waits,
};
use scanhook_core::scan::Reason;

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
        if report.deliveries == 1 {
            "1 delivery".to_owned()
        } else {
            format!("{} deliveries", report.deliveries)
        },
        many(report.alerts.total, "alert"),
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

fn of_load(load: &Load) -> String {
    let mut text = format!(
        "  scans    {} sent: {} Full, {} Quick; at most {}, and {}\n",
        load.full + load.quick,
        load.full,
        load.quick,
        peak(&load.per_minute, "in a minute"),
        peak(&load.per_hour, "in an hour"),
    );
    if load.too_old > 0 {
        let _ = writeln!(
            text,
            "  too old  {} were older than `max_age` before the quota let them leave",
            load.too_old
        );
    }
    let _ = writeln!(
        text,
        "  queue    at most {}",
        peak(&load.queue, "waiting for the quota")
    );
    for (whose, waits) in [("urgent", &load.urgent), ("others", &load.others)] {
        if waits.longest.at.is_some() {
            let _ = writeln!(
                text,
                "  {whose}   {}{}",
                spread(waits),
                longest(&waits.longest)
            );
        }
    }
    text
}

fn peak(peak: &Peak, of: &str) -> String {
    match peak.at {
        Some(at) if peak.count > 0 => format!("{} {of} ({})", peak.count, time(&at.to_string())),
        _ => format!("0 {of}"),
    }
}

fn spread(waits: &Waits) -> String {
    let parts = [
        (waits.a_second, "up to 1 s"),
        (waits.a_minute, "up to 1 min"),
        (waits.ten_minutes, "up to 10 min"),
        (waits.an_hour, "up to 1 h"),
        (waits.longer, "longer"),
    ];
    let parts = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, words)| format!("{count} waited {words}"));
    parts.collect::<Vec<_>>().join(", ")
}

fn longest(wait: &QuotaWait) -> String {
    match wait.at {
        Some(at) if wait.ms > 1_000 => format!(
            "; the longest {}, until {}",
            seconds(wait.ms),
            time(&at.to_string())
        ),
        _ => String::new(),
    }
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
        many(report.unmatched, "alert"),
        table.text(output::columns())
    )
}

fn differences(report: &ReplayReport, args: &ReplayArgs) -> String {
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

/// "1 alert", "2 alerts".
fn many(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
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

fn millis(span: core::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// A span as a person says it: `0.3 s`, `12 min`, `2 h 5 min`.
fn seconds(ms: u64) -> String {
    let (minutes, hours) = (ms / 60_000, ms / 3_600_000);
    match ms {
        0..=119_999 => format!("{:.1} s", ms as f64 / 1_000.0),
        120_000..=7_199_999 => format!("{minutes} min"),
        _ => format!("{hours} h {} min", minutes % 60),
    }
}
