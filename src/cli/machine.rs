//! `scanhook machine`: a machine with all that is known of it.

use std::process::ExitCode;

use super::format::OutputFormat;
use super::output;
use super::responder::Responder;
use super::table::{Table, time, time_of, waiting};
use super::trouble::{CliError, Exit};
use crate::api::{MachineName, MachineView};
use scanhook_core::percent::encoded;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct MachineArgs {
    /// The machine: its id at Defender, or any name or address of it.
    #[arg(value_name = "NAME|ID")]
    machine: String,
    /// Of this tenant.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &MachineArgs) -> anyhow::Result<ExitCode> {
    let responder = &args.responder;
    let query = [("device", Some(args.machine.as_str()))];
    let found = responder.get("/api/v1/machines", &query).await?;
    let mut found: Vec<MachineName> = responder.read(&found)?;
    found.retain(|one| {
        args.tenant
            .as_ref()
            .is_none_or(|tenant| one.tenant == *tenant)
    });
    let one = match found.as_slice() {
        [one] => one,
        [] => {
            let sentence = format!("no machine is called {}", output::plain(&args.machine));
            return Err(CliError::new(Exit::NoInput, sentence).into());
        }
        several => return Err(CliError::new(Exit::BadData, which(several)).into()),
    };
    let path = format!(
        "/api/v1/machines/{}/{}",
        encoded(&one.tenant),
        encoded(&one.id)
    );
    let body = responder.get(&path, &[]).await?;
    let view: MachineView = responder.read(&body)?;
    match responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&text(&view))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Machines that are called alike, to choose from.
fn which(several: &[MachineName]) -> String {
    let named = several.iter().take(10).map(|one| {
        let name = one.name.as_deref().unwrap_or("no name");
        output::plain(&format!("{} ({name}) of tenant {}", one.id, one.tenant))
    });
    let named = named.collect::<Vec<_>>().join("; ");
    format!(
        "{} machines are called so: {named}; take an id, and --tenant",
        several.len()
    )
}

fn text(view: &MachineView) -> String {
    let columns = output::columns();
    let mut table = Table::new(&["", ""]);
    let mut say = |key: &str, value: &str| {
        if !value.is_empty() {
            table.row([key, value], Vec::new());
        }
    };
    say("device", view.device.called());
    say("machine", &view.id);
    say("tenant", &view.tenant);
    say("called", &view.names.join(", "));
    if let Some(of) = &view.directory {
        say("system", of.os.as_deref().unwrap_or_default());
        say("tags", &of.tags.join(", "));
        say("group", of.group.as_deref().unwrap_or_default());
        say("health", of.health.as_deref().unwrap_or_default());
        say("onboarding", of.onboarding.as_deref().unwrap_or_default());
        if of.excluded {
            say("excluded", "somebody has excluded it at Defender");
        }
        say("addresses", &of.ips.join(", "));
        say("seen", &time_of(of.seen_at.as_ref()));
        say("asked", &time(&of.asked_at));
    } else {
        say("directory", "was not asked about it in the last day");
    }
    say(
        "cools",
        view.cooling.as_ref().map_or("", |cooling| &cooling.why),
    );
    say("protections", &view.protections.join(", "));
    for pause in &view.pauses {
        say("paused", &format!("{}, {}", pause.scope(), pause.story()));
    }
    let lists = [scans(view), decisions(view), alerts(view)];
    let lists = lists.iter().map(|table| table.text(columns));
    let lists = lists.filter(|text| !text.is_empty());
    core::iter::once(table.text(columns))
        .chain(lists)
        .collect::<Vec<_>>()
        .join("\n")
}

fn scans(view: &MachineView) -> Table {
    let mut table = Table::new(&[
        "SCAN DECIDED (UTC)",
        "KIND",
        "STATE",
        "OUTCOME",
        "RULE",
        "ID",
    ]);
    for scan in &view.scans {
        let created = time(&scan.created_at);
        let cells = [
            created.as_str(),
            &scan.kind,
            &scan.state,
            scan.outcome.as_deref().unwrap_or_default(),
            scan.rule.as_deref().unwrap_or_default(),
            &scan.id,
        ];
        table.row(cells, waiting(&scan.waits).collect());
    }
    table
}

fn decisions(view: &MachineView) -> Table {
    let mut table = Table::new(&[
        "DECIDED (UTC)",
        "SOURCE",
        "ALERT",
        "STATE",
        "REASON",
        "DECISION",
    ]);
    for one in &view.decisions {
        let at = time(&one.at);
        let cells = [
            at.as_str(),
            &one.source,
            &one.alert,
            &one.state,
            &one.reason,
            &one.id,
        ];
        table.row(
            cells,
            vec![one.why.clone(), format!("next: {}", one.whose_move)],
        );
    }
    table
}

fn alerts(view: &MachineView) -> Table {
    let heads = [
        "RECEIVED (UTC)",
        "SOURCE",
        "ALERT",
        "SEVERITY",
        "STATE",
        "TITLE",
    ];
    let mut table = Table::new(&heads);
    for alert in &view.alerts {
        let at = time(&alert.received_at);
        let cells = [
            at.as_str(),
            &alert.source,
            &alert.receipt.id,
            alert.severity.as_deref().unwrap_or_default(),
            &alert.receipt.state,
            alert.title.as_deref().unwrap_or_default(),
        ];
        table.row(cells, Vec::new());
    }
    table
}
