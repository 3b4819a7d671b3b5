//! `scanhook send`: a payload signed as its source requires, and posted; or the curl command that does the same.

mod args;
mod curl;
mod post;
mod sendable;
mod sender;

pub(super) use args::SendArgs;
pub(super) use sender::unknown;

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use super::load;
use super::output;
use super::trouble::{CliError, Exit};
use crate::clock;
use crate::defender;
use post::post;
use scanhook_core::signature::Check;
use sender::{configured, media_type, method, preset};

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
