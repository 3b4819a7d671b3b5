//! Sends the request, and shows the receipt.

use core::time::Duration;
use std::process::ExitCode;

use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use secrecy::ExposeSecret as _;

use super::args::SendArgs;
use super::sendable::{unsendable, with_segment};
use super::sender::{Sender, media_type, method};
use crate::api::Receipt;
use crate::cli::format::OutputFormat;
use crate::cli::output::{self, complain, plain};
use crate::cli::responder::{authority, client, detail, is_of_certificate, root};
use crate::cli::table::waiting;
use crate::cli::trouble::{CliError, Exit};
use crate::clock;
use scanhook_core::percent::encoded;
use scanhook_core::signature::{Moment, ProvenRequest};

/// How long the answer may take; a receiver that is alive answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn post(
    args: &SendArgs,
    sender: &Sender,
    body: Vec<u8>,
    url: &str,
) -> anyhow::Result<ExitCode> {
    let method = Method::from_bytes(method(&sender.source).as_bytes())?;
    let (at, token) = (clock::now(), token(args)?);
    let id = format!("msg_{}", at.millis());
    let moment = Moment {
        at,
        id: &id,
        token: token.as_deref(),
    };
    let outgoing = ProvenRequest::prove(&sender.checks, body.into(), moment)
        .map_err(|why| unsendable(&why))?;
    let target = match &outgoing.url_secret {
        Some(secret) => with_segment(url, &encoded(secret.expose_secret())),
        None => url.to_owned(),
    };
    let mut request = client(PATIENCE, authority(args.ca.as_deref()).as_deref())?
        .request(method, target)
        .header(CONTENT_TYPE, media_type(&sender.source));
    for (name, value) in &outgoing.headers {
        request = request.header(name, value);
    }
    let body = outgoing.body;
    let response = request
        .body(body)
        .send()
        .await
        .map_err(|error| unreachable(url, &error))?;
    let status = response.status();
    let answer = response
        .text()
        .await
        .map_err(|error| unreachable(url, &error))?;
    if status.is_success() {
        show(args.output, status, &answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.output == OutputFormat::Json {
        output::json(&answer)?;
    }
    let exit = match status.as_u16() {
        401 | 403 => Exit::Permission,
        400..=499 => Exit::BadData,
        _ => Exit::Unavailable,
    };
    complain(&format!(
        "scanhook: {status} from {url}: {}",
        detail(&answer)
    ));
    Ok(exit.into())
}

/// The token of `--token-file`, without the newline at its end.
fn token(args: &SendArgs) -> Result<Option<String>, CliError> {
    let Some(path) = &args.token_file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).map_err(|error| CliError::reading(path, &error))?;
    Ok(Some(text.trim().to_owned()))
}

fn unreachable(url: &str, error: &reqwest::Error) -> CliError {
    if error.is_builder() {
        return CliError::new(Exit::Usage, format!("--url: {} is not a URL", plain(url)));
    }
    if is_of_certificate(error) {
        let sentence = format!(
            "the certificate of {url} is not accepted: {}; name the authority that signed it with --ca or SCANHOOK_CA",
            root(error)
        );
        return CliError::new(Exit::Unavailable, sentence);
    }
    let sentence = format!(
        "nobody answers at {url}: is `scanhook serve` running there? ({})",
        root(error)
    );
    CliError::new(Exit::Unavailable, sentence)
}

fn show(format: OutputFormat, status: StatusCode, answer: &str) -> Result<(), CliError> {
    let receipt = serde_json::from_str::<Receipt>(answer)
        .ok()
        .filter(|_| format == OutputFormat::Text);
    let Some(receipt) = receipt else {
        return output::json(answer);
    };
    let again = if receipt.duplicate {
        ", received before"
    } else {
        ""
    };
    let mut text = format!("{status}: delivery {}{again}\n", plain(&receipt.delivery));
    for alert in &receipt.alerts {
        let why = alert
            .detail
            .as_ref()
            .or(alert.reason.as_ref())
            .map_or_else(String::new, |why| format!(": {why}"));
        text.push_str(&format!(
            "  {}\n",
            plain(&format!("alert {} {}{why}", alert.id, alert.state))
        ));
        for one in &alert.decisions {
            let device = format!(
                "{}: {} ({}). {}",
                one.device, one.state, one.reason, one.why
            );
            text.push_str(&format!("    {}\n", plain(&device)));
            waiting(&one.waits)
                .for_each(|wait| text.push_str(&format!("      {}\n", plain(&wait))));
        }
    }
    output::tell(&text)
}
