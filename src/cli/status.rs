//! `scanhook status`.

use std::process::ExitCode;

use super::Format;
use super::output::{self, plain};
use super::responder::Responder;
use super::table::{count, time, time_of};
use crate::api::{DoorView, ReloadView, SourceView, StatusView, TenantView};
use crate::domain::plain::one_line;

/// Characters that are shown of a body.
const SHOWN: usize = 200;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    responder: Responder,
    /// One source, with its last refusals.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let body = args.responder.get("/api/v1/status", &[("source", args.source.as_deref())]).await?;
    let status: StatusView = args.responder.read(&body)?;
    match args.responder.output {
        Format::Json => output::json(&body)?,
        Format::Text => output::print(&text(&status))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Lines, each a key and what is to be said about it.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn head(&mut self, text: &str) {
        if !self.0.is_empty() {
            self.0.push('\n');
        }
        self.0.push_str(&format!("{}\n", plain(text)));
    }

    fn say(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.0.push_str(&format!("  {key:<10}{}\n", plain(text)));
        }
    }
}

fn text(status: &StatusView) -> String {
    let mut lines = Lines::default();
    let ready = if status.ready { "accepts deliveries" } else { "accepts no deliveries" };
    lines.head(&format!("scanhook {} {ready}", status.version));
    lines.say("since", &format!("{} UTC", time(&status.started_at)));
    lines.say("policy", &status.policy);
    if status.dry_run {
        lines.say("dry run", "nothing is sent, whatever the rules say");
    }
    reload_text(&mut lines, status.reload.as_ref());
    for pause in &status.pauses {
        lines.say("paused", &format!("{}, {}", pause.scope(), pause.story()));
    }
    for warning in &status.warnings {
        lines.say("warning", warning);
    }
    for tenant in &status.tenants {
        tenant_text(&mut lines, tenant);
    }
    for source in &status.sources {
        source_text(&mut lines, source);
    }
    if !status.door.is_empty() {
        lines.head("requests that belong to no source");
        door_text(&mut lines, &status.door);
    }
    lines.0
}

/// What the last reading of the files left undone.
fn reload_text(lines: &mut Lines, reload: Option<&ReloadView>) {
    let Some(reload) = reload else { return };
    if !reload.successful {
        let (at, since) = (time(&reload.at), time(&reload.policy_since));
        lines.say("reload", &format!("REFUSED at {at} UTC; the policy in force is that of {since} UTC"));
    }
    for fault in &reload.faults {
        let at = fault.line.zip(fault.column).map_or_else(String::new, |(line, column)| format!(":{line}:{column}"));
        lines.say("fault", &format!("{}{at}: {} [{}]", fault.file, fault.message, fault.code));
    }
    if reload.more_faults > 0 {
        lines.say("fault", &format!("and {} more", reload.more_faults));
    }
    for key in &reload.needs_restart {
        lines.say("restart", &format!("{key} has a new value, which takes a restart"));
    }
}

fn tenant_text(lines: &mut Lines, tenant: &TenantView) {
    lines.head(&format!("tenant {}", tenant.name));
    let scans: Vec<_> = tenant.scans.iter().map(|(state, count)| format!("{count} {state}")).collect();
    let since = |since: &Option<String>| {
        since.as_ref().map_or_else(String::new, |since| format!(", the oldest since {} UTC", time(since)))
    };
    lines.say("scans", if scans.is_empty() { "none yet".to_owned() } else { scans.join(", ") }.as_str());
    if tenant.waiting_since.is_some() {
        lines.say("waiting", since(&tenant.waiting_since).trim_start_matches(", "));
    }
    if tenant.held > 0 {
        lines.say("held", &format!("{} for a person{}", tenant.held, since(&tenant.held_since)));
    }
    if tenant.resolving > 0 {
        lines.say("resolving", &format!("{} for Defender's directory", tenant.resolving));
    }
    for (api, used) in &tenant.quota {
        let (minute, hour) =
            (format!("{}/{}", used.minute, used.per_minute), format!("{}/{}", used.hour, used.per_hour));
        lines.say("quota", &format!("{api}: {minute} in the last minute, {hour} in the last hour"));
        if used.used_by_others_per_minute > 0 || used.used_by_others_per_hour > 0 {
            let others =
                format!("{} a minute, {} an hour", used.used_by_others_per_minute, used.used_by_others_per_hour);
            let left = format!("{} and {}", used.effective_per_minute, used.effective_per_hour);
            lines.say("others", &format!("{api}: others use {others} of it, so {left} are left for now"));
        }
    }
    let lane = &tenant.lane;
    if let Some(audience) = &lane.audience {
        let expires = time_of(lane.token_expires_at.as_ref());
        lines.say("token", &format!("for {audience}, with {}, until {expires} UTC", lane.roles.join(", ")));
    }
    for note in &lane.notes {
        lines.say("note", note);
    }
    if let Some(until) = &lane.paused_until {
        lines.say("pause", &format!("Defender asked to wait until {} UTC", time(until)));
    }
    lines.say("stopped", lane.stopped.as_deref().unwrap_or_default());
}

fn source_text(lines: &mut Lines, source: &SourceView) {
    lines.head(&format!("source {}", source.name));
    let last = source
        .last_delivery_at
        .as_ref()
        .map_or_else(|| "none yet".to_owned(), |last| format!("{}, the last at {} UTC", source.deliveries, time(last)));
    lines.say("received", &last);
    if let (Some(since), Some(every)) = (&source.silent_since, &source.expect_every) {
        lines.say("silent", &format!("since {} UTC, though expected every {every}", time(since)));
    }
    door_text(lines, &source.door);
    for refusal in &source.refusals {
        let clock = refusal.clock_ahead_seconds.map_or_else(String::new, |ahead| {
            format!(
                "; it is {} s {}",
                ahead.unsigned_abs(),
                if ahead < 0 { "behind our clock" } else { "ahead of our clock" }
            )
        });
        lines.say("refused", &format!("{} UTC, {}: {}{clock}", time(&refusal.at), refusal.address, refusal.check));
    }
    for unread in &source.unread {
        let place = if unread.line > 0 { format!(" at {}:{}", unread.line, unread.column) } else { String::new() };
        let (at, bytes) = (time(&unread.at), count(unread.bytes as usize, "byte"));
        lines.say("unread", &format!("{at} UTC, {}{place}, {bytes}, SHA-256 {}", unread.code, unread.sha256));
        lines.say("", &one_line(&unread.head, SHOWN));
    }
}

/// What was refused before anybody asked who sent it.
fn door_text(lines: &mut Lines, door: &[DoorView]) {
    for kind in door {
        let DoorView { count, status, code, detail, address, .. } = kind;
        let name = kind.name.as_ref().map_or_else(String::new, |name| format!(" `{name}`:"));
        let last = format!("the last at {} UTC from {address}", time(&kind.last_at));
        lines.say("refused", &format!("{count} times {status} {code}, {last}:{name} {detail}"));
    }
}
