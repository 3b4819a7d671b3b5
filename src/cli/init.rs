//! `scanhook init`: the files of a first sender, or of one more, and what to enter elsewhere.

mod args;
mod begun;
mod steps;

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use super::fit;
use super::output::{self, plain};
use super::trouble::{CliError, Exit};
use crate::policy;
use crate::presets::{self, Guide};
use args::CREDENTIAL;
pub(super) use args::InitArgs;
use begun::NewSource;

const CONFIG: &str = "scanhook.toml";
const RULES: &str = "rules.toml";
/// What no repository should take up.
const IGNORED: [&str; 2] = ["/secrets/", "/scanhook*.db*"];
/// The one sender that comes with a template of its own.
const SENTINEL: &str = "sentinel-incident";
const LOGIC_APP: &str = "sentinel-logic-app.json";

pub(super) fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    let begun = NewSource::of(args, guide(&args.source)?)?;
    let config = args.dir.join(CONFIG);
    let table = if args.add {
        begun.beside(&config, args.tenant.as_deref())?
    } else {
        begun.config.clone()
    };
    let new = begun
        .secrets
        .iter()
        .map(|name| args.dir.join(name))
        .chain((!args.add).then(|| config.clone()));
    if let Some(there) = new.into_iter().find(|path| path.exists()) {
        let hint = if there == config {
            "; --add adds a sender to it"
        } else {
            "; --name gives this sender another"
        };
        let sentence = format!(
            "{} is there already, and nothing was written{hint}",
            there.display()
        );
        return Err(CliError::new(Exit::Usage, sentence).into());
    }
    let mut written = Vec::new();
    folder(&args.dir.join("secrets"))?;
    for name in &begun.secrets {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)
            .map_err(|error| CliError::new(Exit::Internal, format!("no randomness: {error}")))?;
        create(
            &args.dir.join(name),
            0o600,
            &format!("{}\n", hex::encode(bytes)),
        )?;
        written.push((name.clone(), "32 random bytes in hex, for you alone"));
    }
    if args.add {
        append(&config, &format!("\n{table}"))?;
        written.push((CONFIG.to_owned(), "the new source, at its end"));
    } else {
        create(&config, 0o644, &whole(args, &table))?;
        written.push((CONFIG.to_owned(), "how it runs"));
    }
    written.extend(company(args, &begun)?);
    output::print(&told(args, &begun, &written))?;
    Ok(ExitCode::SUCCESS)
}

/// How a sender is set up, or which was probably meant.
fn guide(source: &str) -> Result<Guide, CliError> {
    presets::guide(source).ok_or_else(|| {
        let meant: Vec<_> = presets::meant(source)
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let meant = if meant.is_empty() {
            String::new()
        } else {
            format!("did you mean {}? ", meant.join(" or "))
        };
        let known: Vec<_> = presets::names().collect();
        let sentence = format!(
            "no preset is called `{}`; {meant}Known: {}",
            plain(source),
            known.join(", ")
        );
        CliError::new(Exit::Usage, sentence)
    })
}

/// A whole scanhook.toml with one source.
fn whole(args: &InitArgs, source: &str) -> String {
    let (tenant, client) = (
        toml::Value::from(args.tenant_id.as_str()),
        toml::Value::from(args.client_id.as_str()),
    );
    format!(
        "# How scanhook runs. Every key: scanhook.example.toml. What it does with an alert stands in {RULES}.\n\n\
         [tenants.default]\ntenant_id  = {tenant}\nclient_id  = {client}\n\
         credential = {{ secret_file = \"{CREDENTIAL}\" }}\n\n{source}"
    )
}

/// What belongs beside the configuration, as far as it is not there.
fn company(args: &InitArgs, begun: &NewSource) -> Result<Vec<(String, &'static str)>, CliError> {
    let mut written = Vec::new();
    let rules = args.dir.join(RULES);
    if !rules.exists() {
        create(&rules, 0o644, policy::shipped())?;
        written.push((
            RULES.to_owned(),
            "the policy that comes with scanhook, as a dry run",
        ));
    }
    let ignored = args.dir.join(".gitignore");
    let there = if ignored.exists() {
        std::fs::read_to_string(&ignored).map_err(|error| CliError::reading(&ignored, &error))?
    } else {
        String::new()
    };
    let missing: Vec<_> = IGNORED
        .iter()
        .filter(|line| !there.lines().any(|one| one.trim() == **line))
        .collect();
    if !missing.is_empty() {
        let end = if there.is_empty() || there.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        let lines: String = missing.iter().map(|line| format!("{line}\n")).collect();
        append(&ignored, &format!("{end}{lines}"))?;
        written.push((
            ".gitignore".to_owned(),
            "keeps secrets and journal out of git",
        ));
    }
    let template = args.dir.join(LOGIC_APP);
    if args.source == SENTINEL && !template.exists() {
        create(
            &template,
            0o644,
            &steps::logic_app(&begun.address, &begun.name),
        )?;
        written.push((
            LOGIC_APP.to_owned(),
            "the template for Azure; it holds no secret",
        ));
    }
    Ok(written)
}

/// What was written, and what is left to do.
fn told(args: &InitArgs, begun: &NewSource, written: &[(String, &str)]) -> String {
    let shown = |path: &str| args.dir.join(path).display().to_string();
    let columns = output::columns();
    let files: String = written
        .iter()
        .map(|(name, what)| format!("  {}: {what}\n", shown(name)))
        .collect();
    let mut text = format!("Written:\n{}", fit::folded(&files, columns));
    let secret = begun
        .secrets
        .first()
        .map_or_else(String::new, |name| format!("<the text of {}>", shown(name)));
    text.push_str(&format!("\nAt the sender:\n\n{}\n\n", begun.steps(&secret)));
    if !args.add {
        // A placeholder without a blank, so that the address stays whole.
        let (tenant, client) = (
            plain(&args.tenant_id).replace(' ', "-"),
            plain(&args.client_id).replace(' ', "-"),
        );
        let mut steps = format!(
            "1. An app registration of scanhook's own, this directory only, with the application permissions \
             Machine.Scan and Machine.Read.All of WindowsDefenderATP.\n\
             2. Admin consent: https://login.microsoftonline.com/{tenant}/adminconsent?client_id={client}\n\
             3. A client secret; paste its value: `umask 077; cat > {}`\n",
            shown(CREDENTIAL)
        );
        if args.tenant_id.starts_with('<') || args.client_id.starts_with('<') {
            steps.push_str(&format!(
                "4. Write the ids of tenant and app into {}.\n",
                shown(CONFIG)
            ));
        }
        text.push_str(&format!("At Entra ID:\n\n{}", fit::folded(&steps, columns)));
        text.push('\n');
    }
    let named = if args.dir == Path::new(".") {
        String::new()
    } else {
        format!(" --config {}", shown(CONFIG))
    };
    text.push_str(&format!(
        "Then:\n\n   scanhook check{named}\n   scanhook serve{named}\n"
    ));
    text
}

fn folder(path: &Path) -> Result<(), CliError> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| CliError::reading(path, &error))
}

/// Writes a file that is not there yet.
fn create(path: &Path, mode: u32, text: &str) -> Result<(), CliError> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CliError::reading(path, &error))
}

/// Writes to the end of a file, in one write: a running scanhook may be reading it.
fn append(path: &Path, text: &str) -> Result<(), CliError> {
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| CliError::reading(path, &error))
}
