//! `scanhook serve`: the responder, from the command line to its last request.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use super::format::OutputFormat;
use super::listeners::{addressed, opened};
use super::output;
use super::signals::{Hangups, Signals};
use super::trouble::{CliError, Exit};
use super::{dumps, ending, load, supervisor, test};
use crate::app::{Listeners, Options, Running, StartError};
use crate::journal::{JournalError, OpenError, Refusal};
use crate::logs::{self, LogShape};
use crate::policy::{Policy, has_payloads};
use crate::reload::{Reloads, WatchedFiles};
use crate::settings::{Flags, HandedError, HandedSockets, Inputs, Settings};
use scanhook_core::rules::RuleTest;
use scanhook_simulator::serve::SharedSimulator;
use scanhook_simulator::{Setup, Simulator};

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct ServeArgs {
    /// The configuration; without it, scanhook.toml here, in $XDG_CONFIG_HOME/scanhook or in /etc/scanhook.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The policy; without it, rules.toml beside the configuration.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
    /// Where the journal lies, if its path is relative.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Decide and show everything, send nothing to Defender.
    #[arg(long)]
    dry_run: bool,
    /// Pause everything from the start, until `scanhook resume`.
    #[arg(long)]
    paused: bool,
    /// Play Defender with the built-in simulator: no account is needed, no device is reached.
    #[arg(long)]
    simulate: bool,
    /// Where webhooks arrive [default: 127.0.0.1:8080]. A listener that systemd hands over counts before it.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Where status, API and metrics are; a loopback address [default: 127.0.0.1:9090].
    #[arg(long, value_name = "ADDRESS")]
    admin_listen: Option<SocketAddr>,
    /// How the log on stderr is written [default: text on a terminal, json elsewhere].
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        env = "SCANHOOK_LOG_FORMAT",
        hide_env_values = true
    )]
    log_format: Option<OutputFormat>,
}

/// Whatever is said from here on, the reason for not starting included, is said in the log.
pub(super) async fn run(
    args: &ServeArgs,
    handed: Result<HandedSockets, HandedError>,
) -> anyhow::Result<ExitCode> {
    // Before the first secret is read.
    let dumps = dumps::off();
    let inputs = inputs(args);
    let format = args.log_format.unwrap_or(if io::stderr().is_terminal() {
        OutputFormat::Text
    } else {
        OutputFormat::Json
    });
    let shape = if format == OutputFormat::Json {
        LogShape::Json
    } else {
        LogShape::Text
    };
    let logs = logs::start(inputs.log(), shape)
        .map_err(|why| CliError::new(Exit::Configuration, why.to_string()).into());
    if let Err(error) = dumps {
        tracing::warn!(%error, "core dumps could not be switched off: one would hold the secrets");
    }
    let ended = match logs {
        Ok(()) => serve(inputs, handed).await,
        Err(error) => Err(error),
    };
    Ok(ended.unwrap_or_else(|error| ending::log(&error, format)))
}

async fn serve(
    mut inputs: Inputs,
    handed: Result<HandedSockets, HandedError>,
) -> anyhow::Result<ExitCode> {
    let handed = handed.map_err(|error| CliError::new(Exit::Configuration, error.to_string()))?;
    addressed(&handed, &mut inputs.flags)?;
    let settings = load::settings(&inputs)?;
    let (policy, skipped) = policy(&settings)?;
    tell(&settings, &policy, &skipped);

    let (mut signals, hangups) = (Signals::new()?, Hangups::new()?);
    let public = opened(handed.listen, settings.server.listen, "[server] listen")?;
    let admin = opened(handed.admin, settings.server.admin_listen, "[admin] listen")?;
    let simulator = settings
        .simulate
        .then(|| SharedSimulator::new(Simulator::new(Setup::default())));
    let options = Options {
        simulator,
        reload: Some(WatchedFiles::of(inputs)),
        heartbeat: supervisor::heartbeat(),
        lease: settings.journal.terms(),
        ..Options::default()
    };
    let scheme = |tls: bool| if tls { "https" } else { "http" };
    let (public_scheme, admin_scheme) = (
        scheme(settings.tls.is_some()),
        scheme(settings.admin_tls.is_some()),
    );
    let running = Running::start(settings, policy, Listeners { public, admin }, options)
        .await
        .map_err(not_started)?;
    if let Some(address) = running.simulator {
        tracing::info!(
            address = format!("http://{address}"),
            "simulating Entra ID and Defender"
        );
    }
    let (webhooks, admin) = (
        format!("{public_scheme}://{}", running.public),
        format!("{admin_scheme}://{}", running.admin),
    );
    tracing::info!(webhooks, admin, "listening");
    supervisor::ready();
    Ok(until_the_end(running, &mut signals, hangups).await)
}

fn inputs(args: &ServeArgs) -> Inputs {
    let flags = Flags {
        listen: args.listen,
        admin_listen: args.admin_listen,
        data_dir: args.data_dir.clone(),
        rules: args.rules.clone(),
        dry_run: args.dry_run,
        paused: args.paused,
        simulate: args.simulate,
        credential_free: false,
    };
    Inputs::from_process(args.config.clone(), flags)
}

/// The policy, if there is no error in it and its own tests pass, with the names of the tests whose captured delivery
/// does not lie here: an error to `check` and `test`, but no reason not to protect anybody.
fn policy(settings: &Settings) -> Result<(Policy, Vec<String>), CliError> {
    let checked = load::policy(&settings.rules, Exit::Configuration)?;
    let complete = |test: &RuleTest| has_payloads(test, &settings.rules);
    let skipped = checked
        .policy
        .rules()
        .tests()
        .iter()
        .filter(|test| !complete(test));
    let skipped = skipped.map(|test| output::plain(&test.name)).collect();
    let outcomes = test::outcomes(
        &checked.policy,
        &settings.rules,
        &settings.sources,
        complete,
    );
    let failed: Vec<_> = outcomes.iter().filter(|outcome| !outcome.ok).collect();
    if failed.is_empty() {
        let faults = settings.unfit_for(checked.policy.rules());
        return load::faultless(faults, "scanhook.toml").map(|()| (checked.policy, skipped));
    }
    let text: String = failed
        .iter()
        .map(|outcome| format!("{}\n", outcome.text().trim_end()))
        .collect();
    let faults = failed
        .iter()
        .map(|outcome| outcome.fault(&settings.rules))
        .collect();
    let (file, failed, all) = (settings.rules.display(), failed.len(), outcomes.len());
    let sentence =
        format!("{file}: {failed} of its {all} tests failed; such a policy is not put in force");
    Err(CliError::new(Exit::Configuration, sentence).because(faults, text))
}

/// What the operator should read at the start.
fn tell(settings: &Settings, policy: &Policy, skipped: &[String]) {
    let (rules, tests) = (policy.rules().names().count(), policy.rules().tests().len());
    let fingerprint = policy.fingerprint();
    tracing::info!(
        rules,
        tests,
        fingerprint,
        dry_run = settings.dry_run,
        simulate = settings.simulate,
        "policy loaded"
    );
    for test in skipped {
        tracing::warn!(
            test,
            "a test of the policy was not run: its captured delivery does not lie beside the rules"
        );
    }
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    for note in &settings.notes {
        tracing::info!("{note}");
    }
    if settings.sources.is_empty() {
        tracing::warn!("no source is configured: every webhook will be answered 404");
    }
}

fn not_started(why: StartError) -> CliError {
    let exit = match &why {
        StartError::Open(OpenError::InUse(_)) => Exit::Unavailable,
        StartError::Open(OpenError::Database(refusal)) => return CliError::refused(refusal),
        // It was there a moment before.
        StartError::Journal(JournalError::Away(says)) => {
            return CliError::refused(&Refusal::Unreachable(says.clone()));
        }
        StartError::Journal(JournalError::Unanswered(_)) => Exit::Unavailable,
        StartError::Open(OpenError::Io { .. } | OpenError::Sqlite(_))
        | StartError::Journal(_)
        | StartError::Io(_) => Exit::Io,
        StartError::Open(_) | StartError::Client(_) | StartError::Endpoint(_) => {
            Exit::Configuration
        }
        StartError::Randomness(_) => Exit::Internal,
    };
    let sentence = match &why {
        StartError::Open(error @ (OpenError::InUse(_) | OpenError::Moved { .. })) => {
            format!("{why} [{}]", error.code())
        }
        StartError::Journal(error @ JournalError::Unanswered(_)) => {
            format!("{why} [{}]", error.code())
        }
        _ => why.to_string(),
    };
    CliError::new(exit, sentence)
}

/// Reads the files again at each SIGHUP, for ever; the reload itself says in the log how it went.
async fn reload_at_each(mut hangups: Hangups, reloads: Reloads) -> Infallible {
    loop {
        hangups.next().await;
        supervisor::reloading();
        reloads.order("SIGHUP").await;
        supervisor::ready();
    }
}

/// The first signal drains, the second ends at once. What should run for ever and ends takes the process with it, so
/// that whoever supervises it can start it again.
async fn until_the_end(mut running: Running, signals: &mut Signals, hangups: Hangups) -> ExitCode {
    let reloads = running.reloads();
    let exit = tokio::select! {
        signal = signals.next() => {
            tracing::info!(signal, "stopping: requests in flight finish");
            supervisor::stopping();
            ExitCode::SUCCESS
        }
        name = running.ended() => {
            tracing::error!(task = name, "ended though it should not; stopping");
            Exit::Internal.into()
        }
        never = reload_at_each(hangups, reloads) => match never {},
    };
    tokio::select! {
        () = running.stop() => {
            tracing::info!("stopped");
            exit
        }
        signal = signals.next() => {
            tracing::warn!(signal, "ended at once; what was under way is reconciled at the next start");
            Exit::Internal.into()
        }
    }
}
