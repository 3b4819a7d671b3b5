//! `scanhook send`: a payload signed as its source requires, and posted; or the curl command that does the same.

use core::time::Duration;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};

use super::output::{self, complain, plain};
use super::responder::{client, detail, root};
use super::test::credential_free;
use super::trouble::{Exit, Trouble};
use super::{Format, check};
use crate::api::Receipt;
use crate::domain::signature::{Check, Encoding, Key, sign};
use crate::presets;
use crate::settings::{self, Source};

/// How long the answer may take; a receiver that is alive answers in milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the command line says.
#[derive(clap::Args)]
pub(super) struct Args {
    /// The body to send; `-` for standard input.
    payload: PathBuf,
    /// A source of scanhook.toml or, without one, a preset.
    #[arg(long, value_name = "NAME")]
    source: String,
    /// Where to [default: http://127.0.0.1:8080/webhooks/<SOURCE>].
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    /// Says how the source signs; without it, scanhook.toml here if there is one.
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
    /// Send nothing; print the curl command that would.
    #[arg(long)]
    print_curl: bool,
    /// How the receipt is written; json is the answer itself.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

/// What is needed to speak for a source.
struct Sender {
    source: Source,
    /// Stands for the first check of the source.
    own: Option<Check>,
    /// Where a bearer token can be found, for a command line that must not hold it.
    token: Option<Token>,
}

/// Where a shell finds a bearer token.
enum Token {
    File(PathBuf),
    Variable(String),
}

pub(super) async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let body = payload(&args.payload)?;
    let sender = match check::named_or_here(args.config.as_deref(), "scanhook.toml") {
        Some(config) => configured(args, &config)?,
        None => preset(args)?,
    };
    let url = args.url.clone().unwrap_or_else(|| format!("http://127.0.0.1:8080/webhooks/{}", args.source));
    if args.print_curl {
        output::line(&curl(args, &sender, &body, &url)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    post(args, &sender, body, &url).await
}

fn payload(path: &Path) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut body).map(|_| body)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| Trouble::reading(path, &error))
}

/// The key of `--secret-file`.
fn own_key(args: &Args) -> Result<Option<Key>, Trouble> {
    let Some(path) = &args.secret_file else { return Ok(None) };
    check::readable(path)?;
    settings::webhook_key(path).map(Some).map_err(|why| Trouble::new(Exit::Configuration, why))
}

fn configured(args: &Args, config: &Path) -> Result<Sender, Trouble> {
    if args.header.is_some() || args.prefix.is_some() || args.bearer {
        let sentence = format!("--header, --prefix and --bearer: {} says how the source signs", config.display());
        return Err(Trouble::new(Exit::Usage, sentence));
    }
    let settings = check::settings(&credential_free(config.to_owned()))?;
    let names: Vec<_> = settings.sources.iter().map(|source| source.name.clone()).collect();
    let source = settings.sources.into_iter().find(|source| source.name == args.source);
    let source = source.ok_or_else(|| unknown(&args.source, "source", &names))?;
    let own = own_key(args)?.and_then(|key| Some(with_key(source.auth.alternatives.first()?.first()?, key)));
    let token = args.secret_file.clone().map(Token::File).or_else(|| token(config, &args.source));
    Ok(Sender { source, own, token })
}

fn preset(args: &Args) -> Result<Sender, Trouble> {
    let names: Vec<_> = presets::names().map(str::to_owned).collect();
    let source = Source::of_preset(&args.source).ok_or_else(|| unknown(&args.source, "preset", &names))?;
    let sentence = "without a scanhook.toml, --secret-file must name the secret to sign with";
    let keys = vec![own_key(args)?.ok_or_else(|| Trouble::new(Exit::Usage, sentence))?];
    let check = if args.bearer {
        Check::Bearer { keys }
    } else {
        let header = args.header.clone().unwrap_or(HeaderName::from_static("x-signature-256"));
        let prefix = args.prefix.clone().unwrap_or_else(|| "sha256=".to_owned());
        Check::Hmac { header, prefix, encoding: Encoding::Hex, keys }
    };
    Ok(Sender { source, own: Some(check), token: args.secret_file.clone().map(Token::File) })
}

fn unknown(name: &str, what: &str, known: &[String]) -> Trouble {
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Trouble::new(Exit::Usage, format!("no {what} is called `{}`; there is {known}", plain(name)))
}

fn with_key(check: &Check, key: Key) -> Check {
    let keys = vec![key];
    match check {
        Check::Hmac { header, prefix, encoding, .. } => {
            Check::Hmac { header: header.clone(), prefix: prefix.clone(), encoding: *encoding, keys }
        }
        Check::Bearer { .. } => Check::Bearer { keys },
    }
}

impl Sender {
    /// All checks of one alternative: the first is as good as any.
    fn checks(&self) -> impl Iterator<Item = &Check> {
        let all = self.source.auth.alternatives.first().into_iter().flatten();
        self.own.iter().chain(all.skip(usize::from(self.own.is_some())))
    }
}

/// Where the configuration says the bearer token of a source is; the settings themselves keep only what it is called.
fn token(config: &Path, source: &str) -> Option<Token> {
    let text = std::fs::read_to_string(config).ok()?;
    let file: toml::Table = text.parse().ok()?;
    let auth = file.get("sources")?.get(source)?.get("auth")?;
    let entry = auth.as_array().map_or(Some(auth), |entries| entries.first())?.get("bearer")?;
    let first = |key: &str| {
        let value = entry.get(key)?;
        value.as_str().or_else(|| value.get(0)?.as_str()).map(str::to_owned)
    };
    let folder = config.parent().unwrap_or(Path::new(""));
    first("secret_file").map(|file| Token::File(folder.join(file))).or_else(|| first("secret_env").map(Token::Variable))
}

/// The headers that prove who sends this.
fn proof(sender: &Sender, body: &[u8]) -> Result<Vec<(HeaderName, HeaderValue)>, Trouble> {
    let signed: Option<Vec<_>> = sender.checks().map(|check| sign(check, body)).collect();
    let unfit = "the secret cannot stand in a header: it holds a line break or another control character";
    signed.ok_or_else(|| Trouble::new(Exit::Configuration, unfit))
}

fn method(source: &Source) -> &str {
    if source.methods.iter().any(|method| method == "POST") {
        "POST"
    } else {
        source.methods.first().map_or("POST", String::as_str)
    }
}

fn media_type(source: &Source) -> &str {
    source.content_types.first().map_or("application/json", String::as_str)
}

async fn post(args: &Args, sender: &Sender, body: Vec<u8>, url: &str) -> anyhow::Result<ExitCode> {
    let method = Method::from_bytes(method(&sender.source).as_bytes())?;
    let mut request = client(PATIENCE)?.request(method, url).header(CONTENT_TYPE, media_type(&sender.source));
    for (name, value) in proof(sender, &body)? {
        request = request.header(name, value);
    }
    let response = request.body(body).send().await.map_err(|error| unreachable(url, &error))?;
    let status = response.status();
    let answer = response.text().await.map_err(|error| unreachable(url, &error))?;
    if status.is_success() {
        show(args.output, status, &answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    if args.output == Format::Json {
        output::line(answer.trim_end())?;
    }
    let exit = match status.as_u16() {
        401 | 403 => Exit::Permission,
        400..=499 => Exit::BadData,
        _ => Exit::Unavailable,
    };
    complain(&format!("scanhook: {status} from {url}: {}", detail(&answer)));
    Ok(exit.into())
}

fn unreachable(url: &str, error: &reqwest::Error) -> Trouble {
    if error.is_builder() {
        return Trouble::new(Exit::Usage, format!("--url: {} is no URL", plain(url)));
    }
    let sentence = format!("nobody answers at {url}: is `scanhook serve` running there? ({})", root(error));
    Trouble::new(Exit::Unavailable, sentence)
}

fn show(format: Format, status: StatusCode, answer: &str) -> Result<(), Trouble> {
    let receipt = serde_json::from_str::<Receipt>(answer).ok().filter(|_| format == Format::Text);
    let Some(receipt) = receipt else {
        return output::line(answer.trim_end());
    };
    let again = if receipt.duplicate { ", received before" } else { "" };
    let mut text = format!("{status}: delivery {}{again}\n", plain(&receipt.delivery));
    for alert in &receipt.alerts {
        let why = alert.detail.as_ref().or(alert.reason.as_ref()).map_or_else(String::new, |why| format!(": {why}"));
        text.push_str(&format!("  {}\n", plain(&format!("alert {} {}{why}", alert.id, alert.state))));
        for one in &alert.decisions {
            let device = format!("{}: {} ({}). {}", one.device, one.state, one.reason, one.why);
            text.push_str(&format!("    {}\n", plain(&device)));
        }
    }
    output::print(&text)
}

/// A command for any POSIX shell. The secret is not in it: a signature is, or the way to the token.
fn curl(args: &Args, sender: &Sender, body: &[u8], url: &str) -> Result<String, Trouble> {
    let path = |path: &Path| {
        let text = path.to_str().ok_or_else(|| Trouble::new(Exit::Usage, "a file name that is not UTF-8"))?;
        // A name that begins with a dash would be taken for an option.
        Ok::<_, Trouble>(if text.starts_with('-') && text != "-" { format!("./{text}") } else { text.to_owned() })
    };
    let mut parts = vec!["curl".to_owned()];
    if method(&sender.source) != "POST" {
        parts.push(format!("-X {}", quoted(method(&sender.source))));
    }
    parts.push(format!("-H {}", quoted(&format!("Content-Type: {}", media_type(&sender.source)))));
    let signatures = proof(sender, body)?;
    for (check, (name, value)) in sender.checks().zip(&signatures) {
        parts.push(match (check, &sender.token) {
            (Check::Hmac { .. }, _) => {
                format!("-H {}", quoted(&format!("{name}: {}", value.to_str().unwrap_or_default())))
            }
            (Check::Bearer { .. }, Some(Token::File(file))) => {
                format!("-H \"Authorization: Bearer $(cat {})\"", quoted(&path(file)?))
            }
            (Check::Bearer { .. }, Some(Token::Variable(name))) => format!("-H \"Authorization: Bearer ${{{name}}}\""),
            (Check::Bearer { .. }, None) => {
                let sentence = "the secret stays out of the command: name its file with --secret-file";
                return Err(Trouble::new(Exit::Usage, sentence));
            }
        });
    }
    parts.push(format!("--data-binary {}", quoted(&format!("@{}", path(&args.payload)?))));
    parts.push(quoted(url));
    Ok(parts.join(" "))
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}
