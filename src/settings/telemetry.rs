//! `[telemetry]`: where traces and metrics are sent, if anywhere. Without `otlp_endpoint` nothing is.

use core::time::Duration;

use http::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::place::{Context, Section};
use super::secret;
use crate::defender::is_loopback;

/// `[telemetry]` with an address. Without `Debug`: it may hold a secret.
#[derive(Clone)]
pub struct TelemetrySettings {
    /// Without a slash at its end.
    pub endpoint: String,
    /// What the collector is shown.
    pub header: Option<(HeaderName, SecretString)>,
    pub traces: bool,
    pub metrics: bool,
    /// Of 100 requests and calls, how many are traced.
    pub sample_percent: u32,
    pub metrics_every: Duration,
}

const URL: &str = "must be a URL of http or https without a user name and a query, such as \"https://collector.corp.example:4318\"";
const PLAIN: &str = "must use https: plain http is for loopback addresses, and elsewhere for networks of which \
                     `plain_http = true` says that nobody listens there";
const SECRET_IN_PLAIN: &str =
    "must use https where a secret is sent: plain http is for loopback addresses only";
/// Headers that say how a request is read, which is not for settings to say.
const OURS: [&str; 6] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
];

pub(super) fn read<'i>(
    mut section: Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<TelemetrySettings> {
    let faults = ctx.faults.len();
    let endpoint = section.take::<String>(ctx, "otlp_endpoint");
    let plain_http = section.take::<bool>(ctx, "plain_http").unwrap_or(false);
    let header = header(&mut section, ctx);
    let [traces, metrics] = signals(&mut section, ctx);
    let sample_percent = section.number(ctx, "sample_percent", 100, 0..=100);
    let minute = Duration::from_secs(60);
    let bounds = Duration::from_secs(1)..=60 * minute;
    let metrics_every = section.duration(ctx, "metrics_every", minute, bounds);
    let endpoint = endpoint.and_then(|text| {
        let checked = checked(&text, plain_http, header.is_some());
        checked
            .map_err(|message| section.fault(ctx, "otlp_endpoint", "bad-value", message))
            .ok()
    });
    section.finish(ctx);
    if ctx.faults.len() > faults {
        return None;
    }
    Some(TelemetrySettings {
        endpoint: endpoint?,
        header,
        traces,
        metrics,
        sample_percent,
        metrics_every,
    })
}

/// The address that signals are sent below.
fn checked(text: &str, plain_http: bool, has_secret: bool) -> Result<String, &'static str> {
    let text = text.trim_end_matches('/');
    let uri: http::Uri = text.parse().map_err(|_| URL)?;
    let host = uri.host().unwrap_or_default();
    if host.is_empty() || text.contains(['@', '#', '?']) {
        return Err(URL);
    }
    match uri.scheme_str() {
        Some("https") => Ok(text.to_owned()),
        Some("http") if is_loopback(host) => Ok(text.to_owned()),
        Some("http") if has_secret => Err(SECRET_IN_PLAIN),
        Some("http") if plain_http => Ok(text.to_owned()),
        Some("http") => Err(PLAIN),
        _ => Err(URL),
    }
}

fn header<'i>(
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<(HeaderName, SecretString)> {
    let must_be = "the name of a header that authenticates, such as \"Authorization\"";
    let name = section.parse(ctx, "header", must_be, |text| {
        let name: HeaderName = text.parse().ok()?;
        (!OURS.contains(&name.as_str())).then_some(name)
    });
    if !section.has(ctx, "secret_file") && !section.has(ctx, "secret_env") {
        section.offer(&["secret_file", "secret_env"]);
        if section.knows("header") {
            let message = "must stand beside `header`: it holds the header's whole value";
            section.missing(ctx, "secret_file", message);
        }
        return None;
    }
    let value = secret::only_text(section, ctx);
    if !section.knows("header") {
        section.missing(ctx, "header", "must stand beside the secret");
    }
    let value = value?;
    if HeaderValue::from_str(value.expose_secret()).is_err() {
        let key = match section.knows("secret_file") {
            true => "secret_file",
            false => "secret_env",
        };
        let message = "does not fit into a header: it must be one line of ASCII";
        section.fault(ctx, key, "bad-secret", message);
        return None;
    }
    Some((name?, value))
}

/// Whether traces, and whether metrics, are sent.
fn signals<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> [bool; 2] {
    let known = ["traces", "metrics"];
    let Some(named) = section.texts(ctx, "signals") else {
        return [true, true];
    };
    if named.is_empty() || named.iter().any(|name| !known.contains(&name.as_str())) {
        let message = "must be a list of \"traces\" and \"metrics\"; left out: both";
        section.fault(ctx, "signals", "bad-value", message);
    }
    known.map(|signal| named.iter().any(|name| name == signal))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leaves_this_computer_only_where_it_is_allowed_and_never_with_a_secret() {
        for (url, plain_http, secret, expected) in [
            (
                "https://c.example:4318/",
                false,
                true,
                Ok("https://c.example:4318"),
            ),
            (
                "https://c.example/otlp",
                false,
                true,
                Ok("https://c.example/otlp"),
            ),
            (
                "http://127.0.0.1:4318",
                false,
                true,
                Ok("http://127.0.0.1:4318"),
            ),
            ("http://[::1]:4318", false, false, Ok("http://[::1]:4318")),
            (
                "http://collector:4318",
                true,
                false,
                Ok("http://collector:4318"),
            ),
            ("http://collector:4318", false, false, Err(PLAIN)),
            ("http://collector:4318", true, true, Err(SECRET_IN_PLAIN)),
            ("grpc://collector:4317", true, false, Err(URL)),
            ("collector:4318", true, false, Err(URL)),
            ("https://u:p@c.example", false, false, Err(URL)),
            ("https://c.example/?q=1", false, false, Err(URL)),
            ("", false, false, Err(URL)),
        ] {
            let found = checked(url, plain_http, secret);
            assert_eq!(found.as_deref().map_err(|why| *why), expected, "{url}");
        }
    }
}
