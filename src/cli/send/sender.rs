//! What is needed to speak for a source: the source, and how its requests are proved.

use std::path::Path;

use http::header::HeaderName;

use super::args::SendArgs;
use crate::cli::load;
use crate::cli::output::plain;
use crate::cli::trouble::{CliError, Exit};
use crate::presets;
use crate::settings::{self, Inputs, Source};
use scanhook_core::signature::{Check, Encoding, Key, KeyEncoding};

/// What is needed to speak for a source.
pub(super) struct Sender {
    pub(super) source: Source,
    /// All checks of one alternative, which is as good as any.
    pub(super) checks: Vec<Check>,
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

pub(super) fn configured(
    args: &SendArgs,
    config: &Path,
    inputs: &Inputs,
) -> Result<Sender, CliError> {
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

pub(super) fn preset(args: &SendArgs) -> Result<Sender, CliError> {
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

pub(crate) fn unknown(name: &str, what: &str, known: &[String]) -> CliError {
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

pub(super) fn method(source: &Source) -> &str {
    if source.methods.iter().any(|method| method == "POST") {
        "POST"
    } else {
        source.methods.first().map_or("POST", String::as_str)
    }
}

pub(super) fn media_type(source: &Source) -> &str {
    source
        .content_types
        .first()
        .map_or("application/json", String::as_str)
}
