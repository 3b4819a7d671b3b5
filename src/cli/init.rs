//! `scanhook init`: a scanhook.toml for one sender with its secret, and what to enter elsewhere.

use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::output::{self, plain};
use super::trouble::{Exit, Trouble};
use crate::presets::{self, Guide};

/// Stands in the guides for the address of whoever runs this.
const EXAMPLE: &str = "https://scanhook.example";
const SECRET: &str = "<the secret>";
const CREDENTIAL: &str = "secrets/defender-app";

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The sender: a preset's name.
    #[arg(long, value_name = "PRESET")]
    source: String,
    /// Where scanhook.toml and its secrets go.
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// The address senders will reach scanhook at.
    #[arg(long, value_name = "URL", default_value = EXAMPLE)]
    url: String,
    /// The Entra tenant's id.
    #[arg(long, value_name = "ID", default_value = "<tenant id>")]
    tenant_id: String,
    /// The app registration's id.
    #[arg(long, value_name = "ID", default_value = "<client id>")]
    client_id: String,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(guide) = presets::guide(&args.source) else {
        let known: Vec<_> = presets::names().collect();
        let sentence = format!("no preset is called `{}`; there is {}", plain(&args.source), known.join(", "));
        return Err(Trouble::new(Exit::Usage, sentence).into());
    };
    let secrets = secrets(guide.config);
    let file = args.dir.join("scanhook.toml");
    for path in core::iter::once(&file).chain(&secrets.iter().map(|name| args.dir.join(name)).collect::<Vec<_>>()) {
        if path.exists() {
            let sentence = format!("{} is there already; nothing was written", path.display());
            return Err(Trouble::new(Exit::Usage, sentence).into());
        }
    }
    folder(&args.dir.join("secrets"))?;
    for name in &secrets {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|error| Trouble::new(Exit::Internal, format!("no randomness: {error}")))?;
        write(&args.dir.join(name), 0o600, &format!("{}\n", hex::encode(bytes)))?;
    }
    write(&file, 0o644, &config(args, guide))?;
    output::print(&told(args, guide, &secrets))?;
    Ok(ExitCode::SUCCESS)
}

/// The secrets a configuration names, each once.
fn secrets(config: &str) -> Vec<&str> {
    let named = config.split('"').filter(|text| text.starts_with("secrets/"));
    let mut names = Vec::new();
    for name in named {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The file, with the preset that was asked for: one page may serve several.
fn config(args: &Args, guide: Guide) -> String {
    let line = |line: &str| match line.split_once('=') {
        Some((key, _)) if key.trim() == "preset" => format!("{key}= \"{}\"\n", args.source),
        _ => format!("{line}\n"),
    };
    let source: String = guide.config.lines().map(line).collect();
    let (tenant, client) = (toml::Value::from(args.tenant_id.as_str()), toml::Value::from(args.client_id.as_str()));
    format!(
        "# How scanhook runs. Every key: scanhook.example.toml. What it does with an alert stands in rules.toml.\n\n\
         [tenants.default]\ntenant_id  = {tenant}\nclient_id  = {client}\n\
         credential = {{ secret_file = \"{CREDENTIAL}\" }}\n\n{source}"
    )
}

/// What is left to do.
fn told(args: &Args, guide: Guide, secrets: &[&str]) -> String {
    let shown = |path: &str| args.dir.join(path).display().to_string();
    let mut text = format!("Written: {}\n", shown("scanhook.toml"));
    for name in secrets {
        text.push_str(&format!("         {}: 32 random bytes in hex, for you alone\n", shown(name)));
    }
    let content = secrets.first().map_or_else(String::new, |name| format!("<the text of {}>", shown(name)));
    let steps = guide.steps.replace(EXAMPLE, args.url.trim_end_matches('/')).replace(SECRET, &content);
    text.push_str(&format!("\nAt the sender:\n\n{steps}\n\n"));
    let (tenant, client) = (plain(&args.tenant_id), plain(&args.client_id));
    text.push_str(&format!(
        "At Entra ID:\n\n\
         1. An app registration of scanhook's own, this directory only, with the application permissions Machine.Scan and\n   \
            Machine.Read.All of WindowsDefenderATP.\n\
         2. Admin consent: https://login.microsoftonline.com/{tenant}/adminconsent?client_id={client}\n\
         3. A client secret; paste its value: umask 077; cat > {}\n\n\
         Then: a rules.toml beside it (the one that comes with scanhook is a start, in dry run); scanhook check;\n   \
            scanhook serve\n",
        shown(CREDENTIAL)
    ));
    text
}

fn folder(path: &Path) -> Result<(), Trouble> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| Trouble::reading(path, &error))
}

/// Writes a file that is not there yet.
fn write(path: &Path, mode: u32, text: &str) -> Result<(), Trouble> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Trouble::reading(path, &error))
}
