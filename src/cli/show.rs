//! `scanhook show`: the policy as it is in force, every default in its place.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::UNIX_EPOCH;

use serde::Serialize;

use super::format::OutputFormat;
use super::load;
use super::output::{self, plain};
use super::table::{Table, count, time};
use super::trouble::Exit;
use crate::clock;
use scanhook_core::rules::{
    LimitOutline, Outline, ProtectionOutline, RuleOutline, TimesOutline, duration,
};
use scanhook_core::time::Timestamp;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ShowArgs {
    /// The policy; without it, rules.toml beside the configuration.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// The configuration, which may name the policy; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How it is written.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// A policy with the files it was read from.
#[derive(Serialize)]
struct ShownPolicy {
    /// SHA-256 over the rules and the files of the lists: what decisions record.
    fingerprint: String,
    /// The rules, then the files of the lists; each with the time of its last change, as far as the disk says.
    files: BTreeMap<String, Option<String>>,
    #[serde(flatten)]
    outline: Outline,
    #[serde(skip)]
    rules: PathBuf,
    #[serde(skip)]
    now: Timestamp,
}

pub(super) fn run(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let rules = load::inputs(args.config.as_ref(), args.rules.as_ref()).rules();
    let policy = load::policy(&rules, Exit::Configuration)?.policy;
    let now = clock::now();
    let changed = |path: PathBuf| {
        (
            path.display().to_string(),
            changed(&path).map(|at| at.to_string()),
        )
    };
    let shown = ShownPolicy {
        fingerprint: policy.fingerprint().to_owned(),
        files: policy.files().into_iter().map(changed).collect(),
        outline: policy.rules().outline(policy.text(), now),
        rules,
        now,
    };
    match args.output {
        OutputFormat::Json => output::json(&serde_json::to_string_pretty(&shown)?)?,
        OutputFormat::Text => output::tell(&shown.text())?,
    }
    Ok(ExitCode::SUCCESS)
}

/// When a file was changed last.
fn changed(path: &Path) -> Option<Timestamp> {
    let since = std::fs::metadata(path)
        .and_then(|about| about.modified())
        .ok()?
        .duration_since(UNIX_EPOCH)
        .ok()?;
    i64::try_from(since.as_millis())
        .ok()
        .map(Timestamp::from_millis)
}

impl ShownPolicy {
    fn text(&self) -> String {
        let mut text = format!("policy {}\n", self.fingerprint);
        let (of_rules, tests) = (self.age(&self.rules), count(self.outline.tests, "test"));
        text.push_str(&format!(
            "{}{of_rules}, {tests}\n",
            plain(&self.rules.display().to_string())
        ));
        let parts = [
            self.defaults(),
            self.lists(),
            self.windows(),
            protections(&self.outline),
            rules(&self.outline),
        ];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .for_each(|part| text.push_str(&format!("\n{part}")));
        text
    }

    /// `, changed 3d ago`; to one unit, for nobody needs the seconds.
    fn age(&self, file: &Path) -> String {
        let Some(at) = self
            .files
            .get(&file.display().to_string())
            .and_then(Option::as_deref)
        else {
            return String::new();
        };
        let seconds = Timestamp::parse(at).map_or(0, |at| self.now.since(at).as_secs());
        let unit = [86_400, 3_600, 60]
            .into_iter()
            .find(|unit| seconds >= *unit)
            .unwrap_or(1);
        format!(
            ", changed {} ago",
            duration::show(core::time::Duration::from_secs(seconds - seconds % unit))
        )
    }

    fn defaults(&self) -> String {
        let defaults = &self.outline.defaults;
        let mut table = Table::new(&["DEFAULT", ""]);
        let cooldown = format!(
            "quick {}, full {}",
            defaults.cooldown_quick, defaults.cooldown_full
        );
        table.row(["mode", defaults.mode.code()], Vec::new());
        table.row(["cooldown", cooldown.as_str()], Vec::new());
        table.row(
            ["limit", limit(defaults.limit.as_ref()).as_str()],
            Vec::new(),
        );
        table.row(["max_age", defaults.max_age.as_str()], Vec::new());
        table.row(["hold_for", defaults.hold_for.as_str()], Vec::new());
        table.row(
            ["resolve_within", defaults.resolve_within.as_str()],
            Vec::new(),
        );
        table.text(output::columns()) + &format!("comment: {}\n", plain(&defaults.comment))
    }

    fn lists(&self) -> String {
        let mut table = Table::new(&["LIST", "TYPE", "ENTRIES", "ENDED", "NEXT END (UTC)", "FILE"]);
        let folder = self.rules.parent().unwrap_or(Path::new(""));
        for list in &self.outline.lists {
            let (entries, ended) = (list.entries.to_string(), list.ended.to_string());
            let next = list.next_end.as_deref().map_or_else(String::new, time);
            let file = list.file.as_ref().map_or_else(String::new, |file| {
                format!("{file}{}", self.age(&folder.join(file)))
            });
            table.row(
                [
                    list.name.as_str(),
                    list.kind.code(),
                    &entries,
                    &ended,
                    &next,
                    &file,
                ],
                Vec::new(),
            );
        }
        table.text(output::columns())
    }

    fn windows(&self) -> String {
        let mut table = Table::new(&["WINDOW", "ZONE", "DAYS", "HOURS", "NOW"]);
        for window in &self.outline.windows {
            let days = if window.days.len() == 7 {
                "every day".to_owned()
            } else {
                window.days.join(", ")
            };
            let now = match (window.open, &window.opens) {
                (true, _) => "open".to_owned(),
                (false, Some(opens)) => format!("closed, opens {} UTC", time(opens)),
                (false, None) => "closed, and never opens".to_owned(),
            };
            let hours = window.hours.join(", ");
            table.row(
                [window.name.as_str(), &window.timezone, &days, &hours, &now],
                Vec::new(),
            );
        }
        table.text(output::columns())
    }
}

fn protections(outline: &Outline) -> String {
    let mut table = Table::new(&["PROTECTION", "AT MOST", "IF UNKNOWN", "LINE"]);
    for ProtectionOutline {
        name,
        line,
        when,
        unless,
        at_most,
        people,
        times,
        if_unknown,
    } in &outline.protections
    {
        let mut at_most = at_most
            .map_or("as the rule says", |most| most.code())
            .to_owned();
        if *people > 1 {
            at_most.push_str(&format!(" for {people} people"));
        }
        let line = line.to_string();
        table.row(
            [name.as_str(), &at_most, if_unknown.code(), &line],
            conditions(when, unless.as_deref(), times),
        );
    }
    table.text(output::columns())
}

fn rules(outline: &Outline) -> String {
    let mut table = Table::new(&[
        "RULE", "SCAN", "MODE", "PRIORITY", "COOLDOWN", "LIMIT", "MAX AGE", "LINE",
    ]);
    for (n, rule) in outline.rules.iter().enumerate() {
        let RuleOutline {
            name,
            line,
            scan,
            when,
            unless,
            times,
            mode,
            priority,
            cooldown,
            limit: most,
            max_age,
        } = rule;
        let (name, line, most) = (
            format!("{}. {name}", n + 1),
            line.to_string(),
            limit(most.as_ref()),
        );
        let below = conditions(when, unless.as_deref(), times);
        if *scan == "none" {
            table.row([name.as_str(), scan, "", "", "", "", "", &line], below);
            continue;
        }
        let priority =
            priority.map_or_else(|| "by severity".to_owned(), |priority| priority.to_string());
        let cooldown = cooldown.as_deref().unwrap_or_default();
        table.row(
            [
                name.as_str(),
                scan,
                mode.code(),
                &priority,
                cooldown,
                &most,
                max_age,
                &line,
            ],
            below,
        );
    }
    table.text(output::columns())
}

fn limit(limit: Option<&LimitOutline>) -> String {
    limit.map_or_else(
        || "none".to_owned(),
        |limit| format!("{} in {}", count(limit.scans as usize, "scan"), limit.per),
    )
}

/// What stands below a rule or a protection.
fn conditions(when: &str, unless: Option<&str>, times: &TimesOutline) -> Vec<String> {
    let mut lines = vec![format!("when {when}")];
    lines.extend(unless.map(|unless| format!("unless {unless}")));
    for (key, windows) in [
        ("during", &times.during),
        ("outside", &times.outside),
        ("start", &times.start),
    ] {
        if !windows.is_empty() {
            lines.push(format!("{key} {}", windows.join(", ")));
        }
    }
    lines
}
