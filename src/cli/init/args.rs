//! What `init` is told, and what stands for what it is not told.

use std::path::PathBuf;

/// Stands in the guides for the address of whoever runs this.
pub(super) const EXAMPLE: &str = "https://scanhook.example";

pub(super) const CREDENTIAL: &str = "secrets/defender-app";

/// What the command line says.
#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// The sender: a preset's name.
    #[arg(long, value_name = "PRESET")]
    pub(super) source: String,
    /// Add it to the scanhook.toml that is there.
    #[arg(long, conflicts_with_all = ["tenant_id", "client_id"])]
    pub(super) add: bool,
    /// What it is called, also in its URL [default: as on the sender's page].
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// With --add and several tenants: the one it acts for.
    #[arg(long, value_name = "NAME", requires = "add")]
    pub(super) tenant: Option<String>,
    /// Where scanhook.toml and its secrets go.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(super) dir: PathBuf,
    /// The address senders will reach scanhook at.
    #[arg(long, value_name = "URL", default_value = EXAMPLE)]
    pub(super) url: String,
    /// The Entra tenant's id.
    #[arg(long, value_name = "ID", default_value = "<tenant id>")]
    pub(super) tenant_id: String,
    /// The app registration's id.
    #[arg(long, value_name = "ID", default_value = "<client id>")]
    pub(super) client_id: String,
}
