//! `scanhook replay`: what a policy would have made of alerts that came before. Sends nothing, asks nobody.

mod args;
mod bar;
mod left;
mod show;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::format::OutputFormat;
use super::load;
use super::output::{self, plain};
use super::trouble::{CliError, Exit};
use crate::journal::{Archive, JournalError};
use crate::presets;
use crate::replay::{Assumed, Bodies, Replay, ReplayReport, ReplayStage, Takes};
use crate::settings::{Flags, Inputs, JournalLocation, Settings, Source, there_is};
use args::Directory;
pub(super) use args::ReplayArgs;
use bar::ReplayBar;
use left::{Left, tell, whole};

/// How SQLite's files begin.
const DATABASE: &[u8] = b"SQLite format 3\0";
/// The name of a journal whose configuration says no other.
const JOURNAL: &str = "scanhook.db";

/// What is played.
enum Input {
    Journal(Box<Archive>),
    Bodies(Box<Bodies>),
}

pub(super) fn run(args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let path = load::inputs(args.config.as_ref(), args.rules.as_ref()).rules();
    let policy = load::policy(&path, Exit::Configuration)?.policy;
    let against = match &args.against {
        Some(path) => Some(load::policy(path, Exit::Configuration)?.policy),
        None => None,
    };
    let settings = settings(args)?;
    let with_bodies = [Some(&policy), against.as_ref()]
        .into_iter()
        .flatten()
        .any(|one| one.rules().reads_body());
    let input = input(args, settings.as_ref(), with_bodies)?;
    let stage = stage(args, settings.as_ref());
    let (report, left) = play(
        input,
        Replay::new(stage, &policy, against.as_ref()),
        args.top,
    )?;
    tell(&left);
    if report.deliveries == 0 {
        let (exit, sentence) = match left.unreadable {
            0 => (Exit::NoInput, "there is nothing to replay".to_owned()),
            all => (
                Exit::BadData,
                if all == 1 {
                    "the only body cannot be read".to_owned()
                } else {
                    format!("none of {all} bodies can be read")
                },
            ),
        };
        return Err(CliError::new(exit, sentence).into());
    }
    match args.output {
        OutputFormat::Json => {
            output::json(&serde_json::to_string_pretty(&whole(&report, &left)?)?)?
        }
        OutputFormat::Text => output::tell(&show::text(&report, args))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration, if there is one. Nothing is called, so no tenant needs a credential.
fn settings(args: &ReplayArgs) -> Result<Option<Settings>, CliError> {
    let flags = Flags {
        credential_free: true,
        data_dir: args.data_dir.clone(),
        ..Flags::default()
    };
    let inputs = Inputs::from_process(args.config.clone(), flags);
    inputs
        .file
        .is_some()
        .then(|| load::settings(&inputs))
        .transpose()
}

fn stage(args: &ReplayArgs, settings: Option<&Settings>) -> ReplayStage {
    let assumed = match args.directory {
        Directory::Unremarkable => Assumed::Unremarkable,
        Directory::Silent => Assumed::Silent,
    };
    let (sources, tenants) = settings.map_or((&[][..], &[][..]), |settings| {
        (&settings.sources, &settings.tenants)
    });
    ReplayStage::new(
        sources,
        tenants,
        assumed,
        Takes {
            quick: args.quick,
            full: args.full,
        },
    )
}

fn input(
    args: &ReplayArgs,
    settings: Option<&Settings>,
    with_bodies: bool,
) -> anyhow::Result<Input> {
    let journal = settings.map(|settings| settings.journal.location());
    let Some(path) = &args.input else {
        let here = args.data_dir.as_ref();
        let here = here.map(|folder| JournalLocation::File(there_is(&folder.join(JOURNAL))));
        let sentence = "name a journal or captured bodies; without a scanhook.toml there is no other way to find one";
        let place = journal.or(here);
        let place = place.ok_or_else(|| CliError::new(Exit::NoInput, sentence))?;
        return archive(&place, args, with_bodies);
    };
    let about = std::fs::metadata(path).map_err(|error| CliError::reading(path, &error))?;
    if about.is_dir() {
        let name = match &journal {
            Some(JournalLocation::File(path)) => path.file_name(),
            _ => None,
        };
        let inside = there_is(&path.join(name.unwrap_or(JOURNAL.as_ref())));
        if inside.is_file() {
            return archive(&JournalLocation::File(inside), args, with_bodies);
        }
    } else if is_database(path).map_err(|error| CliError::reading(path, &error))? {
        return archive(&JournalLocation::File(path.clone()), args, with_bodies);
    }
    let source = source(args, settings)?;
    let bodies =
        Bodies::find(path, source).map_err(|(path, error)| CliError::reading(&path, &error))?;
    Ok(Input::Bodies(Box::new(bodies)))
}

fn is_database(path: &Path) -> std::io::Result<bool> {
    let mut head = Vec::new();
    std::fs::File::open(path)?
        .take(DATABASE.len() as u64)
        .read_to_end(&mut head)?;
    Ok(head == DATABASE)
}

fn archive(place: &JournalLocation, args: &ReplayArgs, with_bodies: bool) -> anyhow::Result<Input> {
    if let JournalLocation::File(path) = place {
        load::readable(path)?;
    }
    let archive = Archive::at(place, args.source.as_deref(), with_bodies);
    let archive = archive.map_err(|error| CliError::opening(place, &error))?;
    Ok(Input::Journal(Box::new(archive)))
}

/// Whose bodies these are.
fn source(args: &ReplayArgs, settings: Option<&Settings>) -> Result<Source, CliError> {
    let configured = settings.map_or(&[][..], |settings| &settings.sources);
    let shipped: Vec<&str> = presets::names().collect();
    let names: Vec<&str> = configured
        .iter()
        .map(|source| source.name.as_str())
        .collect();
    let known = if names.is_empty() {
        shipped.join(", ")
    } else {
        names.join(", ")
    };
    let found = match (&args.source, configured) {
        (Some(name), _) => configured
            .iter()
            .find(|source| source.name == *name)
            .cloned()
            .or_else(|| Source::of_preset(name)),
        (None, [only]) => Some(only.clone()),
        (None, _) => {
            let sentence = format!("--source must say whose bodies these are; there is {known}");
            return Err(CliError::new(Exit::Usage, sentence));
        }
    };
    found.ok_or_else(|| {
        let name = args.source.as_deref().map_or_else(String::new, plain);
        CliError::new(
            Exit::Usage,
            format!("no source is called `{name}`; there is {known}"),
        )
    })
}

fn play(
    input: Input,
    mut replay: Replay<'_>,
    top: usize,
) -> Result<(ReplayReport, Left), CliError> {
    let mut left = Left::default();
    match input {
        Input::Journal(mut archive) => {
            let broken = |error: JournalError| CliError::new(Exit::Io, error.to_string());
            let bar = ReplayBar::new("deliveries", archive.count().map_err(broken)?);
            while let Some(delivery) = archive.next().map_err(broken)? {
                left.damaged(&delivery.place, delivery.damaged);
                replay
                    .take(&delivery, &mut |tenant, machine| {
                        archive.record(tenant, machine)
                    })
                    .map_err(broken)?;
                bar.on(1);
            }
        }
        Input::Bodies(mut bodies) => {
            let unreadable =
                |(path, error): (PathBuf, std::io::Error)| CliError::reading(&path, &error);
            // Each is read twice: for its place in time, and to be played.
            let bar = ReplayBar::new("bytes", bodies.bytes().saturating_mul(2));
            bodies
                .sort(&mut |bytes| bar.on(bytes))
                .map_err(unreadable)?;
            while let Some((delivery, bytes)) = bodies.next().map_err(unreadable)? {
                let Ok(()) = replay.take(&delivery, &mut |_, _| {
                    Ok::<_, core::convert::Infallible>(None)
                });
                bar.on(bytes);
            }
            (left.unreadable, left.first) = bodies.unusable;
            (left.timeless, left.passed_over) = (bodies.timeless, bodies.passed_over);
        }
    }
    Ok((replay.finish(top), left))
}
