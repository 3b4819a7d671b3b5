//! `[[sources.x.auth]]`: how a sender proves itself. Kinds inside one entry must all hold, entries are alternatives.

mod certificates;
mod presented;
mod signatures;
mod tokens;

use super::place::{Context, Section};
use super::secret;
use certificates::certificate;
use presented::{fits, header, networks, pointer, username};
use scanhook_core::signature::{Algorithm, Authentication, Check, KNOWN, KeyEncoding, KnownScheme};
use signatures::scheme;
use tokens::entra;

/// The kinds that are no scheme of signatures. What costs least to check comes first; signatures come in between.
const BEFORE: [&str; 6] = ["ip", "mtls", "url_secret", "bearer", "header", "basic"];
const AFTER: [&str; 2] = ["body_secret", "entra_jwt"];

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
    let empty = !kinds.iter().any(|kind| entry.has(ctx, kind));
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
    if kind == "mtls" {
        return certificate(table, ctx).map(Check::ClientCertificate);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::header::AUTHORIZATION;

    use http::header::HeaderName;
    use scanhook_core::signature::SignedTemplate;

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
