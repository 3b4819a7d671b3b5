//! Schemes of signatures: what a kind presumes, with the table's keys over it. Time and id must be signed if they are there.

use core::time::Duration;

use http::header::HeaderName;

use super::presented::header_name;
use crate::settings::place::{Context, Section};
use crate::settings::secret;
use scanhook_core::signature::stamp::TOLERANCE;
use scanhook_core::signature::{
    Algorithm, Encoding, KeyEncoding, KnownScheme, Scheme, Separator, SignedTemplate, SignedTime,
    StampPlace, TimeFormat,
};

/// A scheme of signatures: what the kind presumes, with the table's keys over it.
pub(super) fn scheme<'i>(
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
