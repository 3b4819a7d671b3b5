//! What a sender presents as it is: its address, and where a secret stands in the request. What is told of a secret here is
//! whether it can stand there at all.

use http::header::HeaderName;

use crate::settings::place::{Context, Section};
use scanhook_core::network::Network;
use scanhook_core::pointer::Pointer;
use scanhook_core::signature::{Check, Key};

pub(super) fn networks<'i>(entry: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Vec<Network>> {
    let texts = entry.texts(ctx, "ip")?;
    if texts.is_empty() {
        entry.fault(
            ctx,
            "ip",
            "bad-value",
            "must name a network, such as \"203.0.113.0/24\"",
        );
    }
    let mut networks = Vec::new();
    for text in texts {
        match text.parse::<Network>() {
            Ok(network) => networks.push(network),
            Err(why) => entry.fault(
                ctx,
                "ip",
                "bad-value",
                format!("`{}`: {why}", text.escape_debug()),
            ),
        }
    }
    Some(networks)
}

pub(super) fn header<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<HeaderName> {
    let name = header_name(table, ctx, "name");
    if name.is_none() && !table.knows("name") {
        table.missing(ctx, "name", "must name the header the secret stands in");
    }
    name
}

pub(super) fn header_name<'i>(
    table: &mut Section<'i>,
    ctx: &mut Context<'i>,
    key: &'static str,
) -> Option<HeaderName> {
    table.parse(ctx, key, "the name of a header", |text| {
        text.parse::<HeaderName>().ok()
    })
}

pub(super) fn username<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<String> {
    let is_name =
        |text: &str| !text.is_empty() && !text.contains(|c: char| c == ':' || c.is_control());
    let name = table.parse(ctx, "username", "a user's name without a colon", |text| {
        is_name(text).then(|| text.to_owned())
    });
    if name.is_none() && !table.knows("username") {
        table.missing(
            ctx,
            "username",
            "must be the user's name that the sender shows",
        );
    }
    name
}

pub(super) fn pointer<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Pointer> {
    let must_be = "a JSON pointer below the root, such as \"/clientState\"";
    let pointer = table.parse(ctx, "pointer", must_be, |text| {
        Some(text)
            .filter(|text| !text.is_empty())
            .and_then(|text| Pointer::parse(text).ok())
    });
    if pointer.is_none() && !table.knows("pointer") {
        table.missing(
            ctx,
            "pointer",
            "must say where in the body the secret stands",
        );
    }
    pointer
}

/// Whether the secrets can be sent at all where they are to stand.
pub(super) fn fits(table: &Section<'_>, check: &Check, ctx: &mut Context<'_>) {
    let (can, why): (fn(&Key) -> bool, _) = match check {
        Check::Bearer { .. } | Check::Header { .. } => (
            Key::is_sendable,
            "holds what no header can carry, such as a line break or a blank at an end",
        ),
        Check::UrlSecret { .. } | Check::BodySecret { .. } => (
            |key| key.as_text().is_some(),
            "is not UTF-8, so it can stand neither in a URL nor in JSON",
        ),
        _ => return,
    };
    for key in check.keys().iter().filter(|key| !can(key)) {
        table.fault(
            ctx,
            "secret_file",
            "bad-secret",
            format!("{}: {why}", key.id()),
        );
    }
}
