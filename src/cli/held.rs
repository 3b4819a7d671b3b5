//! `scanhook held`: what waits for a person, in groups that are answered at once.

use std::process::ExitCode;

use super::format::OutputFormat;
use super::output::{self, complain};
use super::responder::Responder;
use super::table::{Table, age, count, time_of};
use crate::api::{HeldGroupView, HeldView};
use crate::clock;
use scanhook_core::person::PeopleNeeded;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct HeldArgs {
    /// What the decisions of a group have in common: the alert (rule, reason, source and title), the rule, or the machine.
    #[arg(long, value_name = "WHAT", default_value = "alert", value_parser = ["machine", "rule", "alert"])]
    group: String,
    /// Only those of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// Only those of this rule.
    #[arg(long, value_name = "RULE")]
    rule: Option<String>,
    /// Only those that are held for this reason.
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    /// Only those of this device: any name, address or id of it, or a pattern such as dc-*.
    #[arg(long, value_name = "DEVICE")]
    device: Option<String>,
    /// Only those since then: 1h, or 2026-11-02T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Groups, the most severe first [default: 100, which is the most].
    #[arg(long, value_name = "N")]
    limit: Option<String>,
    /// Continue behind a page: its `next`.
    #[arg(long, value_name = "NEXT")]
    after: Option<String>,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &HeldArgs) -> anyhow::Result<ExitCode> {
    let query = [
        ("group", Some(args.group.as_str())),
        ("tenant", args.tenant.as_deref()),
        ("rule", args.rule.as_deref()),
        ("reason", args.reason.as_deref()),
        ("device", args.device.as_deref()),
        ("since", args.since.as_deref()),
        ("limit", args.limit.as_deref()),
        ("after", args.after.as_deref()),
    ];
    let body = args.responder.get("/api/v1/held", &query).await?;
    let view: HeldView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => {
            output::tell(&table(&view))?;
            complain(&said(&view));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// How much it is in all.
fn said(view: &HeldView) -> String {
    if view.decisions == 0 {
        return "nothing is held".to_owned();
    }
    let more = match &view.next {
        Some(next) => format!("; --after {next} shows more"),
        None => String::new(),
    };
    format!(
        "{} about {} in {}{more}",
        count(view.decisions, "decision"),
        count(view.machines, "machine"),
        count(view.total, "group"),
    )
}

fn table(view: &HeldView) -> String {
    let mut table = Table::new(&[
        "OLDEST",
        "MACHINES",
        "DECISIONS",
        "TENANT",
        "SEVERITY",
        "REASON",
        "RULE",
        "SCAN",
        "FIRST ENDS (UTC)",
        "GROUP",
    ]);
    let now = clock::now();
    // Where they differ, each decision has its own.
    let various = |text: &Option<String>| text.clone().unwrap_or_else(|| "several".to_owned());
    for group in &view.items {
        let cells = [
            age(&group.oldest, now),
            group.machines.to_string(),
            group.decisions.to_string(),
            various(&group.tenant),
            group.severity.clone().unwrap_or_default(),
            various(&group.reason),
            various(&group.rule),
            various(&group.kind),
            time_of(group.first_ends_at.as_ref()),
            group.key.clone(),
        ];
        table.row(cells.iter().map(String::as_str), below(group));
    }
    table.without_if_same("TENANT").text(output::columns())
}

/// How many people it takes, and who has said yes to how many of them.
fn asks_for(people: &PeopleNeeded, approved: usize) -> String {
    let needed = scanhook_core::person::people(people.needed);
    if people.given.is_empty() {
        return format!("{needed} have to approve");
    }
    format!(
        "{needed} have to approve: {} approved by {}, which one more person has to approve",
        count(approved, "decision"),
        people.given.join(", ")
    )
}

fn below(group: &HeldGroupView) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(title), Some(source)) = (&group.title, &group.source) {
        lines.push(format!("{title} ({source})"));
    }
    let more = group.machines.saturating_sub(group.names.len());
    let named = group.names.join(", ");
    lines.push(if more > 0 {
        format!("devices: {named} and {more} more")
    } else {
        format!("devices: {named}")
    });
    lines.push(group.why.clone());
    lines.extend(
        group
            .people
            .as_ref()
            .map(|people| asks_for(people, group.approved_once)),
    );
    if group.machine_needed > 0 {
        lines.push(format!(
            "{} without a machine: a person has to say which it is",
            count(group.machine_needed, "decision")
        ));
    }
    let beside = group.together.saturating_sub(group.decisions);
    if beside > 0 {
        lines.push(format!(
            "{} of other groups answered with it: of the same devices, for the same reason",
            count(beside, "decision")
        ));
    }
    lines.push(format!("next: {}", group.whose_move));
    lines
}
