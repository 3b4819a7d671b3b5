//! `scanhook journal copy`: from a file into a database. It takes no configuration: that one names the file still, and the
//! next one the database.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use super::super::load;
use super::super::output;
use super::super::trouble::{CliError, Exit};
use crate::clock;
use crate::journal::{Ids, copy_journal};
use crate::settings::{named_database, sqlite_path};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct CopyArgs {
    /// The file, as `[journal] url` names it; a relative path counts from here.
    #[arg(value_name = "sqlite:PATH")]
    from: String,
    /// The database, in which `scanhook journal init` has made the tables.
    #[arg(value_name = "postgres://USER@HOST:PORT/DATABASE")]
    into: String,
    /// Holds the password of the role in the url. A file that everybody may read is refused.
    #[arg(
        long,
        value_name = "FILE",
        env = "SCANHOOK_JOURNAL__PASSWORD_FILE",
        hide_env_values = true
    )]
    password_file: Option<PathBuf>,
    /// Authorities, as PEM, that the server's certificate may come from; without it, those of the system.
    #[arg(
        long,
        value_name = "FILE",
        env = "SCANHOOK_JOURNAL__CA_FILE",
        hide_env_values = true
    )]
    ca_file: Option<PathBuf>,
}

pub(super) async fn run(args: CopyArgs) -> anyhow::Result<ExitCode> {
    let usage = |sentence: String| CliError::new(Exit::Usage, sentence);
    let Some(path) = sqlite_path(&args.from).map(PathBuf::from) else {
        let shape = "a journal is copied from a file into a database: scanhook journal copy sqlite:PATH postgres://USER@HOST:PORT/DATABASE";
        return Err(usage(shape.to_owned()).into());
    };
    let named = |file: &Option<PathBuf>| file.clone().filter(|file| !file.as_os_str().is_empty());
    let (password, authorities) = (named(&args.password_file), named(&args.ca_file));
    let database = named_database(&args.into, password.as_deref(), authorities.as_deref());
    let database = Arc::new(database.map_err(usage)?);
    load::readable(&path)?;
    let (from, into) = (path.clone(), database.clone());
    let copied = tokio::task::spawn_blocking(move || {
        let ids =
            Ids::random().map_err(|error| CliError::new(Exit::Internal, error.to_string()))?;
        copy_journal(&from, &into, ids, clock::now())
            .map_err(|refusal| CliError::not_copied(&from, &refusal))
    });
    let copied = copied.await??;
    output::line(&told(&path, &database.to_string(), &copied))?;
    Ok(ExitCode::SUCCESS)
}

fn told(path: &Path, database: &str, copied: &crate::journal::Copied) -> String {
    let (rows, tables) = (copied.rows, copied.tables);
    let path = path.display();
    let what = match copied.before {
        true => format!("all {rows} rows of {path} are there already"),
        false => format!("{rows} rows of {tables} tables copied from {path}"),
    };
    format!(
        "{database}: {what}; the file is only read from now on: name the database with `[journal] url`"
    )
}
