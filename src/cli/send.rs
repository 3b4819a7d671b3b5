//! `scanhook send`: a payload signed as its source requires, and posted; or the curl command that does the same.

mod curl;
mod sendable;

use core::time::Duration;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::header::{CONTENT_TYPE, HeaderName};
use http::{Method, StatusCode};
use secrecy::ExposeSecret as _;

use super::format::OutputFormat;
use super::load;
use super::output::{self, complain, plain};
use super::responder::{client, detail, encoded, root};
use super::table::waiting;
use super::trouble::{CliError, Exit};
use crate::api::Receipt;
use crate::clock;
use crate::defender;
use crate::presets;
use crate::settings::{self, Inputs, Source};
use scanhook_core::signature::{Check, Encoding, Key, KeyEncoding, Moment, ProvenRequest};
use sendable::{unsendable, with_segment};

/// How long the answer may take; a receiver that is alive answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct SendArgs {
    /// The body to send; `-` for standard input.
    payload: PathBuf,
    /// A source of scanhook.toml or, without one, a preset.
    #[arg(long, value_name = "NAME")]
    source: String,
    /// Where to [default: http://127.0.0.1:8080/webhooks/<SOURCE>].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Says how the source signs; without it, the scanhook.toml that `serve` would take.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sign with the secret in this file, whatever the configuration names.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Without a configuration: the header of the signature [default: X-Signature-256].
    #[arg(long, value_name = "NAME", conflicts_with = "bearer")]
    header: Option<HeaderName>,
    /// Without a configuration: what stands before the signature [default: sha256=].
    #[arg(long, value_name = "TEXT", conflicts_with = "bearer")]
    prefix: Option<String>,
    /// Without a configuration: send the secret as a bearer token in place of a signature.
    #[arg(long)]
    bearer: bool,
    /// A token of Entra ID for a source that takes such, as `az account get-access-token` writes it.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Send nothing; print the curl command that would.
    #[arg(long)]
    print_curl: bool,
    /// How the receipt is written; json is the answer itself.
    #[arg(short, long, value_enum, default_value_t)]
    output: OutputFormat,
}

/// What is needed to speak for a source.
struct Sender {
    source: Source,
    /// All checks of one alternative, which is as good as any.
    checks: Vec<Check>,
}

pub(super) async fn run(args: &SendArgs) -> anyhow::Result<ExitCode> {
    let body = payload(&args.payload)?;
    let inputs = load::credential_free(load::inputs(args.config.as_ref(), None));
    let sender = match &inputs.file {
        Some(config) => configured(args, config, &inputs)?,
        None => preset(args)?,
    };
    let url = args
        .url
        .clone()
        .unwrap_or_else(|| format!("http://127.0.0.1:8080/webhooks/{}", args.source));
    in_private(&sender.checks, &url)?;
    if args.print_curl {
        let (method, media_type) = (method(&sender.source), media_type(&sender.source));
        let (payload, token) = (args.payload.as_path(), args.token_file.as_deref());
        let request = curl::Request {
            checks: &sender.checks,
            payload,
            body,
            url: &url,
            method,
            media_type,
            token,
        };
        output::line(&request.command(clock::now())?)?;
        return Ok(ExitCode::SUCCESS);
    }
    post(args, &sender, body, &url).await
}

pub(super) fn payload(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut body).map(|_| body)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| CliError::reading(path, &error))
}

/// The key of `--secret-file`, written as the check wants it.
fn own_key(path: &Path, check: Option<&Check>) -> Result<Key, CliError> {
    load::readable(path)?;
    let encoding = match check {
        Some(Check::Hmac(scheme)) => scheme.key_encoding,
        _ => KeyEncoding::Raw,
    };
    settings::webhook_key(path, encoding).map_err(|why| CliError::new(Exit::Configuration, why))
}

fn configured(args: &SendArgs, config: &Path, inputs: &Inputs) -> Result<Sender, CliError> {
    if args.header.is_some() || args.prefix.is_some() || args.bearer {
        let sentence = format!(
            "--header, --prefix and --bearer: {} says how the source signs",
            config.display()
        );
        return Err(CliError::new(Exit::Usage, sentence));
    }
    let settings = load::settings(inputs)?;
    let names: Vec<_> = settings
        .sources
        .iter()
        .map(|source| source.name.clone())
        .collect();
    let source = settings
        .sources
        .into_iter()
        .find(|source| source.name == args.source);
    let source = source.ok_or_else(|| unknown(&args.source, "source", &names))?;
    let mut checks = chosen(&source, args.token_file.is_some());
    if let Some(path) = &args.secret_file
        && let Some(check) = checks.iter_mut().find(|check| !check.keys().is_empty())
    {
        *check = check.with_key(own_key(path, Some(check))?);
    }
    Ok(Sender { source, checks })
}

/// The alternative to take: the first one that needs a token if there is one, else the first that needs none.
fn chosen(source: &Source, with_token: bool) -> Vec<Check> {
    let takes_token = |all: &&Vec<Check>| all.iter().any(|check| matches!(check, Check::Entra(_)));
    let alternatives = &source.auth.alternatives;
    let fitting = alternatives
        .iter()
        .find(|all| takes_token(all) == with_token);
    fitting
        .or(alternatives.first())
        .cloned()
        .unwrap_or_default()
}

fn preset(args: &SendArgs) -> Result<Sender, CliError> {
    let names: Vec<_> = presets::names().map(str::to_owned).collect();
    let source =
        Source::of_preset(&args.source).ok_or_else(|| unknown(&args.source, "preset", &names))?;
    let sentence = "without a scanhook.toml, --secret-file must name the secret to sign with";
    let path = args
        .secret_file
        .as_deref()
        .ok_or_else(|| CliError::new(Exit::Usage, sentence))?;
    let keys = vec![own_key(path, None)?];
    let check = if args.bearer {
        Check::Bearer { keys }
    } else {
        let header = args
            .header
            .clone()
            .unwrap_or(HeaderName::from_static("x-signature-256"));
        Check::hmac(
            header,
            args.prefix.as_deref().unwrap_or("sha256="),
            Encoding::Hex,
            keys,
        )
    };
    Ok(Sender {
        source,
        checks: vec![check],
    })
}

pub(super) fn unknown(name: &str, what: &str, known: &[String]) -> CliError {
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    CliError::new(
        Exit::Usage,
        format!("no {what} is called `{}`; there is {known}", plain(name)),
    )
}

/// Nobody on the way may read a secret: without TLS one leaves this machine only as a signature.
fn in_private(checks: &[Check], url: &str) -> Result<(), CliError> {
    let shown = checks
        .iter()
        .any(|check| !matches!(check, Check::Hmac(_) | Check::Address { .. }));
    let plain = url.parse::<http::Uri>().is_ok_and(|url| {
        url.scheme_str()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("http"))
            && !url.host().is_some_and(defender::is_loopback)
    });
    if shown && plain {
        let sentence = "--url: over plain http to another machine everybody on the way could read this source's secret; use https";
        return Err(CliError::new(Exit::Usage, sentence));
    }
    Ok(())
}

/// The token of `--token-file`, without the newline at its end.
fn token(args: &SendArgs) -> Result<Option<String>, CliError> {
    let Some(path) = &args.token_file else {
        return Ok(None);
    };
    let text = std::fs::read_to_string(path).map_err(|error| CliError::reading(path, &error))?;
    Ok(Some(text.trim().to_owned()))
}

fn method(source: &Source) -> &str {
    if source.methods.iter().any(|method| method == "POST") {
        "POST"
    } else {
        source.methods.first().map_or("POST", String::as_str)
    }
}

fn media_type(source: &Source) -> &str {
    source
        .content_types
        .first()
        .map_or("application/json", String::as_str)
}

async fn post(
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
        Some(secret) => with_segment(url, &encoded(secret.expose_secret()).to_string()),
        None => url.to_owned(),
    };
    let mut request = client(PATIENCE)?
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

fn unreachable(url: &str, error: &reqwest::Error) -> CliError {
    if error.is_builder() {
        return CliError::new(Exit::Usage, format!("--url: {} is not a URL", plain(url)));
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
