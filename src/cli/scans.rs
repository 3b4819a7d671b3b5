//! `scanhook scans`.

use std::process::ExitCode;

use super::format::OutputFormat;
use super::list::ListArgs;
use super::output;
use super::table::{Table, device, time, time_of, waiting};
use super::trouble::{CliError, Exit};
use crate::api::ScanView;
use scanhook_core::percent::encoded;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ScansArgs {
    /// One scan with its history, by its id or at least 6 digits of its beginning.
    #[arg(conflicts_with_all = ["state", "device", "alert", "source", "tenant", "rule", "reason", "severity", "since", "until",
                                "limit", "after"])]
    id: Option<String>,
    #[command(flatten)]
    listing: ListArgs,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = ["waiting", "sending", "unknown", "running", "finished", "dropped"])]
    state: Option<String>,
}

pub(super) async fn run(args: &ScansArgs) -> anyhow::Result<ExitCode> {
    match &args.id {
        Some(id) => one(args, id).await,
        None => {
            args.listing
                .show("/api/v1/scans", args.state.as_deref(), table)
                .await
        }
    }
}

async fn one(args: &ScansArgs, id: &str) -> anyhow::Result<ExitCode> {
    let responder = args.listing.responder();
    let body = responder
        .get(&format!("/api/v1/scans/{}", encoded(id)), &[])
        .await;
    let body = body.map_err(|trouble| match trouble.exit() {
        Exit::NoInput => CliError::new(
            Exit::NoInput,
            format!("no scan has the id {}", output::plain(id)),
        ),
        _ => trouble,
    })?;
    let scan: ScanView = responder.read(&body)?;
    match responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&whole(&scan))?,
    }
    Ok(ExitCode::SUCCESS)
}

fn table(scans: &[ScanView]) -> String {
    let mut table = Table::new(&[
        "DECIDED (UTC)",
        "TENANT",
        "DEVICE",
        "SCAN",
        "STATE",
        "RULE",
        "ALERTS",
        "ID",
    ]);
    for scan in scans {
        let (created, rule) = (
            time(&scan.created_at),
            scan.rule.as_deref().unwrap_or_default(),
        );
        let (device, state) = (
            device(scan.name.as_deref(), &scan.machine, Some(&scan.machine)),
            state(scan),
        );
        let alerts = scan.alerts.join(", ");
        let cells = [
            &created,
            &scan.tenant,
            &device,
            &scan.kind,
            &state,
            rule,
            &alerts,
            &scan.id,
        ];
        table.row(cells, waiting(&scan.waits).collect());
    }
    table.without_if_same("TENANT").text(output::columns())
}

/// The state with what makes it special.
fn state(scan: &ScanView) -> String {
    let mut text = match &scan.outcome {
        Some(outcome) => format!("{}: {outcome}", scan.state),
        None => scan.state.clone(),
    };
    if scan.dry_run && scan.outcome.as_deref() != Some("dry_run") {
        text.push_str(" (dry run)");
    }
    if scan.paused.is_some() {
        text.push_str(" (paused)");
    }
    if scan.called_off.is_some() && scan.outcome.is_none() {
        text.push_str(if scan.cancel_refused {
            " (Defender refused to cancel it)"
        } else {
            " (called off)"
        });
    }
    text
}

fn whole(scan: &ScanView) -> String {
    let mut table = Table::new(&["", ""]);
    table.row(["state", &state(scan)], waiting(&scan.waits).collect());
    let mut say = |key: &str, value: &str| {
        if !value.is_empty() {
            table.row([key, value], Vec::new());
        }
    };
    say("id", &scan.id);
    say("tenant", &scan.tenant);
    say("device", scan.name.as_deref().unwrap_or_default());
    say("machine", &scan.machine);
    say("scan", &scan.kind);
    say("detail", scan.detail.as_deref().unwrap_or_default());
    say(
        "paused",
        &scan.paused.as_ref().map_or_else(String::new, |pause| {
            format!("{}, {}", pause.scope(), pause.story())
        }),
    );
    say(
        "called off",
        &scan
            .called_off
            .as_ref()
            .map_or_else(String::new, |by| format!("by {by}")),
    );
    say("rule", scan.rule.as_deref().unwrap_or_default());
    say("priority", &scan.priority.to_string());
    say("alerts", &scan.alerts.join(", "));
    say("decided", &time(&scan.created_at));
    say("not before", &time_of(scan.opens_at.as_ref()));
    say("sent", &time_of(scan.sent_at.as_ref()));
    say("over", &time_of(scan.ended_at.as_ref()));
    say("tries", &scan.tries.to_string());
    say("action", scan.action.as_deref().unwrap_or_default());
    if !scan.ours {
        say("by", "somebody else's machine action, which covers it");
    }
    let mut history = Table::new(&["AT (UTC)", "WHAT", "WHO", "DETAIL"]);
    for event in &scan.events {
        let (who, detail) = (
            event.who.as_deref().unwrap_or_default(),
            event.detail.as_deref().unwrap_or_default(),
        );
        history.row([&time(&event.at), &event.what, who, detail], Vec::new());
    }
    let (scan, history) = (
        table.text(output::columns()),
        history.text(output::columns()),
    );
    if history.is_empty() {
        scan
    } else {
        format!("{scan}\n{history}")
    }
}
