//! `scanhook outbox`: messages to receivers, those that were given up, and trying a receiver.

use std::process::ExitCode;

use clap::Subcommand;
use serde_json::{Map, Value};

use super::format::OutputFormat;
use super::list::LONGEST_PAGE;
use super::order::{Words, put};
use super::output::{self, complain};
use super::responder::Responder;
use super::table::{Table, count, time, time_of};
use super::trouble::Exit;
use crate::api::{MessageView, Page, RevivedView};
use scanhook_core::percent::encoded;

/// What the command line says.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct OutboxArgs {
    #[command(subcommand)]
    order: Option<OutboxOrder>,
    /// Only those to this receiver.
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    /// Only those in this state.
    #[arg(long, value_name = "STATE", value_parser = ["waiting", "sent", "dead"])]
    state: Option<String>,
    /// Only those that were given up.
    #[arg(long, conflicts_with = "state")]
    dead: bool,
    /// Rows, newest first.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u16,
    #[command(flatten)]
    responder: Responder,
}

#[derive(Subcommand)]
enum OutboxOrder {
    /// Send again what was given up.
    Retry(ReviveArgs),
    /// Send a message that says nothing, and show the answer.
    Test(TryArgs),
}

#[derive(clap::Args)]
struct ReviveArgs {
    /// Only what was meant for this receiver.
    #[arg(long, value_name = "NAME")]
    receiver: Option<String>,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

#[derive(clap::Args)]
struct TryArgs {
    /// The receiver, by its name in scanhook.toml.
    receiver: String,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    responder: Responder,
}

pub(super) async fn run(args: &OutboxArgs) -> anyhow::Result<ExitCode> {
    match &args.order {
        None => list(args).await,
        Some(OutboxOrder::Retry(args)) => revive(args).await,
        Some(OutboxOrder::Test(args)) => try_receiver(args).await,
    }
}

async fn list(args: &OutboxArgs) -> anyhow::Result<ExitCode> {
    let state = args.state.as_deref().or(args.dead.then_some("dead"));
    let limit = usize::from(args.limit);
    let mut page = Page {
        items: Vec::<MessageView>::new(),
        next: None,
        total: None,
    };
    loop {
        let most = limit
            .saturating_sub(page.items.len())
            .clamp(1, LONGEST_PAGE)
            .to_string();
        let query = [
            ("receiver", args.receiver.as_deref()),
            ("state", state),
            ("limit", Some(most.as_str())),
            ("after", page.next.as_deref()),
        ];
        let body = args.responder.get("/api/v1/outbox", &query).await?;
        let more: Page<MessageView> = args.responder.read(&body)?;
        page.items.extend(more.items);
        page.next = more.next;
        if page.next.is_none() || page.items.len() >= limit {
            break;
        }
    }
    match args.responder.output {
        OutputFormat::Json => output::json(&serde_json::to_string(&page)?)?,
        OutputFormat::Text => output::tell(&table(&page.items))?,
    }
    match (page.items.len(), page.next) {
        (0, _) => complain("nothing matches"),
        (shown, Some(_)) => complain(&format!("the newest {shown}; --limit shows more")),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

async fn revive(args: &ReviveArgs) -> anyhow::Result<ExitCode> {
    let mut order = Map::new();
    put(&mut order, "receiver", args.receiver.as_deref());
    args.words.put_into(&mut order);
    let body = args
        .responder
        .post("/api/v1/outbox/retry", &Value::Object(order))
        .await?;
    let view: RevivedView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&format!(
            "{} {} to be sent again\n",
            count(view.revived, "message"),
            if view.revived == 1 { "waits" } else { "wait" }
        ))?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn try_receiver(args: &TryArgs) -> anyhow::Result<ExitCode> {
    let mut order = Map::new();
    args.words.put_into(&mut order);
    let path = format!("/api/v1/receivers/{}/test", encoded(&args.receiver));
    let body = args.responder.post(&path, &Value::Object(order)).await?;
    let message: MessageView = args.responder.read(&body)?;
    match args.responder.output {
        OutputFormat::Json => output::json(&body)?,
        OutputFormat::Text => output::tell(&table(core::slice::from_ref(&message)))?,
    }
    if message.state == "sent" {
        complain("it was taken; whether people see it only they can say: look there");
        return Ok(ExitCode::SUCCESS);
    }
    complain("it was not taken");
    Ok(Exit::Unavailable.into())
}

fn table(messages: &[MessageView]) -> String {
    let mut table = Table::new(&[
        "MADE (UTC)",
        "RECEIVER",
        "TYPE",
        "STATE",
        "TRIES",
        "NEXT TRY (UTC)",
    ]);
    for message in messages {
        let (made, tries) = (time(&message.at), message.tries.to_string());
        let due = time_of(message.due.as_ref());
        let row = [
            made.as_str(),
            &message.receiver,
            &message.kind,
            &message.state,
            &tries,
            &due,
        ];
        let below = message
            .answer
            .iter()
            .map(|answer| format!("answer: {answer}"));
        table.row(row, below.collect());
    }
    table.text(output::columns())
}
