//! `scanhook status`: problems first, then a line for each tenant and each source; details of one, or of all, if asked for.

mod lines;
mod overview;
mod problems;
mod replicas;
mod source;
mod tenant;

use std::process::ExitCode;

use serde_json::Value;

use super::format::OutputFormat;
use super::output::{self, plain};
use super::responder::Responder;
use super::table::time;
use super::trouble::{CliError, Exit};
use crate::api::{CertificateView, StatusView};
use lines::StatusLines;
use overview::{receivers, sources, tenants};
use problems::problems;
use replicas::replicas;
use source::{door_text, source_text};
use tenant::tenant_text;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    responder: Responder,
    /// One source, with its last refusals.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// One tenant: its scans, quota and token.
    #[arg(long, value_name = "NAME", conflicts_with = "source")]
    tenant: Option<String>,
    /// The same of all tenants and sources.
    #[arg(long, conflicts_with_all = ["source", "tenant"])]
    details: bool,
}

pub(super) async fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let body = args
        .responder
        .get("/api/v1/status", &[("source", args.source.as_deref())])
        .await?;
    let mut status: StatusView = args.responder.read(&body)?;
    let known: Vec<_> = status
        .tenants
        .iter()
        .map(|tenant| tenant.name.clone())
        .collect();
    if let Some(name) = args.tenant.as_ref().filter(|name| !known.contains(name)) {
        let sentence = format!(
            "no tenant is called `{}`; there is {}",
            plain(name),
            known.join(", ")
        );
        return Err(CliError::new(Exit::NoInput, sentence).into());
    }
    match (args.responder.output, &args.tenant) {
        (OutputFormat::Json, None) => output::json(&body)?,
        (OutputFormat::Json, Some(name)) => output::json(&of_tenant(&body, name)?)?,
        (OutputFormat::Text, name) => {
            status
                .tenants
                .retain(|tenant| name.as_ref().is_none_or(|name| tenant.name == *name));
            output::tell(&text(&status, args))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The answer with one tenant alone in it.
fn of_tenant(body: &str, name: &str) -> serde_json::Result<String> {
    let mut answer: Value = serde_json::from_str(body)?;
    if let Some(tenants) = answer.get_mut("tenants").and_then(Value::as_array_mut) {
        tenants.retain(|tenant| tenant["name"] == name);
    }
    Ok(answer.to_string())
}

fn text(status: &StatusView, args: &StatusArgs) -> String {
    let mut lines = StatusLines::default();
    lines.head(&status.armed);
    let ready = if status.ready {
        "accepts deliveries"
    } else {
        "accepts no deliveries"
    };
    let since = time(&status.started_at);
    lines.say(
        "scanhook",
        &format!("{} {ready}, since {since} UTC", status.version),
    );
    lines.say("policy", &status.policy);
    replicas(&mut lines, status);
    for CertificateView { place, ends } in &status.certificates {
        lines.say("ends", &format!("{ends}, the certificate of {place}"));
    }
    problems(&mut lines, status);
    let all = args.details;
    match (&args.source, &args.tenant) {
        (Some(_), _) => status
            .sources
            .iter()
            .for_each(|source| source_text(&mut lines, source)),
        (None, Some(_)) => status
            .tenants
            .iter()
            .for_each(|tenant| tenant_text(&mut lines, tenant)),
        (None, None) if all => {
            status
                .tenants
                .iter()
                .for_each(|tenant| tenant_text(&mut lines, tenant));
            status
                .sources
                .iter()
                .for_each(|source| source_text(&mut lines, source));
        }
        (None, None) => {
            lines.table(&tenants(&status.tenants));
            lines.table(&sources(&status.sources));
            if !status.receivers.is_empty() {
                lines.table(&receivers(&status.receivers));
            }
        }
    }
    let of_one = args.source.is_some() || args.tenant.is_some();
    if !status.door.is_empty() && !of_one {
        lines.head("requests that belong to no source");
        door_text(&mut lines, &status.door);
    }
    if !all && !of_one {
        lines.head("details: `scanhook status --tenant NAME`, --source NAME, or --details of all");
    }
    lines.0
}
