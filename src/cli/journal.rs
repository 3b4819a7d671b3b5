//! `scanhook journal`: the database that holds the journal. Tables are made by this order alone, never by serving: a
//! database that is empty may be one whose contents were lost.

mod copy;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use super::load;
use super::output;
use super::trouble::CliError;
use crate::clock;
use crate::journal::{Ids, Refusal, check_database, initialise_database};
use crate::settings::PostgresSettings;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct JournalArgs {
    #[command(subcommand)]
    order: JournalOrder,
}

#[derive(clap::Subcommand)]
enum JournalOrder {
    #[command(flatten)]
    Tables(TablesOrder),
    /// Copy the journal of a file into the empty one of a database; the file is only read from then on.
    Copy(copy::CopyArgs),
}

#[derive(clap::Subcommand)]
enum TablesOrder {
    /// Make the journal's tables in an empty database. Where they are there nothing is changed.
    Init(JournalConfig),
    /// Look whether the journal can be served: the server, its settings, the schema, the rights of the role.
    Check(JournalConfig),
    /// Bring the journal of an earlier version to the schema of this one.
    Migrate(JournalConfig),
}

/// Where the database is named.
#[derive(clap::Args)]
struct JournalConfig {
    /// The configuration; without it, scanhook.toml here, in $XDG_CONFIG_HOME/scanhook or in /etc/scanhook.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) async fn run(args: JournalArgs) -> anyhow::Result<ExitCode> {
    let order = match args.order {
        JournalOrder::Tables(order) => order,
        JournalOrder::Copy(args) => return copy::run(args).await,
    };
    let (TablesOrder::Init(files) | TablesOrder::Check(files) | TablesOrder::Migrate(files)) =
        &order;
    let inputs = load::credential_free(load::inputs(files.config.as_ref(), None));
    let journal = load::settings(&inputs)?.journal;
    let shown = journal.location();
    let Some(postgres) = journal.postgres.map(Arc::new) else {
        output::line(&format!(
            "nothing to do: {shown} is a file, which `scanhook serve` makes and brings to its schema by itself"
        ))?;
        return Ok(ExitCode::SUCCESS);
    };
    let told = tokio::task::spawn_blocking(move || carry_out(&order, &postgres)).await?;
    let told = told.map_err(|refusal| CliError::refused(&refusal))?;
    output::line(&format!("{shown}: {told}"))?;
    Ok(ExitCode::SUCCESS)
}

fn carry_out(
    order: &TablesOrder,
    postgres: &Arc<PostgresSettings>,
) -> Result<&'static str, Refusal> {
    match order {
        TablesOrder::Init(_) => {
            let mut ids = Ids::random().map_err(|error| Refusal::Other(error.to_string()))?;
            let there = initialise_database(postgres, ids.next(clock::now()))?;
            Ok(if there {
                "there is a journal already; nothing was changed"
            } else {
                "the journal's tables are made"
            })
        }
        TablesOrder::Check(_) => {
            check_database(postgres)?;
            Ok("the journal can be served")
        }
        TablesOrder::Migrate(_) => match check_database(postgres) {
            Err(Refusal::Older { found, known }) => Err(Refusal::Unmigrated { found, known }),
            Err(refusal) => Err(refusal),
            Ok(()) => Ok("the journal has the schema of this version; nothing to do"),
        },
    }
}
