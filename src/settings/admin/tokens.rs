//! `[admin.tokens.x]`: tokens of programs, by their hashes.

use core::time::Duration;
use std::collections::BTreeSet;

use serde::Deserialize;
use toml::value::Datetime;

use crate::settings::place::{Context, Section};
use scanhook_core::access::{AccessToken, AccessTokenHash, AdminGrant, AdminRole, TenantScope};
use scanhook_core::time::Timestamp;

/// A date or an instant, as TOML writes them or as text.
#[derive(Deserialize)]
#[serde(untagged)]
enum DateOrText {
    Date(Datetime),
    Text(String),
}

pub(super) fn read<'i>(
    section: &mut Section<'i>,
    tenants: &[String],
    ctx: &mut Context<'i>,
) -> Vec<AccessToken> {
    let mut tokens: Vec<AccessToken> = Vec::new();
    for (name, table) in section.sections(ctx, &mut [], "tokens") {
        if let Some(token) = one(name, table, tenants, &tokens, ctx) {
            tokens.push(token);
        }
    }
    tokens
}

fn one<'i>(
    name: String,
    mut table: Section<'i>,
    tenants: &[String],
    before: &[AccessToken],
    ctx: &mut Context<'i>,
) -> Option<AccessToken> {
    let hash = table.parse(
        ctx,
        "hash",
        "the hash that `scanhook token` printed: sha256: and 64 hexadecimal digits",
        AccessTokenHash::parse,
    );
    let role = table.parse(
        ctx,
        "role",
        "viewer, approver, operator or admin",
        AdminRole::of_code,
    );
    for (key, absent) in [("hash", hash.is_none()), ("role", role.is_none())] {
        if absent && !table.knows(key) {
            table.missing(
                ctx,
                key,
                "must be given; `scanhook token NAME` prints the whole table",
            );
        }
    }
    if let Some(twin) = before.iter().find(|other| Some(other.hash) == hash) {
        let message = format!(
            "is the hash of token `{}` as well: each token has one name",
            twin.name
        );
        table.fault(ctx, "hash", "bad-value", message);
    }
    let scope = scope(&mut table, tenants, ctx);
    let until = until(&mut table, ctx);
    let for_others = table.take(ctx, "for_others").unwrap_or(false);
    table.finish(ctx);
    Some(AccessToken {
        name,
        hash: hash?,
        grant: AdminGrant {
            role: role?,
            tenants: scope?,
        },
        until,
        for_others,
    })
}

/// The tenants that a grant is for; an empty list would be read as "all" by some and as "none" by others.
fn scope<'i>(
    table: &mut Section<'i>,
    tenants: &[String],
    ctx: &mut Context<'i>,
) -> Option<TenantScope> {
    let Some(names) = table.texts(ctx, "tenants") else {
        return (!table.knows("tenants")).then_some(TenantScope::All);
    };
    scope_of(Some(names), tenants)
        .map_err(|why| table.fault(ctx, "tenants", "bad-value", why))
        .ok()
}

/// The same of a list that was read.
pub(super) fn scope_of(
    names: Option<Vec<String>>,
    tenants: &[String],
) -> Result<TenantScope, String> {
    let Some(names) = names else {
        return Ok(TenantScope::All);
    };
    if names.is_empty() {
        return Err("must name a tenant; leave the key out for all".to_owned());
    }
    if let Some(unknown) = names.iter().find(|name| !tenants.contains(name)) {
        return Err(format!(
            "`{}` is not a configured tenant",
            unknown.escape_debug()
        ));
    }
    Ok(TenantScope::Only(
        names.into_iter().collect::<BTreeSet<_>>(),
    ))
}

/// When it ends. A date means the end of that day in UTC.
fn until<'i>(table: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Timestamp> {
    let text = match table.take::<DateOrText>(ctx, "until")? {
        DateOrText::Date(date) => date.to_string(),
        DateOrText::Text(text) => text,
    };
    let end = Timestamp::parse(&text).or_else(|| {
        let day = Timestamp::parse(&format!("{text}T00:00:00Z"))?;
        Some(day.plus(Duration::from_secs(86_400)))
    });
    if end.is_none() {
        table.fault(
            ctx,
            "until",
            "bad-value",
            "must be a date such as 2027-06-30",
        );
    }
    end
}
