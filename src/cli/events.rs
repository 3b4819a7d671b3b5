//! `scanhook events`: what happens, as it happens. A lost connection is made again, from the event that was seen last.

use core::time::Duration;
use std::process::ExitCode;

use serde_json::Value;
use tokio::time::sleep;

use super::format::OutputFormat;
use super::output::{self, complain};
use super::responder::{AnswerLines, Responder};
use super::trouble::{CliError, Exit};

/// The responder gives a sign of life every 15 seconds.
const PATIENCE: Duration = Duration::from_secs(50);
/// How long it is waited before the connection is made again.
const AGAIN: Duration = Duration::from_secs(5);

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct EventsArgs {
    /// Begin behind the event with this number [default: with what happens from now on].
    #[arg(long, value_name = "N")]
    after: Option<u64>,
    #[command(flatten)]
    responder: Responder,
}

/// One frame of the stream.
#[derive(Default)]
struct EventFrame {
    event: String,
    data: String,
}

pub(super) async fn run(args: &EventsArgs) -> anyhow::Result<ExitCode> {
    let mut seen = args.after.map(|after| after.to_string());
    let mut connected = false;
    loop {
        let query = [("after", seen.as_deref())];
        let headers = [("accept", "text/event-stream")];
        let lost = match args
            .responder
            .lines("/api/v1/events", &query, &headers)
            .await
        {
            Ok(lines) => {
                connected = true;
                match follow(args, lines, &mut seen).await? {
                    Some(why) => why,
                    None => return Ok(ExitCode::SUCCESS),
                }
            }
            // What can be mended elsewhere is waited for, once it has worked.
            Err(trouble) if connected && trouble.exit() == Exit::Unavailable => trouble.to_string(),
            Err(trouble) => return Err(trouble.into()),
        };
        complain(&format!("{lost}; it is tried again"));
        sleep(AGAIN).await;
    }
}

/// Shows what comes until nothing more does; why, if it has to be tried again.
async fn follow(
    args: &EventsArgs,
    mut lines: AnswerLines,
    seen: &mut Option<String>,
) -> Result<Option<String>, CliError> {
    let mut frame = EventFrame::default();
    while !output::reader_left() {
        let line = match lines.next(PATIENCE).await {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(Some("the responder ended the stream".to_owned())),
            Err(why) => return Ok(Some(args.responder.broken(&why).to_string())),
        };
        match line.split_once(':') {
            Some(("event", event)) => frame.event = event.trim().to_owned(),
            Some(("data", data)) => frame.data = data.trim().to_owned(),
            _ if line.is_empty() && !frame.data.is_empty() => {
                let EventFrame { event, data } = core::mem::take(&mut frame);
                let said: Value = args.responder.read(&data)?;
                match event.as_str() {
                    "hello" => {
                        seen.get_or_insert_with(|| said["seq"].to_string());
                    }
                    "bye" => return goodbye(said["reason"].as_str().unwrap_or_default()),
                    _ => {
                        *seen = Some(said["data"]["seq"].to_string());
                        show(args.responder.output, &data, &said)?;
                    }
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

fn goodbye(reason: &str) -> Result<Option<String>, CliError> {
    match reason {
        "signed-out" => {
            let sentence = "you are not let in any more, or your grant has changed";
            Err(CliError::new(Exit::Permission, sentence))
        }
        "stopping" => Ok(Some("the responder stops".to_owned())),
        "too-slow" => Ok(Some("events were not taken in time".to_owned())),
        other => Ok(Some(format!(
            "the responder ended the stream: {}",
            output::plain(other)
        ))),
    }
}

fn show(format: OutputFormat, data: &str, said: &Value) -> Result<(), CliError> {
    if format == OutputFormat::Json {
        return output::json(data);
    }
    let text = |value: &Value| output::plain(value.as_str().unwrap_or_default());
    let (at, told) = (text(&said["timestamp"]), &said["data"]);
    let line = format!(
        "{at}  {}  {}  {}",
        told["seq"],
        text(&said["type"]),
        text(&told["text"])
    );
    output::line(&line)
}
