//! The command line: one file a verb. Results go to stdout, diagnostics to stderr.

mod alerts;
mod approve;
mod audit;
mod backup;
mod backups;
mod cancel;
mod check;
mod completion;
mod decisions;
mod demo;
mod deny;
mod doctor;
mod dumps;
mod ending;
mod events;
mod explain;
mod export;
mod fit;
mod format;
mod health;
mod held;
mod init;
mod journal;
mod list;
mod listeners;
mod load;
mod login;
mod machine;
mod man;
mod openapi;
mod order;
mod outbox;
mod output;
mod pause;
mod probe;
mod replay;
mod responder;
mod restore;
mod resume;
mod retry;
mod rows;
mod rules;
mod scans;
mod schema;
mod send;
mod serve;
mod show;
mod signals;
mod simulate;
mod status;
mod summary;
mod supervisor;
mod surroundings;
mod table;
mod test;
mod token;
mod trouble;
mod whoami;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};
use tokio::task::spawn_blocking;

use crate::settings::{HandedError, HandedSockets};
use trouble::{CliError, Exit};

/// Alert webhooks in, the right Microsoft Defender Antivirus scan out, followed to its end and explained.
#[derive(Parser)]
#[command(name = "scanhook", version, propagate_version = true)]
#[command(
    after_help = "Exit status: 0; 1 findings of check, test and doctor, no health; 64 usage; 65 bad data; 66 no input; \
    69 unavailable; 70 internal; 74 I/O; 77 permission; 78 configuration."
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Show everything in a minute, with a simulated Defender: no account, no device.
    Demo(demo::DemoArgs),
    /// Receive alerts and scan: the responder.
    Serve(serve::ServeArgs),
    /// Check scanhook.toml and rules.toml: errors, lints, embedded tests.
    Check(check::CheckArgs),
    /// Look at every step of the way, to Entra ID, Defender and back: what is well, and what to do where it is not. Scans nothing.
    Doctor(doctor::DoctorArgs),
    /// Run the tests embedded in rules.toml.
    Test(test::TestArgs),
    /// Why an alert is, or was, decided as it is: every rule, what it saw, and where each field was read from.
    Explain(explain::ExplainArgs),
    /// Show the policy as it is in force: rules with their terms, protections, lists, windows.
    Show(show::ShowArgs),
    /// Play a policy over alerts that came before: what it would decide, hold and send, and what would differ.
    Replay(replay::ReplayArgs),
    /// Sign a person in for a tenant whose credential is a person's sign-in.
    Login(login::LoginArgs),
    /// Print the policy that comes with scanhook: a beginning for rules.toml.
    Rules(rules::RulesArgs),
    /// Print the JSON Schema of rules.toml or scanhook.toml, for editors.
    Schema(schema::SchemaArgs),
    /// Print the description of the HTTP API, as OpenAPI 3.1.
    Openapi(openapi::OpenApiArgs),
    /// Begin with one sender, or add one: scanhook.toml, rules.toml, its secret, and what to enter elsewhere.
    Init(init::InitArgs),
    /// The database that holds the journal, where that is PostgreSQL: make its tables, look whether it can be served.
    Journal(journal::JournalArgs),
    /// Copy the journal into a new file while it is served, and check the copy.
    Backup(backup::BackupArgs),
    /// Put a backup in the place of the journal, where there is none.
    Restore(restore::RestoreArgs),
    /// Sign a payload as its source requires, and post it.
    Send(send::SendArgs),
    /// Play Entra ID and Defender, as a server of its own.
    Simulate(simulate::SimulateArgs),
    /// How a running responder is: tenants, quota, tokens, sources.
    Status(status::StatusArgs),
    /// The alerts a running responder has received, and what became of them.
    Alerts(alerts::AlertsArgs),
    /// What was decided for each alert and device, and why.
    Decisions(decisions::DecisionsArgs),
    /// What waits for a person, in groups that are answered at once: by alert, by rule or by machine.
    Held(held::HeldArgs),
    /// A machine with all that is known of it: its names, the directory, scans, decisions, alerts.
    Machine(machine::MachineArgs),
    /// What happened in the last hours, in numbers: alerts, decisions, scans, and what waits for a person.
    Summary(summary::SummaryArgs),
    /// Scans, from waiting to outcome; with an id, one of them with its history.
    Scans(scans::ScansArgs),
    /// Approve held decisions: their scans begin.
    Approve(approve::ApproveArgs),
    /// Deny held decisions: they are dropped.
    Deny(deny::DenyArgs),
    /// Call scans off: those that wait, and our own that run.
    Cancel(cancel::CancelArgs),
    /// Try again what came to nothing: failed scans, dropped decisions, parked alerts.
    Retry(retry::RetryArgs),
    /// Stop sending scans: all, or those of a tenant, a rule or some devices.
    Pause(pause::PauseArgs),
    /// Send again what a pause kept back.
    Resume(resume::ResumeArgs),
    /// Make a token for a program: prints it once, with the table for scanhook.toml that lets it in.
    Token(token::TokenArgs),
    /// Who you are to a running responder, and what you may do.
    Whoami(whoami::WhoamiArgs),
    /// Who ordered what; and whether an exported chain of it still holds.
    Audit(audit::AuditArgs),
    /// All rows of a list, as CSV or as lines of JSON: alerts, decisions, scans, or the audit.
    Export(export::ExportArgs),
    /// What happens, as it happens.
    Events(events::EventsArgs),
    /// Messages to receivers: what waits, what was given up, and trying a receiver.
    Outbox(outbox::OutboxArgs),
    /// Whether a running scanhook takes alerts, for supervisors: one line, and 0 or 1.
    Health(health::HealthArgs),
    /// Print the completions of a shell.
    Completion(completion::CompletionArgs),
    /// Write manual pages.
    Man(man::ManArgs),
}

/// Reads the command line, does what it says, and returns the exit status.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let verb = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli.verb,
        Err(error) => return misunderstood(&error),
    };
    // Before there are threads: it changes the environment.
    let handed = match &verb {
        Verb::Serve(_) => HandedSockets::take(),
        _ => Ok(HandedSockets::default()),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            return ending::report(
                &CliError::new(Exit::Internal, format!("no threads: {error}")).into(),
            );
        }
    };
    let ended = runtime.block_on(dispatch(verb, handed));
    // What was still to be waited for has been; after a second signal nothing is waited for.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| ending::report(&error))
}

/// Help that was asked for, or what the command line lacks.
fn misunderstood(error: &clap::Error) -> ExitCode {
    let text = |colour: bool| match error.render() {
        text if colour => text.ansi().to_string(),
        text => text.to_string(),
    };
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            match output::tell(&text(output::colour())) {
                Ok(()) => ExitCode::SUCCESS,
                Err(trouble) => ending::report(&trouble.into()),
            }
        }
        _ => {
            output::complain(&text(output::colour_of_errors()));
            Exit::Usage.into()
        }
    }
}

async fn dispatch(
    verb: Verb,
    handed: Result<HandedSockets, HandedError>,
) -> anyhow::Result<ExitCode> {
    match verb {
        Verb::Demo(args) => demo::run(&args).await,
        Verb::Serve(args) => serve::run(&args, handed).await,
        Verb::Check(args) => check::run(&args),
        Verb::Doctor(args) => doctor::run(&args).await,
        Verb::Test(args) => test::run(&args),
        // Whoever asks a database waits for it.
        Verb::Explain(args) => spawn_blocking(move || explain::run(&args)).await?,
        Verb::Show(args) => show::run(&args),
        Verb::Replay(args) => spawn_blocking(move || replay::run(&args)).await?,
        Verb::Login(args) => login::run(&args).await,
        Verb::Rules(args) => rules::run(&args),
        Verb::Schema(args) => schema::run(&args),
        Verb::Openapi(args) => openapi::run(&args),
        Verb::Init(args) => init::run(&args),
        Verb::Journal(args) => journal::run(args).await,
        Verb::Backup(args) => backup::run(args).await,
        Verb::Restore(args) => restore::run(args).await,
        Verb::Send(args) => send::run(&args).await,
        Verb::Simulate(args) => simulate::run(&args).await,
        Verb::Status(args) => status::run(&args).await,
        Verb::Alerts(args) => alerts::run(&args).await,
        Verb::Decisions(args) => decisions::run(&args).await,
        Verb::Held(args) => held::run(&args).await,
        Verb::Machine(args) => machine::run(&args).await,
        Verb::Summary(args) => summary::run(&args).await,
        Verb::Scans(args) => scans::run(&args).await,
        Verb::Approve(args) => approve::run(&args).await,
        Verb::Deny(args) => deny::run(&args).await,
        Verb::Cancel(args) => cancel::run(&args).await,
        Verb::Retry(args) => retry::run(&args).await,
        Verb::Pause(args) => pause::run(&args).await,
        Verb::Resume(args) => resume::run(&args).await,
        Verb::Token(args) => token::run(&args),
        Verb::Whoami(args) => whoami::run(&args).await,
        Verb::Audit(args) => audit::run(&args).await,
        Verb::Export(args) => export::run(&args).await,
        Verb::Events(args) => events::run(&args).await,
        Verb::Outbox(args) => outbox::run(&args).await,
        Verb::Health(args) => health::run(&args).await,
        Verb::Completion(args) => completion::run(&args, Cli::command()),
        Verb::Man(args) => man::run(&args, Cli::command()),
    }
}
