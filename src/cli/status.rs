//! `scanhook status`: problems first, then a line for each tenant and each source; details of one, or of all, if asked for.

use std::process::ExitCode;

use serde_json::Value;

use super::format::OutputFormat;
use super::output::{self, plain};
use super::responder::Responder;
use super::table::{Table, count, time, time_of};
use super::trouble::{CliError, Exit};
use crate::api::{DoorView, LaneView, QuotaView, ReloadView, SourceView, StatusView, TenantView};
use scanhook_core::plain::one_line;

/// Characters that are shown of a body.
const SHOWN: usize = 200;

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

/// Lines, each a key and what is to be said about it.
#[derive(Default)]
struct StatusLines(String);

impl StatusLines {
    fn head(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(&format!("{}\n", plain(text)));
    }

    fn say(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.0.push_str(&format!("  {key:<9}  {}\n", plain(text)));
        }
    }

    fn table(&mut self, table: &Table) {
        self.0
            .push_str(&format!("\n{}", table.text(output::columns())));
    }
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

/// A line for each tenant: what is open, and whether it can go on.
fn tenants(tenants: &[TenantView]) -> Table {
    let mut table = Table::new(&[
        "TENANT", "MODE", "WAITING", "RUNNING", "HELD", "CALLS/H", "TOKEN",
    ]);
    let number = |number: u32| {
        if number == 0 {
            String::new()
        } else {
            number.to_string()
        }
    };
    for tenant in tenants {
        let scans = |states: &[&str]| {
            states
                .iter()
                .filter_map(|state| tenant.scans.get(*state))
                .sum()
        };
        let (waiting, running) = (
            number(scans(&["waiting"])),
            number(scans(&["sending", "unknown", "running"])),
        );
        let held = number(tenant.held);
        let calls = tenant.quota.get("scan").map_or_else(String::new, |used| {
            format!("{}/{}", used.hour, used.per_hour)
        });
        let token = match &tenant.lane {
            LaneView {
                stopped: Some(_), ..
            } => "STOPPED",
            LaneView { unreachable, .. } if !unreachable.is_empty() => "NO ANSWER",
            LaneView { audience: None, .. } => "none yet",
            LaneView { notes, .. } if !notes.is_empty() => "see above",
            _ => "good",
        };
        let cells = [
            &tenant.name,
            &tenant.mode,
            &waiting,
            &running,
            &held,
            &calls,
        ]
        .map(String::as_str);
        table.row(cells.into_iter().chain([token]), Vec::new());
    }
    table
}

/// A line for each source.
fn sources(sources: &[SourceView]) -> Table {
    let mut table = Table::new(&[
        "SOURCE",
        "RECEIVED",
        "THE LAST (UTC)",
        "REFUSALS",
        "SILENT SINCE (UTC)",
    ]);
    for source in sources {
        let refused = match source.door.iter().map(|kind| kind.count).sum::<u64>() {
            0 => String::new(),
            refused => refused.to_string(),
        };
        let (last, silent) = (
            time_of(source.last_delivery_at.as_ref()),
            time_of(source.silent_since.as_ref()),
        );
        let received = source.deliveries.to_string();
        table.row(
            [source.name.as_str(), &received, &last, &refused, &silent],
            Vec::new(),
        );
    }
    table.without_if_same("SILENT SINCE (UTC)")
}

/// What somebody has to look at, of all tenants and sources.
fn problems(lines: &mut StatusLines, status: &StatusView) {
    let mut found = StatusLines::default();
    for tenant in &status.tenants {
        let of = |what: &str| format!("tenant {}: {what}", tenant.name);
        for outage in &tenant.lane.unreachable {
            found.say("NO ANSWER", &of(&outage.why));
        }
        if let Some(why) = &tenant.lane.stopped {
            found.say("STOPPED", &of(why));
        }
        for note in &tenant.lane.notes {
            found.say("note", &of(note));
        }
        if let Some(until) = &tenant.lane.paused_until {
            found.say(
                "THROTTLED",
                &of(&format!("Defender asked to wait until {} UTC", time(until))),
            );
        }
    }
    for pause in &status.pauses {
        found.say("PAUSED", &format!("{}, {}", pause.scope(), pause.story()));
    }
    reload_text(&mut found, status.reload.as_ref());
    let held = status.tenants.iter().map(|tenant| tenant.held).sum::<u32>();
    if held > 0 {
        let what = count(held as usize, "decision");
        found.say(
            "HELD",
            &format!("{what} for a person: `scanhook decisions --state held`"),
        );
    }
    if status.parked > 0 {
        let last = time_of(status.parked_at.as_ref());
        let what = count(status.parked as usize, "alert");
        found.say(
            "PARKED",
            &format!("{what}, the last at {last} UTC: `scanhook alerts --state parked` says why"),
        );
    }
    for source in status
        .sources
        .iter()
        .filter(|source| source.silent_since.is_some())
    {
        let (since, every) = (
            time_of(source.silent_since.as_ref()),
            source.expect_every.as_deref().unwrap_or_default(),
        );
        found.say(
            "SILENT",
            &format!(
                "source {} since {since} UTC, though expected every {every}",
                source.name
            ),
        );
    }
    for warning in &status.warnings {
        found.say("warning", warning);
    }
    if !found.0.is_empty() {
        lines.head("problems");
        lines.0.push_str(&found.0);
    }
}

/// What the last reading of the files left undone.
fn reload_text(lines: &mut StatusLines, reload: Option<&ReloadView>) {
    let Some(reload) = reload else { return };
    if !reload.successful {
        let (at, since) = (time(&reload.at), time(&reload.policy_since));
        lines.say(
            "reload",
            &format!("REFUSED at {at} UTC; the policy in force is that of {since} UTC"),
        );
    }
    for fault in &reload.faults {
        let at = fault
            .line
            .zip(fault.column)
            .map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        lines.say(
            "fault",
            &format!("{}{at}: {} [{}]", fault.file, fault.message, fault.code),
        );
    }
    if reload.more_faults > 0 {
        lines.say("fault", &format!("and {} more", reload.more_faults));
    }
    for key in &reload.needs_restart {
        lines.say(
            "restart",
            &format!("{key} has a new value, which needs a restart"),
        );
    }
}

fn tenant_text(lines: &mut StatusLines, tenant: &TenantView) {
    lines.head(&format!("tenant {}", tenant.name));
    lines.say("mode", &tenant.mode);
    let scans: Vec<_> = tenant
        .scans
        .iter()
        .map(|(state, count)| format!("{count} {state}"))
        .collect();
    let since = |since: &Option<String>| {
        since.as_ref().map_or_else(String::new, |since| {
            format!(", the oldest since {} UTC", time(since))
        })
    };
    lines.say(
        "scans",
        if scans.is_empty() {
            "none yet".to_owned()
        } else {
            scans.join(", ")
        }
        .as_str(),
    );
    if tenant.waiting_since.is_some() {
        lines.say(
            "waiting",
            since(&tenant.waiting_since).trim_start_matches(", "),
        );
    }
    if tenant.held > 0 {
        lines.say(
            "held",
            &format!("{} for a person{}", tenant.held, since(&tenant.held_since)),
        );
    }
    if tenant.resolving > 0 {
        lines.say(
            "resolving",
            &format!("{} for Defender's directory", tenant.resolving),
        );
    }
    tenant
        .quota
        .iter()
        .for_each(|(api, used)| quota_text(lines, api, used));
    let lane = &tenant.lane;
    match &lane.audience {
        Some(audience) => {
            let (expires, id) = (
                time_of(lane.token_expires_at.as_ref()),
                lane.tenant_id.as_deref().unwrap_or("unknown"),
            );
            let roles = lane.roles.join(", ");
            lines.say(
                "token",
                &format!("for {audience}, tenant {id}, with {roles}, until {expires} UTC"),
            );
        }
        None => lines.say("token", "none yet"),
    }
}

/// Scan calls, and of the other APIs those whose quota is half spent or used by others: `-o json` has them all.
fn quota_text(lines: &mut StatusLines, api: &str, used: &QuotaView) {
    let others = used.used_by_others_per_minute > 0 || used.used_by_others_per_hour > 0;
    let half =
        used.minute * 2 >= used.effective_per_minute || used.hour * 2 >= used.effective_per_hour;
    if api != "scan" && !others && !half {
        return;
    }
    let (minute, hour) = (
        format!("{}/{}", used.minute, used.per_minute),
        format!("{}/{}", used.hour, used.per_hour),
    );
    lines.say(
        "quota",
        &format!("{api}: {minute} in the last minute, {hour} in the last hour"),
    );
    if others {
        let others = format!(
            "{} a minute, {} an hour",
            used.used_by_others_per_minute, used.used_by_others_per_hour
        );
        let left = format!(
            "{} and {}",
            used.effective_per_minute, used.effective_per_hour
        );
        lines.say(
            "others",
            &format!("{api}: others use {others} of it, so {left} are left for now"),
        );
    }
}

fn source_text(lines: &mut StatusLines, source: &SourceView) {
    lines.head(&format!("source {}", source.name));
    let last = source.last_delivery_at.as_ref().map_or_else(
        || "none yet".to_owned(),
        |last| format!("{}, the last at {} UTC", source.deliveries, time(last)),
    );
    lines.say("received", &last);
    if let (Some(since), Some(every)) = (&source.silent_since, &source.expect_every) {
        lines.say(
            "silent",
            &format!("since {} UTC, though expected every {every}", time(since)),
        );
    }
    door_text(lines, &source.door);
    for refusal in &source.refusals {
        let clock = refusal
            .clock_ahead_seconds
            .map_or_else(String::new, |ahead| {
                format!(
                    "; it is {} s {}",
                    ahead.unsigned_abs(),
                    if ahead < 0 {
                        "behind our clock"
                    } else {
                        "ahead of our clock"
                    }
                )
            });
        lines.say(
            "refused",
            &format!(
                "{} UTC, {}: {}{clock}",
                time(&refusal.at),
                refusal.address,
                refusal.check
            ),
        );
    }
    for unread in &source.unread {
        let place = if unread.line > 0 {
            format!(" at {}:{}", unread.line, unread.column)
        } else {
            String::new()
        };
        let (at, bytes) = (time(&unread.at), count(unread.bytes as usize, "byte"));
        lines.say(
            "unread",
            &format!(
                "{at} UTC, {}{place}, {bytes}, SHA-256 {}",
                unread.code, unread.sha256
            ),
        );
        lines.say("", &one_line(&unread.head, SHOWN));
    }
}

/// What was refused before anybody asked who sent it.
fn door_text(lines: &mut StatusLines, door: &[DoorView]) {
    for kind in door {
        let DoorView {
            count,
            status,
            code,
            detail,
            address,
            ..
        } = kind;
        let name = kind
            .name
            .as_ref()
            .map_or_else(String::new, |name| format!(" `{name}`:"));
        let last = format!("the last at {} UTC from {address}", time(&kind.last_at));
        lines.say(
            "refused",
            &format!("{count} times {status} {code}, {last}:{name} {detail}"),
        );
    }
}
