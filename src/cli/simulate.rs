//! `scanhook simulate`: Entra ID and Defender in a process of their own.

use core::time::Duration;
use std::net::SocketAddr;
use std::process::ExitCode;

use tokio::sync::watch;

use super::listeners::bind;
use super::output;
use super::signals::Signals;
use crate::clock;
use crate::server::limits::Limits;
use crate::server::listener;
use scanhook_core::rules::duration;
use scanhook_simulator::serve::{SharedSimulator, router};
use scanhook_simulator::{Busy, Setup, Simulator};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct SimulateArgs {
    /// Where it listens. Anyone who reaches it may control it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9191")]
    listen: SocketAddr,
    /// How long a Quick scan takes, such as 5s [default: 4m].
    #[arg(long, value_name = "SPAN", value_parser = span)]
    quick: Option<Duration>,
    /// How long a Full scan takes [default: 45m].
    #[arg(long, value_name = "SPAN", value_parser = span)]
    full: Option<Duration>,
    /// How long a machine action is pending before that [default: 20s].
    #[arg(long, value_name = "SPAN", value_parser = span)]
    pending: Option<Duration>,
    /// Calls a minute, of one app to one API [default: 100].
    #[arg(long, value_name = "N")]
    per_minute: Option<u32>,
    /// Calls an hour, of one app to one API [default: 1500].
    #[arg(long, value_name = "N")]
    per_hour: Option<u32>,
    /// The answer to a scan of a machine that has one open: refused400, refused_code_only, refused_message_only,
    /// existing200, existing201, alternate [default: refused400].
    #[arg(long, value_name = "ANSWER", value_parser = busy)]
    busy: Option<Busy>,
}

pub(super) async fn run(args: &SimulateArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let socket = bind(args.listen, "--listen")?;
    let url = format!("http://{}", socket.local_addr()?);
    let shared = SharedSimulator::new(Simulator::new(setup(args)));
    let (stop, stopping) = watch::channel(false);
    let limits = Limits {
        grace: Duration::from_secs(1),
        ..Limits::default()
    };
    let serving = listener::serve(
        socket,
        router(shared, clock::jiff),
        limits,
        Default::default(),
        stopping,
    );
    tokio::pin!(serving);
    output::tell(&greeting(&url))?;
    tokio::select! {
        _ = &mut serving => {}
        _ = signals.next() => {
            stop.send_replace(true);
            tokio::select! {
                _ = &mut serving => {}
                _ = signals.next() => {}
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn greeting(url: &str) -> String {
    format!(
        "listening on {url} (Entra ID and Defender, simulated)

In scanhook.toml, any ids and any secret will do:

  [tenants.default]
  tenant_id  = \"00000000-0000-0000-0000-00000000000a\"
  client_id  = \"00000000-0000-0000-0000-00000000000b\"
  credential = {{ secret_env = \"ANY_SECRET\" }}
  api_base   = \"{url}\"
  authority  = \"{url}\"

What it was asked: GET {url}/_simulator/calls and /_simulator/scans
How it behaves:    GET and PUT {url}/_simulator/setup
"
    )
}

fn setup(args: &SimulateArgs) -> Setup {
    let mut setup = Setup::default();
    let millis = |span: Duration| u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    for (field, given) in [
        (&mut setup.quick_ms, args.quick),
        (&mut setup.full_ms, args.full),
        (&mut setup.pending_ms, args.pending),
    ] {
        *field = given.map_or(*field, millis);
    }
    for (field, given) in [
        (&mut setup.per_minute, args.per_minute),
        (&mut setup.per_hour, args.per_hour),
    ] {
        *field = given.unwrap_or(*field);
    }
    setup.busy = args.busy.unwrap_or(setup.busy);
    setup
}

fn span(text: &str) -> Result<Duration, String> {
    duration::parse(text).ok_or_else(|| "one number and one unit, such as 5s, 20m, 1h".to_owned())
}

fn busy(text: &str) -> Result<Busy, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}
