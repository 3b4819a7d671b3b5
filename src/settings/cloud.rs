//! `cloud`, `region`, and the three addresses that may be set in place of theirs.

use super::place::{Context, Section};
use crate::defender::{BadEndpoint, Cloud, Endpoints, Region};

/// The keys that say where a tenant's calls go.
const ADDRESSES: [&str; 4] = ["region", "api_base", "authority", "token_scope"];

/// Where the calls of a tenant of this name go; `None` where it cannot be said, and then there is a fault.
pub(super) fn endpoints<'i>(
    name: &str,
    section: &mut Section<'i>,
    ctx: &mut Context<'i>,
) -> Option<Endpoints> {
    let endpoints = read(section, ctx)?;
    ctx.endpoints.push((name.to_owned(), endpoints.clone()));
    Some(endpoints)
}

fn read<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Endpoints> {
    let cloud = cloud(section, ctx);
    let preset = match cloud {
        Some(Cloud::Custom) => {
            no_region(section, ctx);
            None
        }
        Some(cloud) => cloud.endpoints(region(section, ctx, cloud)),
        None => {
            // Whatever else is set, it is not known what for.
            section.pass_over(ctx, &ADDRESSES);
            return None;
        }
    };
    let mut url = |key: &'static str, of_preset: fn(&Endpoints) -> &str| {
        let own = section.take::<String>(ctx, key);
        let url = own.or_else(|| preset.as_ref().map(|preset| of_preset(preset).to_owned()));
        if url.is_none() && !section.knows(key) {
            section.missing(ctx, key, "must be given where cloud = \"custom\"");
        }
        url
    };
    let api_base = url("api_base", |preset| &preset.api_base);
    let authority = url("authority", |preset| &preset.authority);
    let token_scope = url("token_scope", |preset| &preset.token_scope);
    Endpoints::custom(&api_base?, &authority?, &token_scope?, preset.is_none())
        .map_err(|why| {
            let key = match &why {
                BadEndpoint::NotAUrl { setting }
                | BadEndpoint::UserInfo { setting }
                | BadEndpoint::PlainHttp { setting }
                | BadEndpoint::UnknownHost { setting, .. } => setting,
                BadEndpoint::Scope => "token_scope",
            };
            section.fault(ctx, key, "bad-value", why.to_string());
        })
        .ok()
}

/// The cloud. One that the tenant names beside another in `[tenant_defaults]` is meant with its own addresses: those of the
/// defaults belong to the other cloud, and a token must not go there.
fn cloud<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) -> Option<Cloud> {
    let shared = section
        .shared_text(ctx, "cloud")
        .unwrap_or_else(|| "commercial".to_owned());
    let word = section
        .take::<String>(ctx, "cloud")
        .unwrap_or_else(|| "commercial".to_owned());
    let cloud = match Cloud::of_word(&word) {
        Ok(cloud) => cloud,
        Err(why) => {
            section.fault(ctx, "cloud", "bad-value", why.to_string());
            return None;
        }
    };
    let own = section.knows("cloud") && !section.is_shared("cloud");
    match cloud {
        _ if !own || shared == word => {}
        Cloud::Custom => section.keep_own(&ADDRESSES[..1]),
        _ => section.keep_own(&ADDRESSES),
    }
    Some(cloud)
}

fn region<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>, cloud: Cloud) -> Option<Region> {
    if cloud != Cloud::Commercial {
        no_region(section, ctx);
        return None;
    }
    let must_be = "us, eu, uk, au, swa or ina; without it the global host is called";
    section.parse(ctx, "region", must_be, Region::of_word)
}

/// Of the other clouds there is one host each.
fn no_region<'i>(section: &mut Section<'i>, ctx: &mut Context<'i>) {
    let own = section.take::<String>(ctx, "region").is_some();
    if own {
        let message = "only the commercial cloud has regions; leave it out";
        section.fault(ctx, "region", "bad-value", message);
    }
}
