//! `scanhook health`: whether a running scanhook takes alerts, as a supervisor of containers asks: one line, and 0 or 1.

use std::path::PathBuf;
use std::process::ExitCode;

use super::load;
use super::output::{complain, line, plain};
use super::probe::probe;
use super::trouble::Exit;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct HealthArgs {
    /// The configuration it runs with; without it, the scanhook.toml that `serve` would take, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Either of its listeners [default: SCANHOOK_ADMIN, else the admin listener of scanhook.toml, else
    /// http://127.0.0.1:9090].
    #[arg(long, value_name = "URL")]
    admin: Option<String>,
}

pub(super) async fn run(args: &HealthArgs) -> anyhow::Result<ExitCode> {
    let inputs = load::inputs(args.config.as_ref(), None);
    let url = args.admin.clone().unwrap_or_else(|| inputs.admin());
    let shown = plain(&url);
    let ill = match probe(&url, "/readyz").await {
        Ok(200) => {
            line(&format!("scanhook at {shown} takes alerts"))?;
            return Ok(ExitCode::SUCCESS);
        }
        Ok(503) => format!("scanhook at {shown} takes no alerts: it is stopping"),
        Ok(status) => format!("{shown} answers, but not as scanhook does: {status}"),
        Err(why) => format!("nobody answers at {shown}: {why}"),
    };
    complain(&ill);
    Ok(Exit::Findings.into())
}
