//! `[[sources.x.auth]]`: how a sender proves itself. Kinds inside one entry must all hold, entries are alternatives.

use core::time::Duration;

use http::header::HeaderName;
use uuid::Uuid;

use super::place::{Context, Section};
use super::secret;
use crate::defender;
use scanhook_core::network::Network;
use scanhook_core::pointer::Pointer;
use scanhook_core::signature::stamp::TOLERANCE;
use scanhook_core::signature::{
    Algorithm, Authentication, Check, Encoding, Entra, KNOWN, Key, KeyEncoding, KnownScheme,
    Scheme, Separator, SignedTemplate, SignedTime, StampPlace, TimeFormat,
};

/// The kinds that are no scheme of signatures. What costs least to check comes first; signatures come in between.
const BEFORE: [&str; 5] = ["ip", "url_secret", "bearer", "header", "basic"];
const AFTER: [&str; 2] = ["body_secret", "entra_jwt"];

/// Microsoft's public login.
const AUTHORITY: &str = "https://login.microsoftonline.com";

/// Reads all entries of a source.
pub(super) fn read<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Authentication {
    let entries = section.list(ctx, "auth");
    if entries.as_ref().is_none_or(Vec::is_empty) {
        section.missing(
            ctx,
            "auth",
            "must hold at least one way for the sender to prove itself",
        );
    }
    let alternatives = entries
        .into_iter()
        .flatten()
        .map(|entry| alternative(entry, ctx));
    Authentication {
        alternatives: alternatives.collect(),
    }
}

/// What an operator should know of a source that can be spoken for by whoever sees one request.
pub(super) fn weigh(source: &str, auth: &Authentication, ctx: &mut Context<'_>) {
    for all in auth.alternatives.iter().filter(|all| !all.is_empty()) {
        if all
            .iter()
            .all(|check| matches!(check, Check::Address { .. }))
        {
            ctx.warnings.push(format!(
                "source `{source}`: nothing but an address proves its sender: whoever can send from there can speak for it"
            ));
        }
        if all
            .iter()
            .any(|check| matches!(check, Check::UrlSecret { .. }))
        {
            ctx.notes.push(format!(
                "source `{source}`: its secret is part of the URL, which proxies on the way may write into their logs"
            ));
        }
    }
    let old =
        |check: &Check| matches!(check, Check::Hmac(scheme) if scheme.algorithm == Algorithm::Sha1);
    if auth.alternatives.iter().flatten().any(old) {
        ctx.notes.push(format!(
            "source `{source}`: it signs with HMAC-SHA1; choose sha256 if its sender can"
        ));
    }
}

fn alternative<'i>(mut entry: Section<'i>, ctx: &mut Context<'i>) -> Vec<Check> {
    let kinds = BEFORE
        .iter()
        .copied()
        .chain(KNOWN.iter().map(|known| known.kind))
        .chain(AFTER);
    let kinds: Vec<&'static str> = kinds.collect();
    entry.offer(&kinds);
    let empty = !entry.has(ctx, "mtls") && !kinds.iter().any(|kind| entry.has(ctx, kind));
    entry.later(
        ctx,
        "mtls",
        "is not available in this version; let the proxy in front check client certificates",
    );
    let mut checks: Vec<Check> = Vec::new();
    for kind in kinds {
        if entry.has(ctx, kind)
            && let Some(check) = check(&mut entry, kind, ctx)
        {
            if let Some(header) = check.occupies()
                && checks.iter().any(|other| other.occupies() == Some(header))
            {
                let message = format!(
                    "wants the header `{header}` for itself, and so does another kind of this entry"
                );
                entry.fault(ctx, kind, "bad-value", message);
            }
            checks.push(check);
        }
    }
    if empty {
        entry.missing(
            ctx,
            "hmac",
            "names no check: `hmac`, `bearer` or another kind",
        );
    }
    entry.finish(ctx);
    checks
}

fn check<'i>(entry: &mut Section<'i>, kind: &'static str, ctx: &mut Context<'i>) -> Option<Check> {
    if kind == "ip" {
        return networks(entry, ctx).map(|networks| Check::Address { networks });
    }
    let mut table = entry.section(ctx, kind)?;
    if let Some(known) = KnownScheme::named(kind) {
        return scheme(table, known, ctx).map(|scheme| Check::Hmac(Box::new(scheme)));
    }
    if kind == "entra_jwt" {
        return entra(table, ctx).map(|entra| Check::Entra(Box::new(entra)));
    }
    let keys = secret::keys(&mut table, ctx, KeyEncoding::Raw);
    let check = match kind {
        "bearer" => Some(Check::Bearer { keys }),
        "header" => header(&mut table, ctx).map(|name| Check::Header { name, keys }),
        "basic" => username(&mut table, ctx).map(|username| Check::Basic { username, keys }),
        "url_secret" => Some(Check::UrlSecret { keys }),
        _ => pointer(&mut table, ctx).map(|pointer| Check::BodySecret { pointer, keys }),
    };
    if let Some(check) = &check {
        fits(&table, check, ctx);
    }
    table.finish(ctx);
    check
}

/// Whether the secrets can be sent at all where they are to stand.
fn fits(table: &Section<'_>, check: &Check, ctx: &mut Context<'_>) {
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

fn networks<'i>(entry: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Vec<Network>> {
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

fn header<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<HeaderName> {
    let name = header_name(table, ctx, "name");
    if name.is_none() && !table.knows("name") {
        table.missing(ctx, "name", "must name the header the secret stands in");
    }
    name
}

fn header_name<'i>(
    table: &mut Section<'i>,
    ctx: &mut Context<'i>,
    key: &'static str,
) -> Option<HeaderName> {
    table.parse(ctx, key, "the name of a header", |text| {
        text.parse::<HeaderName>().ok()
    })
}

fn username<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<String> {
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

fn pointer<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Pointer> {
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

/// A scheme of signatures: what the kind presumes, with the table's keys over it.
fn scheme<'i>(
    mut table: Section<'i>,
    known: &KnownScheme,
    ctx: &mut Context<'i>,
) -> Option<Scheme> {
    let named = header_name(&mut table, ctx, "header");
    let header = named.or_else(|| known.header.and_then(|name| name.parse().ok()));
    if header.is_none() && !table.knows("header") {
        table.missing(
            ctx,
            "header",
            "must name the header the signature stands in",
        );
    }
    let visible =
        |text: &str| text.len() <= 64 && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let must_be = "at most 64 visible ASCII characters or blanks; empty where nothing stands before the signature";
    let prefix = table.parse(ctx, "prefix", must_be, |text| {
        visible(text).then(|| text.to_owned())
    });
    let separator = table.parse(
        ctx,
        "separator",
        "one character such as \",\", or empty where there is one signature",
        divides,
    );
    let encoding = table.parse(ctx, "encoding", "hex or base64", Encoding::of_code);
    let algorithm = table.parse(
        ctx,
        "algorithm",
        "sha256, sha512 or sha1",
        Algorithm::of_code,
    );
    let stamp = stamp(&mut table, known, ctx);
    let id_header = header_name(&mut table, ctx, "id_header")
        .or_else(|| known.id_header.and_then(|n| n.parse().ok()));
    let presumed = known
        .signed_with_timestamp
        .filter(|_| stamp.is_some())
        .unwrap_or(known.signed);
    let signed = signed(&mut table, presumed, ctx);
    let encoded = table.parse(
        ctx,
        "secret_encoding",
        "raw, hex, base64 or whsec",
        KeyEncoding::of_code,
    );
    let key_encoding = encoded.unwrap_or(known.key_encoding);
    let keys = secret::keys(&mut table, ctx, key_encoding);
    if let Some(signed) = &signed {
        covers(&table, signed, stamp.as_ref(), id_header.as_ref(), ctx);
    }
    table.finish(ctx);
    Some(Scheme {
        header: header?,
        prefix: prefix.unwrap_or_else(|| known.prefix.to_owned()),
        separator: separator.unwrap_or(known.separator),
        encoding: encoding.unwrap_or(known.encoding),
        algorithm: algorithm.unwrap_or(Algorithm::Sha256),
        signed: signed?,
        stamp,
        id_header,
        key_encoding,
        keys,
    })
}

fn divides(text: &str) -> Option<Separator> {
    match text.as_bytes() {
        [] => Some(Separator::Nothing),
        [only] if only.is_ascii_punctuation() || *only == b' ' => Some(Separator::Only(*only)),
        _ => None,
    }
}

fn signed<'i>(
    table: &mut Section<'i>,
    presumed: &str,
    ctx: &mut Context<'i>,
) -> Option<SignedTemplate> {
    let text = table
        .take::<String>(ctx, "signed")
        .unwrap_or_else(|| presumed.to_owned());
    SignedTemplate::parse(&text)
        .map_err(|why| table.fault(ctx, "signed", "bad-value", why.to_string()))
        .ok()
}

fn stamp<'i>(
    table: &mut Section<'i>,
    known: &KnownScheme,
    ctx: &mut Context<'i>,
) -> Option<SignedTime> {
    let visible =
        |text: &str| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    let entry = table.parse(
        ctx,
        "timestamp_prefix",
        "1 to 64 visible ASCII characters",
        |text| visible(text).then(|| text.to_owned()),
    );
    let header = header_name(table, ctx, "timestamp_header");
    if entry.is_some() && header.is_some() {
        table.fault(
            ctx,
            "timestamp_prefix",
            "bad-value",
            "stands beside `timestamp_header`: the time has one place",
        );
    }
    let place = entry
        .map(StampPlace::Entry)
        .or(header.map(StampPlace::Header));
    let place = place.or_else(|| {
        known
            .timestamp_header
            .and_then(|name| name.parse().ok())
            .map(StampPlace::Header)
    });
    let mut formats = Vec::new();
    for text in table.texts(ctx, "timestamp_format").unwrap_or_default() {
        match TimeFormat::of_code(&text) {
            Some(format) => formats.push(format),
            None => table.fault(
                ctx,
                "timestamp_format",
                "bad-value",
                "must be unix, unix_ms or rfc3339, or a list of them",
            ),
        }
    }
    if formats.is_empty() {
        formats = known.timestamp_formats.to_vec();
    }
    let range = Duration::from_secs(1)..=Duration::from_secs(3_600);
    let tolerance = table.duration(ctx, "tolerance", TOLERANCE, range);
    if place.is_none() {
        for key in ["timestamp_format", "tolerance"]
            .into_iter()
            .filter(|key| table.knows(key))
        {
            table.fault(
                ctx,
                key,
                "bad-value",
                "means nothing without `timestamp_header` or `timestamp_prefix`",
            );
        }
    }
    place.map(|place| SignedTime {
        place,
        formats,
        tolerance,
    })
}

/// A time or an id that is not signed can be altered by anybody: it proves nothing.
fn covers(
    table: &Section<'_>,
    signed: &SignedTemplate,
    stamp: Option<&SignedTime>,
    id_header: Option<&HeaderName>,
    ctx: &mut Context<'_>,
) {
    let fault =
        |ctx: &mut Context<'_>, message: &str| table.fault(ctx, "signed", "bad-value", message);
    match (signed.has_timestamp(), stamp.is_some()) {
        (true, false) => fault(
            ctx,
            "holds {timestamp}, but neither `timestamp_header` nor `timestamp_prefix` is set",
        ),
        (false, true) => fault(
            ctx,
            "must hold {timestamp}: one that is not signed can be altered by anybody",
        ),
        _ => {}
    }
    match (signed.has_id(), id_header.is_some()) {
        (true, false) => fault(ctx, "holds {id}, but `id_header` is not set"),
        (false, true) => fault(
            ctx,
            "must hold {id}: one that is not signed can be altered by anybody",
        ),
        _ => {}
    }
}

/// Whose tokens of Entra ID are taken.
fn entra<'i>(mut table: Section<'i>, ctx: &mut Context<'i>) -> Option<Entra> {
    let guid = |text: &str| {
        text.parse::<Uuid>()
            .ok()
            .map(|id| id.hyphenated().to_string())
    };
    let tenant_id = table.parse(ctx, "tenant_id", "the id of the tenant, a GUID", guid);
    if tenant_id.is_none() && !table.knows("tenant_id") {
        table.missing(
            ctx,
            "tenant_id",
            "must be the id of the tenant whose tokens are taken",
        );
    }
    let texts = |table: &mut Section<'i>, ctx: &mut Context<'i>, key| {
        let texts = table.texts(ctx, key)?;
        if texts.is_empty() || texts.iter().any(String::is_empty) {
            table.fault(ctx, key, "bad-value", "must not be empty");
        }
        Some(texts)
    };
    let audiences = texts(&mut table, ctx, "audience");
    if audiences.is_none() && !table.knows("audience") {
        table.missing(
            ctx,
            "audience",
            "must be the audience of the token, such as \"api://scanhook\"",
        );
    }
    let roles = texts(&mut table, ctx, "roles").unwrap_or_default();
    let apps = texts(&mut table, ctx, "app_id").unwrap_or_default();
    let objects = texts(&mut table, ctx, "object_id").unwrap_or_default();
    if roles.is_empty() && apps.is_empty() && objects.is_empty() {
        // Entra gives any app of the tenant a token for any audience that does not ask for an assignment.
        table.missing(
            ctx,
            "roles",
            "must say who of the tenant may speak: `roles`, `app_id` or `object_id`",
        );
    }
    let authority = table
        .take::<String>(ctx, "authority")
        .unwrap_or_else(|| AUTHORITY.to_owned());
    let authority = defender::login_authority(&authority)
        .map_err(|why| table.fault(ctx, "authority", "bad-value", why.to_string()))
        .ok();
    let issuers = texts(&mut table, ctx, "issuer");
    table.finish(ctx);
    let (tenant_id, authority) = (tenant_id?, authority?);
    let both = || {
        vec![
            format!("https://sts.windows.net/{tenant_id}/"),
            format!("{authority}/{tenant_id}/v2.0"),
        ]
    };
    let lower = |ids: Vec<String>| ids.iter().map(|id| id.to_ascii_lowercase()).collect();
    Some(Entra {
        keys: format!("{authority}/{tenant_id}/discovery/v2.0/keys"),
        issuers: issuers.unwrap_or_else(both),
        audiences: audiences?,
        tenant_id,
        roles,
        apps: lower(apps),
        objects: lower(objects),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::header::AUTHORIZATION;

    use super::*;

    #[test]
    fn every_known_scheme_is_whole() {
        for known in KNOWN {
            let signed = SignedTemplate::parse(known.signed).unwrap();
            assert_eq!(
                signed.has_timestamp(),
                known.timestamp_header.is_some(),
                "{}",
                known.kind
            );
            assert_eq!(signed.has_id(), known.id_header.is_some(), "{}", known.kind);
            assert!(!known.timestamp_formats.is_empty());
            for name in [known.header, known.timestamp_header, known.id_header]
                .into_iter()
                .flatten()
            {
                assert_ne!(name.parse::<HeaderName>().unwrap(), AUTHORIZATION);
            }
            if let Some(other) = known.signed_with_timestamp {
                assert!(SignedTemplate::parse(other).unwrap().has_timestamp());
            }
        }
    }
}
