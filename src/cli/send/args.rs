//! What the command line of `send` says.

use std::path::PathBuf;

use http::header::HeaderName;

use crate::cli::format::OutputFormat;

/// What the command line says.
#[derive(clap::Args)]
pub(crate) struct SendArgs {
    /// The body to send; `-` for standard input.
    pub(super) payload: PathBuf,
    /// A source of scanhook.toml or, without one, a preset.
    #[arg(long, value_name = "NAME")]
    pub(super) source: String,
    /// Where to [default: http://127.0.0.1:8080/webhooks/<SOURCE>].
    #[arg(long, value_name = "URL")]
    pub(super) url: Option<String>,
    /// The authority that signed the receiver's certificate, as PEM [default: SCANHOOK_CA, else those of this computer].
    #[arg(long, value_name = "FILE")]
    pub(super) ca: Option<PathBuf>,
    /// Says how the source signs; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Sign with the secret in this file, whatever the configuration names.
    #[arg(long, value_name = "FILE")]
    pub(super) secret_file: Option<PathBuf>,
    /// Without a configuration: the header of the signature [default: X-Signature-256].
    #[arg(long, value_name = "NAME", conflicts_with = "bearer")]
    pub(super) header: Option<HeaderName>,
    /// Without a configuration: what stands before the signature [default: sha256=].
    #[arg(long, value_name = "TEXT", conflicts_with = "bearer")]
    pub(super) prefix: Option<String>,
    /// Without a configuration: send the secret as a bearer token in place of a signature.
    #[arg(long)]
    pub(super) bearer: bool,
    /// A token of Entra ID for a source that takes such, as `az account get-access-token` writes it.
    #[arg(long, value_name = "FILE")]
    pub(super) token_file: Option<PathBuf>,
    /// Send nothing; print the curl command that would.
    #[arg(long)]
    pub(super) print_curl: bool,
    /// How the receipt is written; json is the answer itself.
    #[arg(short, long, value_enum, default_value_t)]
    pub(super) output: OutputFormat,
}
