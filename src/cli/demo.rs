//! `scanhook demo`: responder, simulated Defender and signed sample alerts in one process, in acts. Every number it
//! tells comes from the admin listener or from the simulator's own log.

mod account;
mod acts;
mod far;
mod hardships;
mod samples;
mod scratch;
mod screen;
mod show;
mod stage;

use std::io::{ErrorKind, IsTerminal as _, stdout};
use std::process::ExitCode;

use super::output;
use super::signals::Signals;
use super::trouble::{CliError, Exit};
use crate::clock;
use crate::settings;
use samples::SOAR;
use screen::{Screen, ScreenRoom};
use show::Show;
use stage::DemoStage;

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// End when every sample scan has ended: status 0 if all is as it must be, another one with the reason if not.
    #[arg(long)]
    exit_when_done: bool,
}

/// Plays the demo.
pub(super) async fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let mut signals = Signals::new()?;
    let stage = DemoStage::set(&settings::scratch_directory()).await?;
    let live = stdout().is_terminal() && output::moves_cursor();
    let room = ScreenRoom {
        columns: output::columns(),
        lines: output::size().map(|(_, lines)| lines).filter(|_| live),
    };
    let screen = Screen::new(stdout(), room, output::colour());
    let mut show = Show::new(stage, screen);
    let played = tokio::select! {
        played = play(&mut show, args.exit_when_done) => played,
        signal = signals.next() => Err(CliError::new(Exit::Internal, format!("{signal} before the last act")).into()),
    };
    let ended = match played {
        Ok(()) if !args.exit_when_done => tokio::select! {
            name = show.stage.ended() => Err(CliError::new(Exit::Internal, format!("{name} ended by itself")).into()),
            _ = signals.next() => Ok(()),
        },
        other => other,
    };
    show.stage.stop().await;
    match ended {
        // Nobody is looking any more (`scanhook demo | head`), so there is nobody to tell.
        Err(error)
            if error.downcast_ref().map(std::io::Error::kind) == Some(ErrorKind::BrokenPipe) =>
        {
            return Ok(Exit::Io.into());
        }
        ended => ended?,
    }
    match show.wrong() {
        [] => Ok(ExitCode::SUCCESS),
        wrong => Err(CliError::new(
            Exit::Internal,
            format!("the demo went wrong: {}", wrong.join("; ")),
        )
        .into()),
    }
}

/// Act by act, then the reckoning.
async fn play(show: &mut Show, exit_when_done: bool) -> anyhow::Result<()> {
    let begun = clock::mono();
    show.screen
        .say("scanhook and a simulated Microsoft Defender, in one process. No account, no device, no files left.")?;
    acts::high(show).await?;
    acts::medium(show).await?;
    acts::again(show).await?;
    acts::forged(show).await?;
    acts::storm(show).await?;
    acts::careful(show).await?;
    hardships::throttled(show).await?;
    hardships::lost_answer(show).await?;
    hardships::killed(show).await?;
    show.reckon().await?;
    let seconds = clock::mono().saturating_sub(begun).as_secs();
    show.screen.say(&format!("All of it took {seconds} s."))?;
    if exit_when_done { Ok(()) } else { invite(show) }
}

/// How to look around while everything keeps running.
fn invite(show: &mut Show) -> anyhow::Result<()> {
    let fresh = samples::single("yours-1", "high", "ws-401");
    let payload = show.stage.scratch.write("yours.json", &fresh.body)?;
    let (config, payload) = (show.stage.scratch.path("scanhook.toml"), payload);
    let (config, payload) = (config.display(), payload.display());
    let (public, admin) = (show.stage.public(), show.stage.admin());
    let simulator = show
        .stage
        .simulator()
        .map(|address| address.to_string())
        .unwrap_or_default();
    let scanhook = settings::program();
    show.screen
        .heading("It keeps running. Look around from another terminal; Ctrl-C ends it and removes its files.")?;
    for command in [
        format!(
            "{scanhook} send {payload} --config {config} --source {SOAR} --url http://{public}/webhooks/{SOAR}"
        ),
        format!("{scanhook} scans --admin http://{admin}"),
        format!("{scanhook} status --admin http://{admin}"),
        format!("curl 'http://{admin}/api/v1/decisions?state=held'"),
        format!("curl http://{admin}/metrics"),
        format!("curl http://{simulator}/_simulator/calls"),
    ] {
        show.screen.command(&command)?;
    }
    Ok(())
}
